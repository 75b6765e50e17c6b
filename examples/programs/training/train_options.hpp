#pragma once
/// The options of abell-train, their record in config.json, and what `fit` gets.

#include <abell/core/version.hpp>
#include <abell/data/augment.hpp>
#include <abell/training/fit.hpp>
#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "../common/memory_limit.hpp"
#include "../common/option_record.hpp"
#include "../common/program.hpp"
#include "../common/run_folder.hpp"
#include "task_options.hpp"
#include "training_defaults.hpp"

namespace abell::program {

struct TrainOptions;

/// An option that only some choices of another option use: --momentum only --optimizer sgd.
struct DependentOption {
  std::string name;  ///< without dashes
  bool used;
  std::string expected;                      ///< the choices that use it
  std::string found;                         ///< what was chosen in their place
  std::function<void(TrainOptions&)> reset;  ///< gives it its default
};

/// What is left open gets Table 4's value for the network (`resolve`); the augmentation ranges, which the
/// paper does not tell, are those of `Augmentation`.
struct TrainOptions {
  std::string data, out;
  CommonOptions common;
  TaskOptions task;
  std::string network = "custom";  ///< or a file .json, .keras, .h5 or .onnx
  double alpha = 1;                ///< width of MobileNet
  std::optional<std::uint64_t> iterations;
  std::optional<int> epochs;
  std::optional<int> batch;
  std::optional<std::string> optimizer;
  std::optional<double> learning_rate;
  double momentum = 0.9;
  double rho = 0.95;
  double weight_decay = 1e-2;
  std::optional<double> decay;
  std::string schedule = "plateau";
  std::optional<std::uint64_t> warm_up;  ///< of cosine
  double clip_norm = 0;
  std::optional<int> patience;
  std::optional<double> factor;
  std::optional<double> min_rate;
  int early_stopping = 0;
  double validation_fraction = 0.1;
  std::optional<double> dropout;                    ///< of a network by name
  std::optional<Architecture<>> architecture = {};  ///< of a file
  double ema_decay = 0;
  std::vector<std::string> positive;
  std::string class_weights = "none";
  double label_smoothing = 0;
  bool no_augment = false;
  Augmentation augmentation;
  std::vector<double> shift{0.05};
  std::string flips = "both";
  std::optional<std::string> scale;  ///< goes to `preprocessing`
  Preprocessing preprocessing;
  std::string weights, cache;
  std::uint64_t max_memory = half_of_memory();
  int preview = 0;  ///< objects to write as pictures, in place of training
  bool tta = false;
  bool resume = false, overwrite = false;
  double checkpoint_minutes = 5;  ///< 0: only at the end of an epoch
  Json given = Json::object();    ///< the options as typed, for config.json

  static constexpr std::uint64_t table4_iterations = network_defaults.front().iterations;

  /// Fills what is open. To be called once the network and all that the user gave are set, before anything below.
  /// Throws OptionError for options that do not go together.
  void resolve() {
    for (const DependentOption& option : dependent_options()) {
      if (!option.used) option.reset(*this);
    }
    task.check();
    check(choice(2));
    if (is_architecture_file(network) && !architecture) architecture = read_network_file(network);
    const auto fill = [](auto& option, const auto& value) {
      if (!option) option = value;
    };
    if (has_dropout_option()) fill(dropout, paper_dropout);
    const NetworkDefaults& of_network = defaults_of(network_defaults, defaults_name());
    fill(batch, of_network.batch);
    if (!epochs) fill(iterations, of_network.iterations);
    fill(patience, of_network.patience);
    fill(factor, of_network.factor);
    fill(scale, std::string(of_network.scale));
    preprocessing.scale = *scale;
    optimizer = optimizer_name();
    const OptimizerDefaults& of_optimizer = defaults_of(optimizer_defaults, *optimizer);
    fill(learning_rate, of_optimizer.learning_rate);
    fill(decay, of_optimizer.decay);
    fill(min_rate, of_optimizer.min_rate);
  }

  /// Whether --dropout decides about the network's.
  bool has_dropout_option() const { return std::ranges::find(network_names, network) != network_names.end(); }
  /// The optimizer chosen, or the network's own.
  std::string optimizer_name() const {
    return optimizer.value_or(std::string(defaults_of(network_defaults, defaults_name()).optimizer));
  }
  /// All options that are used or not by what these options choose.
  std::vector<DependentOption> dependent_options() const;
  /// Whose defaults the network has: its own, or for a file those of the task's.
  std::string defaults_name() const {
    return !is_architecture_file(network) ? network : task.task() == Task::segment ? "unet" : "custom";
  }
  /// The network with so many outputs.
  NetworkChoice choice(int outputs) const {
    return {network, task.task(), outputs, dropout.value_or(0), task.size.value_or(default_unet_size),
            alpha,   architecture};
  }
  Optimizer make_optimizer() const {
    const double rate = learning_rate.value(), fall = decay.value();
    if (optimizer == "adam") return Adam{.learning_rate = rate, .decay = fall};
    if (optimizer == "adamw") return AdamW{.learning_rate = rate, .weight_decay = weight_decay, .decay = fall};
    if (optimizer == "adadelta") return Adadelta{.learning_rate = rate, .rho = rho, .decay = fall};
    return Sgd{.learning_rate = rate, .momentum = momentum, .decay = fall};
  }
  Schedule make_schedule() const {
    if (schedule == "constant") return ConstantRate{};
    if (schedule == "cosine") return WarmUpCosine{.warm_up = warm_up.value_or(WarmUpCosine{}.warm_up)};
    return ReduceOnPlateau{.factor = factor.value(), .patience = patience.value(), .min_rate = min_rate.value()};
  }
  FitOptions fit_options(const std::vector<float>& weights_of_classes = {}) const {
    FitOptions options;
    options.batch = batch.value();
    options.epochs = epochs.value_or(1);
    options.iterations = epochs ? 0 : iterations.value();
    options.optimizer = make_optimizer();
    options.schedule = make_schedule();
    options.clip_norm = clip_norm;
    if (early_stopping > 0) options.early_stopping = EarlyStopping{.patience = early_stopping};
    options.ema_decay = ema_decay;
    options.loss = task.task() == Task::classify
                       ? SoftmaxCrossEntropy{.class_weights = weights_of_classes, .label_smoothing = label_smoothing}
                       : task.make_loss();
    options.seed = common.seed;
    options.threads = common.threads;
    return options;
  }
  std::optional<Augmentation> draws() const {
    if (no_augment) return std::nullopt;
    Augmentation a = augmentation;
    a.height_shift = shift.front();
    a.width_shift = shift.back();
    a.horizontal_flip = flips == "both" || flips == "horizontal";
    a.vertical_flip = flips == "both" || flips == "vertical";
    return a;
  }

  /// Every option that the result depends on, so a resumed run must agree; the data have a record of their own.
  Json record() const {
    Json json{{"version", version},
              {"network", network_title(network)},
              {"seed", common.seed},
              {"batch", batch.value()},
              {"optimizer", optimizer.value()},
              {"learning_rate", learning_rate.value()},
              {"decay", decay.value()},
              {"plateau_patience", patience.value()},
              {"plateau_factor", factor.value()},
              {"plateau_min_rate", min_rate.value()},
              {"early_stopping", early_stopping},
              {"validation_fraction", validation_fraction},
              {"dropout", dropout ? Json(*dropout) : Json(nullptr)},
              {"ema_decay", ema_decay},
              {"class_weights", class_weights},
              {"preprocessing", Json(nlohmann::json(preprocessing))},
              {"weights", weights.empty() ? weights : absolute_path(weights)},
              {"augment", !no_augment}};
    if (schedule != "plateau") {
      for (const char* other : {"plateau_patience", "plateau_factor", "plateau_min_rate"}) json.erase(other);
      json["schedule"] = schedule;
    }
    if (schedule == "cosine") json["warm_up"] = warm_up.value_or(WarmUpCosine{}.warm_up);
    if (alpha != 1) json["alpha"] = alpha;
    if (clip_norm > 0) json["clip_norm"] = clip_norm;
    if (label_smoothing > 0) json["label_smoothing"] = label_smoothing;
    task.record(json);
    if (!dropout) json.erase("dropout");
    if (architecture) {
      json.erase("size");
      json["input"] = {architecture->input.height, architecture->input.width, architecture->input.channels};
      json["layers"] = abell::detail::layers_json(architecture->layers);
    }
    if (optimizer == "sgd") json["momentum"] = momentum;
    if (optimizer == "adadelta") json["rho"] = rho;
    if (optimizer == "adamw") json["weight_decay"] = weight_decay;
    if (const auto a = draws()) {
      json["augmentation"] = {{"rotation", a->rotation},
                              {"height_shift", a->height_shift},
                              {"width_shift", a->width_shift},
                              {"zoom", a->zoom},
                              {"horizontal_flip", a->horizontal_flip},
                              {"vertical_flip", a->vertical_flip},
                              {"fill", "nearest"},
                              {"interpolation", "bilinear"}};
    }
    return json;
  }
};

inline std::vector<DependentOption> TrainOptions::dependent_options() const {
  std::vector<DependentOption> all;
  const auto add = [&](const char* name, bool used, const std::string& expected, const std::string& chosen,
                       auto member) {
    all.push_back({name, used, expected, chosen, [member](TrainOptions& options) {
                     TrainOptions defaults;
                     member(options) = member(defaults);
                   }});
  };
  const std::string rule = optimizer_name();
  add(
      "momentum", rule == "sgd", "--optimizer sgd", rule, [](auto& o) -> auto& { return o.momentum; });
  add(
      "rho", rule == "adadelta", "--optimizer adadelta", rule, [](auto& o) -> auto& { return o.rho; });
  add(
      "weight-decay", rule == "adamw", "--optimizer adamw", rule, [](auto& o) -> auto& { return o.weight_decay; });

  const bool plateau = schedule == "plateau";
  add(
      "patience", plateau, "--schedule plateau", schedule, [](auto& o) -> auto& { return o.patience; });
  add(
      "factor", plateau, "--schedule plateau", schedule, [](auto& o) -> auto& { return o.factor; });
  add(
      "min-rate", plateau, "--schedule plateau", schedule, [](auto& o) -> auto& { return o.min_rate; });
  add(
      "warm-up", schedule == "cosine", "--schedule cosine", schedule, [](auto& o) -> auto& { return o.warm_up; });

  const std::string& by = task.name;
  const bool classify = by == "classify", regress = by == "regress", segment = by == "segment";
  add(
      "target", regress, "--task regress", by, [](auto& o) -> auto& { return o.task.targets; });
  add(
      "loss", regress, "--task regress", by, [](auto& o) -> auto& { return o.task.loss; });
  add(
      "positive", classify, "--task classify", by, [](auto& o) -> auto& { return o.positive; });
  add(
      "class-weights", classify, "--task classify", by, [](auto& o) -> auto& { return o.class_weights; });
  add(
      "label-smoothing", classify, "--task classify", by, [](auto& o) -> auto& { return o.label_smoothing; });
  add(
      "tta", classify, "--task classify", by, [](auto& o) -> auto& { return o.tta; });

  add(
      "alpha", network == "mobilenet", "--network mobilenet", network, [](auto& o) -> auto& { return o.alpha; });
  add(
      "dropout", has_dropout_option(), "--network custom or mobilenet", network,
      [](auto& o) -> auto& { return o.dropout; });
  add(
      "size", network == "unet", segment ? "--network unet" : "--task segment", segment ? network : by,
      [](auto& o) -> auto& { return o.task.size; });

  const auto of_augmentation = [&](const char* name, auto member) {
    add(name, !no_augment, "random changes of the images", "--no-augment", member);
  };
  of_augmentation(
      "rotation", [](auto& o) -> auto& { return o.augmentation.rotation; });
  of_augmentation(
      "shift", [](auto& o) -> auto& { return o.shift; });
  of_augmentation(
      "zoom", [](auto& o) -> auto& { return o.augmentation.zoom; });
  of_augmentation(
      "flips", [](auto& o) -> auto& { return o.flips; });
  return all;
}

}  // namespace abell::program

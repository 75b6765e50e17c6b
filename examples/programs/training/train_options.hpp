#pragma once
/// The options of abell-train: the command line, the record in config.json, and what `fit` gets.

#include <abell/core/version.hpp>
#include <abell/data/augment.hpp>
#include <abell/training/fit.hpp>
#include <optional>
#include <string>
#include <vector>

#include "../common/memory_limit.hpp"
#include "../common/option_record.hpp"
#include "../common/preprocessing.hpp"
#include "../common/program.hpp"
#include "../common/run_folder.hpp"
#include "task_options.hpp"
#include "training_defaults.hpp"

namespace abell::program {

/// What is left open gets Table 4's value for the network (`resolve`); the augmentation ranges, which the
/// paper does not tell, are those of `Augmentation`.
struct TrainOptions {
  std::string data, out;
  CommonOptions common;
  TaskOptions task;
  std::string network = "custom";  ///< or a file .json, .keras or .h5
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
  /// Throws OptionError for options of another task or schedule than the one that was chosen.
  void resolve() {
    task.check();
    check(choice(2));
    const bool from_file = is_architecture_file(network);
    if (from_file && (dropout || task.size)) {
      throw OptionError("--dropout, --size: expected a network by name, found " + network + ", which has its own");
    }
    if (from_file && !architecture) architecture = read_network_file(network);
    if (task.task() != Task::classify && (!positive.empty() || class_weights != "none" || label_smoothing > 0 || tta)) {
      throw OptionError("--positive, --class-weights, --label-smoothing, --tta: expected --task classify, found " +
                        task.name);
    }
    if (alpha != 1 && network != "mobilenet") {
      throw OptionError("--alpha: expected --network mobilenet, found " + network);
    }
    const auto refuse = [&](bool any, const char* options, const char* belong) {
      if (!any || schedule == belong) return;
      throw OptionError(std::string(options) + ": expected --schedule " + belong + ", found " + schedule);
    };
    refuse(patience || factor || min_rate, "--patience, --factor, --min-rate", "plateau");
    refuse(warm_up.has_value(), "--warm-up", "cosine");
    const auto fill = [](auto& option, const auto& value) {
      if (!option) option = value;
    };
    if (!from_file) fill(dropout, paper_dropout);
    const NetworkDefaults& of_network = defaults_of(network_defaults, defaults_name());
    fill(batch, of_network.batch);
    if (!epochs) fill(iterations, of_network.iterations);
    fill(patience, of_network.patience);
    fill(factor, of_network.factor);
    fill(scale, std::string(of_network.scale));
    preprocessing.scale = *scale;
    fill(optimizer, std::string(of_network.optimizer));
    const OptimizerDefaults& of_optimizer = defaults_of(optimizer_defaults, *optimizer);
    fill(learning_rate, of_optimizer.learning_rate);
    fill(decay, of_optimizer.decay);
    fill(min_rate, of_optimizer.min_rate);
  }

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

/// What a run that goes on may be told anew.
inline constexpr const char* may_change =
    "What it may be told anew: --epochs or --iterations (not before where it stands, and not with --schedule cosine),\n"
    "--threads, --tta, --cache, --checkpoint-minutes, -q and -v.";

inline void add_train_options(CLI::App& app, TrainOptions& o) {
  app.add_option("DATA", o.data, "Kosiba2020 folder, folder of class folders, or table of images")
      ->type_name(path_type);
  app.add_option("--out", o.out, "Folder of the run")->required()->configurable(false);
  add_common(app, o.common);
  for (const char* name : {"--quiet", "--verbose"}) app.get_option(name)->configurable(false);
  app.add_option("--network", o.network,
                 "Network to train: custom, mobilenet, for --task segment unet, or a file: its layers in "
                 "FILE.json (see examples/networks), or a whole Keras model, FILE.keras or FILE.h5, which learns with "
                 "the defaults of custom, or of unet")
      ->check([](const std::string& name) {
        const bool known = name == "custom" || name == "mobilenet" || name == "unet" || is_architecture_file(name);
        return known ? std::string()
                     : "expected custom, mobilenet, unet or a file .json, .keras or .h5, found '" + name + "'";
      })
      ->capture_default_str();
  app.add_option("--alpha", o.alpha, "Width of mobilenet: the share of each layer's filters")
      ->check(within(0.05, 4))
      ->capture_default_str();
  const auto by_network = [](const char* what, auto member) { return what + shown_defaults(network_defaults, member); };
  const auto by_optimizer = [](const char* what, auto member) {
    return what + shown_defaults(optimizer_defaults, member);
  };
  auto* iterations = app.add_option("--iterations", o.iterations,
                                    by_network("Training steps in all", &NetworkDefaults::iterations) + ": Table 4")
                         ->check(within(1, 1e9));
  app.add_option("--epochs", o.epochs, "Epochs, in place of --iterations")->excludes(iterations)->check(within(1, 1e9));
  app.add_option("--batch", o.batch, by_network("Images in a step", &NetworkDefaults::batch))
      ->check(CLI::Range(1, 4096));
  app.add_option("--optimizer", o.optimizer,
                 by_network("sgd (Nesterov momentum), adam, adamw or adadelta", &NetworkDefaults::optimizer))
      ->check(CLI::IsMember({"sgd", "adam", "adamw", "adadelta"}));
  app.add_option("--learning-rate", o.learning_rate, by_optimizer("Learning rate", &OptimizerDefaults::learning_rate));
  app.add_option("--momentum", o.momentum, "Momentum of sgd")->capture_default_str();
  app.add_option("--rho", o.rho, "Decay of adadelta's means")->capture_default_str();
  app.add_option("--weight-decay", o.weight_decay, "Weight decay of adamw, times the learning rate a step")
      ->capture_default_str();
  app.add_option("--decay", o.decay,
                 by_optimizer("Learning rate at update t is divided by 1 + decay t", &OptimizerDefaults::decay));
  app.add_option("--schedule", o.schedule,
                 "How the learning rate goes besides: plateau (--patience, --factor, --min-rate), constant, or cosine: "
                 "rises over --warm-up steps, then falls along half a cosine to 0 at the last step")
      ->check(CLI::IsMember({"plateau", "constant", "cosine"}))
      ->capture_default_str();
  app.add_option("--warm-up", o.warm_up,
                 "Steps over which the rate of cosine rises (default: " + std::to_string(WarmUpCosine{}.warm_up) + ")")
      ->check(within(0, 1e9));
  app.add_option("--clip-norm", o.clip_norm, "Most that the Euclidean norm of all gradients may be (0: any)")
      ->check(within(0, 1e12))
      ->capture_default_str();
  app.add_option(
         "--patience", o.patience,
         by_network("Epochs without a lower validation loss before the rate is lowered", &NetworkDefaults::patience))
      ->check(within(1, 1e9));
  app.add_option("--factor", o.factor, by_network("What the rate is then multiplied by", &NetworkDefaults::factor))
      ->check(within(0.01, 1));
  app.add_option("--min-rate", o.min_rate, by_optimizer("Floor of the rate", &OptimizerDefaults::min_rate))
      ->check(within(0, 1e6));
  app.add_option("--early-stopping", o.early_stopping,
                 "Stop after this many epochs without a lower validation loss (0: never)")
      ->check(within(0, 1e9))
      ->capture_default_str();
  app.add_option("--dropout", o.dropout,
                 "Share of the dense layer's units dropped in training (default: " + number(paper_dropout) + ")")
      ->check(within(0, 0.99));
  app.add_option(
         "--ema-decay,--average", o.ema_decay,
         "Validate, keep and test an exponential moving average of the weights with this decay a step (0: the weights)")
      ->check(within(0, 0.99999))
      ->capture_default_str();
  app.add_option("--validation-fraction", o.validation_fraction, "Share of the training set held out, by class")
      ->check(within(0, 0.99))
      ->capture_default_str();
  app.add_option("--positive", o.positive,
                 "Classes that count as clusters, A,B (default: low-z,hi-z; else cluster(s); else the last)")
      ->delimiter(',');
  app.add_option("--class-weights", o.class_weights, "none, or balanced: each class weighs the same in the loss")
      ->check(CLI::IsMember({"none", "balanced"}))
      ->capture_default_str();
  app.add_option("--label-smoothing", o.label_smoothing,
                 "Share of each label that is spread over all classes in the loss of classify")
      ->check(within(0, 0.99))
      ->capture_default_str();
  add_preprocessing(app, o.preprocessing);
  app.add_option("--scale", o.scale,
                 by_network("How values of 0..255 become the network's numbers: unit x/255, symmetric x/127.5-1, or "
                            "standard: mean 0 and variance 1",
                            &NetworkDefaults::scale))
      ->check(CLI::IsMember({"unit", "symmetric", "standard"}));
  app.add_flag("--no-augment", o.no_augment, "Train on the images as they are");
  app.add_option("--rotation", o.augmentation.rotation, "Random rotation, +- degrees")->capture_default_str();
  app.add_option("--shift", o.shift, "Random shift, share of the side (or pixels from 1 on); rows[,columns]")
      ->delimiter(',')
      ->expected(1, 2)
      ->check(within(0, 1e4))
      ->capture_default_str();
  app.add_option("--zoom", o.augmentation.zoom, "Random zoom, 1 +- this, rows and columns independently")
      ->capture_default_str();
  app.add_option("--flips", o.flips, "Random flips")
      ->check(CLI::IsMember({"both", "horizontal", "vertical", "none"}))
      ->capture_default_str();
  app.add_option("--weights", o.weights,
                 "Start from the weights of this model file, Keras file (.h5, .keras) or "
                 "PyTorch state dict (.safetensors)")
      ->type_name(path_type);
  add_max_memory(app, o.max_memory, "a training step, or a file of weights,");
  app.add_option("--cache", o.cache,
                 "Decoded pixels: off, ram, or a folder for a scratch file (default: the run's folder)");
  app.add_flag(
      "--tta", o.tta,
      "Evaluate with probabilities averaged over the 8 flips and quarter turns of each image (metrics.json has "
      "the figures without, too)");
  app.add_option("--checkpoint-minutes", o.checkpoint_minutes,
                 "Save this often within an epoch, too (0: only at its end)")
      ->check(within(0, 1e6))
      ->capture_default_str();
  auto* resume = app.add_flag("--resume", o.resume, "Go on with the run in --out, or start it; needs no other option")
                     ->configurable(false);
  app.add_option("--preview", o.preview,
                 "Write this many objects as the network would see them to OUT/previews/*.png, and stop; FITS images "
                 "have their first row on top")
      ->excludes(resume)
      ->check(within(1, 1e6))
      ->configurable(false);
  app.add_flag("--overwrite", o.overwrite, "Write into --out although it is not empty")
      ->excludes(resume)
      ->configurable(false);
  app.footer(
      "Examples:\n"
      "  abell-train Kosiba2020 --out runs/cn-e\n"
      "  abell-train galaxies --out runs/g --epochs 30 --learning-rate 0.01 --scale standard\n"
      "  abell-train --out runs/cn-e --resume\n"
      "  abell-train cutouts --out runs/look --preview 12 --exposure divide --smooth xray=adaptive:25 \\\n"
      "              --interval xray=percentile:99.5,optical=zscale --stretch asinh\n"
      "Ctrl-C finishes the step, saves and exits with 130; --resume goes on to the same result, with the options in\n"
      "--out/config.json. " +
      std::string(may_change));
}

/// Takes what was not given from config.json when a run is to go on, and notes what was. Throws OptionError without
/// DATA.
inline void complete_options(CLI::App& app, TrainOptions& o) {
  if (o.resume) fill_from_run(app, o.out);
  if (o.task.task() == Task::segment && app.count("--network") == 0) o.network = "unet";
  if (o.data.empty()) throw OptionError("DATA is required (see " + app.get_name() + " --help)");
  o.given = given_options(app);
  if (is_architecture_file(o.network)) o.given["network"] = absolute_path(o.network);
}

}  // namespace abell::program

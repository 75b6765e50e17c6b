#pragma once
/// The options of abell-train: the command line, the record in config.json, and what `fit` gets.

#include <abell/core/version.hpp>
#include <abell/data/augment.hpp>
#include <abell/training/fit.hpp>
#include <optional>
#include <string>
#include <vector>

#include "preprocessing.hpp"
#include "program.hpp"
#include "run_folder.hpp"

namespace abell::program {

/// Defaults are Table 4 of the paper for the custom network; the augmentation ranges, which the paper
/// does not tell, are those of `Augmentation`.
struct TrainOptions {
  std::string data, out;
  CommonOptions common;
  std::string network = "custom";
  std::optional<std::uint64_t> iterations;
  std::optional<int> epochs;
  int batch = 10;
  std::string optimizer = "sgd";
  std::optional<double> learning_rate;
  double momentum = 0.9;
  double decay = 1e-6;
  int patience = 14;
  double factor = 0.75;
  double min_rate = 1e-4;
  int early_stopping = 0;
  double validation_fraction = 0.1;
  double dropout = 0.65;
  std::vector<std::string> positive;
  std::string class_weights = "none";
  bool no_augment = false;
  Augmentation augmentation;
  std::vector<double> shift{0.05};
  std::string flips = "both";
  Preprocessing preprocessing;
  std::string weights, cache;
  int preview = 0;  ///< objects to write as pictures, in place of training
  bool tta = false;
  bool resume = false, overwrite = false;

  static constexpr std::uint64_t table4_iterations = 153000;

  Optimizer make_optimizer() const {
    if (optimizer == "adam") return Adam{.learning_rate = learning_rate.value_or(1e-3), .decay = decay};
    return Sgd{.learning_rate = learning_rate.value_or(1e-4), .momentum = momentum, .decay = decay};
  }
  FitOptions fit_options(const std::vector<float>& weights_of_classes) const {
    FitOptions options;
    options.batch = batch;
    options.epochs = epochs.value_or(1);
    options.iterations = epochs ? 0 : iterations.value_or(table4_iterations);
    options.optimizer = make_optimizer();
    options.plateau = ReduceOnPlateau{.factor = factor, .patience = patience, .min_rate = min_rate};
    if (early_stopping > 0) options.early_stopping = EarlyStopping{.patience = early_stopping};
    options.class_weights = weights_of_classes;
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

  /// Every option that the result depends on, so a resumed run must agree.
  Json record() const {
    Json json{{"version", version},
              {"data", data},
              {"network", network},
              {"seed", common.seed},
              {"batch", batch},
              {"optimizer", optimizer},
              {"learning_rate", abell::learning_rate(make_optimizer())},
              {"decay", decay},
              {"plateau_patience", patience},
              {"plateau_factor", factor},
              {"plateau_min_rate", min_rate},
              {"early_stopping", early_stopping},
              {"validation_fraction", validation_fraction},
              {"dropout", dropout},
              {"class_weights", class_weights},
              {"preprocessing", Json(nlohmann::json(preprocessing))},
              {"weights", weights},
              {"augment", !no_augment}};
    if (optimizer == "sgd") json["momentum"] = momentum;
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

inline void add_train_options(CLI::App& app, TrainOptions& o) {
  app.add_option("DATA", o.data, "Kosiba2020 folder, folder of class folders, or table of images")->required();
  app.add_option("--out", o.out, "Folder of the run")->required();
  add_common(app, o.common);
  app.add_option("--network", o.network, "Network to train")->check(CLI::IsMember({"custom"}))->capture_default_str();
  auto* iterations = app.add_option("--iterations", o.iterations, "Training steps in all (default: 153000, Table 4)")
                         ->check(within(1, 1e9));
  app.add_option("--epochs", o.epochs, "Epochs, in place of --iterations")->excludes(iterations)->check(within(1, 1e9));
  app.add_option("--batch", o.batch, "Images in a step")->check(CLI::Range(1, 4096))->capture_default_str();
  app.add_option("--optimizer", o.optimizer, "sgd (Nesterov momentum) or adam")
      ->check(CLI::IsMember({"sgd", "adam"}))
      ->capture_default_str();
  app.add_option("--learning-rate", o.learning_rate, "Learning rate (default: 1e-4 for sgd, 1e-3 for adam)");
  app.add_option("--momentum", o.momentum, "Momentum of sgd")->capture_default_str();
  app.add_option("--decay", o.decay, "Learning rate at update t is divided by 1 + decay t")->capture_default_str();
  app.add_option("--patience", o.patience, "Epochs without a lower validation loss before the rate is lowered")
      ->check(within(1, 1e9))
      ->capture_default_str();
  app.add_option("--factor", o.factor, "What the rate is then multiplied by")
      ->check(within(0.01, 1))
      ->capture_default_str();
  app.add_option("--min-rate", o.min_rate, "Floor of the rate")->check(within(0, 1e6))->capture_default_str();
  app.add_option("--early-stopping", o.early_stopping,
                 "Stop after this many epochs without a lower validation loss (0: never)")
      ->check(within(0, 1e9))
      ->capture_default_str();
  app.add_option("--dropout", o.dropout, "Share of the dense layer's units dropped in training")
      ->check(within(0, 0.99))
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
  add_preprocessing(app, o.preprocessing);
  app.add_flag("--no-augment", o.no_augment, "Train on the images as they are");
  app.add_option("--rotation", o.augmentation.rotation, "Random rotation, +- degrees")->capture_default_str();
  app.add_option("--shift", o.shift, "Random shift, share of the side (or pixels from 1 on); rows[,columns]")
      ->delimiter(',')
      ->expected(1, 2)
      ->capture_default_str();
  app.add_option("--zoom", o.augmentation.zoom, "Random zoom, 1 +- this, rows and columns independently")
      ->capture_default_str();
  app.add_option("--flips", o.flips, "Random flips")
      ->check(CLI::IsMember({"both", "horizontal", "vertical", "none"}))
      ->capture_default_str();
  app.add_option("--weights", o.weights, "Start from the weights of this model file, or Keras file (.h5)");
  app.add_option("--cache", o.cache,
                 "Decoded pixels: off, ram, or a folder for a scratch file (default: the run's folder)");
  app.add_flag(
      "--tta", o.tta,
      "Evaluate with probabilities averaged over the 8 flips and quarter turns of each image (metrics.json has "
      "the figures without, too)");
  auto* resume = app.add_flag("--resume", o.resume, "Go on with the run in --out");
  app.add_option("--preview", o.preview,
                 "Write this many objects as the network would see them to OUT/previews/*.png, and stop; FITS images "
                 "have their first row on top")
      ->excludes(resume)
      ->check(within(1, 1e6));
  app.add_flag("--overwrite", o.overwrite, "Write into --out although it is not empty")->excludes(resume);
  app.footer(
      "Examples:\n"
      "  abell-train Kosiba2020 --out runs/cn-e\n"
      "  abell-train galaxies --out runs/g --epochs 30 --learning-rate 0.01 --scale standard\n"
      "  abell-train Kosiba2020 --out runs/cn-e --resume\n"
      "  abell-train cutouts --out runs/look --preview 12 --exposure divide --smooth xray=adaptive:25 \\\n"
      "              --interval xray=percentile:99.5,optical=zscale --stretch asinh\n"
      "Ctrl-C finishes the step, saves and exits with 130; --resume goes on to the same result.");
}

}  // namespace abell::program

#pragma once
/// The command line of abell-train.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "../common/preprocessing.hpp"
#include "../common/program.hpp"
#include "train_options.hpp"

namespace abell::program {

/// What may change in a run that continues.
inline constexpr const char* may_change =
    "Options that may change: --epochs or --iterations (not below what is done, and not with --schedule cosine),\n"
    "--threads, --tta, --cache, --checkpoint-minutes, -q and -v.";

inline void add_train_options(CLI::App& app, TrainOptions& o) {
  const auto heading = [&](const char* text) { app.option_defaults()->group(text); };
  heading("Run");
  app.add_option("DATA", o.data, "Kosiba2020 folder, folder of class folders, or table of images")
      ->type_name(path_type);
  app.add_option("--out", o.out, "Folder of the run")->required()->type_name(folder_type);
  add_common(app, o.common);
  heading("Network");
  app.add_option("--network", o.network,
                 "Network to train; unet is that of --task segment. A file of layers (see examples/networks), or a "
                 "whole Keras model, learns with the defaults of custom, or of unet")
      ->transform(one_of({"custom", "mobilenet", "unet"}, is_architecture_file, "a file .json, .keras, .h5 or .onnx"))
      ->capture_default_str();
  app.add_option("--alpha", o.alpha, "Width of mobilenet: share of each layer's filters")
      ->check(within(0.05, 4))
      ->capture_default_str();
  const auto by_network = [](const char* what, auto member) { return what + shown_defaults(network_defaults, member); };
  const auto by_optimizer = [](const char* what, auto member) {
    return what + shown_defaults(optimizer_defaults, member);
  };
  app.add_option("--dropout", o.dropout,
                 "Share of the dense layer's units dropped in training (default: " + number(paper_dropout) + ")")
      ->check(within(0, 0.99));
  heading("Training");
  auto* iterations = app.add_option("--iterations", o.iterations,
                                    by_network("Training steps in all", &NetworkDefaults::iterations) + ": Table 4")
                         ->check(within(1, 1e9));
  app.add_option("--epochs", o.epochs, "Epochs, in place of --iterations")->excludes(iterations)->check(within(1, 1e9));
  app.add_option("--batch", o.batch, by_network("Images per step", &NetworkDefaults::batch))->check(within(1, 4096));
  app.add_option("--optimizer", o.optimizer,
                 by_network("Optimizer; sgd has Nesterov momentum", &NetworkDefaults::optimizer))
      ->transform(one_of({"sgd", "adam", "adamw", "adadelta"}));
  app.add_option("--momentum", o.momentum, "Momentum of sgd")->capture_default_str();
  app.add_option("--rho", o.rho, "Decay of adadelta's means")->capture_default_str();
  app.add_option("--weight-decay", o.weight_decay, "Weight decay of adamw, times the learning rate a step")
      ->capture_default_str();
  app.add_option("--clip-norm", o.clip_norm,
                 "Largest Euclidean norm of all gradients, longer ones are scaled down (0: no limit)")
      ->check(within(0, 1e12))
      ->capture_default_str();
  app.add_option("--early-stopping", o.early_stopping,
                 "Stop after this many epochs without a lower validation loss (0: never)")
      ->check(within(0, 1e9))
      ->capture_default_str();
  app.add_option(
         "--ema-decay,--average", o.ema_decay,
         "Validate, keep and test an exponential moving average of the weights with this decay a step (0: the weights)")
      ->check(within(0, 0.99999))
      ->capture_default_str();
  app.add_option("--validation-fraction", o.validation_fraction, "Share of the training set held out, by class")
      ->check(within(0, 0.99))
      ->capture_default_str();
  heading("Learning rate");
  app.add_option("--learning-rate", o.learning_rate, by_optimizer("Learning rate", &OptimizerDefaults::learning_rate));
  app.add_option("--decay", o.decay,
                 by_optimizer("Learning rate at update t is divided by 1 + decay t", &OptimizerDefaults::decay));
  app.add_option(
         "--schedule", o.schedule,
         "How the learning rate changes: plateau lowers it by --patience, --factor and --min-rate; cosine rises "
         "over --warm-up steps, then falls along half a cosine to 0 at the last step")
      ->transform(one_of({"plateau", "constant", "cosine"}))
      ->capture_default_str();
  app.add_option("--warm-up", o.warm_up,
                 "Steps over which the rate of cosine rises (default: " + std::to_string(WarmUpCosine{}.warm_up) + ")")
      ->check(within(0, 1e9));
  app.add_option(
         "--patience", o.patience,
         by_network("Epochs without a lower validation loss before the rate is lowered", &NetworkDefaults::patience))
      ->check(within(1, 1e9));
  app.add_option("--factor", o.factor,
                 by_network("Factor that the rate is then multiplied by", &NetworkDefaults::factor))
      ->check(within(0.01, 1));
  app.add_option("--min-rate", o.min_rate, by_optimizer("Lowest learning rate", &OptimizerDefaults::min_rate))
      ->check(within(0, 1e6));
  heading("Labels");
  app.add_option("--positive", o.positive,
                 "Classes that count as clusters, A,B (default: low-z,hi-z; else cluster(s); else the last)")
      ->delimiter(',');
  app.add_option("--class-weights", o.class_weights, "balanced: each class weighs the same in the loss")
      ->transform(one_of({"none", "balanced"}))
      ->capture_default_str();
  app.add_option("--label-smoothing", o.label_smoothing,
                 "Share of each label that is spread over all classes in the loss of classify")
      ->check(within(0, 0.99))
      ->capture_default_str();
  heading("Images");
  add_preprocessing(app, o.preprocessing);
  app.add_option("--scale", o.scale,
                 by_network("How values of 0..255 become the network's numbers: unit x/255, symmetric x/127.5-1, or "
                            "standard: mean 0 and variance 1",
                            &NetworkDefaults::scale))
      ->transform(one_of({"unit", "symmetric", "standard"}));
  heading("Augmentation");
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
      ->transform(one_of({"both", "horizontal", "vertical", "none"}))
      ->capture_default_str();
  heading("Run");
  app.add_option(
         "--weights", o.weights,
         "Start from the weights of this model file, Keras file (.h5, .keras), PyTorch state dict (.safetensors) or ONNX file")
      ->type_name(file_type);
  add_max_memory(app, o.max_memory, "a training step, or a file of weights,");
  app.add_option(
         "--cache", o.cache,
         "Where decoded pixels are kept: nowhere, in memory, or in a scratch file in a folder (default: the run's)")
      ->type_name("WHERE")
      ->transform(one_of(
          {"off", "ram"}, [](std::string_view) { return true; }, "a folder"));
  app.add_flag(
      "--tta", o.tta,
      "Evaluate with probabilities averaged over the 8 flips and quarter turns of each image (metrics.json has "
      "the figures without, too)");
  app.add_option("--checkpoint-minutes", o.checkpoint_minutes,
                 "Save this often within an epoch, too (0: only at its end)")
      ->check(within(0, 1e6))
      ->capture_default_str();
  auto* resume = app.add_flag("--resume", o.resume, "Continue the run in --out, or start it; needs no other option");
  app.add_option("--preview", o.preview,
                 "Write this many objects as the network would see them to OUT/previews/*.png, and stop; FITS images "
                 "have their first row on top")
      ->excludes(resume)
      ->check(within(1, 1e6));
  app.add_flag("--overwrite", o.overwrite, "Write into --out even if it is not empty")->excludes(resume);
  app.footer(
      "Examples:\n"
      "  abell-train Kosiba2020 --out runs/cn-e\n"
      "  abell-train galaxies --out runs/g --epochs 30 --learning-rate 0.01 --scale standard\n"
      "  abell-train --out runs/cn-e --resume\n"
      "  abell-train cutouts --out runs/look --preview 12 --exposure divide --smooth xray=adaptive:25 "
      "--interval xray=percentile:99.5,optical=zscale --stretch asinh\n"
      "\nCtrl-C finishes the step, saves and exits with 130; --resume continues to the same result, with the options "
      "in\n"
      "--out/config.json. " +
      std::string(may_change));
}

/// What was given although none of `runs` uses it: typed, it is an OptionError; out of a file, it is left out, which
/// standard error tells.
inline void refuse_unused(const CLI::App& app, TrainOptions& o, const std::vector<TrainOptions>& runs) {
  std::vector<DependentOption> options = runs.front().dependent_options();
  for (const TrainOptions& run : runs) {
    const std::vector<DependentOption> of_run = run.dependent_options();
    for (std::size_t i = 0; i < options.size(); ++i) options[i].used = options[i].used || of_run[i].used;
  }
  const std::vector<CLI::Option*>& typed = app.parse_order();
  for (const DependentOption& option : options) {
    const CLI::Option* given = app.get_option_no_throw("--" + option.name);
    if (option.used || given == nullptr || given->count() == 0) continue;
    const std::string why = ": expected " + option.expected + ", found " + option.found;
    if (std::ranges::find(typed, given) != typed.end()) throw OptionError("--" + option.name + why);
    if (!o.common.quiet) std::cerr << option.name << " is left out" << why << std::endl;
    o.given.erase(option.name);
  }
}

/// `given_options`, with the files and folders that stand in the place of a choice told from wherever one is.
inline Json given_train_options(const CLI::App& app, const TrainOptions& o) {
  Json given = given_options(app);
  if (is_architecture_file(o.network)) given["network"] = absolute_path(o.network);
  if (given.contains("cache") && o.cache != "off" && o.cache != "ram") given["cache"] = absolute_path(o.cache);
  return given;
}

/// Takes what was not given from config.json when a run is to go on, and notes what was. Throws OptionError without
/// DATA.
inline void complete_options(CLI::App& app, TrainOptions& o) {
  if (o.resume) fill_from_run(app, o.out);
  if (o.task.task() == Task::segment && app.count("--network") == 0) o.network = "unet";
  if (o.data.empty()) throw OptionError("DATA is required (see " + app.get_name() + " --help)");
  o.given = given_train_options(app, o);
}

}  // namespace abell::program

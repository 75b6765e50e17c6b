#pragma once
/// One training run in its folder: fitted, saved every epoch, gone on with, evaluated, reported.

#include <abell/metrics/threshold.hpp>
#include <abell/report/text.hpp>
#include <abell/training/checkpoint.hpp>
#include <abell/weights/model.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <ratio>
#include <span>
#include <string>
#include <vector>

#include "epoch_table.hpp"
#include "results.hpp"

namespace abell::program {

inline ModelInfo model_info(const TrainOptions& options, const Data& data) {
  ModelInfo info;
  info.network = network_title(options.network);
  info.task = options.task.name;
  info.preprocessing = nlohmann::json(options.preprocessing);
  info.preprocessing["trained_on"] = data.profile;
  if (options.task.task() == Task::classify) {
    info.classes = data.outputs;
    info.positive = {data.outputs.back()};
    info.preprocessing["positive"] = data.set.positive;
  } else if (options.task.task() == Task::regress) {
    info.targets = data.outputs;
    info.preprocessing["target_mean"] = data.standard.mean;
    info.preprocessing["target_deviation"] = data.standard.deviation;
  } else {
    info.classes = data.outputs;
  }
  return info;
}

/// Trains to the end or to Ctrl-C, saving after every epoch and every --checkpoint-minutes.
inline void fit_and_save(const TrainOptions& options, const Data& data, const Json& config, Network<float>& network,
                         TrainingState<float>& state) {
  const std::filesystem::path out = options.out;
  CachedSamplesOptions augmented = options.preprocessing.samples();
  augmented.augmentation = options.draws();
  augmented.seed = options.common.seed;
  const CachedSamples training = samples_of(data, data.train, augmented);
  const CachedSamples validating = samples_of(data, data.validation, options.preprocessing.samples());
  FitOptions fit_options = options.fit_options(class_weights(options, data));

  // The bar counts images: rate and time left in a unit that does not depend on the batch.
  const std::uint64_t images = data.train.size();
  const auto batch = static_cast<std::uint64_t>(fit_options.batch);
  const auto shown = [&](std::uint64_t step) { return static_cast<long>(images_after(step, images, batch)); };
  ProgressBar bar("images", shown(fit_options.steps(images)), options.common.quiet, shown(state.optimizer.updates));

  const ModelInfo info = model_info(options, data);
  const std::string metric(fit_options.loss.metric());
  const EpochTable table(metric, !data.validation.empty(), options.common.verbose);
  bool headed = false;
  using Clock = std::chrono::steady_clock;
  Clock::time_point saved = Clock::now();
  const auto put_aside = [&] {
    save_checkpoint(out / "last.checkpoint", network, state, config.dump());
    saved = Clock::now();
  };
  const auto save = [&] {
    put_aside();
    if (!state.best_parameters.empty()) {
      save_model(out / "model.safetensors", network, std::span<const float>(state.best_parameters), info);
    }
    write_history(out / "history.csv", state.history, metric);
  };
  Callback callback;
  callback.on_step = [&](const StepReport& r) {
    std::string note = "epoch " + std::to_string(r.epoch) + ", loss " + loss_text(r.loss);
    if (!metric.empty()) note += ", " + in_words(metric) + " " + printed("%.3f", r.metric);
    bar.update(shown(r.step), note);
    const std::chrono::duration<double, std::ratio<60>> minutes = Clock::now() - saved;
    const double every = options.checkpoint_minutes;
    if (every > 0 && minutes.count() >= every && r.batch < r.batches) put_aside();
  };
  callback.on_epoch = [&](const EpochRecord& e) {
    save();
    const bool important = options.common.verbose || state.finished;
    std::vector<std::string> lines;
    if (!headed) lines = table.heading();
    lines.push_back(table.line(e, e.epoch == state.best_epoch));
    headed = bar.print(lines, important) || headed;
  };
  callback.stop = interrupted;
  fit_options.callbacks.push_back(callback);
  using Validation = std::optional<SamplesView>;
  fit(network, training, data.validation.empty() ? Validation() : validating, fit_options, state);
  save();
}

/// The threshold with the most correct decisions on the validation split; none without objects of both classes there.
inline std::optional<float> validated_threshold(const TrainOptions& options, const Data& data,
                                                const Network<float>& network, const Predicted& predicted) {
  if (options.task.task() != Task::classify || data.validation.empty()) return std::nullopt;
  const Scored scored = score(network, options, data, data.validation, predicted);
  const auto positives = std::ranges::count(scored.labels, 1);
  const bool both = positives > 0 && positives < std::ssize(scored.labels);
  return both ? best_threshold(scored.probabilities, scored.labels) : std::nullopt;
}

/// Evaluates the last and the best weights on the test split (without one: the validation split), which is looked at
/// here for the first time, and writes predictions.csv, metrics.json and report.html of the best; the network holds
/// them. Their file gets the threshold that is best on the validation split. Returns the metrics, or nothing when
/// interrupted: a resumed run begins here again.
inline std::optional<Json> evaluate_run(const TrainOptions& options, const Data& data, const Json& config,
                                        Network<float>& network, const TrainingState<float>& state) {
  const std::filesystem::path out = options.out;
  const std::string split = data.test.empty() ? "validation" : "test";
  const std::vector<std::size_t>& evaluated = data.test.empty() ? data.validation : data.test;
  std::unique_ptr<Results> results;
  std::optional<float> threshold;
  Json metrics, last;
  {
    const std::size_t passes = options.tta ? 3 : 2;
    const std::size_t validated = options.task.task() == Task::classify ? data.validation.size() : 0;
    ProgressBar bar("images evaluated", static_cast<long>(passes * evaluated.size() + validated), options.common.quiet);
    long done = 0;
    const Predicted predicted = [&](std::size_t images) { bar.update(done += static_cast<long>(images)); };
    last = results_of(options, data, network, evaluated, predicted)->metrics();
    std::ranges::copy(state.best_parameters, network.parameters().begin());
    if (interrupted()) return std::nullopt;
    results = results_of(options, data, network, evaluated, predicted);
    metrics = results->metrics();
    results->add_metrics(metrics, predicted);
    threshold = validated_threshold(options, data, network, predicted);
  }
  if (threshold) {
    ModelInfo info = model_info(options, data);
    info.preprocessing["best_threshold"] = metrics["best_threshold"] = *threshold;
    save_model(out / "model.safetensors", network, std::span<const float>(state.best_parameters), info);
  }
  metrics["split"] = split;
  metrics["best_epoch"] = state.best_epoch;
  metrics["last"] = last;
  results->write_predictions(out / "predictions.csv");
  write_json(out / "metrics.json", metrics);
  TrainingReport report = report_of_training(options, data, config, network.layers(), state, split);
  report.best_threshold = threshold;
  results->add_to(report);
  add_filter_pictures(report.filters, network, report.sky_channels);
  if (interrupted()) return std::nullopt;
  write_training_report(report, out / "report.html");
  return metrics;
}

/// Trains `network` on `data` in the folder --out from `state` on, and evaluates it; `shown` is its config.json, and
/// `config` the part of it that a resumed run must agree with. Returns as `evaluate_run`.
inline std::optional<Json> train_and_evaluate(const TrainOptions& options, const Data& data, const Json& config,
                                              const Json& shown, Network<float>& network, TrainingState<float>& state) {
  fit_and_save(options, data, config, network, state);
  if (!state.finished) return std::nullopt;
  return evaluate_run(options, data, shown, network, state);
}

}  // namespace abell::program

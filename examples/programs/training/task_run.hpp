#pragma once
/// What a run does after training where its task is not to classify.

#include <abell/inference/evaluate.hpp>
#include <memory>

#include "multilabel_results.hpp"
#include "regression_results.hpp"
#include "segmentation_results.hpp"
#include "training_run.hpp"

namespace abell::program {

/// Empty results of the run's task for so many objects.
inline std::unique_ptr<TaskResults> make_results(const TrainOptions& options, const Data& data, std::size_t objects) {
  if (options.task.task() == Task::multilabel) return std::make_unique<MultilabelResults>(data);
  if (options.task.task() == Task::regress) return std::make_unique<RegressionResults>(data);
  return std::make_unique<SegmentationResults>(data, objects);
}

/// What `network` says of some objects.
template <class Network>
std::unique_ptr<TaskResults> task_results(const TrainOptions& options, const Data& data, const Network& network,
                                          const std::vector<std::size_t>& objects) {
  const CachedSamples samples = samples_of(data, objects, options.preprocessing.samples());
  std::unique_ptr<TaskResults> results = make_results(options, data, objects.size());
  auto space = network.workspace(4, Mode::predict, options.common.threads);
  std::vector<std::size_t> of_batch;
  evaluate_batches(network, samples, space, options.task.make_loss(), [&](const Batch& batch, View<const float> out) {
    of_batch.clear();
    for (const std::size_t i : batch.indices) of_batch.push_back(samples.cache_index(i));
    results->add(of_batch, out, batch.targets);
  });
  return results;
}

/// `evaluate_run` for the other tasks.
template <class Network>
std::optional<Json> evaluate_task(const TrainOptions& options, const Data& data, const Json& config, Network& network,
                                  const TrainingState<float>& state) {
  const std::filesystem::path out = options.out;
  const std::vector<std::size_t>& evaluated = evaluated_objects(options, data);
  const Json last = task_results(options, data, network, evaluated)->metrics();
  std::ranges::copy(state.best_parameters, network.parameters().begin());
  if (interrupted()) return std::nullopt;
  const std::unique_ptr<TaskResults> results = task_results(options, data, network, evaluated);
  Json metrics = results->metrics();
  metrics["split"] = split_name(data);
  metrics["best_epoch"] = state.best_epoch;
  metrics["last"] = last;
  results->write_predictions(out / "predictions.csv");
  write_json(out / "metrics.json", metrics);
  TrainingReport report = report_of_training(options, config, network.layers(), state, split_name(data));
  report.task = results->report();
  add_filter_pictures(report.filters, network, false);
  if (interrupted()) return std::nullopt;
  write_training_report(report, out / "report.html");
  return metrics;
}

/// `train_and_evaluate` for the other tasks.
template <class Network>
std::optional<Json> train_and_evaluate_task(const TrainOptions& options, const Data& data, const Json& config,
                                            const Json& shown, Network& network, TrainingState<float>& state) {
  fit_and_save(options, data, config, network, state);
  if (!state.finished) return std::nullopt;
  return evaluate_task(options, data, shown, network, state);
}

}  // namespace abell::program

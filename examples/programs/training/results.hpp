#pragma once
/// The results of a run, whatever its task.

#include <abell/inference/evaluate.hpp>
#include <memory>

#include "classify_results.hpp"
#include "multilabel_results.hpp"
#include "regression_results.hpp"
#include "segmentation_results.hpp"

namespace abell::program {

/// What `network` says of some objects.
inline std::unique_ptr<Results> results_of(const TrainOptions& options, const Data& data, const Network<float>& network,
                                           const std::vector<std::size_t>& objects, const Predicted& predicted) {
  std::unique_ptr<TaskResults> results;
  switch (options.task.task()) {
    case Task::classify: return std::make_unique<ClassifyResults>(options, data, network, objects, predicted);
    case Task::multilabel: results = std::make_unique<MultilabelResults>(data); break;
    case Task::regress: results = std::make_unique<RegressionResults>(data); break;
    case Task::segment: results = std::make_unique<SegmentationResults>(data, objects.size()); break;
  }
  const CachedSamples samples = samples_of(data, objects, options.preprocessing.samples());
  auto space = network.workspace(4, Mode::predict, options.common.threads);
  std::vector<std::size_t> of_batch;
  evaluate_batches(network, samples, space, options.task.make_loss(), [&](const Batch& batch, View<const float> out) {
    of_batch.clear();
    for (const std::size_t i : batch.indices) of_batch.push_back(samples.cache_index(i));
    results->add(of_batch, out, batch.targets);
    if (predicted) predicted(of_batch.size());
  });
  return results;
}

}  // namespace abell::program

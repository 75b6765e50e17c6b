#pragma once
/// Results of --task classify: the probability of the positive classes.

#include <abell/inference/dihedral.hpp>
#include <abell/inference/evaluate.hpp>
#include <vector>

#include "run_report.hpp"
#include "task_results.hpp"

namespace abell::program {

/// p(positive) of the objects of one split.
template <class Network>
Scored score(const Network& network, const TrainOptions& options, const Data& data,
             const std::vector<std::size_t>& objects, const Predicted& predicted = {}) {
  const CachedSamples samples(data.cache, data.labels, objects, options.preprocessing.samples());
  Scored scored{objects, {}, {}};
  auto space = network.workspace(4, Mode::predict, options.common.threads);
  evaluate_batches(network, samples, space, SoftmaxCrossEntropy{}, [&](const Batch& batch, View<const float> out) {
    for (int n = 0; n < out.batch; ++n) scored.probabilities.push_back(out.image(n)[1]);
    if (predicted) predicted(batch.indices.size());
  });
  for (const std::size_t i : objects) scored.labels.push_back(data.labels[i]);
  return scored;
}

/// With --tta of averaged probabilities.
class ClassifyResults final : public Results {
 public:
  ClassifyResults(const TrainOptions& options, const Data& data, const Network<float>& network,
                  const std::vector<std::size_t>& objects, const Predicted& predicted)
      : options_(options),
        data_(data),
        network_(network),
        scored_(options.tta ? score(DihedralMean(network), options, data, objects, predicted)
                            : score(network, options, data, objects, predicted)) {}

  Json metrics() const override { return metrics_json(scored_.probabilities, scored_.labels); }
  void add_metrics(Json& metrics, const Predicted& predicted) const override {
    metrics["tta"] = options_.tta;
    if (!options_.tta) return;
    const Scored plain = score(network_, options_, data_, scored_.objects, predicted);
    metrics["without_tta"] = metrics_json(plain.probabilities, plain.labels);
  }
  void write_predictions(const std::filesystem::path& path) const override {
    write_csv(path, prediction_columns, prediction_rows(data_.set, scored_, data_.masked));
  }
  void add_to(TrainingReport& report) const override {
    report.classes = output_names(data_.set);
    for (std::size_t i = 0; i < scored_.objects.size(); ++i) {
      const Object& object = data_.set.objects[scored_.objects[i]];
      report.predictions.push_back({object.id, data_.set.classes[static_cast<std::size_t>(object.label)],
                                    scored_.labels[i], scored_.probabilities[i]});
    }
    const CachedSamples samples(data_.cache, data_.labels, scored_.objects, options_.preprocessing.samples());
    Tensor<float> image(1, network_.input());
    const std::vector<std::size_t> examples = choose_examples(report.predictions);
    ProgressBar bar("examples explained", static_cast<long>(examples.size()), options_.common.quiet);
    for (const std::size_t chosen : examples) {
      if (interrupted()) break;
      samples.read(chosen, 0, image.span());
      add_example(report, network_, image, is_positive(scored_.probabilities[chosen]), chosen, data_,
                  scored_.objects[chosen], options_.common.threads);
      bar.update(static_cast<long>(report.examples.size()));
    }
  }

 private:
  const TrainOptions& options_;
  const Data& data_;
  const Network<float>& network_;
  Scored scored_;
};

}  // namespace abell::program

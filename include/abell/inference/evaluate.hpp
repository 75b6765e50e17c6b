#pragma once
/// A network's output over a whole set.

#include <abell/core/compiled.hpp>
#include <abell/core/error.hpp>
#include <abell/data/loader.hpp>
#include <abell/losses/softmax_cross_entropy.hpp>
#include <abell/network/network.hpp>
#include <cstddef>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// Predictions for every sample in order, [samples][outputs], with the means of loss and metric over the samples whose
/// target is known: NaN where there is none, the metric also where the loss has none.
struct Evaluation {
  double loss = 0;
  double metric = 0;
  std::size_t outputs = 0;  ///< of the network for one sample
  std::vector<float> predictions = {};

  /// One output for every sample: the probability of a class, say.
  std::vector<float> of_output(std::size_t index) const {
    std::vector<float> column;
    for (std::size_t i = index; i < predictions.size(); i += outputs) column.push_back(predictions[i]);
    return column;
  }
};

/// Called for each batch with what the network says of it.
using BatchVisitor = std::function<void(const Batch&, View<const float>)>;

/// Predicts every sample of `samples` and calls visit(batch, predictions), which may be empty, for each batch of them;
/// returns loss and metric. `space` is a prediction workspace of the network. Throws as `evaluate`.
template <class Network>
Evaluation evaluate_batches(const Network& network, SamplesView samples, Workspace<float>& space, const Loss& loss,
                            const BatchVisitor& visit = {}) {
  if (samples.size() == 0) throw ShapeError("evaluate: expected at least one sample, found none");
  if constexpr (requires { network.layers(); }) {
    if (!loss.activation().empty() && !network.ends_in(loss.activation())) {
      throw ShapeError("evaluate: expected " + std::string(loss.activation()) + " as the last layer, found " +
                       network.layers().back().kind);
    }
  }
  loss.check(network.output(), samples.target_shape());
  network.prepare(space);
  Loader loader(samples, {.batch = space.batch, .shuffle = false});
  loader.start(0);
  Tensor<float> predictions(space.batch, network.output());
  LossSum sum;
  while (const Batch* batch = loader.next()) {
    const View<float> out = predictions.view().slice(0, batch->images.batch);
    network.predict(batch->images, out, space);
    for (int n = 0; n < out.batch; ++n) {  // one by one: the sums do not depend on the batch
      const LossSum of_image = loss.of_predictions(View<const float>(out.slice(n, 1)), batch->targets.slice(n, 1));
      sum.loss += of_image.loss;
      sum.metric += of_image.metric;
      sum.images += of_image.images;
    }
    if (visit) visit(*batch, out);
  }
  const auto images = static_cast<double>(sum.images);
  Evaluation result;
  result.loss = sum.loss / images;
  result.metric = loss.metric().empty() ? std::numeric_limits<double>::quiet_NaN() : sum.metric / images;
  result.outputs = network.output().size();
  return result;
}
ABELL_COMPILED(Evaluation evaluate_batches<Network<float>>(const Network<float>&, SamplesView, Workspace<float>&,
                                                           const Loss&, const BatchVisitor&))

/// Predicts every sample of `samples`. `space` is a prediction workspace of the network. With softmax cross-entropy the
/// loss is the mean over samples of -log p(label), p clipped to [1e-7, 1 - 1e-7] as Keras reports it.
/// Samples of unknown class (label -1) are left out of loss and metric.
/// Throws ShapeError for an empty set, images of another shape, targets that do not fit the loss and a network that
/// does not end in the layer that the loss is fused with, NumericError for NaN outputs.
template <class Network>
Evaluation evaluate(const Network& network, SamplesView samples, Workspace<float>& space,
                    const Loss& loss = SoftmaxCrossEntropy{}) {
  std::vector<float> predictions;
  predictions.reserve(samples.size() * network.output().size());
  Evaluation result = evaluate_batches(network, samples, space, loss, [&](const Batch&, View<const float> of_batch) {
    predictions.insert(predictions.end(), of_batch.data, of_batch.data + of_batch.size());
  });
  result.predictions = std::move(predictions);
  return result;
}

/// The same with a workspace of its own.
template <class Network>
Evaluation evaluate(const Network& network, SamplesView samples, int batch = 10, int threads = 0,
                    const Loss& loss = SoftmaxCrossEntropy{}) {
  auto space = network.workspace(batch, Mode::predict, threads);
  return evaluate(network, samples, space, loss);
}

}  // namespace abell

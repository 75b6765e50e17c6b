#pragma once
/// A network's output over a whole set.

#include <abell/data/loader.hpp>
#include <abell/network/network.hpp>
#include <abell/training/loss.hpp>
#include <cmath>
#include <vector>

namespace abell {

/// Probabilities for every sample in order, [samples][classes], with loss and accuracy.
struct Evaluation {
  double loss = 0;
  double accuracy = 0;
  std::size_t classes = 0;
  std::vector<float> probabilities;

  /// The probability of one class for every sample.
  std::vector<float> of_class(std::size_t index) const {
    std::vector<float> column;
    for (std::size_t i = index; i < probabilities.size(); i += classes) column.push_back(probabilities[i]);
    return column;
  }
};

/// Predicts every sample of `samples`. `space` is a prediction workspace of the network.
/// The loss is the mean over samples of -log p(label), p clipped to [1e-7, 1 - 1e-7] as Keras reports it.
/// Samples of unknown class (label -1) are left out of loss and accuracy, which are NaN when there is no other.
/// Throws ShapeError for an empty set, images of another shape or a label beyond the classes, NumericError for
/// NaN outputs.
template <class Network, Samples S, class T = typename Network::Scalar>
Evaluation evaluate(const Network& network, const S& samples, Workspace<T>& space) {
  if (samples.size() == 0) throw ShapeError("evaluate: expected at least one sample, found none");
  static_assert(std::is_same_v<T, float>, "data sets are read as float");
  Evaluation result;
  result.classes = network.output().size();
  result.probabilities.resize(samples.size() * result.classes);
  network.prepare(space);
  Loader<S> loader(samples, {.batch = space.batch, .shuffle = false});
  loader.start(0);
  std::size_t first = 0, correct = 0, labelled = 0;
  while (const Batch* batch = loader.next()) {
    const View<float> out{result.probabilities.data() + first * result.classes, batch->images.batch, network.output()};
    network.predict(batch->images, out, space);
    for (int n = 0; n < out.batch; ++n) {
      const float* p = out.image(n);
      const int given = batch->labels[static_cast<std::size_t>(n)];
      if (given < 0) continue;
      const auto label = static_cast<std::size_t>(given);
      if (label >= result.classes) {
        throw ShapeError("evaluate: expected a label below " + std::to_string(result.classes) + ", found " +
                         std::to_string(given));
      }
      ++labelled;
      std::size_t best = 0;
      for (std::size_t i = 1; i < result.classes; ++i) best = p[i] > p[best] ? i : best;
      correct += best == label;
      result.loss -= std::log(std::clamp(static_cast<double>(p[label]), 1e-7, 1 - 1e-7));
    }
    first += static_cast<std::size_t>(batch->images.batch);
  }
  result.loss /= static_cast<double>(labelled);
  result.accuracy = static_cast<double>(correct) / static_cast<double>(labelled);
  return result;
}

/// The same with a workspace of its own.
template <class Network, Samples S>
Evaluation evaluate(const Network& network, const S& samples, int batch = 10, int threads = 0) {
  auto space = network.workspace(batch, Mode::predict, threads);
  return evaluate(network, samples, space);
}

}  // namespace abell

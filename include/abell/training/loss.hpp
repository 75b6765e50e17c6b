#pragma once
/// Categorical cross-entropy, fused with softmax: from logits z and label t
///   loss = log sum exp(z) - z[t],   d loss / d z = softmax(z) - onehot(t),
/// which neither overflows nor stops learning when saturated.

#include <abell/core/error.hpp>
#include <abell/core/tensor.hpp>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>

namespace abell {

/// Sums over a batch.
struct LossSum {
  double loss = 0;          ///< sum of weighted losses
  std::size_t correct = 0;  ///< images whose largest logit is the label's; a tie goes to the lower index
};

/// Loss of a batch of logits. With `gradient`, the logits are replaced by the gradient of the batch's
/// mean loss. `class_weights` (empty: all 1) multiply each image's loss by the weight of its label.
/// Throws NumericError when a loss is NaN or infinite, ShapeError for a label outside the
/// classes and for another number of labels or class weights.
template <class T>
LossSum softmax_cross_entropy(View<T> logits, std::span<const int> labels, std::span<const float> class_weights,
                              bool gradient) {
  const auto classes = logits.shape.size();
  if (labels.size() != static_cast<std::size_t>(logits.batch)) {
    throw ShapeError("loss: expected a label for each of " + std::to_string(logits.batch) + " images, found " +
                     std::to_string(labels.size()));
  }
  if (!class_weights.empty() && class_weights.size() != classes) {
    throw ShapeError("loss: expected " + std::to_string(classes) + " class weights, found " +
                     std::to_string(class_weights.size()));
  }
  LossSum sum;
  for (int n = 0; n < logits.batch; ++n) {
    T* z = logits.image(n);
    const int label = labels[static_cast<std::size_t>(n)];
    if (label < 0 || static_cast<std::size_t>(label) >= classes) {
      throw ShapeError("loss: expected a label below " + std::to_string(classes) + ", found " + std::to_string(label));
    }
    const auto target = static_cast<std::size_t>(label);
    std::size_t best = 0;
    for (std::size_t i = 1; i < classes; ++i) best = z[i] > z[best] ? i : best;
    const T largest = z[best];
    T total = 0;
    for (std::size_t i = 0; i < classes; ++i) total += std::exp(z[i] - largest);
    const T weight = class_weights.empty() ? T(1) : static_cast<T>(class_weights[target]);
    const T loss = weight * (std::log(total) + largest - z[target]);
    if (!std::isfinite(loss)) throw NumericError("the loss is " + std::string(std::isnan(loss) ? "NaN" : "infinite"));
    sum.loss += static_cast<double>(loss);
    sum.correct += best == target;
    if (gradient) {
      const T scale = weight / static_cast<T>(logits.batch);
      for (std::size_t i = 0; i < classes; ++i)
        z[i] = scale * (std::exp(z[i] - largest) / total - T(i == target ? 1 : 0));
    }
  }
  return sum;
}

}  // namespace abell

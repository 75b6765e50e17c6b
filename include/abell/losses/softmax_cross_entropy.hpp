#pragma once
/// Categorical cross-entropy, fused with softmax. From the logits z of a pixel and its label t
///   loss = log sum exp(z) - sum_i q[i] z[i],   d loss / d z = softmax(z) - q,
/// with q = onehot(t), or with a label smoothing e (Szegedy et al. 2016, section 7) q = (1 - e) onehot(t) + e /
/// classes. It neither overflows nor stops learning when saturated.

#include <abell/core/require_option.hpp>
#include <abell/losses/loss.hpp>
#include <algorithm>
#include <span>

namespace abell {

/// Outputs are logits of [height][width][classes], one pixel where the network gives an image one class; the target
/// is the number of the class in each pixel, [height][width][1]. In a map of classes -1 is not known and left out. The
/// loss of an image is the mean over its pixels. Throws NumericError for a NaN or infinite loss, ShapeError for a label
/// outside the classes and for more or fewer weights than classes, OptionError for a label smoothing outside [0, 1).
struct SoftmaxCrossEntropy {
  std::vector<float> class_weights = {};  ///< each multiplies the loss of its label in training; empty: all 1
  double label_smoothing = 0;             ///< from 0 to below 1

  static constexpr std::string_view activation = "Softmax";
  static constexpr std::string_view metric = "accuracy";  ///< share of pixels whose largest output is the label's

  void check(const Shape& output, const Shape& target) const {
    const auto classes = static_cast<std::size_t>(output.channels);
    if (target != target_shape(output)) {
      throw ShapeError("loss: expected targets of " + to_string(target_shape(output)) +
                       " (a class in each pixel), found " + to_string(target));
    }
    if (!class_weights.empty() && class_weights.size() != classes) {
      throw ShapeError("loss: expected " + std::to_string(classes) + " class weights, found " +
                       std::to_string(class_weights.size()));
    }
    detail::require_option(label_smoothing >= 0 && label_smoothing < 1, "label_smoothing", "a number in [0, 1)",
                           label_smoothing);
  }

  template <class T>
  LossSum operator()(View<T> logits, View<const float> targets, bool gradient) const {
    check(logits.shape, targets.shape);
    detail::require_targets(logits, targets, target_shape(logits.shape));
    const auto classes = static_cast<std::size_t>(logits.shape.channels);
    const std::size_t pixels = logits.shape.pixels();
    const T smoothing = static_cast<T>(label_smoothing), spread = smoothing / static_cast<T>(classes);
    LossSum sum;
    for (int n = 0; n < logits.batch; ++n) {
      const float* labels = targets.image(n);
      const std::size_t known = known_labels(labels, pixels, classes);
      if (pixels == 1 && known == 0) unknown_label(*labels, classes);
      double loss_of_image = 0, correct = 0;
      T* z = logits.image(n);
      for (std::size_t pixel = 0; pixel < pixels; ++pixel, z += classes) {
        if (labels[pixel] < 0) {
          if (gradient) std::fill_n(z, classes, T(0));
          continue;
        }
        const auto label = static_cast<std::size_t>(labels[pixel]);
        const std::size_t best = largest(z, classes);
        const T most = z[best];
        T total = 0;
        for (std::size_t i = 0; i < classes; ++i) total += std::exp(z[i] - most);
        const T weight = class_weights.empty() ? T(1) : static_cast<T>(class_weights[label]);
        T right = z[label];
        if (smoothing > 0) {
          right *= T(1) - smoothing;
          for (std::size_t i = 0; i < classes; ++i) right += spread * z[i];
        }
        const T loss = weight * (std::log(total) + most - right);
        detail::require_finite_loss(loss);
        loss_of_image += static_cast<double>(loss);
        correct += best == label;
        if (!gradient) continue;
        const T scale = weight / static_cast<T>(static_cast<std::size_t>(logits.batch) * known);
        for (std::size_t i = 0; i < classes; ++i) {
          z[i] = scale * (std::exp(z[i] - most) / total - (T(i == label ? 1 : 0) * (T(1) - smoothing) + spread));
        }
      }
      if (known == 0) continue;
      sum.loss += loss_of_image / static_cast<double>(known);
      sum.metric += correct / static_cast<double>(known);
      ++sum.images;
    }
    return sum;
  }

  /// From probabilities p: -sum of q log p, p clipped to [1e-7, 1 - 1e-7] as Keras reports it. Labels of -1 are
  /// left out.
  template <class T>
  LossSum of_predictions(View<const T> predictions, View<const float> targets) const {
    detail::require_targets(predictions, targets, target_shape(predictions.shape));
    const auto classes = static_cast<std::size_t>(predictions.shape.channels);
    const std::size_t pixels = predictions.shape.pixels();
    const auto log = [](T p) { return std::log(std::clamp(static_cast<double>(p), 1e-7, 1 - 1e-7)); };
    LossSum sum;
    for (int n = 0; n < predictions.batch; ++n) {
      const float* labels = targets.image(n);
      const std::size_t known = known_labels(labels, pixels, classes);
      if (known == 0) continue;
      double loss = 0, correct = 0;
      const T* p = predictions.image(n);
      for (std::size_t pixel = 0; pixel < pixels; ++pixel, p += classes) {
        if (labels[pixel] < 0) continue;
        const auto label = static_cast<std::size_t>(labels[pixel]);
        correct += largest(p, classes) == label;
        if (label_smoothing > 0) {
          loss -= (1 - label_smoothing) * log(p[label]);
          for (std::size_t i = 0; i < classes; ++i) loss -= label_smoothing / static_cast<double>(classes) * log(p[i]);
        } else {
          loss -= log(p[label]);
        }
      }
      sum.loss += loss / static_cast<double>(known);
      sum.metric += correct / static_cast<double>(known);
      ++sum.images;
    }
    return sum;
  }

 private:
  static Shape target_shape(const Shape& output) { return {output.height, output.width, 1}; }

  /// The first of the largest.
  template <class T>
  static std::size_t largest(const T* values, std::size_t count) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < count; ++i) best = values[i] > values[best] ? i : best;
    return best;
  }

  [[noreturn]] static void unknown_label(float found, std::size_t classes) {
    std::string text = std::to_string(found);
    if (found == std::floor(found)) text = std::to_string(static_cast<long>(found));
    throw ShapeError("loss: expected a label below " + std::to_string(classes) + ", found " + text);
  }

  /// The number of labels that are not -1. Throws ShapeError for one that is no class.
  static std::size_t known_labels(const float* labels, std::size_t pixels, std::size_t classes) {
    std::size_t known = 0;
    for (std::size_t i = 0; i < pixels; ++i) {
      const float label = labels[i];
      if (label == -1) continue;
      if (!(label >= 0 && label < static_cast<float>(classes) && label == std::floor(label))) {
        unknown_label(label, classes);
      }
      ++known;
    }
    return known;
  }
};

}  // namespace abell

#pragma once
/// Binary cross-entropy of independent outputs, fused with the sigmoid. From a logit z and its target t in [0, 1]
///   loss = log(1 + exp z) - t z,   d loss / d z = sigmoid(z) - t.

#include <abell/losses/elementwise.hpp>

namespace abell {

/// For outputs of which several may be true at once, and for masks (Keras's BinaryCrossentropy). Targets have the
/// outputs' shape; NaN is not known and left out. The loss of an image is the mean over its outputs. Throws
/// NumericError for a NaN or infinite loss, ShapeError for a target outside [0, 1].
struct SigmoidCrossEntropy {
  static constexpr std::string_view activation = "Sigmoid";
  static constexpr std::string_view metric = "accuracy";  ///< share of outputs on the target's side of 1/2

  void check(const Shape& output, const Shape& target) const { detail::require_equal_shapes(output, target); }

  template <class T>
  LossSum operator()(View<T> logits, View<const float> targets, bool gradient) const {
    return detail::mean_over_targets(logits, targets, gradient, [](T z, T t) {
      return detail::LossTerm<T>{detail::softplus(z) - checked(t) * z, detail::sigmoid(z) - t, right(z > 0, t)};
    });
  }

  /// From probabilities, clipped to [1e-7, 1 - 1e-7].
  template <class T>
  LossSum of_predictions(View<const T> predictions, View<const float> targets) const {
    return detail::mean_over_targets(predictions, targets, false, [](T given, T t) {
      const double p = detail::clipped(static_cast<double>(given)), y = static_cast<double>(checked(t));
      return detail::LossTerm<T>{static_cast<T>(-y * std::log(p) - (1 - y) * std::log(1 - p)), 0, right(p > 0.5, t)};
    });
  }

 private:
  template <class T>
  static double right(bool found, T target) {
    return found == (target > T(0.5)) ? 1 : 0;
  }
  template <class T>
  static T checked(T target) {
    if (!(target >= 0 && target <= 1)) {
      throw ShapeError("loss: expected targets from 0 to 1, found " + std::to_string(target));
    }
    return target;
  }
};

}  // namespace abell

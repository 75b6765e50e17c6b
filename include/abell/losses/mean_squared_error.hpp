#pragma once
/// The mean squared error.

#include <abell/losses/elementwise.hpp>

namespace abell {

/// For numbers (Keras's MeanSquaredError): the mean over an image's outputs of (y - t)^2. Targets have the outputs'
/// shape; NaN is not known and left out. Throws NumericError for a NaN or infinite loss.
struct MeanSquaredError {
  static constexpr std::string_view metric = "mean_absolute_error";

  void check(const Shape& output, const Shape& target) const { detail::require_equal_shapes(output, target); }

  template <class T>
  LossSum operator()(View<T> outputs, View<const float> targets, bool gradient) const {
    return detail::mean_over_targets(outputs, targets, gradient, [](T y, T t) {
      const T error = y - t;
      return detail::LossTerm<T>{error * error, 2 * error, std::abs(static_cast<double>(error))};
    });
  }
};

}  // namespace abell

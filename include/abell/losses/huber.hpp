#pragma once
/// Huber's loss, which outliers do not rule.

#include <abell/core/require_option.hpp>
#include <abell/losses/elementwise.hpp>

namespace abell {

/// For numbers (Huber 1964, Keras's Huber): with the error e = y - t the mean over an image's outputs of e^2 / 2 where
/// |e| is at most `delta`, and delta (|e| - delta / 2) beyond. Targets have the outputs' shape; NaN is not known and
/// left out. Throws NumericError for a NaN or infinite loss, OptionError for a delta that is not above 0.
struct Huber {
  double delta = 1;

  static constexpr std::string_view metric = "mean_absolute_error";

  void check(const Shape& output, const Shape& target) const {
    detail::require_equal_shapes(output, target);
    detail::require_option(delta > 0, "delta", "a number above 0", delta);
  }

  template <class T>
  LossSum operator()(View<T> outputs, View<const float> targets, bool gradient) const {
    const T d = static_cast<T>(delta);
    return detail::mean_over_targets(outputs, targets, gradient, [d](T y, T t) {
      const T error = y - t, size = std::abs(error);
      return detail::LossTerm<T>{size <= d ? error * error / 2 : d * (size - d / 2), std::clamp(error, -d, d),
                                 static_cast<double>(size)};
    });
  }
};

}  // namespace abell

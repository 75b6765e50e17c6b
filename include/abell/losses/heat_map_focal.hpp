#pragma once
/// The focal loss of heat maps in which objects stand out as peaks (CornerNet, Law & Deng 2018, equation 1; CenterNet,
/// Zhou, Wang & Kraehenbuehl 2019, equation 1), fused with the sigmoid.

#include <abell/core/require_option.hpp>
#include <abell/losses/elementwise.hpp>
#include <vector>

namespace abell {

/// With p = sigmoid(z), the target y of a cell in [0, 1] and N the number of cells with y = 1, at least 1, the loss of
/// an image is the sum over its cells of
///   -(1 - p)^alpha log p / N                  where y = 1: an object,
///   -(1 - y)^beta p^alpha log(1 - p) / N      elsewhere: less, the nearer to one.
/// Targets have the outputs' shape; NaN is not known and left out. `channel_weights` (empty: all 1) multiply the loss
/// of each channel. Throws NumericError for a NaN or infinite loss, ShapeError for a target outside [0, 1] and for more
/// or fewer weights than channels, OptionError for a negative alpha or beta.
struct HeatMapFocal {
  double alpha = 2;
  double beta = 4;
  std::vector<float> channel_weights = {};

  static constexpr std::string_view activation = "Sigmoid";

  void check(const Shape& output, const Shape& target) const {
    detail::require_equal_shapes(output, target);
    detail::require_option(alpha >= 0, "alpha", "a number of 0 or more", alpha);
    detail::require_option(beta >= 0, "beta", "a number of 0 or more", beta);
    if (!channel_weights.empty() && channel_weights.size() != static_cast<std::size_t>(output.channels)) {
      throw ShapeError("loss: expected " + std::to_string(output.channels) + " channel weights, found " +
                       std::to_string(channel_weights.size()));
    }
  }

  template <class T>
  LossSum operator()(View<T> logits, View<const float> targets, bool gradient) const {
    return sum(logits, targets, [&](T& value, double y, double scale) {
      const double z = static_cast<double>(value), p = detail::sigmoid(z), q = detail::sigmoid(-z);
      const double log_p = -detail::softplus(-z), log_q = -detail::softplus(z);
      const Cell cell = y == 1 ? Cell{-std::pow(q, alpha) * log_p, std::pow(q, alpha) * (alpha * p * log_p - q)}
                               : Cell{-std::pow(1 - y, beta) * std::pow(p, alpha) * log_q,
                                      std::pow(1 - y, beta) * std::pow(p, alpha) * (p - alpha * q * log_q)};
      if (gradient) value = static_cast<T>(scale * cell.gradient / logits.batch);
      return scale * cell.loss;
    });
  }

  /// From probabilities, clipped to [1e-7, 1 - 1e-7].
  template <class T>
  LossSum of_predictions(View<const T> predictions, View<const float> targets) const {
    return sum(predictions, targets, [&](T given, double y, double scale) {
      const double p = detail::clipped(static_cast<double>(given));
      return scale * (y == 1 ? -std::pow(1 - p, alpha) * std::log(p)
                             : -std::pow(1 - y, beta) * std::pow(p, alpha) * std::log(1 - p));
    });
  }

 private:
  struct Cell {
    double loss, gradient;
  };

  /// `term(output, target, scale)` gives the loss of a cell, and puts its gradient in the output's place if there is
  /// to be one; `scale` is 1 / N times the channel's weight, 0 where the target is not known.
  template <class T, class Term>
  LossSum sum(View<T> outputs, View<const float> targets, const Term& term) const {
    check(outputs.shape, targets.shape);
    detail::require_targets(outputs, targets, outputs.shape);
    const std::size_t size = outputs.shape.size();
    const auto channels = static_cast<std::size_t>(outputs.shape.channels);
    LossSum sum;
    for (int n = 0; n < outputs.batch; ++n) {
      const float* y = targets.image(n);
      std::size_t objects = 0, cells = 0;
      for (std::size_t i = 0; i < size; ++i) {
        if (y[i] < 0 || y[i] > 1) {
          throw ShapeError("loss: expected targets from 0 to 1, found " + std::to_string(y[i]));
        }
        objects += y[i] == 1;
        cells += !std::isnan(y[i]);
      }
      const double share = 1 / static_cast<double>(std::max<std::size_t>(objects, 1));
      double loss = 0;
      for (std::size_t i = 0; i < size; ++i) {
        const bool known = !std::isnan(y[i]);
        const double weight = channel_weights.empty() ? 1 : static_cast<double>(channel_weights[i % channels]);
        loss += term(outputs.image(n)[i], known ? static_cast<double>(y[i]) : 0, known ? share * weight : 0);
      }
      detail::require_finite_loss(loss);
      sum.loss += loss;
      sum.images += cells > 0;
    }
    return sum;
  }
};

}  // namespace abell

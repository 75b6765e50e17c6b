#pragma once
/// What losses share that compare each output with a target of its own.

#include <abell/losses/loss.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>

namespace abell::detail {

/// Throws ShapeError unless each output has a target.
inline void require_equal_shapes(const Shape& output, const Shape& target) {
  if (target != output) {
    throw ShapeError("loss: expected targets of " + to_string(output) + " (one for each output), found " +
                     to_string(target));
  }
}

/// A loss and its derivative at one output, and what it adds to the metric.
template <class T>
struct LossTerm {
  T loss;
  T gradient;
  double metric;
};

/// Means over the known targets of each image, summed over the images; `term(y, t)` gives the parts. A target that is
/// NaN is not known and left out. Throws NumericError for a NaN or infinite loss.
template <class T, class Term>
LossSum mean_over_targets(View<T> outputs, View<const float> targets, bool gradient, const Term& term) {
  using Value = std::remove_const_t<T>;
  require_targets(outputs, targets, outputs.shape);
  const std::size_t size = outputs.shape.size();
  LossSum sum;
  for (int n = 0; n < outputs.batch; ++n) {
    T* y = outputs.image(n);
    const float* t = targets.image(n);
    std::size_t known = 0;
    for (std::size_t i = 0; i < size; ++i) known += !std::isnan(t[i]);
    const Value scale =
        Value(1) / static_cast<Value>(static_cast<std::size_t>(outputs.batch) * std::max<std::size_t>(known, 1));
    double loss = 0, metric = 0;
    for (std::size_t i = 0; i < size; ++i) {
      LossTerm<Value> parts{0, 0, 0};
      if (!std::isnan(t[i])) parts = term(y[i], static_cast<Value>(t[i]));
      require_finite_loss(parts.loss);
      loss += static_cast<double>(parts.loss);
      metric += parts.metric;
      if constexpr (!std::is_const_v<T>) {
        if (gradient) y[i] = scale * parts.gradient;
      }
    }
    if (known == 0) continue;
    sum.loss += loss / static_cast<double>(known);
    sum.metric += metric / static_cast<double>(known);
    ++sum.images;
  }
  return sum;
}

/// log(1 + exp(z)), which overflows nowhere.
template <class T>
T softplus(T z) {
  return std::max(z, T(0)) + std::log1p(std::exp(-std::abs(z)));
}

template <class T>
T sigmoid(T z) {
  return z >= 0 ? T(1) / (T(1) + std::exp(-z)) : std::exp(z) / (T(1) + std::exp(z));
}

/// A probability as Keras takes the logarithm of it.
inline double clipped(double p) { return std::clamp(p, 1e-7, 1 - 1e-7); }

}  // namespace abell::detail

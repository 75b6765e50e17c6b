#pragma once
/// How far predicted numbers are from the true ones.

#include <cmath>
#include <cstddef>
#include <optional>
#include <span>

namespace abell {

/// Of the objects whose truth is known; with e = predicted - true. Without any, all but `objects` is empty.
struct RegressionErrors {
  std::size_t objects = 0;
  std::optional<double> mae;   ///< mean of |e|
  std::optional<double> rmse;  ///< root of the mean of e^2
  std::optional<double> bias;  ///< mean of e
  std::optional<double> r2;    ///< 1 - sum e^2 / sum (true - its mean)^2; empty where the truths are all equal
};

/// Truths that are NaN are not known. Both have the same length.
inline RegressionErrors regression_errors(std::span<const double> predicted, std::span<const double> truth) {
  RegressionErrors errors;
  double absolute = 0, squares = 0, sum = 0, mean = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (std::isnan(truth[i])) continue;
    const double error = predicted[i] - truth[i];
    absolute += std::abs(error);
    squares += error * error;
    sum += error;
    mean += truth[i];
    ++errors.objects;
  }
  if (errors.objects == 0) return errors;
  const auto count = static_cast<double>(errors.objects);
  mean /= count;
  double spread = 0;
  for (const double t : truth) {
    if (!std::isnan(t)) spread += (t - mean) * (t - mean);
  }
  errors.mae = absolute / count;
  errors.rmse = std::sqrt(squares / count);
  errors.bias = sum / count;
  if (spread > 0) errors.r2 = 1 - squares / spread;
  return errors;
}

}  // namespace abell

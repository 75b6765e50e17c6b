#pragma once
/// Statistics over runs, and the intervals of measured proportions.

#include <abell/core/error.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace abell {

/// Quantile of the normal distribution for a two-sided 95 % interval.
inline constexpr double z_95 = 1.959963984540054;

/// A confidence interval.
struct Interval {
  double low;
  double high;
};

/// Arithmetic mean; no value for an empty span. NaN in, NaN out.
inline std::optional<double> mean(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

/// Sample standard deviation, whose square divides by n - 1 (NumPy's ddof = 1); no value for less than two numbers.
inline std::optional<double> standard_deviation(std::span<const double> values) {
  if (values.size() < 2) return std::nullopt;
  const double centre = *mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - centre) * (value - centre);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

/// The middle value, of an even count the mean of the middle two; no value for an empty span.
inline std::optional<double> median(std::span<const double> values) {
  if (values.empty()) return std::nullopt;
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  return (sorted[(sorted.size() - 1) / 2] + sorted[sorted.size() / 2]) / 2;
}

/// Wilson's (1927) score interval of a proportion, sound also for few trials and near 0 or 1. No value without
/// trials. Throws OptionError when there are more successes than trials.
inline std::optional<Interval> wilson_interval(std::size_t successes, std::size_t trials, double z = z_95) {
  if (successes > trials) {
    throw OptionError("wilson_interval: expected at most " + std::to_string(trials) + " successes, found " +
                      std::to_string(successes));
  }
  if (trials == 0) return std::nullopt;
  const auto n = static_cast<double>(trials);
  const double p = static_cast<double>(successes) / n;
  const double scale = 1 + z * z / n;
  const double centre = (p + z * z / (2 * n)) / scale;
  const double half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale;
  // At the ends the bound is exact; rounding must not move it off.
  return Interval{successes == 0 ? 0.0 : centre - half, successes == trials ? 1.0 : centre + half};
}

/// The counterpart of Wilson's interval for the area under the ROC: all areas t that lie within z standard errors
/// s(t) of the measured one, with the variance of Hanley & McNeil (1982),
///   s(t)^2 = t (1 - t) [1 + (P - 1) (1 - t) / (2 - t) + (N - 1) t / (1 + t)] / (P N).
/// No value when a class is empty. Throws OptionError for an area outside [0, 1].
inline std::optional<Interval> auc_interval(double area, std::size_t positives, std::size_t negatives,
                                            double z = z_95) {
  if (!(area >= 0 && area <= 1)) {
    throw OptionError("auc_interval: expected an area in [0, 1], found " + std::to_string(area));
  }
  if (positives == 0 || negatives == 0) return std::nullopt;
  const auto p = static_cast<double>(positives);
  const auto n = static_cast<double>(negatives);
  const auto inside = [&](double t) {
    const double variance = t * (1 - t) * (1 + (p - 1) * (1 - t) / (2 - t) + (n - 1) * t / (1 + t)) / (p * n);
    return (area - t) * (area - t) <= z * z * variance;
  };
  // Bisects between the measured area, which is inside, and the end of the range; 60 halvings reach rounding.
  const auto bound = [&](double end) {
    double in = area;
    double out = end;
    for (int step = 0; step < 60; ++step) {
      const double middle = (in + out) / 2;
      (inside(middle) ? in : out) = middle;
    }
    return in;
  };
  return Interval{bound(0), bound(1)};
}

}  // namespace abell

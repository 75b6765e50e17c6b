#pragma once
/// Whether probabilities mean what they say: reliability, its error, and temperature scaling.

#include <abell/core/error.hpp>
#include <abell/metrics/confusion.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace abell {

/// The objects whose probability lies in one interval (low, high]; 0 belongs to the first.
struct ReliabilityBin {
  double low;
  double high;
  std::size_t objects = 0;
  std::size_t positives = 0;
  double probability_sum = 0;

  /// Mean probability of the objects; no value for an empty bin.
  std::optional<double> probability() const {
    if (objects == 0) return std::nullopt;
    return probability_sum / static_cast<double>(objects);
  }
  /// Share of the objects that are positive; no value for an empty bin.
  std::optional<double> share() const {
    if (objects == 0) return std::nullopt;
    return static_cast<double>(positives) / static_cast<double>(objects);
  }
};

/// The reliability curve over `bins` equal intervals of [0, 1]. Throws OptionError for less than 1 bin or a
/// probability outside [0, 1], and as `confusion`.
inline std::vector<ReliabilityBin> reliability(std::span<const float> probabilities, std::span<const int> labels,
                                               int bins = 10) {
  detail::check_predictions(probabilities, labels);
  if (bins < 1) throw OptionError("reliability: expected at least 1 bin, found " + std::to_string(bins));
  std::vector<ReliabilityBin> found;
  for (int i = 0; i < bins; ++i) {
    found.push_back({.low = static_cast<double>(i) / bins, .high = static_cast<double>(i + 1) / bins});
  }
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const auto p = static_cast<double>(probabilities[row]);
    if (p < 0 || p > 1) {
      throw OptionError("reliability: expected probabilities in [0, 1], found " + std::to_string(p) + " in row " +
                        std::to_string(row));
    }
    const int place = std::clamp(static_cast<int>(std::ceil(p * bins)) - 1, 0, bins - 1);
    ReliabilityBin& bin = found[static_cast<std::size_t>(place)];
    ++bin.objects;
    bin.positives += labels[row] == 1 ? 1 : 0;
    bin.probability_sum += p;
  }
  return found;
}

/// The expected calibration error (Naeini et al. 2015; Guo et al. 2017, equation 3, for the probability of the
/// positive class): the mean over objects of |share - probability| of their bin. No value without objects. Errors as
/// `reliability`.
inline std::optional<double> calibration_error(std::span<const float> probabilities, std::span<const int> labels,
                                               int bins = 10) {
  if (labels.empty() && probabilities.empty()) return std::nullopt;
  double sum = 0;
  for (const ReliabilityBin& bin : reliability(probabilities, labels, bins)) {
    sum += std::abs(static_cast<double>(bin.positives) - bin.probability_sum);
  }
  return sum / static_cast<double>(labels.size());
}

/// Brier's (1950) score for two classes: the mean of (p - label)^2. No value without objects. Errors as `confusion`.
inline std::optional<double> brier_score(std::span<const float> probabilities, std::span<const int> labels) {
  detail::check_predictions(probabilities, labels);
  if (labels.empty()) return std::nullopt;
  double sum = 0;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const double difference = static_cast<double>(probabilities[row]) - labels[row];
    sum += difference * difference;
  }
  return sum / static_cast<double>(labels.size());
}

namespace detail {

/// log(p / (1 - p)), p clipped to [1e-7, 1 - 1e-7] as in the loss that Keras reports.
inline double logit(float probability) {
  const double p = std::clamp(static_cast<double>(probability), 1e-7, 1 - 1e-7);
  return std::log(p / (1 - p));
}

inline double sigmoid(double z) { return 1 / (1 + std::exp(-z)); }

}  // namespace detail

/// The temperatures that `fit_temperature` may answer.
inline constexpr double lowest_temperature = 0.05;
inline constexpr double highest_temperature = 20;

/// Whether a fit ran into one of them, so that the temperature says no more than "lower" or "higher".
inline bool at_bound(double temperature) {
  return temperature <= lowest_temperature || temperature >= highest_temperature;
}

/// The probability of a two-class softmax whose logits are divided by `temperature`: above 1 it moves towards one
/// half. The side of one half stays.
inline float with_temperature(float probability, double temperature) {
  return static_cast<float>(detail::sigmoid(detail::logit(probability) / temperature));
}

/// Temperature scaling (Guo et al. 2017, section 4.2): the temperature that makes the labels likeliest, to be fitted
/// on data that neither trained nor tests. Within [lowest_temperature, highest_temperature], which separable and
/// random data run into. No value without objects. Errors as `confusion`.
///
/// With s = 1 for positives and -1 for others, z the logits and b = 1/T, the negative log-likelihood
/// sum log(1 + exp(-s b z)) is convex in b, so the zero of its derivative -sum s z sigmoid(-s b z) is bisected.
inline std::optional<double> fit_temperature(std::span<const float> probabilities, std::span<const int> labels) {
  detail::check_predictions(probabilities, labels);
  if (labels.empty()) return std::nullopt;
  const auto slope = [&](double inverse) {
    double sum = 0;
    for (std::size_t row = 0; row < labels.size(); ++row) {
      const double z = detail::logit(probabilities[row]) * (labels[row] == 1 ? 1 : -1);
      sum -= z * detail::sigmoid(-inverse * z);
    }
    return sum;
  };
  double low = 1 / highest_temperature;
  double high = 1 / lowest_temperature;
  if (slope(low) >= 0) return highest_temperature;
  if (slope(high) <= 0) return lowest_temperature;
  for (int step = 0; step < 60; ++step) {
    const double middle = std::sqrt(low * high);
    (slope(middle) < 0 ? low : high) = middle;
  }
  return 1 / std::sqrt(low * high);
}

}  // namespace abell

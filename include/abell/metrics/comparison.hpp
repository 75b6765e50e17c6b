#pragma once
/// Tests of two classifiers on the same objects: McNemar's on their decisions, DeLong's on their areas.

#include <abell/core/error.hpp>
#include <abell/metrics/confusion.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace abell {

/// Objects that one of two classifiers gets right and the other wrong.
struct Discordant {
  std::size_t first_only = 0;
  std::size_t second_only = 0;
};

/// Counts the discordant objects of the decisions of `a` and `b`, each at its threshold. Errors as `confusion`.
inline Discordant discordant(std::span<const float> a, std::span<const float> b, std::span<const int> labels,
                             float threshold_a = default_threshold, float threshold_b = default_threshold) {
  detail::check_predictions(a, labels);
  detail::check_predictions(b, labels);
  Discordant counts;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const bool right_a = is_positive(a[row], threshold_a) == (labels[row] == 1);
    const bool right_b = is_positive(b[row], threshold_b) == (labels[row] == 1);
    if (right_a && !right_b) ++counts.first_only;
    if (right_b && !right_a) ++counts.second_only;
  }
  return counts;
}

/// McNemar's (1947) test, exact: the chance that of n discordant objects, each as likely to fall to either side, the
/// smaller side gets as few as seen or fewer, doubled for two sides (at most 1). 1 without discordant objects.
inline double mcnemar(const Discordant& counts) {
  const std::size_t n = counts.first_only + counts.second_only;
  const std::size_t fewer = std::min(counts.first_only, counts.second_only);
  if (counts.first_only == counts.second_only) return 1;
  const auto size = static_cast<double>(n);
  double tail = 0;
  for (std::size_t k = 0; k <= fewer; ++k) {
    const auto part = static_cast<double>(k);
    tail += std::exp(std::lgamma(size + 1) - std::lgamma(part + 1) - std::lgamma(size - part + 1) - size * std::log(2));
  }
  return std::min(1.0, 2 * tail);
}

/// Two areas under the ROC on the same objects, and whether they differ.
struct AreaComparison {
  double first;
  double second;
  double standard_error;  ///< of first - second
  double z;               ///< (first - second) / standard_error; 0 when both are 0
  double p;               ///< two-sided, of the normal distribution; NaN where different areas have no standard error
};

namespace detail {

/// Mid-ranks, from 1: equal values share the mean of their ranks.
inline std::vector<double> mid_ranks(std::span<const float> values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (std::size_t first = 0; first < order.size();) {
    std::size_t end = first;
    while (end < order.size() && values[order[end]] == values[order[first]]) ++end;
    for (std::size_t i = first; i < end; ++i) ranks[order[i]] = static_cast<double>(first + 1 + end) / 2;
    first = end;
  }
  return ranks;
}

/// The structural components of an area: for each positive the share of negatives below it, for each negative the
/// share of positives above it, ties counting half.
struct AreaComponents {
  std::vector<double> positives;
  std::vector<double> negatives;
};

/// By mid-ranks (Sun & Xu 2014, equations 7-9): a positive's rank among all less its rank among the positives is the
/// number of negatives below it.
inline AreaComponents area_components(std::span<const float> probabilities, std::span<const int> labels) {
  std::vector<float> of_positives;
  std::vector<float> of_negatives;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    (labels[row] == 1 ? of_positives : of_negatives).push_back(probabilities[row]);
  }
  const std::vector<double> all = mid_ranks(probabilities);
  const std::vector<double> among_positives = mid_ranks(of_positives);
  const std::vector<double> among_negatives = mid_ranks(of_negatives);
  const auto m = static_cast<double>(of_positives.size());
  const auto n = static_cast<double>(of_negatives.size());
  AreaComponents components;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    if (labels[row] == 1) {
      components.positives.push_back((all[row] - among_positives[components.positives.size()]) / n);
    } else {
      components.negatives.push_back(1 - (all[row] - among_negatives[components.negatives.size()]) / m);
    }
  }
  return components;
}

/// Variance (divided by count - 1) of a - b, over their count: that of the mean difference.
inline double variance_of_mean_difference(const std::vector<double>& a, const std::vector<double>& b) {
  const auto count = static_cast<double>(a.size());
  double mean = 0;
  for (std::size_t i = 0; i < a.size(); ++i) mean += (a[i] - b[i]) / count;
  double squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) squares += (a[i] - b[i] - mean) * (a[i] - b[i] - mean);
  return squares / (count - 1) / count;
}

}  // namespace detail

/// DeLong's test (DeLong, DeLong & Clarke-Pearson 1988) of the areas under the ROCs of `a` and `b`, by the fast way
/// of Sun & Xu (2014). No value when a class has less than two objects. Errors as `confusion`.
inline std::optional<AreaComparison> delong(std::span<const float> a, std::span<const float> b,
                                            std::span<const int> labels) {
  detail::check_predictions(a, labels);
  detail::check_predictions(b, labels);
  const auto positives = static_cast<std::size_t>(std::ranges::count(labels, 1));
  if (positives < 2 || labels.size() - positives < 2) return std::nullopt;
  const detail::AreaComponents of_a = detail::area_components(a, labels);
  const detail::AreaComponents of_b = detail::area_components(b, labels);
  const auto area = [&](const detail::AreaComponents& components) {
    return std::accumulate(components.positives.begin(), components.positives.end(), 0.0) /
           static_cast<double>(positives);
  };
  AreaComparison result{area(of_a), area(of_b), 0, 0, 1};
  result.standard_error = std::sqrt(detail::variance_of_mean_difference(of_a.positives, of_b.positives) +
                                    detail::variance_of_mean_difference(of_a.negatives, of_b.negatives));
  const double difference = result.first - result.second;
  if (difference == 0) return result;
  result.z = difference / result.standard_error;
  result.p = result.standard_error == 0 ? std::numeric_limits<double>::quiet_NaN()
                                        : std::erfc(std::abs(result.z) / std::sqrt(2.0));
  return result;
}

}  // namespace abell

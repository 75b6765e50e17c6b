#pragma once
/// What is measured of a binary classifier, with its uncertainty.

#include <abell/metrics/confusion.hpp>
#include <abell/metrics/roc.hpp>
#include <abell/metrics/statistics.hpp>
#include <abell/report/text.hpp>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace abell::detail::report {

/// A measured proportion or area with its 95 % interval.
struct Measured {
  std::string name = {};
  std::optional<double> value = {};
  std::optional<Interval> interval = {};
  std::string counts = {};  ///< "154 of 170"
};

inline std::string interval_text(const std::optional<Interval>& interval) {
  return interval ? fixed_text(interval->low, 3) + "–" + fixed_text(interval->high, 3) : "";
}

inline std::string value_text(const std::optional<double>& value) {
  return fixed_text(value.value_or(std::numeric_limits<double>::quiet_NaN()), 3);
}

inline Measured proportion(std::string name, std::size_t part, std::size_t whole) {
  std::optional<double> value;
  if (whole > 0) value = static_cast<double>(part) / static_cast<double>(whole);
  return {std::move(name), value, wilson_interval(part, whole), grouped_text(part) + " of " + grouped_text(whole)};
}

/// Predictions as the metrics read them.
struct Scores {
  std::vector<float> probabilities = {};
  std::vector<int> labels = {};
  Confusion counts;
};

/// All measures; the first four stand at the top of the page.
inline std::vector<Measured> measures_of(const Scores& scores) {
  const Confusion& c = scores.counts;
  const std::optional<double> area = auc(scores.probabilities, scores.labels);
  return {proportion("Accuracy", c.tp + c.tn, c.objects()),
          proportion("Precision", c.tp, c.tp + c.fp),
          proportion("Recall", c.tp, c.positives()),
          {"AUC", area, area ? auc_interval(*area, c.positives(), c.negatives()) : std::nullopt,
           grouped_text(c.positives() * c.negatives()) + " pairs"},
          proportion("Specificity", c.tn, c.negatives()),
          {"F1", c.f1(), std::nullopt, ""},
          {"Matthews' correlation", c.mcc(), std::nullopt, ""},
          {"Average precision", average_precision(scores.probabilities, scores.labels), std::nullopt, ""}};
}

}  // namespace abell::detail::report

#pragma once
/// Counts of right and wrong decisions of a binary classifier, and the ratios made of them.

#include <abell/core/error.hpp>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace abell {

/// The decision of the two-class networks as a threshold on the probability of the positive class:
/// positive when it is above one half, as the larger of two softmax outputs. A tie goes to the class of the
/// lower index (Keras's argmax), the negative one; so the comparison is strict.
inline constexpr float default_threshold = 0.5F;

/// Whether `probability` of the positive class stands for a positive decision. Exactly the threshold is negative.
constexpr bool is_positive(float probability, float threshold = default_threshold) { return probability > threshold; }

/// True and false positives and negatives. Ratios with an empty denominator are undefined: no value (null in JSON).
struct Confusion {
  std::size_t tp = 0;  ///< positives called positive
  std::size_t fp = 0;  ///< negatives called positive
  std::size_t tn = 0;  ///< negatives called negative
  std::size_t fn = 0;  ///< positives called negative

  constexpr std::size_t objects() const { return tp + fp + tn + fn; }
  constexpr std::size_t positives() const { return tp + fn; }
  constexpr std::size_t negatives() const { return tn + fp; }

  constexpr void add(bool predicted, bool truth) { ++(predicted ? (truth ? tp : fp) : (truth ? fn : tn)); }

  /// (TP + TN) / all
  std::optional<double> accuracy() const { return ratio(tp + tn, objects()); }
  /// TP / (TP + FP), also called purity
  std::optional<double> precision() const { return ratio(tp, tp + fp); }
  /// TP / (TP + FN), also called completeness
  std::optional<double> recall() const { return ratio(tp, positives()); }
  /// TN / (TN + FP)
  std::optional<double> specificity() const { return ratio(tn, negatives()); }
  /// 2 TP / (2 TP + FP + FN), the harmonic mean of precision and recall
  std::optional<double> f1() const { return ratio(2 * tp, 2 * tp + fp + fn); }

  /// Matthews' correlation coefficient, (TP TN - FP FN) / sqrt((TP+FP)(TP+FN)(TN+FP)(TN+FN)).
  std::optional<double> mcc() const {
    const auto number = [](std::size_t count) { return static_cast<double>(count); };
    const double product = number(tp + fp) * number(positives()) * number(negatives()) * number(tn + fn);
    if (product == 0) return std::nullopt;
    return (number(tp) * number(tn) - number(fp) * number(fn)) / std::sqrt(product);
  }

  friend constexpr bool operator==(const Confusion&, const Confusion&) = default;

 private:
  static std::optional<double> ratio(std::size_t part, std::size_t whole) {
    if (whole == 0) return std::nullopt;
    return static_cast<double>(part) / static_cast<double>(whole);
  }
};

namespace detail {

/// Throws ShapeError when the lengths differ, NumericError at a probability that is not finite and OptionError at
/// a label other than 0 and 1; each names the row, counted from 0.
inline void check_predictions(std::span<const float> probabilities, std::span<const int> labels) {
  if (probabilities.size() != labels.size()) {
    throw ShapeError("metrics: expected a label for each probability, found " + std::to_string(probabilities.size()) +
                     " probabilities and " + std::to_string(labels.size()) + " labels");
  }
  for (std::size_t row = 0; row < labels.size(); ++row) {
    if (!std::isfinite(probabilities[row])) {
      throw NumericError("metrics: expected a finite probability, found " + std::to_string(probabilities[row]) +
                         " in row " + std::to_string(row));
    }
    if (labels[row] != 0 && labels[row] != 1) {
      throw OptionError("metrics: expected label 0 or 1, found " + std::to_string(labels[row]) + " in row " +
                        std::to_string(row));
    }
  }
}

}  // namespace detail

/// Counts the decisions at `threshold`; `labels` are 1 (positive) and 0, `probabilities` those of the positive class.
/// Throws ShapeError, NumericError (NaN or infinite probability, NaN threshold) or OptionError (other labels).
inline Confusion confusion(std::span<const float> probabilities, std::span<const int> labels,
                           float threshold = default_threshold) {
  detail::check_predictions(probabilities, labels);
  if (std::isnan(threshold)) throw NumericError("metrics: expected a number as threshold, found NaN");
  Confusion counts;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    counts.add(is_positive(probabilities[row], threshold), labels[row] == 1);
  }
  return counts;
}

}  // namespace abell

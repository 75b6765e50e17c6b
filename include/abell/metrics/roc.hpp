#pragma once
/// Curves over all thresholds: receiver operating characteristic and precision against recall.

#include <abell/metrics/confusion.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

namespace abell {

/// One end of the ROC's steps: the rates when all probabilities above `threshold` are called positive.
struct RocPoint {
  double false_positive_rate;
  double true_positive_rate;
  float threshold;
};

/// Precision and recall when all probabilities above `threshold` are called positive.
struct PrecisionRecallPoint {
  double recall;
  double precision;
  float threshold;
};

namespace detail {

/// The counts at one threshold.
struct Cut {
  std::size_t tp;
  std::size_t fp;
  float threshold;
};

/// Calls visit(cut) with the counts at every threshold that changes them, from none positive to all positive. Equal
/// probabilities pass together, so their order does not matter.
template <class Visit>
void visit_cuts(std::span<const float> probabilities, std::span<const int> labels, const Visit& visit) {
  check_predictions(probabilities, labels);
  std::vector<std::size_t> order(labels.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return probabilities[a] > probabilities[b]; });
  Cut cut{0, 0, 0};
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const float probability = probabilities[order[rank]];
    if (rank == 0 || probability != probabilities[order[rank - 1]]) {
      cut.threshold = probability;  // strict: this value itself is still negative
      visit(cut);
    }
    ++(labels[order[rank]] == 1 ? cut.tp : cut.fp);
  }
  if (!order.empty()) {
    cut.threshold = std::nextafter(probabilities[order.back()], -std::numeric_limits<float>::infinity());
    visit(cut);
  }
}

/// All of them.
inline std::vector<Cut> cuts(std::span<const float> probabilities, std::span<const int> labels) {
  std::vector<Cut> found;
  visit_cuts(probabilities, labels, [&](const Cut& cut) { found.push_back(cut); });
  return found;
}

}  // namespace detail

/// The ROC from (0, 0) to (1, 1), a point after each group of equal probabilities; empty when a class is empty.
/// Errors as `confusion`.
inline std::vector<RocPoint> roc_curve(std::span<const float> probabilities, std::span<const int> labels) {
  const std::vector<detail::Cut> cuts = detail::cuts(probabilities, labels);
  if (cuts.empty() || cuts.back().tp == 0 || cuts.back().fp == 0) return {};
  const auto positives = static_cast<double>(cuts.back().tp);
  const auto negatives = static_cast<double>(cuts.back().fp);
  std::vector<RocPoint> curve;
  for (const detail::Cut& cut : cuts) {
    curve.push_back({static_cast<double>(cut.fp) / negatives, static_cast<double>(cut.tp) / positives, cut.threshold});
  }
  return curve;
}

/// Precision against recall by rising recall, without the undefined point where nothing is called positive; empty
/// when there are no positives. Errors as `confusion`.
inline std::vector<PrecisionRecallPoint> precision_recall_curve(std::span<const float> probabilities,
                                                                std::span<const int> labels) {
  const std::vector<detail::Cut> cuts = detail::cuts(probabilities, labels);
  if (cuts.empty() || cuts.back().tp == 0) return {};
  const auto positives = static_cast<double>(cuts.back().tp);
  std::vector<PrecisionRecallPoint> curve;
  for (const detail::Cut& cut : cuts) {
    if (cut.tp + cut.fp == 0) continue;
    const auto tp = static_cast<double>(cut.tp);
    curve.push_back({tp / positives, tp / static_cast<double>(cut.tp + cut.fp), cut.threshold});
  }
  return curve;
}

/// Area under the ROC: the probability that a random positive stands above a random negative, ties counting half
/// (Mann & Whitney 1947). No value when a class is empty. The pairs are counted in integers, so the area is exact
/// to one rounding. Errors as `confusion`.
inline std::optional<double> auc(std::span<const float> probabilities, std::span<const int> labels) {
  // Twice the area under each step: the group's negatives times the positives above, once with and once without
  // the group's own.
  std::uint64_t twice = 0;
  detail::Cut last{0, 0, 0};
  detail::visit_cuts(probabilities, labels, [&](const detail::Cut& cut) {
    twice += std::uint64_t{cut.fp - last.fp} * (cut.tp + last.tp);
    last = cut;
  });
  if (last.tp == 0 || last.fp == 0) return std::nullopt;
  return static_cast<double>(twice) / (2.0 * static_cast<double>(last.tp) * static_cast<double>(last.fp));
}

/// Average precision: the sum over the curve of precision times the gain in recall, without interpolation.
/// No value when there are no positives. Errors as `confusion`.
inline std::optional<double> average_precision(std::span<const float> probabilities, std::span<const int> labels) {
  const std::vector<PrecisionRecallPoint> curve = precision_recall_curve(probabilities, labels);
  if (curve.empty()) return std::nullopt;
  double area = 0;
  double recall = 0;
  for (const PrecisionRecallPoint& point : curve) {
    area += (point.recall - recall) * point.precision;
    recall = point.recall;
  }
  return area;
}

}  // namespace abell

#pragma once
/// A threshold chosen on data that is not the test's.

#include <abell/metrics/roc.hpp>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace abell {

/// The threshold with the most right decisions; of those that are as good, the one nearest to one half. Between two
/// neighbouring probabilities it stands in their middle, or at one half when that lies between them. No value
/// without objects. Errors as `confusion`.
inline std::optional<float> best_threshold(std::span<const float> probabilities, std::span<const int> labels) {
  const std::vector<detail::Cut> cuts = detail::cuts(probabilities, labels);
  std::optional<float> best;
  std::size_t most = 0;
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    // All thresholds of [low, high) give the counts of this cut.
    const bool all_negative = i == 0;
    const bool all_positive = i + 1 == cuts.size();
    const float high = all_negative ? 1 : cuts[i - 1].threshold;
    const float low = all_positive ? 0 : cuts[i].threshold;
    float here = low <= default_threshold && default_threshold < high ? default_threshold : low + (high - low) / 2;
    if (here >= high && !all_negative) here = cuts[i].threshold;  // no number between, or a probability of 0
    // tp + tn = tp - fp + negatives, and the negatives are those of the last cut.
    const std::size_t right = cuts[i].tp + cuts.back().fp - cuts[i].fp;
    const bool nearer = best && std::abs(here - default_threshold) < std::abs(*best - default_threshold);
    if (!best || right > most || (right == most && nearer)) {
      best = here;
      most = right;
    }
  }
  return best;
}

}  // namespace abell

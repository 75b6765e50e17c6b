#pragma once
/// A validation set held out of the training set.

#include <abell/core/random.hpp>
#include <abell/core/require_option.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace abell {

/// Positions in the list of labels, rising.
struct HoldOut {
  std::vector<std::size_t> train;
  std::vector<std::size_t> held;
};

/// Takes `fraction` of every class (rounded to nearest; at least one and never all, when the class
/// has two or more) out for validation. The same labels, fraction and seed give the same split.
/// Throws OptionError when the fraction is outside [0, 1).
inline HoldOut hold_out(const std::vector<int>& labels, double fraction, std::uint64_t seed) {
  detail::require_option(fraction >= 0 && fraction < 1, "validation_fraction", "a number in [0, 1)", fraction);
  std::map<int, std::vector<std::size_t>> classes;
  for (std::size_t i = 0; i < labels.size(); ++i) classes[labels[i]].push_back(i);

  HoldOut split;
  for (auto& [label, members] : classes) {
    shuffle(members, Random(seed, {Purpose::split, 0, static_cast<std::uint32_t>(label)}));
    auto count = static_cast<std::size_t>(std::lround(fraction * static_cast<double>(members.size())));
    if (fraction > 0) count = std::max<std::size_t>(count, 1);
    count = std::min(count, members.size() - 1);
    const auto cut = members.begin() + static_cast<std::ptrdiff_t>(count);
    split.held.insert(split.held.end(), members.begin(), cut);
    split.train.insert(split.train.end(), cut, members.end());
  }
  std::ranges::sort(split.train);
  std::ranges::sort(split.held);
  return split;
}

}  // namespace abell

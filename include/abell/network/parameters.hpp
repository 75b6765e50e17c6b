#pragma once
/// Where a network's parameters lie in the arenas, and which of them optimizers may change.

#include <abell/kernels/tuning.hpp>
#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace abell {

/// Where a parameter lies in the arenas, under its full name ("conv2d_1/kernel").
struct NamedParameter {
  std::string name;
  std::vector<int> dimensions;
  std::size_t offset = 0;
  std::size_t size = 0;
  bool trainable = true;
};

/// Some neighbouring values of the arenas.
struct ParameterRange {
  std::size_t begin = 0;
  std::size_t size = 0;
};

/// The ranges that optimizers may change: neighbouring trainable parameters as one, then cut to chunks of
/// at most `longest` values, so that threads can share the work and nothing depends on how they do.
inline std::vector<ParameterRange> trainable_ranges(const std::vector<NamedParameter>& named,
                                                    std::size_t longest = kernels::values_chunk) {
  std::vector<ParameterRange> ranges;
  for (std::size_t i = 0; i < named.size();) {
    std::size_t begin = named[i].offset, end = begin;
    for (; i < named.size() && named[i].trainable && named[i].offset == end; ++i) end += named[i].size;
    for (; begin < end; begin += longest) ranges.push_back({begin, std::min(longest, end - begin)});
    while (i < named.size() && !named[i].trainable) ++i;
  }
  return ranges;
}

}  // namespace abell

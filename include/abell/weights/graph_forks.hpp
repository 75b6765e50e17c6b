#pragma once
/// Where the ways through a graph of layers or nodes part.

#include <algorithm>
#include <cstddef>
#include <vector>

namespace abell::detail {

/// The last node that stands on every way to all of `ends`. Nodes are numbered along the ways; `forks` has for each one
/// before them the last node that its inputs have in common.
inline std::size_t fork_of(const std::vector<std::size_t>& ends, const std::vector<std::size_t>& forks) {
  std::size_t common = ends.front();
  for (std::size_t other : ends) {
    while (common != other) (common > other ? common : other) = forks[std::max(common, other)];
  }
  return common;
}

}  // namespace abell::detail

#pragma once
/// What optimizers share.

#include <algorithm>
#include <cstddef>

namespace abell::detail {

/// Calls body(begin, count) over [0, size) in blocks small enough for the nearest cache and a local array.
inline constexpr std::size_t update_block = 512;
template <class Body>
void for_blocks(std::size_t size, const Body& body) {
  for (std::size_t begin = 0; begin < size; begin += update_block) body(begin, std::min(update_block, size - begin));
}

}  // namespace abell::detail

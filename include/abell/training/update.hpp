#pragma once
/// What optimizers share.

#include <abell/kernels/tuning.hpp>
#include <algorithm>
#include <cstddef>

namespace abell::detail {

/// Calls body(begin, count) over [0, size) in tiles of kernels::update_tile_values at most.
template <class Body>
void for_tiles(std::size_t size, const Body& body) {
  constexpr std::size_t tile = kernels::update_tile_values;
  for (std::size_t begin = 0; begin < size; begin += tile) body(begin, std::min(tile, size - begin));
}

}  // namespace abell::detail

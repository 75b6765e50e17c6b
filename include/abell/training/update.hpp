#pragma once
/// What optimizers share.

#include <abell/core/error.hpp>
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace abell::detail {

/// Calls body(begin, count) over [0, size) in blocks small enough for the nearest cache and a local array.
inline constexpr std::size_t update_block = 512;
template <class Body>
void for_blocks(std::size_t size, const Body& body) {
  for (std::size_t begin = 0; begin < size; begin += update_block) body(begin, std::min(update_block, size - begin));
}

/// Throws OptionError "adam: expected an epsilon above 0, found -1.000000" unless `holds`.
inline void require_option(bool holds, std::string_view optimizer, std::string_view expected, double found) {
  if (!holds) {
    throw OptionError(std::string(optimizer) + ": expected " + std::string(expected) + ", found " +
                      std::to_string(found));
  }
}

}  // namespace abell::detail

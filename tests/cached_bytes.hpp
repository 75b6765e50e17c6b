#pragma once

#include <abell/data/pixel_cache.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>

/// An object's pixels in a cache of bytes.
inline std::vector<std::uint8_t> bytes_of(const abell::PixelCache& cache, std::size_t index) {
  std::vector<float> room;
  const auto bytes = std::get<std::span<const std::uint8_t>>(cache.read(index, room));
  return {bytes.begin(), bytes.end()};
}

#pragma once
/// The four 3x3 filters that show what a convolution does: identity, two Sobel filters and edges.

#include <abell/core/error.hpp>
#include <abell/images/image.hpp>
#include <array>
#include <cstddef>
#include <string>
#include <utility>

namespace abell {

enum class Filter { identity, sobel_x, sobel_y, edge };

/// The filter called `text`. Throws OptionError for any other word.
inline Filter parse_filter(const std::string& text) {
  if (text == "identity") return Filter::identity;
  if (text == "sobel-x") return Filter::sobel_x;
  if (text == "sobel-y") return Filter::sobel_y;
  if (text == "edge") return Filter::edge;
  throw OptionError("filter", "expected identity, sobel-x, sobel-y or edge, found '" + text + "'");
}

/// The text that `parse_filter` reads as this filter.
inline std::string to_text(Filter filter) {
  constexpr std::array<const char*, 4> names{"identity", "sobel-x", "sobel-y", "edge"};
  return names[static_cast<std::size_t>(filter)];
}

/// The weights of a filter, row by row.
constexpr std::array<float, 9> weights_of(Filter filter) {
  switch (filter) {
    case Filter::identity: break;
    case Filter::sobel_x: return {-1, 0, 1, -2, 0, 2, -1, 0, 1};
    case Filter::sobel_y: return {1, 2, 1, 0, 0, 0, -1, -2, -1};
    case Filter::edge: return {-1, -1, -1, -1, 8, -1, -1, -1, -1};
  }
  return {0, 0, 0, 0, 1, 0, 0, 0, 0};
}

/// Cross-correlation, as in a network, of an image of one channel. A neighbour that is masked or
/// outside counts as the pixel itself, so that no edge appears there; masked pixels stay as they are.
inline void apply_filter(Image& image, Filter filter) {
  if (filter == Filter::identity) return;
  const std::array<float, 9> weights = weights_of(filter);
  Image out = image;
  const auto masked = [&](std::size_t at) { return !image.mask.empty() && image.mask[at] != 0; };
  for (int row = 0; row < image.height; ++row) {
    for (int column = 0; column < image.width; ++column) {
      const std::size_t centre = image.index(row, column);
      if (masked(centre)) continue;
      float sum = 0;
      for (int k = 0; k < 9; ++k) {
        const int y = row + k / 3 - 1;
        const int x = column + k % 3 - 1;
        const bool inside = y >= 0 && y < image.height && x >= 0 && x < image.width;
        const std::size_t at = inside && !masked(image.index(y, x)) ? image.index(y, x) : centre;
        sum += weights[static_cast<std::size_t>(k)] * image.pixels[at];
      }
      out.pixels[centre] = sum;
    }
  }
  image = std::move(out);
}

}  // namespace abell

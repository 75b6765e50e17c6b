#pragma once
/// Separable filters over a plane of doubles.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace abell::detail {

/// One term of a filter along an axis: weight times the value `offset` pixels away.
struct Tap {
  int offset;
  double weight;
};

/// The filter `taps` along the rows and then along the columns of a row-major plane; outside there are zeros.
inline void filter_separably(std::vector<double>& plane, int height, int width, std::span<const Tap> taps) {
  const auto columns = static_cast<std::size_t>(width);
  std::vector<double> once(plane.size());
  const auto add = [](const double* from, double weight, int count, double* to) {
#pragma omp simd
    for (int i = 0; i < count; ++i) to[i] += weight * from[i];
  };
  for (std::size_t row = 0; row < static_cast<std::size_t>(height); ++row) {
    for (const Tap& tap : taps) {
      const int first = std::max(0, -tap.offset);
      const int last = std::min(width, width - tap.offset);
      const double* from = plane.data() + row * columns;
      if (first < last) add(from + first + tap.offset, tap.weight, last - first, once.data() + row * columns + first);
    }
  }
  std::ranges::fill(plane, 0.0);
  for (int row = 0; row < height; ++row) {
    for (const Tap& tap : taps) {
      const int from = row + tap.offset;
      if (from < 0 || from >= height) continue;
      add(once.data() + static_cast<std::size_t>(from) * columns, tap.weight, width,
          plane.data() + static_cast<std::size_t>(row) * columns);
    }
  }
}

/// A Gaussian of standard deviation `sigma` pixels, cut at 4 sigma, its sum 1.
inline std::vector<Tap> gaussian_taps(double sigma) {
  const int radius = static_cast<int>(std::ceil(4 * sigma));
  std::vector<Tap> taps;
  double sum = 0;
  for (int offset = -radius; offset <= radius; ++offset) {
    taps.push_back({offset, std::exp(-0.5 * offset * offset / (sigma * sigma))});
    sum += taps.back().weight;
  }
  for (Tap& tap : taps) tap.weight /= sum;
  return taps;
}

}  // namespace abell::detail

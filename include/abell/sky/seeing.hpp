#pragma once
/// Separable convolutions of a plate: Gaussians, and the atmosphere as a sum of them.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace abell::sky {

inline constexpr int plate_side = 356;
inline constexpr double plate_pixel = 1.01;  ///< arcsec

namespace detail {

/// Values on the plate, row by row.
using PlateImage = std::vector<float>;

inline float* row_of(PlateImage& image, int row) {
  return image.data() + static_cast<std::ptrdiff_t>(row) * plate_side;
}

/// Correlates rows and columns with a symmetric kernel, `half[0]` its middle; borders repeat.
inline void blur(const PlateImage& in, std::span<const float> half, PlateImage& rows, PlateImage& out) {
  const int reach = static_cast<int>(half.size()) - 1;
  std::vector<float> line(static_cast<std::size_t>(plate_side + 2 * reach));
  for (int row = 0; row < plate_side; ++row) {
    const float* from = in.data() + static_cast<std::ptrdiff_t>(row) * plate_side;
    float* to = row_of(rows, row);
    std::fill_n(line.begin(), reach, from[0]);
    std::copy_n(from, plate_side, line.begin() + reach);
    std::fill_n(line.end() - reach, reach, from[plate_side - 1]);
    for (int column = 0; column < plate_side; ++column) to[column] = half[0] * from[column];
    for (int i = 1; i <= reach; ++i) {
      const float weight = half[static_cast<std::size_t>(i)];
      const float* left = line.data() + reach - i;
      const float* right = line.data() + reach + i;
      for (int column = 0; column < plate_side; ++column) to[column] += weight * (left[column] + right[column]);
    }
  }
  for (int row = 0; row < plate_side; ++row) {
    float* to = row_of(out, row);
    const float* middle = row_of(rows, row);
    for (int column = 0; column < plate_side; ++column) to[column] = half[0] * middle[column];
    for (int i = 1; i <= reach; ++i) {
      const float weight = half[static_cast<std::size_t>(i)];
      const float* above = row_of(rows, std::max(row - i, 0));
      const float* below = row_of(rows, std::min(row + i, plate_side - 1));
      for (int column = 0; column < plate_side; ++column) to[column] += weight * (above[column] + below[column]);
    }
  }
}

/// Half of a Gaussian kernel of `sigma` pixels that sums to one.
inline std::vector<float> gaussian(double sigma) {
  std::vector<float> half(static_cast<std::size_t>(std::ceil(3.5 * sigma)) + 1);
  double total = 0;
  for (std::size_t i = 0; i < half.size(); ++i) {
    const double value = std::exp(-0.5 * std::pow(static_cast<double>(i) / sigma, 2));
    half[i] = static_cast<float>(value);
    total += i == 0 ? value : 2 * value;
  }
  for (float& value : half) value = static_cast<float>(static_cast<double>(value) / total);
  return half;
}

/// The atmosphere. A Moffat profile (1 + r^2 / a^2)^-3 is the mean of exp(-t r^2 / a^2) over a gamma
/// density t^2 exp(-t) / 2; four nodes of its Gauss-Laguerre quadrature make it a sum of Gaussians,
/// whose convolutions are separable.
inline void apply_seeing(PlateImage& image, double fwhm) {
  constexpr std::array<double, 4> nodes{1.2267632635003018, 3.4125073586969465, 6.90269260585162, 12.45803677195114};
  constexpr std::array<double, 4> weights{0.362762498849326, 0.5317121459896165, 0.1033480655141841,
                                          0.0021772896468988};
  const double a = fwhm / (2 * std::sqrt(std::cbrt(2.0) - 1)) / plate_pixel;
  PlateImage rows(image.size());
  PlateImage part(image.size());
  PlateImage sum(image.size());
  double total = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) total += weights[i] / nodes[i];
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    // A node's Gaussian has the light weight / t; the pixel adds its own width.
    const double sigma = a / std::sqrt(2 * nodes[i]);
    const auto share = static_cast<float>(weights[i] / nodes[i] / total);
    blur(image, gaussian(sigma), rows, part);
    for (std::size_t pixel = 0; pixel < image.size(); ++pixel) sum[pixel] += share * part[pixel];
  }
  image = std::move(sum);
}

}  // namespace detail
}  // namespace abell::sky

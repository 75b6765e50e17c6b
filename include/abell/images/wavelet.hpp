#pragma once
/// Denoising of counts by the à-trous wavelet transform with thresholds for Poisson noise.

#include <abell/images/separable.hpp>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

namespace abell::detail {

/// The constants of one scale. The image a_j is the counts filtered by h_j, the B3 spline applied j
/// times with growing holes. Then T_j(a) = sqrt(a + offset) stabilises its variance, and for constant
/// emission T_{j-1}(a_{j-1}) - T_j(a_j) has mean 0 and standard deviation `sigma`
/// (Zhang, Fadili & Starck 2008, IEEE Trans. Image Process. 17, 1093, eqs 7 and 15, with sum h_j = 1).
struct WaveletScale {
  double offset = 0;  ///< 7/8 t_2 - t_3 / (2 t_2), t_k = sum h_j^k
  double sigma = 0;   ///< |h_{j-1} - h_j| / 2
};

/// The B3 spline with 2^(scale - 1) - 1 holes between its taps; `scale` counts from 1.
inline std::array<Tap, 5> spline_taps(int scale) {
  const int step = 1 << (scale - 1);
  return {{{-2 * step, 1.0 / 16}, {-step, 4.0 / 16}, {0, 6.0 / 16}, {step, 4.0 / 16}, {2 * step, 1.0 / 16}}};
}

/// Scales 0 (the counts themselves; offset 3/8, Anscombe's) to `scales`. The two-dimensional h_j is
/// the product of two one-dimensional ones, so each sum is the square of a sum along one axis.
inline std::vector<WaveletScale> wavelet_scales(int scales) {
  const auto square = [](double x) { return x * x; };
  const auto dot = [](const std::vector<double>& a, const std::vector<double>& b) {
    // Both are centred, b is the longer one.
    const std::size_t shift = (b.size() - a.size()) / 2;
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i + shift];
    return sum;
  };
  const auto constants = [&](const std::vector<double>& h, double sigma) {
    double cubes = 0;
    for (const double value : h) cubes += value * value * value;
    const double t2 = square(dot(h, h));
    return WaveletScale{7.0 / 8 * t2 - square(cubes) / (2 * t2), sigma};
  };
  std::vector<double> h{1};
  std::vector<WaveletScale> all{constants(h, 0)};
  for (int scale = 1; scale <= scales; ++scale) {
    const auto taps = spline_taps(scale);
    const auto reach = static_cast<std::size_t>(taps.back().offset);
    std::vector<double> next(h.size() + 2 * reach);
    for (const Tap& tap : taps) {
      const auto first = static_cast<std::size_t>(taps.back().offset + tap.offset);
      for (std::size_t i = 0; i < h.size(); ++i) next[first + i] += tap.weight * h[i];
    }
    const double norm = square(dot(h, h)) + square(dot(next, next)) - 2 * square(dot(h, next));
    all.push_back(constants(next, std::sqrt(norm) / 2));
    h = next;
  }
  return all;
}

/// Counts over weights (0 to 1: exposure relative to its maximum, 0 where masked) with the noise
/// taken out: the smoothest image a_J plus those details a_{j-1} - a_j whose stabilised difference is
/// above `significance` standard deviations; never below 0. Every a_j is a normalised convolution
/// (sum h counts / sum h weights), so masks and borders add no structure; where the filter sees only
/// the share w of its weight, the noise is that of w times the counts. 0 where nothing was seen.
inline std::vector<double> wavelet_denoise(std::vector<double> counts, std::vector<double> weights, int height,
                                           int width, double significance, int scales) {
  const std::vector<WaveletScale> constants = wavelet_scales(scales);
  const std::size_t size = counts.size();
  const auto ratio = [&](std::size_t i) { return weights[i] > 1e-9 ? counts[i] / weights[i] : 0; };
  std::vector<double> before(size), share = weights, clean(size);
  for (std::size_t i = 0; i < size; ++i) before[i] = ratio(i);
  for (int scale = 1; scale <= scales; ++scale) {
    const auto taps = spline_taps(scale);
    filter_separably(counts, height, width, taps);
    filter_separably(weights, height, width, taps);
    const WaveletScale& fine = constants[static_cast<std::size_t>(scale) - 1];
    const WaveletScale& coarse = constants[static_cast<std::size_t>(scale)];
    for (std::size_t i = 0; i < size; ++i) {
      const double after = ratio(i);
      const double seen = std::min(share[i], weights[i]);
      const double stabilised = std::sqrt(seen) * (std::sqrt(before[i] + fine.offset / std::max(share[i], 1e-9)) -
                                                   std::sqrt(after + coarse.offset / std::max(weights[i], 1e-9)));
      if (seen > 1e-9 && std::abs(stabilised) > significance * coarse.sigma) clean[i] += before[i] - after;
      before[i] = after;
    }
    share = weights;
  }
  for (std::size_t i = 0; i < size; ++i) clean[i] = std::max(0.0, clean[i] + before[i]);
  return clean;
}

}  // namespace abell::detail

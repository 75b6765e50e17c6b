#pragma once
/// Denoising of counts by the à-trous wavelet transform with thresholds for Poisson noise.

#include <abell/images/separable.hpp>
#include <algorithm>
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

/// The transform of counts that were seen with `weights` (0 to 1: exposure relative to its maximum, 0
/// where masked). Every a_j is a normalised convolution, sum h_j counts / sum h_j weights, so masks,
/// borders and chip gaps add no structure; where the filter sees only the share w of its weight, the
/// noise is that of w times the counts. 0 where nothing was seen.
class PoissonWavelet {
 public:
  using Plane = std::vector<double>;

  PoissonWavelet(const Plane& weights, int height, int width, int scales)
      : height_(height), width_(width), constants_(wavelet_scales(scales)), seen_{weights} {
    for (int scale = 1; scale <= scales; ++scale) {
      seen_.push_back(seen_.back());
      filter_separably(seen_.back(), height, width, spline_taps(scale));
    }
  }

  /// For each scale from 1 on, 1 where the detail a_{j-1} - a_j rises above the noise by more than
  /// `significance` standard deviations; entry 0 stays empty. Only what is brighter than its
  /// surroundings counts, so that bright sources do not get dark rings.
  std::vector<std::vector<char>> significant(const Plane& counts, double significance) const {
    std::vector<std::vector<char>> found(seen_.size());
    each_scale(counts, [&](std::size_t scale, const Plane& before, const Plane& after) {
      found[scale].resize(counts.size());
      for (std::size_t i = 0; i < counts.size(); ++i) {
        const double fine = seen_[scale - 1][i];
        const double coarse = seen_[scale][i];
        if (fine <= unseen || coarse <= unseen) continue;
        const double stabilised = std::sqrt(std::max(0.0, before[i] + constants_[scale - 1].offset / fine)) -
                                  std::sqrt(std::max(0.0, after[i] + constants_[scale].offset / coarse));
        const double sigma = constants_[scale].sigma / std::sqrt(std::min(fine, coarse));
        found[scale][i] = stabilised > significance * sigma;
      }
    });
    return found;
  }

  /// The counts without their noise: the smoothest image and the significant details, never below 0.
  /// What these still lack or have too much is put right by repetition on the residual (Starck &
  /// Pierre 1998, A&AS 128, 397): sources of 100 to 4000 counts end within 2 % of their counts.
  Plane denoise(const Plane& counts, double significance) const {
    constexpr int repetitions = 8;
    const std::vector<std::vector<char>> kept = significant(counts, significance);
    Plane clean(counts.size());
    for (int pass = 0; pass <= repetitions; ++pass) {
      Plane residual(counts.size()), update(counts.size());
      for (std::size_t i = 0; i < counts.size(); ++i) residual[i] = counts[i] - clean[i] * seen_[0][i];
      const Plane smoothest = each_scale(residual, [&](std::size_t scale, const Plane& before, const Plane& after) {
        for (std::size_t i = 0; i < counts.size(); ++i) {
          if (kept[scale][i] != 0) update[i] += before[i] - after[i];
        }
      });
      for (std::size_t i = 0; i < counts.size(); ++i) clean[i] = std::max(0.0, clean[i] + update[i] + smoothest[i]);
    }
    return clean;
  }

 private:
  static constexpr double unseen = 1e-9;

  /// Calls visit(j, a_{j-1}, a_j) for the scales j = 1, 2, ... and returns the last a_j.
  template <class Visit>
  Plane each_scale(Plane counts, Visit visit) const {
    const auto ratio = [&](std::size_t scale) {
      Plane a(counts.size());
      for (std::size_t i = 0; i < a.size(); ++i) a[i] = seen_[scale][i] > unseen ? counts[i] / seen_[scale][i] : 0;
      return a;
    };
    Plane before = ratio(0);
    for (std::size_t scale = 1; scale < seen_.size(); ++scale) {
      filter_separably(counts, height_, width_, spline_taps(static_cast<int>(scale)));
      Plane after = ratio(scale);
      visit(scale, before, after);
      before.swap(after);
    }
    return before;
  }

  int height_;
  int width_;
  std::vector<WaveletScale> constants_;
  std::vector<Plane> seen_;  ///< sum h_j weights
};

}  // namespace abell::detail

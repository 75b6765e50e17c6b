#pragma once
/// Batch normalisation over a batch: statistics by strips of pixels, put together in a fixed order in
/// double precision, and the affine maps that follow from them.

#include <abell/kernels/conv2d.hpp>
#include <array>
#include <cmath>

namespace abell::kernels {

/// Of every channel, what one training step needs; `channels` values each.
template <class T>
struct NormState {
  T* mean;     ///< that the step normalises with: the batch's, or the moving average
  T* inverse;  ///< 1 / sqrt(variance + epsilon)
  T* scale;    ///< y = scale x + shift
  T* shift;
  T* variance;  ///< of the batch (biased)
  T* g_scale;   ///< dx = g_scale g + x_scale x + offset, g the gradient of y
  T* x_scale;
  T* offset;

  static constexpr std::size_t arrays = 8;
  static NormState at(T* memory, std::size_t channels) {
    const auto array = [&](std::size_t i) { return memory == nullptr ? nullptr : memory + i * channels; };
    return {array(0), array(1), array(2), array(3), array(4), array(5), array(6), array(7)};
  }
};

/// Statistics of strips of a batch: of each strip two values a channel.
template <class T>
struct StripSums {
  T* memory;
  std::size_t channels;

  T* first(int strip) const { return memory + 2 * static_cast<std::size_t>(strip) * channels; }
  T* second(int strip) const { return first(strip) + channels; }
  static std::size_t size(int strips, std::size_t channels) { return 2 * static_cast<std::size_t>(strips) * channels; }
};

/// Runs body(first, channels) on chunks of channels.
template <class Body>
void each_chunk_of_channels(int threads, std::size_t channels, const Body& body) {
  parallel_for(static_cast<int>((channels + channels_chunk - 1) / channels_chunk), threads, [&](int chunk, int) {
    const std::size_t first = static_cast<std::size_t>(chunk) * channels_chunk;
    body(first, std::min(channels_chunk, channels - first));
  });
}

/// Puts means and sums of squares of `count` strips together (Chan, Golub & LeVeque 1983); pixels(i) tells how
/// many pixels strip i has. Fills mean and variance of `state`.
template <class T, class Pixels>
void combine_moments(int threads, const StripSums<T>& by_strip, int count, const Pixels& pixels,
                     const NormState<T>& state) {
  each_chunk_of_channels(threads, by_strip.channels, [&](std::size_t first, std::size_t channels) {
    std::array<double, channels_chunk> mean{}, squares{};
    double n = 0;
    for (int i = 0; i < count; ++i) {
      const auto more = static_cast<double>(pixels(i));
      n += more;
      const double fraction = more / n, weight = more * (n - more) / n;
      const T* means = by_strip.first(i) + first;
      const T* sums = by_strip.second(i) + first;
#pragma omp simd
      for (std::size_t c = 0; c < channels; ++c) {
        const double apart = static_cast<double>(means[c]) - mean[c];
        mean[c] += apart * fraction;
        squares[c] += static_cast<double>(sums[c]) + apart * apart * weight;
      }
    }
    for (std::size_t c = 0; c < channels; ++c) {
      state.mean[first + c] = static_cast<T>(mean[c]);
      state.variance[first + c] = static_cast<T>(squares[c] / n);
    }
  });
}

/// y = gamma (x - mean) inverse + beta as scale x + shift, from mean and `variance`.
template <class T>
void norm_affine(const NormState<T>& state, std::size_t channels, double epsilon, const T* variance, const T* gamma,
                 const T* beta) {
  for (std::size_t c = 0; c < channels; ++c) {
    const double inverse = 1 / std::sqrt(static_cast<double>(variance[c]) + epsilon);
    state.inverse[c] = static_cast<T>(inverse);
    state.scale[c] = static_cast<T>(static_cast<double>(gamma[c]) * inverse);
    state.shift[c] = static_cast<T>(static_cast<double>(beta[c]) -
                                    static_cast<double>(gamma[c]) * inverse * static_cast<double>(state.mean[c]));
  }
}

/// From the strips' sums of g and g xhat: the gradients of gamma and beta, and the map from g to dx,
///   dx = gamma inverse (g - sum g / n - xhat sum(g xhat) / n),   xhat = (x - mean) inverse,
/// where the batch's statistics were used, else dx = gamma inverse g.
template <class T>
void norm_backward(int threads, const StripSums<T>& by_strip, int count, double pixels, bool batch_statistics,
                   const T* gamma, const NormState<T>& state, T* gamma_gradient, T* beta_gradient) {
  each_chunk_of_channels(threads, by_strip.channels, [&](std::size_t first, std::size_t channels) {
    std::array<double, channels_chunk> sum{}, product{};
    for (int i = 0; i < count; ++i) {
      const T* sums = by_strip.first(i) + first;
      const T* products = by_strip.second(i) + first;
#pragma omp simd
      for (std::size_t c = 0; c < channels; ++c) {
        sum[c] += static_cast<double>(sums[c]);
        product[c] += static_cast<double>(products[c]);
      }
    }
    for (std::size_t i = 0; i < channels; ++i) {
      const std::size_t c = first + i;
      gamma_gradient[c] = static_cast<T>(product[i]);
      beta_gradient[c] = static_cast<T>(sum[i]);
      const double inverse = static_cast<double>(state.inverse[c]);
      const double scale = static_cast<double>(gamma[c]) * inverse;
      const double x_scale = batch_statistics ? -scale * inverse * product[i] / pixels : 0;
      state.g_scale[c] = static_cast<T>(scale);
      state.x_scale[c] = static_cast<T>(x_scale);
      state.offset[c] = static_cast<T>(
          batch_statistics ? -scale * sum[i] / pixels - x_scale * static_cast<double>(state.mean[c]) : 0.0);
    }
  });
}

/// Pixels of a strip where pixels are taken one after the other.
template <class T>
constexpr int norm_strip_pixels(int channels) {
  return std::max(1, norm_strip_bytes / (channels * static_cast<int>(sizeof(T))));
}

}  // namespace abell::kernels

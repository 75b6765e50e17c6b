#pragma once
/// A bias for each channel, and its gradient.

#include <abell/kernels/partial_sums.hpp>
#include <algorithm>
#include <cstddef>

namespace abell::kernels {

/// y[pixel][c] += bias[c].
template <class T>
void add_bias(int threads, std::size_t pixels, std::size_t channels, const T* bias, T* y) {
  const int chunks = static_cast<int>(std::min<std::size_t>(pixels, max_gradient_chunks));
  parallel_for(chunks, threads, [&](int chunk, int) {
    const std::size_t begin = pixels * static_cast<std::size_t>(chunk) / static_cast<std::size_t>(chunks);
    const std::size_t end = pixels * static_cast<std::size_t>(chunk + 1) / static_cast<std::size_t>(chunks);
    for (T *at = y + begin * channels, *last = y + end * channels; at != last; at += channels) {
#pragma omp simd
      for (std::size_t c = 0; c < channels; ++c) at[c] += bias[c];
    }
  });
}

/// Scratch values for bias_gradient.
constexpr std::size_t bias_gradient_scratch(std::size_t channels) { return channels * max_gradient_chunks; }

/// gradient[c] = sum over pixels of dy[pixel][c], chunk by chunk in a fixed order.
template <class T>
void bias_gradient(int threads, std::size_t pixels, std::size_t channels, const T* dy, T* gradient, T* scratch) {
  const int chunks = static_cast<int>(std::min<std::size_t>(pixels, max_gradient_chunks));
  parallel_for(chunks, threads, [&](int chunk, int) {
    const std::size_t begin = pixels * static_cast<std::size_t>(chunk) / static_cast<std::size_t>(chunks);
    const std::size_t end = pixels * static_cast<std::size_t>(chunk + 1) / static_cast<std::size_t>(chunks);
    T* sums = scratch + static_cast<std::size_t>(chunk) * channels;
    std::fill_n(sums, channels, T(0));
    for (const T *at = dy + begin * channels, *last = dy + end * channels; at != last; at += channels) {
#pragma omp simd
      for (std::size_t c = 0; c < channels; ++c) sums[c] += at[c];
    }
  });
  std::fill_n(gradient, channels, T(0));
  add_partial_sums(threads, chunks, channels, scratch, channels, gradient);
}

}  // namespace abell::kernels

#pragma once
/// Sums that chunks of work make apart, and that are added up in a fixed order.

#include <abell/core/parallel.hpp>
#include <algorithm>
#include <cstddef>

namespace abell::kernels {

/// Partial sums of a gradient are kept for this many chunks at most: enough for the threads of a
/// large machine, few enough that adding them up costs nothing.
inline constexpr int max_gradient_chunks = 32;

/// sums[0, size) += each of `count` arrays of partial sums, `stride` values apart, in order.
template <class T>
void add_partial_sums(int threads, int count, std::size_t size, const T* partial, std::size_t stride, T* sums) {
  if (count == 0) return;
  constexpr std::size_t piece = 1024, line = 64 / sizeof(T);
  const int pieces = static_cast<int>((size + piece - 1) / piece);
  parallel_for(pieces, threads, [&](int index, int) {
    const std::size_t begin = static_cast<std::size_t>(index) * piece;
    const std::size_t end = std::min(begin + piece, size);
    for (int i = 0; i < count; ++i) {
      const T* from = partial + static_cast<std::size_t>(i) * stride;
      const T* next = i + 1 < count ? from + stride : from;  // prefetched meanwhile: it may lie in another core's cache
      std::size_t at = begin;
      for (; at + line <= end; at += line) {
        __builtin_prefetch(next + at);
#pragma omp simd
        for (std::size_t j = at; j < at + line; ++j) sums[j] += from[j];
      }
      for (; at < end; ++at) sums[at] += from[at];
    }
  });
}

}  // namespace abell::kernels

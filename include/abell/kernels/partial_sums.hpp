#pragma once
/// Sums that chunks of work make apart, and that are added up in a fixed order.

#include <abell/core/parallel.hpp>
#include <abell/kernels/tuning.hpp>
#include <algorithm>
#include <cstddef>

namespace abell::kernels {

/// sums[0, size) += each of `count` arrays of partial sums, `stride` values apart, in order.
template <class T>
void add_partial_sums(int threads, int count, std::size_t size, const T* partial, std::size_t stride, T* sums) {
  if (count == 0) return;
  constexpr std::size_t line = line_bytes / sizeof(T);
  const int chunks = static_cast<int>((size + sums_chunk - 1) / sums_chunk);
  parallel_for(chunks, threads, [&](int chunk, int) {
    const std::size_t begin = static_cast<std::size_t>(chunk) * sums_chunk;
    const std::size_t end = std::min(begin + sums_chunk, size);
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

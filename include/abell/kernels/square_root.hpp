#pragma once
/// Square roots of many values.

#include <cmath>
#include <cstddef>
#include <type_traits>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace abell::kernels {

/// x = sqrt(x), correctly rounded. Compilers leave a loop over std::sqrt one value at a time, since it may set
/// errno; the four-lane instruction takes as many values a cycle as any wider one.
template <class T>
void square_roots(std::size_t size, T* x) {
  std::size_t i = 0;
#if defined(__SSE2__)
  if constexpr (std::is_same_v<T, float>) {
    for (; i + 4 <= size; i += 4) _mm_storeu_ps(x + i, _mm_sqrt_ps(_mm_loadu_ps(x + i)));
  } else if constexpr (std::is_same_v<T, double>) {
    for (; i + 2 <= size; i += 2) _mm_storeu_pd(x + i, _mm_sqrt_pd(_mm_loadu_pd(x + i)));
  }
#endif
  for (; i < size; ++i) x[i] = std::sqrt(x[i]);
}

}  // namespace abell::kernels

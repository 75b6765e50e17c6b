// Vectors of ABELL_VECTOR_BYTES bytes.

#if defined(ABELL_ISA_VECTOR_INL) == defined(ABELL_ISA_TOGGLE)
#ifdef ABELL_ISA_VECTOR_INL
#undef ABELL_ISA_VECTOR_INL
#else
#define ABELL_ISA_VECTOR_INL
#endif

#ifndef ABELL_VECTOR_BYTES
#include <abell/kernels/isa/alone.inl>
#endif

template <class T>
struct VectorOf {
  typedef T Type __attribute__((vector_size(ABELL_VECTOR_BYTES)));
  // May stand at any address that suits a T.
  typedef T Loose __attribute__((vector_size(ABELL_VECTOR_BYTES), aligned(alignof(T)), may_alias));
};
template <class T>
using Vector = typename VectorOf<T>::Type;
template <class T>
using Loose = typename VectorOf<T>::Loose;

template <class T>
inline constexpr int lanes = ABELL_VECTOR_BYTES / static_cast<int>(sizeof(T));

// The register tile: tile_pixels x 2 vectors of sums, with room for two weights and one broadcast
// in the 16 registers of SSE and AVX2, or the 32 of AVX-512.
inline constexpr int tile_pixels = ABELL_VECTOR_REGISTERS == 32 ? 12 : 6;
inline constexpr int tile_vectors = 2;
template <class T>
inline constexpr int tile_columns = tile_vectors* lanes<T>;

// Has a value that is used twice loaded once: GCC would rather read memory for each use.
template <class T>
static inline __attribute__((always_inline)) void keep_in_register([[maybe_unused]] Vector<T>& value) {
#if defined(__x86_64__)
  __asm__("" : "+v"(value));
#endif
}

template <class T>
static inline long round_to_lanes(long count) {
  return (count + lanes<T> - 1) / lanes<T> * lanes<T>;
}

// The first address from `at` on that suits a To.
template <class To>
static inline To* aligned_for(void* at) {
  constexpr unsigned long last = alignof(To) - 1;
  return reinterpret_cast<To*>((reinterpret_cast<unsigned long>(at) + last) & ~last);
}

template <class T>
static inline void copy_values(const T* from, long count, T* to) {
  __builtin_memcpy(to, from, static_cast<unsigned long>(count) * sizeof(T));
}

template <class T>
static inline void clear_values(T* to, long count) {
  __builtin_memset(to, 0, static_cast<unsigned long>(count) * sizeof(T));
}

template <class T>
static inline __attribute__((always_inline)) Vector<T> load(const T* from) {
  return *reinterpret_cast<const Loose<T>*>(from);
}

template <class T>
static inline __attribute__((always_inline)) void store(const Vector<T>& value, T* to) {
  *reinterpret_cast<Loose<T>*>(to) = value;
}

// `valid` values, zeros behind them.
template <class T>
static inline Vector<T> load_some(const T* from, int valid) {
  Vector<T> value{};
  copy_values(from, valid, reinterpret_cast<T*>(&value));
  return value;
}

template <class T>
static inline void store_some(const Vector<T>& value, int valid, T* to) {
  copy_values(reinterpret_cast<const T*>(&value), valid, to);
}

// sums[n] += rows[0][n] + rows[1][n] + ..., in this order; `width` is whole vectors.
template <class T>
static inline void add_rows(const T* rows, int count, long width, T* sums) {
  for (long n = 0; n < width; n += lanes<T>) {
    Vector<T> sum = *reinterpret_cast<const Loose<T>*>(sums + n);
    for (int row = 0; row < count; ++row) sum += *reinterpret_cast<const Loose<T>*>(rows + row * width + n);
    *reinterpret_cast<Loose<T>*>(sums + n) = sum;
  }
}

// Stores a vector at an aligned address past the cache: what is larger than the cache would only be read
// into it to be overwritten, and be gone before its next use.
template <class T>
static inline __attribute__((always_inline)) void stream(const Vector<T>& value, T* to) {
#if defined(__clang__)
  __builtin_nontemporal_store(value, reinterpret_cast<Vector<T>*>(to));
#elif defined(__x86_64__) && ABELL_VECTOR_BYTES == 64
  if constexpr (sizeof(T) == 4) __builtin_ia32_movntps512(to, value);
  if constexpr (sizeof(T) == 8) __builtin_ia32_movntpd512(to, value);
#elif defined(__x86_64__) && ABELL_VECTOR_BYTES == 32
  if constexpr (sizeof(T) == 4) __builtin_ia32_movntps256(to, value);
  if constexpr (sizeof(T) == 8) __builtin_ia32_movntpd256(to, value);
#elif defined(__x86_64__)
  if constexpr (sizeof(T) == 4) __builtin_ia32_movntps(to, value);
  if constexpr (sizeof(T) == 8) __builtin_ia32_movntpd(to, value);
#else
  *reinterpret_cast<Vector<T>*>(to) = value;
#endif
}

// Streamed stores become visible to other threads.
static inline void finish_streams() {
#if defined(__x86_64__)
  __builtin_ia32_sfence();
#endif
}

// Whether an array of `size` values, written in whole vectors `stride` values apart, is to be streamed.
template <class T>
static inline bool worth_streaming(const T* to, unsigned long size, long stride) {
  return size * sizeof(T) >= streamed_bytes && stride % lanes<T> == 0 &&
         reinterpret_cast<unsigned long>(to) % ABELL_VECTOR_BYTES == 0;
}

#endif

// 3x3 SAME convolution + bias + ReLU + 2x2 SAME max-pool in one pass, and its two gradients.
//
// Forward, the convolution's output only ever exists in registers: see conv_pool_winograd.inl, and for few channels
// conv_pool_winograd_few.inl. What is kept for the backward pass is one byte for each pooled value: which of the four
// positions was the maximum (0 1 / 2 3), or `cut_by_relu` when ReLU cut it to zero.
//
// Backward, at most one of the four positions carries a gradient, and none where ReLU cut the pooled value: both
// gradients walk just the live (position, filter) pairs.

#if defined(ABELL_ISA_CONV_POOL_FORWARD_INL) == defined(ABELL_ISA_TOGGLE)
#ifdef ABELL_ISA_CONV_POOL_FORWARD_INL
#undef ABELL_ISA_CONV_POOL_FORWARD_INL
#else
#define ABELL_ISA_CONV_POOL_FORWARD_INL
#endif

#include <abell/kernels/isa/vector.inl>

inline constexpr unsigned char cut_by_relu = 4;

template <class T>
using IndexVector = decltype(Vector<T>{} < Vector<T>{});

template <class T>
struct ByteVectorOf {
  typedef unsigned char Type __attribute__((vector_size(ABELL_VECTOR_BYTES / sizeof(T))));
};

template <class T>
using ByteVector = typename ByteVectorOf<T>::Type;

template <class T>
struct QuadOf {
  typedef T Type __attribute__((vector_size(4 * sizeof(T))));
  typedef T Loose __attribute__((vector_size(4 * sizeof(T)), aligned(alignof(T)), may_alias));
};

// Lanes of small integers as bytes, and back. GCC 12 takes the lanes apart one by one unless told how.
template <class T>
static inline __attribute__((always_inline)) ByteVector<T> narrow(const IndexVector<T>& index) {
  return __builtin_convertvector(index, ByteVector<T>);
}
#if ABELL_VECTOR_BYTES == 32
template <>
inline __attribute__((always_inline)) ByteVector<float> narrow<float>(const IndexVector<float>& index) {
  typedef unsigned char Bytes __attribute__((vector_size(32)));
  const Bytes bytes = reinterpret_cast<const Bytes&>(index);
  return __builtin_shufflevector(bytes, bytes, 0, 4, 8, 12, 16, 20, 24, 28);
}
#elif !defined(__clang__) && defined(__x86_64__) && ABELL_VECTOR_BYTES == 64
template <>
inline __attribute__((always_inline)) ByteVector<float> narrow<float>(const IndexVector<float>& index) {
  typedef char Bytes __attribute__((vector_size(16)));
  const Bytes bytes = __builtin_ia32_pmovdb512_mask(index, Bytes{}, static_cast<unsigned short>(-1));
  return reinterpret_cast<const ByteVector<float>&>(bytes);
}
#endif

template <class T>
static inline __attribute__((always_inline)) IndexVector<T> widen(const unsigned char* from) {
  ByteVector<T> bytes;
  __builtin_memcpy(&bytes, from, sizeof(bytes));
  return __builtin_convertvector(bytes, IndexVector<T>);
}
#if !defined(__clang__) && defined(__x86_64__) && ABELL_VECTOR_BYTES == 64
template <>
inline __attribute__((always_inline)) IndexVector<float> widen<float>(const unsigned char* from) {
  typedef char Bytes __attribute__((vector_size(16)));
  Bytes bytes;
  __builtin_memcpy(&bytes, from, sizeof(bytes));
  return __builtin_ia32_pmovzxbd512_mask(bytes, IndexVector<float>{}, static_cast<unsigned short>(-1));
}
#endif

typedef char Bytes16 __attribute__((vector_size(16)));

// `valid` positions of up to 16 filters, `cut_by_relu` behind them.
static inline __attribute__((always_inline)) Bytes16 load_positions(const unsigned char* from, long valid) {
  Bytes16 bytes = Bytes16{} + static_cast<char>(cut_by_relu);
  if (valid >= 16) {
    __builtin_memcpy(&bytes, from, 16);
  } else {
    __builtin_memcpy(&bytes, from, static_cast<unsigned long>(valid));
  }
  return bytes;
}

// Outputs of the convolution that exist from a tile on.
struct Outputs {
  int rows, columns, filters;
};

// The maximum of the four positions (at an odd edge there is no `right` or `lower` one), and which it was; the first
// wins a tie. A NaN that comes after a number loses here, yet none is swallowed: three neighbouring outputs always
// hold both of an aligned pair, so a NaN in the image makes all positions of some pooled pixel NaN (one in the
// weights, of a whole filter).
template <class T>
static inline __attribute__((always_inline)) Vector<T> maximum_of(const Vector<T> (&position)[4], bool right,
                                                                  bool lower, IndexVector<T>& index) {
  const Vector<T> a = position[0], b = right ? position[1] : a;
  const Vector<T> c = lower ? position[2] : a, d = lower ? (right ? position[3] : c) : b;
  const IndexVector<T> upper_right = b > a, lower_right = d > c;
  const Vector<T> above = upper_right ? b : a, below = lower_right ? d : c;
  const IndexVector<T> wins = below > above;
  const IndexVector<T> zero = IndexVector<T>{};
  index = wins ? (lower_right ? zero + 3 : zero + 2) : (upper_right ? zero + 1 : zero);
  return wins ? below : above;
}

// ReLU, then `valid` lanes of the pooled values and of their positions to memory.
template <class T>
static inline __attribute__((always_inline)) void store_pooled(Vector<T> best, IndexVector<T> index, int valid,
                                                               bool streamed, T* pooled, unsigned char* argmax) {
  const IndexVector<T> cut = best <= Vector<T>{};
  best = cut ? Vector<T>{} : best;
  index = cut ? IndexVector<T>{} + cut_by_relu : index;
  const ByteVector<T> bytes = narrow<T>(index);
  if (valid >= lanes<T>) {
    if (streamed) {
      stream<T>(best, pooled);
    } else {
      store(best, pooled);
    }
    __builtin_memcpy(argmax, &bytes, lanes<T>);
  } else if (valid > 0) {
    const Vector<T> some = best;  // copies: what has an address would be kept in memory in every case
    const ByteVector<T> some_bytes = bytes;
    __builtin_memcpy(pooled, &some, static_cast<unsigned long>(valid) * sizeof(T));
    __builtin_memcpy(argmax, &some_bytes, static_cast<unsigned long>(valid));
  }
}

// With fewer channels than lanes, the filters are the lanes, forward and in the weights' gradient
// (conv_pool_winograd_few.inl, conv_pool_weights_few.inl).
template <class T>
static bool few_channels(const Conv2dGeometry& g) {
  return g.channels < lanes<T>;
}

#endif

// 3x3 SAME convolution + bias + ReLU + 2x2 SAME max-pool in one pass, and its two gradients.
// Included once for each instruction set, see targets.inl.
//
// Forward, the convolution's output only ever exists as a short strip in the first-level cache.
// What is kept for the way back is one byte for each pooled value: which of the four positions was
// the maximum (0 1 / 2 3), or `dead` when ReLU cut it to zero.
//
// Backward, at most one of the four positions carries a gradient, and none where the unit is dead:
// both gradients walk just the live (position, filter) pairs.

inline constexpr unsigned char dead = 4;

template <class T>
using IndexVector = decltype(Vector<T>{} < Vector<T>{});

// Channels that the backward kernels take at a time: 9 taps x block_vectors sums fit the registers.
inline constexpr int block_vectors = ABELL_VECTOR_REGISTERS == 32 ? 2 : 1;
template <class T>
inline constexpr int block = block_vectors* lanes<T>;

template <class T>
static inline int blocks(int channels) {
  return (channels + block<T> - 1) / block<T>;
}

template <class T>
struct ByteVectorOf {
  typedef unsigned char Type __attribute__((vector_size(ABELL_VECTOR_BYTES / sizeof(T))));
};

template <class T>
using ByteVector = typename ByteVectorOf<T>::Type;

// Lanes of small integers as bytes, and back. GCC 12 takes AVX2's lanes apart one by one unless told how.
template <class T>
static inline __attribute__((always_inline)) ByteVector<T> narrow(const IndexVector<T>& index) {
  return __builtin_convertvector(index, ByteVector<T>);
}
template <class T>
static inline __attribute__((always_inline)) IndexVector<T> widen(const ByteVector<T>& bytes) {
  return __builtin_convertvector(bytes, IndexVector<T>);
}
#if ABELL_VECTOR_BYTES == 32
template <>
inline __attribute__((always_inline)) ByteVector<float> narrow<float>(const IndexVector<float>& index) {
  typedef unsigned char Bytes __attribute__((vector_size(32)));
  const Bytes bytes = reinterpret_cast<const Bytes&>(index);
  return __builtin_shufflevector(bytes, bytes, 0, 4, 8, 12, 16, 20, 24, 28);
}
#if !defined(__clang__) && defined(__x86_64__)
template <>
inline __attribute__((always_inline)) IndexVector<float> widen<float>(const ByteVector<float>& bytes) {
  typedef char Bytes __attribute__((vector_size(16)));
  Bytes low = {};
  __builtin_memcpy(&low, &bytes, sizeof bytes);
  return __builtin_ia32_pmovzxbd256(low);
}
#endif
#endif

// Lets the vector at `other` contest the maximum so far. NaN wins every comparison, so that it is
// never swallowed; the first maximum wins a tie.
template <class T>
static inline __attribute__((always_inline)) void contest(const T* other, int position, Vector<T>& best,
                                                          IndexVector<T>& index) {
  const Vector<T> value = *reinterpret_cast<const Loose<T>*>(other);
  const IndexVector<T> wins = (value > best) | (value != value);
  best = wins ? value : best;
  index = wins ? IndexVector<T>{} + position : index;
}

// Pools `columns` pooled columns of one panel: strip holds two rows (the second null at an odd
// bottom) of [2 * columns][width]; an odd last column has no right neighbour.
template <class T>
static void relu_pool_strip(const T* upper, const T* lower, int columns, int conv_columns, int width, int valid,
                            T* pooled, unsigned char* argmax, long stride) {
  using Index = IndexVector<T>;
  constexpr int step = lanes<T>;
  for (int x = 0; x < columns; ++x) {
    const bool right = 2 * x + 1 < conv_columns;
    for (int n = 0; n < width; n += step) {
      const T* at = upper + static_cast<long>(2 * x) * width + n;
      Vector<T> best = *reinterpret_cast<const Loose<T>*>(at);
      Index index = Index{};
      if (right) contest(at + width, 1, best, index);
      if (lower != nullptr) {
        const T* below = lower + static_cast<long>(2 * x) * width + n;
        contest(below, 2, best, index);
        if (right) contest(below + width, 3, best, index);
      }
      const Index cut = best <= Vector<T>{};
      best = cut ? Vector<T>{} : best;
      index = cut ? Index{} + dead : index;
      const ByteVector<T> bytes = narrow<T>(index);
      if (n + step <= valid) {
        *reinterpret_cast<Loose<T>*>(pooled + n) = best;
        __builtin_memcpy(argmax + n, &bytes, step);
      } else if (n < valid) {
        __builtin_memcpy(pooled + n, &best, static_cast<unsigned long>(valid - n) * sizeof(T));
        __builtin_memcpy(argmax + n, &bytes, static_cast<unsigned long>(valid - n));
      }
    }
    pooled += stride;
    argmax += stride;
  }
}

inline constexpr int pool_segment = 4 * tile_pixels;  // pooled columns whose strip stays in the cache

template <class T>
static long pool_forward_scratch_size(const Conv2dGeometry& g) {
  return 4 * static_cast<long>(g.band_row()) + 4L * pool_segment * panel_width<T>;
}

// Pooled rows [begin, end) of one image. `packed`: see pack_conv2d.
template <class T>
static void pool_forward_rows(const Conv2dGeometry& g, const T* image, const T* packed, T* pooled,
                              unsigned char* argmax, int begin, int end, T* scratch) {
  T* band = scratch;
  T* strip = scratch + 4 * static_cast<long>(g.band_row());
  const int length = 3 * g.channels;
  const long depth = g.depth();
  const T* bias = packed + depth * round_to_lanes<T>(g.filters);
  int loaded = 2 * begin;
  for (int row = begin; row < end; ++row) {
    const bool lower = 2 * row + 1 < g.out_height;
    for (; loaded < 2 * row + (lower ? 4 : 3); ++loaded) load_band_row(g, image, loaded, band, 3);
    const T* weights = packed;
    for (int column = 0; column < g.filters; column += panel_width<T>) {
      const int vectors = panel_vectors<T>(column, g.filters);
      const int width = vectors * lanes<T>;
      const int valid = g.filters - column < width ? g.filters - column : width;
      for (int x = 0; x < g.pooled_width(); x += pool_segment) {
        const int columns = g.pooled_width() - x < pool_segment ? g.pooled_width() - x : pool_segment;
        const int conv_columns = g.out_width - 2 * x < 2 * columns ? g.out_width - 2 * x : 2 * columns;
        T* second = strip + 2L * pool_segment * width;
        for (int half = 0; half < (lower ? 2 : 1); ++half) {
          const Window window{static_cast<long>(g.band_row()), g.channels, 2 * row + half, 3};
          multiply_panel<T>(vectors, band + 2L * x * g.channels, window, 3, length, weights, bias + column,
                            half == 0 ? strip : second, width, conv_columns);
        }
        const long at = (static_cast<long>(row) * g.pooled_width() + x) * g.filters + column;
        relu_pool_strip(strip, lower ? second : nullptr, columns, conv_columns, width, valid, pooled + at, argmax + at,
                        g.filters);
      }
      weights += depth * width;
    }
  }
}

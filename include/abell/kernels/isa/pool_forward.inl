// 3x3 SAME convolution + bias + ReLU + 2x2 SAME max-pool in one pass, and its two gradients.
// Included once for each instruction set, see targets.inl.
//
// Forward, the convolution's output only ever exists in registers: with few input channels a tile of whole
// 2x2 groups is summed there directly; otherwise see pool_winograd.inl. What is kept for the way back is one
// byte for each pooled value: which of the four positions was the maximum (0 1 / 2 3), or `dead` when ReLU
// cut it to zero.
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
#endif
#if !defined(__clang__) && defined(__x86_64__) && ABELL_VECTOR_BYTES > 16
typedef char SixteenBytes __attribute__((vector_size(16)));
template <>
inline __attribute__((always_inline)) IndexVector<float> widen<float>(const ByteVector<float>& bytes) {
  SixteenBytes low = {};
  __builtin_memcpy(&low, &bytes, sizeof bytes);
#if ABELL_VECTOR_BYTES == 32
  return __builtin_ia32_pmovzxbd256(low);
#else
  return __builtin_ia32_pmovzxbd512_mask(low, IndexVector<float>{}, static_cast<unsigned short>(-1));
#endif
}
#if ABELL_VECTOR_BYTES == 64
template <>
inline __attribute__((always_inline)) ByteVector<float> narrow<float>(const IndexVector<float>& index) {
  const SixteenBytes low = __builtin_ia32_pmovdb512_mask(index, SixteenBytes{}, static_cast<unsigned short>(-1));
  return reinterpret_cast<const ByteVector<float>&>(low);
}
#endif
#endif

// Lets `value` contest the maximum so far; the first maximum wins a tie. A NaN that comes after a number
// loses here, yet none is swallowed: three neighbouring outputs always hold both of an aligned pair, so a
// NaN in the image makes all positions of some pooled pixel NaN (one in the weights, of a whole filter).
template <class T>
static inline __attribute__((always_inline)) void contest(const Vector<T>& value, int position, Vector<T>& best,
                                                          IndexVector<T>& index) {
  const IndexVector<T> wins = value > best;
  best = wins ? value : best;
  index = wins ? IndexVector<T>{} + position : index;
}

// ReLU, then `valid` lanes of the pooled values and of their positions to memory.
template <class T>
static inline __attribute__((always_inline)) void store_pooled(Vector<T> best, IndexVector<T> index, int valid,
                                                               bool streamed, T* pooled, unsigned char* argmax) {
  const IndexVector<T> cut = best <= Vector<T>{};
  best = cut ? Vector<T>{} : best;
  index = cut ? IndexVector<T>{} + dead : index;
  const ByteVector<T> bytes = narrow<T>(index);
  if (valid >= lanes<T>) {
    if (streamed) {
      stream<T>(best, pooled);
    } else {
      *reinterpret_cast<Loose<T>*>(pooled) = best;
    }
    __builtin_memcpy(argmax, &bytes, lanes<T>);
  } else if (valid > 0) {
    __builtin_memcpy(pooled, &best, static_cast<unsigned long>(valid) * sizeof(T));
    __builtin_memcpy(argmax, &bytes, static_cast<unsigned long>(valid));
  }
}

// With fewer channels than lanes, rows of kernels are too short for anything but the direct form
// here, and the weights' gradient takes the filters as lanes (see pool_weights.inl).
template <class T>
static bool few_channels(const Conv2dGeometry& g) {
  return g.channels < lanes<T>;
}

// Which of the four positions under a pooled value exist: at an odd edge there is no right or lower one.
struct Positions {
  bool right, lower;
};

// P pooled pixels x V vectors of filters, all four positions of each in registers. upper[r], lower[r]:
// row r of the windows of the upper and lower positions.
template <class T, int P, int V>
static void pool_tile(const T* const (&upper)[3], const T* const (&lower)[3], int channels, const T* weights,
                      const T* bias, Positions exist, int filters, long stride, bool streamed, T* pooled,
                      unsigned char* argmax) {
  Vector<T> sum[P][4][V];
#pragma GCC unroll 16
  for (int v = 0; v < V; ++v) {
    const Vector<T> start = *reinterpret_cast<const Loose<T>*>(bias + v * lanes<T>);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 4
      for (int position = 0; position < 4; ++position) sum[p][position][v] = start;
    }
  }
  for (int r = 0; r < 3; ++r) {
    const T* above = upper[r];
    const T* below = lower[r];
    for (int j = 0; j < 3 * channels; ++j) {
      Vector<T> weight[V];
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) weight[v] = *reinterpret_cast<const Loose<T>*>(weights + v * lanes<T>);
      weights += V * lanes<T>;
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) {
#pragma GCC unroll 4
        for (int position = 0; position < 4; ++position) {
          const T value = (position < 2 ? above : below)[(2 * p + position % 2) * channels + j];
#pragma GCC unroll 16
          for (int v = 0; v < V; ++v) sum[p][position][v] += value * weight[v];
        }
      }
    }
  }
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
    const bool right = exist.right || p + 1 < P;
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      Vector<T> best = sum[p][0][v];
      IndexVector<T> index = IndexVector<T>{};
      if (right) contest<T>(sum[p][1][v], 1, best, index);
      if (exist.lower) contest<T>(sum[p][2][v], 2, best, index);
      if (exist.lower && right) contest<T>(sum[p][3][v], 3, best, index);
      store_pooled<T>(best, index, filters - v * lanes<T>, streamed, pooled + p * stride + v * lanes<T>,
                      argmax + p * stride + v * lanes<T>);
    }
  }
}

// Pooled pixels of a tile: 4 x pool_pixels x 2 sums beside two weights and one broadcast.
inline constexpr int pool_pixels = ABELL_VECTOR_REGISTERS == 32 ? 3 : 1;

template <class T>
static long pool_direct_scratch_size(const Conv2dGeometry& g) {
  return 4 * static_cast<long>(g.band_row()) + g.channels;  // an odd last column's right neighbour is read, not used
}

// Pooled rows [begin, end) of one image. `packed`: see pack_conv2d.
template <class T>
static void pool_direct_rows(const Conv2dGeometry& g, const T* image, const T* packed, T* pooled, unsigned char* argmax,
                             int begin, int end, T* band) {
  const long band_row = static_cast<long>(g.band_row());
  const long depth = g.depth();
  const T* bias = packed + depth * round_to_lanes<T>(g.filters);
  const bool streamed = worth_streaming(pooled, g.pooled_size(), g.filters);
  int loaded = 2 * begin;
  for (int row = begin; row < end; ++row) {
    const bool lower_exists = 2 * row + 1 < g.out_height;
    for (; loaded < 2 * row + (lower_exists ? 4 : 3); ++loaded) load_band_row(g, image, loaded, band, 3);
    const T* weights = packed;
    for (int column = 0; column < g.filters; column += panel_width<T>) {
      const int vectors = panel_vectors<T>(column, g.filters);
      for (int x = 0; x < g.pooled_width();) {
        const T* upper[3];
        const T* lower[3];
        for (int r = 0; r < 3; ++r) {
          upper[r] = band + ((2 * row + r) & 3) * band_row + 2L * x * g.channels;
          lower[r] = band + ((2 * row + 1 + r) & 3) * band_row + 2L * x * g.channels;
        }
        const long at = (static_cast<long>(row) * g.pooled_width() + x) * g.filters + column;
        const bool many = x + pool_pixels <= g.pooled_width();
        const int taken = many ? pool_pixels : 1;
        const auto tile = vectors == 2 ? (many ? pool_tile<T, pool_pixels, 2> : pool_tile<T, 1, 2>)
                                       : (many ? pool_tile<T, pool_pixels, 1> : pool_tile<T, 1, 1>);
        tile(upper, lower, g.channels, weights, bias + column, {2 * (x + taken) - 1 < g.out_width, lower_exists},
             g.filters - column, g.filters, streamed, pooled + at, argmax + at);
        x += taken;
      }
      weights += depth * vectors * lanes<T>;
    }
  }
  if (streamed) finish_streams();
}

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
inline constexpr int block = block_vectors * lanes<T>;

template <class T>
static inline int blocks(int channels) {
  return (channels + block<T> - 1) / block<T>;
}

template <class T>
struct ByteVectorOf {
  typedef unsigned char Type __attribute__((vector_size(ABELL_VECTOR_BYTES / sizeof(T))));
};

// ---------------------------------------------------------------- forward

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
      const auto bytes = __builtin_convertvector(index, typename ByteVectorOf<T>::Type);
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

// ---------------------------------------------------------------- gradient of the weights
//
// dW[tap][c][o] = sum over live positions of filter o of g * x[position + tap][c]. For a tile of
// pooled columns the live positions of each filter are listed once; then, block of channels by
// block, the 4 image rows of the tile are copied to the cache (zeros beyond the border) and the
// lists walked with 9 taps of sums in registers.

inline constexpr int list_columns = 32;
inline constexpr int tile_columns = 2 * list_columns + 2;

// With fewer channels than lanes the filters are the lanes instead, and every pair is taken: a dead
// one with gradient zero. For each tap and channel the four positions' image values stand together
// (a "quad"), and each lane picks its own by the argmax: one shuffle and one multiply-add.
template <class T>
static bool few_channels(const Conv2dGeometry& g) {
  return g.channels < lanes<T>;
}

template <class T>
struct QuadOf {
  typedef T Type __attribute__((vector_size(4 * sizeof(T))));
  typedef T Loose __attribute__((vector_size(4 * sizeof(T)), aligned(alignof(T)), may_alias));
};

// Lane i of the result is four[index[i]], index in 0..3.
template <class T>
static inline __attribute__((always_inline)) Vector<T> pick(const T* four, const IndexVector<T>& index) {
  const IndexVector<T> right = (index & 1) != 0;
  const Vector<T> upper = right ? Vector<T>{} + four[1] : Vector<T>{} + four[0];
  const Vector<T> lower = right ? Vector<T>{} + four[3] : Vector<T>{} + four[2];
  return (index & 2) != 0 ? lower : upper;
}
#if defined(__x86_64__) && ABELL_VECTOR_BYTES == 32
static inline __attribute__((always_inline)) Vector<float> pick(const float* four, const IndexVector<float>& index) {
  const QuadOf<float>::Type quad = *reinterpret_cast<const QuadOf<float>::Loose*>(four);
  return __builtin_ia32_vpermilvarps256(__builtin_shufflevector(quad, quad, 0, 1, 2, 3, 0, 1, 2, 3), index);
}
#elif defined(__x86_64__) && ABELL_VECTOR_BYTES == 64
static inline __attribute__((always_inline)) Vector<float> pick(const float* four, const IndexVector<float>& index) {
  const QuadOf<float>::Type quad = *reinterpret_cast<const QuadOf<float>::Loose*>(four);
  const Vector<float> all = __builtin_shufflevector(quad, quad, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
#if defined(__clang__)
  return __builtin_ia32_vpermilvarps512(all, index);
#else
  return __builtin_ia32_vpermilvarps512_mask(all, index, all, static_cast<unsigned short>(-1));
#endif
}
#endif

// Sums [block][filter][9][block channels], then the bias; with few channels as conv2d_weights_rows.
template <class T>
static long pool_weights_size(const Conv2dGeometry& g) {
  if (few_channels<T>(g)) return conv2d_weights_size<T>(g);
  return (static_cast<long>(blocks<T>(g.channels)) * 9 * block<T> + 1) * g.filters;
}

template <class T>
static long pool_weights_scratch_size(const Conv2dGeometry& g) {
  if (few_channels<T>(g)) {
    const long pairs = list_columns * round_to_lanes<T>(g.filters);
    return 4L * tile_columns * g.channels + 4 + 12L * (tile_columns - 1) * g.channels + 2 * pairs;
  }
  const long lists = static_cast<long>(g.filters) * list_columns;
  return 4L * tile_columns * block<T> + 2 * lists + g.filters;  // an int takes no more room than a T
}

// sums[N] += gradient * picked quads over the columns of a tile. `quads` is the first tap's quad at
// column 0; the next pooled column's is `step` values on, the next of the N taps 4.
template <class T, int N>
static void pick_taps(const T* quads, long step, const T* gradient, const T* index, long stride, int columns, T* sums,
                      long sums_stride) {
  Vector<T> sum[N];
#pragma GCC unroll 12
  for (int i = 0; i < N; ++i) sum[i] = *reinterpret_cast<const Loose<T>*>(sums + i * sums_stride);
  for (int x = 0; x < columns; ++x) {
    const Vector<T> value = *reinterpret_cast<const Loose<T>*>(gradient + x * stride);
    IndexVector<T> where;
    __builtin_memcpy(&where, index + x * stride, sizeof where);
    const T* at = quads + x * step;
#pragma GCC unroll 12
    for (int i = 0; i < N; ++i) sum[i] += value * pick(at + 4 * i, where);
  }
#pragma GCC unroll 12
  for (int i = 0; i < N; ++i) *reinterpret_cast<Loose<T>*>(sums + i * sums_stride) = sum[i];
}

template <class T, int N>
static void pick_some_taps(int taps, const T* quads, long step, const T* gradient, const T* index, long stride,
                           int columns, T* sums, long sums_stride) {
  if constexpr (N > 0) {
    if (taps == N) {
      pick_taps<T, N>(quads, step, gradient, index, stride, columns, sums, sums_stride);
    } else {
      pick_some_taps<T, N - 1>(taps, quads, step, gradient, index, stride, columns, sums, sums_stride);
    }
  }
}

// One pooled row, columns [left, left + columns), few channels.
template <class T>
static void pool_weights_quads(const Conv2dGeometry& g, const T* image, const T* gradient, const unsigned char* argmax,
                               int row, int left, int columns, T* sums, T* scratch) {
  using Quad = typename QuadOf<T>::Type;
  using LooseQuad = typename QuadOf<T>::Loose;
  const long padded = round_to_lanes<T>(g.filters);
  const int width = 2 * columns + 2;  // image columns from 2 left - 1
  const long line = static_cast<long>(width) * g.channels;
  T* pixels = scratch;  // 4 rows, zeros beyond the border; a quad's load may reach 4 values past the end
  T* quads = pixels + 4L * tile_columns * g.channels + 4;
  T* values = quads + 12L * (tile_columns - 1) * g.channels;
  T* indices = values + list_columns * padded;

  for (int r = 0; r < 4; ++r) {
    const int y = 2 * row - 1 + r;
    const int from = 2 * left - 1;
    T* to = pixels + r * line;
    if (y < 0 || y >= g.height) {
      clear_values(to, line);
      continue;
    }
    const int begin = from < 0 ? 0 : from;
    const int end = from + width < g.width ? from + width : g.width;
    clear_values(to, static_cast<long>(begin - from) * g.channels);
    copy_values(image + (static_cast<long>(y) * g.width + begin) * g.channels, static_cast<long>(end - begin) * g.channels,
                to + static_cast<long>(begin - from) * g.channels);
    clear_values(to + static_cast<long>(end - from) * g.channels, static_cast<long>(from + width - end) * g.channels);
  }
  // quads[ky][image column][channel]: the values at (0,0) (0,1) (1,0) (1,1) from there.
  const long quad_line = 4L * (width - 1) * g.channels;
  for (int r = 0; r < 3; ++r) {
    for (int i = 0; i < width - 1; ++i) {
      const T* at = pixels + r * line + static_cast<long>(i) * g.channels;
      T* to = quads + r * quad_line + 4L * i * g.channels;
      for (int c = 0; c < g.channels; c += 4, at += 4, to += 16) {
        if (c + 4 <= g.channels || g.channels == 3) {
          const Quad a = *reinterpret_cast<const LooseQuad*>(at);
          const Quad b = *reinterpret_cast<const LooseQuad*>(at + g.channels);
          const Quad d = *reinterpret_cast<const LooseQuad*>(at + line);
          const Quad e = *reinterpret_cast<const LooseQuad*>(at + line + g.channels);
          const Quad ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), de = __builtin_shufflevector(d, e, 0, 4, 1, 5);
          const Quad AB = __builtin_shufflevector(a, b, 2, 6, 3, 7), DE = __builtin_shufflevector(d, e, 2, 6, 3, 7);
          *reinterpret_cast<LooseQuad*>(to) = __builtin_shufflevector(ab, de, 0, 1, 4, 5);
          *reinterpret_cast<LooseQuad*>(to + 4) = __builtin_shufflevector(ab, de, 2, 3, 6, 7);
          *reinterpret_cast<LooseQuad*>(to + 8) = __builtin_shufflevector(AB, DE, 0, 1, 4, 5);
          if (g.channels != 3) *reinterpret_cast<LooseQuad*>(to + 12) = __builtin_shufflevector(AB, DE, 2, 3, 6, 7);
        } else {
          for (int k = 0; k < g.channels - c; ++k) {
            to[4 * k] = at[k], to[4 * k + 1] = at[k + g.channels];
            to[4 * k + 2] = at[k + line], to[4 * k + 3] = at[k + line + g.channels];
          }
        }
      }
    }
  }
  // The gradient with dead units at zero, and the argmax as lanes of integers.
  for (int x = 0; x < columns; ++x) {
    const long at = (static_cast<long>(row) * g.pooled_width() + left + x) * g.filters;
    for (int n = 0; n < g.filters; n += lanes<T>) {
      const int valid = g.filters - n < lanes<T> ? g.filters - n : lanes<T>;
      typename ByteVectorOf<T>::Type bytes = typename ByteVectorOf<T>::Type{} + dead;
      Vector<T> value = Vector<T>{};
      if (valid == lanes<T>) {
        __builtin_memcpy(&bytes, argmax + at + n, sizeof bytes);
        value = *reinterpret_cast<const Loose<T>*>(gradient + at + n);
      } else {
        __builtin_memcpy(&bytes, argmax + at + n, static_cast<unsigned long>(valid));
        __builtin_memcpy(&value, gradient + at + n, static_cast<unsigned long>(valid) * sizeof(T));
      }
      const IndexVector<T> index = __builtin_convertvector(bytes, IndexVector<T>);
      value = index < dead ? value : Vector<T>{};
      *reinterpret_cast<Loose<T>*>(values + x * padded + n) = value;
      __builtin_memcpy(indices + x * padded + n, &index, sizeof index);
    }
  }
  T* bias = sums + g.depth() * padded;
  for (int x = 0; x < columns; ++x) {
    for (int n = 0; n < g.filters; ++n) bias[n] += values[x * padded + n];
  }
  const int taps = 3 * g.channels;
  constexpr int at_once = ABELL_VECTOR_REGISTERS == 32 ? 12 : 9;
  for (int n = 0; n < g.filters; n += lanes<T>) {
    for (int r = 0; r < 3; ++r) {
      for (int tap = 0; tap < taps; tap += at_once) {
        pick_some_taps<T, at_once>(taps - tap < at_once ? taps - tap : at_once, quads + r * quad_line + 4L * tap,
                                   8L * g.channels, values + n, indices + n, padded, columns,
                                   sums + (static_cast<long>(r) * taps + tap) * padded + n, padded);
      }
    }
  }
}

// sums[9][block] += value[i] * tile at offset[i] + tap, over n live positions.
template <class T>
static void walk_positions(const T* tile, const int* offsets, const T* values, int n, T* sums) {
  Vector<T> sum[9 * block_vectors];
#pragma GCC unroll 18
  for (int i = 0; i < 9 * block_vectors; ++i) sum[i] = *reinterpret_cast<const Loose<T>*>(sums + i * lanes<T>);
  for (int entry = 0; entry < n; ++entry) {
    const T* at = tile + offsets[entry];
    const T value = values[entry];
#pragma GCC unroll 18
    for (int i = 0; i < 9 * block_vectors; ++i) {  // i = (tap, vector)
      const int tap = i / block_vectors;
      sum[i] += value * *reinterpret_cast<const Loose<T>*>(at + (tap / 3 * tile_columns + tap % 3) * block<T> +
                                                           i % block_vectors * lanes<T>);
    }
  }
#pragma GCC unroll 18
  for (int i = 0; i < 9 * block_vectors; ++i) *reinterpret_cast<Loose<T>*>(sums + i * lanes<T>) = sum[i];
}

// The 4 image rows from `top` and tile columns from `left`, channels [first, first + block).
template <class T>
static void load_tile(const Conv2dGeometry& g, const T* image, int top, int left, int columns, int first, T* tile) {
  const int valid = g.channels - first < block<T> ? g.channels - first : block<T>;
  for (int r = 0; r < 4; ++r) {
    T* to = tile + static_cast<long>(r) * tile_columns * block<T>;
    const int y = top + r;
    for (int c = 0; c < columns; ++c, to += block<T>) {
      const int x = left + c;
      if (y < 0 || y >= g.height || x < 0 || x >= g.width) {
        clear_values(to, block<T>);
        continue;
      }
      const T* from = image + (static_cast<long>(y) * g.width + x) * g.channels + first;
      if (valid == block<T>) {
        copy_values(from, block<T>, to);
      } else {
        copy_values(from, valid, to);
        clear_values(to + valid, block<T> - valid);
      }
    }
  }
}

// Adds pooled rows [begin, end) of one image to the sums.
template <class T>
static void pool_weights_rows(const Conv2dGeometry& g, const T* image, const T* gradient, const unsigned char* argmax,
                              T* sums, int begin, int end, T* scratch) {
  const long pooled_row = static_cast<long>(g.pooled_width()) * g.filters;
  if (few_channels<T>(g)) {
    for (int row = begin; row < end; ++row) {
      for (int left = 0; left < g.pooled_width(); left += list_columns) {
        const int columns = g.pooled_width() - left < list_columns ? g.pooled_width() - left : list_columns;
        pool_weights_quads(g, image, gradient, argmax, row, left, columns, sums, scratch);
      }
    }
    return;
  }
  T* tile = scratch;
  T* values = tile + 4L * tile_columns * block<T>;
  int* offsets = reinterpret_cast<int*>(values + static_cast<long>(g.filters) * list_columns);
  int* counts = offsets + static_cast<long>(g.filters) * list_columns;
  T* bias = sums + static_cast<long>(blocks<T>(g.channels)) * 9 * block<T> * g.filters;
  const int shift[5] = {0, block<T>, tile_columns * block<T>, (tile_columns + 1) * block<T>, 0};
  for (int row = begin; row < end; ++row) {
    for (int left = 0; left < g.pooled_width(); left += list_columns) {
      const int columns = g.pooled_width() - left < list_columns ? g.pooled_width() - left : list_columns;
      const long at = row * pooled_row + static_cast<long>(left) * g.filters;
      for (int n = 0; n < g.filters; ++n) {
        int* offset = offsets + static_cast<long>(n) * list_columns;
        T* value = values + static_cast<long>(n) * list_columns;
        T sum = 0;
        int count = 0;
        for (int x = 0; x < columns; ++x) {
          const unsigned char index = argmax[at + static_cast<long>(x) * g.filters + n];
          offset[count] = shift[index] + 2 * x * block<T>;
          value[count] = gradient[at + static_cast<long>(x) * g.filters + n];
          count += index < dead;
        }
        for (int i = 0; i < count; ++i) sum += value[i];
        counts[n] = count;
        bias[n] += sum;
      }
      for (int b = 0; b < blocks<T>(g.channels); ++b) {
        load_tile(g, image, 2 * row - 1, 2 * left - 1, 2 * columns + 2, b * block<T>, tile);
        T* sum = sums + static_cast<long>(b) * g.filters * 9 * block<T>;
        for (int n = 0; n < g.filters; ++n) {
          walk_positions(tile, offsets + static_cast<long>(n) * list_columns,
                         values + static_cast<long>(n) * list_columns, counts[n], sum + n * 9L * block<T>);
        }
      }
    }
  }
}

// Brings the sums into the order of the weights (HWIO) and the bias.
template <class T>
static void pool_weights_finish(const Conv2dGeometry& g, const T* sums, T* weights, T* bias) {
  if (few_channels<T>(g)) {
    conv2d_weights_finish(g, sums, weights, bias);
    return;
  }
  for (int tap = 0; tap < 9; ++tap) {
    for (int c = 0; c < g.channels; ++c) {
      const T* from = sums + (static_cast<long>(c / block<T>) * g.filters * 9 + tap) * block<T> + c % block<T>;
      for (int n = 0; n < g.filters; ++n) *weights++ = from[n * 9L * block<T>];
    }
  }
  copy_values(sums + static_cast<long>(blocks<T>(g.channels)) * 9 * block<T> * g.filters, g.filters, bias);
}

// ---------------------------------------------------------------- gradient of the input
//
// dX[position + tap][c] += g * W[tap][c][o] over the live pairs. For each pooled pixel the filters
// are grouped by position (as bits); walking along a row, the 3 x 4 patch that one half of the
// pixel (its upper or lower two positions) reaches stays in registers and moves right by two.

// Weights as [block][filter][9][block channels].
template <class T>
static long pool_input_packed_size(const Conv2dGeometry& g) {
  return static_cast<long>(blocks<T>(g.channels)) * g.filters * 9 * block<T>;
}

template <class T>
static void pool_input_pack(const Conv2dGeometry& g, const T* weights, T* packed) {
  clear_values(packed, pool_input_packed_size<T>(g));
  for (int tap = 0; tap < 9; ++tap) {
    for (int c = 0; c < g.channels; ++c) {
      T* to = packed + (static_cast<long>(c / block<T>) * g.filters * 9 + tap) * block<T> + c % block<T>;
      for (int n = 0; n < g.filters; ++n) to[n * 9L * block<T>] = *weights++;
    }
  }
}

static inline long filter_words(const Conv2dGeometry& g) { return (static_cast<long>(g.filters) + 63) / 64; }

template <class T>
static long pool_input_strip_row(const Conv2dGeometry& g) {
  return (2L * g.pooled_width() + 2) * block<T>;
}

template <class T>
static long pool_input_scratch_size(const Conv2dGeometry& g) {
  const long masks = 4L * g.pooled_width() * filter_words(g);
  return 4 * blocks<T>(g.channels) * pool_input_strip_row<T>(g) + masks * static_cast<long>(sizeof(long)) / static_cast<long>(sizeof(T)) + 16;
}

// masks[x][position][word]: bit n is set when filter n's maximum at pooled column x lies there.
static inline void mask_positions(const Conv2dGeometry& g, const unsigned char* argmax, unsigned long* masks) {
  const long words = filter_words(g);
  for (int x = 0; x < g.pooled_width(); ++x, argmax += g.filters, masks += 4 * words) {
    for (long i = 0; i < 4 * words; ++i) masks[i] = 0;
    for (int n = 0; n < g.filters; n += 8) {
      unsigned long bytes = 0x0404040404040404UL;
      __builtin_memcpy(&bytes, argmax + n, static_cast<unsigned long>(g.filters - n < 8 ? g.filters - n : 8));
      for (unsigned long position = 0; position < 4; ++position) {
        // A byte's top bit survives 0x80 - byte only when the byte is zero (bytes are below 8).
        const unsigned long differs = bytes ^ (position * 0x0101010101010101UL);
        const unsigned long equal = (0x8080808080808080UL - differs) & 0x8080808080808080UL;
        const unsigned long bits = ((equal >> 7) * 0x0102040810204080UL) >> 56;
        masks[static_cast<long>(position) * words + n / 64] |= bits << (n % 64);
      }
    }
  }
}

// One half (two positions) of a pooled row, one block of channels: rows[0..2] are the strip's rows
// above, at and below the positions. The two positions' loops are written out, and every register
// loop is flat, so that the compilers keep the patch (3 x 4 x block_vectors) in registers.
template <class T>
static void scatter_half(const Conv2dGeometry& g, const T* gradient, const unsigned long* masks, const T* weights,
                         T* const (&rows)[3]) {
  constexpr int taps = 9 * block_vectors;
  const long words = filter_words(g);
  Vector<T> sum[12 * block_vectors] = {};  // [row][column][vector]
  for (int x = 0; x <= g.pooled_width(); ++x) {
    for (long word = 0; x < g.pooled_width() && word < words; ++word) {
      const T* values = gradient + word * 64;
      const T* kernels = weights + word * 64 * taps * lanes<T>;
      for (unsigned long bits = masks[word]; bits != 0; bits &= bits - 1) {
        const long n = __builtin_ctzl(bits);
        const T value = values[n];
        const T* w = kernels + n * taps * lanes<T>;
#pragma GCC unroll 18
        for (int i = 0; i < taps; ++i) {
          sum[i + i / (3 * block_vectors) * block_vectors] += value * *reinterpret_cast<const Loose<T>*>(w + i * lanes<T>);
        }
      }
      for (unsigned long bits = masks[words + word]; bits != 0; bits &= bits - 1) {
        const long n = __builtin_ctzl(bits);
        const T value = values[n];
        const T* w = kernels + n * taps * lanes<T>;
#pragma GCC unroll 18
        for (int i = 0; i < taps; ++i) {
          sum[i + (i / (3 * block_vectors) + 1) * block_vectors] +=
              value * *reinterpret_cast<const Loose<T>*>(w + i * lanes<T>);
        }
      }
    }
    // The two left columns are complete: add them to the strip and move the patch right by two.
    const long at = x * 2L * block<T>;
#pragma GCC unroll 12
    for (int i = 0; i < 6 * block_vectors; ++i) {
      constexpr int columns = 2 * block_vectors;
      const int from = i / columns * 2 * columns + i % columns;
      *reinterpret_cast<Loose<T>*>(rows[i / columns] + at + i % columns * lanes<T>) += sum[from];
      sum[from] = sum[from + columns];
      sum[from + columns] = Vector<T>{};
    }
    gradient += g.filters;
    masks += 4 * words;
  }
}

// Input rows [2 begin, 2 end) of one image's gradient; the neighbouring pooled rows are walked too,
// as far as they reach in. Image row y lives in strip slot (y + 1) & 3.
template <class T>
static void pool_input_rows(const Conv2dGeometry& g, const T* gradient, const unsigned char* argmax, const T* packed,
                            T* input_gradient, int begin, int end, T* scratch) {
  const long pooled_row = static_cast<long>(g.pooled_width()) * g.filters;
  const long strip_row = pool_input_strip_row<T>(g);
  const int block_count = blocks<T>(g.channels);
  T* strip = scratch;  // [block][4 slots][2 pooled_width + 2][block channels]
  unsigned long* masks = reinterpret_cast<unsigned long*>(
      (reinterpret_cast<unsigned long>(strip + 4 * block_count * strip_row) + 7) & ~7UL);
  clear_values(strip, 4 * block_count * strip_row);
  const int first = begin > 0 ? begin - 1 : 0;
  for (int row = first; row <= end; ++row) {
    const bool exists = row < g.pooled_height();
    if (exists) mask_positions(g, argmax + row * pooled_row, masks);
    for (int b = 0; b < block_count; ++b) {
      T* slots = strip + 4L * b * strip_row;
      const T* weights = packed + static_cast<long>(b) * g.filters * 9 * block<T>;
      for (int half = row < begin ? 1 : 0; exists && half < (row == end ? 1 : 2); ++half) {
        T* rows[3];
        for (int r = 0; r < 3; ++r) rows[r] = slots + ((2 * row + half + r) & 3) * strip_row;
        scatter_half(g, gradient + row * pooled_row, masks + 2L * half * filter_words(g), weights, rows);
      }
      // Rows up to 2 row have all they get: write those asked for, make their slots anew.
      const int from = b * block<T>;
      const int valid = g.channels - from < block<T> ? g.channels - from : block<T>;
      for (int y = 2 * row - 1; y <= 2 * row; ++y) {
        T* slot = slots + ((y + 1) & 3) * strip_row;
        if (y >= 2 * begin && y < 2 * end && y < g.height) {
          T* to = input_gradient + static_cast<long>(y) * g.width * g.channels + from;
          const T* value = slot + block<T>;
          if (valid == block<T>) {
            for (int x = 0; x < g.width; ++x) copy_values(value + x * block<T>, block<T>, to + static_cast<long>(x) * g.channels);
          } else {
            for (int x = 0; x < g.width; ++x) copy_values(value + x * block<T>, valid, to + static_cast<long>(x) * g.channels);
          }
        }
        clear_values(slot, strip_row);
      }
    }
  }
}

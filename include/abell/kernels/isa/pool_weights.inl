// Gradient of the weights of the fused stage. Included once for each instruction set, see targets.inl.
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
#if defined(__clang__)
  return __builtin_ia32_vpermilvarps512(
      __builtin_shufflevector(quad, quad, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3), index);
#else
  const auto every = static_cast<unsigned short>(-1);
  const Vector<float> all = __builtin_ia32_broadcastf32x4_512(quad, Vector<float>{}, every);
  return __builtin_ia32_vpermilvarps512_mask(all, index, all, every);
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
    copy_values(image + (static_cast<long>(y) * g.width + begin) * g.channels,
                static_cast<long>(end - begin) * g.channels, to + static_cast<long>(begin - from) * g.channels);
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
      ByteVector<T> bytes = ByteVector<T>{} + dead;
      Vector<T> value = Vector<T>{};
      if (valid == lanes<T>) {
        __builtin_memcpy(&bytes, argmax + at + n, sizeof bytes);
        value = *reinterpret_cast<const Loose<T>*>(gradient + at + n);
      } else {
        __builtin_memcpy(&bytes, argmax + at + n, static_cast<unsigned long>(valid));
        __builtin_memcpy(&value, gradient + at + n, static_cast<unsigned long>(valid) * sizeof(T));
      }
      const IndexVector<T> index = widen<T>(bytes);
      value = index < dead ? value : Vector<T>{};
      *reinterpret_cast<Loose<T>*>(values + x * padded + n) = value;
      __builtin_memcpy(indices + x * padded + n, &index, sizeof index);
    }
  }
  T* bias = sums + g.depth() * padded;
  add_rows(values, columns, padded, bias);
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

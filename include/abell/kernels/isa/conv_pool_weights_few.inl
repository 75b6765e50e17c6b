// Gradient of the weights of the fused stage with fewer channels than lanes.
//
// The filters are the lanes. A pooled pixel's four positions and their taps lie in a patch of 4x4 pixels; for each tap
// every lane picks the value that its argmax names by one permutation, so that a multiply-add serves all filters of a
// vector. Sixteen lanes gain by it (a quarter); for fewer see conv_pool_weights_taps.inl.

#if defined(ABELL_ISA_CONV_POOL_WEIGHTS_FEW_INL) == defined(ABELL_ISA_TOGGLE)
#ifdef ABELL_ISA_CONV_POOL_WEIGHTS_FEW_INL
#undef ABELL_ISA_CONV_POOL_WEIGHTS_FEW_INL
#else
#define ABELL_ISA_CONV_POOL_WEIGHTS_FEW_INL
#endif

#include <abell/kernels/isa/conv_pool_weights_taps.inl>
#include <abell/kernels/isa/gemm.inl>

inline constexpr int pick_pixels = 2 * picks_tile_columns + 2;
inline constexpr int pick_patch = 16;
inline constexpr int pick_channels = 3;  // summed at a time: 9 taps of each fit the registers

// Sums [channel][tap][padded filters], then the bias.
template <class T>
static long picks_size(const Conv2dGeometry& g) {
  return (g.depth() + 1L) * round_to_lanes<T>(g.filters);
}

// Patches, of which half a vector is read from any tap on; image rows; a vector of filters that is not full.
template <class T>
static long picks_scratch_size(const Conv2dGeometry& g) {
  return 1L * picks_tile_columns * g.channels * pick_patch + lanes<T> / 2 + 4L * pick_pixels * g.channels +
         picks_tile_columns * 2L * lanes<T>;
}

// The first half of a vector; what the other holds is not used.
template <class T>
static inline __attribute__((always_inline)) Vector<T> load_half(const T* from) {
  typedef T Half __attribute__((vector_size(ABELL_VECTOR_BYTES / 2), aligned(alignof(T)), may_alias));
  const Half half = *reinterpret_cast<const Half*>(from);
  return __builtin_shufflevector(half, half, 0, 1, 2, 3, 4, 5, 6, 7, -1, -1, -1, -1, -1, -1, -1, -1);
}

// Lane i: values[index[i]].
template <class T>
static inline __attribute__((always_inline)) Vector<T> permute(const Vector<T>& values, const IndexVector<T>& index) {
#if defined(__clang__) && defined(__x86_64__)
  return __builtin_ia32_permvarsf512(values, index);
#else
  return __builtin_shuffle(values, index);
#endif
}

// The values where `mask` is -1, zeros where it is 0. (A comparison would take a multiply-add's time.)
template <class T>
static inline __attribute__((always_inline)) Vector<T> keep_where(const Vector<T>& values, const IndexVector<T>& mask) {
  return reinterpret_cast<Vector<T>>(reinterpret_cast<IndexVector<T>>(values) & mask);
}

// The patch of three channels whose rows lie `line` values apart. Four values behind each row's are read, not used.
template <class T>
static inline __attribute__((always_inline)) void lay_out_three(const T* pixels, long line, T* patch) {
  const Vector<T> a = load(pixels), b = load(pixels + line), c = load(pixels + 2 * line), d = load(pixels + 3 * line);
  const auto two_channels = [](const Vector<T>& upper, const Vector<T>& lower) __attribute__((always_inline)) {
    return __builtin_shufflevector(upper, lower, 0, 3, 6, 9, 16, 19, 22, 25, 1, 4, 7, 10, 17, 20, 23, 26);
  };
  const auto third = [](const Vector<T>& upper, const Vector<T>& lower) __attribute__((always_inline)) {
    return __builtin_shufflevector(upper, lower, 2, 5, 8, 11, 18, 21, 24, 27, -1, -1, -1, -1, -1, -1, -1, -1);
  };
  const auto first_halves = [](const Vector<T>& upper, const Vector<T>& lower) __attribute__((always_inline)) {
    return __builtin_shufflevector(upper, lower, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
  };
  const Vector<T> upper = two_channels(a, b), lower = two_channels(c, d);
  store<T>(first_halves(upper, lower), patch);
  store<T>(__builtin_shufflevector(upper, lower, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31),
           patch + pick_patch);
  store<T>(first_halves(third(a, b), third(c, d)), patch + 2 * pick_patch);
}

// patches[pooled column][channel][4 rows][4 columns], from image rows `line` values apart.
template <class T>
static void lay_out_picks(const T* pixels, long line, int channels, int columns, T* patches) {
  for (int x = 0; x < columns; ++x, pixels += 2 * channels, patches += channels * pick_patch) {
    __builtin_prefetch(pixels + 4 * line);
    __builtin_prefetch(pixels + 5 * line);
    if (channels == 3) {
      lay_out_three(pixels, line, patches);
      continue;
    }
    for (int c = 0; c < channels; ++c) {
      for (int i = 0; i < pick_patch; ++i) patches[c * pick_patch + i] = pixels[i / 4 * line + i % 4 * channels + c];
    }
  }
}

// The patches under `columns` pooled columns from `left` on: out of the image or, at its border, of a copy with zeros
// around it (`pixels`).
template <class T>
static void lay_out_tile(const Conv2dGeometry& g, const T* image, int row, int left, int columns, T* pixels,
                         T* patches) {
  const long patch = static_cast<long>(g.channels) * pick_patch;
  const auto copied = [&](int begin, int count) {
    load_few(g, image, row, 2 * (left + begin) - 1, 2 * count + 2, pixels);
    lay_out_picks(pixels, (2L * count + 2) * g.channels, g.channels, count, patches + begin * patch);
  };
  // A row of the image behind the patches' last: what is read past them.
  const bool rows_inside = row > 0 && 2 * row + 3 < g.height;
  if (!rows_inside || columns < 3) return copied(0, columns);
  int begin = 0, end = columns;
  if (left == 0) copied(begin++, 1);
  if (left + columns == g.pooled_width()) copied(--end, 1);
  const long line = static_cast<long>(g.width) * g.channels;
  lay_out_picks(image + (2L * row - 1) * line + (2L * (left + begin) - 1) * g.channels, line, g.channels, end - begin,
                patches + begin * patch);
}

// The gradient of some filters along a tile's columns.
template <class T>
struct TileGradient {
  const T* values;
  const unsigned char* argmax;
  long stride;  // from one column to the next
};

// sums[C channels][9 taps][lanes] += gradient * the value that its position and the tap name, along the columns of a
// tile; the bias's sum, if it is asked for, likewise.
template <class T, int C>
static void walk_picks(const T* patches, long patch, TileGradient<T> gradient, int columns, T* sums, long sums_stride,
                       T* bias) {
  Vector<T> sum[9 * C], total{};
#pragma GCC unroll 27
  for (int i = 0; i < 9 * C; ++i) sum[i] = load(sums + i * sums_stride);
  for (int x = 0; x < columns; ++x, patches += patch) {
    __builtin_prefetch(gradient.values + picks_lead * gradient.stride);
    __builtin_prefetch(gradient.argmax + picks_lead * gradient.stride);
    const IndexVector<T> position = widen<T>(gradient.argmax);
    const IndexVector<T> pick = position + (position & 2);  // 0 1 / 4 5
    const Vector<T> value = keep_where<T>(load(gradient.values), (position - cut_by_relu) >> (8 * sizeof(T) - 1));
    total += value;
#pragma GCC unroll 27
    for (int i = 0; i < 9 * C; ++i) {  // i = (tap, channel)
      const int tap = i / C, c = i % C;
      const Vector<T> values = load_half(patches + c * pick_patch + tap / 3 * 4 + tap % 3);
      sum[c * 9 + tap] += value * permute<T>(values, pick);
    }
    gradient.values += gradient.stride;
    gradient.argmax += gradient.stride;
  }
#pragma GCC unroll 27
  for (int i = 0; i < 9 * C; ++i) store(sum[i], sums + i * sums_stride);
  if (bias != nullptr) store(load(bias) + total, bias);
}

// A vector of filters of which only `valid` exist: the others are as if cut by ReLU.
template <class T>
static TileGradient<T> fill_up(const Conv2dGeometry& g, TileGradient<T> gradient, int valid, int columns, T* scratch) {
  unsigned char* argmax = reinterpret_cast<unsigned char*>(scratch + columns * lanes<T>);
  __builtin_memset(argmax, cut_by_relu, static_cast<unsigned long>(columns * lanes<T>));
  clear_values(scratch, columns * lanes<T>);
  for (int x = 0; x < columns; ++x) {
    copy_values(gradient.values + static_cast<long>(x) * g.filters, valid, scratch + x * lanes<T>);
    copy_values(gradient.argmax + static_cast<long>(x) * g.filters, valid, argmax + x * lanes<T>);
  }
  return {scratch, argmax, lanes<T>};
}

// Adds some pooled rows of one image to the sums.
template <class T>
static void picks_rows(const Conv2dGeometry& g, const T* image, const Pooled<const T>& gradient, T* sums, Range rows,
                       T* patches) {
  const long padded = round_to_lanes<T>(g.filters);
  const long patch = static_cast<long>(g.channels) * pick_patch;
  T* pixels = patches + picks_tile_columns * patch + lanes<T> / 2;
  T* last = pixels + 4L * pick_pixels * g.channels;
  T* bias = sums + g.depth() * padded;
  const int tiles = tiles_of(g.pooled_width(), picks_tile_columns);
  for (int row = rows.begin; row < rows.end; ++row) {
    for (int tile = 0; tile < tiles; ++tile) {
      const int left = tile_begin(tile, tiles, g.pooled_width());
      const int columns = tile_begin(tile + 1, tiles, g.pooled_width()) - left;
      lay_out_tile(g, image, row, left, columns, pixels, patches);
      const long at = (static_cast<long>(row) * g.pooled_width() + left) * g.filters;
      for (int n = 0; n < g.filters; n += lanes<T>) {
        TileGradient<T> of_filters{gradient.values + at + n, gradient.argmax + at + n, g.filters};
        if (g.filters - n < lanes<T>) of_filters = fill_up(g, of_filters, g.filters - n, columns, last);
        for (int c = 0; c < g.channels; c += pick_channels) {
          const auto walk = g.channels - c == 1   ? walk_picks<T, 1>
                            : g.channels - c == 2 ? walk_picks<T, 2>
                                                  : walk_picks<T, pick_channels>;
          walk(patches + c * pick_patch, patch, of_filters, columns, sums + 9 * c * padded + n, padded,
               c == 0 ? bias + n : nullptr);
        }
      }
    }
  }
}

template <class T>
static void picks_finish(const Conv2dGeometry& g, const T* sums, T* weights, T* bias) {
  const long padded = round_to_lanes<T>(g.filters);
  for (int tap = 0; tap < 9; ++tap) {
    for (int c = 0; c < g.channels; ++c, weights += g.filters) {
      copy_values(sums + (9 * c + tap) * padded, g.filters, weights);
    }
  }
  copy_values(sums + g.depth() * padded, g.filters, bias);
}

// The form that suits the vectors.

template <class T>
inline constexpr bool can_pick = lanes<T> == 16;

template <class T>
static long conv_pool_weights_few_size(const Conv2dGeometry& g) {
  return can_pick<T> ? picks_size<T>(g) : taps_size<T>(g);
}

template <class T>
static long conv_pool_weights_few_scratch_size(const Conv2dGeometry& g) {
  return can_pick<T> ? picks_scratch_size<T>(g) : taps_scratch_size<T>(g);
}

template <class T>
static void conv_pool_weights_few_rows(const Conv2dGeometry& g, const T* image, const Pooled<const T>& gradient,
                                       T* sums, Range rows, T* scratch) {
  if constexpr (can_pick<T>) {
    picks_rows(g, image, gradient, sums, rows, scratch);
  } else {
    taps_rows(g, image, gradient, sums, rows, scratch);
  }
}

template <class T>
static void conv_pool_weights_few_finish(const Conv2dGeometry& g, const T* sums, T* weights, T* bias) {
  (can_pick<T> ? picks_finish<T> : taps_finish<T>)(g, sums, weights, bias);
}

#endif

// Gradient of the weights of the fused stage with fewer channels than lanes, in short vectors.
//
// The 9 taps x channels under a position (its "patch") are the lanes, and a one behind them, whose sum is the
// bias's gradient. For a tile of pooled columns the patches of all four positions are laid out, and zeros as
// the fifth; then a few filters at a time walk along the tile, each adding gradient * the patch that its argmax
// names, so that what ReLU cut needs no question.

#if defined(ABELL_ISA_CONV_POOL_WEIGHTS_TAPS_INL) == defined(ABELL_ISA_TOGGLE)
#ifdef ABELL_ISA_CONV_POOL_WEIGHTS_TAPS_INL
#undef ABELL_ISA_CONV_POOL_WEIGHTS_TAPS_INL
#else
#define ABELL_ISA_CONV_POOL_WEIGHTS_TAPS_INL
#endif

#include <abell/kernels/isa/conv_pool_forward.inl>

inline constexpr int few_pixels = 2 * taps_tile_columns + 2;
inline constexpr int patches_of_pixel = 5;  // four positions and the zeros

template <class T>
static long few_patch(const Conv2dGeometry& g) {
  return round_to_lanes<T>(g.depth() + 1L);
}

// Sums [filter][patch].
template <class T>
static long taps_size(const Conv2dGeometry& g) {
  return g.filters * few_patch<T>(g);
}

// Rows and patches are written in whole vectors, so that each may reach past its end.
template <class T>
static long taps_scratch_size(const Conv2dGeometry& g) {
  return 4L * few_pixels * g.channels + lanes<T> + patches_of_pixel * taps_tile_columns * few_patch<T>(g) + lanes<T>;
}

// Image rows 2 row - 1 to 2 row + 2, `width` columns from `left`, zeros beyond the border. (Whole rows in a ring, as
// the plain convolution keeps them, take a quarter longer: they leave no room in the first-level cache.)
template <class T>
static void load_few(const Conv2dGeometry& g, const T* image, int row, int left, int width, T* pixels) {
  const long line = static_cast<long>(width) * g.channels;
  const int begin = left < 0 ? 0 : left;
  const int end = left + width < g.width ? left + width : g.width;
  const long before = static_cast<long>(begin - left) * g.channels;
  const long length = static_cast<long>(end - begin) * g.channels;
  for (int y = 2 * row - 1; y < 2 * row + 3; ++y, pixels += line) {
    if (y < 0 || y >= g.height) {
      clear_values(pixels, line);
      continue;
    }
    clear_values(pixels, before);
    copy_values(image + (static_cast<long>(y) * g.width + begin) * g.channels, length, pixels + before);
    clear_values(pixels + before + length, line - before - length);
  }
}

// patches[pooled column][position, or zeros][tap][channel]
template <class T>
static void lay_out_patches(const Conv2dGeometry& g, const T* pixels, int columns, T* patches) {
  const long line = (2L * columns + 2) * g.channels;
  const long patch = few_patch<T>(g);
  const int length = 3 * g.channels;
  for (int x = 0; x < columns; ++x, pixels += 2 * g.channels) {
    for (int position = 0; position < 4; ++position, patches += patch) {
      const T* from = pixels + position / 2 * line + position % 2 * g.channels;
      for (int r = 0; r < 3; ++r) {
        for (int k = 0; k < length; k += lanes<T>) {
          store(load(from + r * line + k), patches + r * length + k);
        }
      }
      patches[3 * length] = T(1);
    }
    for (long k = 0; k < patch; k += lanes<T>) store(Vector<T>{}, patches + k);
    patches += patch;
  }
}

// sums[F filters][V vectors] += gradient * the patch at its argmax, along the columns of a tile.
template <class T, int F, int V>
static void walk_patches(const T* patches, long patch, const T* gradient, const unsigned char* argmax, long stride,
                         int columns, T* sums) {
  Vector<T> sum[F][V];
#pragma GCC unroll 4
  for (int f = 0; f < F; ++f) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) sum[f][v] = load(sums + f * patch + v * lanes<T>);
  }
  for (int x = 0; x < columns; ++x) {
#pragma GCC unroll 4
    for (int f = 0; f < F; ++f) {
      const T* at = patches + argmax[f] * patch;
      const T value = gradient[f];
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sum[f][v] += value * load(at + v * lanes<T>);
    }
    patches += patches_of_pixel * patch;
    gradient += stride;
    argmax += stride;
  }
#pragma GCC unroll 4
  for (int f = 0; f < F; ++f) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) store(sum[f][v], sums + f * patch + v * lanes<T>);
  }
}

// All filters, `V` vectors of their patches. Meanwhile the next tile's gradients are prefetched, line by line.
template <class T, int V>
static void walk_filters(int filters, const T* patches, long patch, const T* gradient, const unsigned char* argmax,
                         int columns, T* sums) {
  constexpr int together = V > 2 ? 2 : 4;
  constexpr int line = line_bytes / static_cast<int>(sizeof(T));
  int n = 0;
  for (; n + together <= filters; n += together) {
    for (int i = n * columns; i < (n + together) * columns; i += line) {
      __builtin_prefetch(gradient + columns * filters + i);
      if (i % line_bytes == 0) __builtin_prefetch(argmax + columns * filters + i);
    }
    walk_patches<T, together, V>(patches, patch, gradient + n, argmax + n, filters, columns, sums + n * patch);
  }
  for (; n < filters; ++n) {
    walk_patches<T, 1, V>(patches, patch, gradient + n, argmax + n, filters, columns, sums + n * patch);
  }
}

// Adds some pooled rows of one image to the sums.
template <class T>
static void taps_rows(const Conv2dGeometry& g, const T* image, const Pooled<const T>& gradient, T* sums, Range rows,
                      T* scratch) {
  const long patch = few_patch<T>(g);
  T* pixels = scratch;
  T* patches = pixels + 4L * few_pixels * g.channels + lanes<T>;
  for (int row = rows.begin; row < rows.end; ++row) {
    for (int left = 0; left < g.pooled_width(); left += taps_tile_columns) {
      const int columns = g.pooled_width() - left < taps_tile_columns ? g.pooled_width() - left : taps_tile_columns;
      load_few(g, image, row, 2 * left - 1, 2 * columns + 2, pixels);
      lay_out_patches(g, pixels, columns, patches);
      const long at = (static_cast<long>(row) * g.pooled_width() + left) * g.filters;
      for (long k = 0; k < patch;) {
        const long vectors = (patch - k) / lanes<T>;
        const auto walk = vectors >= 4   ? walk_filters<T, 4>
                          : vectors == 3 ? walk_filters<T, 3>
                          : vectors == 2 ? walk_filters<T, 2>
                                         : walk_filters<T, 1>;
        walk(g.filters, patches + k, patch, gradient.values + at, gradient.argmax + at, columns, sums + k);
        k += (vectors < 4 ? vectors : 4) * lanes<T>;
      }
    }
  }
}

template <class T>
static void taps_finish(const Conv2dGeometry& g, const T* sums, T* weights, T* bias) {
  const long patch = few_patch<T>(g);
  for (long k = 0; k < g.depth(); ++k) {
    for (int n = 0; n < g.filters; ++n) *weights++ = sums[n * patch + k];
  }
  for (int n = 0; n < g.filters; ++n) bias[n] = sums[n * patch + g.depth()];
}

#endif

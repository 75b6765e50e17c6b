// The fused stage forward by Winograd's minimal filtering F(4x4, 3x3) (see winograd.inl).
//
// A tile is 2x2 pooled pixels: their 4x4 convolution outputs are Y = A^T [(G g G^T) . (B^T d B)] A with d the 6x6 patch
// of the image and g the 3x3 kernel, 36 products where the direct form takes 144. For each of the 36 elements the
// products over channels and filters are one matrix product. Y comes out 9 times too large (3 G twice).

#if defined(ABELL_ISA_CONV_POOL_WINOGRAD_INL) == defined(ABELL_ISA_TOGGLE)
#ifdef ABELL_ISA_CONV_POOL_WINOGRAD_INL
#undef ABELL_ISA_CONV_POOL_WINOGRAD_INL
#else
#define ABELL_ISA_CONV_POOL_WINOGRAD_INL
#endif

#include <abell/kernels/isa/conv_pool_winograd_few.inl>

inline constexpr int winograd_tiles = 2 * tile_pixels;  // whose patches and products stay in the cache

// A patch in the transformed domain, [36][winograd_tiles][padded channels]; a line between the planes keeps
// their columns apart in the cache.
template <class T>
static long patch_plane(const Conv2dGeometry& g) {
  return winograd_tiles * round_to_lanes<T>(g.channels) + lanes<T>;
}
template <class T>
inline constexpr long product_plane = (winograd_tiles + 1L) * tile_columns<T>;

template <class T>
static long conv_pool_winograd_scratch_size(const Conv2dGeometry& g) {
  return 36 * (patch_plane<T>(g) + product_plane<T>);
}

// Transformed weights [36][tiles as pack_matrix makes them], 9 x the bias [padded filters], then a tile's
// width of zeros, where the products start.
template <class T>
static long conv_pool_winograd_packed_size(const Conv2dGeometry& g) {
  return (36L * g.channels + 1) * round_to_lanes<T>(g.filters) + tile_columns<T>;
}

template <class T>
static void conv_pool_winograd_pack(const Conv2dGeometry& g, const T* weights, const T* bias, T* packed) {
  const long padded = round_to_lanes<T>(g.filters);
  const long plane = g.channels * padded;
  const long tap = static_cast<long>(g.channels) * g.filters;
  T* to = packed;
  for (int column = 0; column < g.filters; column += tile_columns<T>) {
    const int width = vectors_of_tile<T>(column, g.filters) * lanes<T>;
    for (int c = 0; c < g.channels; ++c) {
      for (int n = 0; n < width; n += lanes<T>, to += lanes<T>) {
        const T* from = weights + static_cast<long>(c) * g.filters + column + n;
        const int valid = g.filters - column - n;
        const auto weight = [&](int row, int tap_column) __attribute__((always_inline)) {
          const T* at = from + (3 * row + tap_column) * tap;
          return valid >= lanes<T> ? load(at) : load_some(at, valid > 0 ? valid : 0);
        };
        Vector<T> across[3][6], all[6];
        for (int r = 0; r < 3; ++r) kernel_transform<Vector<T>>(weight(r, 0), weight(r, 1), weight(r, 2), across[r]);
        for (int j = 0; j < 6; ++j) {
          kernel_transform(across[0][j], across[1][j], across[2][j], all);
          for (int i = 0; i < 6; ++i) store(all[i], to + (6 * i + j) * plane);
        }
      }
    }
  }
  T* last = packed + 36 * plane;
  for (long n = 0; n < padded; ++n) last[n] = bias != nullptr && n < g.filters ? 9 * bias[n] : T(0);
  clear_values(last + padded, tile_columns<T>);
}

// The patches of `count` tiles of tile row `row`, from tile `first` on, transformed. Pixel after pixel, so that memory
// is read in its order.
template <class T>
static void transform_patches(const Conv2dGeometry& g, const T* image, int row, int first, int count, T* patches) {
  const long plane = patch_plane<T>(g);
  const int top = 4 * row - 1;
  T* to = patches;
  for (int tile = first; tile < first + count; ++tile) {
    const int left = 4 * tile - 1;
    const bool inside = top >= 0 && top + 6 <= g.height && left >= 0 && left + 6 <= g.width;
    const long from = (static_cast<long>(top) * g.width + left) * g.channels;  // before the image at its upper left
    for (int c = 0; c < g.channels; c += lanes<T>, to += lanes<T>) {
      const int valid = g.channels - c;
      const auto pixel = [&](int i, int j) __attribute__((always_inline)) {
        const int y = top + i, x = left + j;
        if (!inside && (y < 0 || y >= g.height || x < 0 || x >= g.width)) return Vector<T>{};
        const T* at = image + (from + (static_cast<long>(i) * g.width + j) * g.channels + c);
        return valid >= lanes<T> ? load(at) : load_some(at, valid);
      };
      Vector<T> down[6][6];  // [column][row]
#pragma GCC unroll 6
      for (int j = 0; j < 6; ++j) {
        patch_transform<Vector<T>>({pixel(0, j), pixel(1, j), pixel(2, j), pixel(3, j), pixel(4, j), pixel(5, j)},
                                   down[j]);
      }
#pragma GCC unroll 6
      for (int i = 0; i < 6; ++i) {
        Vector<T> across[6];
        patch_transform<Vector<T>>({down[0][i], down[1][i], down[2][i], down[3][i], down[4][i], down[5][i]}, across);
#pragma GCC unroll 6
        for (int j = 0; j < 6; ++j) store(across[j], to + (6 * i + j) * plane);
      }
    }
  }
}

// What product k of 36 prefetches of the image under the next `winograd_tiles` patches, in its steps over
// `tiles`.
template <class T>
static Ahead next_patches(const Conv2dGeometry& g, const T* image, int row, int first, int k, int tiles) {
  const long sixth = 4L * winograd_tiles * g.channels / 6;  // of a row's values
  const long from = ((4L * row - 1 + k / 6) * g.width + 4L * first) * g.channels + k % 6 * sixth;
  const long steps = static_cast<long>(tiles_of(tiles)) * g.channels;
  const long value = static_cast<long>(sizeof(T));
  return {address_of(image) + static_cast<unsigned long>(from * value),
          static_cast<unsigned long>(sixth * value / steps)};
}

// Y = A^T m A for each tile of `width` filters, then bias, maximum of the positions that exist, ReLU.
template <class T>
static void conv_pool_products(const T* products, int width, const T* bias, int tiles, Outputs exist,
                               OutputStrides strides, Pooled<T> pooled) {
  for (int tile = 0; tile < tiles; ++tile) {
    for (int n = 0; n < width; n += lanes<T>) {
      const T* at = products + static_cast<long>(tile) * width + n;
      Vector<T> down[6][4];  // [column][row]
#pragma GCC unroll 6
      for (int j = 0; j < 6; ++j) {
        const auto m = [&](int i) __attribute__((always_inline)) { return load(at + (6 * i + j) * product_plane<T>); };
        output_transform<Vector<T>>({m(0), m(1), m(2), m(3), m(4), m(5)}, down[j]);
      }
      const Vector<T> nine_biases = load(bias + n);
#pragma GCC unroll 2
      for (int i = 0; i < 4; i += 2) {
        Vector<T> upper[4], lower[4];
        output_transform<Vector<T>>({down[0][i], down[1][i], down[2][i], down[3][i], down[4][i], down[5][i]}, upper);
        output_transform<Vector<T>>(
            {down[0][i + 1], down[1][i + 1], down[2][i + 1], down[3][i + 1], down[4][i + 1], down[5][i + 1]}, lower);
#pragma GCC unroll 2
        for (int j = 0; j < 4; j += 2) {
          const int column = 4 * tile + j;
          if (i >= exist.rows || column >= exist.columns) continue;
          IndexVector<T> index;
          const Vector<T> best = maximum_of<T>({upper[j], upper[j + 1], lower[j], lower[j + 1]},
                                               column + 1 < exist.columns, i + 1 < exist.rows, index);
          const long to = i / 2 * strides.row + column / 2 * strides.pixel + n;
          store_pooled<T>((best + nine_biases) * (T(1) / 9), index, exist.filters - n, false, pooled.values + to,
                          pooled.argmax + to);
        }
      }
    }
  }
}

// Some pooled rows of one image, the first of an even number. `packed`: see conv_pool_winograd_pack.
template <class T>
static void conv_pool_winograd_rows(const Conv2dGeometry& g, const T* image, const T* packed, const Pooled<T>& pooled,
                                    Range rows, T* scratch) {
  const long padded = round_to_lanes<T>(g.channels);
  const long weights_plane = g.channels * round_to_lanes<T>(g.filters);
  const OutputStrides strides{static_cast<long>(g.pooled_width()) * g.filters, g.filters};
  const T* bias = packed + 36 * weights_plane;
  const T* zeros = bias + round_to_lanes<T>(g.filters);
  T* patches = scratch;
  T* products = scratch + 36 * patch_plane<T>(g);
  const Window window{0, padded, 0, 0};
  const int row_tiles = (g.pooled_width() + 1) / 2;
  for (int row = rows.begin / 2; 2 * row < rows.end; ++row) {
    for (int first = 0; first < row_tiles; first += winograd_tiles) {
      const int tiles = row_tiles - first < winograd_tiles ? row_tiles - first : winograd_tiles;
      transform_patches(g, image, row, first, tiles, patches);
      const bool same_row = first + winograd_tiles < row_tiles;
      const int next_row = same_row ? row : row + 1, next_first = same_row ? first + winograd_tiles : 0;
      const int count = tiles_of(tiles);
      const T* weights = packed;
      for (int column = 0; column < g.filters; column += tile_columns<T>) {
        const int vectors = vectors_of_tile<T>(column, g.filters);
        const int width = vectors * lanes<T>;
        for (int k = 0; k < 36; ++k) {
          Ahead ahead = next_patches(g, image, next_row, next_first, k, tiles);
          multiply_tiles<T>({patches + k * patch_plane<T>(g), window, 1, g.channels}, {tiles, count, 0, count}, vectors,
                            weights + k * weights_plane, zeros, {products + k * product_plane<T>, width}, false, ahead);
        }
        const long at = 2 * row * strides.row + 2L * first * g.filters + column;
        conv_pool_products<T>(products, width, bias + column, tiles,
                              {g.out_height - 4 * row, g.out_width - 4 * first, g.filters - column}, strides,
                              {pooled.values + at, pooled.argmax + at});
        weights += static_cast<long>(g.channels) * width;
      }
    }
  }
}

// The form of the forward pass that is faster for this many channels.

template <class T>
static long conv_pool_forward_packed_size(const Conv2dGeometry& g) {
  return few_channels<T>(g) ? conv_pool_winograd_few_packed_size<T>(g) : conv_pool_winograd_packed_size<T>(g);
}

template <class T>
static void conv_pool_forward_pack(const Conv2dGeometry& g, const T* weights, const T* bias, T* packed) {
  (few_channels<T>(g) ? conv_pool_winograd_few_pack<T> : conv_pool_winograd_pack<T>)(g, weights, bias, packed);
}

template <class T>
static long conv_pool_forward_scratch_size(const Conv2dGeometry& g) {
  return few_channels<T>(g) ? conv_pool_winograd_few_scratch_size<T>(g) : conv_pool_winograd_scratch_size<T>(g);
}

template <class T>
static void conv_pool_forward_rows(const Conv2dGeometry& g, const T* image, const T* packed, const Pooled<T>& pooled,
                                   Range rows, T* scratch) {
  (few_channels<T>(g) ? conv_pool_winograd_few_rows<T> : conv_pool_winograd_rows<T>)(g, image, packed, pooled, rows,
                                                                                     scratch);
}

#endif

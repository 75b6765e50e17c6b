// The fused stage forward by Winograd's minimal filtering F(2x2, 3x3) (Lavin & Gray 2016, equation 8).
// Included once for each instruction set, see targets.inl.
//
// The four convolution outputs under one pooled value are Y = A^T [(G g G^T) . (B^T d B)] A with d the
// 4x4 patch of the image and g the 3x3 kernel: 16 products where the direct form takes 36. For each of
// the 16 elements k the products over channels and filters are one matrix product; all factors are
// powers of two, so that integers stay exact. A tile is one pooled pixel.

inline constexpr int tile_block = 2 * tile_pixels;  // tiles whose patches and products stay in the cache

// A patch in the transformed domain, [16][tile_block][padded channels]; a line between the planes keeps
// their columns apart in the cache.
template <class T>
static long patch_plane(const Conv2dGeometry& g) {
  return tile_block * round_to_lanes<T>(g.channels) + lanes<T>;
}
template <class T>
inline constexpr long product_plane = (tile_block + 1L) * panel_width<T>;

template <class T>
static long pool_winograd_scratch_size(const Conv2dGeometry& g) {
  return 16 * (patch_plane<T>(g) + product_plane<T>);
}

// Transformed weights [16][panels as pack_matrix makes them], the bias [padded filters], then a panel's
// width of zeros, where the products start.
template <class T>
static long pool_winograd_packed_size(const Conv2dGeometry& g) {
  return (16L * g.channels + 1) * round_to_lanes<T>(g.filters) + panel_width<T>;
}

// out = G (a, b, c)
template <class V>
static inline __attribute__((always_inline)) void kernel_transform(const V& a, const V& b, const V& c, V (&out)[4]) {
  out[0] = a;
  out[1] = (a + b + c) / 2;
  out[2] = (a - b + c) / 2;
  out[3] = c;
}

template <class T>
static void pool_winograd_pack(const Conv2dGeometry& g, const T* weights, const T* bias, T* packed) {
  const long padded = round_to_lanes<T>(g.filters);
  const long plane = g.channels * padded;
  const long tap = static_cast<long>(g.channels) * g.filters;
  T* to = packed;
  for (int column = 0; column < g.filters; column += panel_width<T>) {
    const int width = panel_vectors<T>(column, g.filters) * lanes<T>;
    for (int c = 0; c < g.channels; ++c) {
      for (int n = 0; n < width; n += lanes<T>, to += lanes<T>) {
        const T* from = weights + static_cast<long>(c) * g.filters + column + n;
        const int valid = g.filters - column - n;
        const auto load = [&](int row, int tap_column) __attribute__((always_inline)) {
          Vector<T> value = Vector<T>{};
          const T* at = from + (3 * row + tap_column) * tap;
          if (valid >= lanes<T>) return Vector<T>(*reinterpret_cast<const Loose<T>*>(at));
          if (valid > 0) __builtin_memcpy(&value, at, static_cast<unsigned long>(valid) * sizeof(T));
          return value;
        };
        Vector<T> across[3][4], all[4];
        for (int r = 0; r < 3; ++r) kernel_transform<Vector<T>>(load(r, 0), load(r, 1), load(r, 2), across[r]);
        for (int j = 0; j < 4; ++j) {
          kernel_transform(across[0][j], across[1][j], across[2][j], all);
          for (int i = 0; i < 4; ++i) *reinterpret_cast<Loose<T>*>(to + (4 * i + j) * plane) = all[i];
        }
      }
    }
  }
  T* last = packed + 16 * plane;
  for (long n = 0; n < padded; ++n) last[n] = bias != nullptr && n < g.filters ? bias[n] : T(0);
  clear_values(last + padded, panel_width<T>);
}

// out = B^T (d0, d1, d2, d3)
template <class V>
static inline __attribute__((always_inline)) void patch_transform(const V& d0, const V& d1, const V& d2, const V& d3,
                                                                  V (&out)[4]) {
  out[0] = d0 - d2;
  out[1] = d1 + d2;
  out[2] = d2 - d1;
  out[3] = d1 - d3;
}

// The first `valid` channels of the pixel at (y, x), or zeros beyond the border.
template <class T>
static __attribute__((noinline)) Vector<T> load_beside(const Conv2dGeometry& g, int y, int x, const T* at, int valid) {
  Vector<T> value = Vector<T>{};
  if (y < 0 || y >= g.height || x < 0 || x >= g.width) return value;
  __builtin_memcpy(&value, at, static_cast<unsigned long>(valid < lanes<T> ? valid : lanes<T>) * sizeof(T));
  return value;
}

// The patches of `tiles` pooled pixels from (row, left) on, transformed. Pixel after pixel, so that memory is
// read in its order.
template <class T>
static void transform_patches(const Conv2dGeometry& g, const T* image, int row, int left, int tiles, T* patches) {
  const long plane = patch_plane<T>(g);
  const int top = 2 * row - 1;
  T* to = patches;
  for (int tile = 0; tile < tiles; ++tile) {
    const int first = 2 * (left + tile) - 1;
    const bool inside = top >= 0 && top + 4 <= g.height && first >= 0 && first + 4 <= g.width;
    const T* from = image + (static_cast<long>(top) * g.width + first) * g.channels;
    for (int c = 0; c < g.channels; c += lanes<T>, to += lanes<T>) {
      const int valid = g.channels - c;
      const auto load = [&](int i, int j) __attribute__((always_inline)) {
        const T* at = from + (static_cast<long>(i) * g.width + j) * g.channels + c;
        if (inside && valid >= lanes<T>) return Vector<T>(*reinterpret_cast<const Loose<T>*>(at));
        return load_beside<T>(g, top + i, first + j, at, valid);
      };
      Vector<T> down[4][4];  // [column][row]
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) patch_transform<Vector<T>>(load(0, j), load(1, j), load(2, j), load(3, j), down[j]);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        Vector<T> across[4];
        patch_transform(down[0][i], down[1][i], down[2][i], down[3][i], across);
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) *reinterpret_cast<Loose<T>*>(to + (4 * i + j) * plane) = across[j];
      }
    }
  }
}

// Y = A^T m A for each tile of one panel, bias, maximum of the positions that exist, ReLU.
template <class T>
static void pool_products(const T* products, int width, const T* bias, int tiles, int existing_columns, bool lower,
                          int filters, long stride, T* pooled, unsigned char* argmax) {
  for (int tile = 0; tile < tiles; ++tile) {
    const bool right = 2 * tile + 1 < existing_columns;
    for (int n = 0; n < width; n += lanes<T>) {
      const T* at = products + static_cast<long>(tile) * width + n;
      Vector<T> upper[4], below[4];
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        const auto m = [&](int i) __attribute__((always_inline)) {
          return Vector<T>(*reinterpret_cast<const Loose<T>*>(at + (4 * i + j) * product_plane<T>));
        };
        const Vector<T> m1 = m(1), m2 = m(2);
        upper[j] = m(0) + m1 + m2;
        below[j] = m1 - m2 - m(3);
      }
      Vector<T> best = upper[0] + upper[1] + upper[2];
      IndexVector<T> index = IndexVector<T>{};
      if (right) contest<T>(upper[1] - upper[2] - upper[3], 1, best, index);
      if (lower) contest<T>(below[0] + below[1] + below[2], 2, best, index);
      if (lower && right) contest<T>(below[1] - below[2] - below[3], 3, best, index);
      best += *reinterpret_cast<const Loose<T>*>(bias + n);
      store_pooled<T>(best, index, filters - n, false, pooled + n, argmax + n);
    }
    pooled += stride;
    argmax += stride;
  }
}

// Pooled rows [begin, end) of one image. `packed`: see pool_winograd_pack.
template <class T>
static void pool_winograd_rows(const Conv2dGeometry& g, const T* image, const T* packed, T* pooled,
                               unsigned char* argmax, int begin, int end, T* scratch) {
  const long padded = round_to_lanes<T>(g.channels);
  const long weights_plane = g.channels * round_to_lanes<T>(g.filters);
  const T* bias = packed + 16 * weights_plane;
  const T* zeros = bias + round_to_lanes<T>(g.filters);
  T* patches = scratch;
  T* products = scratch + 16 * patch_plane<T>(g);
  const Window window{0, padded, 0, 0};
  for (int row = begin; row < end; ++row) {
    for (int left = 0; left < g.pooled_width(); left += tile_block) {
      const int tiles = g.pooled_width() - left < tile_block ? g.pooled_width() - left : tile_block;
      transform_patches(g, image, row, left, tiles, patches);
      const T* weights = packed;
      for (int column = 0; column < g.filters; column += panel_width<T>) {
        const int vectors = panel_vectors<T>(column, g.filters);
        const int width = vectors * lanes<T>;
        for (int k = 0; k < 16; ++k) {
          multiply_panel<T>(vectors, patches + k * patch_plane<T>(g), window, 1, g.channels,
                            weights + k * weights_plane, zeros, products + k * product_plane<T>, width, tiles);
        }
        const long at = (static_cast<long>(row) * g.pooled_width() + left) * g.filters + column;
        pool_products(products, width, bias + column, tiles, g.out_width - 2 * left, 2 * row + 1 < g.out_height,
                      g.filters - column, g.filters, pooled + at, argmax + at);
        weights += static_cast<long>(g.channels) * width;
      }
    }
  }
}

// The form of the forward pass that is faster for this many channels.

template <class T>
static long pool_forward_packed_size(const Conv2dGeometry& g) {
  return few_channels<T>(g) ? packed_size<T>(g.depth(), g.filters) : pool_winograd_packed_size<T>(g);
}

template <class T>
static void pool_forward_pack(const Conv2dGeometry& g, const T* weights, const T* bias, T* packed) {
  (few_channels<T>(g) ? pack_conv2d<T> : pool_winograd_pack<T>)(g, weights, bias, packed);
}

template <class T>
static long pool_forward_scratch_size(const Conv2dGeometry& g) {
  return few_channels<T>(g) ? pool_direct_scratch_size<T>(g) : pool_winograd_scratch_size<T>(g);
}

template <class T>
static void pool_forward_rows(const Conv2dGeometry& g, const T* image, const T* packed, T* pooled,
                              unsigned char* argmax, int begin, int end, T* scratch) {
  (few_channels<T>(g) ? pool_direct_rows<T> : pool_winograd_rows<T>)(g, image, packed, pooled, argmax, begin, end,
                                                                     scratch);
}

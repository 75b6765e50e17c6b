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
      for (int n = 0; n < width; ++n, ++to) {
        T across[3][4] = {}, all[4];
        const T* from = weights + static_cast<long>(c) * g.filters + column + n;
        if (column + n < g.filters) {
          for (int r = 0; r < 3; ++r, from += 3 * tap) kernel_transform(from[0], from[tap], from[2 * tap], across[r]);
        }
        for (int j = 0; j < 4; ++j) {
          kernel_transform(across[0][j], across[1][j], across[2][j], all);
          for (int i = 0; i < 4; ++i) to[(4 * i + j) * plane] = all[i];
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

// The patches of `tiles` pooled pixels from (row, left) on, transformed. Neighbouring patches share two
// columns: their transforms down the rows are kept.
template <class T>
static void transform_patches(const Conv2dGeometry& g, const T* image, int row, int left, int tiles, T* patches) {
  const long plane = patch_plane<T>(g);
  const long padded = round_to_lanes<T>(g.channels);
  const int top = 2 * row - 1;
  for (int c = 0; c < g.channels; c += lanes<T>) {
    const int valid = g.channels - c;
    const auto load = [&](int y, int x) __attribute__((always_inline)) {
      Vector<T> value = Vector<T>{};
      if (y < 0 || y >= g.height || x < 0 || x >= g.width) return value;
      const T* at = image + (static_cast<long>(y) * g.width + x) * g.channels + c;
      if (valid >= lanes<T>) return Vector<T>(*reinterpret_cast<const Loose<T>*>(at));
      __builtin_memcpy(&value, at, static_cast<unsigned long>(valid) * sizeof(T));
      return value;
    };
    const auto column = [&](int x, Vector<T>(&out)[4]) __attribute__((always_inline)) {
      patch_transform<Vector<T>>(load(top, x), load(top + 1, x), load(top + 2, x), load(top + 3, x), out);
    };
    Vector<T> down[4][4];  // [column][row]
    column(2 * left - 1, down[0]);
    column(2 * left, down[1]);
    T* to = patches + c;
    for (int tile = 0; tile < tiles; ++tile, to += padded) {
      column(2 * (left + tile) + 1, down[2]);
      column(2 * (left + tile) + 2, down[3]);
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        Vector<T> across[4];
        patch_transform(down[0][i], down[1][i], down[2][i], down[3][i], across);
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) *reinterpret_cast<Loose<T>*>(to + (4 * i + j) * plane) = across[j];
        down[0][i] = down[2][i];
        down[1][i] = down[3][i];
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

// Asks for part `part` of `parts` of the two image rows that are new to the block of tiles at (row, left).
// Dealt out between the products of the block before, a few lines at a time, this hides the memory's
// latency, which transform_patches would wait for.
template <class T>
static void prefetch_patches(const Conv2dGeometry& g, const T* image, int row, int left, int part, int parts) {
  constexpr long line = 64 / sizeof(T);
  const int columns = g.width - 2 * left < 2 * tile_block ? g.width - 2 * left : 2 * tile_block;
  const long lines = (static_cast<long>(columns) * g.channels + line - 1) / line;
  for (int y = 2 * row + 1; y <= 2 * row + 2 && y < g.height; ++y) {
    const T* from = image + (static_cast<long>(y) * g.width + 2L * left) * g.channels;
    for (long i = lines * part / parts; i < lines * (part + 1) / parts; ++i) __builtin_prefetch(from + i * line);
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
      const bool last = left + tile_block >= g.pooled_width();
      const int next_row = last ? row + 1 : row, next_left = last ? 0 : left + tile_block;
      const int parts = 16 * ((tiles + tile_pixels - 1) / tile_pixels);
      int part = 0;
      const T* weights = packed;
      for (int column = 0; column < g.filters; column += panel_width<T>) {
        const int vectors = panel_vectors<T>(column, g.filters);
        const int width = vectors * lanes<T>;
        for (int k = 0; k < 16; ++k) {
          for (int tile = 0; tile < tiles; tile += tile_pixels) {
            if (column == 0) prefetch_patches(g, image, next_row, next_left, part++, parts);
            multiply_panel<T>(vectors, patches + k * patch_plane<T>(g) + tile * padded, window, 1, g.channels,
                              weights + k * weights_plane, zeros, products + k * product_plane<T> + tile * width, width,
                              tiles - tile < tile_pixels ? tiles - tile : tile_pixels);
          }
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

// The fused stage forward with fewer channels than lanes, by F(2x4, 3x3) (see winograd.inl).
//
// The filters are the lanes. A tile is two pooled columns: from its 4 x 6 patch 24 products a channel make 2 x 4
// outputs, where the direct form takes 72. They are summed in registers: down the columns the outputs are
// m0 + (m1 + m2) and (m1 - m2) - m3, m being the sums of the patch's rows, and then brought back along the rows.

#if defined(ABELL_ISA_CONV_POOL_WINOGRAD_FEW_INL) == defined(ABELL_ISA_TOGGLE)
#ifdef ABELL_ISA_CONV_POOL_WINOGRAD_FEW_INL
#undef ABELL_ISA_CONV_POOL_WINOGRAD_FEW_INL
#else
#define ABELL_ISA_CONV_POOL_WINOGRAD_FEW_INL
#endif

#include <abell/kernels/isa/conv_pool_forward.inl>
#include <abell/kernels/isa/gemm.inl>
#include <abell/kernels/isa/winograd.inl>

inline constexpr int few_tiles_together = 2;

// Values of one row of a tile's transformed patch: [quad of channels][6][4 channels].
static inline long few_tile_row(const Conv2dGeometry& g) { return (g.channels + 3L) / 4 * 24; }
static inline int few_tiles_of(const Conv2dGeometry& g) { return (g.pooled_width() + 1) / 2; }
// Values of an image row with a column before it, and all that the last tile reads behind.
static inline long few_line(const Conv2dGeometry& g) { return (4L * few_tiles_of(g) + 2) * g.channels; }

// Lines transformed down the columns [4][few_line], tiles [4][few_tiles][few_tile_row], then a row of zeros; a quad of
// channels may be read past the end of a line.
template <class T>
static long conv_pool_winograd_few_scratch_size(const Conv2dGeometry& g) {
  return 4 * few_line(g) + 4 + 4 * few_tiles * few_tile_row(g) + static_cast<long>(g.width) * g.channels;
}

// [vector of filters][row of the patch, the last negated][channel][column of the patch], then 3 x the bias.
template <class T>
static long conv_pool_winograd_few_packed_size(const Conv2dGeometry& g) {
  return (24L * g.channels + 1) * round_to_lanes<T>(g.filters);
}

template <class T>
static void conv_pool_winograd_few_pack(const Conv2dGeometry& g, const T* weights, const T* bias, T* packed) {
  const long padded = round_to_lanes<T>(g.filters);
  for (long n = 0; n < padded; ++n) {
    T* to = packed + n / lanes<T> * lanes<T> * 24 * g.channels + n % lanes<T>;
    for (int c = 0; c < g.channels; ++c) {
      T across[3][6], all[4];
      for (int r = 0; r < 3; ++r) {
        const auto tap = [&](int column) {
          return n < g.filters ? weights[((3L * r + column) * g.channels + c) * g.filters + n] : T(0);
        };
        kernel_transform<T>(tap(0), tap(1), tap(2), across[r]);
      }
      for (int j = 0; j < 6; ++j) {
        kernel_transform<T>(across[0][j], across[1][j], across[2][j], all);
        for (int i = 0; i < 4; ++i) to[((i * g.channels + c) * 6L + j) * lanes<T>] = i < 3 ? all[i] : -all[i];
      }
    }
    packed[24L * g.channels * padded + n] = bias != nullptr && n < g.filters ? 3 * bias[n] : T(0);
  }
}

// The four image rows under a pooled row, transformed down the columns; `zeros` stands for a row beyond the border.
template <class T>
static void transform_lines(const Conv2dGeometry& g, const T* image, const T* zeros, int row, T* lines) {
  const long line = few_line(g);
  const long width = static_cast<long>(g.width) * g.channels;
  const T* from[4];
  for (int i = 0; i < 4; ++i) {
    const int y = 2 * row - 1 + i;
    from[i] = y >= 0 && y < g.height ? image + y * width : zeros;
    clear_values(lines + i * line, g.channels);
    clear_values(lines + i * line + g.channels + width, line - width - g.channels);
  }
  lines += g.channels;
  Vector<T> d[4], v[4];
  long k = 0;
  for (; k + lanes<T> <= width; k += lanes<T>) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) d[i] = load(from[i] + k);
    patch_transform(d, v);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) store(v[i], lines + i * line + k);
  }
  const int left = static_cast<int>(width - k);
  for (int i = 0; i < 4; ++i) d[i] = load_some(from[i] + k, left);
  patch_transform(d, v);
  for (int i = 0; i < 4; ++i) store_some(v[i], left, lines + i * line + k);
}

// The patches of tiles [first, first + count), transformed along the rows too.
template <class T>
static void transform_tiles(const Conv2dGeometry& g, const T* lines, int first, int count, T* tiles) {
  using Quad = typename QuadOf<T>::Type;
  using LooseQuad = typename QuadOf<T>::Loose;
  const int channels = g.channels;
  const long line = few_line(g), row = few_tiles * few_tile_row(g);
  for (int i = 0; i < 4; ++i) {
    const T* from = lines + i * line + 4L * first * channels;
    T* to = tiles + i * row;
    for (int tile = 0; tile < count; ++tile, from += 4 * channels) {
      for (int c = 0; c < channels; c += 4, to += 24) {
        Quad d[6], v[6];
#pragma GCC unroll 6
        for (int j = 0; j < 6; ++j) d[j] = *reinterpret_cast<const LooseQuad*>(from + j * channels + c);
        patch_transform(d, v);
#pragma GCC unroll 6
        for (int j = 0; j < 6; ++j) *reinterpret_cast<LooseQuad*>(to + 4 * j) = v[j];
      }
    }
  }
}

// Adds the products of one row of N patches, over all channels.
template <class T, int N>
static inline __attribute__((always_inline)) void add_patch_row(const T* tiles, long tile_row, int channels,
                                                                const T* weights, Vector<T> (&sum)[N][6]) {
  const T* at[N];
#pragma GCC unroll 2
  for (int t = 0; t < N; ++t) {
    at[t] = tiles + t * tile_row;
    hide(at[t]);
  }
  for (int c = 0; c < channels; ++c, weights += 6 * lanes<T>) {
#pragma GCC unroll 6
    for (int j = 0; j < 6; ++j) {
      Vector<T> weight = load(weights + j * lanes<T>);
      keep_in_register<T>(weight);
#pragma GCC unroll 2
      for (int t = 0; t < N; ++t) sum[t][j] += at[t][4 * j] * weight;
    }
    const long next = c % 4 == 3 ? 21 : 1;  // the next channel, of the next quad after the fourth
#pragma GCC unroll 2
    for (int t = 0; t < N; ++t) at[t] += next;
  }
}

// N tiles of one vector of filters, of which those that exist are stored, pooled pixels `stride` values apart.
template <class T, int N>
static void few_products(Matrix<const T> patches, int channels, const T* weights, const T* bias, Outputs exist,
                         long stride, bool streamed, Pooled<T> pooled) {
  const T* tiles = patches.values;
  const long tile_row = patches.stride;
  constexpr bool sums_fit = ABELL_VECTOR_REGISTERS == 32;  // of two rows; else those of one are brought back at once
  const long row = few_tiles * tile_row, row_weights = 6L * channels * lanes<T>;
  Vector<T> first[N][6] = {}, second[N][6] = {}, upper[N][4], lower[N][4];
  if constexpr (sums_fit) {
    add_patch_row<T, N>(tiles + row, tile_row, channels, weights + row_weights, first);
    add_patch_row<T, N>(tiles + 2 * row, tile_row, channels, weights + 2 * row_weights, second);
#pragma GCC unroll 12
    for (int i = 0; i < 6 * N; ++i) {
      const Vector<T> m1 = first[i / 6][i % 6], m2 = second[i / 6][i % 6];
      first[i / 6][i % 6] = m1 + m2;
      second[i / 6][i % 6] = m1 - m2;
    }
    add_patch_row<T, N>(tiles, tile_row, channels, weights, first);
#pragma GCC unroll 2
    for (int t = 0; t < N; ++t) output_transform(first[t], upper[t]);
    add_patch_row<T, N>(tiles + 3 * row, tile_row, channels, weights + 3 * row_weights, second);
  } else {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      Vector<T> sum[N][6] = {};
      add_patch_row<T, N>(tiles + i * row, tile_row, channels, weights + i * row_weights, sum);
#pragma GCC unroll 2
      for (int t = 0; t < N; ++t) {
        Vector<T> out[4];
        output_transform(sum[t], out);
#pragma GCC unroll 4
        for (int j = 0; j < 4; ++j) {
          if (i < 3) upper[t][j] = i == 0 ? out[j] : upper[t][j] + out[j];
          if (i > 0) lower[t][j] = i == 1 ? out[j] : i == 2 ? lower[t][j] - out[j] : lower[t][j] + out[j];
        }
      }
    }
  }
  const Vector<T> thrice = load(bias);
#pragma GCC unroll 2
  for (int t = 0; t < N; ++t) {
    if constexpr (sums_fit) output_transform(second[t], lower[t]);
#pragma GCC unroll 2
    for (int j = 0; j < 4; j += 2) {
      const int p = 2 * t + j / 2;
      if (2 * p >= exist.columns) return;
      IndexVector<T> index;
      const Vector<T> best = maximum_of<T>({upper[t][j], upper[t][j + 1], lower[t][j], lower[t][j + 1]},
                                           2 * p + 1 < exist.columns, exist.rows > 1, index);
      store_pooled<T>((best + thrice) * (T(1) / 3), index, exist.filters, streamed, pooled.values + p * stride,
                      pooled.argmax + p * stride);
    }
  }
}

// Some pooled rows of one image. `packed`: see conv_pool_winograd_few_pack.
template <class T>
static void conv_pool_winograd_few_rows(const Conv2dGeometry& g, const T* image, const T* packed,
                                        const Pooled<T>& pooled, Range rows, T* lines) {
  const long tile_row = few_tile_row(g);
  T* tiles = lines + 4 * few_line(g) + 4;
  T* zeros = tiles + 4 * few_tiles * tile_row;
  clear_values(zeros, static_cast<long>(g.width) * g.channels);
  const T* bias = packed + 24L * g.channels * round_to_lanes<T>(g.filters);
  const bool streamed = worth_streaming(pooled.values, g.pooled_size(), g.filters);
  for (int row = rows.begin; row < rows.end; ++row) {
    transform_lines(g, image, zeros, row, lines);
    // The two image rows that the next row adds are prefetched meanwhile.
    const long values = static_cast<long>(g.width) * g.channels;
    unsigned long ahead = address_of(image) + static_cast<unsigned long>((2L * row + 3) * values) * sizeof(T);
    const unsigned long behind = ahead + static_cast<unsigned long>(2 * values) * sizeof(T);
    for (int first = 0; first < few_tiles_of(g); first += few_tiles) {
      const int count = few_tiles_of(g) - first < few_tiles ? few_tiles_of(g) - first : few_tiles;
      transform_tiles(g, lines, first, count, tiles);
      for (int n = 0; n < g.filters; n += lanes<T>) {
        for (int tile = 0; tile < count;) {
          const int x = 2 * (first + tile);
          const Outputs exist{g.out_height - 2 * row, g.out_width - 2 * x, g.filters - n};
          const long at = (static_cast<long>(row) * g.pooled_width() + x) * g.filters + n;
          const int together = count - tile < few_tiles_together ? 1 : few_tiles_together;
          const auto products = together == 1 ? few_products<T, 1> : few_products<T, few_tiles_together>;
          if (ahead < behind) prefetch_line(ahead);
          ahead += line_bytes;
          products({tiles + tile * tile_row, tile_row}, g.channels, packed + 24L * g.channels * n, bias + n, exist,
                   g.filters, streamed, {pooled.values + at, pooled.argmax + at});
          tile += together;
        }
      }
    }
  }
  if (streamed) finish_streams();
}

#endif

// Gradient of the weights of the fused stage.
//
// dW[tap][c][o] = sum over live positions of filter o of g * x[position + tap][c]. For a tile of pooled pixels each
// filter's positions are noted as bits; then, one vector of channels at a time, the image under the tile is copied to
// the first-level cache (zeros beyond the border) and the bits are walked with 9 taps of sums in registers. Where these
// hold 18, two filters are walked at once, the pixels grouped by the positions of both: a value that both windows
// cover is loaded once for two multiply-adds.

#if defined(ABELL_ISA_CONV_POOL_WEIGHTS_INL) == defined(ABELL_ISA_TOGGLE)
#ifdef ABELL_ISA_CONV_POOL_WEIGHTS_INL
#undef ABELL_ISA_CONV_POOL_WEIGHTS_INL
#else
#define ABELL_ISA_CONV_POOL_WEIGHTS_INL
#endif

#include <abell/kernels/isa/conv_pool_weights_few.inl>

inline constexpr int noted_columns = 16;  // pooled, of a tile at most: with the rows of a strip a bit each
inline constexpr int image_rows = 2 * conv_pool_weights_strip_rows + 2, image_columns = 2 * noted_columns + 2;
inline constexpr int filters_together = ABELL_VECTOR_REGISTERS == 32 ? 2 : 1;  // walked at once
inline constexpr int noted_positions = 4;
inline constexpr int lines_prefetched = filters_together == 2 ? 24 : 6;  // in a walk

static inline long padded_filters(const Conv2dGeometry& g) {
  return (g.filters + filters_together - 1L) / filters_together * filters_together;
}

// Sums [vector of channels][padded filters][9][lanes], then the bias; with few channels see conv_pool_weights_few.inl.
template <class T>
static long conv_pool_weights_size(const Conv2dGeometry& g) {
  if (few_channels<T>(g)) return conv_pool_weights_few_size<T>(g);
  return (round_to_lanes<T>(g.channels) * 9 + 1) * padded_filters(g);
}

template <class T>
static long conv_pool_weights_scratch_size(const Conv2dGeometry& g) {
  if (few_channels<T>(g)) return conv_pool_weights_few_scratch_size<T>(g);
  const long bytes = padded_filters(g) * noted_positions * static_cast<long>(sizeof(long));
  return 1L * image_rows * image_columns * lanes<T> + bytes / static_cast<long>(sizeof(T)) + 16;
}

// Where a noted pixel's first cell lies in the tile, and its gradient after that of the tile's first pixel.
struct NotedPixels {
  int cell[conv_pool_weights_strip_rows * noted_columns];
  int gradient[conv_pool_weights_strip_rows * noted_columns];

  NotedPixels(const Conv2dGeometry& g, int lanes) {
    for (int i = 0; i < conv_pool_weights_strip_rows * noted_columns; ++i) {
      const int row = i / noted_columns, column = i % noted_columns;
      cell[i] = 2 * (row * image_columns + column) * lanes;
      gradient[i] = (row * g.pooled_width() + column) * g.filters;
    }
  }
};

// The sums of `filters_together` filters: those of the weights, and the bias's.
template <class T>
struct WeightSums {
  Vector<T> tap[filters_together * 9];
  T bias[filters_together];
};

// The tap of a window at `position` that lies on a cell of the 4x4 patch under a pooled pixel, or -1.
static constexpr int tap_on(int cell, int position) {
  const int row = cell / 4 - position / 2, column = cell % 4 - position % 2;
  return position < cut_by_relu && row >= 0 && row < 3 && column >= 0 && column < 3 ? 3 * row + column : -1;
}

// Adds the pixels in `bits`, at which a filter's maximum lies at position A and, if two are walked, the next one's
// at B; `cut_by_relu` stands for none.
template <class T, int A, int B>
static inline __attribute__((always_inline)) void add_noted(unsigned long bits, const T* tile,
                                                            const NotedPixels& pixels, const T* gradient,
                                                            WeightSums<T>& sums) {
  constexpr int next = filters_together - 1;
  for (; bits != 0; bits &= bits - 1) {
    const long pixel = __builtin_ctzl(bits);
    const T* at = tile + pixels.cell[pixel];
    const T* values = gradient + pixels.gradient[pixel];
    const T a = A < cut_by_relu ? values[0] : T(0), b = B < cut_by_relu ? values[next] : T(0);
    if (A < cut_by_relu) sums.bias[0] += a;
    if (B < cut_by_relu) sums.bias[next] += b;
#pragma GCC unroll 16
    for (int cell = 0; cell < 16; ++cell) {
      const int tap_a = tap_on(cell, A), tap_b = tap_on(cell, B);
      if (tap_a < 0 && tap_b < 0) continue;
      Vector<T> value = load(at + (cell / 4 * image_columns + cell % 4) * lanes<T>);
      if (tap_a >= 0 && tap_b >= 0) keep_in_register<T>(value);
      if (tap_a >= 0) sums.tap[tap_a] += a * value;
      if (tap_b >= 0) sums.tap[9 * next + tap_b] += b * value;
    }
  }
}

// Adds all that is noted of one filter, or of two. Meanwhile `lines_prefetched` lines of what lies `ahead` are
// prefetched to the second level of cache, few at a time: many would delay the walk's own loads.
template <class T, int... Position, int... Pair>
static inline __attribute__((always_inline)) void add_filters(const unsigned long* noted, const T* tile,
                                                              const NotedPixels& pixels, const T* gradient,
                                                              WeightSums<T>& sums, Ahead ahead, Indices<Position...>,
                                                              Indices<Pair...>) {
  const auto prefetch = [&]() __attribute__((always_inline)) {
    prefetch_far(ahead.at);
    ahead.at += ahead.step;
  };
  if constexpr (filters_together == 1) {
    for (int i = 0; i < lines_prefetched; ++i) prefetch();
    (add_noted<T, Position, cut_by_relu>(noted[Position], tile, pixels, gradient, sums), ...);
  } else {
    const unsigned long* next = noted + noted_positions;
    const unsigned long live = (noted[Position] | ...), next_live = (next[Position] | ...);
    ((prefetch(), add_noted<T, Pair / 4, Pair % 4>(noted[Pair / 4] & next[Pair % 4], tile, pixels, gradient, sums)),
     ...);
    ((prefetch(), add_noted<T, Position, cut_by_relu>(noted[Position] & ~next_live, tile, pixels, gradient, sums)),
     ...);
    ((prefetch(), add_noted<T, cut_by_relu, Position>(next[Position] & ~live, tile, pixels, gradient, sums)), ...);
  }
}

// sums[filters_together][9][lanes] and the bias's += what is noted, in one vector of channels.
template <class T>
static void walk_noted(const unsigned long* noted, const T* tile, const NotedPixels& pixels, const T* gradient, T* taps,
                       T* bias, Ahead ahead) {
  WeightSums<T> sums{};
#pragma GCC unroll 18
  for (int i = 0; i < filters_together * 9; ++i) sums.tap[i] = load(taps + i * lanes<T>);
  add_filters<T>(noted, tile, pixels, gradient, sums, ahead, IndicesBelow<4>::Type{}, IndicesBelow<16>::Type{});
#pragma GCC unroll 18
  for (int i = 0; i < filters_together * 9; ++i) store(sums.tap[i], taps + i * lanes<T>);
  for (int i = 0; bias != nullptr && i < filters_together; ++i) bias[i] += sums.bias[i];
}

// Notes the positions of up to 16 filters at `columns` (at most 8) pooled pixels, the first of which has the bit
// 1 << `shift`. Bit x of a byte of here[position] stands for pixel x.
static inline void note_pixels(int filters, int stride, const unsigned char* argmax, int columns, int shift,
                               unsigned long* noted) {
  Bytes16 here[4] = {};
  for (int x = 0; x < columns; ++x) {
    const Bytes16 bytes = load_positions(argmax + static_cast<long>(x) * stride, filters);
    const char pixel = static_cast<char>(1 << x);  // named: GCC's check of the shift hides the cast from the vector
    const Bytes16 bit = Bytes16{} + pixel;
#pragma GCC unroll 4
    for (int position = 0; position < 4; ++position) {
      here[position] |= (bytes == Bytes16{} + static_cast<char>(position)) & bit;
    }
  }
  unsigned char bits[4][16];
  __builtin_memcpy(bits, here, sizeof(bits));
  for (int n = 0; n < filters; ++n, noted += noted_positions) {
#pragma GCC unroll 4
    for (int position = 0; position < 4; ++position) {
      noted[position] |= static_cast<unsigned long>(bits[position][n]) << shift;
    }
  }
}

// Notes each filter's positions in one pooled row of a tile, whose first pixel has the bit 1 << `shift`. The row's
// gradient, which the walks read in no order, and the next tile's positions are prefetched.
template <class T>
static void note_positions(int filters, const unsigned char* argmax, const T* gradient, int columns, int shift,
                           unsigned long* noted) {
  constexpr int line = line_bytes / static_cast<int>(sizeof(T));
  for (int x = 0; x < columns; ++x) {
    for (int n = 0; n < filters; n += line) __builtin_prefetch(gradient + static_cast<long>(x) * filters + n);
    __builtin_prefetch(argmax + static_cast<long>(columns + x) * filters);
  }
  for (int x = 0; x < columns; x += 8) {
    for (int n = 0; n < filters; n += 16) {
      note_pixels(filters - n < 16 ? filters - n : 16, filters, argmax + static_cast<long>(x) * filters + n,
                  columns - x < 8 ? columns - x : 8, shift + x, noted + n * noted_positions);
    }
  }
}

// `rows` image rows from `top` and `columns` columns from `left`, channels [first, first + lanes).
template <class T>
static void load_tile(const Conv2dGeometry& g, const T* image, int top, int rows, int left, int columns, int first,
                      T* tile) {
  const int valid = g.channels - first < lanes<T> ? g.channels - first : lanes<T>;
  const int before = left < 0 ? -left : 0, behind = left + columns > g.width ? g.width - left : columns;
  for (int r = 0; r < rows; ++r, tile += image_columns * lanes<T>) {
    const int y = top + r;
    if (y < 0 || y >= g.height) {
      clear_values(tile, columns * lanes<T>);
      continue;
    }
    clear_values(tile, before * lanes<T>);
    clear_values(tile + behind * lanes<T>, (columns - behind) * lanes<T>);
    const T* from = image + (static_cast<long>(y) * g.width + left + before) * g.channels + first;
    for (int c = before; c < behind; ++c, from += g.channels) {
      store(valid == lanes<T> ? load(from) : load_some(from, valid), tile + c * lanes<T>);
    }
  }
}

// The lines of the image under a tile, for walks that prefetch `lines_prefetched` each.
struct LinesUnder {
  static constexpr int each = line_bytes * lines_prefetched;
  unsigned long first, row_bytes;
  int walks;  // of a row

  template <class T>
  LinesUnder(const Conv2dGeometry& g, const T* image, int row, int left, int columns) {
    const long pixel = g.channels * static_cast<long>(sizeof(T));
    first = address_of(image) + static_cast<unsigned long>(((2L * row - 1) * g.width + 2L * left - 1) * pixel);
    row_bytes = static_cast<unsigned long>(g.width * pixel);
    walks = static_cast<int>(((2L * columns + 2) * pixel + each - 1) / each);
  }
  Ahead operator[](int walk) const {
    const int row = walk / walks;
    if (row >= image_rows) return {first, 0};
    return {first + static_cast<unsigned long>(row) * row_bytes + static_cast<unsigned long>(walk % walks * each),
            line_bytes};
  }
};

// Adds some pooled rows of one image to the sums.
template <class T>
static void conv_pool_weights_rows(const Conv2dGeometry& g, const T* image, const Pooled<const T>& pooled, T* sums,
                                   Range pooled_rows, T* scratch) {
  if (few_channels<T>(g)) return conv_pool_weights_few_rows(g, image, pooled, sums, pooled_rows, scratch);
  const auto [gradient, argmax] = pooled;
  const NotedPixels pixels(g, lanes<T>);
  const long pooled_row = static_cast<long>(g.pooled_width()) * g.filters, filters = padded_filters(g);
  T* tile = scratch;
  unsigned long* noted = aligned_for<unsigned long>(tile + 1L * image_rows * image_columns * lanes<T>);
  T* bias = sums + round_to_lanes<T>(g.channels) * 9 * filters;
  constexpr int strip_rows = conv_pool_weights_strip_rows;
  const int tiles = tiles_of(g.pooled_width(), noted_columns);
  for (int row = pooled_rows.begin; row < pooled_rows.end; row += strip_rows) {
    const int rows = pooled_rows.end - row < strip_rows ? pooled_rows.end - row : strip_rows;
    for (int i = 0; i < tiles; ++i) {
      const int left = tile_begin(i, tiles, g.pooled_width());
      const int columns = tile_begin(i + 1, tiles, g.pooled_width()) - left;
      const long at = row * pooled_row + static_cast<long>(left) * g.filters;
      clear_values(noted, filters * noted_positions);
      for (int r = 0; r < rows; ++r) {
        const long first = at + r * pooled_row;
        note_positions(g.filters, argmax + first, gradient + first, columns, r * noted_columns, noted);
      }
      const bool right = i + 1 < tiles;  // else the next tile lies at the left of the next rows
      const LinesUnder next(g, image, right ? row : row + strip_rows, right ? left + columns : 0, columns);
      int walk = 0;
      for (int c = 0; c < g.channels; c += lanes<T>) {
        load_tile(g, image, 2 * row - 1, 2 * rows + 2, 2 * left - 1, 2 * columns + 2, c, tile);
        for (int n = 0; n < g.filters; n += filters_together) {
          walk_noted(noted + n * noted_positions, tile, pixels, gradient + at + n,
                     sums + (c * filters + n * 1L * lanes<T>)*9, c == 0 ? bias + n : nullptr, next[walk++]);
        }
      }
    }
  }
}

// Brings the sums into the order of the weights (HWIO) and the bias.
template <class T>
static void conv_pool_weights_finish(const Conv2dGeometry& g, const T* sums, T* weights, T* bias) {
  if (few_channels<T>(g)) return conv_pool_weights_few_finish(g, sums, weights, bias);
  const long filters = padded_filters(g);
  for (int tap = 0; tap < 9; ++tap) {
    for (int c = 0; c < g.channels; ++c) {
      const T* from = sums + (c / lanes<T> * filters * 9 + tap) * lanes<T> + c % lanes<T>;
      for (int n = 0; n < g.filters; ++n) *weights++ = from[n * 9L * lanes<T>];
    }
  }
  copy_values(sums + round_to_lanes<T>(g.channels) * 9 * filters, g.filters, bias);
}

#endif

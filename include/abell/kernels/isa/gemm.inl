// Matrix products on packed weights. Included once for each instruction set, see targets.inl.

// Rows of the register tile: with two vectors of columns, all but a few of the registers hold sums.
inline constexpr int tile_rows = ABELL_VECTOR_REGISTERS == 32 ? 14 : 6;
// Tiles that pass over a panel of weights while it is in the first-level cache.
inline constexpr int strip_tiles = 4;
// Values of one panel's results for a strip.
template <class T>
inline constexpr long edge_size = strip_tiles* tile_rows* panel_width<T>;

// Where the rows under a window lie: row r of the band at slot (first + r) & mask, so that a band
// can be a ring of rows. A matrix is the case of one row.
struct Window {
  long row_stride;
  long pixel_stride;  // from one output pixel's window to the next
  int first;
  int mask;
};

// What will be needed next: a line of it is fetched in each step of a tile, so that the memory's
// latency passes behind the arithmetic. Steps in bytes; 0 fetches nothing new.
struct Ahead {
  unsigned long at;  // an address: it may lie past the end of an array
  unsigned long step;
};
static inline void fetch_line(unsigned long at) { __builtin_prefetch(reinterpret_cast<const void*>(at)); }
static inline void fetch_far(unsigned long at) {  // to the second level of cache
  __builtin_prefetch(reinterpret_cast<const void*>(at), 0, 2);
}
static inline unsigned long address_of(const void* at) { return reinterpret_cast<unsigned long>(at); }

// Makes the compiler forget where a number or pointer comes from, so that it keeps to it instead of its multiples.
template <class N>
static inline __attribute__((always_inline)) void hide(N& number) {
  __asm__("" : "+r"(number));
}

// P pixels x V vectors of outputs: c[p][v] = start + sum over rows [row, row + rows) and elements
// [from, to) of band value * weight. The sums start at the bias, or at c where bias is null.
// Every sum stays in a register; each step loads V vectors of weights, which lie `weight_stride`
// apart, and P scalars. `streamed`: c is written past the cache and must be aligned.
template <class T, int P, int V>
static void multiply_tile(const T* band, const Window& window, int row, int rows, int from, int to, const T* weights,
                          long weight_stride, const T* bias, T* c, long c_stride, bool streamed, Ahead& ahead) {
  Vector<T> sum[P][V];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      sum[p][v] =
          *reinterpret_cast<const Loose<T>*>(bias != nullptr ? bias + v * lanes<T> : c + p * c_stride + v * lanes<T>);
    }
  }
  unsigned long next = ahead.at;
  const unsigned long step = ahead.step;
  for (int r = row; r < row + rows; ++r) {
    const T* first = band + static_cast<long>((window.first + r) & window.mask) * window.row_stride + from;
    // Pixel p lies 0, 1, 2, 3 or 4 strides after one of three pointers: these are addresses that loads form by
    // themselves, while a sum for each pixel would keep the units busy that multiply.
    long stride = window.pixel_stride * static_cast<long>(sizeof(T)), stride_3 = 3 * stride;
    const char* line = reinterpret_cast<const char*>(first);
    const char* line_5 = line + 5 * stride;
    const char* line_10 = line + 10 * stride;
    for (int j = from; j < to; ++j) {
      fetch_line(next);
      next += step;
      Vector<T> weight[V];
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) weight[v] = *reinterpret_cast<const Loose<T>*>(weights + v * lanes<T>);
      weights += weight_stride;
      hide(stride);
      hide(stride_3);
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) {
        const char* const start = p < 5 ? line : p < 10 ? line_5 : line_10;
        const T value = *reinterpret_cast<const T*>(start + (p % 5 == 3 ? stride_3 : p % 5 * stride));
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v) sum[p][v] += value * weight[v];
      }
      line += sizeof(T);
      line_5 += sizeof(T);
      line_10 += sizeof(T);
    }
  }
  ahead.at = next;
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      T* to_vector = c + p * c_stride + v * lanes<T>;
      if (streamed) {
        stream<T>(sum[p][v], to_vector);
      } else {
        *reinterpret_cast<Loose<T>*>(to_vector) = sum[p][v];
      }
    }
  }
}

// `count` pixels, 0 < count <= P: the tile of exactly that many pixels.
template <class T, int P, int V>
static void multiply_some(int count, const T* band, const Window& window, int row, int rows, int from, int to,
                          const T* weights, long weight_stride, const T* bias, T* c, long c_stride, bool streamed,
                          Ahead& ahead) {
  if constexpr (P > 0) {
    if (count == P) {
      multiply_tile<T, P, V>(band, window, row, rows, from, to, weights, weight_stride, bias, c, c_stride, streamed,
                             ahead);
    } else {
      multiply_some<T, P - 1, V>(count, band, window, row, rows, from, to, weights, weight_stride, bias, c, c_stride,
                                 streamed, ahead);
    }
  }
}

// `pixels` as tiles of much the same size, of at most `most`: small tiles leave the multipliers idle.
static inline int tiles_of(int pixels, int most = tile_rows) { return (pixels + most - 1) / most; }
static inline int tile_begin(int tile, int tiles, int pixels) {
  const int least = pixels / tiles, larger = pixels % tiles;  // the first tiles take one pixel more
  return tile * least + (tile < larger ? tile : larger);
}

// Tiles [first, last) of `tiles` that make up `pixels`, x one panel; c is that of the first of them. Weights that are
// too many for the cache are taken in passes, so that the tiles find the part of the panel there.
template <class T, int V>
static void multiply_tiles(const T* band, const Window& window, int rows, int length, const T* weights, const T* bias,
                           T* c, long c_stride, int pixels, int tiles, int first, int last, bool streamed,
                           Ahead& ahead) {
  constexpr int pass_values = (128 << 10) / static_cast<int>(sizeof(T)) / (V * lanes<T>);
  const bool whole = rows * length <= pass_values;
  const int pass_rows = whole ? rows : 1;
  const int passes = whole ? 1 : (length + pass_values - 1) / pass_values;
  const int origin = tile_begin(first, tiles, pixels);
  for (int row = 0; row < rows; row += pass_rows) {
    for (int pass = 0; pass < passes; ++pass) {
      const int from = static_cast<int>(static_cast<long>(length) * pass / passes);
      const int to = static_cast<int>(static_cast<long>(length) * (pass + 1) / passes);
      const T* start = row == 0 && pass == 0 ? bias : nullptr;
      for (int tile = first; tile < last; ++tile) {
        const int pixel = tile_begin(tile, tiles, pixels);
        multiply_some<T, tile_rows, V>(tile_begin(tile + 1, tiles, pixels) - pixel, band + pixel * window.pixel_stride,
                                       window, row, pass_rows, from, to, weights, V * lanes<T>, start,
                                       c + (pixel - origin) * c_stride, c_stride, streamed && whole, ahead);
      }
      weights += static_cast<long>(pass_rows) * (to - from) * V * lanes<T>;
    }
  }
}

template <class T>
static void multiply_tiles(int vectors, const T* band, const Window& window, int rows, int length, const T* weights,
                           const T* bias, T* c, long c_stride, int pixels, int tiles, int first, int last,
                           bool streamed, Ahead& ahead) {
  if (vectors == 2) {
    multiply_tiles<T, 2>(band, window, rows, length, weights, bias, c, c_stride, pixels, tiles, first, last, streamed,
                         ahead);
  } else {
    multiply_tiles<T, 1>(band, window, rows, length, weights, bias, c, c_stride, pixels, tiles, first, last, streamed,
                         ahead);
  }
}

// Any number of pixels x one panel.
template <class T>
static void multiply_panel(int vectors, const T* band, const Window& window, int rows, int length, const T* weights,
                           const T* bias, T* c, long c_stride, int pixels, Ahead ahead) {
  const int tiles = tiles_of(pixels);
  multiply_tiles<T>(vectors, band, window, rows, length, weights, bias, c, c_stride, pixels, tiles, 0, tiles, false,
                    ahead);
}

// All columns for tiles [first, last) of `tiles` that make up `pixels`; c is that of the first of them. A last panel
// that is not full goes through `edge` (edge_size values).
template <class T>
static void multiply_strip(const T* band, const Window& window, int rows, int length, const T* packed, int columns,
                           T* c, long c_stride, int pixels, int tiles, int first, int last, T* edge, bool streamed,
                           Ahead& ahead) {
  const long depth = static_cast<long>(rows) * length;
  const T* bias = packed + depth * round_to_lanes<T>(columns);
  const int strip = tile_begin(last, tiles, pixels) - tile_begin(first, tiles, pixels);
  for (int column = 0; column < columns; column += panel_width<T>) {
    const int vectors = panel_vectors<T>(column, columns);
    const int width = vectors * lanes<T>;
    const int valid = columns - column < width ? columns - column : width;
    if (valid == width) {
      multiply_tiles<T>(vectors, band, window, rows, length, packed, bias + column, c + column, c_stride, pixels, tiles,
                        first, last, streamed, ahead);
    } else {
      multiply_tiles<T>(vectors, band, window, rows, length, packed, bias + column, edge, width, pixels, tiles, first,
                        last, false, ahead);
      for (int pixel = 0; pixel < strip; ++pixel) {
        copy_values(edge + static_cast<long>(pixel) * width, valid, c + pixel * c_stride + column);
      }
    }
    packed += depth * width;
  }
}

// All columns for `pixels` windows in a row of outputs, strip after strip of pixels.
// `ahead`: what a later call needs, `ahead_stride` values for each pixel of this one.
template <class T>
static void multiply_row(const T* band, const Window& window, int rows, int length, const T* packed, int columns, T* c,
                         long c_stride, int pixels, T* edge, bool streamed, const T* ahead, long ahead_stride) {
  const long depth = static_cast<long>(rows) * length;
  const int tiles = tiles_of(pixels);
  const long panels = (columns + panel_width<T> - 1) / panel_width<T>;
  for (int first = 0; first < tiles; first += strip_tiles) {
    const int last = first + strip_tiles < tiles ? first + strip_tiles : tiles;
    const int begin = tile_begin(first, tiles, pixels), end = tile_begin(last, tiles, pixels);
    const long bytes = (end - begin) * ahead_stride * static_cast<long>(sizeof(T));
    const long steps = (last - first) * panels * depth;
    Ahead next{address_of(ahead) + static_cast<unsigned long>(begin * ahead_stride) * sizeof(T),
               static_cast<unsigned long>((bytes + steps - 1) / steps)};
    multiply_strip(band, window, rows, length, packed, columns, c + begin * c_stride, c_stride, pixels, tiles, first,
                   last, edge, streamed, next);
  }
}

// C[rows][columns] = A[rows][depth] * packed B + bias. `edge`: edge_size values.
template <class T>
static void gemm_rows(int rows, int columns, int depth, const T* a, long a_stride, const T* packed, T* c, long c_stride,
                      T* edge, bool streamed) {
  const Window window{0, a_stride, 0, 0};
  constexpr long strip = strip_tiles * tile_rows;
  multiply_row(a, window, 1, depth, packed, columns, c, c_stride, rows, edge, streamed, a + strip * a_stride, a_stride);
}

template <class T>
static void gemm(int rows, int columns, int depth, const T* a, long a_stride, const T* packed, T* c, long c_stride,
                 T* edge) {
  gemm_rows(rows, columns, depth, a, a_stride, packed, c, c_stride, edge, false);
}

template <class T>
static void gemm_streamed(int rows, int columns, int depth, const T* a, long a_stride, const T* packed, T* c,
                          long c_stride, T* edge) {
  const bool aligned = c_stride % lanes<T> == 0 && address_of(c) % ABELL_VECTOR_BYTES == 0;
  gemm_rows(rows, columns, depth, a, a_stride, packed, c, c_stride, edge, aligned);
  finish_streams();
}

// A few rows of C = A B + bias, B as it lies: packing it would cost more than it saves.
// At least `lanes` columns; the last vector may overlap the one before, with the same values.
template <class T>
static void gemm_unpacked(int rows, int columns, int depth, const T* a, long a_stride, const T* b, long b_stride,
                          const T* bias, T* c, long c_stride) {
  constexpr T zeros[panel_width<T>] = {};
  constexpr int lead = 12;  // rows of B that are on their way
  const Window window{0, a_stride, 0, 0};
  const int tiles = tiles_of(rows);
  for (int column = 0; column < columns;) {
    const bool wide = column + panel_width<T> <= columns;
    if (!wide && column + lanes < T >> columns) column = columns - lanes<T>;
    const T* start = bias != nullptr ? bias + column : zeros;
    for (int tile = 0; tile < tiles; ++tile) {
      const int row = tile_begin(tile, tiles, rows), some = tile_begin(tile + 1, tiles, rows) - row;
      Ahead ahead{address_of(b) + static_cast<unsigned long>(lead * b_stride + column) * sizeof(T),
                  static_cast<unsigned long>(b_stride) * sizeof(T)};
      (wide ? multiply_some<T, tile_rows, 2>
            : multiply_some<T, tile_rows, 1>)(some, a + row * a_stride, window, 0, 1, 0, depth, b + column, b_stride,
                                              start, c + row * c_stride + column, c_stride, false, ahead);
    }
    column += wide ? panel_width<T> : lanes<T>;
  }
}

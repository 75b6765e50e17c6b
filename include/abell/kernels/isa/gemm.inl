// Matrix products on packed weights.

#if defined(ABELL_ISA_GEMM_INL) == defined(ABELL_ISA_TOGGLE)
#ifdef ABELL_ISA_GEMM_INL
#undef ABELL_ISA_GEMM_INL
#else
#define ABELL_ISA_GEMM_INL
#endif

#include <abell/kernels/isa/pack.inl>

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

// What will be needed next: a line of it is prefetched in each step of a tile, so that the memory's
// latency passes behind the arithmetic. Steps in bytes; 0 prefetches nothing new.
struct Ahead {
  unsigned long at;  // an address: it may lie past the end of an array
  unsigned long step;
};
static inline void prefetch_line(unsigned long at) { __builtin_prefetch(reinterpret_cast<const void*>(at)); }
static inline void prefetch_far(unsigned long at) {  // to the second level of cache
  __builtin_prefetch(reinterpret_cast<const void*>(at), 0, 2);
}
static inline unsigned long address_of(const void* at) { return reinterpret_cast<unsigned long>(at); }

// Makes the compiler forget where a number or pointer comes from, so that it keeps to it instead of its multiples.
template <class N>
static inline __attribute__((always_inline)) void hide(N& number) {
  __asm__("" : "+r"(number));
}

template <class T>
struct ByteOf {
  using Type = char;
};
template <class T>
struct ByteOf<const T> {
  using Type = const char;
};

// The rows of a tile, of T or const T. Row p lies 0, 1, 2, 3 or 4 strides after one of three pointers: these are
// addresses that loads form by themselves, while a sum for each row would keep the units busy that multiply.
template <class T>
struct TileRows {
  using Byte = typename ByteOf<T>::Type;
  Byte *first, *sixth, *eleventh;
  long stride, stride_3;

  inline __attribute__((always_inline)) TileRows(T* at, long values)
      : first(reinterpret_cast<Byte*>(at)), stride(values * static_cast<long>(sizeof(T))) {
    stride_3 = 3 * stride;
    sixth = first + 5 * stride;
    eleventh = first + 10 * stride;
  }
  inline __attribute__((always_inline)) T* operator[](int p) const {
    Byte* const start = p < 5 ? first : p < 10 ? sixth : eleventh;
    return reinterpret_cast<T*>(start + (p % 5 == 3 ? stride_3 : p % 5 * stride));
  }
  inline __attribute__((always_inline)) void keep_strides() {
    hide(stride);
    hide(stride_3);
  }
  inline __attribute__((always_inline)) void step() {
    first += sizeof(T);
    sixth += sizeof(T);
    eleventh += sizeof(T);
  }
};

// What tiles have in common: the sums go over rows [row, row + rows) of the window and elements [from, to) of each,
// with weights that lie `weight_stride` apart, and start at the bias, or at what c holds where bias is null.
// `streamed`: c is written past the cache and must be aligned.
template <class T>
struct TileWork {
  Window window;
  int row, rows;
  int from, to;
  const T* weights;
  long weight_stride;
  const T* bias;
  long c_stride;
  bool streamed;
};

// P pixels x V vectors of outputs: c[p][v] = start + sum of band value * weight.
// Every sum stays in a register; each step loads V vectors of weights and P scalars.
template <class T, int P, int V>
static void multiply_tile(const TileWork<T>& work, const T* band, T* c, Ahead& ahead) {
  Vector<T> sum[P][V];
  if (work.bias != nullptr) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      const Vector<T> start = load(work.bias + v * lanes<T>);
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) sum[p][v] = start;
    }
  } else {
    TileRows<T> rows(c, work.c_stride);
    rows.keep_strides();
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) sum[p][v] = load(rows[p] + v * lanes<T>);
    }
  }
  unsigned long next = ahead.at;
  const unsigned long step = ahead.step;
  const T* weights = work.weights;
  for (int r = work.row; r < work.row + work.rows; ++r) {
    TileRows<const T> values(
        band + static_cast<long>((work.window.first + r) & work.window.mask) * work.window.row_stride + work.from,
        work.window.pixel_stride);
    for (int j = work.from; j < work.to; ++j) {
      prefetch_line(next);
      next += step;
      Vector<T> weight[V];
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) weight[v] = load(weights + v * lanes<T>);
      weights += work.weight_stride;
      values.keep_strides();
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) {
        const T value = *values[p];
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v) sum[p][v] += value * weight[v];
      }
      values.step();
    }
  }
  ahead.at = next;
  TileRows<T> out(c, work.c_stride);
  out.keep_strides();
  const auto each = [&](const auto& put) __attribute__((always_inline)) {
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) put(sum[p][v], out[p] + v * lanes<T>);
    }
  };
  if (work.streamed) {
    each([](const Vector<T>& value, T* to) __attribute__((always_inline)) { stream<T>(value, to); });
  } else {
    each([](const Vector<T>& value, T* to) __attribute__((always_inline)) { store<T>(value, to); });
  }
}

template <class T>
using Tile = void (*)(const TileWork<T>&, const T*, T*, Ahead&);

// The tile of exactly `pixels`, 0 < pixels <= tile_rows, and `vectors`, 1 or 2.
template <class T, int... P>
static inline Tile<T> tile_of(int pixels, int vectors, Indices<P...>) {
  static constexpr Tile<T> tiles[][2] = {{multiply_tile<T, P + 1, 1>, multiply_tile<T, P + 1, 2>}...};
  return tiles[pixels - 1][vectors - 1];
}
template <class T>
static inline Tile<T> tile_of(int pixels, int vectors) {
  return tile_of<T>(pixels, vectors, typename IndicesBelow<tile_rows>::Type{});
}

// `pixels` as tiles of much the same size, of at most `most`: small tiles leave the multipliers idle.
static inline int tiles_of(int pixels, int most = tile_rows) { return (pixels + most - 1) / most; }
static inline int tile_begin(int tile, int tiles, int pixels) {
  const int least = pixels / tiles, larger = pixels % tiles;  // the first tiles take one pixel more
  return tile * least + (tile < larger ? tile : larger);
}

// Tiles [first, last) of `tiles` that make up `pixels`, x one panel; c is that of the first of them. Weights that are
// too many for the cache are taken in passes, so that the tiles find the part of the panel there.
template <class T>
static void multiply_tiles(int vectors, const T* band, const Window& window, int rows, int length, const T* weights,
                           const T* bias, T* c, long c_stride, int pixels, int tiles, int first, int last,
                           bool streamed, Ahead& ahead) {
  const int width = vectors * lanes<T>;
  const int pass_values = (128 << 10) / static_cast<int>(sizeof(T)) / width;
  const bool whole = rows * length <= pass_values;
  const int pass_rows = whole ? rows : 1;
  const int passes = whole ? 1 : (length + pass_values - 1) / pass_values;
  const int least = pixels / tiles, larger = pixels % tiles;  // the first tiles take one pixel more
  const Tile<T> of_least = tile_of<T>(least, vectors);
  const Tile<T> of_more = larger > 0 ? tile_of<T>(least + 1, vectors) : of_least;
  const T* from_band = band + tile_begin(first, tiles, pixels) * window.pixel_stride;
  TileWork<T> work{window, 0, pass_rows, 0, length, weights, width, bias, c_stride, streamed && whole};
  for (; work.row < rows; work.row += pass_rows) {
    for (int pass = 0; pass < passes; ++pass, work.bias = nullptr) {
      work.from = static_cast<int>(static_cast<long>(length) * pass / passes);
      work.to = static_cast<int>(static_cast<long>(length) * (pass + 1) / passes);
      const T* values = from_band;
      T* out = c;
      for (int tile = first; tile < last; ++tile) {
        const int some = tile < larger ? least + 1 : least;
        (tile < larger ? of_more : of_least)(work, values, out, ahead);
        values += some * window.pixel_stride;
        out += some * c_stride;
      }
      work.weights += static_cast<long>(pass_rows) * (work.to - work.from) * width;
    }
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
  constexpr int strip = strip_tiles * tile_rows;
  if (rows > strip) {
    multiply_row(a, window, 1, depth, packed, columns, c, c_stride, rows, edge, streamed, a + strip * a_stride,
                 a_stride);
  } else {  // the weights, which so few rows read once: always one panel ahead
    const long values = depth * round_to_lanes<T>(columns);
    multiply_row(a, window, 1, depth, packed, columns, c, c_stride, rows, edge, streamed,
                 packed + depth * static_cast<long>(panel_width<T>), (values + rows - 1) / rows);
  }
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
    const TileWork<T> work{window,   0,    1, 0, depth, b + column, b_stride, bias != nullptr ? bias + column : zeros,
                           c_stride, false};
    for (int tile = 0; tile < tiles; ++tile) {
      const int row = tile_begin(tile, tiles, rows), some = tile_begin(tile + 1, tiles, rows) - row;
      Ahead ahead{address_of(b) + static_cast<unsigned long>(lead * b_stride + column) * sizeof(T),
                  static_cast<unsigned long>(b_stride) * sizeof(T)};
      tile_of<T>(some, wide ? 2 : 1)(work, a + row * a_stride, c + row * c_stride + column, ahead);
    }
    column += wide ? panel_width<T> : lanes<T>;
  }
}

#endif

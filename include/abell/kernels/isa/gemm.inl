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
// Values of the results of `gemm_tiles` tiles.
template <class T>
inline constexpr long edge_size = gemm_tiles* tile_rows* tile_columns<T>;

// Where the rows under a window lie: row r is row (first + r) & mask of the input, which may be a ring of rows.
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

// P pixels x V vectors of outputs: c[p][v] = start + sum of input value * weight.
// Every sum stays in a register; each step loads V vectors of weights and P scalars.
template <class T, int P, int V>
static void multiply_tile(const TileWork<T>& work, const T* input, T* c, Ahead& ahead) {
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
        input + static_cast<long>((work.window.first + r) & work.window.mask) * work.window.row_stride + work.from,
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

// Tiles [first, last) of `count` that make up `pixels`.
struct Tiles {
  int pixels, count;
  int first, last;

  int begin() const { return tile_begin(first, count, pixels); }
  int end() const { return tile_begin(last, count, pixels); }
};

// What a product reads: for each pixel of a row of outputs a window of `rows` rows x `length` values of `input`. A
// matrix is the case of one row.
template <class T>
struct Windows {
  const T* input;
  Window window;
  int rows, length;

  long depth() const { return static_cast<long>(rows) * length; }
};

// Some tiles of pixels x one tile of weights, `vectors` wide; c is that of the first pixel. Weights that are too many
// for the cache are taken in passes, so that the tiles of pixels find theirs there.
template <class T>
static void multiply_tiles(const Windows<T>& windows, const Tiles& tiles, int vectors, const T* weights, const T* bias,
                           const Matrix<T>& c, bool streamed, Ahead& ahead) {
  const int rows = windows.rows, length = windows.length;
  const long pixel_stride = windows.window.pixel_stride;
  const int width = vectors * lanes<T>;
  const int pass_values = gemm_pass_bytes / static_cast<int>(sizeof(T)) / width;
  const bool whole = rows * length <= pass_values;
  const int pass_rows = whole ? rows : 1;
  const int passes = whole ? 1 : (length + pass_values - 1) / pass_values;
  const int least = tiles.pixels / tiles.count, larger = tiles.pixels % tiles.count;  // the first take one pixel more
  const Tile<T> of_least = tile_of<T>(least, vectors);
  const Tile<T> of_more = larger > 0 ? tile_of<T>(least + 1, vectors) : of_least;
  const int first = tiles.first, last = tiles.last;
  const T* from_input = windows.input + tiles.begin() * pixel_stride;
  const long c_stride = c.stride;
  TileWork<T> work{windows.window, 0, pass_rows, 0, length, weights, width, bias, c_stride, streamed && whole};
  for (; work.row < rows; work.row += pass_rows) {
    for (int pass = 0; pass < passes; ++pass, work.bias = nullptr) {
      work.from = static_cast<int>(static_cast<long>(length) * pass / passes);
      work.to = static_cast<int>(static_cast<long>(length) * (pass + 1) / passes);
      const T* values = from_input;
      T* out = c.values;
      for (int tile = first; tile < last; ++tile) {
        const int some = tile < larger ? least + 1 : least;
        (tile < larger ? of_more : of_least)(work, values, out, ahead);
        values += some * pixel_stride;
        out += some * c_stride;
      }
      work.weights += static_cast<long>(pass_rows) * (work.to - work.from) * width;
    }
  }
}

// Some tiles of pixels x all columns; c is that of the first pixel. A last tile of weights that is not full goes
// through `edge` (edge_size values).
template <class T>
static void multiply_columns(const Windows<T>& windows, const Tiles& tiles, const T* packed, int columns,
                             const Matrix<T>& c, T* edge, bool streamed, Ahead& ahead) {
  const long depth = windows.depth();
  const T* bias = packed + depth * round_to_lanes<T>(columns);
  const int pixels = tiles.end() - tiles.begin();
  for (int column = 0; column < columns; column += tile_columns<T>) {
    const int vectors = vectors_of_tile<T>(column, columns);
    const int width = vectors * lanes<T>;
    const int valid = columns - column < width ? columns - column : width;
    if (valid == width) {
      multiply_tiles<T>(windows, tiles, vectors, packed, bias + column, c.from(0, column), streamed, ahead);
    } else {
      multiply_tiles<T>(windows, tiles, vectors, packed, bias + column, {edge, width}, false, ahead);
      for (int pixel = 0; pixel < pixels; ++pixel) {
        copy_values(edge + static_cast<long>(pixel) * width, valid, c.row(pixel) + column);
      }
    }
    packed += depth * width;
  }
}

// All columns for `pixels` windows in a row of outputs, a few tiles after another.
// `ahead`: what a later call needs, a row for each pixel of this one, `ahead.stride` values of it.
template <class T>
static void multiply_row(const Windows<T>& windows, int pixels, const T* packed, int columns, const Matrix<T>& c,
                         T* edge, bool streamed, const Matrix<const T>& ahead) {
  const long depth = windows.depth();
  const int count = tiles_of(pixels);
  const long weight_tiles = (columns + tile_columns<T> - 1) / tile_columns<T>;
  for (int first = 0; first < count; first += gemm_tiles) {
    const Tiles tiles{pixels, count, first, first + gemm_tiles < count ? first + gemm_tiles : count};
    const int begin = tiles.begin(), end = tiles.end();
    const long bytes = (end - begin) * ahead.stride * static_cast<long>(sizeof(T));
    const long steps = (tiles.last - first) * weight_tiles * depth;
    Ahead next{address_of(ahead.values) + static_cast<unsigned long>(begin * ahead.stride) * sizeof(T),
               static_cast<unsigned long>((bytes + steps - 1) / steps)};
    multiply_columns(windows, tiles, packed, columns, c.from(begin, 0), edge, streamed, next);
  }
}

// C = A * packed B + bias. `edge`: edge_size values.
template <class T>
static void gemm_rows(const Product<T>& product, const T* packed, T* edge, bool streamed) {
  const Matrix<const T>& a = product.a;
  const long rows = product.rows, depth = product.depth;
  constexpr int rows_at_work = gemm_tiles * tile_rows;
  // Of so few rows that read them once, the weights: always one tile ahead.
  const Matrix<const T> ahead = rows > rows_at_work
                                    ? a.from(rows_at_work, 0)
                                    : Matrix<const T>{packed + depth * tile_columns<T>,
                                                      (depth * round_to_lanes<T>(product.columns) + rows - 1) / rows};
  multiply_row<T>({a.values, {0, a.stride, 0, 0}, 1, product.depth}, product.rows, packed, product.columns, product.c,
                  edge, streamed, ahead);
}

template <class T>
static void gemm(const Product<T>& product, const T* packed, T* edge) {
  gemm_rows(product, packed, edge, false);
}

template <class T>
static void gemm_streamed(const Product<T>& product, const T* packed, T* edge) {
  const bool aligned = product.c.stride % lanes<T> == 0 && address_of(product.c.values) % ABELL_VECTOR_BYTES == 0;
  gemm_rows(product, packed, edge, aligned);
  finish_streams();
}

// A few rows of C = A B + bias, B as it lies: packing it would cost more than it saves.
// At least `lanes` columns; the last vector may overlap the one before, with the same values.
template <class T>
static void gemm_unpacked(const Product<T>& product, const Matrix<const T>& b, const T* bias) {
  constexpr T zeros[tile_columns<T>] = {};
  const auto [rows, columns, depth, a, c] = product;
  const Window window{0, a.stride, 0, 0};
  const int tiles = tiles_of(rows);
  for (int column = 0; column < columns;) {
    const bool wide = column + tile_columns<T> <= columns;
    if (!wide && column + lanes < T >> columns) column = columns - lanes<T>;
    const TileWork<T> work{
        window, 0, 1, 0, depth, b.values + column, b.stride, bias != nullptr ? bias + column : zeros, c.stride, false};
    for (int tile = 0; tile < tiles; ++tile) {
      const int row = tile_begin(tile, tiles, rows), some = tile_begin(tile + 1, tiles, rows) - row;
      Ahead ahead{address_of(b.values) + static_cast<unsigned long>(unpacked_lead * b.stride + column) * sizeof(T),
                  static_cast<unsigned long>(b.stride) * sizeof(T)};
      tile_of<T>(some, wide ? 2 : 1)(work, a.row(row), c.row(row) + column, ahead);
    }
    column += wide ? tile_columns<T> : lanes<T>;
  }
}

#endif

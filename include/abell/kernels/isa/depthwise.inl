// Depthwise convolution.
//
// Geometry: `filters` = channels x multiplier. Rows are read into a ring of rows with zeros around them
// and, where multiplier > 1, every channel standing `multiplier` times, so that each filter has a lane of its own;
// a row has `depthwise_width` values for each pixel, whole vectors. It holds one tile of filters after another, each
// tile's pixels side by side: a tile's rows under an output row fit the first-level cache, where whole pixels
// of many channels would not and, a power of two apart, would drive each other out of its few ways.
// Weights: [taps][width], then the bias [width].

#if defined(ABELL_ISA_DEPTHWISE_INL) == defined(ABELL_ISA_TOGGLE)
#ifdef ABELL_ISA_DEPTHWISE_INL
#undef ABELL_ISA_DEPTHWISE_INL
#else
#define ABELL_ISA_DEPTHWISE_INL
#endif

#include <abell/kernels/isa/conv2d.inl>
#include <abell/kernels/isa/rows.inl>

template <class T>
static long depthwise_width(const Conv2dGeometry& g) {
  return round_to_lanes<T>(g.filters);
}

static inline long depthwise_columns(const Conv2dGeometry& g) {
  return (static_cast<long>(g.out_width) - 1) * g.stride_width + g.kernel_width;
}

template <class T>
static long depthwise_packed_size(const Conv2dGeometry& g) {
  return (static_cast<long>(g.kernel_height) * g.kernel_width + 1) * depthwise_width<T>(g);
}

// `flipped`: the taps in reverse order, for the backward pass. `scale` multiplies each filter's weights (null: 1).
template <class T>
static void depthwise_pack(const Conv2dGeometry& g, const T* weights, const T* scale, const T* bias, bool flipped,
                           T* packed) {
  const int taps = g.kernel_height * g.kernel_width;
  const long width = depthwise_width<T>(g);
  for (int tap = 0; tap <= taps; ++tap, packed += width) {
    const T* from = tap == taps ? bias : weights + static_cast<long>(flipped ? taps - 1 - tap : tap) * g.filters;
    for (long n = 0; n < width; ++n) {
      packed[n] = from == nullptr || n >= g.filters ? T(0)
                  : tap < taps && scale != nullptr  ? from[n] * scale[n]
                                                    : from[n];
    }
  }
}

// Whether a row can be read straight into its place in the ring.
template <class T>
static bool depthwise_direct(const Conv2dGeometry& g) {
  return g.filters == g.channels && g.channels % lanes<T> == 0;
}

// Filters of a tile; the last one may be smaller.
template <class T>
static int depthwise_tile_filters(const Conv2dGeometry& g) {
  constexpr int least = depthwise_tile_vectors * lanes<T>;
  const long width = depthwise_width<T>(g);
  if (!depthwise_direct<T>(g)) return static_cast<int>(width);
  const long fit = depthwise_tile_bytes / (g.kernel_height * depthwise_columns(g) * static_cast<long>(sizeof(T)));
  const long whole = fit / lanes<T> * lanes<T>;
  return static_cast<int>(whole < least ? least : whole);
}

// The ring, and a row of outputs for those that cannot be stored directly.
template <class T>
static long depthwise_scratch_size(const Conv2dGeometry& g) {
  return (ring_rows(g) * depthwise_columns(g) + (g.out_width > g.width ? g.out_width : g.width)) *
         depthwise_width<T>(g);
}

// Padded row `row` of `image` (its first pixel) into its place in the ring.
template <class T>
static void depthwise_load_row(const Conv2dGeometry& g, const Rows<T>& image, int row, int tile, T* ring, long mask,
                               T* line) {
  const long width = depthwise_width<T>(g);
  const long columns = depthwise_columns(g);
  const int multiplier = g.filters / g.channels;
  T* to = ring + (row & mask) * columns * width;
  const int spread_row = row - g.pad_top;
  const int source = spread_row / g.spread_height;
  if (spread_row < 0 || spread_row % g.spread_height != 0 || source >= g.height) {
    clear_values(to, columns * width);
    return;
  }
  const Rows<T> from = image.from(static_cast<unsigned long>(source) * static_cast<unsigned long>(g.width) *
                                  static_cast<unsigned long>(g.channels));
  long valid = g.width;
  if (depthwise_direct<T>(g)) {
    const long step = g.spread_width, left = g.pad_left;
    if (left + (valid - 1) * step >= columns) valid = (columns - left + step - 1) / step;
    const long right = left + (valid - 1) * step + 1;
    for (int begin = 0; begin < g.filters; begin += tile) {
      const long size = tile < g.filters - begin ? tile : g.filters - begin;
      T* pixels = to + begin * columns;
      clear_values(pixels, (step > 1 ? columns : left) * size);
      clear_values(pixels + right * size, (columns - right) * size);
    }
    read_tiles(from, valid, g.channels, to, ByTile{tile, columns, left, step});
    return;
  }
  read_rows<T>(from, valid, g.channels, {line, g.channels});
  clear_values(to, columns * width);
  for (long x = 0; x < valid; ++x) {
    const long at = x * g.spread_width + g.pad_left;
    if (at >= columns) break;
    const T* pixel = line + x * g.channels;
    T* out = to + at * width;
    if (multiplier == 1) {
      copy_values(pixel, g.channels, out);
    } else {
      for (int n = 0; n < g.filters; ++n) out[n] = pixel[n / multiplier];
    }
  }
}

// The rows of the ring under one output row after another.
template <class T>
struct DepthwiseRows {
  const Conv2dGeometry& g;
  const Rows<T>& image;
  T* ring;
  T* line;
  long mask;
  int loaded;  // padded rows up to here are in the ring
  int tile;    // filters
  long width, columns;

  DepthwiseRows(const Conv2dGeometry& geometry, const Rows<T>& from, int first_output_row, T* scratch)
      : g(geometry),
        image(from),
        ring(scratch),
        line(scratch + ring_rows(geometry) * depthwise_columns(geometry) * depthwise_width<T>(geometry)),
        mask(ring_rows(geometry) - 1),
        loaded(first_output_row * geometry.stride_height),
        tile(depthwise_tile_filters<T>(geometry)),
        width(depthwise_width<T>(geometry)),
        columns(depthwise_columns(geometry)) {}

  void load(int row) {
    const int top = row * g.stride_height;
    if (loaded < top) loaded = top;
    for (; loaded < top + g.kernel_height; ++loaded) depthwise_load_row(g, image, loaded, tile, ring, mask, line);
  }
  const T* row(int padded_row) const { return ring + (padded_row & mask) * columns * width; }
  long size_of_tile(int begin) const { return tile < width - begin ? tile : width - begin; }
};

// What an output row is made with: padded row `top` is the first under it.
template <class T>
struct DepthwiseOutputRow {
  const DepthwiseRows<T>& input;
  int top;
  const T* packed;
  bool relu6;
  Matrix<T> out;
};

// P outputs of one row x one vector of a tile of `size` filters: P sums in registers. `at`: where in a row the vector
// of the first output's first column lies; `weight`: the vector's first tap.
template <class T, int P>
static inline __attribute__((always_inline)) void depthwise_outputs(const DepthwiseOutputRow<T>& row, long at,
                                                                    long size, const T* weight, T* out, int valid) {
  const DepthwiseRows<T>& input = row.input;
  const Conv2dGeometry& g = input.g;
  const int top = row.top;
  const bool relu6 = row.relu6;
  const long step = g.stride_width * size, pixel = row.out.stride;
  const long taps = static_cast<long>(g.kernel_height) * g.kernel_width;
  Vector<T> sum[P];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) sum[p] = load(weight + taps * input.width);
  for (int ky = 0; ky < g.kernel_height; ++ky) {
    const T* value = input.row(top + ky) + at;
    for (int kx = 0; kx < g.kernel_width; ++kx, weight += input.width, value += size) {
      const Vector<T> w = load(weight);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) sum[p] += w * load(value + p * step);
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) store_valid<T>(relu6 ? clip_to_six<T>(sum[p]) : sum[p], valid, out + p * pixel);
}

// `tiles` times `count` outputs of a row from x on, 0 < count <= P, x the tile of filters that begins at `begin`.
template <class T, int P>
static void depthwise_tiles(int count, const DepthwiseOutputRow<T>& row, int x, int tiles, int begin) {
  if constexpr (P > 0) {
    if (count < P) {
      depthwise_tiles<T, P - 1>(count, row, x, tiles, begin);
      return;
    }
    const Conv2dGeometry& g = row.input.g;
    const long size = row.input.size_of_tile(begin);
    const int valid_size = static_cast<int>(g.filters - begin < size ? g.filters - begin : size);
    for (; tiles > 0; --tiles, x += P) {
      const long at = begin * row.input.columns + static_cast<long>(x) * g.stride_width * size;
      T* out = row.out.row(x) + begin;
      each_vector<T>(
          valid_size, [&](int c, int valid) __attribute__((always_inline)) {
            depthwise_outputs<T, P>(row, at + c, size, row.packed + begin + c, out + c, valid);
          });
    }
  }
}

// Some output rows of one image, the first of them to `out`. The results of `multiplier` neighbouring filters are added
// up to one output. Scratch: see depthwise_scratch_size.
template <class T>
static void depthwise_rows(const Conv2dGeometry& g, const Rows<T>& image, const T* packed, bool relu6, int multiplier,
                           const Matrix<T>& out, Range rows, T* scratch) {
  constexpr int most = 8;  // outputs of a register tile
  DepthwiseRows<T> input(g, image, rows.begin, scratch);
  const bool add_up = multiplier > 1;
  // Tiles of much the same size: some of `least` + 1 outputs, the others of `least`.
  const int tiles = (g.out_width + most - 1) / most, least = g.out_width / tiles, larger = g.out_width % tiles;
  for (int row = rows.begin; row < rows.end; ++row) {
    input.load(row);
    const Matrix<T> to = out.from(static_cast<long>(row - rows.begin) * g.out_width, 0);
    const Matrix<T> line = add_up ? Matrix<T>{input.line, g.filters} : to;
    const DepthwiseOutputRow<T> work{input, row * g.stride_height, packed, relu6, line};
    for (int first = 0; first < g.filters; first += input.tile) {
      if (larger > 0) depthwise_tiles<T, most>(least + 1, work, 0, larger, first);
      depthwise_tiles<T, most>(least, work, larger * (least + 1), tiles - larger, first);
    }
    for (int x = 0; add_up && x < g.out_width; ++x) {
      const T* values = line.row(x);
      for (int i = 0; i < g.filters / multiplier; ++i) {
        T sum = values[i * multiplier];
        for (int k = 1; k < multiplier; ++k) sum += values[i * multiplier + k];
        to.row(x)[i] = sum;
      }
    }
  }
}

// Sums of the gradient: [taps][width], then the bias [width].
template <class T>
static long depthwise_weights_scratch_size(const Conv2dGeometry& g) {
  return depthwise_scratch_size<T>(g) + static_cast<long>(g.out_width) * depthwise_width<T>(g);
}

// Up to nine taps x one vector of filters over a row: dw[tap] += sum over x of dz[x] x[x stride + tap]. `size`: from
// one x of dz to the next, `step`: from one of the taps' values to the next, `width`: from one tap's sum to the next.
template <class T, int Taps>
static inline __attribute__((always_inline)) void depthwise_weights_tile(const T* const* taps, long step, const T* dz,
                                                                         long size, long width, int pixels, T* sums) {
  Vector<T> sum[Taps];
#pragma GCC unroll 16
  for (int t = 0; t < Taps; ++t) sum[t] = load(sums + t * width);
  for (int x = 0; x < pixels; ++x) {
    const Vector<T> gradient = load(dz + x * size);
#pragma GCC unroll 16
    for (int t = 0; t < Taps; ++t) sum[t] += gradient * load(taps[t] + x * step);
  }
#pragma GCC unroll 16
  for (int t = 0; t < Taps; ++t) store<T>(sum[t], sums + t * width);
}

// Adds some output rows of one image. `gradient` is the whole image's.
template <class T>
static void depthwise_weights_rows(const Conv2dGeometry& g, const Rows<T>& image, const Rows<T>& gradient, T* sums,
                                   Range rows, T* scratch) {
  DepthwiseRows<T> input(g, image, rows.begin, scratch);
  const long width = depthwise_width<T>(g);
  const int taps = g.kernel_height * g.kernel_width;
  T* line = scratch + depthwise_scratch_size<T>(g);
  if (width != g.filters) clear_values(line, g.out_width * width);
  for (int row = rows.begin; row < rows.end; ++row) {
    input.load(row);
    const Rows<T> from = gradient.from(static_cast<unsigned long>(row) * static_cast<unsigned long>(g.out_width) *
                                       static_cast<unsigned long>(g.filters));
    if (width == g.filters) {
      read_tiles(from, g.out_width, g.filters, line, ByTile{input.tile, g.out_width, 0, 1});
    } else {
      read_rows<T>(from, g.out_width, g.filters, {line, width});
    }
    for (int first = 0; first < width; first += input.tile) {
      const long size = input.size_of_tile(first);
      const T* dz = line + static_cast<long>(first) * g.out_width;
      add_rows(dz, g.out_width, size, sums + taps * width + first);
      for (long c = 0; c < size; c += lanes<T>) {
        const auto at = [&](int tap) {
          return input.row(row * g.stride_height + tap / g.kernel_width) + first * input.columns +
                 (tap % g.kernel_width) * size + c;
        };
        T* sum = sums + first + c;
        int tap = 0;
        const T* nine[9];
        for (; tap + 9 <= taps; tap += 9) {
          for (int t = 0; t < 9; ++t) nine[t] = at(tap + t);
          depthwise_weights_tile<T, 9>(nine, g.stride_width * size, dz + c, size, width, g.out_width,
                                       sum + tap * width);
        }
        for (; tap < taps; ++tap) {
          nine[0] = at(tap);
          depthwise_weights_tile<T, 1>(nine, g.stride_width * size, dz + c, size, width, g.out_width,
                                       sum + tap * width);
        }
      }
    }
  }
}

// Drops the padding of the sums.
template <class T>
static void depthwise_weights_finish(const Conv2dGeometry& g, const T* sums, T* weights, T* bias) {
  const long width = depthwise_width<T>(g);
  const int taps = g.kernel_height * g.kernel_width;
  for (int tap = 0; tap < taps; ++tap)
    copy_values(sums + tap * width, g.filters, weights + static_cast<long>(tap) * g.filters);
  if (bias != nullptr) copy_values(sums + taps * width, g.filters, bias);
}

#endif

// Depthwise convolution.
//
// Geometry: `filters` = channels x multiplier. Rows are read into a ring of row slots with zeros around them
// and, where multiplier > 1, every channel standing `multiplier` times, so that each filter has a lane of its own;
// a slot has `depthwise_width` values for each pixel, whole vectors. It holds one block of filters after another, each
// block's pixels side by side: the rows of a block under an output row fit the first-level cache, where whole pixels
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

// `flipped`: the taps in reverse order, for the way back. `scale` multiplies each filter's weights (null: 1).
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

// Whether a row can be read straight into its slot.
template <class T>
static bool depthwise_direct(const Conv2dGeometry& g) {
  return g.filters == g.channels && g.channels % lanes<T> == 0;
}

// Filters of a block; the last one may be smaller. Blocks of few vectors cost more in loading than they save.
template <class T>
static int depthwise_block(const Conv2dGeometry& g) {
  constexpr long cache = 22 << 10;
  const long width = depthwise_width<T>(g);
  if (!depthwise_direct<T>(g)) return static_cast<int>(width);
  const long block = cache / (g.kernel_height * depthwise_columns(g) * static_cast<long>(sizeof(T)));
  const long whole = block / lanes<T> * lanes<T>;
  return static_cast<int>(whole < 4 * lanes<T> ? 4 * lanes<T> : whole);
}

// The ring, and a row of outputs for those that cannot be stored directly.
template <class T>
static long depthwise_scratch_size(const Conv2dGeometry& g) {
  return (band_slots(g) * depthwise_columns(g) + (g.out_width > g.width ? g.out_width : g.width)) *
         depthwise_width<T>(g);
}

// Padded row `row` of `image` (its first pixel) into its slot.
template <class T>
static void depthwise_load_row(const Conv2dGeometry& g, const Rows<T>& image, int row, int block, T* ring, long mask,
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
    for (int begin = 0; begin < g.filters; begin += block) {
      const long size = block < g.filters - begin ? block : g.filters - begin;
      T* pixels = to + begin * columns;
      clear_values(pixels, (step > 1 ? columns : left) * size);
      clear_values(pixels + right * size, (columns - right) * size);
    }
    read_tiles(from, valid, g.channels, to, Blocks{block, columns, left, step});
    return;
  }
  read_rows(from, valid, g.channels, line, g.channels);
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
  int block;
  long width, columns;

  DepthwiseRows(const Conv2dGeometry& geometry, const Rows<T>& from, int first_output_row, T* scratch)
      : g(geometry),
        image(from),
        ring(scratch),
        line(scratch + band_slots(geometry) * depthwise_columns(geometry) * depthwise_width<T>(geometry)),
        mask(band_slots(geometry) - 1),
        loaded(first_output_row * geometry.stride_height),
        block(depthwise_block<T>(geometry)),
        width(depthwise_width<T>(geometry)),
        columns(depthwise_columns(geometry)) {}

  void load(int row) {
    const int top = row * g.stride_height;
    if (loaded < top) loaded = top;
    for (; loaded < top + g.kernel_height; ++loaded) depthwise_load_row(g, image, loaded, block, ring, mask, line);
  }
  const T* slot(int padded_row) const { return ring + (padded_row & mask) * columns * width; }
  long size_of_block(int begin) const { return block < width - begin ? block : width - begin; }
};

// P outputs of one row x one vector of a block of `size` filters: P sums in registers. `at`: where in a slot the vector
// of the first output's first column lies; `weight`: the vector's first tap.
template <class T, int P>
static inline __attribute__((always_inline)) void depthwise_tile(const DepthwiseRows<T>& input, int top, long at,
                                                                 long size, const T* weight, bool relu6, T* out,
                                                                 long pixel, int valid) {
  const Conv2dGeometry& g = input.g;
  const long step = g.stride_width * size;
  const long taps = static_cast<long>(g.kernel_height) * g.kernel_width;
  Vector<T> sum[P];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) sum[p] = load(weight + taps * input.width);
  for (int ky = 0; ky < g.kernel_height; ++ky) {
    const T* value = input.slot(top + ky) + at;
    for (int kx = 0; kx < g.kernel_width; ++kx, weight += input.width, value += size) {
      const Vector<T> w = load(weight);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) sum[p] += w * load(value + p * step);
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) store_valid<T>(relu6 ? clip_to_six<T>(sum[p]) : sum[p], valid, out + p * pixel);
}

// `tiles` times `count` outputs of a row from x on, 0 < count <= P, x the block of filters that begins at `begin`.
template <class T, int P>
static void depthwise_tiles(int count, const DepthwiseRows<T>& input, int row, int x, int tiles, int begin,
                            const T* packed, bool relu6, T* line, long pixel) {
  if constexpr (P > 0) {
    if (count < P) {
      depthwise_tiles<T, P - 1>(count, input, row, x, tiles, begin, packed, relu6, line, pixel);
      return;
    }
    const Conv2dGeometry& g = input.g;
    const long size = input.size_of_block(begin);
    const int valid_size = static_cast<int>(g.filters - begin < size ? g.filters - begin : size);
    for (; tiles > 0; --tiles, x += P) {
      const long at = begin * input.columns + static_cast<long>(x) * g.stride_width * size;
      T* out = line + x * pixel + begin;
      each_vector<T>(
          valid_size, [&](int c, int valid) __attribute__((always_inline)) {
            depthwise_tile<T, P>(input, row * g.stride_height, at + c, size, packed + begin + c, relu6, out + c, pixel,
                                 valid);
          });
    }
  }
}

// Output rows [begin, end) of one image, the first of them to `out`. The results of `group` neighbouring filters are
// added up to one output: more than 1 on the way back of a multiplier. Output pixels lie `pixel` values apart. Scratch:
// see depthwise_scratch_size.
template <class T>
static void depthwise_rows(const Conv2dGeometry& g, const Rows<T>& image, const T* packed, bool relu6, int group,
                           T* out, long pixel, int begin, int end, T* scratch) {
  constexpr int most = 8;  // outputs of a tile
  DepthwiseRows<T> input(g, image, begin, scratch);
  const bool add_up = group > 1;
  // Tiles of much the same size: some of `least` + 1 outputs, the others of `least`.
  const int tiles = (g.out_width + most - 1) / most, least = g.out_width / tiles, larger = g.out_width % tiles;
  for (int row = begin; row < end; ++row) {
    input.load(row);
    T* to = out + (row - begin) * g.out_width * pixel;
    T* line = add_up ? input.line : to;
    const long line_pixel = add_up ? g.filters : pixel;
    for (int first = 0; first < g.filters; first += input.block) {
      if (larger > 0)
        depthwise_tiles<T, most>(least + 1, input, row, 0, larger, first, packed, relu6, line, line_pixel);
      depthwise_tiles<T, most>(least, input, row, larger * (least + 1), tiles - larger, first, packed, relu6, line,
                               line_pixel);
    }
    if (!add_up) continue;
    for (int x = 0; x < g.out_width; ++x, line += g.filters, to += pixel) {
      for (int i = 0; i < g.filters / group; ++i) {
        T sum = line[i * group];
        for (int k = 1; k < group; ++k) sum += line[i * group + k];
        to[i] = sum;
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

// Adds output rows [begin, end) of one image. `gradient` is the whole image's.
template <class T>
static void depthwise_weights_rows(const Conv2dGeometry& g, const Rows<T>& image, const Rows<T>& gradient, T* sums,
                                   int begin, int end, T* scratch) {
  DepthwiseRows<T> input(g, image, begin, scratch);
  const long width = depthwise_width<T>(g);
  const int taps = g.kernel_height * g.kernel_width;
  T* line = scratch + depthwise_scratch_size<T>(g);
  if (width != g.filters) clear_values(line, g.out_width * width);
  for (int row = begin; row < end; ++row) {
    input.load(row);
    const Rows<T> from = gradient.from(static_cast<unsigned long>(row) * static_cast<unsigned long>(g.out_width) *
                                       static_cast<unsigned long>(g.filters));
    if (width == g.filters) {
      read_tiles(from, g.out_width, g.filters, line, Blocks{input.block, g.out_width, 0, 1});
    } else {
      read_rows(from, g.out_width, g.filters, line, width);
    }
    for (int first = 0; first < width; first += input.block) {
      const long size = input.size_of_block(first);
      const T* dz = line + static_cast<long>(first) * g.out_width;
      add_rows(dz, g.out_width, size, sums + taps * width + first);
      for (long c = 0; c < size; c += lanes<T>) {
        const auto at = [&](int tap) {
          return input.slot(row * g.stride_height + tap / g.kernel_width) + first * input.columns +
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

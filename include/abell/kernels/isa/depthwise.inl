// Depthwise convolution. Included once for each instruction set, see targets.inl.
//
// Geometry: `filters` = channels x multiplier. Rows are read into a ring of row slots with zeros around them
// and, where multiplier > 1, every channel standing `multiplier` times, so that each filter has a lane of its own;
// a slot's pixel is `depthwise_width` values, whole vectors. Weights: [taps][width], then the bias [width].

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

// The ring, and a row of outputs for those that cannot be stored directly.
template <class T>
static long depthwise_scratch_size(const Conv2dGeometry& g) {
  return (band_slots(g) * depthwise_columns(g) + (g.out_width > g.width ? g.out_width : g.width)) *
         depthwise_width<T>(g);
}

// Padded row `row` of `image` (its first pixel) into its slot.
template <class T>
static void depthwise_load_row(const Conv2dGeometry& g, const Rows<T>& image, int row, T* ring, long mask, T* line) {
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
  const bool direct = g.spread_width == 1 && multiplier == 1 && width == g.channels;
  long valid = g.width;
  if (direct) {
    if (valid > columns - g.pad_left) valid = columns - g.pad_left;
    clear_values(to, g.pad_left * width);
    fetch(from, valid, g.channels, to + g.pad_left * width, width);
    clear_values(to + (g.pad_left + valid) * width, (columns - g.pad_left - valid) * width);
    return;
  }
  fetch(from, valid, g.channels, line, g.channels);
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

  DepthwiseRows(const Conv2dGeometry& geometry, const Rows<T>& from, int first_output_row, T* scratch)
      : g(geometry),
        image(from),
        ring(scratch),
        line(scratch + band_slots(geometry) * depthwise_columns(geometry) * depthwise_width<T>(geometry)),
        mask(band_slots(geometry) - 1),
        loaded(first_output_row * geometry.stride_height) {}

  void load(int row) {
    const int top = row * g.stride_height;
    if (loaded < top) loaded = top;
    for (; loaded < top + g.kernel_height; ++loaded) depthwise_load_row(g, image, loaded, ring, mask, line);
  }
  const T* slot(int padded_row) const {
    return ring + (padded_row & mask) * depthwise_columns(g) * depthwise_width<T>(g);
  }
};

// P outputs of one row x one vector of filters: P sums in registers.
template <class T, int P>
static inline __attribute__((always_inline)) void depthwise_tile(const DepthwiseRows<T>& input, int top, long column,
                                                                 const T* packed, long filter, bool relu6, T* out,
                                                                 int valid, long out_stride) {
  const Conv2dGeometry& g = input.g;
  const long width = depthwise_width<T>(g);
  const long step = g.stride_width * width;
  const long taps = static_cast<long>(g.kernel_height) * g.kernel_width;
  Vector<T> sum[P];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) sum[p] = load(packed + taps * width + filter);
  const T* weight = packed + filter;
  for (int ky = 0; ky < g.kernel_height; ++ky) {
    const T* at = input.slot(top + ky) + column * width + filter;
    for (int kx = 0; kx < g.kernel_width; ++kx, weight += width, at += width) {
      const Vector<T> w = load(weight);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) sum[p] += w * load(at + p * step);
    }
  }
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) store_valid<T>(relu6 ? clip_to_six<T>(sum[p]) : sum[p], valid, out + p * out_stride);
}

// Output rows [begin, end) of one image. The results of `group` neighbouring filters are added up to one
// output: more than 1 on the way back of a multiplier. Scratch: see depthwise_scratch_size.
template <class T>
static void depthwise_rows(const Conv2dGeometry& g, const Rows<T>& image, const T* packed, bool relu6, int group,
                           T* out, int begin, int end, T* scratch) {
  constexpr int tile = 4;
  DepthwiseRows<T> input(g, image, begin, scratch);
  const bool add_up = group > 1;
  const long outputs = g.filters / group;
  for (int row = begin; row < end; ++row) {
    input.load(row);
    const int top = row * g.stride_height;
    T* to = out + static_cast<long>(row) * g.out_width * outputs;
    T* line = add_up ? input.line : to;
    int x = 0;
    for (; x + tile <= g.out_width; x += tile) {
      each_vector<T>(
          g.filters, [&](int c, int valid) __attribute__((always_inline)) {
            depthwise_tile<T, tile>(input, top, static_cast<long>(x) * g.stride_width, packed, c, relu6,
                                    line + static_cast<long>(x) * g.filters + c, valid, g.filters);
          });
    }
    for (; x < g.out_width; ++x) {
      each_vector<T>(
          g.filters, [&](int c, int valid) __attribute__((always_inline)) {
            depthwise_tile<T, 1>(input, top, static_cast<long>(x) * g.stride_width, packed, c, relu6,
                                 line + static_cast<long>(x) * g.filters + c, valid, g.filters);
          });
    }
    if (!add_up) continue;
    for (long i = 0; i < static_cast<long>(g.out_width) * outputs; ++i) {
      T sum = line[i * group];
      for (int k = 1; k < group; ++k) sum += line[i * group + k];
      to[i] = sum;
    }
  }
}

// Sums of the gradient: [taps][width], then the bias [width].
template <class T>
static long depthwise_weights_scratch_size(const Conv2dGeometry& g) {
  return depthwise_scratch_size<T>(g) + static_cast<long>(g.out_width) * depthwise_width<T>(g);
}

// Up to nine taps x one vector of filters over a row: dw[tap] += sum over x of dz[x] x[x stride + tap].
template <class T, int Taps>
static inline __attribute__((always_inline)) void depthwise_weights_tile(const T* const* taps, long step, const T* dz,
                                                                         long width, int pixels, T* sums) {
  Vector<T> sum[Taps];
#pragma GCC unroll 16
  for (int t = 0; t < Taps; ++t) sum[t] = load(sums + t * width);
  for (int x = 0; x < pixels; ++x) {
    const Vector<T> gradient = load(dz + x * width);
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
    fetch(gradient.from(static_cast<unsigned long>(row) * static_cast<unsigned long>(g.out_width) *
                        static_cast<unsigned long>(g.filters)),
          g.out_width, g.filters, line, width);
    add_rows(line, g.out_width, width, sums + taps * width);
    for (long c = 0; c < width; c += lanes<T>) {
      const auto at = [&](int tap) {
        return input.slot(row * g.stride_height + tap / g.kernel_width) + (tap % g.kernel_width) * width + c;
      };
      int tap = 0;
      const T* nine[9];
      for (; tap + 9 <= taps; tap += 9) {
        for (int t = 0; t < 9; ++t) nine[t] = at(tap + t);
        depthwise_weights_tile<T, 9>(nine, g.stride_width * width, line + c, width, g.out_width,
                                     sums + tap * width + c);
      }
      for (; tap < taps; ++tap) {
        nine[0] = at(tap);
        depthwise_weights_tile<T, 1>(nine, g.stride_width * width, line + c, width, g.out_width,
                                     sums + tap * width + c);
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

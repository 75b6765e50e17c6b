// Convolution without a copy of the patches: in NHWC a window is kernel_height contiguous runs of
// kernel_width * channels values.
//
// Where there is padding, rows are copied once into a ring of zero-padded rows, so that
// borders need no special case and the rows in use stay in the cache. Otherwise they are read where they lie.

#if defined(ABELL_ISA_CONV2D_INL) == defined(ABELL_ISA_TOGGLE)
#ifdef ABELL_ISA_CONV2D_INL
#undef ABELL_ISA_CONV2D_INL
#else
#define ABELL_ISA_CONV2D_INL
#endif

#include <abell/kernels/isa/gemm_transposed.inl>

// Rows of a ring that holds those under `together` output rows.
static inline long ring_rows(const Conv2dGeometry& g, int together = 1) {
  long rows = 1;
  while (rows < (together - 1) * g.stride_height + g.kernel_height) rows *= 2;
  return rows;
}

// Copies padded row `row` (0 is the first padded one) into its place in the ring.
template <class T>
static void load_padded_row(const Conv2dGeometry& g, const T* image, int row, T* ring, long mask) {
  const long size = static_cast<long>(g.padded_row());
  T* to = ring + (row & mask) * size;
  const int source = row - g.pad_top;
  if (source < 0 || source >= g.height) {
    clear_values(to, size);
    return;
  }
  const long padding = static_cast<long>(g.pad_left) * g.channels;
  const long left = padding > 0 ? padding : 0, cut = left - padding;  // a negative padding cuts
  const T* line = image + static_cast<long>(source) * g.width * g.channels + cut;
  const long room = size - left;
  const long values = static_cast<long>(g.width) * g.channels - cut;
  const long valid = values < room ? values : room;
  clear_values(to, left);
  copy_values(line, valid, to + left);
  clear_values(to + left + valid, room - valid);
}

static inline bool has_padding(const Conv2dGeometry& g) {
  return g.pad_top != 0 || g.pad_left != 0 || (g.out_height - 1) * g.stride_height + g.kernel_height > g.height ||
         (g.out_width - 1) * g.stride_width + g.kernel_width > g.width;
}

static inline long ring_size(const Conv2dGeometry& g, int together = 1) {
  return has_padding(g) ? ring_rows(g, together) * static_cast<long>(g.padded_row()) : 0;
}

// The input rows under one output row after another, in the ring or in the image.
template <class T>
struct InputRows {
  const Conv2dGeometry& g;
  const T* image;
  T* ring;
  int loaded;  // padded rows up to here are in the ring
  long mask;
  bool copied;

  InputRows(const Conv2dGeometry& geometry, const T* from, int first_output_row, T* scratch, int together = 1)
      : g(geometry),
        image(from),
        ring(scratch),
        loaded(first_output_row * geometry.stride_height),
        mask(ring_rows(geometry, together) - 1),
        copied(has_padding(geometry)) {}

  Window window(int row) {
    const int top = row * g.stride_height;
    const long pixel_stride = static_cast<long>(g.stride_width) * g.channels;
    if (!copied) return {static_cast<long>(g.width) * g.channels, pixel_stride, top, -1};
    if (loaded < top) loaded = top;
    for (; loaded < top + g.kernel_height; ++loaded) load_padded_row(g, image, loaded, ring, mask);
    return {static_cast<long>(g.padded_row()), pixel_stride, top, static_cast<int>(mask)};
  }
  const T* rows() const { return copied ? ring : image; }
  // What the next output row needs beyond this one's window.
  const T* next(const Window& window) const {
    const long row = copied ? loaded - g.pad_top : window.first + g.kernel_height;
    return image + (row < g.height ? row : 0) * g.width * g.channels;
  }
};

template <class T>
static long conv2d_scratch_size(const Conv2dGeometry& g) {
  return ring_size(g) + edge_size<T>;
}

// Some output rows of one image, to `out`. `packed`: see pack_conv2d.
template <class T>
static void conv2d_rows(const Conv2dGeometry& g, const T* image, const T* packed, T* out, const OutputStrides& strides,
                        Range rows, T* scratch) {
  InputRows<T> input(g, image, rows.begin, scratch);
  T* edge = scratch + ring_size(g);
  const bool streamed = worth_streaming(out, g.output_size(), strides.pixel);
  const long new_values = static_cast<long>(g.stride_height) * g.width * g.channels;
  for (int row = rows.begin; row < rows.end; ++row) {
    const Window window = input.window(row);
    multiply_row<T>({input.rows(), window, g.kernel_height, g.kernel_width * g.channels}, g.out_width, packed,
                    g.filters, {out + row * strides.row, strides.pixel}, edge, streamed,
                    {input.next(window), (new_values + g.out_width - 1) / g.out_width});
  }
  if (streamed) finish_streams();
}

// Packs HWIO weights for conv2d_rows.
template <class T>
static void pack_conv2d(const Conv2dGeometry& g, const T* weights, const T* bias, T* packed) {
  pack_matrix<T>(g.depth(), g.filters, {weights, g.filters}, false, bias, packed);
}

// Packs the weights of a convolution for a phase of its transpose: flipped, channels and filters exchanged.
template <class T>
static void pack_conv2d_transposed(const Conv2dGeometry& g, const TransposedPhase& phase, const T* weights, T* packed) {
  const Conv2dGeometry& t = phase.geometry;
  for (int column = 0; column < t.filters; column += tile_columns<T>) {
    const int width = vectors_of_tile<T>(column, t.filters) * lanes<T>;
    const int valid = t.filters - column < width ? t.filters - column : width;
    for (int y = t.kernel_height - 1; y >= 0; --y) {
      for (int x = t.kernel_width - 1; x >= 0; --x) {
        const int tap_row = phase.first_tap_row + y * g.stride_height;
        const long tap = tap_row * g.kernel_width + phase.first_tap_column + x * g.stride_width;
        pack_transposed_tile(t.channels, valid, width, weights + (tap * t.filters + column) * t.channels, t.channels,
                             packed);
        packed += static_cast<long>(t.channels) * width;
      }
    }
  }
  pack_bias(t.filters, static_cast<const T*>(nullptr), packed);
}

// Output rows whose products the weights' gradient sums in registers: enough steps to be worth a pass over the sums.
static inline int lines_together(const Conv2dGeometry& g) {
  const int lines = gradient_pass_steps / g.out_width;
  return lines < 1 ? 1 : lines > gradient_most_lines ? gradient_most_lines : lines;
}

template <class T>
static long conv2d_weights_scratch_size(const Conv2dGeometry& g) {
  const int lines = lines_together(g);
  return ring_size(g, lines) + static_cast<long>(lines) * g.out_width * round_to_lanes<T>(g.filters);
}

// Adds some output rows of one image to the gradients, or assigns when `fresh`: weights as [depth][padded filters],
// then the bias [padded filters], filters padded to whole vectors. `gradient`: the output's, at the first of the rows.
template <class T>
static void conv2d_weights_rows(const Conv2dGeometry& g, const T* image, const T* gradient, bool fresh, T* sums,
                                Range rows, T* scratch) {
  const long width = round_to_lanes<T>(g.filters);
  const int length = g.kernel_width * g.channels;
  const int together = lines_together(g);
  InputRows<T> input(g, image, rows.begin, scratch, together);
  T* padded = scratch + ring_size(g, together);
  T* bias = sums + g.depth() * width;
  const long tiles = static_cast<long>(g.kernel_height) * tiles_of(together * g.out_width, gradient_pass_steps) *
                     tiles_of(length, tile_pixels) * tiles_of(static_cast<int>(width), tile_columns<T>);
  const auto lines_of = [&](long values) {  // for each tile
    const long lines = values * static_cast<long>(sizeof(T)) / line_bytes;
    return static_cast<int>((lines + tiles - 1) / tiles);
  };
  if (fresh) clear_values(bias, width);
  for (int row = rows.begin; row < rows.end; row += together, fresh = false) {
    const int lines = rows.end - row < together ? rows.end - row : together;
    const Window window = input.window(row);
    for (int i = 1; i < lines; ++i) input.window(row + i);
    const T* values = gradient + static_cast<long>(row - rows.begin) * g.out_width * g.filters;
    const int pixels = lines * g.out_width;
    const long new_values = static_cast<long>(lines) * g.stride_height * g.width * g.channels;
    AheadLines ahead{{address_of(input.next(window)), address_of(values + static_cast<long>(pixels) * g.filters)},
                     {lines_of(new_values), lines_of(static_cast<long>(pixels) * g.filters)}};
    if (width != g.filters) {
      for (int x = 0; x < pixels; ++x) {
        copy_values(values + static_cast<long>(x) * g.filters, g.filters, padded + x * width);
        clear_values(padded + x * width + g.filters, width - g.filters);
      }
      values = padded;
    }
    add_rows(values, pixels, width, bias);
    for (int tap = 0; tap < g.kernel_height; ++tap) {
      const auto line = [&](int i) {
        return input.rows() + ((window.first + i * g.stride_height + tap) & window.mask) * window.row_stride;
      };
      T* out = sums + static_cast<long>(tap) * length * width;
      const int filters = static_cast<int>(width);
      if (together == 1) {
        accumulate<T>({length, filters, pixels, {line(0), window.pixel_stride}, {out, width}}, {values, width}, fresh,
                      ahead);
      } else {
        const T* starts[gradient_most_lines];
        for (int i = 0; i < lines; ++i) starts[i] = line(i);
        accumulate_lines<T>(length, filters, {starts, lines, g.out_width, window.pixel_stride}, {values, width}, fresh,
                            {out, width}, ahead);
      }
    }
  }
}

template <class T>
static long conv2d_weights_size(const Conv2dGeometry& g) {
  return (static_cast<long>(g.depth()) + 1) * round_to_lanes<T>(g.filters);
}

// Drops the padding of conv2d_weights_rows's sums.
template <class T>
static void conv2d_weights_finish(const Conv2dGeometry& g, const T* sums, T* weights, T* bias) {
  const long padded = round_to_lanes<T>(g.filters);
  for (long k = 0; k < g.depth(); ++k) copy_values(sums + k * padded, g.filters, weights + k * g.filters);
  if (bias != nullptr) copy_values(sums + g.depth() * padded, g.filters, bias);
}

#endif

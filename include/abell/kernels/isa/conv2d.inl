// Convolution without a copy of the patches: in NHWC a window is kernel_height contiguous runs of
// kernel_width * channels values. Included once for each instruction set, see targets.inl.
//
// Rows are copied once into a zero-padded ring ("band") of row slots, so that borders need no
// special case and the rows in use stay in the cache.

static inline long band_slots(const Conv2dGeometry& g, int output_rows) {
  long slots = 1;
  while (slots < static_cast<long>(output_rows - 1) * g.stride_height + g.kernel_height) slots *= 2;
  return slots;
}

// Copies padded row `row` (0 is the first padded one) into its slot.
template <class T>
static void load_band_row(const Conv2dGeometry& g, const T* image, int row, T* band, long mask) {
  const long size = static_cast<long>(g.band_row());
  T* to = band + (row & mask) * size;
  const int spread_row = row - g.pad_top;
  const int source = spread_row / g.spread_height;
  if (spread_row < 0 || spread_row % g.spread_height != 0 || source >= g.height) {
    clear_values(to, size);
    return;
  }
  const T* line = image + static_cast<long>(source) * g.width * g.channels;
  if (g.spread_width == 1) {
    const long left = static_cast<long>(g.pad_left) * g.channels;
    const long room = size - left;
    const long values = static_cast<long>(g.width) * g.channels;
    const long valid = values < room ? values : room;
    clear_values(to, left);
    copy_values(line, valid, to + left);
    clear_values(to + left + valid, room - valid);
    return;
  }
  clear_values(to, size);
  for (int x = 0; x < g.width; ++x) {
    const long at = (static_cast<long>(x) * g.spread_width + g.pad_left) * g.channels;
    if (at + g.channels <= size) copy_values(line + static_cast<long>(x) * g.channels, g.channels, to + at);
  }
}

template <class T>
static long conv2d_scratch_size(const Conv2dGeometry& g) {
  return band_slots(g, 1) * static_cast<long>(g.band_row()) + static_cast<long>(g.out_width) * panel_width<T>;
}

// Output rows [begin, end) of one image. `packed`: see pack_conv2d.
template <class T>
static void conv2d_rows(const Conv2dGeometry& g, const T* image, const T* packed, T* out, int begin, int end,
                        T* scratch) {
  const long slots = band_slots(g, 1);
  T* band = scratch;
  T* strip = scratch + slots * static_cast<long>(g.band_row());
  int loaded = begin * g.stride_height;
  for (int row = begin; row < end; ++row) {
    const int top = row * g.stride_height;
    if (loaded < top) loaded = top;
    for (; loaded < top + g.kernel_height; ++loaded) load_band_row(g, image, loaded, band, slots - 1);
    const Window window{static_cast<long>(g.band_row()), static_cast<long>(g.stride_width) * g.channels, top,
                        static_cast<int>(slots - 1)};
    multiply_row(band, window, g.kernel_height, g.kernel_width * g.channels, packed, g.filters,
                 out + static_cast<long>(row) * g.out_width * g.filters, g.filters, g.out_width, strip);
  }
}

// Packs HWIO weights for conv2d_rows.
template <class T>
static void pack_conv2d(const Conv2dGeometry& g, const T* weights, const T* bias, T* packed) {
  pack_matrix(g.depth(), g.filters, weights, static_cast<long>(g.filters), false, bias, packed);
}

// Packs the weights of a convolution for its transposed geometry `t`: flipped, channels and
// filters exchanged.
template <class T>
static void pack_conv2d_transposed(const Conv2dGeometry& t, const T* weights, T* packed) {
  const int taps = t.kernel_height * t.kernel_width;
  pack_panels(t.depth(), t.filters, static_cast<const T*>(nullptr), packed, [&](int k, int n) {
    const long tap = taps - 1 - k / t.channels;
    return weights[(tap * t.filters + n) * t.channels + k % t.channels];
  });
}

template <class T>
static long conv2d_weights_scratch_size(const Conv2dGeometry& g) {
  return band_slots(g, 1) * static_cast<long>(g.band_row()) +
         static_cast<long>(g.out_width) * round_to_lanes<T>(g.filters);
}

// Adds output rows [begin, end) of one image to the gradients: weights as [depth][padded filters],
// then the bias [padded filters], filters padded to whole vectors. `gradient`: the output's, at row `begin`.
template <class T>
static void conv2d_weights_rows(const Conv2dGeometry& g, const T* image, const T* gradient, T* sums, int begin, int end,
                                T* scratch) {
  const long slots = band_slots(g, 1);
  const long padded = round_to_lanes<T>(g.filters);
  const int length = g.kernel_width * g.channels;
  T* band = scratch;
  T* strip = scratch + slots * static_cast<long>(g.band_row());
  T* bias = sums + g.depth() * padded;
  int loaded = begin * g.stride_height;
  for (int row = begin; row < end; ++row) {
    const int top = row * g.stride_height;
    if (loaded < top) loaded = top;
    for (; loaded < top + g.kernel_height; ++loaded) load_band_row(g, image, loaded, band, slots - 1);
    const T* line = gradient + static_cast<long>(row - begin) * g.out_width * g.filters;
    if (padded != g.filters) {
      for (int x = 0; x < g.out_width; ++x) {
        copy_values(line + static_cast<long>(x) * g.filters, g.filters, strip + x * padded);
        clear_values(strip + x * padded + g.filters, padded - g.filters);
      }
      line = strip;
    }
    for (int x = 0; x < g.out_width; ++x) {
      for (int n = 0; n < g.filters; ++n) bias[n] += line[x * padded + n];
    }
    for (int tap = 0; tap < g.kernel_height; ++tap) {
      const T* left = band + ((top + tap) & (slots - 1)) * static_cast<long>(g.band_row());
      gemm_transposed(length, static_cast<int>(padded), g.out_width, left,
                      static_cast<long>(g.stride_width) * g.channels, line, padded,
                      sums + static_cast<long>(tap) * length * padded, padded);
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

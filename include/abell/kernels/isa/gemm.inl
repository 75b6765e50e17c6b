// Matrix products on packed weights. Included once for each instruction set, see targets.inl.
//
// Weights [depth][columns] are packed into panels of two vectors' width (the last may be one
// vector), zero-padded: panel after panel, each [depth][width]. The bias follows, padded likewise.

template <class T>
static long packed_size(int depth, int columns) {
  return (static_cast<long>(depth) + 1) * round_to_lanes<T>(columns);
}

template <class T>
static int panel_vectors(int column, int columns) {
  return columns - column > lanes<T> ? 2 : 1;
}

template <class T>
static void pack_bias(int columns, const T* bias, T* packed) {
  const long padded = round_to_lanes<T>(columns);
  for (long n = 0; n < padded; ++n) packed[n] = bias != nullptr && n < columns ? bias[n] : T(0);
}

// Packs element(k, n) for k < depth, n < columns, and the bias (null: zeros).
template <class T, class Element>
static void pack_panels(int depth, int columns, const T* bias, T* packed, const Element& element) {
  for (int column = 0; column < columns; column += panel_width<T>) {
    const int width = panel_vectors<T>(column, columns) * lanes<T>;
    for (int k = 0; k < depth; ++k) {
      for (int n = 0; n < width; ++n) *packed++ = column + n < columns ? element(k, column + n) : T(0);
    }
  }
  pack_bias(columns, bias, packed);
}

// B is [depth][columns] at stride `stride`, or its transpose.
template <class T>
static void pack_matrix(int depth, int columns, const T* b, long stride, bool transposed, const T* bias, T* packed) {
  for (int column = 0; column < columns; column += panel_width<T>) {
    const int width = panel_vectors<T>(column, columns) * lanes<T>;
    const int valid = columns - column < width ? columns - column : width;
    if (transposed) {
      for (int n = 0; n < width; ++n) {
        for (int k = 0; k < depth; ++k)
          packed[static_cast<long>(k) * width + n] = n < valid ? b[(column + n) * stride + k] : T(0);
      }
    } else {
      for (int k = 0; k < depth; ++k) {
        copy_values(b + k * stride + column, valid, packed + static_cast<long>(k) * width);
        clear_values(packed + static_cast<long>(k) * width + valid, width - valid);
      }
    }
    packed += static_cast<long>(depth) * width;
  }
  pack_bias(columns, bias, packed);
}

// Where the rows under a window lie: row r of the band at slot (first + r) & mask, so that a band
// can be a ring of rows. A matrix is the case of one row.
struct Window {
  long row_stride;
  long pixel_stride;  // from one output pixel's window to the next
  int first;
  int mask;
};

// P pixels x V vectors of outputs: c[p][v] = start + sum over rows [row, row + rows) and elements
// [from, to) of band value * weight. The sums start at the bias, or at c where bias is null.
// Every sum stays in a register; each step loads V vectors of weights and P scalars.
template <class T, int P, int V>
static void multiply_tile(const T* band, const Window& window, int row, int rows, int from, int to, const T* weights,
                          const T* bias, T* c, long c_stride) {
  Vector<T> sum[P][V];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) {
      sum[p][v] =
          *reinterpret_cast<const Loose<T>*>(bias != nullptr ? bias + v * lanes<T> : c + p * c_stride + v * lanes<T>);
    }
  }
  for (int r = row; r < row + rows; ++r) {
    const T* line = band + static_cast<long>((window.first + r) & window.mask) * window.row_stride;
    for (int j = from; j < to; ++j) {
      Vector<T> weight[V];
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) weight[v] = *reinterpret_cast<const Loose<T>*>(weights + v * lanes<T>);
      weights += V * lanes<T>;
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) {
        const T value = line[p * window.pixel_stride + j];
#pragma GCC unroll 16
        for (int v = 0; v < V; ++v) sum[p][v] += value * weight[v];
      }
    }
  }
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) *reinterpret_cast<Loose<T>*>(c + p * c_stride + v * lanes<T>) = sum[p][v];
  }
}

// `count` pixels, count <= P: the tile of exactly that many pixels.
template <class T, int P, int V>
static void multiply_some(int count, const T* band, const Window& window, int row, int rows, int from, int to,
                          const T* weights, const T* bias, T* c, long c_stride) {
  if constexpr (P > 0) {
    if (count == P) {
      multiply_tile<T, P, V>(band, window, row, rows, from, to, weights, bias, c, c_stride);
    } else {
      multiply_some<T, P - 1, V>(count, band, window, row, rows, from, to, weights, bias, c, c_stride);
    }
  }
}

// Any number of pixels x one panel. Weights that are too many for the first-level cache are taken
// in passes over a strip of pixels, so that each pass finds its part of the panel there.
template <class T, int V>
static void multiply_panel(const T* band, const Window& window, int rows, int length, const T* weights, const T* bias,
                           T* c, long c_stride, int pixels) {
  constexpr int strip = 4 * tile_pixels;
  constexpr int pass_values = 16384 / static_cast<int>(sizeof(T)) / (V * lanes<T>);
  const bool whole = rows * length <= pass_values;
  const int pass_rows = whole ? rows : 1;
  const int passes = whole ? 1 : (length + pass_values - 1) / pass_values;
  for (int begin = 0; begin < pixels; begin += strip) {
    const int end = begin + strip < pixels ? begin + strip : pixels;
    const T* part = weights;
    for (int row = 0; row < rows; row += pass_rows) {
      for (int pass = 0; pass < passes; ++pass) {
        const int from = static_cast<int>(static_cast<long>(length) * pass / passes);
        const int to = static_cast<int>(static_cast<long>(length) * (pass + 1) / passes);
        const T* start = row == 0 && pass == 0 ? bias : nullptr;
        for (int pixel = begin; pixel < end; pixel += tile_pixels) {
          const T* at = band + pixel * window.pixel_stride;
          T* out = c + pixel * c_stride;
          if (end - pixel >= tile_pixels) {
            multiply_tile<T, tile_pixels, V>(at, window, row, pass_rows, from, to, part, start, out, c_stride);
          } else {
            multiply_some<T, tile_pixels - 1, V>(end - pixel, at, window, row, pass_rows, from, to, part, start, out,
                                                 c_stride);
          }
        }
        part += static_cast<long>(pass_rows) * (to - from) * V * lanes<T>;
      }
    }
  }
}

template <class T>
static void multiply_panel(int vectors, const T* band, const Window& window, int rows, int length, const T* weights,
                           const T* bias, T* c, long c_stride, int pixels) {
  if (vectors == 2) {
    multiply_panel<T, 2>(band, window, rows, length, weights, bias, c, c_stride, pixels);
  } else {
    multiply_panel<T, 1>(band, window, rows, length, weights, bias, c, c_stride, pixels);
  }
}

// All columns for `pixels` windows in a row of outputs. A last panel that is not full goes through
// `strip` (pixels x panel width).
template <class T>
static void multiply_row(const T* band, const Window& window, int rows, int length, const T* packed, int columns, T* c,
                         long c_stride, int pixels, T* strip) {
  const long depth = static_cast<long>(rows) * length;
  const T* bias = packed + depth * round_to_lanes<T>(columns);
  for (int column = 0; column < columns; column += panel_width<T>) {
    const int vectors = panel_vectors<T>(column, columns);
    const int width = vectors * lanes<T>;
    const int valid = columns - column < width ? columns - column : width;
    if (valid == width) {
      multiply_panel<T>(vectors, band, window, rows, length, packed, bias + column, c + column, c_stride, pixels);
    } else {
      multiply_panel<T>(vectors, band, window, rows, length, packed, bias + column, strip, width, pixels);
      for (int pixel = 0; pixel < pixels; ++pixel) {
        copy_values(strip + static_cast<long>(pixel) * width, valid, c + pixel * c_stride + column);
      }
    }
    packed += depth * width;
  }
}

// C[rows][columns] = A[rows][depth] * packed B + bias. `strip`: rows x panel width.
template <class T>
static void gemm(int rows, int columns, int depth, const T* a, long a_stride, const T* packed, T* c, long c_stride,
                 T* strip) {
  const Window window{0, a_stride, 0, 0};
  multiply_row(a, window, 1, depth, packed, columns, c, c_stride, rows, strip);
}

// P rows x V vectors of C += A^T B over `count` steps; A and B are read as they lie.
template <class T, int P, int V>
static void accumulate_tile(const T* a, long a_stride, const T* b, long b_stride, int count, T* c, long c_stride) {
  Vector<T> sum[P][V];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) sum[p][v] = *reinterpret_cast<const Loose<T>*>(c + p * c_stride + v * lanes<T>);
  }
  for (int i = 0; i < count; ++i) {
    Vector<T> right[V];
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) right[v] = *reinterpret_cast<const Loose<T>*>(b + v * lanes<T>);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) {
      const T left = a[p];
#pragma GCC unroll 16
      for (int v = 0; v < V; ++v) sum[p][v] += left * right[v];
    }
    a += a_stride;
    b += b_stride;
  }
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 16
    for (int v = 0; v < V; ++v) *reinterpret_cast<Loose<T>*>(c + p * c_stride + v * lanes<T>) = sum[p][v];
  }
}

template <class T, int P, int V>
static void accumulate_some(int rows, const T* a, long a_stride, const T* b, long b_stride, int count, T* c,
                            long c_stride) {
  if constexpr (P > 0) {
    if (rows == P) {
      accumulate_tile<T, P, V>(a, a_stride, b, b_stride, count, c, c_stride);
    } else {
      accumulate_some<T, P - 1, V>(rows, a, a_stride, b, b_stride, count, c, c_stride);
    }
  }
}

// C[rows][columns] += A^T B with A [depth][rows] and B [depth][columns]; columns beyond the last
// whole vector are summed one by one.
template <class T>
static void gemm_transposed(int rows, int columns, int depth, const T* a, long a_stride, const T* b, long b_stride,
                            T* c, long c_stride) {
  constexpr int block = 64;  // steps whose A and B stay in the first-level cache
  for (int start = 0; start < depth; start += block) {
    const int count = depth - start < block ? depth - start : block;
    const T* left = a + start * a_stride;
    const T* right = b + start * b_stride;
    int column = 0;
    for (; column + lanes<T> <= columns; column += column + panel_width<T> <= columns ? panel_width<T> : lanes<T>) {
      const bool wide = column + panel_width<T> <= columns;
      for (int row = 0; row < rows; row += tile_pixels) {
        const int some = rows - row < tile_pixels ? rows - row : tile_pixels;
        T* out = c + row * c_stride + column;
        if (wide) {
          accumulate_some<T, tile_pixels, 2>(some, left + row, a_stride, right + column, b_stride, count, out,
                                             c_stride);
        } else {
          accumulate_some<T, tile_pixels, 1>(some, left + row, a_stride, right + column, b_stride, count, out,
                                             c_stride);
        }
      }
    }
    for (; column < columns; ++column) {
      for (int row = 0; row < rows; ++row) {
        T sum = c[row * c_stride + column];
        for (int i = 0; i < count; ++i) sum += left[i * a_stride + row] * right[i * b_stride + column];
        c[row * c_stride + column] = sum;
      }
    }
  }
}

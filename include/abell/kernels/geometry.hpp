#pragma once
/// Plain sizes that the convolution kernels work from.

#include <abell/kernels/tuning.hpp>
#include <cstddef>

namespace abell::kernels {

/// One convolution: image height x width x channels (HWC), kernels as [kernel_height][kernel_width]
/// [channels][filters] (HWIO), output out_height x out_width x filters.
/// `spread` > 1 sets the image's cells apart by zeros before convolving: the transposed depthwise convolution that
/// takes a gradient back through a stride.
struct Conv2dGeometry {
  int height = 1, width = 1, channels = 1;
  int filters = 1;
  int kernel_height = 1, kernel_width = 1;
  int stride_height = 1, stride_width = 1;
  int pad_top = 0, pad_left = 0;
  int out_height = 1, out_width = 1;
  int spread_height = 1, spread_width = 1;

  constexpr std::size_t input_size() const { return product(height, width, channels); }
  constexpr std::size_t output_size() const { return product(out_height, out_width, filters); }
  constexpr std::size_t weight_size() const { return static_cast<std::size_t>(depth()) * size(filters); }
  /// Values under one window: the inner dimension of the matrix product.
  constexpr int depth() const { return kernel_height * kernel_width * channels; }
  /// Values of one padded input row.
  constexpr std::size_t padded_row() const {
    return product(1, (out_width - 1) * stride_width + kernel_width, channels);
  }
  /// Rows and columns of this layer's output after a 2x2 SAME max-pool.
  constexpr int pooled_height() const { return (out_height + 1) / 2; }
  constexpr int pooled_width() const { return (out_width + 1) / 2; }
  constexpr std::size_t pooled_size() const { return product(pooled_height(), pooled_width(), filters); }

  /// A 1x1 convolution moved by one sees no neighbours: a few rows at a time become one long row, and the
  /// matrix products that much larger.
  constexpr Conv2dGeometry in_long_rows() const {
    Conv2dGeometry g = *this;
    const bool pointwise = kernel_height == 1 && kernel_width == 1 && stride_height == 1 && stride_width == 1 &&
                           spread_height == 1 && spread_width == 1 && out_height == height && out_width == width;
    int rows = 1;
    for (int divisor = 2; pointwise && divisor <= height && divisor * width <= pointwise_row_pixels; ++divisor) {
      if (height % divisor == 0) rows = divisor;
    }
    g.height /= rows, g.width *= rows;
    g.out_height /= rows, g.out_width *= rows;
    return g;
  }

  /// The depthwise convolution (filters = channels x multiplier) that maps the output's gradient to the input's, with
  /// flipped kernels: one output for each filter, to be added up `multiplier` at a time.
  constexpr Conv2dGeometry depthwise_transposed() const {
    Conv2dGeometry t = *this;
    t.height = out_height, t.width = out_width, t.channels = filters;
    t.stride_height = t.stride_width = 1;
    t.pad_top = kernel_height - 1 - pad_top, t.pad_left = kernel_width - 1 - pad_left;
    t.out_height = height, t.out_width = width;
    t.spread_height = stride_height, t.spread_width = stride_width;
    return t;
  }

 private:
  static constexpr std::size_t size(int n) { return static_cast<std::size_t>(n); }
  static constexpr std::size_t product(int a, int b, int c) { return size(a) * size(b) * size(c); }
};

/// Values from one row of a convolution's output to the next, and from one pixel to the next.
struct OutputStrides {
  long row, pixel;

  static constexpr OutputStrides of(const Conv2dGeometry& g) {
    return {static_cast<long>(g.out_width) * g.filters, static_cast<long>(g.filters)};
  }
};

/// A phase of the transposed convolution, which maps the output's gradient to the input's: the input's rows `row`,
/// `row` + stride, ... and columns likewise, which only every stride-th tap reaches. `geometry` maps the whole gradient
/// to these pixels alone, with stride 1, flipped kernels, and channels and filters exchanged; it may leave out gradient
/// at the border (a negative padding), or have no taps.
struct TransposedPhase {
  int row, column;
  int first_tap_row, first_tap_column;
  Conv2dGeometry geometry;

  constexpr TransposedPhase(const Conv2dGeometry& g, int of_row, int of_column)
      : row(of_row),
        column(of_column),
        first_tap_row((row + g.pad_top) % g.stride_height),
        first_tap_column((column + g.pad_left) % g.stride_width) {
    const auto every = [](int from, int to, int step) { return from < to ? (to - from + step - 1) / step : 0; };
    geometry.height = g.out_height, geometry.width = g.out_width, geometry.channels = g.filters;
    geometry.filters = g.channels;
    geometry.kernel_height = every(first_tap_row, g.kernel_height, g.stride_height);
    geometry.kernel_width = every(first_tap_column, g.kernel_width, g.stride_width);
    geometry.pad_top = geometry.kernel_height - 1 - (row + g.pad_top) / g.stride_height;
    geometry.pad_left = geometry.kernel_width - 1 - (column + g.pad_left) / g.stride_width;
    geometry.out_height = every(row, g.height, g.stride_height);
    geometry.out_width = every(column, g.width, g.stride_width);
  }
  constexpr bool empty() const { return geometry.depth() == 0 || geometry.out_height == 0 || geometry.out_width == 0; }
};

}  // namespace abell::kernels

#pragma once
/// Convolution over a batch: cuts the work into a fixed number of chunks and runs the leaf kernels
/// on them in parallel. Activations are [batch][height][width][channels].

#include <abell/kernels/gemm.hpp>
#include <algorithm>
#include <cstddef>
#include <limits>

namespace abell::kernels {

/// Rows of all images as one list of strips of `rows` rows (the last of each image may be shorter).
struct RowStrips {
  int batch;
  int rows;        ///< rows of one image
  int strip_rows;  ///< rows of one strip

  /// Strips of much the same size, of at most `most` rows.
  static constexpr RowStrips equal(int batch, int rows, int most) {
    const int strips = (rows + most - 1) / most;
    return {batch, rows, (rows + strips - 1) / strips};
  }
  constexpr int per_image() const { return (rows + strip_rows - 1) / strip_rows; }
  constexpr int size() const { return batch * per_image(); }
  constexpr int image(int strip) const { return strip / per_image(); }
  constexpr Range rows_of(int strip) const {
    const int begin = strip % per_image() * strip_rows;
    return {begin, std::min(begin + strip_rows, rows)};
  }
};

/// Runs rows(strip, fresh, sums, scratch) for every strip, with one set of partial sums for each of a fixed
/// number of chunks, and adds them up in order: the result is in sums[0, size). `fresh`: the sums hold nothing yet.
template <class T, class Rows>
void accumulate_strips(int threads, const RowStrips& strips, std::size_t size, T* sums, std::size_t scratch_size,
                       T* scratch, const Rows& rows) {
  const int chunks = std::min(strips.size(), max_gradient_chunks);
  parallel_for(chunks, threads, [&](int chunk, int thread) {
    const Range range = even_range(strips.size(), chunk, chunks);
    for (int strip = range.begin; strip < range.end; ++strip) {
      rows(strip, strip == range.begin, sums + static_cast<std::size_t>(chunk) * size,
           scratch + static_cast<std::size_t>(thread) * scratch_size);
    }
  });
  add_partial_sums(threads, chunks - 1, size, sums + size, size, sums);
}

/// Output rows of a strip.
constexpr int rows_of_strip(const Conv2dGeometry& g, int most = conv2d_strip_rows) {
  return std::clamp(conv2d_strip_pixels / g.out_width, 1, most);
}

/// Whether the convolution is a matrix product over the pixels of all images: windows of one pixel.
constexpr bool is_pointwise(const Conv2dGeometry& g) {
  return g.kernel_height == 1 && g.kernel_width == 1 && g.stride_height == 1 && g.stride_width == 1 && g.pad_top == 0 &&
         g.pad_left == 0 && g.out_height == g.height && g.out_width == g.width;
}
constexpr int pixels_of(const Conv2dGeometry& g, int batch) { return batch * g.out_height * g.out_width; }

/// Scratch elements for conv2d_packed, the packed weights included.
template <class T>
std::size_t conv2d_packed_scratch(const Backend<T>& backend, const Conv2dGeometry& g) {
  return count(backend.table->packed_size(g.depth(), g.filters)) +
         static_cast<std::size_t>(backend.threads) * round_up(count(backend.table->conv2d_scratch_size(g)), 16);
}

/// Runs packed weights over all strips, to images of `size` values from y on; `packed` is followed by the threads'
/// scratch.
template <class T>
void conv2d_packed(const Backend<T>& backend, const Conv2dGeometry& g, int batch, const T* x, T* y, std::size_t size,
                   const OutputStrides& strides, T* packed) {
  const std::size_t each = round_up(count(backend.table->conv2d_scratch_size(g)), 16);
  T* scratch = packed + backend.table->packed_size(g.depth(), g.filters);
  const RowStrips strips{batch, g.out_height, rows_of_strip(g)};
  parallel_for(strips.size(), backend.threads, [&](int strip, int thread) {
    const auto image = static_cast<std::size_t>(strips.image(strip));
    backend.table->conv2d_rows(g, x + image * g.input_size(), packed, y + image * size, strides, strips.rows_of(strip),
                               scratch + static_cast<std::size_t>(thread) * each);
  });
}

/// Scratch elements for conv2d_forward.
template <class T>
std::size_t conv2d_forward_scratch(const Backend<T>& backend, const Conv2dGeometry& g, int batch) {
  return is_pointwise(g) ? gemm_scratch(backend, pixels_of(g, batch), g.filters, g.channels)
                         : conv2d_packed_scratch(backend, g);
}

/// y = x * w + b. `bias` may be null.
template <class T>
void conv2d_forward(const Backend<T>& backend, const Conv2dGeometry& g, int batch, const T* x, const T* weights,
                    const T* bias, T* y, T* scratch) {
  if (is_pointwise(g)) {
    return gemm(backend, {pixels_of(g, batch), g.filters, g.channels, {x, g.channels}, {y, g.filters}}, weights, false,
                bias, scratch);
  }
  backend.table->pack_conv2d(g, weights, bias, scratch);
  conv2d_packed(backend, g, batch, x, y, g.output_size(), OutputStrides::of(g), scratch);
}

/// Calls what(phase) for each phase of the input's gradient that has pixels and taps.
template <class What>
void each_transposed_phase(const Conv2dGeometry& g, const What& what) {
  for (int row = 0; row < g.stride_height; ++row) {
    for (int column = 0; column < g.stride_width; ++column) {
      const TransposedPhase phase(g, row, column);
      if (!phase.empty()) what(phase);
    }
  }
}

template <class T>
std::size_t conv2d_input_gradient_scratch(const Backend<T>& backend, const Conv2dGeometry& g, int batch) {
  if (is_pointwise(g)) return gemm_scratch(backend, pixels_of(g, batch), g.channels, g.filters);
  std::size_t most = 0;
  each_transposed_phase(
      g, [&](const TransposedPhase& phase) { most = std::max(most, conv2d_packed_scratch(backend, phase.geometry)); });
  return most;
}

/// dx = dy convolved with the flipped, transposed kernels; behind a stride, with the taps that reach each of its
/// phases.
template <class T>
void conv2d_input_gradient(const Backend<T>& backend, const Conv2dGeometry& g, int batch, const T* weights, const T* dy,
                           T* dx, T* scratch) {
  if (is_pointwise(g)) {
    return gemm(backend, {pixels_of(g, batch), g.channels, g.filters, {dy, g.filters}, {dx, g.channels}}, weights, true,
                nullptr, scratch);
  }
  if (g.kernel_height < g.stride_height || g.kernel_width < g.stride_width) {  // no tap reaches some pixels
    parallel_for(batch, backend.threads, [&](int image, int) {
      std::fill_n(dx + static_cast<std::size_t>(image) * g.input_size(), g.input_size(), T(0));
    });
  }
  const long pixel = g.channels, row = g.width * pixel;
  each_transposed_phase(g, [&](const TransposedPhase& phase) {
    backend.table->pack_conv2d_transposed(g, phase, weights, scratch);
    conv2d_packed(backend, phase.geometry, batch, dy, dx + phase.row * row + phase.column * pixel, g.input_size(),
                  {g.stride_height * row, g.stride_width * pixel}, scratch);
  });
}

template <class T>
std::size_t conv2d_weight_gradient_scratch(const Backend<T>& backend, const Conv2dGeometry& g) {
  if (is_pointwise(g)) return gemm_transposed_scratch(backend, g.channels, g.filters, std::numeric_limits<int>::max());
  return count(backend.table->conv2d_weights_size(g)) * max_gradient_chunks +
         static_cast<std::size_t>(backend.threads) * round_up(count(backend.table->conv2d_weights_scratch_size(g)), 16);
}

/// dw = sum over the batch of x (patches, transposed) times dy; assigns. `bias_gradient` may be null.
template <class T>
void conv2d_weight_gradient(const Backend<T>& backend, const Conv2dGeometry& g, int batch, const T* x, const T* dy,
                            T* weight_gradient, T* bias_gradient, T* scratch) {
  if (is_pointwise(g)) {
    return gemm_transposed(backend,
                           {g.channels, g.filters, pixels_of(g, batch), {x, g.channels}, {weight_gradient, g.filters}},
                           {dy, g.filters}, bias_gradient, scratch);
  }
  const std::size_t size = count(backend.table->conv2d_weights_size(g));
  const std::size_t each = round_up(count(backend.table->conv2d_weights_scratch_size(g)), 16);
  const RowStrips strips = RowStrips::equal(batch, g.out_height, rows_of_strip(g, conv2d_gradient_strip_rows));
  T* rooms = scratch + size * max_gradient_chunks;
  accumulate_strips(backend.threads, strips, size, scratch, each, rooms, [&](int strip, bool fresh, T* sums, T* own) {
    const auto image = static_cast<std::size_t>(strips.image(strip));
    const Range rows = strips.rows_of(strip);
    const std::size_t row = static_cast<std::size_t>(g.out_width) * static_cast<std::size_t>(g.filters);
    backend.table->conv2d_weights_rows(g, x + image * g.input_size(),
                                       dy + image * g.output_size() + static_cast<std::size_t>(rows.begin) * row, fresh,
                                       sums, rows, own);
  });
  backend.table->conv2d_weights_finish(g, scratch, weight_gradient, bias_gradient);
}

}  // namespace abell::kernels

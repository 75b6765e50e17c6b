#pragma once
/// Depthwise convolution over a batch; activations are [batch][height][width][channels], and in a geometry
/// `filters` is channels times multiplier.

#include <abell/kernels/conv2d.hpp>

namespace abell::kernels {

/// Rows of a strip.
template <class T>
constexpr int depthwise_rows_of_strip(const Conv2dGeometry& g) {
  const int row = g.out_width * g.filters * static_cast<int>(sizeof(T));
  return std::clamp(depthwise_strip_bytes / row, std::min(depthwise_strip_rows, g.out_height), g.out_height);
}

/// The number of the first output pixel of a row of image `image`.
constexpr std::size_t output_at(const Conv2dGeometry& g, std::size_t image, int row) {
  return (image * static_cast<std::size_t>(g.out_height) + static_cast<std::size_t>(row)) *
         static_cast<std::size_t>(g.out_width);
}

template <class T>
std::size_t depthwise_thread_scratch(const Backend<T>& backend, const Conv2dGeometry& g) {
  return round_up(count(backend.normalized().depthwise_scratch_size(g)), 16);
}

template <class T>
std::size_t depthwise_forward_scratch(const Backend<T>& backend, const Conv2dGeometry& g) {
  return round_up(count(backend.normalized().depthwise_packed_size(g)), 16) +
         static_cast<std::size_t>(backend.threads) * depthwise_thread_scratch(backend, g);
}

/// Runs packed weights over all strips; `packed` is followed by the threads' scratch. `multiplier`: see the table.
template <class T>
void depthwise_packed(const Backend<T>& backend, const Conv2dGeometry& g, int batch, const Rows<T>& x, int multiplier,
                      T* y, T* packed) {
  T* scratch = packed + round_up(count(backend.normalized().depthwise_packed_size(g)), 16);
  const RowStrips strips{batch, g.out_height, depthwise_rows_of_strip<T>(g)};
  parallel_for(strips.size(), backend.threads, [&](int strip, int thread) {
    const auto image = static_cast<std::size_t>(strips.image(strip));
    const Range rows = strips.rows_of(strip);
    const int filters = g.filters / multiplier;
    backend.normalized().depthwise_rows(
        g, x.from(image * g.input_size()), packed, false, multiplier,
        {y + output_at(g, image, rows.begin) * static_cast<std::size_t>(filters), filters}, rows,
        scratch + static_cast<std::size_t>(thread) * depthwise_thread_scratch(backend, g));
  });
}

/// y = x * w + b channel by channel. `bias` may be null.
template <class T>
void depthwise_forward(const Backend<T>& backend, const Conv2dGeometry& g, int batch, const T* x, const T* weights,
                       const T* bias, T* y, T* scratch) {
  backend.normalized().depthwise_pack(g, weights, static_cast<const T*>(nullptr), bias, false, scratch);
  depthwise_packed(backend, g, batch, Rows<T>{x}, 1, y, scratch);
}

template <class T>
std::size_t depthwise_input_gradient_scratch(const Backend<T>& backend, const Conv2dGeometry& g) {
  return depthwise_forward_scratch(backend, g.depthwise_transposed());
}

/// dx = dy convolved with the flipped kernels, dy's cells set apart by the stride.
template <class T>
void depthwise_input_gradient(const Backend<T>& backend, const Conv2dGeometry& g, int batch, const T* weights,
                              const T* dy, T* dx, T* scratch) {
  const Conv2dGeometry t = g.depthwise_transposed();
  const T* none = nullptr;
  backend.normalized().depthwise_pack(t, weights, none, none, true, scratch);
  depthwise_packed(backend, t, batch, Rows<T>{dy}, g.filters / g.channels, dx, scratch);
}

template <class T>
std::size_t depthwise_weight_gradient_scratch(const Backend<T>& backend, const Conv2dGeometry& g) {
  return count(backend.normalized().depthwise_packed_size(g)) * max_gradient_chunks +
         static_cast<std::size_t>(backend.threads) *
             round_up(count(backend.normalized().depthwise_weights_scratch_size(g)), 16);
}

/// dw and db from x and dy; assigns. `bias_gradient` may be null.
template <class T>
void depthwise_weight_gradient(const Backend<T>& backend, const Conv2dGeometry& g, int batch, const T* x, const T* dy,
                               T* weight_gradient, T* bias_gradient, T* scratch) {
  const std::size_t size = count(backend.normalized().depthwise_packed_size(g));
  const std::size_t each = round_up(count(backend.normalized().depthwise_weights_scratch_size(g)), 16);
  const RowStrips strips{batch, g.out_height, depthwise_rows_of_strip<T>(g)};
  T* rooms = scratch + size * max_gradient_chunks;
  accumulate_strips(backend.threads, strips, size, scratch, each, rooms, [&](int strip, bool fresh, T* sums, T* own) {
    if (fresh) std::fill_n(sums, size, T(0));
    const auto image = static_cast<std::size_t>(strips.image(strip));
    backend.normalized().depthwise_weights_rows(g, Rows<T>{x + image * g.input_size()},
                                                Rows<T>{dy + image * g.output_size()}, sums, strips.rows_of(strip),
                                                own);
  });
  backend.normalized().depthwise_weights_finish(g, scratch, weight_gradient, bias_gradient);
}

}  // namespace abell::kernels

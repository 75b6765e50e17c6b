#pragma once
/// 3x3 SAME convolution + bias + ReLU + 2x2 SAME max-pool over a batch, in one pass each way.

#include <abell/kernels/conv2d.hpp>

namespace abell::kernels {

inline constexpr int conv_pool_tile_rows = 2;  ///< pooled rows of a tile, forward

template <class T>
std::size_t conv2d_relu_pool_forward_scratch(const Backend<T>& backend, const Conv2dGeometry& g) {
  return count(backend.table->conv_pool_forward_packed_size(g)) +
         static_cast<std::size_t>(backend.threads) *
             round_up(count(backend.table->conv_pool_forward_scratch_size(g)), 16);
}

/// pooled = max over 2x2 of max(0, x * w + b); `argmax` keeps one byte for each pooled value: the
/// position of the maximum (0 1 / 2 3), or 4 where ReLU cut it.
template <class T>
void conv2d_relu_pool_forward(const Backend<T>& backend, const Conv2dGeometry& g, int batch, const T* x,
                              const T* weights, const T* bias, T* pooled, unsigned char* argmax, T* scratch) {
  backend.table->conv_pool_forward_pack(g, weights, bias, scratch);
  const std::size_t size = round_up(count(backend.table->conv_pool_forward_scratch_size(g)), 16);
  T* own = scratch + backend.table->conv_pool_forward_packed_size(g);
  // Two rows of tiles share image rows in the cache; where that leaves few strips for the threads, one.
  const RowStrips pairs{batch, g.pooled_height(), 2 * conv_pool_tile_rows};
  const RowStrips strips =
      pairs.size() >= 8 * backend.threads ? pairs : RowStrips{batch, g.pooled_height(), conv_pool_tile_rows};
  parallel_for(strips.size(), backend.threads, [&](int strip, int thread) {
    const auto image = static_cast<std::size_t>(strips.image(strip));
    backend.table->conv_pool_forward_rows(g, x + image * g.input_size(), scratch,
                                          {pooled + image * g.pooled_size(), argmax + image * g.pooled_size()},
                                          strips.rows_of(strip), own + static_cast<std::size_t>(thread) * size);
  });
}

template <class T>
std::size_t conv2d_relu_pool_weight_gradient_scratch(const Backend<T>& backend, const Conv2dGeometry& g) {
  return count(backend.table->conv_pool_weights_size(g)) * max_gradient_chunks +
         static_cast<std::size_t>(backend.threads) *
             round_up(count(backend.table->conv_pool_weights_scratch_size(g)), 16);
}

/// Gradients of weights and bias from the pooled output's gradient; assigns.
template <class T>
void conv2d_relu_pool_weight_gradient(const Backend<T>& backend, const Conv2dGeometry& g, int batch, const T* x,
                                      const T* pooled_gradient, const unsigned char* argmax, T* weight_gradient,
                                      T* bias_gradient, T* scratch) {
  const std::size_t size = count(backend.table->conv_pool_weights_size(g));
  const std::size_t each = round_up(count(backend.table->conv_pool_weights_scratch_size(g)), 16);
  const RowStrips strips{batch, g.pooled_height(), conv_pool_weights_strip_rows};
  T* rooms = scratch + size * max_gradient_chunks;
  accumulate_strips(backend.threads, strips, size, scratch, each, rooms, [&](int strip, bool fresh, T* sums, T* own) {
    if (fresh) std::fill_n(sums, size, T(0));
    const auto image = static_cast<std::size_t>(strips.image(strip));
    backend.table->conv_pool_weights_rows(g, x + image * g.input_size(),
                                          {pooled_gradient + image * g.pooled_size(), argmax + image * g.pooled_size()},
                                          sums, strips.rows_of(strip), own);
  });
  backend.table->conv_pool_weights_finish(g, scratch, weight_gradient, bias_gradient);
}

template <class T>
std::size_t conv2d_relu_pool_input_gradient_scratch(const Backend<T>& backend, const Conv2dGeometry& g) {
  return count(backend.table->conv_pool_input_packed_size(g)) +
         static_cast<std::size_t>(backend.threads) *
             round_up(count(backend.table->conv_pool_input_scratch_size(g)), 16);
}

/// Gradient of the input from the pooled output's gradient; assigns.
template <class T>
void conv2d_relu_pool_input_gradient(const Backend<T>& backend, const Conv2dGeometry& g, int batch, const T* weights,
                                     const T* pooled_gradient, const unsigned char* argmax, T* input_gradient,
                                     T* scratch) {
  backend.table->conv_pool_input_pack(g, weights, scratch);
  const std::size_t size = round_up(count(backend.table->conv_pool_input_scratch_size(g)), 16);
  T* own = scratch + backend.table->conv_pool_input_packed_size(g);
  const std::size_t whole = static_cast<std::size_t>(batch) * g.input_size();
  const RowStrips strips = RowStrips::equal(batch, g.pooled_height(), conv_pool_input_strip_rows);
  parallel_for(strips.size(), backend.threads, [&](int strip, int thread) {
    const auto image = static_cast<std::size_t>(strips.image(strip));
    backend.table->conv_pool_input_rows(g,
                                        {pooled_gradient + image * g.pooled_size(), argmax + image * g.pooled_size()},
                                        scratch, input_gradient + image * g.input_size(), whole, strips.rows_of(strip),
                                        own + static_cast<std::size_t>(thread) * size);
  });
}

}  // namespace abell::kernels

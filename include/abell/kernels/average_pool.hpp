#pragma once
/// Average-pooling over a batch with any window, stride and padding. Padded cells are not counted (Keras's "same"
/// pooling). Memory-bound, so the baseline does.

#include <abell/kernels/pool.hpp>

namespace abell::kernels {

/// The cells of one output cell's window that lie in the image, along one axis.
constexpr Range window_cells(int output, int stride, int pad, int window, int size) {
  const int first = output * stride - pad;
  return {first < 0 ? 0 : first, first + window < size ? first + window : size};
}

/// y = mean over each window.
template <class T>
void average_pool_forward(int threads, const PoolGeometry& g, int batch, const T* x, T* y) {
  const auto channels = static_cast<std::size_t>(g.channels);
  parallel_for(batch * g.out_height, threads, [&](int line, int) {
    const T* image = x + static_cast<std::size_t>(line / g.out_height) * g.input_size();
    const Range rows = window_cells(line % g.out_height, g.stride_height, g.pad_top, g.window_height, g.height);
    T* out = y + static_cast<std::size_t>(line) * static_cast<std::size_t>(g.out_width) * channels;
    for (int column = 0; column < g.out_width; ++column, out += channels) {
      const Range columns = window_cells(column, g.stride_width, g.pad_left, g.window_width, g.width);
      std::fill_n(out, channels, T(0));
      for (int row = rows.begin; row < rows.end; ++row) {
        const T* values =
            image + static_cast<std::size_t>(row) * g.row_size() + static_cast<std::size_t>(columns.begin) * channels;
        for (int cell = columns.begin; cell < columns.end; ++cell, values += channels) {
#pragma omp simd
          for (std::size_t c = 0; c < channels; ++c) out[c] += values[c];
        }
      }
      const T scale = T(1) / static_cast<T>((rows.end - rows.begin) * (columns.end - columns.begin));
#pragma omp simd
      for (std::size_t c = 0; c < channels; ++c) out[c] *= scale;
    }
  });
}

/// dx = dy over the window's cells, spread over them and added up where windows overlap.
template <class T>
void average_pool_backward(int threads, const PoolGeometry& g, int batch, const T* dy, T* dx) {
  const auto channels = static_cast<std::size_t>(g.channels);
  parallel_for(batch, threads, [&](int n, int) {
    T* image = dx + static_cast<std::size_t>(n) * g.input_size();
    const T* gradient = dy + static_cast<std::size_t>(n) * g.output_size();
    std::fill_n(image, g.input_size(), T(0));
    for (int line = 0; line < g.out_height; ++line) {
      const Range rows = window_cells(line, g.stride_height, g.pad_top, g.window_height, g.height);
      for (int column = 0; column < g.out_width; ++column, gradient += channels) {
        const Range columns = window_cells(column, g.stride_width, g.pad_left, g.window_width, g.width);
        const T scale = T(1) / static_cast<T>((rows.end - rows.begin) * (columns.end - columns.begin));
        for (int row = rows.begin; row < rows.end; ++row) {
          T* values =
              image + static_cast<std::size_t>(row) * g.row_size() + static_cast<std::size_t>(columns.begin) * channels;
          for (int cell = columns.begin; cell < columns.end; ++cell, values += channels) {
#pragma omp simd
            for (std::size_t c = 0; c < channels; ++c) values[c] += scale * gradient[c];
          }
        }
      }
    }
  });
}

}  // namespace abell::kernels

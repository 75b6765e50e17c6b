#pragma once
/// Max-pooling over a batch with any window, stride and padding. Padded cells are ignored, the
/// first maximum in row-major order wins, NaN wins over numbers.

#include <abell/core/parallel.hpp>
#include <cstddef>

namespace abell::kernels {

/// Sizes of a max-pool of height x width x channels images.
struct PoolGeometry {
  int height, width, channels;
  int window_height, window_width;
  int stride_height, stride_width;
  int pad_top, pad_left;
  int out_height, out_width;

  constexpr std::size_t row_size() const {
    return static_cast<std::size_t>(width) * static_cast<std::size_t>(channels);
  }
  constexpr std::size_t input_size() const { return row_size() * static_cast<std::size_t>(height); }
  constexpr std::size_t output_size() const {
    return static_cast<std::size_t>(out_height) * static_cast<std::size_t>(out_width) *
           static_cast<std::size_t>(channels);
  }
};

inline constexpr unsigned char cut_by_relu = 255;  ///< argmax of a pooled value that ReLU set to zero

/// y = max over each window, after ReLU when `relu`; `argmax` (may be null) keeps the cell's number
/// within the window, so windows have fewer than 255 cells.
template <class T>
void max_pool_forward(int threads, const PoolGeometry& g, int batch, bool relu, const T* x, T* y,
                      unsigned char* argmax) {
  parallel_for(batch * g.out_height, threads, [&](int line, int) {
    const T* image = x + static_cast<std::size_t>(line / g.out_height) * g.input_size();
    const int top = line % g.out_height * g.stride_height - g.pad_top;
    for (int column = 0; column < g.out_width; ++column) {
      const int left = column * g.stride_width - g.pad_left;
      const std::size_t at =
          (static_cast<std::size_t>(line) * static_cast<std::size_t>(g.out_width) + static_cast<std::size_t>(column)) *
          static_cast<std::size_t>(g.channels);
      for (int c = 0; c < g.channels; ++c) {
        T best = T(0);
        int cell = -1;
        for (int row = top < 0 ? 0 : top; row < top + g.window_height && row < g.height; ++row) {
          for (int col = left < 0 ? 0 : left; col < left + g.window_width && col < g.width; ++col) {
            const T value = image[static_cast<std::size_t>(row) * g.row_size() +
                                  static_cast<std::size_t>(col) * static_cast<std::size_t>(g.channels) +
                                  static_cast<std::size_t>(c)];
            if (cell < 0 || value > best || value != value) {
              const bool keep_nan = cell >= 0 && best != best;
              if (!keep_nan) best = value, cell = (row - top) * g.window_width + col - left;
            }
          }
        }
        const bool cut = relu && best <= T(0);
        y[at + static_cast<std::size_t>(c)] = cut ? T(0) : best;
        if (argmax != nullptr)
          argmax[at + static_cast<std::size_t>(c)] = cut ? cut_by_relu : static_cast<unsigned char>(cell);
      }
    }
  });
}

/// dx = dy at each window's maximum, added up where windows overlap, zero elsewhere.
template <class T>
void max_pool_backward(int threads, const PoolGeometry& g, int batch, const T* dy, const unsigned char* argmax, T* dx) {
  parallel_for(batch, threads, [&](int n, int) {
    T* image = dx + static_cast<std::size_t>(n) * g.input_size();
    const T* gradient = dy + static_cast<std::size_t>(n) * g.output_size();
    const unsigned char* source = argmax + static_cast<std::size_t>(n) * g.output_size();
    for (std::size_t i = 0; i < g.input_size(); ++i) image[i] = T(0);
    for (int row = 0; row < g.out_height; ++row) {
      for (int column = 0; column < g.out_width; ++column) {
        for (int c = 0; c < g.channels; ++c, ++gradient, ++source) {
          if (*source == cut_by_relu) continue;
          const int y = row * g.stride_height - g.pad_top + *source / g.window_width;
          const int x = column * g.stride_width - g.pad_left + *source % g.window_width;
          image[static_cast<std::size_t>(y) * g.row_size() +
                static_cast<std::size_t>(x) * static_cast<std::size_t>(g.channels) + static_cast<std::size_t>(c)] +=
              *gradient;
        }
      }
    }
  });
}

}  // namespace abell::kernels

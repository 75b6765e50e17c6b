#pragma once
/// Max-pooling over a batch with any window, stride and padding. Padded cells are ignored, the
/// first maximum in row-major order wins, NaN wins over numbers.

#include <abell/core/parallel.hpp>
#include <algorithm>
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

/// The maxima of one window for a few channels, which the compiler keeps in vectors.
template <class T>
struct WindowMaximum {
  static constexpr int channels = 16;
  T best[channels];
  int cell[channels];

  void start(const T* values, int valid, int number) {
    for (int c = 0; c < channels; ++c) best[c] = c < valid ? values[c] : T(0), cell[c] = number;
  }
  /// NaN wins over numbers and is kept.
  void contest(const T* values, int number) {
#pragma omp simd
    for (int c = 0; c < channels; ++c) {
      const bool wins = (values[c] > best[c]) | ((values[c] != values[c]) & (best[c] == best[c]));
      best[c] = wins ? values[c] : best[c];
      cell[c] = wins ? number : cell[c];
    }
  }
  void contest(const T* values, int valid, int number) {
    if (valid >= channels) return contest(values, number);
    T some[channels] = {};
    std::copy_n(values, valid, some);
    contest(some, number);
  }
};

/// y = max over each window, after ReLU when `relu`; `argmax` (may be null) keeps the cell's number
/// within the window, so windows have fewer than 255 cells.
template <class T>
void max_pool_forward(int threads, const PoolGeometry& g, int batch, bool relu, const T* x, T* y,
                      unsigned char* argmax) {
  parallel_for(batch * g.out_height, threads, [&](int line, int) {
    const T* image = x + static_cast<std::size_t>(line / g.out_height) * g.input_size();
    const int top = line % g.out_height * g.stride_height - g.pad_top;
    const int first_row = std::max(top, 0), end_row = std::min(top + g.window_height, g.height);
    std::size_t at = static_cast<std::size_t>(line) * static_cast<std::size_t>(g.out_width * g.channels);
    WindowMaximum<T> maximum;
    for (int column = 0; column < g.out_width; ++column) {
      const int left = column * g.stride_width - g.pad_left;
      const int first_column = std::max(left, 0), end_column = std::min(left + g.window_width, g.width);
      for (int c = 0; c < g.channels; c += WindowMaximum<T>::channels) {
        const int valid = std::min(g.channels - c, WindowMaximum<T>::channels);
        for (int row = first_row; row < end_row; ++row) {
          const T* values = image + static_cast<std::size_t>(row) * g.row_size() +
                            static_cast<std::size_t>(first_column * g.channels + c);
          for (int col = first_column; col < end_column; ++col, values += g.channels) {
            const int number = (row - top) * g.window_width + col - left;
            if (row == first_row && col == first_column) {
              maximum.start(values, valid, number);
            } else {
              maximum.contest(values, valid, number);
            }
          }
        }
        for (int i = 0; i < valid; ++i, ++at) {
          const bool cut = relu && maximum.best[i] <= T(0);
          y[at] = cut ? T(0) : maximum.best[i];
          if (argmax != nullptr) argmax[at] = cut ? cut_by_relu : static_cast<unsigned char>(maximum.cell[i]);
        }
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

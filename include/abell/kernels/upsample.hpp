#pragma once
/// Images enlarged by whole factors: each cell repeated, or lines between the cells' centres. Memory-bound, so the
/// baseline does.

#include <abell/core/parallel.hpp>
#include <abell/core/shape.hpp>
#include <algorithm>
#include <cstddef>

namespace abell::kernels {

/// How the cells of one enlarged axis follow from those before: cell i is (1 - weight) x[first] + weight x[second].
struct UpsampleAxis {
  int size;  ///< before
  int factor;
  bool linear;  ///< else each cell is repeated

  struct Cell {
    int first, second;
    double weight;
  };
  /// With both ends extended by their last value, as Keras and ONNX (half_pixel) have it.
  constexpr Cell operator()(int i) const {
    if (!linear) return {i / factor, i / factor, 0};
    const double at = (i + 0.5) / factor - 0.5;
    if (at <= 0) return {0, 0, 0};
    const int first = static_cast<int>(at);
    return first + 1 < size ? Cell{first, first + 1, at - first} : Cell{size - 1, size - 1, 0};
  }
  /// The enlarged cells that cell i has a part in.
  constexpr Range reach(int i) const {
    if (!linear) return {i * factor, (i + 1) * factor};
    return {std::max(0, (i - 1) * factor), std::min(size * factor, (i + 2) * factor)};
  }
};

struct Upsample {
  UpsampleAxis rows, columns;
  int channels;

  std::size_t input_row() const { return count(columns.size) * count(channels); }
  std::size_t output_row() const { return input_row() * count(columns.factor); }
  std::size_t input_size() const { return input_row() * count(rows.size); }
  int out_height() const { return rows.size * rows.factor; }
  int out_width() const { return columns.size * columns.factor; }

 private:
  static constexpr std::size_t count(int n) { return static_cast<std::size_t>(n); }
};

template <class T>
void upsample_forward(int threads, const Upsample& u, int batch, const T* x, T* y) {
  const auto channels = static_cast<std::size_t>(u.channels);
  parallel_for(batch * u.out_height(), threads, [&](int line, int) {
    const T* image = x + static_cast<std::size_t>(line / u.out_height()) * u.input_size();
    const auto row = u.rows(line % u.out_height());
    const T* above = image + static_cast<std::size_t>(row.first) * u.input_row();
    const T* below = image + static_cast<std::size_t>(row.second) * u.input_row();
    T* out = y + static_cast<std::size_t>(line) * u.output_row();
    for (int i = 0; i < u.out_width(); ++i, out += channels) {
      const auto column = u.columns(i);
      const std::size_t left = static_cast<std::size_t>(column.first) * channels,
                        right = static_cast<std::size_t>(column.second) * channels;
      if (!u.rows.linear) {
        std::copy_n(above + left, channels, out);
        continue;
      }
      const T v = static_cast<T>(row.weight), h = static_cast<T>(column.weight);
#pragma omp simd
      for (std::size_t c = 0; c < channels; ++c) {
        const T upper = above[left + c] + h * (above[right + c] - above[left + c]);
        const T lower = below[left + c] + h * (below[right + c] - below[left + c]);
        out[c] = upper + v * (lower - upper);
      }
    }
  });
}

/// Each row of dx gathers the rows of dy that it has a part in, in their order: the same bits on any number of threads.
template <class T>
void upsample_backward(int threads, const Upsample& u, int batch, const T* dy, T* dx) {
  const auto channels = static_cast<std::size_t>(u.channels);
  parallel_for(batch * u.rows.size, threads, [&](int line, int) {
    const int row = line % u.rows.size;
    T* out = dx + static_cast<std::size_t>(line) * u.input_row();
    std::fill_n(out, u.input_row(), T(0));
    const Range reach = u.rows.reach(row);
    for (int from = reach.begin; from < reach.end; ++from) {
      const auto cell = u.rows(from);
      double row_weight = cell.first == row ? 1 - cell.weight : 0;
      if (cell.second == row) row_weight += cell.weight;
      if (row_weight == 0) continue;
      const T* gradient =
          dy + (static_cast<std::size_t>(line / u.rows.size) * static_cast<std::size_t>(u.out_height()) +
                static_cast<std::size_t>(from)) *
                   u.output_row();
      for (int i = 0; i < u.out_width(); ++i, gradient += channels) {
        const auto column = u.columns(i);
        T* left = out + static_cast<std::size_t>(column.first) * channels;
        T* right = out + static_cast<std::size_t>(column.second) * channels;
        const T l = static_cast<T>(row_weight * (1 - column.weight)), r = static_cast<T>(row_weight * column.weight);
#pragma omp simd
        for (std::size_t c = 0; c < channels; ++c) left[c] += l * gradient[c];
        if (column.weight == 0) continue;
#pragma omp simd
        for (std::size_t c = 0; c < channels; ++c) right[c] += r * gradient[c];
      }
    }
  });
}

}  // namespace abell::kernels

#pragma once
/// The definitions, as plain loops in double: what every fast kernel is tested against.
/// Nothing here is shared with the fast kernels but the sizes.

#include <abell/kernels/geometry.hpp>
#include <cmath>
#include <cstddef>
#include <vector>

namespace abell::kernels::reference {

using Values = std::vector<double>;

inline std::size_t at(int row, int column, int channel, int width, int channels) {
  return (static_cast<std::size_t>(row) * static_cast<std::size_t>(width) + static_cast<std::size_t>(column)) *
             static_cast<std::size_t>(channels) +
         static_cast<std::size_t>(channel);
}

/// C [rows][columns] = A [rows][depth] B [depth][columns].
inline Values gemm(int rows, int columns, int depth, const Values& a, const Values& b) {
  Values c(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
  for (int m = 0; m < rows; ++m)
    for (int n = 0; n < columns; ++n)
      for (int k = 0; k < depth; ++k)
        c[at(0, m, n, 0, columns)] += a[at(0, m, k, 0, depth)] * b[at(0, k, n, 0, columns)];
  return c;
}

/// Calls visit(input index, weight index, output index) for every product of a convolution.
template <class Visit>
void for_each_product(const Conv2dGeometry& g, const Visit& visit) {
  for (int oy = 0; oy < g.out_height; ++oy)
    for (int ox = 0; ox < g.out_width; ++ox)
      for (int ky = 0; ky < g.kernel_height; ++ky)
        for (int kx = 0; kx < g.kernel_width; ++kx) {
          const int y = oy * g.stride_height + ky - g.pad_top;
          const int x = ox * g.stride_width + kx - g.pad_left;
          if (y < 0 || y >= g.height || x < 0 || x >= g.width) continue;
          for (int c = 0; c < g.channels; ++c)
            for (int f = 0; f < g.filters; ++f)
              visit(at(y, x, c, g.width, g.channels), at(ky * g.kernel_width + kx, c, f, g.channels, g.filters),
                    at(oy, ox, f, g.out_width, g.filters));
        }
}

/// y = x * w + b (cross-correlation, as in Keras), one image.
inline Values conv2d(const Conv2dGeometry& g, const Values& x, const Values& w, const Values& b) {
  Values y(g.output_size());
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = b.empty() ? 0 : b[i % static_cast<std::size_t>(g.filters)];
  for_each_product(g, [&](std::size_t in, std::size_t weight, std::size_t out) { y[out] += x[in] * w[weight]; });
  return y;
}

inline Values conv2d_input_gradient(const Conv2dGeometry& g, const Values& w, const Values& dy) {
  Values dx(g.input_size());
  for_each_product(g, [&](std::size_t in, std::size_t weight, std::size_t out) { dx[in] += dy[out] * w[weight]; });
  return dx;
}

inline Values conv2d_weight_gradient(const Conv2dGeometry& g, const Values& x, const Values& dy) {
  Values dw(g.weight_size());
  for_each_product(g, [&](std::size_t in, std::size_t weight, std::size_t out) { dw[weight] += dy[out] * x[in]; });
  return dw;
}

inline Values conv2d_bias_gradient(const Conv2dGeometry& g, const Values& dy) {
  Values db(static_cast<std::size_t>(g.filters));
  for (std::size_t i = 0; i < dy.size(); ++i) db[i % db.size()] += dy[i];
  return db;
}

/// The products of a depthwise convolution (filters = channels x multiplier), likewise.
template <class Visit>
void for_each_depthwise_product(const Conv2dGeometry& g, const Visit& visit) {
  const int multiplier = g.filters / g.channels;
  for (int oy = 0; oy < g.out_height; ++oy)
    for (int ox = 0; ox < g.out_width; ++ox)
      for (int ky = 0; ky < g.kernel_height; ++ky)
        for (int kx = 0; kx < g.kernel_width; ++kx) {
          const int y = oy * g.stride_height + ky - g.pad_top;
          const int x = ox * g.stride_width + kx - g.pad_left;
          if (y < 0 || y >= g.height || x < 0 || x >= g.width) continue;
          for (int f = 0; f < g.filters; ++f)
            visit(at(y, x, f / multiplier, g.width, g.channels), at(ky, kx, f, g.kernel_width, g.filters),
                  at(oy, ox, f, g.out_width, g.filters));
        }
}

inline std::size_t depthwise_weight_size(const Conv2dGeometry& g) {
  return static_cast<std::size_t>(g.kernel_height) * static_cast<std::size_t>(g.kernel_width) *
         static_cast<std::size_t>(g.filters);
}

/// y = x * w + b channel by channel, one image.
inline Values depthwise(const Conv2dGeometry& g, const Values& x, const Values& w, const Values& b) {
  Values y(g.output_size());
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = b.empty() ? 0 : b[i % static_cast<std::size_t>(g.filters)];
  for_each_depthwise_product(g,
                             [&](std::size_t in, std::size_t weight, std::size_t out) { y[out] += x[in] * w[weight]; });
  return y;
}

inline Values depthwise_input_gradient(const Conv2dGeometry& g, const Values& w, const Values& dy) {
  Values dx(g.input_size());
  for_each_depthwise_product(
      g, [&](std::size_t in, std::size_t weight, std::size_t out) { dx[in] += dy[out] * w[weight]; });
  return dx;
}

inline Values depthwise_weight_gradient(const Conv2dGeometry& g, const Values& x, const Values& dy) {
  Values dw(depthwise_weight_size(g));
  for_each_depthwise_product(
      g, [&](std::size_t in, std::size_t weight, std::size_t out) { dw[weight] += dy[out] * x[in]; });
  return dw;
}

/// Max-pool of a height x width x channels image with a window, stride and padding before; padded
/// cells are ignored, the first maximum wins, NaN wins over numbers. `source` receives the input
/// index of each maximum.
inline Values max_pool(int height, int width, int channels, int window, int stride, int pad_top, int pad_left,
                       int out_height, int out_width, const Values& x, std::vector<std::size_t>& source) {
  Values y;
  source.clear();
  for (int oy = 0; oy < out_height; ++oy)
    for (int ox = 0; ox < out_width; ++ox)
      for (int c = 0; c < channels; ++c) {
        bool found = false;
        std::size_t best = 0;
        for (int ky = 0; ky < window; ++ky)
          for (int kx = 0; kx < window; ++kx) {
            const int row = oy * stride + ky - pad_top;
            const int column = ox * stride + kx - pad_left;
            if (row < 0 || row >= height || column < 0 || column >= width) continue;
            const std::size_t i = at(row, column, c, width, channels);
            if (!found || x[i] > x[best] || (std::isnan(x[i]) && !std::isnan(x[best]))) best = i;
            found = true;
          }
        y.push_back(x[best]);
        source.push_back(best);
      }
  return y;
}

}  // namespace abell::kernels::reference

/// Max-pool against its reference, exactly: windows, strides, paddings, ties, NaN.

#include <abell/core/shape.hpp>
#include <abell/kernels/pool.hpp>
#include <abell/kernels/reference.hpp>
#include <cmath>
#include <string>

#include "catch.hpp"
#include "kernel_tools.hpp"

using namespace abell;
using namespace abell::testing;
using kernels::PoolGeometry;
using kernels::reference::Values;

namespace {

PoolGeometry pool(int height, int width, int channels, Extent window, Extent stride, Padding padding) {
  const AxisWindows rows = window_of(height, window.height, stride.height, padding);
  const AxisWindows columns = window_of(width, window.width, stride.width, padding);
  return {height,       width,       channels,       window.height, window.width,  stride.height,
          stride.width, rows.before, columns.before, rows.output,   columns.output};
}

/// Forward and backward of square windows equal the reference; few different values, so ties abound.
template <class T>
void check_pool(const PoolGeometry& g, int batch, int limit, bool relu) {
  const Values x = integers(g.input_size() * static_cast<std::size_t>(batch), 31, limit);
  const Values dy = integers(g.output_size() * static_cast<std::size_t>(batch), 32);
  Values y, dx(x.size());
  for (int n = 0; n < batch; ++n) {
    const std::size_t offset = g.input_size() * static_cast<std::size_t>(n);
    const auto begin = x.begin() + static_cast<long>(offset);
    std::vector<std::size_t> source;
    Values best = kernels::reference::max_pool(g.height, g.width, g.channels, g.window_height, g.stride_height,
                                               g.pad_top, g.pad_left, g.out_height, g.out_width,
                                               {begin, begin + static_cast<long>(g.input_size())}, source);
    for (std::size_t i = 0; i < best.size(); ++i) {
      const bool cut = relu && best[i] <= 0;
      if (cut) best[i] = 0;
      if (!cut) dx[offset + source[i]] += dy[static_cast<std::size_t>(n) * g.output_size() + i];
    }
    y.insert(y.end(), best.begin(), best.end());
  }
  const auto xt = cast<T>(x), dyt = cast<T>(dy);
  for (const int threads : {1, 3}) {
    INFO(batch << " x " << g.height << "x" << g.width << "x" << g.channels << ", window " << g.window_height
               << ", stride " << g.stride_height << ", " << threads << " threads, relu " << relu);
    Guarded<T> out(y.size()), grad(dx.size());
    std::vector<unsigned char> argmax(y.size() + 4, 77);
    max_pool_forward(threads, g, batch, relu, xt.data(), out.data(), argmax.data());
    CHECK(out.first_difference(y) == -1);
    max_pool_backward(threads, g, batch, dyt.data(), argmax.data(), grad.data());
    CHECK(grad.first_difference(dx) == -1);
    Guarded<T> without(y.size());
    max_pool_forward(threads, g, batch, relu, xt.data(), without.data(), static_cast<unsigned char*>(nullptr));
    CHECK(without.first_difference(y) == -1);
    CHECK((out.guards_intact() && grad.guards_intact() && without.guards_intact()));
    for (std::size_t i = y.size(); i < argmax.size(); ++i) CHECK(argmax[i] == 77);
  }
}

}  // namespace

TEST_CASE("max-pool equals the reference for every window, stride and padding", "[kernels][pool]") {
  for (const Padding padding : {Padding::same, Padding::valid}) {
    for (const int window : {1, 2, 3, 5}) {
      for (const int stride : {1, 2, 3}) {
        for (const int side : {5, 6, 8, 11}) {
          const PoolGeometry g = pool(side, side + 3, 1 + side % 4, window, stride, padding);
          check_pool<float>(g, 2, 4, false);
          check_pool<double>(g, 1, 1, true);
        }
      }
    }
  }
  for (const int side : {1, 2, 3}) check_pool<float>(pool(side, 1, 3, 2, 2, Padding::same), 3, 2, true);
}

TEST_CASE("max-pool takes windows and strides that are not square", "[kernels][pool]") {
  // 3 x 4 -> windows of 1 x 2 at stride 2 x 1, SAME: rows 0 and 2, columns padded after.
  const PoolGeometry g = pool(3, 4, 1, {1, 2}, {2, 1}, Padding::same);
  const std::vector<float> x{1, 5, 2, 0,  //
                             9, 9, 9, 9,  //
                             3, 3, 4, 7};
  std::vector<float> y(8), dx(12);
  std::vector<unsigned char> argmax(8);
  max_pool_forward(1, g, 1, false, x.data(), y.data(), argmax.data());
  CHECK(y == std::vector<float>{5, 5, 2, 0, 3, 4, 7, 7});
  CHECK(argmax == std::vector<unsigned char>{1, 0, 0, 0, 0, 1, 1, 0});
  const std::vector<float> dy{1, 2, 3, 4, 5, 6, 7, 8};
  max_pool_backward(1, g, 1, dy.data(), argmax.data(), dx.data());
  CHECK(dx == std::vector<float>{0, 3, 3, 4, 0, 0, 0, 0, 5, 0, 6, 15});
}

TEST_CASE("the first maximum of a tie gets the gradient, and a padded cell never wins", "[kernels][pool]") {
  const PoolGeometry g = pool(3, 3, 1, 2, 2, Padding::same);
  const std::vector<float> x{-2, -2, -7,  //
                             -2, -2, -7,  //
                             -5, -5, -9};
  std::vector<float> y(4), dx(9);
  std::vector<unsigned char> argmax(4);
  max_pool_forward(1, g, 1, false, x.data(), y.data(), argmax.data());
  CHECK(y == std::vector<float>{-2, -7, -5, -9});
  CHECK(argmax == std::vector<unsigned char>{0, 0, 0, 0});
  const std::vector<float> dy{1, 2, 3, 4};
  max_pool_backward(1, g, 1, dy.data(), argmax.data(), dx.data());
  CHECK(dx == std::vector<float>{1, 0, 2, 0, 0, 0, 3, 0, 4});
}

TEST_CASE("NaN wins over numbers wherever it stands in the window", "[kernels][pool]") {
  const PoolGeometry g = pool(2, 2, 1, 2, 2, Padding::same);
  for (std::size_t at = 0; at < 4; ++at) {
    for (const bool relu : {false, true}) {
      std::vector<float> x{1, 3, -1, 2};
      x[at] = std::nanf("");
      float y = 0;
      unsigned char argmax = 77;
      max_pool_forward(1, g, 1, relu, x.data(), &y, &argmax);
      CHECK(std::isnan(y));
      CHECK(argmax == at);
    }
  }
}

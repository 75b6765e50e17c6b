/// Plain and fused convolution kernels against the double references, exactly, on odd shapes.

#include <abell/kernels/conv2d.hpp>
#include <abell/kernels/conv2d_relu_pool.hpp>
#include <abell/kernels/reference.hpp>
#include <algorithm>
#include <cmath>
#include <utility>

#include "catch.hpp"
#include "kernel_tools.hpp"

using namespace abell;
using namespace abell::testing;
using kernels::Conv2dGeometry;
namespace reference = kernels::reference;

namespace {

void append(std::vector<double>& to, const std::vector<double>& values) {
  to.insert(to.end(), values.begin(), values.end());
}

void add(std::vector<double>& to, const std::vector<double>& values) {
  to.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) to[i] += values[i];
}

std::string describe(const Conv2dGeometry& g, int batch, Isa isa, int threads) {
  return std::to_string(batch) + " x " + std::to_string(g.height) + "x" + std::to_string(g.width) + "x" +
         std::to_string(g.channels) + " -> " + std::to_string(g.filters) + ", kernel " +
         std::to_string(g.kernel_height) + "x" + std::to_string(g.kernel_width) + ", stride " +
         std::to_string(g.stride_height) + "x" + std::to_string(g.stride_width) + ", " + std::string(name_of(isa)) +
         ", " + std::to_string(threads) + " threads";
}

/// Forward and both gradients of a plain convolution equal the reference exactly.
template <class T>
void check_plain(const Conv2dGeometry& g, int batch) {
  const auto x = integers(g.input_size() * static_cast<std::size_t>(batch), 1);
  const auto w = integers(g.weight_size(), 2);
  const auto b = integers(static_cast<std::size_t>(g.filters), 3);
  const auto dy = integers(g.output_size() * static_cast<std::size_t>(batch), 4);
  std::vector<double> y, dx, dw, db;
  for (int n = 0; n < batch; ++n) {
    const auto image = image_of(x, g.input_size(), n);
    const auto gradient = image_of(dy, g.output_size(), n);
    append(y, reference::conv2d(g, image, w, b));
    append(dx, reference::conv2d_input_gradient(g, w, gradient));
    add(dw, reference::conv2d_weight_gradient(g, image, gradient));
    add(db, reference::conv2d_bias_gradient(g, gradient));
  }
  const auto xt = cast<T>(x), wt = cast<T>(w), bt = cast<T>(b), dyt = cast<T>(dy);
  for (const Isa isa : supported_isas()) {
    for (const int threads : {1, 3}) {
      INFO(describe(g, batch, isa, threads));
      const kernels::Backend<T> backend{&kernels::kernels_for<T>(isa), threads};
      Guarded<T> out(y.size()), grad_x(dx.size()), grad_w(dw.size()), grad_b(db.size());
      Guarded<T> scratch(
          std::max({conv2d_forward_scratch(backend, g, batch), conv2d_input_gradient_scratch(backend, g, batch),
                    conv2d_weight_gradient_scratch(backend, g)}));
      conv2d_forward(backend, g, batch, xt.data(), wt.data(), bt.data(), out.data(), scratch.data());
      CHECK(out.first_difference(y) == -1);
      conv2d_input_gradient(backend, g, batch, wt.data(), dyt.data(), grad_x.data(), scratch.data());
      CHECK(grad_x.first_difference(dx) == -1);
      conv2d_weight_gradient(backend, g, batch, xt.data(), dyt.data(), grad_w.data(), grad_b.data(), scratch.data());
      CHECK(grad_w.first_difference(dw) == -1);
      CHECK(grad_b.first_difference(db) == -1);
      CHECK((out.guards_intact() && grad_x.guards_intact() && grad_w.guards_intact() && grad_b.guards_intact() &&
             scratch.guards_intact()));
    }
  }
}

/// The fused stage equals convolution, ReLU and max-pool one after the other.
template <class T>
void check_fused(const Conv2dGeometry& g, int batch) {
  const auto x = integers(g.input_size() * static_cast<std::size_t>(batch), 11);
  const auto w = integers(g.weight_size(), 12);
  const auto b = integers(static_cast<std::size_t>(g.filters), 13);
  const auto dp = integers(g.pooled_size() * static_cast<std::size_t>(batch), 14);
  std::vector<double> pooled, dx, dw, db;
  std::size_t live = 0;
  for (int n = 0; n < batch; ++n) {
    const auto image = image_of(x, g.input_size(), n);
    auto activation = reference::conv2d(g, image, w, b);
    for (double& value : activation) value = value > 0 ? value : 0;
    std::vector<std::size_t> source;
    const auto best = reference::max_pool(g.out_height, g.out_width, g.filters, 2, 2, 0, 0, g.pooled_height(),
                                          g.pooled_width(), activation, source);
    std::vector<double> gradient(g.output_size());
    const auto from = image_of(dp, g.pooled_size(), n);
    for (std::size_t i = 0; i < source.size(); ++i) {
      if (best[i] > 0) gradient[source[i]] += from[i], ++live;
    }
    append(pooled, best);
    append(dx, reference::conv2d_input_gradient(g, w, gradient));
    add(dw, reference::conv2d_weight_gradient(g, image, gradient));
    add(db, reference::conv2d_bias_gradient(g, gradient));
  }
  REQUIRE(live > 0);  // with all cut by ReLU the test would show nothing
  const auto xt = cast<T>(x), wt = cast<T>(w), bt = cast<T>(b), dpt = cast<T>(dp);
  for (const Isa isa : supported_isas()) {
    for (const int threads : {1, 3}) {
      INFO("fused " << describe(g, batch, isa, threads));
      const kernels::Backend<T> backend{&kernels::kernels_for<T>(isa), threads};
      Guarded<T> out(pooled.size()), grad_x(dx.size()), grad_w(dw.size()), grad_b(db.size());
      std::vector<unsigned char> argmax(pooled.size() + 8, 77);
      Guarded<T> scratch(
          std::max({conv2d_relu_pool_forward_scratch(backend, g), conv2d_relu_pool_input_gradient_scratch(backend, g),
                    conv2d_relu_pool_weight_gradient_scratch(backend, g)}));
      conv2d_relu_pool_forward(backend, g, batch, xt.data(), wt.data(), bt.data(), out.data(), argmax.data(),
                               scratch.data());
      CHECK(out.first_difference(pooled) == -1);
      conv2d_relu_pool_weight_gradient(backend, g, batch, xt.data(), dpt.data(), argmax.data(), grad_w.data(),
                                       grad_b.data(), scratch.data());
      CHECK(grad_w.first_difference(dw) == -1);
      CHECK(grad_b.first_difference(db) == -1);
      conv2d_relu_pool_input_gradient(backend, g, batch, wt.data(), dpt.data(), argmax.data(), grad_x.data(),
                                      scratch.data());
      CHECK(grad_x.first_difference(dx) == -1);
      CHECK((out.guards_intact() && grad_x.guards_intact() && grad_w.guards_intact() && grad_b.guards_intact() &&
             scratch.guards_intact()));
      CHECK(std::all_of(argmax.end() - 8, argmax.end(), [](unsigned char c) { return c == 77; }));
    }
  }
}

}  // namespace

TEST_CASE("convolution equals the reference on odd shapes", "[kernels][conv2d]") {
  const std::vector<int> sides = reduced() ? std::vector{1, 5, 13} : std::vector{1, 2, 3, 4, 5, 6, 7, 9, 11, 13, 23};
  for (const int side : sides) {
    check_plain<float>(geometry(side, side + 2, 3, 7), 2);
    check_plain<float>(geometry(side + 3, side, 16, 33), 1);
  }
  for (const int channels : {1, 3, 7, 16, 33}) {
    for (const int filters : {1, 3, 7, 16, 24, 33, 64}) {
      if (reduced() && (channels + filters) % 2 != 0) continue;
      check_plain<float>(geometry(5, 6, channels, filters), 3);
    }
  }
}

TEST_CASE("convolution takes every kernel size, stride and padding", "[kernels][conv2d]") {
  for (const Padding padding : {Padding::same, Padding::valid}) {
    for (const int stride : {1, 2, 3}) {
      for (const Extent kernel : {Extent{1}, Extent{2}, Extent{3}, Extent{5}, Extent{1, 4}, Extent{7, 2}}) {
        check_plain<float>(geometry(9, 8, 3, 5, kernel, {stride, stride}, padding), 2);
        check_plain<double>(geometry(8, 11, 5, 9, kernel, {stride, 1}, padding), 1);
        check_plain<float>(geometry(10, 7, 17, 33, kernel, {stride, stride + 1}, padding), 3);
      }
    }
  }
}

TEST_CASE("convolution, ReLU and max-pool in one equal the three in turn", "[kernels][fused]") {
  const std::vector<int> sides =
      reduced() ? std::vector{1, 4, 13} : std::vector{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 23};
  for (const int side : sides) {
    check_fused<float>(geometry(side, side + 3, 3, 7), 2);
    check_fused<float>(geometry(side + 2, side, 16, 9), 3);
    check_fused<double>(geometry(side, side, 7, 16), 1);
  }
  for (const int channels : {1, 3, 7, 16, 32, 33, 64}) {
    for (const int filters : {1, 3, 7, 16, 32, 33, 64, 65}) {
      if (reduced() && (channels + filters) % 2 != 0) continue;
      check_fused<float>(geometry(5, 6, channels, filters), 2);
    }
  }
}

TEST_CASE("fused convolution equals the reference at the sides of the custom network", "[kernels][fused]") {
  check_fused<float>(geometry(45, 45, 32, 32), 1);
  if (reduced()) return;
  check_fused<float>(geometry(89, 89, 3, 64), 1);
  check_fused<float>(geometry(6, 150, 5, 33), 2);
  check_fused<float>(geometry(89, 89, 32, 32), 1);
  check_fused<float>(geometry(50, 178, 64, 32), 1);
}

TEST_CASE("the fused stage's error on unit-scale data stays within 1e-5", "[kernels][fused]") {
  for (const int channels : {3, 64}) {
    const Conv2dGeometry g = geometry(23, 45, channels, 33);
    Random random(5, {Purpose::user, 3, 1});
    const auto normal = [&](std::size_t count, double scale) {
      std::vector<float> values(count);
      for (float& value : values) value = static_cast<float>(scale * random.normal());
      return values;
    };
    const auto x = normal(g.input_size(), 1), w = normal(g.weight_size(), 1 / std::sqrt(g.depth()));
    const auto b = normal(static_cast<std::size_t>(g.filters), 1);
    auto activation = reference::conv2d(g, {x.begin(), x.end()}, {w.begin(), w.end()}, {b.begin(), b.end()});
    for (double& value : activation) value = value > 0 ? value : 0;
    std::vector<std::size_t> source;
    const auto expected = reference::max_pool(g.out_height, g.out_width, g.filters, 2, 2, 0, 0, g.pooled_height(),
                                              g.pooled_width(), activation, source);
    // The activation that an argmax names: near ties may be won by another position than the exact one.
    const auto named = [&](std::size_t i, unsigned char argmax) {
      if (argmax == 4) return 0.0;
      const auto filters = static_cast<std::size_t>(g.filters), width = static_cast<std::size_t>(g.pooled_width());
      const std::size_t row = 2 * (i / filters / width) + argmax / 2, column = 2 * (i / filters % width) + argmax % 2;
      return activation[(row * static_cast<std::size_t>(g.out_width) + column) * filters + i % filters];
    };
    for (const Isa isa : supported_isas()) {
      const kernels::Backend<float> backend{&kernels::kernels_for<float>(isa), 1};
      std::vector<float> pooled(expected.size());
      std::vector<unsigned char> argmax(expected.size());
      Guarded<float> scratch(conv2d_relu_pool_forward_scratch(backend, g));
      conv2d_relu_pool_forward(backend, g, 1, x.data(), w.data(), b.data(), pooled.data(), argmax.data(),
                               scratch.data());
      double difference = 0, lost = 0, largest = 0;
      for (std::size_t i = 0; i < expected.size(); ++i) {
        difference = std::max(difference, std::abs(static_cast<double>(pooled[i]) - expected[i]));
        lost = std::max(lost, expected[i] - named(i, argmax[i]));
        largest = std::max(largest, expected[i]);
      }
      INFO(name_of(isa) << ", " << channels << " channels: relative difference " << difference / largest);
      CHECK(difference / largest < 1e-5);
      CHECK(lost / largest < 1e-5);
    }
  }
}

TEST_CASE("results larger than the cache are streamed past it unchanged", "[kernels][fused]") {
  // Aligned results of more than 4 MiB an image are streamed; one value further on they are not.
  const auto x = cast<float>(integers(geometry(260, 260, 3, 64).input_size(), 21));
  const auto w = cast<float>(integers(geometry(1, 1, 64, 64).weight_size(), 22));
  const auto b = cast<float>(integers(64, 23));
  for (const Isa isa : supported_isas()) {
    INFO(name_of(isa));
    const kernels::Backend<float> backend{&kernels::kernels_for<float>(isa), 2};
    const auto filled = [](std::size_t size) {
      Buffer<float> values(size);
      std::ranges::fill(values.span(), std::nanf(""));
      return values;
    };
    const Conv2dGeometry first = geometry(260, 260, 3, 64);
    Guarded<float> scratch(conv2d_relu_pool_forward_scratch(backend, first));
    Buffer<float> aligned = filled(first.pooled_size()), shifted = filled(first.pooled_size() + 1);
    std::vector<unsigned char> argmax(first.pooled_size()), again(first.pooled_size());
    conv2d_relu_pool_forward(backend, first, 1, x.data(), w.data(), b.data(), aligned.data(), argmax.data(),
                             scratch.data());
    conv2d_relu_pool_forward(backend, first, 1, x.data(), w.data(), b.data(), shifted.data() + 1, again.data(),
                             scratch.data());
    CHECK(std::equal(aligned.span().begin(), aligned.span().end(), shifted.span().begin() + 1));
    CHECK(argmax == again);

    const Conv2dGeometry second = geometry(130, 130, 64, 5);
    Guarded<float> more(conv2d_relu_pool_input_gradient_scratch(backend, second));
    Buffer<float> gradient = filled(second.input_size()), other = filled(second.input_size() + 1);
    for (unsigned char& position : argmax) position = position % 5;
    conv2d_relu_pool_input_gradient(backend, second, 1, w.data(), aligned.data(), argmax.data(), gradient.data(),
                                    more.data());
    conv2d_relu_pool_input_gradient(backend, second, 1, w.data(), aligned.data(), argmax.data(), other.data() + 1,
                                    more.data());
    CHECK(std::equal(gradient.span().begin(), gradient.span().end(), other.span().begin() + 1));
  }
}

TEST_CASE("a NaN in any pixel or weight reaches the fused stage's output", "[kernels][fused]") {
  for (const int channels : {3, 16}) {
    const Conv2dGeometry g = geometry(7, 6, channels, 5);
    const auto x = cast<float>(integers(g.input_size(), 31)), w = cast<float>(integers(g.weight_size(), 32));
    const std::vector<float> b(5);
    for (const Isa isa : supported_isas()) {
      const kernels::Backend<float> backend{&kernels::kernels_for<float>(isa), 1};
      std::vector<float> pooled(g.pooled_size());
      std::vector<unsigned char> argmax(pooled.size());
      Guarded<float> scratch(conv2d_relu_pool_forward_scratch(backend, g));
      const auto nan_comes_out = [&](const std::vector<float>& image, const std::vector<float>& weights) {
        conv2d_relu_pool_forward(backend, g, 1, image.data(), weights.data(), b.data(), pooled.data(), argmax.data(),
                                 scratch.data());
        return std::ranges::any_of(pooled, [](float value) { return std::isnan(value); });
      };
      const auto swallowed = [&](std::vector<float> values, const auto& run_with) {
        std::size_t count = 0;
        for (float& value : values) {
          const float kept = std::exchange(value, std::nanf(""));
          count += run_with(values) ? 0 : 1;
          value = kept;
        }
        return count;
      };
      INFO(name_of(isa) << ", " << channels << " channels");
      CHECK(!nan_comes_out(x, w));
      CHECK(swallowed(x, [&](const auto& image) { return nan_comes_out(image, w); }) == 0);
      CHECK(swallowed(w, [&](const auto& weights) { return nan_comes_out(x, weights); }) == 0);
    }
  }
}

/// Depthwise kernels against the double references, exactly, on odd shapes.

#include <abell/kernels/depthwise.hpp>
#include <abell/kernels/reference.hpp>
#include <algorithm>

#include "catch.hpp"
#include "kernel_tools.hpp"

using namespace abell;
using namespace abell::testing;
using kernels::Conv2dGeometry;
namespace reference = kernels::reference;

namespace {

/// Forward and both gradients equal the reference exactly, for every instruction set and number of threads.
template <class T>
void check(const Conv2dGeometry& g, int batch) {
  const auto images = static_cast<std::size_t>(batch);
  const std::size_t weights = reference::depthwise_weight_size(g);
  const auto x = integers(g.input_size() * images, 1);
  const auto w = integers(weights, 2);
  const auto b = integers(static_cast<std::size_t>(g.filters), 3);
  const auto dy = integers(g.output_size() * images, 4);
  std::vector<double> y, dx, dw(weights), db(static_cast<std::size_t>(g.filters));
  for (int n = 0; n < batch; ++n) {
    const auto image = image_of(x, g.input_size(), n);
    const auto gradient = image_of(dy, g.output_size(), n);
    std::ranges::copy(reference::depthwise(g, image, w, b), std::back_inserter(y));
    std::ranges::copy(reference::depthwise_input_gradient(g, w, gradient), std::back_inserter(dx));
    std::ranges::transform(dw, reference::depthwise_weight_gradient(g, image, gradient), dw.begin(), std::plus{});
    std::ranges::transform(db, reference::conv2d_bias_gradient(g, gradient), db.begin(), std::plus{});
  }
  const auto xt = cast<T>(x), wt = cast<T>(w), bt = cast<T>(b), dyt = cast<T>(dy);
  for (const Isa isa : supported_isas()) {
    for (const int threads : {1, 3}) {
      INFO(batch << " x " << g.height << "x" << g.width << "x" << g.channels << " -> " << g.filters << ", kernel "
                 << g.kernel_height << "x" << g.kernel_width << ", stride " << g.stride_height << "x" << g.stride_width
                 << ", " << name_of(isa) << ", " << threads << " threads");
      const kernels::Backend<T> backend{&kernels::kernels_for<T>(isa), threads};
      Guarded<T> out(y.size()), grad_x(dx.size()), grad_w(dw.size()), grad_b(db.size());
      Guarded<T> scratch(std::max({depthwise_forward_scratch(backend, g), depthwise_input_gradient_scratch(backend, g),
                                   depthwise_weight_gradient_scratch(backend, g)}));
      depthwise_forward(backend, g, batch, xt.data(), wt.data(), bt.data(), out.data(), scratch.data());
      CHECK(out.first_difference(y) == -1);
      depthwise_input_gradient(backend, g, batch, wt.data(), dyt.data(), grad_x.data(), scratch.data());
      CHECK(grad_x.first_difference(dx) == -1);
      depthwise_weight_gradient(backend, g, batch, xt.data(), dyt.data(), grad_w.data(), grad_b.data(), scratch.data());
      CHECK(grad_w.first_difference(dw) == -1);
      CHECK(grad_b.first_difference(db) == -1);
      CHECK((out.guards_intact() && grad_x.guards_intact() && grad_w.guards_intact() && grad_b.guards_intact() &&
             scratch.guards_intact()));
    }
  }
}

}  // namespace

TEST_CASE("depthwise convolution equals the reference exactly", "[depthwise]") {
  const std::vector<int> sides = reduced() ? std::vector{1, 4, 7} : std::vector{1, 2, 3, 4, 5, 7, 8, 13, 23};
  for (const int side : sides) {
    for (const int stride : {1, 2}) {
      for (const int channels : {1, 3, 16, 33}) {
        const int width = side == 1 ? 1 : side + 1;
        check<float>(geometry(side, width, channels, channels, 3, stride), 2);
      }
    }
  }
  check<float>(geometry(45, 44, 64, 64), 1);
  // Several tiles of filters, the last one smaller; in the backward pass of a stride too.
  check<float>(geometry(14, 14, 512, 512), 2);
  check<float>(geometry(15, 13, 272, 272, 3, 2), 1);
  check<double>(geometry(11, 12, 176, 176, 3, 2), 1);
  check<double>(geometry(9, 8, 19, 19, 3, 2), 2);
}

TEST_CASE("depthwise convolution with a multiplier, other kernels and paddings equals the reference", "[depthwise]") {
  for (const int multiplier : {1, 2, 3}) {
    for (const Padding padding : {Padding::same, Padding::valid, Padding::symmetric, Padding::after}) {
      for (const int stride : {1, 2, 3}) {
        for (const Extent kernel : {Extent{3}, Extent{2}, Extent{1}, Extent{5, 4}}) {
          for (const int channels : {1, 7, 16}) {
            check<float>(geometry(9, 8, channels, channels * multiplier, kernel, stride, padding), 2);
          }
        }
      }
    }
  }
}

/// Average and global max pools, enlargements, transposed convolutions: against their definitions as plain loops in
/// double, on odd shapes, every instruction set and any number of threads; and their gradients against differences.

#include <abell/kernels/reference.hpp>
#include <abell/testing/gradcheck.hpp>
#include <algorithm>
#include <cmath>

#include "catch.hpp"
#include "check_stage.hpp"
#include "error_message.hpp"
#include "stage_tools.hpp"

using namespace abell;
using namespace abell::testing;
using kernels::reference::at;

namespace {

Values average_pool(const AveragePool2d& layer, Shape input, const Values& x) {
  const auto g = layer.geometry({input, "pool", 0});
  Values y;
  for (int oy = 0; oy < g.out_height; ++oy)
    for (int ox = 0; ox < g.out_width; ++ox)
      for (int c = 0; c < g.channels; ++c) {
        double sum = 0;
        int cells = 0;
        for (int ky = 0; ky < g.window_height; ++ky)
          for (int kx = 0; kx < g.window_width; ++kx) {
            const int row = oy * g.stride_height + ky - g.pad_top, column = ox * g.stride_width + kx - g.pad_left;
            if (row < 0 || row >= g.height || column < 0 || column >= g.width) continue;
            sum += x[at(row, column, c, g.width, g.channels)];
            ++cells;
          }
        y.push_back(sum / cells);
      }
  return y;
}

/// By the value at a place between pixel centres: the hat function, with the border extended.
Values enlarge(const UpSample2d& layer, Shape input, const Values& x) {
  const Shape output = layer.output({input, "up", 0});
  const auto source = [&](int i, int factor, int size) {
    const double place = (i + 0.5) / factor - 0.5;
    return layer.interpolation == UpSampling::nearest ? static_cast<double>(i / factor)
                                                      : std::clamp(place, 0.0, size - 1.0);
  };
  Values y(output.size());
  for (int i = 0; i < output.height; ++i)
    for (int j = 0; j < output.width; ++j)
      for (int c = 0; c < output.channels; ++c) {
        double& value = y[at(i, j, c, output.width, output.channels)];
        for (int row = 0; row < input.height; ++row)
          for (int column = 0; column < input.width; ++column) {
            const double share = std::max(0.0, 1 - std::abs(source(i, layer.size.height, input.height) - row)) *
                                 std::max(0.0, 1 - std::abs(source(j, layer.size.width, input.width) - column));
            value += share * x[at(row, column, c, input.width, input.channels)];
          }
      }
  return y;
}

const std::vector<Shape> shapes = testing::reduced()
                                      ? std::vector<Shape>{{7, 5, 3}}
                                      : std::vector<Shape>{{1, 1, 1}, {7, 5, 3}, {4, 9, 17}, {13, 6, 33}};

}  // namespace

TEST_CASE("average pools are the means of their windows without padding", "[layers][kernels]") {
  for (const Shape& shape : shapes) {
    for (const Padding padding : {Padding::same, Padding::valid, Padding::symmetric, Padding::after}) {
      for (const Extent window : {Extent{1}, Extent{2}, Extent{3, 2}}) {
        for (const Extent stride : {Extent{1}, Extent{2}, Extent{1, 3}}) {
          const bool padded = padding == Padding::same || padding == Padding::symmetric;
          if (!padded && (window.height > shape.height || window.width > shape.width)) continue;
          const AveragePool2d layer{.pool_size = window, .stride = stride, .padding = padding};
          check_step(describe(layer), shape, 2e-5,
                     [&](const Values& x, const Values&) { return average_pool(layer, shape, x); });
          CHECK_STAGE(gradcheck_stage<AveragePool2dStage>({5, 4, 2}, 2, {}, layer));
        }
      }
    }
  }
  CHECK_THAT(message_of<ShapeError>([] {
               inspect(describe(AveragePool2d{.pool_size = 5, .padding = Padding::valid}), {4, 9, 1});
             }),
             Catch::Contains("layer average_pool2d_1 (AveragePool2d): expected an input of at least 5x5 pixels"));
}

TEST_CASE("global max pools take each channel's first maximum, and NaN before numbers", "[layers][kernels]") {
  for (const Shape& shape : shapes) {
    check_step(describe(GlobalMaxPool2d{}), shape, 0, [&](const Values& x, const Values&) {
      Values y(x.begin(), x.begin() + shape.channels);
      for (std::size_t i = 0; i < x.size(); ++i) {
        double& best = y[i % static_cast<std::size_t>(shape.channels)];
        best = std::max(best, x[i]);
      }
      return y;
    });
  }
  CHECK_STAGE(gradcheck_stage<GlobalMaxPool2dStage>({5, 4, 3}, 2, {}, GlobalMaxPool2d{}));
  const auto network = build<double>(describe(GlobalMaxPool2d{}), {2, 2, 1});
  Tensor<double> image(1, {2, 2, 1});
  auto space = network.workspace(1, Mode::train, 1);
  const auto gradient = [&](const std::vector<double>& values) {
    std::ranges::copy(values, image.data());
    network.forward(image, space).data[0] = 1;
    std::vector<double> dx(4);
    network.backward(image, space, dx.data());
    return dx;
  };
  CHECK(gradient({1, 3, 3, 2}) == std::vector<double>{0, 1, 0, 0});
  CHECK(gradient({9, std::nan(""), 3, 2}) == std::vector<double>{0, 1, 0, 0});
}

TEST_CASE("enlargements repeat cells, or lie on the lines between their centres", "[layers][kernels]") {
  for (const Shape& shape : shapes) {
    for (const Extent size : {Extent{1}, Extent{2}, Extent{3, 2}}) {
      for (const UpSampling interpolation : {UpSampling::nearest, UpSampling::bilinear}) {
        const UpSample2d layer{.size = size, .interpolation = interpolation};
        check_step(describe(layer), shape, interpolation == UpSampling::nearest ? 0 : 2e-5,
                   [&](const Values& x, const Values&) { return enlarge(layer, shape, x); });
        CHECK_STAGE(gradcheck_stage<UpSample2dStage>({3, 4, 2}, 2, {}, layer));
      }
    }
  }
  // Keras 2.3's UpSampling2D(2, interpolation='bilinear') of a row 0 4: half-pixel centres.
  const auto network =
      build<double>(describe(UpSample2d{.size = {1, 2}, .interpolation = UpSampling::bilinear}), {1, 2, 1});
  Tensor<double> row(1, {1, 2, 1});
  row.data()[1] = 4;
  CHECK(std::ranges::equal(network.predict(row).span(), std::vector<double>{0, 1, 3, 4}));
}

TEST_CASE("a transposed convolution spreads each cell by the kernel", "[layers][kernels]") {
  for (const Shape& shape : shapes) {
    for (const Padding padding : {Padding::same, Padding::valid, Padding::symmetric}) {
      for (const Extent kernel : {Extent{1}, Extent{3}, Extent{2, 4}, Extent{5, 3}}) {
        for (const Extent stride : {Extent{1}, Extent{2}, Extent{3, 1}}) {
          if (padding == Padding::symmetric && (kernel.height % 2 == 0 || kernel.width % 2 == 0)) continue;
          const Conv2dTranspose layer{.filters = 5, .kernel_size = kernel, .stride = stride, .padding = padding};
          const auto g = layer.geometry({shape, "up", 0});
          check_step(describe(layer), shape, 0, [&](const Values& x, const Values& weights) {
            Values y = kernels::reference::conv2d_input_gradient(
                g, {weights.begin(), weights.begin() + static_cast<long>(g.weight_size())}, x);
            for (std::size_t i = 0; i < y.size(); ++i) y[i] += weights[g.weight_size() + i % 5];
            return y;
          });
        }
      }
    }
  }
  for (const bool bias : {true, false}) {
    for (const Padding padding : {Padding::same, Padding::valid}) {
      for (const Extent stride : {Extent{1}, Extent{2}, Extent{3, 1}}) {
        CHECK_STAGE(gradcheck_stage<Conv2dTransposeStage>(
            {4, 3, 2}, 2, {},
            Conv2dTranspose{.filters = 3, .kernel_size = {3, 2}, .stride = stride, .padding = padding, .bias = bias}));
      }
    }
  }
  CHECK_THAT(message_of<OptionError>([] {
               inspect(describe(Conv2dTranspose{.kernel_size = 2, .padding = Padding::symmetric}), {4, 9, 1});
             }),
             Catch::Contains("expected an odd kernel where the padding is symmetric, found 2x2"));
}

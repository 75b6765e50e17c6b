/// Activations, reshaping, convolution with ReLU, residual and concatenated lists: against plain loops in double, on
/// every instruction set and any number of threads; their gradients against differences; and NaN, which none of them
/// swallows.

#include <abell/kernels/reference.hpp>
#include <abell/testing/gradcheck.hpp>
#include <cmath>
#include <limits>

#include "catch.hpp"
#include "error_message.hpp"
#include "stage_tools.hpp"

using namespace abell;
using namespace abell::testing;

namespace {

#define CHECK_GRADIENT(...)                    \
  do {                                         \
    const GradcheckResult found = __VA_ARGS__; \
    INFO(to_string(found));                    \
    CHECK(found.passed(1e-7));                 \
  } while (false)

/// A convolution with the weights from `offset` on, which is moved behind them.
Values convolve(const Conv2d& conv, Shape input, const Values& x, const Values& weights, std::size_t& offset) {
  const auto g = conv.geometry({input, "conv", 0});
  const auto take = [&](std::size_t size) {
    const auto begin = weights.begin() + static_cast<long>(offset);
    offset += size;
    return Values(begin, begin + static_cast<long>(size));
  };
  const Values kernel = take(g.weight_size()), bias = conv.bias ? take(static_cast<std::size_t>(g.filters)) : Values();
  return kernels::reference::conv2d(g, x, kernel, bias);
}

Values relu(Values x) {
  for (double& value : x) value = std::max(0.0, value);
  return x;
}

Values sum(Values x, const Values& y) {
  for (std::size_t i = 0; i < x.size(); ++i) x[i] += y.at(i);
  return x;
}

/// The maps one after the other in the channels.
Values concatenated(std::size_t pixels, const std::vector<Values>& maps) {
  Values all;
  for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
    for (const Values& map : maps) {
      const std::size_t channels = map.size() / pixels;
      all.insert(all.end(), map.begin() + static_cast<long>(pixel * channels),
                 map.begin() + static_cast<long>((pixel + 1) * channels));
    }
  }
  return all;
}

const std::vector<Shape> shapes =
    reduced() ? std::vector<Shape>{{7, 5, 3}} : std::vector<Shape>{{1, 1, 1}, {7, 5, 3}, {4, 9, 17}, {13, 6, 33}};

/// More values than one chunk holds.
constexpr Shape large{65, 33, 17};

}  // namespace

TEST_CASE("activations have their values and gradients", "[layers][kernels]") {
  const auto check = [](const auto& layer, double tolerance, const auto& f) {
    for (const Shape& shape : {Shape{1, 1, 1}, Shape{5, 3, 7}, large}) {
      check_step(describe(layer), shape, tolerance, [&](Values x, const Values&) {
        for (double& value : x) value = f(value);
        return x;
      });
    }
    CHECK_GRADIENT(gradcheck_stage<std::remove_cvref_t<decltype(layer)>::template Stage>({5, 3, 4}, 2, {}, layer));
  };
  check(Relu{}, 0, [](double x) { return std::max(0.0, x); });
  check(Relu6{}, 0, [](double x) { return std::clamp(x, 0.0, 6.0); });
  check(LeakyRelu{}, 1e-6, [](double x) { return x > 0 ? x : 0.3 * x; });
  check(LeakyRelu{.negative_slope = 0.25}, 0, [](double x) { return x > 0 ? x : x / 4; });
  check(LeakyRelu{.negative_slope = -1}, 0, [](double x) { return std::abs(x); });
  check(Sigmoid{}, 1e-6, [](double x) { return 1 / (1 + std::exp(-x)); });
  check(Tanh{}, 2e-6, [](double x) { return std::tanh(x); });

  // Far from zero, where exp overflows, and at the kinks.
  const auto value = [](const auto& layer, float x) {
    return step<float>(describe(layer), {1, 1, 1}, 1, {}, {static_cast<double>(x)}, {1}, best_isa(), 1);
  };
  for (const auto& [x, y] : {std::pair{1000.0F, 1.0F}, {-1000.0F, 0.0F}, {0.0F, 0.5F}}) {
    const auto found = value(Sigmoid{}, x);
    CHECK(found.y[0] == y);
    CHECK(found.dx[0] == y * (1 - y));
  }
  CHECK((value(Tanh{}, 1000).y[0] == 1 && value(Tanh{}, -1000).dx[0] == 0));
  CHECK((value(LeakyRelu{.negative_slope = 0.5}, 0).dx[0] == 0.5F && value(Relu{}, 0).dx[0] == 0));
  CHECK(value(Relu6{}, 6).dx[0] == 0);
  for (const double slope : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    CHECK_THAT(message_of<OptionError>([&] {
                 inspect(describe(LeakyRelu{.negative_slope = slope}), {1, 1, 1});
               }),
               Contains("layer leaky_relu_1 (LeakyRelu): expected a finite slope, found"));
  }
}

TEST_CASE("reshaping keeps the values and their order", "[layers]") {
  for (const Shape& to : {Shape{1, 1, 105}, Shape{15, 7, 1}, Shape{3, 5, 7}}) {
    check_step(describe(Reshape{.shape = to}), {5, 3, 7}, 0, [](const Values& x, const Values&) { return x; });
    CHECK(inspect(describe(Reshape{.shape = to}), {5, 3, 7}).front().output == to);
    const Reshape layer{.shape = to};
    CHECK_GRADIENT(gradcheck_stage<Reshape::Stage>({5, 3, 7}, 2, {}, layer));
  }
  const auto message = [](Shape to) {
    return message_of<ShapeError>([&] { inspect(describe(Reshape{.shape = to}), {2, 4, 1}); });
  };
  CHECK(message({3, 3, 1}) == "layer reshape_1 (Reshape): expected 9 values for 3x3x1, found 8 of 2x4x1");
  CHECK(message_of<OptionError>([] {
          inspect(describe(Reshape{.shape = {-2, -4, 1}}), {2, 4, 1});
        }) == "layer reshape_1 (Reshape): expected a side of at least 1, found -4");
}

TEST_CASE("a convolution with ReLU in one stage has the bits of the two layers", "[layers][kernels]") {
  for (const Shape& shape : shapes) {
    for (const Conv2d& conv : {Conv2d{.filters = 5}, Conv2d{.filters = 17, .kernel_size = {2, 3}, .stride = {2, 1}},
                               Conv2d{.filters = 4, .kernel_size = 1, .bias = false},
                               Conv2d{.filters = 3, .kernel_size = 1, .stride = 2, .padding = Padding::valid}}) {
      const auto list = describe(conv, Relu{});
      check_step(list, shape, 0, [&](const Values& x, const Values& weights) {
        std::size_t offset = 0;
        return relu(convolve(conv, shape, x, weights, offset));
      });
      const std::vector<LayerInfo> layers = inspect(list, shape);
      const std::size_t size = 2 * layers.back().output.size();
      Random random(5);
      const auto draw = [&](std::size_t count) {
        Values values(count);
        for (double& value : values) value = random.normal();
        return values;
      };
      const Values x = draw(2 * shape.size()), weights = draw(parameter_count(layers)), dy = draw(size);
      for (const Isa isa : supported_isas()) {
        INFO(name_of(isa) << ", " << to_string(shape));
        CHECK(step<float>(list, shape, 2, weights, x, dy, isa, 2) ==
              step<float, Fusion::off>(list, shape, 2, weights, x, dy, isa, 1));
      }
    }
  }
  for (const bool bias : {true, false}) {
    CHECK_GRADIENT(gradcheck_stage<Conv2dReluStage>({5, 4, 2}, 2, {}, Conv2d{.filters = 3, .bias = bias}, Relu{}));
    CHECK_GRADIENT(gradcheck_stage<Conv2dReluStage>({6, 5, 3}, 2, {}, Conv2d{.filters = 4, .stride = 2}, Relu{}));
  }
}

TEST_CASE("a residual layer adds its input, or a projection of it", "[layers][kernels]") {
  const Conv2d conv{.filters = 5}, down{.filters = 5, .stride = 2},
      projection{.filters = 5, .kernel_size = 1, .stride = 2};
  for (const Shape& shape : shapes) {
    const Conv2d same{.filters = shape.channels};
    check_step(describe(Residual{describe(same, Relu{})}), shape, 0, [&](const Values& x, const Values& weights) {
      std::size_t offset = 0;
      return sum(relu(convolve(same, shape, x, weights, offset)), x);
    });
    check_step(describe(Residual{describe(down, Relu{}, conv), describe(projection, Relu{})}), shape, 0,
               [&](const Values& x, const Values& weights) {
                 std::size_t offset = 0;
                 const Values inner = relu(convolve(down, shape, x, weights, offset));
                 const Values path = convolve(conv, down.output({shape, "down", 0}), inner, weights, offset);
                 return sum(path, relu(convolve(projection, shape, x, weights, offset)));
               });
    check_step(describe(Residual{describe(), describe(same)}), shape, 0, [&](const Values& x, const Values& weights) {
      std::size_t offset = 0;
      return sum(x, convolve(same, shape, x, weights, offset));
    });
    check_step(describe(Residual{describe()}), shape, 0, [](const Values& x, const Values&) { return sum(x, x); });
  }
  check_step(describe(Residual{describe(Reshape{.shape = large})}), large, 0,
             [](const Values& x, const Values&) { return sum(x, x); });
}

TEST_CASE("concatenated lists stand one after the other in the channels", "[layers][kernels]") {
  const Conv2d one{.filters = 5}, two{.filters = 18, .kernel_size = 1, .bias = false};
  for (const Shape& shape : shapes) {
    const std::size_t pixels = shape.pixels();
    check_step(describe(Concatenate{describe(one, Relu{}), describe()}), shape, 0,
               [&](const Values& x, const Values& weights) {
                 std::size_t offset = 0;
                 return concatenated(pixels, {relu(convolve(one, shape, x, weights, offset)), x});
               });
    check_step(describe(Concatenate{describe(), describe(two), describe(one), describe(Relu{})}), shape, 0,
               [&](const Values& x, const Values& weights) {
                 std::size_t offset = 0;
                 const Values second = convolve(two, shape, x, weights, offset);
                 return concatenated(pixels, {x, second, convolve(one, shape, x, weights, offset), relu(x)});
               });
    check_step(describe(Concatenate{describe(two)}), shape, 0, [&](const Values& x, const Values& weights) {
      std::size_t offset = 0;
      return convolve(two, shape, x, weights, offset);
    });
    check_step(describe(Concatenate{describe(), describe()}), shape, 0, [&](const Values& x, const Values&) {
      return concatenated(pixels, {x, x});
    });
  }
}

TEST_CASE("no layer swallows NaN", "[layers][nan]") {
  constexpr Shape shape{5, 4, 2};
  const auto check = [&](const auto& list) {
    INFO(inspect(list, shape).front().kind);
    for (const bool fused : {true, false}) {
      const auto run = [&](auto network) {
        Tensor<float> images(3, shape);
        std::ranges::fill(images.span(), 0.5F);
        CHECK(message_of<NumericError>([&] { network.predict(images); }).empty());
        images.view()(1, 2, 3, 1) = std::numeric_limits<float>::quiet_NaN();
        CHECK(message_of<NumericError>([&] { network.predict(images); }) ==
              "predict: the output for image 1 is not finite");
        auto space = network.workspace(3, Mode::train, 2);
        const auto y = network.forward(images, space).image(1);
        CHECK(std::any_of(y, y + network.output().size(), [](float value) { return std::isnan(value); }));
        std::ranges::fill(images.span(), 0.5F);
        if (network.parameters().empty()) return;
        network.parameters().back() = std::numeric_limits<float>::quiet_NaN();
        CHECK(message_of<NumericError>([&] { network.predict(images); }) ==
              "predict: the output for image 0 is not finite");
      };
      fused ? run(build<float>(list, shape)) : run(build<float, Fusion::off>(list, shape));
    }
  };
  check(describe(LeakyRelu{}));
  check(describe(Sigmoid{}));
  check(describe(Tanh{}));
  check(describe(Reshape{.shape = {40, 1, 1}}));
  for (const Padding padding : {Padding::same, Padding::valid}) {
    check(describe(AveragePool2d{.padding = padding}));
    check(describe(Conv2dTranspose{.filters = 3, .stride = {1, 3}, .padding = padding}));
  }
  check(describe(GlobalMaxPool2d{}));
  for (const UpSampling interpolation : {UpSampling::nearest, UpSampling::bilinear}) {
    check(describe(UpSample2d{.size = {3, 2}, .interpolation = interpolation}));
  }
  check(describe(Conv2d{.filters = 3}, Relu{}));
  check(describe(Residual{describe(Conv2d{.filters = 2}, Relu{})}));
  check(describe(Residual{describe(Relu{}, Conv2d{.filters = 3}), describe(Conv2d{.filters = 3})}));
  check(describe(Concatenate{describe(Relu{}), describe(Conv2d{.filters = 1})}));
}

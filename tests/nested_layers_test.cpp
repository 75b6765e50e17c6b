/// Layers that hold lists of layers: names and numbers, shapes, gradients, fused against plain, what a U-Net and a
/// ResNet learn.

#include <abell/abell.hpp>
#include <abell/inference/explain.hpp>
#include <abell/network/summary.hpp>
#include <abell/testing/gradcheck.hpp>
#include <algorithm>
#include <cmath>

#include "catch.hpp"
#include "error_message.hpp"
#include "nested_tools.hpp"
#include "reduced.hpp"

using namespace abell;
using namespace abell::testing;

namespace {

constexpr Shape shape{9, 8, 3};

constexpr auto residual =
    describe(Conv2d{.filters = 4}, Relu{},
             Residual{describe(Conv2d{.filters = 4}, Relu{}, Dropout{.rate = 0.3}, Conv2d{.filters = 4})}, Relu{},
             Residual{describe(Conv2d{.filters = 6, .stride = 2}, Tanh{}),
                      describe(Conv2d{.filters = 6, .kernel_size = 1, .stride = 2})},
             Flatten{}, Dense{.units = 3});
constexpr auto unet = describe(
    Conv2d{.filters = 3}, Relu{},
    Concatenate{describe(MaxPool2d{}, Conv2d{.filters = 4}, Relu{},
                         Concatenate{describe(MaxPool2d{}, Conv2d{.filters = 5}, Relu{}, UpSample2d{}), describe()},
                         Conv2d{.filters = 4}, Sigmoid{}, Conv2dTranspose{.filters = 2}),
                describe()},
    Conv2d{.filters = 1});
constexpr auto branches = describe(
    Concatenate{describe(Conv2d{.filters = 3}, Relu{}, MaxPool2d{}), describe(AveragePool2d{}),
                describe(Conv2d{.filters = 2, .kernel_size = 1, .stride = 2}, LeakyRelu{})},
    Residual{describe(Concatenate{describe(Conv2d{.filters = 3}), describe(Conv2d{.filters = 5, .kernel_size = 1})},
                      Relu{})},
    GlobalMaxPool2d{}, Dense{.units = 2});
/// Normalised chains within a residual layer, and a plain batch normalisation within a branch.
constexpr auto normalized =
    describe(Conv2d{.filters = 4, .stride = 2, .bias = false}, BatchNorm{}, Relu6{},
             Residual{describe(DepthwiseConv2d{.bias = false}, BatchNorm{}, Relu6{},
                               Conv2d{.filters = 4, .kernel_size = 1, .bias = false}, BatchNorm{}, Relu6{})},
             Concatenate{describe(Conv2d{.filters = 2, .bias = false}, BatchNorm{}, Relu{}), describe()},
             GlobalAveragePool2d{}, Dropout{.rate = 0.2}, Dense{.units = 3});

}  // namespace

TEST_CASE("gradients of nested layers agree with differences, and the stages keep their contract", "[nested]") {
  const auto check = [](const auto& description, Shape input) {
    for (const bool fused : {true, false}) {
      const auto run = [&](auto network) {
        draw(network, 3);
        auto images = noise<double>(3, input, 4);
        const GradcheckResult found = gradcheck(network, images);
        INFO(to_string(found));
        CHECK(found.passed(1e-6));
      };
      fused ? run(build<double>(description, input)) : run(build<double, Fusion::off>(description, input));
    }
  };
  check(residual, shape);
  check(unet, {8, 4, 2});
  check(branches, {6, 8, 3});
  check(normalized, {8, 6, 2});
}

TEST_CASE("fused trees of layers equal plain ones", "[nested]") {
  const int seeds = reduced() ? 3 : 50;
  for (int seed = 0; seed < seeds; ++seed) {
    INFO("seed " << seed);
    const auto s = static_cast<std::uint64_t>(seed);
    const int more = seed % 5;
    compare_with_plain(residual, {9 + more, 8, 3}, s);
    compare_with_plain(unet, {8, 4 + 4 * (seed % 3), 2}, s);
    compare_with_plain(branches, {6 + 2 * more, 8, 3}, s);
    compare_with_plain(normalized, {8, 6 + more, 2}, s);
  }
}

TEST_CASE("layers within layers are numbered through, and the table shows them", "[nested]") {
  const auto network = build<float>(unet, {8, 8, 2});
  std::vector<std::string> names;
  std::vector<std::uint32_t> indices;
  each_layer(network.layers(), [&](const LayerInfo& layer) {
    names.push_back(layer.name);
    indices.push_back(layer.index);
  });
  CHECK(names == std::vector<std::string>{"conv2d_1", "relu_1", "concatenate_1", "max_pool2d_1", "conv2d_2", "relu_2",
                                          "concatenate_2", "max_pool2d_2", "conv2d_3", "relu_3", "up_sample2d_1",
                                          "conv2d_4", "sigmoid_1", "conv2d_transpose_1", "conv2d_5"});
  for (std::uint32_t i = 0; i < indices.size(); ++i) CHECK(indices[i] == i);
  std::size_t offset = 0;
  for (const NamedParameter& named : network.named_parameters()) {
    CHECK(named.offset == offset);
    offset += named.size;
  }
  CHECK(network.named_parameters()[4].name == "conv2d_3/kernel");
  CHECK(network.parameters().size() == offset);
  const std::string table = summary(network);
  CHECK_THAT(table, Catch::Contains("\n    conv2d_3 +") && Catch::Contains("\n  conv2d_2 +") &&
                        Catch::Contains("\nconv2d_5  "));
  CHECK_THAT(table, Catch::Contains("+: fused with the next"));
}

TEST_CASE("every dropout within layers within layers has masks of its own", "[nested]") {
  constexpr auto net = describe(
      Concatenate{describe(Dropout{}), describe(Concatenate{describe(Dropout{}), describe(Dropout{}, Relu{})}),
                  describe(Residual{describe(Dropout{}), describe(Relu{}, Conv2d{.filters = 1, .trainable = false})})});
  auto network = build<float>(net, {20, 20, 1});
  std::ranges::fill(network.parameters(), 0.0F);  // nothing is added to the last mask
  Tensor<float> ones(1, {20, 20, 1});
  std::ranges::fill(ones.span(), 1.0F);
  for (const Mode mode : {Mode::train, Mode::monte_carlo}) {
    auto space = network.workspace(1, mode, 1);
    const auto y = network.forward(ones, space);
    for (std::size_t a = 0; a < 4; ++a) {
      for (std::size_t b = 0; b <= a; ++b) {
        int same = 0;
        for (std::size_t pixel = 0; pixel < 400; ++pixel) same += y.data[4 * pixel + a] == y.data[4 * pixel + b];
        INFO("dropouts " << a << " and " << b);
        CHECK((a == b ? same == 400 : same > 140 && same < 260));  // 200 with a deviation of 10
      }
    }
  }
}

TEST_CASE("nested layers that do not fit are refused by name", "[nested]") {
  const auto message = [](const auto& description) {
    return message_of<ShapeError>([&] { inspect(description, {8, 8, 3}); });
  };
  CHECK(message(describe(Residual{describe(Conv2d{.filters = 4})})) ==
        "layer residual_1 (Residual): expected two paths of one shape (a projection as the second?), found 8x8x4 and "
        "8x8x3");
  CHECK(message(describe(Concatenate{describe(MaxPool2d{}), describe()})) ==
        "layer concatenate_1 (Concatenate): expected paths of one height and width, found 4x4 and 8x8");
  CHECK(message(describe(Relu{.name = "a"}, Residual{describe(Relu{.name = "a"})})) ==
        "layer a (Relu): expected a name of its own, found the name of an earlier layer");
}

TEST_CASE("nested networks give the same bits on any number of threads, and their clones too", "[nested][threads]") {
  const auto check = [](const auto& description, Shape input) {
    auto network = build<float>(description, input, 5);
    draw(network, 6);
    const auto images = noise<float>(5, input, 7);
    const auto step = [&](int threads) {
      auto space = network.workspace(5, Mode::train, threads);
      const auto y = network.forward(images, space);
      for (float& value : y.span()) value *= 0.5F;
      network.backward(images, space);
      return std::vector<float>(space.gradients.data(), space.gradients.data() + space.gradients.size());
    };
    const auto alone = step(1);
    for (const int threads : {2, 3, 4}) CHECK(step(threads) == alone);
    auto copy = network.clone();
    const auto answers = network.predict(images);
    CHECK(std::ranges::equal(copy.predict(images).span(), answers.span()));
    copy.parameters()[0] += 1;
    CHECK(std::ranges::equal(network.predict(images, 3).span(), answers.span()));
  };
  check(residual, shape);
  check(unet, {8, 8, 2});
  check(normalized, {8, 6, 2});
}

TEST_CASE("Grad-CAM looks at layers within layers", "[nested][explain]") {
  constexpr auto net = describe(Conv2d{.filters = 3},
                                Residual{describe(Conv2d{.filters = 3, .name = "inner"}, Tanh{}, Conv2d{.filters = 3})},
                                Flatten{}, Dense{.units = 2}, Softmax{});
  auto network = build<double, Fusion::off>(net, shape);
  draw(network, 8);
  const auto image = noise<double>(1, shape, 9);
  const Image map = grad_cam(network, image, 1, {.layer = "inner"});
  // The same by hand: y's slope with a bias of `inner` is the sum of its slopes over the pixels, which is alpha.
  const auto named = std::ranges::find(network.named_parameters(), "inner/bias", &NamedParameter::name);
  REQUIRE(named != network.named_parameters().end());
  auto space = network.workspace(1, Mode::explain, 1);
  std::vector<double> activation;
  View<double> logits = network.forward(image, space);
  network.each_activation(space, [&](const std::string& name, std::size_t, View<double> output) {
    if (name == "inner") activation.assign(output.data, output.data + output.size());
  });
  std::ranges::fill(logits.span(), 0.0);
  logits.data[1] = 1;
  network.backward(image, space);
  REQUIRE(activation.size() == shape.size());
  for (std::size_t p = 0; p < shape.pixels(); ++p) {
    double sum = 0;
    for (std::size_t k = 0; k < 3; ++k) sum += space.gradients.data()[named->offset + k] / 72 * activation[3 * p + k];
    CHECK(static_cast<double>(map.pixels[p]) == Approx(std::max(0.0, sum)).margin(1e-6));
  }
}

TEST_CASE("a workspace holds at least one image", "[network]") {
  const auto network = build<float>(residual, shape);
  for (const int batch : {0, -1}) {
    CHECK(message_of<OptionError>([&] { network.workspace(batch); }) ==
          "batch: expected 1 or more, found " + std::to_string(batch));
  }
}

TEST_CASE("a small ResNet with batch normalisation learns", "[nested][training]") {
  constexpr auto block = [](int filters) {
    return Residual{describe(Conv2d{.filters = filters, .bias = false}, BatchNorm{}, Relu{},
                             Conv2d{.filters = filters, .bias = false}, BatchNorm{})};
  };
  constexpr auto resnet = describe(Conv2d{.filters = 6, .bias = false}, BatchNorm{}, Relu{}, block(6), Relu{},
                                   MaxPool2d{}, block(6), Relu{}, GlobalAveragePool2d{}, Dense{.units = 2}, Softmax{});
  constexpr Shape input{12, 12, 1};
  Tensor<float> images = noise<float>(60, input, 11);
  std::vector<int> labels;
  for (int n = 0; n < images.batch(); ++n) {
    labels.push_back(n % 2);
    for (int i = 3; i < 9; ++i) images.view()(n, labels.back() == 1 ? i : 6, labels.back() == 1 ? 6 : i, 0) += 2;
  }
  auto network = build<float>(resnet, input, 2);
  const History history = fit(network, ArraySamples(std::move(images), labels),
                              {.batch = 10, .epochs = 15, .optimizer = Adam{.learning_rate = 0.01}});
  CHECK(history.front().loss > 0.4);
  CHECK(history.back().metric > 0.95);
}

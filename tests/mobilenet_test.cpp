/// MobileNet: its table, initial weights, training in small, frozen base, NaN.

#include <abell/models/mobilenet.hpp>
#include <abell/network/summary.hpp>
#include <abell/testing/gradcheck.hpp>
#include <abell/training/fit.hpp>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "catch.hpp"
#include "error_message.hpp"
#include "kernel_tools.hpp"

using namespace abell;

namespace {

template <class T>
Tensor<T> normal_images(int batch, Shape size, std::uint64_t seed = 9) {
  Tensor<T> images(batch, size);
  Random random(seed);
  for (T& value : images.span()) value = static_cast<T>(random.normal());
  return images;
}

template <class Network>
std::vector<typename Network::Scalar> weights_of(const Network& network) {
  return {network.parameters().begin(), network.parameters().end()};
}

constexpr Shape small{64, 64, 3};
const std::vector<int> labels{0, 1, 1, 0, 1, 1};

/// Weights and moving averages of a narrow MobileNet after some steps with all of it free.
template <class Network>
void pretrain(Network& network, const Tensor<float>& images) {
  auto free = build<float>(make_mobilenet({.alpha = 0.25, .dropout = 0, .batch_norm = {.momentum = 0.5}}), small, 1);
  const FitOptions options{.optimizer = Sgd{.learning_rate = 0.01}};
  OptimizerState<float> state(options.optimizer, free.parameters().size());
  auto space = free.workspace(images.batch(), Mode::train, 2);
  for (int i = 0; i < 8; ++i) train_step(free, options, state, space, images.view(), label_targets(labels));
  std::ranges::copy(free.parameters(), network.parameters().begin());
}

}  // namespace

TEST_CASE("MobileNet is the table of Howard et al. with Keras's names", "[mobilenet]") {
  struct Row {
    std::string name;
    Shape output;
    std::size_t parameters, multiply_adds;
  };
  std::vector<Row> table;
  const auto link = [&](const std::string& name, int side, int filters, std::size_t weights) {
    const Shape shape{side, side, filters};
    table.push_back({name, shape, weights, weights * shape.pixels()});
    table.push_back({name + "_bn", shape, 4 * static_cast<std::size_t>(filters), 0});
    table.push_back({name + "_relu", shape, 0, 0});
  };
  struct Block {
    int side, channels, filters;
    std::size_t depthwise, pointwise;
  };
  link("conv1", 112, 32, 864);
  int number = 0;
  for (const Block& b : std::vector<Block>{{112, 32, 64, 288, 2048},
                                           {56, 64, 128, 576, 8192},
                                           {56, 128, 128, 1152, 16384},
                                           {28, 128, 256, 1152, 32768},
                                           {28, 256, 256, 2304, 65536},
                                           {14, 256, 512, 2304, 131072},
                                           {14, 512, 512, 4608, 262144},
                                           {14, 512, 512, 4608, 262144},
                                           {14, 512, 512, 4608, 262144},
                                           {14, 512, 512, 4608, 262144},
                                           {14, 512, 512, 4608, 262144},
                                           {7, 512, 1024, 4608, 524288},
                                           {7, 1024, 1024, 9216, 1048576}}) {
    const std::string index = std::to_string(++number);
    link("conv_dw_" + index, b.side, b.channels, b.depthwise);
    link("conv_pw_" + index, b.side, b.filters, b.pointwise);
  }
  std::vector<Row> own = table, published = table;
  own.push_back({"global_average_pool2d_1", {1, 1, 1024}, 0, 0});
  own.push_back({"dropout_1", {1, 1, 1024}, 0, 0});
  own.push_back({"dense_1", {1, 1, 2}, 2050, 2048});
  own.push_back({"softmax_1", {1, 1, 2}, 0, 0});
  published.push_back({"global_average_pool2d_1", {1, 1, 1024}, 0, 0});
  published.push_back({"dropout", {1, 1, 1024}, 0, 0});
  published.push_back({"conv_preds", {1, 1, 1000}, 1025000, 1024000});
  published.push_back({"act_softmax", {1, 1, 1000}, 0, 0});

  const auto check = [](const std::vector<LayerInfo>& layers, const std::vector<Row>& rows) {
    REQUIRE(layers.size() == rows.size());
    for (std::size_t i = 0; i < layers.size(); ++i) {
      INFO(layers[i].name);
      CHECK(layers[i].name == rows[i].name);
      CHECK(layers[i].output == rows[i].output);
      CHECK(layers[i].parameter_count() == rows[i].parameters);
      CHECK(layers[i].multiply_adds == rows[i].multiply_adds);
    }
  };
  const auto ours = inspect(mobilenet, mobilenet_input);
  const auto base = inspect(MobileNet{{}, MobileNetHead::none}, mobilenet_input);
  const auto imagenet = inspect(make_mobilenet_imagenet(), mobilenet_input);
  check(ours, own);
  check(base, table);
  check(imagenet, published);
  CHECK(totals(ours).parameters == 3230914);
  CHECK(totals(base).parameters == 3228864);
  CHECK(totals(imagenet).parameters == 4253864);
  CHECK(totals(base).multiply_adds == 567716352);
  CHECK(totals(imagenet).multiply_adds == 568740352);
  const auto trainable = [](const std::vector<LayerInfo>& layers) {
    std::size_t sum = 0;
    for (const LayerInfo& layer : layers) {
      for (const Parameter& p : layer.parameters) sum += p.trainable ? p.size() : 0;
    }
    return sum;
  };
  CHECK(trainable(ours) == 3209026);
  CHECK(trainable(base) == 3206976);
  CHECK(trainable(imagenet) == 4231976);
  CHECK(trainable(inspect(make_mobilenet({.train_base = false}), mobilenet_input)) == 2050);
}

TEST_CASE("MobileNet's options set widths, paddings and classes", "[mobilenet]") {
  const auto layers = inspect(make_mobilenet({.alpha = 0.25, .classes = 5}), {128, 128, 3});
  CHECK(layers.front().output == Shape{64, 64, 8});
  CHECK(layers[80].output == Shape{4, 4, 256});
  CHECK(layers.back().output == Shape{1, 1, 5});
  // Symmetric padding samples another grid, but of the same size.
  const auto symmetric = inspect(make_mobilenet({.padding = Padding::symmetric}), mobilenet_input);
  CHECK(symmetric.front().output == Shape{112, 112, 32});
}

TEST_CASE("MobileNet's grid is keras-applications' for all sides", "[mobilenet]") {
  for (int side = 32; side <= 400; ++side) {
    INFO(side);
    int expected = side;
    int halved = 0;
    for (const LayerInfo& layer : inspect(make_mobilenet({.alpha = 0.1}), {side, side + 1, 3})) {
      const bool halves = layer.name == "conv1" || layer.name == "conv_dw_2" || layer.name == "conv_dw_4" ||
                          layer.name == "conv_dw_6" || layer.name == "conv_dw_12";
      if (halves) ++halved, expected /= 2;  // padded by one cell behind, then without padding
      if (layer.kind == "GlobalAveragePool2d") break;
      REQUIRE(layer.output.height == expected);
    }
    REQUIRE(halved == 5);
  }
  const auto side_of = [](int side, const std::string& name, Padding padding) {
    const auto layers = inspect(make_mobilenet({.alpha = 0.1, .padding = padding}), {side, side, 3});
    return std::ranges::find(layers, name, &LayerInfo::name)->output.height;
  };
  CHECK(side_of(356, "conv_dw_4", Padding::after) == 44);
  CHECK(side_of(356, "conv_dw_12", Padding::after) == 11);
  CHECK(side_of(200, "conv_dw_6", Padding::after) == 12);
  CHECK(side_of(200, "conv_dw_12", Padding::after) == 6);
  CHECK(side_of(356, "conv_dw_4", Padding::same) == 45);
}

TEST_CASE("MobileNet's initial weights are Keras's", "[mobilenet]") {
  const auto network = build<float>(mobilenet, {32, 32, 3}, 3);
  const std::string text = summary(network);
  CHECK_THAT(text, Contains("conv_dw_13_bn") && Contains("3,230,914"));
  for (const NamedParameter& named : network.named_parameters()) {
    INFO(named.name);
    const auto values = network.parameters().subspan(named.offset, named.size);
    const auto [least, most] = std::ranges::minmax(values);
    const auto& d = named.dimensions;
    if (!named.name.ends_with("kernel")) {
      const float value = named.name.ends_with("/gamma") || named.name.ends_with("/moving_variance") ? 1.0F : 0.0F;
      CHECK((least == value && most == value));
      continue;
    }
    // Kernels are [height][width][in][out] for Keras, a depthwise one's multiplier its out.
    const double limit =
        d.size() == 2 ? std::sqrt(6.0 / (d[0] + d[1])) : std::sqrt(6.0 / (d[0] * d[1] * (d[2] + d[3])));
    CHECK(static_cast<double>(most) <= limit * 1.0001);
    CHECK(static_cast<double>(most) > limit * 0.95);
    CHECK(static_cast<double>(least) < -limit * 0.95);
  }
}

TEST_CASE("a narrow MobileNet overfits one batch", "[mobilenet]") {
  auto network = build<float>(make_mobilenet({.alpha = 0.25, .dropout = 0}), small, 1);
  const auto images = normal_images<float>(6, small);
  const FitOptions options{.optimizer = Sgd{.learning_rate = 0.05, .momentum = 0.9}};
  OptimizerState<float> state(options.optimizer, network.parameters().size());
  auto space = network.workspace(6, Mode::train, 2);
  const auto step = [&] {
    return train_step(network, options, state, space, images.view(), label_targets(labels)).loss / 6;
  };
  const double before = step();
  double after = before;
  for (int i = 0; i < 40; ++i) after = step();
  CHECK(before > 0.3);
  CHECK(after < 0.01);
}

TEST_CASE("MobileNet's prediction is its training pass with frozen moving averages", "[mobilenet]") {
  const MobileNetOptions options{.alpha = 0.25, .dropout = 0};
  MobileNetOptions frozen_options = options;
  frozen_options.train_base = false;
  auto network = build<double>(make_mobilenet(options), small, 1);
  const auto images = normal_images<double>(6, small);
  const FitOptions fit{.optimizer = Sgd{.learning_rate = 0.01}};
  OptimizerState<double> state(fit.optimizer, network.parameters().size());
  auto space = network.workspace(6, Mode::train, 2);
  for (int i = 0; i < 5; ++i) train_step(network, fit, state, space, images.view(), label_targets(labels));
  auto frozen = build<double>(make_mobilenet(frozen_options), small, 2);
  std::ranges::copy(network.parameters(), frozen.parameters().begin());
  auto frozen_space = frozen.workspace(6, Mode::train, 2);
  const View<double> logits = frozen.forward(images, frozen_space);
  const auto probabilities = network.predict(images);
  for (int n = 0; n < 6; ++n) {
    const double* z = logits.image(n);
    CHECK(probabilities.view().image(n)[1] == Approx(1 / (1 + std::exp(z[0] - z[1]))).epsilon(1e-10));
  }
}

TEST_CASE("gradients of a tiny MobileNet agree with differences", "[mobilenet][gradients]") {
  auto network = build<double>(make_mobilenet({.alpha = 0.1, .dropout = 0.2}), {64, 64, 3}, 4);
  auto images = normal_images<double>(3, {64, 64, 3});
  const auto loss = [](View<double> logits, bool gradient) {
    const std::vector<int> classes{0, 1, 1};
    return SoftmaxCrossEntropy{}(logits, label_targets(classes), gradient).loss / logits.batch;
  };
  const auto found = gradcheck(network, images, loss, {.most = testing::reduced() ? 1U : 3U});
  INFO(to_string(found));
  CHECK(found.passed(1e-6));
}

TEST_CASE("a training step with a frozen base changes the head alone and leaves the backward pass through the base out",
          "[mobilenet][frozen]") {
  for (const FrozenStatistics statistics : {FrozenStatistics::moving, FrozenStatistics::batch}) {
    auto network = build<float>(
        make_mobilenet({.alpha = 0.25, .dropout = 0, .train_base = false, .batch_norm = {.frozen = statistics}}), small,
        1);
    const auto images = normal_images<float>(6, small);
    pretrain(network, images);
    const auto before = weights_of(network);
    const auto in_base = [](const NamedParameter& named) { return !named.name.starts_with("dense_1/"); };

    auto space = network.workspace(6, Mode::train, 2), whole = network.workspace(6, Mode::train, 2);
    const auto start = [&](Workspace<float>& memory) {
      SoftmaxCrossEntropy{}(network.forward(images, memory), label_targets(labels), true);
    };
    start(space);
    start(whole);
    // Nothing of the base is read but what it gave the head: all else that it saved is spoilt first.
    View<float> given;
    network.each_activation(space, [&](const std::string& name, std::size_t, View<float> output) {
      if (name != "dense_1") given = output;
    });
    const std::vector<float> kept(given.span().begin(), given.span().end());
    std::ranges::fill(space.saved.span(), std::byte{0xFF});
    std::ranges::copy(kept, given.data);
    network.backward(images, space);
    std::vector<float> image_gradient(images.size());
    network.backward(images, whole, image_gradient.data());
    CHECK(std::ranges::count(image_gradient, 0.0F) < std::ssize(image_gradient) / 2);
    for (const NamedParameter& named : network.named_parameters()) {
      INFO(named.name);
      const auto found = space.gradients.span().subspan(named.offset, named.size);
      if (in_base(named)) {
        CHECK(std::ranges::count(found, 0.0F) == std::ssize(found));
      } else {
        CHECK(std::ranges::equal(found, whole.gradients.span().subspan(named.offset, named.size)));
        CHECK(std::ranges::count(found, 0.0F) < std::ssize(found) / 2);
      }
    }

    const FitOptions options{.optimizer = Adadelta{.learning_rate = 1, .decay = 0}};
    OptimizerState<float> state(options.optimizer, network.parameters().size());
    for (int i = 0; i < 3; ++i) train_step(network, options, state, space, images.view(), label_targets(labels));
    const auto after = weights_of(network);
    for (const NamedParameter& named : network.named_parameters()) {
      INFO(named.name);
      CHECK((std::memcmp(&before[named.offset], &after[named.offset], named.size * sizeof(float)) == 0) ==
            in_base(named));
    }
  }
}

TEST_CASE("within a chain the backward pass ends at the first link that trains", "[normalized][frozen]") {
  constexpr BatchNorm norm, fixed{.trainable = false};
  constexpr auto layers =
      describe(Conv2d{.filters = 5, .trainable = false}, fixed, Relu6{}, DepthwiseConv2d{.trainable = false}, fixed,
               Relu6{}, Conv2d{.filters = 7, .kernel_size = 1, .trainable = false}, norm, Relu6{}, DepthwiseConv2d{},
               fixed, Relu6{}, GlobalAveragePool2d{}, Dense{.units = 3});
  auto network = build<float>(layers, {12, 13, 3}, 1);
  const auto images = normal_images<float>(3, {12, 13, 3});
  auto space = network.workspace(3, Mode::train, 2), whole = network.workspace(3, Mode::train, 1);
  for (auto* memory : {&space, &whole}) {
    const auto y = network.forward(images, *memory);
    std::ranges::copy(testing::cast<float>(testing::integers(y.size(), 3)), y.data);
  }
  std::vector<float> image_gradient(images.size());
  network.backward(images, space);
  network.backward(images, whole, image_gradient.data());
  bool begun = false;
  for (const NamedParameter& named : network.named_parameters()) {
    INFO(named.name);
    const auto found = space.gradients.span().subspan(named.offset, named.size);
    begun = begun || named.name.starts_with("conv2d_2/");
    if (begun) {
      CHECK(std::ranges::equal(found, whole.gradients.span().subspan(named.offset, named.size)));
    } else {
      CHECK(std::ranges::count(found, 0.0F) == std::ssize(found));
    }
    if (named.trainable) CHECK(std::ranges::count(found, 0.0F) < std::ssize(found));
  }
}

TEST_CASE("a NaN pixel or weight of MobileNet ends in an error", "[mobilenet][nan]") {
  auto network = build<float>(make_mobilenet({.alpha = 0.25}), small, 1);
  const auto sound = normal_images<float>(6, small);
  const FitOptions options;
  const auto train = [&](const Tensor<float>& images) {
    OptimizerState<float> state(options.optimizer, network.parameters().size());
    auto space = network.workspace(6, Mode::train, 2);
    return message_of<NumericError>(
        [&] { train_step(network, options, state, space, images.view(), label_targets(labels)); });
  };
  for (const std::size_t at : {std::size_t{0}, small.size() + 6000, 2 * small.size() - 1}) {
    auto images = normal_images<float>(6, small);
    images.span()[at] = std::nanf("");
    const auto before = weights_of(network);
    CHECK_FALSE(train(images).empty());
    CHECK(before == weights_of(network));
    CHECK(message_of<NumericError>([&] { network.predict(images); }) ==
          "predict: the output for image " + std::to_string(at / small.size()) + " is not finite");
  }
  for (const NamedParameter& named : network.named_parameters()) {
    INFO(named.name);
    const auto kept = weights_of(network);
    network.parameters()[named.offset + named.size / 2] = std::nanf("");
    CHECK(message_of<NumericError>([&] { network.predict(sound); }) == "predict: the output for image 0 is not finite");
    CHECK_FALSE(train(sound).empty());
    std::ranges::copy(kept, network.parameters().begin());
  }
  CHECK(message_of<NumericError>([&] { network.predict(sound); }).empty());
  CHECK(train(sound).empty());
}

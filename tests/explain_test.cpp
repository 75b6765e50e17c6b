/// Maps that explain: against differences, hand calculations and brute force, in double.

#include <abell/inference/explain.hpp>
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"

using namespace abell;

namespace {

constexpr Shape shape{13, 10, 3};
constexpr auto blocks = describe(Conv2d{.filters = 6}, Relu{}, MaxPool2d{}, Conv2d{.filters = 5}, Relu{}, MaxPool2d{});
constexpr Shape block_output{4, 3, 5};
constexpr auto head =
    describe(Flatten{}, Dense{.units = 9}, Relu{}, Dropout{.rate = 0.9}, Dense{.units = 3, .name = "logits"});
constexpr auto logits = join(blocks, head);
constexpr auto net = join(logits, describe(Softmax{}));

Tensor<double> noise(Shape size = shape, std::uint64_t seed = 4) {
  Tensor<double> image(1, size);
  Random random(seed);
  for (double& value : image.span()) value = random.normal();
  return image;
}

/// `description` with the parameters [first, first + ...) of all those drawn for `net`, biases too.
template <Fusion fusion = Fusion::on, class Description>
auto drawn(const Description& description, Shape input = shape, std::size_t first = 0) {
  auto network = build<double, fusion>(description, input);
  Random random(6);
  for (std::size_t i = 0; i < first; ++i) random.uniform(-0.4, 0.4);
  for (double& value : network.parameters()) value = random.uniform(-0.4, 0.4);
  return network;
}

/// d output[class] / d input of a network that needs no explaining, by differences.
template <class Network>
std::vector<double> differences(const Network& network, Tensor<double>& input, int class_index) {
  const double step = 1e-6;
  std::vector<double> slopes;
  for (double& value : input.span()) {
    const double kept = value;
    value = kept + step;
    const double up = network.predict(input, 1).data()[class_index];
    value = kept - step;
    const double down = network.predict(input, 1).data()[class_index];
    value = kept;
    slopes.push_back((up - down) / (2 * step));
  }
  return slopes;
}

/// Moving averages as after some training; gamma and beta around 1, so that ReLU6 lets some values through and cuts
/// others, and the slopes stand far above the differences' rounding.
template <class Network>
void settle(Network& network) {
  for (const NamedParameter& named : network.named_parameters()) {
    const bool affine = named.name.ends_with("/gamma") || named.name.ends_with("/beta");
    for (double& value : network.parameters().subspan(named.offset, named.size)) {
      value = affine ? 1 + value : named.trainable ? value : 0.5 + value * value;
    }
  }
}

/// The largest difference over the largest expected value, which must be above 0.
double relative(const Image& found, const std::vector<double>& expected) {
  REQUIRE(found.channels == 1);
  REQUIRE(found.pixels.size() == expected.size());
  double gap = 0, largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double here = std::abs(static_cast<double>(found.pixels[i]) - expected[i]);
    gap = here <= gap ? gap : here;
    largest = std::max(largest, std::abs(expected[i]));
  }
  REQUIRE(largest > 0);
  return gap / largest;
}

constexpr double rounding = 2e-7;  // maps are float

}  // namespace

TEST_CASE("saliency is the largest slope of the logit over the channels", "[explain]") {
  auto image = noise();
  const auto reference = drawn<Fusion::off>(logits);
  for (const int class_index : {0, 2}) {
    INFO("class " << class_index);
    const auto slopes = differences(reference, image, class_index);
    std::vector<double> expected(shape.pixels());
    for (std::size_t i = 0; i < slopes.size(); ++i) expected[i / 3] = std::max(expected[i / 3], std::abs(slopes[i]));
    const Image fused = saliency(drawn(net), image, class_index);
    CHECK(fused.height == 13);
    CHECK(fused.width == 10);
    CHECK(relative(fused, expected) < rounding);
    CHECK(relative(saliency(drawn<Fusion::off>(net), image, class_index), expected) < rounding);
    CHECK(relative(saliency(drawn(logits), image, class_index), expected) < rounding);
  }
}

TEST_CASE("Grad-CAM weighs the last activation of more than one pixel by the slopes of the logit", "[explain]") {
  const auto image = noise();
  const auto features = drawn<Fusion::off>(blocks);
  REQUIRE(features.output() == block_output);
  const auto rest = drawn<Fusion::off>(head, block_output, features.parameters().size());
  auto activation = features.predict(image);
  double largest = 0;
  for (const int class_index : {0, 1, 2}) {
    INFO("class " << class_index);
    const auto slopes = differences(rest, activation, class_index);
    std::vector<double> alpha(5);
    for (std::size_t i = 0; i < slopes.size(); ++i) alpha[i % 5] += slopes[i] / 12;
    Image coarse(4, 3, 1);
    for (std::size_t p = 0; p < 12; ++p) {
      double sum = 0;
      for (std::size_t k = 0; k < 5; ++k) sum += alpha[k] * activation.data()[5 * p + k];
      coarse.pixels[p] = static_cast<float>(std::max(0.0, sum));
      largest = std::max(largest, sum);
    }
    const Image expected = resize(coarse, 13, 10);
    const auto check = [&](const Image& found) {
      REQUIRE(found.pixels.size() == expected.pixels.size());
      for (std::size_t i = 0; i < found.pixels.size(); ++i) {
        CHECK(found.pixels[i] == Approx(expected.pixels[i]).epsilon(1e-6).margin(1e-8));
      }
    };
    check(grad_cam(drawn(net), image, class_index));
    check(grad_cam(drawn<Fusion::off>(net), image, class_index));
    check(grad_cam(drawn(net), image, class_index, {.layer = "max_pool2d_2", .threads = 1}));
    check(grad_cam(drawn(logits), image, class_index));
  }
  CHECK(largest > 0.01);  // some map shows something
}

TEST_CASE("Grad-CAM of a network that is calculated by hand", "[explain]") {
  // Two channels of 2x2 pixels: A_0 = x, A_1 = -2 x, both after ReLU.
  constexpr auto layers =
      describe(Conv2d{.filters = 2, .kernel_size = 1}, Relu{}, Flatten{}, Dense{.units = 2}, Softmax{});
  auto network = build<double>(layers, {2, 2, 1});
  auto plain = build<double, Fusion::off>(layers, {2, 2, 1});
  const std::vector<double> parameters{1,  -2, 0, 0,  // kernel, bias
                                       4,  0,  0, 0,  // row 0, column 0: channel 0 to both classes, channel 1 to both
                                       0,  0,  0, 8,  // row 0, column 1
                                       4,  0,  0, 0,  // row 1, column 0
                                       -4, 0,  0, 0,  // row 1, column 1
                                       0,  0};
  REQUIRE(network.parameters().size() == parameters.size());
  std::ranges::copy(parameters, network.parameters().begin());
  std::ranges::copy(parameters, plain.parameters().begin());
  Tensor<double> image(1, {2, 2, 1});
  std::ranges::copy(std::vector<double>{3, -1, 0, 5}, image.data());
  // Class 0: alpha = (1, 0), A_0 = (3, 0, 0, 5). Class 1: alpha = (0, 2), A_1 = (0, 2, 0, 0).
  for (const std::string layer : {"", "relu_1"}) {
    CHECK(grad_cam(network, image, 0, {.layer = layer}).pixels == std::vector<float>{3, 0, 0, 5});
    CHECK(grad_cam(network, image, 1, {.layer = layer}).pixels == std::vector<float>{0, 4, 0, 0});
    CHECK(grad_cam(plain, image, 0, {.layer = layer}).pixels == std::vector<float>{3, 0, 0, 5});
    CHECK(grad_cam(plain, image, 1, {.layer = layer}).pixels == std::vector<float>{0, 4, 0, 0});
  }
  // Before ReLU, where it is not fused: only pixels that it lets through carry a slope (x 1/4), but all carry their
  // value.
  CHECK(grad_cam(plain, image, 0, {.layer = "conv2d_1"}).pixels == std::vector<float>{0, 0, 0, 0});
  CHECK(grad_cam(plain, image, 1, {.layer = "conv2d_1"}).pixels == std::vector<float>{0, 4, 0, 0});
}

TEST_CASE("a coarse map is brought to the image's size around the pixels' centres", "[explain]") {
  auto network = build<double>(describe(MaxPool2d{}, Flatten{}, Dense{.units = 1}), {2, 4, 1});
  std::ranges::copy(std::vector<double>{1, 1, 0}, network.parameters().begin());
  Tensor<double> image(1, {2, 4, 1});
  std::ranges::copy(std::vector<double>{8, 0, 0, 0, 0, 0, 0, 0}, image.data());
  const std::vector<float> row{8, 6, 2, 0};
  const Image map = grad_cam(network, image, 0);
  CHECK(std::ranges::equal(std::span(map.pixels).first(4), row));
  CHECK(std::ranges::equal(std::span(map.pixels).last(4), row));
}

TEST_CASE("batch norm takes its moving averages in explanations", "[explain]") {
  constexpr auto layers =
      describe(Conv2d{.filters = 6, .stride = 2}, BatchNorm{}, Relu6{}, DepthwiseConv2d{}, BatchNorm{}, Relu6{},
               Conv2d{.filters = 5, .kernel_size = 1}, BatchNorm{}, Relu6{}, GlobalAveragePool2d{}, Dense{.units = 3});
  auto image = noise();
  auto reference = drawn<Fusion::off>(layers);
  auto network = drawn(join(layers, describe(Softmax{})));  // one chain
  auto plain = drawn<Fusion::off>(join(layers, describe(Softmax{})));
  settle(reference);
  settle(network);
  settle(plain);
  const auto slopes = differences(reference, image, 1);
  std::vector<double> expected(shape.pixels());
  for (std::size_t i = 0; i < slopes.size(); ++i) expected[i / 3] = std::max(expected[i / 3], std::abs(slopes[i]));
  CHECK(relative(saliency(network, image, 1), expected) < rounding);
  CHECK(relative(saliency(plain, image, 1), expected) < rounding);
  // After the last activation comes the mean alone, so alpha is the dense layer's weight over the pixels.
  const NamedParameter& dense = network.named_parameters()[network.named_parameters().size() - 2];
  REQUIRE(dense.name == "dense_1/kernel");
  auto space = reference.workspace(1, Mode::explain, 1);
  reference.forward(image, space);
  View<double> last;
  reference.each_activation(space, [&](const std::string& name, std::size_t, View<double> output) {
    if (name == "relu6_3") last = output;
  });
  REQUIRE(last.shape == Shape{7, 5, 5});
  Image coarse(7, 5, 1);
  for (std::size_t p = 0; p < 35; ++p) {
    double sum = 0;
    for (std::size_t k = 0; k < 5; ++k)
      sum += network.parameters()[dense.offset + 3 * k + 1] / 35 * last.data[5 * p + k];
    coarse.pixels[p] = static_cast<float>(std::max(0.0, sum));
  }
  const Image hand = resize(coarse, 13, 10);
  CHECK(*std::ranges::max_element(hand.pixels) > 0.001F);
  for (const Image& cam : {grad_cam(network, image, 1), grad_cam(plain, image, 1)}) {
    REQUIRE(cam.pixels.size() == hand.pixels.size());
    for (std::size_t i = 0; i < cam.pixels.size(); ++i) {
      CHECK(cam.pixels[i] == Approx(hand.pixels[i]).epsilon(1e-6).margin(1e-8));
    }
  }
}

TEST_CASE("occlusion is the mean fall of the probability under the squares over a pixel", "[explain]") {
  const auto image = noise();
  const auto network = drawn(net);
  const auto plain = drawn<Fusion::off>(net);
  for (const OcclusionOptions& options :
       {OcclusionOptions{.patch = 4, .stride = 3}, OcclusionOptions{.patch = 5, .stride = 1, .fill = 0.75},
        OcclusionOptions{.patch = 3, .stride = 3}, OcclusionOptions{.patch = 50, .stride = 2}, OcclusionOptions{}}) {
    INFO("patch " << options.patch << ", stride " << options.stride);
    std::vector<double> sum(shape.pixels()), covers(shape.pixels());
    const double whole = plain.predict(image).data()[1];
    // Every square that starts on the grid and that no square before it makes needless.
    for (int top = 0; top < 13; top += options.stride) {
      if (top > 0 && top - options.stride + options.patch >= 13) break;
      for (int left = 0; left < 10; left += options.stride) {
        if (left > 0 && left - options.stride + options.patch >= 10) break;
        const auto inside = [&](int row, int column) {
          return row >= top && row < top + options.patch && column >= left && column < left + options.patch;
        };
        auto hidden = noise();
        for (int row = 0; row < 13; ++row) {
          for (int column = 0; column < 10; ++column) {
            for (int c = 0; c < 3; ++c) {
              if (inside(row, column)) hidden.view()(0, row, column, c) = options.fill;
            }
          }
        }
        const double fall = whole - plain.predict(hidden).data()[1];
        for (int row = 0; row < 13; ++row) {
          for (int column = 0; column < 10; ++column) {
            if (!inside(row, column)) continue;
            sum[static_cast<std::size_t>(10 * row + column)] += fall;
            ++covers[static_cast<std::size_t>(10 * row + column)];
          }
        }
      }
    }
    for (std::size_t p = 0; p < sum.size(); ++p) sum[p] /= covers[p];
    const Image found = occlusion(network, image, 1, options);
    CHECK(found.height == 13);
    CHECK(found.width == 10);
    CHECK(relative(found, sum) < rounding);
  }
}

TEST_CASE("dropout takes no part in explanations", "[explain]") {
  constexpr auto without = join(blocks, describe(Flatten{}, Dense{.units = 9}, Relu{}, Dense{.units = 3}, Softmax{}));
  const auto network = drawn(net);
  const auto reference = drawn(without);
  const auto image = noise();
  for (const int class_index : {0, 1, 2}) {
    CHECK(saliency(network, image, class_index).pixels == saliency(reference, image, class_index).pixels);
    CHECK(grad_cam(network, image, class_index).pixels == grad_cam(reference, image, class_index).pixels);
    CHECK(occlusion(network, image, class_index).pixels == occlusion(reference, image, class_index).pixels);
  }
  // In training it does.
  auto space = network.workspace(1, Mode::train, 1), still = network.workspace(1, Mode::explain, 1);
  const auto random = network.forward(image, space), fixed = network.forward(image, still);
  CHECK_FALSE(std::ranges::equal(random.span(), fixed.span()));
  CHECK(std::ranges::equal(fixed.span(), drawn(logits).predict(image).span()));
}

TEST_CASE("explanations have the same bits on any number of threads and from several at once", "[explain][threads]") {
  const auto network = build<float>(net, shape, 3);
  Tensor<float> image(1, shape);
  std::ranges::transform(noise().span(), image.data(), [](double value) { return static_cast<float>(value); });
  const auto all = [&](int threads) {
    std::vector<float> values = grad_cam(network, image, 1, {.threads = threads}).pixels;
    for (const Image& map : {saliency(network, image, 1, threads),
                             occlusion(network, image, 1, {.patch = 4, .stride = 2, .threads = threads})}) {
      values.insert(values.end(), map.pixels.begin(), map.pixels.end());
    }
    return values;
  };
  const std::vector<float> weights(network.parameters().begin(), network.parameters().end());
  const auto expected = all(1);
  for (const int threads : {2, 3}) CHECK(all(threads) == expected);
  std::vector<std::vector<float>> found(4);
  std::vector<std::thread> threads;
  for (std::vector<float>& mine : found) threads.emplace_back([&mine, &all] { mine = all(1); });
  for (std::thread& thread : threads) thread.join();
  for (const auto& mine : found) CHECK(mine == expected);
  CHECK(std::ranges::equal(network.parameters(), weights));
}

TEST_CASE("what cannot be explained is refused", "[explain]") {
  const auto network = drawn(net);
  const auto image = noise();
  const auto other = noise({10, 13, 3});
  const Tensor<double> two(2, shape), none(0, shape);
  const auto each = [](const auto& asked, const Tensor<double>& x, int class_index, const std::string& message) {
    CHECK(message_of<ShapeError>([&] { grad_cam(asked, x, class_index); }) == message);
    CHECK(message_of<ShapeError>([&] { saliency(asked, x, class_index); }) == message);
    CHECK(message_of<ShapeError>([&] { occlusion(asked, x, class_index); }) == message);
  };
  each(network, image, 3, "explain: expected a class below 3, found 3");
  each(network, image, -1, "explain: expected a class below 3, found -1");
  each(network, other, 1, "explain: expected 1 image of 13x10x3, found 1 of 10x13x3");
  each(network, two, 1, "explain: expected 1 image of 13x10x3, found 2 of 13x10x3");
  each(network, none, 1, "explain: expected 1 image of 13x10x3, found 0 of 13x10x3");
  each(drawn(blocks), image, 1, "explain: expected a network with one vector of outputs, found an output of 4x3x5");
  CHECK(message_of<OptionError>([&] { grad_cam(network, image, 1, {.layer = "conv2d_2"}); }) ==
        "grad_cam: expected a layer among max_pool2d_1, max_pool2d_2 (others are fused with the next), found "
        "'conv2d_2'");
  CHECK(message_of<ShapeError>([&] { grad_cam(network, image, 1, {.layer = "logits"}); }) ==
        "grad_cam: expected a layer with more than one pixel, found logits with 3");
  CHECK(message_of<ShapeError>([&] {
          grad_cam(drawn(head, {1, 1, 4}), noise({1, 1, 4}), 1);
        }) == "grad_cam: expected a network with a layer of more than one pixel, found none");
  for (const OcclusionOptions& options : {OcclusionOptions{.patch = 4, .stride = 5}, OcclusionOptions{.stride = 0},
                                          OcclusionOptions{.patch = -1, .stride = -1}}) {
    CHECK_THAT(message_of<OptionError>([&] { occlusion(network, image, 1, options); }),
               Contains("expected a stride of at least 1 and a patch of at least that"));
  }
}

TEST_CASE("a NaN pixel or weight gives an error, never a map", "[explain][nan]") {
  const auto each = [](const auto& asked, const Tensor<double>& x) {
    CHECK_THAT(message_of<NumericError>([&] { grad_cam(asked, x, 1); }), Contains("not finite"));
    CHECK_THAT(message_of<NumericError>([&] { saliency(asked, x, 1); }), Contains("not finite"));
    CHECK_THAT(message_of<NumericError>([&] { occlusion(asked, x, 1); }), Contains("not finite"));
  };
  auto network = drawn(net);
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    auto image = noise();
    image.span()[100] = bad;
    each(network, image);
  }
  for (const NamedParameter& named : network.named_parameters()) {
    INFO(named.name);
    double& weight = network.parameters()[named.offset + named.size / 2];
    const double kept = weight;
    weight = std::nan("");
    each(network, noise());
    weight = kept;
  }
}

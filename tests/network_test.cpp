/// Whole networks: fused = plain, threads, prediction, errors.

#include <abell/models/cluster_net.hpp>
#include <abell/training/fit.hpp>
#include <cmath>
#include <limits>

#include "catch.hpp"
#include "error_message.hpp"
#include "kernel_tools.hpp"

using namespace abell;
using namespace abell::testing;

namespace {

constexpr Shape shape{23, 18, 3};
/// All layers; the first two blocks fuse in one pass, the third in the general form.
constexpr auto net =
    describe(Conv2d{.filters = 9}, Relu{}, MaxPool2d{},   //
             Conv2d{.filters = 17}, Relu{}, MaxPool2d{},  //
             Conv2d{.filters = 6, .kernel_size = 5, .stride = 2}, Relu{}, MaxPool2d{.pool_size = 3, .stride = 1},
             Flatten{}, Dense{.units = 10}, Relu{}, Dropout{.rate = 0.3}, Dense{.units = 3}, Softmax{});
const std::vector<int> labels{2, 0, 1, 1, 2};

template <class T>
Tensor<T> normal_images(int batch, Shape size = shape, std::uint64_t seed = 9) {
  Tensor<T> images(batch, size);
  Random random(seed);
  for (T& value : images.span()) value = static_cast<T>(random.normal());
  return images;
}

/// Random biases too, so that none of them hides.
template <class Network>
void draw(Network& network, std::uint64_t seed) {
  Random random(seed);
  for (auto& value : network.parameters()) value = static_cast<typename Network::Scalar>(random.uniform(-0.3, 0.3));
}

template <class T>
struct Outcome {
  std::vector<T> output, gradients, input_gradient;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// Forward in a training workspace, then backward from `dy`, or from the loss where it is empty.
template <class Network, class T = typename Network::Scalar>
Outcome<T> outcome(const Network& network, const Tensor<T>& images, int threads, const std::vector<T>& dy = {}) {
  auto space = network.workspace(images.batch(), Mode::train, threads);
  std::ranges::fill(space.gradients.span(), std::numeric_limits<T>::quiet_NaN());
  std::ranges::fill(space.scratch.span(), std::numeric_limits<T>::quiet_NaN());
  space.seed = 11;
  space.step = 3;
  Outcome<T> result;
  const View<T> output = network.forward(images, space);
  result.output.assign(output.data, output.data + output.size());
  if (dy.empty()) {
    SoftmaxCrossEntropy{}(output, label_targets(labels), true);
  } else {
    std::ranges::copy(dy, output.data);
  }
  result.input_gradient.assign(images.size(), std::numeric_limits<T>::quiet_NaN());
  network.backward(images, space, result.input_gradient.data());
  result.gradients.assign(space.gradients.data(), space.gradients.data() + space.gradients.size());
  return result;
}

template <class T>
double relative(const std::vector<T>& a, const std::vector<T>& b) {
  REQUIRE(a.size() == b.size());
  double gap = 0, largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double here = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    gap = here <= gap ? gap : here;
    largest = std::max(largest, std::abs(static_cast<double>(b[i])));
  }
  REQUIRE(largest > 0);
  return gap / largest;
}

}  // namespace

TEST_CASE("the fused network equals the plain one to rounding", "[network][fusion]") {
  auto fused = build<float>(net, shape, 4);
  auto plain = build<float, Fusion::off>(net, shape, 4);
  CHECK(fused.stage_count() == 9);
  CHECK(plain.stage_count() == 15);
  draw(fused, 5);
  std::ranges::copy(fused.parameters(), plain.parameters().begin());
  const auto images = normal_images<float>(5);
  const auto a = outcome(fused, images, 2), b = outcome(plain, images, 2);
  CHECK(relative(a.output, b.output) < 1e-5);
  CHECK(relative(a.gradients, b.gradients) < 1e-4);
  CHECK(relative(a.input_gradient, b.input_gradient) < 1e-4);
  const auto p = fused.predict(images), q = plain.predict(images);
  CHECK(relative<float>({p.data(), p.data() + p.size()}, {q.data(), q.data() + q.size()}) < 1e-5);
}

TEST_CASE("the fused network equals the plain one exactly on integers", "[network][fusion]") {
  constexpr auto layers = describe(Conv2d{.filters = 9}, Relu{}, MaxPool2d{},  //
                                   Conv2d{.filters = 5}, Relu{}, MaxPool2d{},  //
                                   Conv2d{.filters = 4, .kernel_size = {2, 5}, .stride = {1, 2}}, Relu{},
                                   MaxPool2d{.pool_size = 3}, Flatten{}, Dense{.units = 4});
  for (const Shape size : {Shape{13, 10, 3}, Shape{8, 8, 1}, Shape{5, 17, 4}}) {
    auto fused = build<double>(layers, size);
    auto plain = build<double, Fusion::off>(layers, size);
    const auto weights = integers(fused.parameters().size(), 51, 2);
    std::ranges::copy(weights, fused.parameters().begin());
    std::ranges::copy(weights, plain.parameters().begin());
    Tensor<double> images(3, size);
    std::ranges::copy(integers(images.size(), 52), images.data());
    const auto dy = integers(12, 53);
    for (const int threads : {1, 3}) {
      INFO(to_string(size) << ", " << threads << " threads");
      const auto a = outcome(fused, images, threads, dy), b = outcome(plain, images, threads, dy);
      CHECK(a.output == b.output);
      CHECK(a.gradients == b.gradients);
      CHECK(a.input_gradient == b.input_gradient);
      CHECK(std::ranges::count(a.gradients, 0.0) < std::ssize(a.gradients));
    }
  }
}

TEST_CASE("1 to 4 threads give the same bits, forward, backward and in training", "[network][threads]") {
  auto network = build<float>(net, shape, 4);
  draw(network, 5);
  const auto images = normal_images<float>(5);
  const auto first = outcome(network, images, 1);
  const auto predicted = network.predict(images, 1);
  for (const int threads : {2, 3, 4}) {
    INFO(threads << " threads");
    CHECK(outcome(network, images, threads) == first);
    CHECK(std::ranges::equal(network.predict(images, threads).span(), predicted.span()));
  }
  std::vector<std::vector<float>> weights;
  for (const int threads : {1, 2, 3, 4}) {
    auto trained = build<float>(net, shape, 4);
    const FitOptions options{.optimizer = Sgd{.learning_rate = 0.01}, .seed = 8};
    OptimizerState<float> state(options.optimizer, trained.parameters().size());
    auto space = trained.workspace(5, Mode::train, threads);
    for (int step = 0; step < 5; ++step)
      train_step(trained, options, state, space, images.view(), label_targets(labels));
    weights.emplace_back(trained.parameters().begin(), trained.parameters().end());
  }
  for (const auto& other : weights) CHECK(other == weights.front());
  CHECK(weights.front() != std::vector<float>(network.parameters().begin(), network.parameters().end()));
}

TEST_CASE("the custom network gives the same bits on 1 and 2 threads", "[network][threads]") {
  if (reduced()) return;
  const auto network = build<float>(cluster_net, cluster_net_input, 1);
  const auto images = normal_images<float>(1, cluster_net_input);
  CHECK(std::ranges::equal(network.predict(images, 1).span(), network.predict(images, 2).span()));
}

TEST_CASE("a prediction does not depend on the batch that it stands in", "[network]") {
  const auto network = build<float>(net, shape, 4);
  const auto images = normal_images<float>(19);
  const auto all = network.predict(images);
  for (const int capacity : {1, 4, 19, 50}) {
    Tensor<float> out(19, {1, 1, 3});
    auto space = network.workspace(capacity, Mode::predict, 2);
    network.predict(images, out, space);
    CHECK(std::ranges::equal(out.span(), all.span()));
  }
  const auto alone = network.predict(images.view().slice(7, 1));
  CHECK(std::ranges::equal(alone.span(), all.span().subspan(21, 3)));
  for (int n = 0; n < 19; ++n) {
    float sum = 0;
    for (int i = 0; i < 3; ++i) sum += all.view().image(n)[i];
    CHECK(sum == Approx(1).epsilon(1e-6));
  }
}

TEST_CASE("dropout masks differ from step to step and repeat with their seed", "[network]") {
  const auto network = build<double>(describe(Dropout{.rate = 0.5}, Relu{}, Dropout{.rate = 0.5}), {1, 1, 64});
  Tensor<double> images(1, {1, 1, 64});
  std::ranges::fill(images.span(), 1.0);
  const auto mask = [&](std::uint64_t seed, std::uint32_t step) {
    auto space = network.workspace(1, Mode::train, 1);
    space.seed = seed;
    space.step = step;
    const auto y = network.forward(images, space);
    return std::vector<double>(y.data, y.data + y.size());
  };
  CHECK(mask(1, 1) == mask(1, 1));
  CHECK(mask(1, 1) != mask(1, 2));
  CHECK(mask(1, 1) != mask(2, 1));
  // Two layers have masks of their own: a quarter is kept, four times as large, not a half.
  std::size_t kept = 0;
  for (std::uint32_t step = 0; step < 50; ++step) {
    for (const double value : mask(1, step)) {
      kept += value != 0;
      CHECK((value == 0 || value == 4));
    }
  }
  CHECK(static_cast<double>(kept) / 3200 == Approx(0.25).margin(0.04));
}

TEST_CASE("a NaN pixel or weight ends in an error, never in a number", "[network][nan]") {
  auto network = build<float>(net, shape, 4);
  const FitOptions options;
  const auto train = [&](const Tensor<float>& images) {
    OptimizerState<float> state(options.optimizer, network.parameters().size());
    auto space = network.workspace(5, Mode::train, 2);
    return message_of<NumericError>(
        [&] { train_step(network, options, state, space, images.view(), label_targets(labels)); });
  };
  const auto sound = normal_images<float>(5);
  CHECK(train(sound).empty());
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    for (const std::size_t at : {std::size_t{0}, shape.size() + 100, 2 * shape.size() - 1}) {
      auto images = normal_images<float>(5);
      images.span()[at] = bad;
      const std::vector<float> before(network.parameters().begin(), network.parameters().end());
      CHECK_THAT(train(images), Contains("the loss is NaN") || Contains("not finite") || Contains("infinite"));
      CHECK(std::ranges::equal(before, network.parameters()));
      CHECK(message_of<NumericError>([&] { network.predict(images); }) ==
            "predict: the output for image " + std::to_string(at / shape.size()) + " is not finite");
    }
  }
  for (const NamedParameter& named : network.named_parameters()) {
    INFO(named.name);
    float& weight = network.parameters()[named.offset + named.size / 2];
    const float kept = weight;
    weight = std::nanf("");
    CHECK(message_of<NumericError>([&] { network.predict(sound); }) == "predict: the output for image 0 is not finite");
    CHECK_FALSE(train(sound).empty());
    weight = kept;
  }
  CHECK(message_of<NumericError>([&] { network.predict(sound); }).empty());
}

TEST_CASE("images and workspaces that do not fit are refused", "[network]") {
  const auto network = build<float>(net, shape, 4);
  auto space = network.workspace(2, Mode::predict, 1);
  auto training = network.workspace(2, Mode::train, 1);
  const Tensor<float> other(1, {18, 23, 3}), three(3, shape), one(1, shape), none(0, shape);
  Tensor<float> out(3, {1, 1, 3}), narrow(3, {1, 1, 2}), short_out(2, {1, 1, 3});
  CHECK(message_of<ShapeError>([&] { network.predict(other); }) ==
        "network: expected images of 23x18x3, found 18x23x3");
  CHECK(message_of<ShapeError>([&] { network.forward(three, space); }) == "network: expected 1 to 2 images, found 3");
  CHECK(message_of<ShapeError>([&] { network.forward(none, space); }) == "network: expected 1 to 2 images, found 0");
  CHECK_THAT(message_of<ShapeError>([&] { network.predict(three, narrow, space); }),
             Contains("room for 3 x 3, found 3 x 2"));
  CHECK_THAT(message_of<ShapeError>([&] { network.predict(three, short_out, space); }),
             Contains("room for 3 x 3, found 2 x 3"));
  CHECK_THAT(message_of<ShapeError>([&] { network.predict(one, out, training); }),
             Contains("workspace for prediction"));
  network.forward(one, space);
  CHECK_THAT(message_of<ShapeError>([&] { network.backward(one, space); }), Contains("workspace for training"));
  CHECK(network.predict(none).size() == 0);
}

TEST_CASE("parameters have names, dimensions and places that tile the arena", "[network]") {
  const auto network =
      build<float>(describe(Conv2d{.filters = 4, .kernel_size = {3, 2}},
                            Conv2d{.filters = 2, .bias = false, .name = "middle"}, Flatten{}, Dense{.units = 5}),
                   {3, 3, 2});
  struct Expected {
    std::string name;
    std::vector<int> dimensions;
  };
  const std::vector<Expected> expected{{"conv2d_1/kernel", {3, 2, 2, 4}},
                                       {"conv2d_1/bias", {4}},
                                       {"middle/kernel", {3, 3, 4, 2}},
                                       {"dense_1/kernel", {18, 5}},
                                       {"dense_1/bias", {5}}};
  REQUIRE(network.named_parameters().size() == expected.size());
  std::size_t offset = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(network.named_parameters()[i].name == expected[i].name);
    CHECK(network.named_parameters()[i].dimensions == expected[i].dimensions);
    CHECK(network.named_parameters()[i].offset == offset);
    offset += network.named_parameters()[i].size;
  }
  CHECK(network.parameters().size() == offset);
  CHECK(reinterpret_cast<std::uintptr_t>(network.parameters().data()) % alignment == 0);
}

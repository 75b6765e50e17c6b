/// Batch normalisation's moving averages, frozen forms and edge cases, by itself and within a chain.

#include <abell/network/network.hpp>
#include <algorithm>
#include <cmath>
#include <string>

#include "catch.hpp"
#include "error_message.hpp"

using namespace abell;

namespace {

/// A 1x1 convolution that changes nothing, then `norm` over one channel of two pixels.
auto layers_with(const BatchNorm& norm) {
  return describe(Conv2d{.filters = 1, .kernel_size = 1, .bias = false}, norm, Relu6{});
}
constexpr Shape two_pixels{2, 1, 1};

/// One channel's normalisation and what its steps did.
template <Fusion fusion>
struct Channel {
  decltype(build<double, fusion>(layers_with({}), two_pixels)) network;
  int batch;
  Shape shape;
  Workspace<double> space;

  Channel(const BatchNorm& norm, int images, Shape size = two_pixels)
      : network(build<double, fusion>(layers_with(norm), size)),
        batch(images),
        shape(size),
        space(network.workspace(images, Mode::train, 1)) {
    value("conv2d_1/kernel") = 1;
  }
  double& value(const std::string& name) {
    for (const NamedParameter& named : network.named_parameters()) {
      if (named.name == name) return network.parameters()[named.offset];
    }
    throw OptionError(name);
  }
  double& mean() { return value("batch_norm_1/moving_mean"); }
  double& variance() { return value("batch_norm_1/moving_variance"); }

  Tensor<double> images(const std::vector<double>& values) const {
    Tensor<double> all(batch, shape);
    std::ranges::copy(values, all.data());
    return all;
  }
  /// Forward, backward from ones, moving averages. Returns the outputs.
  std::vector<double> step(const std::vector<double>& values, std::uint32_t number = 0) {
    const auto x = images(values);
    space.step = number;
    const auto y = network.forward(x, space);
    const std::vector<double> out(y.data, y.data + y.size());
    std::ranges::fill(y.span(), 1.0);
    network.backward(x, space);
    network.update_statistics(space, batch);
    return out;
  }
  std::vector<double> predict(const std::vector<double>& values) const {
    const auto out = network.predict(images(values));
    return {out.data(), out.data() + out.size()};
  }
};

void check_close(const std::vector<double>& found, const std::vector<double>& expected) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) CHECK(found[i] == Approx(expected[i]).epsilon(1e-12).margin(1e-13));
}

const std::vector<double> values{1, 2, 3, 6};  // mean 3, variance 3.5
const std::vector<double> others{0, 0, 4, 4};  // mean 2, variance 4

/// Runs a check fused and layer by layer.
#define BOTH_FORMS(function)             \
  TEST_CASE(#function, "[batch_norm]") { \
    function<Fusion::on>();              \
    function<Fusion::off>();             \
  }

}  // namespace

TEST_CASE("batch normalisation has Keras's defaults", "[batch_norm]") {
  constexpr BatchNorm norm;
  CHECK(norm.momentum == 0.99);
  CHECK(norm.epsilon == 1e-3);
  CHECK(norm.moving_variance == MovingVariance::keras);
  CHECK_FALSE(norm.zero_debias);
  CHECK(norm.trainable);
  const auto p = norm.parameters({{1, 1, 3}, "bn", 0});
  REQUIRE(p.size() == 4);
  CHECK((p[0].name == "gamma" && p[0].value == 1 && p[0].trainable));
  CHECK((p[1].name == "beta" && p[1].value == 0 && p[1].trainable));
  CHECK((p[2].name == "moving_mean" && p[2].value == 0 && !p[2].trainable));
  CHECK((p[3].name == "moving_variance" && p[3].value == 1 && !p[3].trainable));
}

namespace {

template <Fusion fusion>
void moving_averages_follow_their_formula() {
  struct Form {
    MovingVariance form;
    double factor;
  };
  for (const auto& [form, factor] : {Form{MovingVariance::keras, 4.0 / 3 * 4 / (4 - 1 - 0.01)},
                                     Form{MovingVariance::unbiased, 4.0 / 3}, Form{MovingVariance::biased, 1}}) {
    Channel<fusion> channel({.momentum = 0.9, .epsilon = 0.01, .moving_variance = form}, 2);
    channel.mean() = 10;
    channel.variance() = 20;
    channel.step(values);
    CHECK(channel.mean() == Approx(0.9 * 10 + 0.1 * 3).epsilon(1e-14));
    const double variance = 0.9 * 20 + 0.1 * 3.5 * factor;
    CHECK(channel.variance() == Approx(variance).epsilon(1e-14));
    channel.step(others, 1);
    CHECK(channel.mean() == Approx(0.9 * 9.3 + 0.1 * 2).epsilon(1e-14));
    CHECK(channel.variance() == Approx(0.9 * variance + 0.1 * 4 * factor).epsilon(1e-14));
  }
}

template <Fusion fusion>
void zero_debias_discards_what_was_loaded() {
  Channel<fusion> channel({.momentum = 0.75, .moving_variance = MovingVariance::biased, .zero_debias = true}, 2);
  channel.mean() = 1e6;
  channel.variance() = 1e6;
  channel.step(values, 0);
  CHECK(channel.mean() == Approx(3).epsilon(1e-14));
  CHECK(channel.variance() == Approx(3.5).epsilon(1e-14));
  // The shadow s <- 0.75 s + 0.25 batch from 0, over 1 - 0.75^t.
  double shadow_mean = 0.25 * 3, shadow_variance = 0.25 * 3.5, left = 0.75;
  for (std::uint32_t step = 1; step < 5; ++step) {
    channel.step(others, step);
    shadow_mean = 0.75 * shadow_mean + 0.25 * 2;
    shadow_variance = 0.75 * shadow_variance + 0.25 * 4;
    left *= 0.75;
    CHECK(channel.mean() == Approx(shadow_mean / (1 - left)).epsilon(1e-13));
    CHECK(channel.variance() == Approx(shadow_variance / (1 - left)).epsilon(1e-13));
  }
}

template <Fusion fusion>
void training_takes_the_batch_and_prediction_the_moving_averages() {
  Channel<fusion> channel({.momentum = 0.9, .epsilon = 1e-5, .moving_variance = MovingVariance::unbiased}, 2);
  channel.mean() = 1;
  channel.variance() = 4;
  channel.value("batch_norm_1/gamma") = 2;
  channel.value("batch_norm_1/beta") = 3;
  std::vector<double> by_batch, by_averages;
  for (const double x : values) {
    by_batch.push_back(std::clamp(2 * (x - 3) / std::sqrt(3.5 + 1e-5) + 3, 0.0, 6.0));
    by_averages.push_back(std::clamp(2 * (x - 1) / std::sqrt(4 + 1e-5) + 3, 0.0, 6.0));
  }
  check_close(channel.predict(values), by_averages);
  check_close(channel.step(values), by_batch);
}

template <Fusion fusion>
void a_frozen_layer_keeps_its_averages() {
  for (const FrozenStatistics frozen : {FrozenStatistics::moving, FrozenStatistics::batch}) {
    Channel<fusion> channel({.trainable = false, .frozen = frozen}, 2), free({}, 2);
    channel.mean() = free.mean() = 1;
    channel.variance() = free.variance() = 4;
    channel.value("batch_norm_1/beta") = free.value("batch_norm_1/beta") = 2;
    const auto predicted = channel.predict(values);
    const auto trained = channel.step(values);
    CHECK((channel.mean() == 1 && channel.variance() == 4));
    if (frozen == FrozenStatistics::moving) {
      check_close(trained, predicted);
    } else {
      CHECK(trained == free.step(values));
      CHECK(trained != predicted);
    }
  }
}

template <Fusion fusion>
void one_value_a_channel_divides_by_nothing() {
  for (const MovingVariance form : {MovingVariance::keras, MovingVariance::unbiased, MovingVariance::biased}) {
    for (const bool zero_debias : {false, true}) {
      Channel<fusion> channel({.momentum = 0.5, .moving_variance = form, .zero_debias = zero_debias}, 1, {1, 1, 1});
      channel.value("batch_norm_1/beta") = 2;
      check_close(channel.step({5}), {2});
      CHECK(channel.mean() == Approx(zero_debias ? 5 : 2.5));
      CHECK(channel.variance() == Approx(zero_debias ? 0 : 0.5));
      for (const double gradient : channel.space.gradients.span()) CHECK(std::isfinite(gradient));
      CHECK(std::isfinite(channel.predict({7})[0]));
    }
  }
  // Two values: n / (n - 1) n / (n - 1 - epsilon) = 4 / (1 - epsilon).
  Channel<fusion> channel({.momentum = 0.5}, 1);
  channel.step({1, 5});
  CHECK(channel.variance() == Approx(0.5 + 0.5 * 4 * 4 / 0.999).epsilon(1e-14));
  // With an epsilon beyond n - 1 Keras's second factor would turn the variance's sign.
  Channel<fusion> wide({.momentum = 0.5, .epsilon = 4}, 2);
  wide.step(values);
  CHECK(wide.variance() == Approx(0.5 + 0.5 * 3.5 * 4 / 3).epsilon(1e-14));
}

BOTH_FORMS(moving_averages_follow_their_formula)
BOTH_FORMS(zero_debias_discards_what_was_loaded)
BOTH_FORMS(training_takes_the_batch_and_prediction_the_moving_averages)
BOTH_FORMS(a_frozen_layer_keeps_its_averages)
BOTH_FORMS(one_value_a_channel_divides_by_nothing)

}  // namespace

TEST_CASE("a momentum or epsilon out of range is an error that names the layer", "[batch_norm]") {
  const auto message = [](BatchNorm norm) {
    norm.name = "stem_bn";
    return message_of<OptionError>([&] { build<float>(layers_with(norm), two_pixels); });
  };
  const double nan = std::nan("");
  for (const double momentum : {-0.1, 1.0, 1.5, nan}) {
    CHECK_THAT(message({.momentum = momentum}), Contains("stem_bn (BatchNorm)") && Contains("a momentum in [0, 1)") &&
                                                    Contains("found " + std::to_string(momentum)));
  }
  for (const double epsilon : {0.0, -1e-3, nan}) {
    CHECK_THAT(message({.epsilon = epsilon}), Contains("stem_bn (BatchNorm)") && Contains("an epsilon above 0"));
  }
  CHECK(message({.momentum = 0, .epsilon = 1e-12}).empty());
}

/// The deviation with dropout on, against all masks of a network small enough to name them.

#include <abell/abell.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include "catch.hpp"

using namespace abell;

namespace {

constexpr Shape shape{1, 1, 3};
constexpr int units = 4;
constexpr double rate = 0.5;
constexpr auto net =
    describe(Flatten{}, Dense{.units = units}, Relu{}, Dropout{.rate = rate}, Dense{.units = 2}, Softmax{});

ArraySamples points() {
  Tensor<float> images(5, shape);
  Random random(3);
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = static_cast<float>(random.normal(0, 2));
  return {std::move(images), std::vector<int>(5)};
}

}  // namespace

TEST_CASE("the deviation with dropout on is that over all masks", "[training]") {
  auto network = build<float>(net, shape, 5);
  const ArraySamples samples = points();
  constexpr int passes = 4000;
  const DropoutSpread found = dropout_spread(network, samples, passes, 1, 1, 2, 1);
  REQUIRE(found.mean.size() == samples.size());
  const auto p = network.parameters();  // dense_1: kernel [3][4], bias [4]; dense_2: kernel [4][2], bias [2]
  double largest = 0;
  for (std::size_t n = 0; n < samples.size(); ++n) {
    std::vector<float> x(3);
    samples.read(n, 0, x);
    double sum = 0, squares = 0;
    for (unsigned mask = 0; mask < 1U << units; ++mask) {
      std::array<double, 2> z{};
      for (std::size_t k = 0; k < 2; ++k) z[k] = static_cast<double>(p[3 * units + units + 2 * units + k]);
      for (std::size_t u = 0; u < units; ++u) {
        double h = static_cast<double>(p[3 * units + u]);
        for (std::size_t i = 0; i < 3; ++i) h += static_cast<double>(x[i]) * static_cast<double>(p[i * units + u]);
        h = (mask >> u & 1U) != 0 ? std::max(0.0, h) / (1 - rate) : 0;
        for (std::size_t k = 0; k < 2; ++k) z[k] += h * static_cast<double>(p[3 * units + units + 2 * u + k]);
      }
      const double probability = 1 / (1 + std::exp(z[0] - z[1]));
      sum += probability / (1U << units);
      squares += probability * probability / (1U << units);
    }
    const double deviation = std::sqrt(squares - sum * sum);
    CHECK(static_cast<double>(found.mean[n]) == Approx(sum).margin(5 * deviation / std::sqrt(passes) + 1e-6));
    CHECK(static_cast<double>(found.deviation[n]) == Approx(deviation).epsilon(0.1));
    largest = std::max(largest, deviation);
  }
  CHECK(largest > 0.05);
}

TEST_CASE("the deviation with dropout on is the same for any number of threads, and follows the seed", "[training]") {
  const auto network = build<float>(net, shape, 5);
  const ArraySamples samples = points();
  const DropoutSpread one = dropout_spread(network, samples, 7, 1, 1, 2, 1);
  CHECK(dropout_spread(network, samples, 7, 1, 1, 2, 3).deviation == one.deviation);
  CHECK(dropout_spread(network, samples, 7, 2, 1, 2, 1).deviation != one.deviation);
}

namespace {

/// Checks dropout_spread of `base` and `head` as one network against that of `head` on what `base` predicts.
template <Fusion fusion>
void check_normalised_spread() {
  constexpr Shape image{4, 3, 2}, features{4, 3, 3};
  constexpr auto base = describe(Conv2d{.filters = 3}, BatchNorm{}, Relu6{});
  constexpr auto head = describe(Flatten{}, Dropout{}, Dense{.units = 2}, Softmax{});
  auto network = build<float, fusion>(join(base, head), image, 5);
  auto first = build<float>(base, image);
  // Layers that change nothing give Dropout the same number, hence the same masks.
  auto second = build<float>(join(describe(Relu6{}, Relu6{}, Relu6{}), head), features);
  Random random(4);
  for (const NamedParameter& named : network.named_parameters()) {
    for (float& value : network.parameters().subspan(named.offset, named.size)) {
      value = static_cast<float>(named.name.ends_with("/moving_variance") ? random.uniform(0.2, 2)
                                                                          : random.uniform(-0.7, 1));
    }
  }
  std::ranges::copy(network.parameters().first(first.parameters().size()), first.parameters().begin());
  std::ranges::copy(network.parameters().last(second.parameters().size()), second.parameters().begin());
  Tensor<float> images(5, image);
  for (float& value : images.span()) value = static_cast<float>(random.normal());
  const ArraySamples given(first.predict(images), std::vector<int>(5));
  const DropoutSpread expected = dropout_spread(second, given, 9, 1, 1, 2, 1);
  const ArraySamples samples(std::move(images), std::vector<int>(5));
  const DropoutSpread found = dropout_spread(network, samples, 9, 1, 1, 2, 1);
  for (std::size_t n = 0; n < samples.size(); ++n) {
    CHECK(found.mean[n] == Approx(expected.mean[n]).epsilon(1e-5));
    CHECK(found.deviation[n] == Approx(expected.deviation[n]).epsilon(1e-4));
    CHECK(found.deviation[n] > 0.01F);
  }
}

}  // namespace

TEST_CASE("the deviation with dropout on takes the moving averages of batch normalisations", "[training]") {
  check_normalised_spread<Fusion::on>();
  check_normalised_spread<Fusion::off>();
}

TEST_CASE("the deviation with dropout on needs dropout, Softmax, two passes and a class that is there", "[training]") {
  const ArraySamples samples = points();
  const auto network = build<float>(net, shape, 5);
  CHECK_THROWS_AS(dropout_spread(network, samples, 1), OptionError);
  CHECK_THROWS_AS(dropout_spread(network, samples, 2, 1, 2), OptionError);
  constexpr auto plain = describe(Flatten{}, Dense{.units = 2}, Softmax{});
  CHECK_THROWS_AS(dropout_spread(build<float>(plain, shape, 5), samples, 2), ShapeError);
  constexpr auto open = describe(Flatten{}, Dropout{}, Dense{.units = 2});
  CHECK_THROWS_AS(dropout_spread(build<float>(open, shape, 5), samples, 2), ShapeError);
}

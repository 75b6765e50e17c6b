/// Chains of normalised convolutions against the same layers one by one: training, prediction, moving averages,
/// on architectures whose options are drawn from a seed.

#include <abell/network/network.hpp>
#include <abell/training/fit.hpp>
#include <algorithm>
#include <cmath>
#include <string>

#include "catch.hpp"
#include "kernel_tools.hpp"

using namespace abell;
using namespace abell::testing;

namespace {

template <class T>
std::vector<double> in_double(std::span<const T> values) {
  return {values.begin(), values.end()};
}

/// max |a - b| / max |b|; `least` stands in for max |b| where all of b is nothing but rounding.
double relative(std::span<const double> a, std::span<const double> b, double least) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double apart = 0, largest = least;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!std::isfinite(a[i]) || !std::isfinite(b[i])) return std::numeric_limits<double>::infinity();
    apart = std::max(apart, std::abs(a[i] - b[i]));
    largest = std::max(largest, std::abs(b[i]));
  }
  return apart == 0 ? 0 : apart / largest;
}

/// Everything that a few training steps and the predictions after them give.
struct Trace {
  std::vector<std::vector<double>> outputs, gradients, image_gradients, parameters;
  std::vector<double> prepared, unprepared;
  friend bool operator==(const Trace&, const Trace&) = default;
};

struct Course {
  int batch = 3;
  int steps = 3;
  int threads = 1;
  int room = 3;  ///< the batch that the workspaces hold
  std::uint64_t seed = 1;
};

/// Weights as drawn by the seed; batch normalisations and biases at random, so that ReLU6 cuts at both ends.
template <class Network>
void draw(Network& network, std::uint64_t seed) {
  using T = typename Network::Scalar;
  Random random(seed, {Purpose::user, 1, 1});
  for (const NamedParameter& named : network.named_parameters()) {
    const auto all = [&](double least, double most) {
      for (T& v : network.parameters().subspan(named.offset, named.size))
        v = static_cast<T>(random.uniform(least, most));
    };
    if (named.name.ends_with("/gamma")) all(0.5, 3);
    if (named.name.ends_with("/beta")) all(-1, 4);
    if (named.name.ends_with("/bias")) all(-0.5, 0.5);
    if (named.name.ends_with("/moving_mean")) all(-0.5, 0.5);
    if (named.name.ends_with("/moving_variance")) all(0.3, 2);
  }
}

template <class Network>
Trace trace(Network network, const Course& course) {
  using T = typename Network::Scalar;
  draw(network, course.seed);
  Trace found;
  auto space = network.workspace(course.room, Mode::train, course.threads);
  std::ranges::fill(space.scratch.span(), std::numeric_limits<T>::quiet_NaN());
  std::ranges::fill(space.saved.span(), std::byte{0xFF});
  space.seed = course.seed;
  Tensor<T> images(course.batch, network.input());
  for (int step = 0; step < course.steps; ++step) {
    space.step = static_cast<std::uint32_t>(step);
    std::ranges::fill(space.gradients.span(), std::numeric_limits<T>::quiet_NaN());
    Random random(course.seed, {Purpose::user, 2, space.step});
    for (T& value : images.span()) value = static_cast<T>(random.normal());
    std::vector<T> image_gradient(images.size());
    const View<T> y = network.forward(images, space);
    found.outputs.push_back(in_double<T>(y.span()));
    for (T& value : y.span()) value = static_cast<T>(random.normal());
    network.backward(images, space, image_gradient.data());
    found.gradients.push_back(in_double<T>(space.gradients.span()));
    found.image_gradients.push_back(in_double<T>(image_gradient));
    network.update_statistics(space, course.batch);
    for (const ParameterRange& range : network.trainable()) {
      for (std::size_t i = range.begin; i < range.begin + range.size; ++i) {
        network.parameters()[i] -= T(1e-3) * std::clamp(space.gradients.data()[i], T(-1), T(1));
      }
    }
    found.parameters.push_back(in_double<T>(network.parameters()));
  }
  found.prepared = in_double<T>(network.predict(images, course.threads).span());
  auto prediction = network.workspace(course.room, Mode::predict, course.threads);
  std::ranges::fill(prediction.scratch.span(), std::numeric_limits<T>::quiet_NaN());
  std::ranges::fill(prediction.packed.span(), std::numeric_limits<T>::quiet_NaN());
  Tensor<T> out(course.batch, network.output());
  network.predict(images, out, prediction);
  found.unprepared = in_double<T>(out.span());
  return found;
}

/// The worst relative difference of `a` from `b`, array by array, in the first `steps` steps.
template <class Network>
std::pair<double, std::string> worst(const Network& network, const Trace& a, const Trace& b, std::size_t steps,
                                     bool predictions) {
  std::pair<double, std::string> found{0, "nothing"};
  const auto compare = [&](std::span<const double> x, std::span<const double> y, double least,
                           const std::string& name) {
    const double error = relative(x, y, least);
    if (!(error <= found.first)) found = {error, name};
  };
  for (std::size_t i = 0; i < steps; ++i) {
    const std::string when = " of step " + std::to_string(i);
    double largest = 0;
    for (const double g : b.gradients[i]) largest = std::max(largest, std::abs(g));
    compare(a.outputs[i], b.outputs[i], 0, "output" + when);
    compare(a.image_gradients[i], b.image_gradients[i], 0, "image gradient" + when);
    for (const NamedParameter& named : network.named_parameters()) {
      const auto part = [&](const std::vector<double>& all) {
        return std::span(all).subspan(named.offset, named.size);
      };
      // A bias before batch statistics has no gradient: what is left of a long sum is rounding.
      const auto expected = part(b.gradients[i]);
      const bool none = named.name.ends_with("/bias") &&
                        std::ranges::all_of(expected, [&](double g) { return std::abs(g) < 1e-12 * largest; });
      compare(part(a.gradients[i]), expected, (none ? 1 : 1e-3) * largest, "gradient of " + named.name + when);
      compare(part(a.parameters[i]), part(b.parameters[i]), 1e-3, named.name + " after step " + std::to_string(i));
    }
  }
  if (!predictions) return found;
  compare(a.prepared, b.prepared, 0, "prediction");
  compare(a.unprepared, b.unprepared, 0, "unprepared prediction");
  return found;
}

/// Fused against plain in double, and fused in float against double where `single` is a tolerance.
template <class Description>
void check(const Description& layers, Shape shape, const Course& course, double single = 0) {
  INFO("seed " << course.seed << ", " << course.batch << " x " << to_string(shape));
  const auto network = [&] { return build<double>(layers, shape, course.seed); };
  const auto plain_network = build<double, Fusion::off>(layers, shape, course.seed);
  REQUIRE(network().stage_count() < plain_network.stage_count());
  const Trace fused = trace(network(), course);
  const Trace plain = trace(build<double, Fusion::off>(layers, shape, course.seed), course);
  const auto [error, where] = worst(plain_network, fused, plain, static_cast<std::size_t>(course.steps), true);
  INFO("fused against plain: " << error << " at " << where);
  CHECK(error <= 1e-10);
  CHECK(relative(fused.prepared, fused.unprepared, 0) == 0);
  if (single > 0) {
    const auto [float_error, float_where] =
        worst(plain_network, trace(build<float>(layers, shape, course.seed), course), plain, 1, false);
    INFO("float against double: " << float_error << " at " << float_where);
    CHECK(float_error <= single);
  }
}

constexpr BatchNorm norm;

}  // namespace

TEST_CASE("a MobileNet's beginning is the same fused and plain", "[normalized][fusion]") {
  constexpr auto layers = describe(Conv2d{.filters = 8, .stride = 2, .bias = false}, norm, Relu6{},  //
                                   DepthwiseConv2d{.bias = false}, norm, Relu6{},
                                   Conv2d{.filters = 20, .kernel_size = 1, .bias = false}, norm, Relu6{},  //
                                   DepthwiseConv2d{.stride = 2, .bias = false}, norm, Relu6{},
                                   Conv2d{.filters = 33, .kernel_size = 1, .bias = false}, norm, Relu6{},  //
                                   GlobalAveragePool2d{}, Dropout{.rate = 0.3}, Dense{.units = 3}, Softmax{});
  check(layers, {45, 44, 3}, {}, 1e-4);
  check(layers, {64, 64, 3}, {.batch = 7, .room = 7}, 1e-4);
  check(layers, {17, 18, 1}, {.batch = 2, .seed = 3}, 1e-4);
}

TEST_CASE("wide 1x1 convolutions are the same fused and plain", "[normalized][fusion]") {
  // More weights than fit in partial sums, more filters than one packed chunk.
  constexpr auto layers =
      describe(Conv2d{.filters = 261, .kernel_size = 1}, norm, Relu6{}, DepthwiseConv2d{}, norm, Relu6{},
               Conv2d{.filters = 270, .kernel_size = 1}, norm, Relu6{}, GlobalAveragePool2d{}, Dense{.units = 2});
  check(layers, {6, 5, 7}, {.batch = 4, .steps = 2, .room = 4}, 1e-4);
  check(layers, {6, 5, 257}, {.batch = 2, .steps = 1}, 1e-4);
}

TEST_CASE("1x1 convolutions whose rows lie whole pages apart are the same fused and plain", "[normalized][fusion]") {
  constexpr int page = 4096 / sizeof(double);
  constexpr auto layers =
      describe(Conv2d{.filters = page, .kernel_size = 1}, norm, Relu6{}, DepthwiseConv2d{}, norm, Relu6{},
               Conv2d{.filters = 40, .kernel_size = 1}, norm, Relu6{}, Conv2d{.filters = page, .kernel_size = 1}, norm,
               Relu6{}, GlobalAveragePool2d{}, Dense{.units = 2});
  check(layers, {6, 5, page}, {.batch = 4, .steps = 1, .room = 4});
}

TEST_CASE("a pooled block before a chain and layers after it are the same fused and plain", "[normalized][fusion]") {
  constexpr auto layers =
      describe(Conv2d{.filters = 6}, Relu{}, MaxPool2d{}, Conv2d{.filters = 9}, norm, Relu6{},
               DepthwiseConv2d{.depth_multiplier = 2}, norm, Relu6{}, Relu{}, Dropout{.rate = 0.2}, DepthwiseConv2d{},
               norm, Relu6{}, Conv2d{.filters = 4}, norm, Flatten{}, Dense{.units = 3}, Softmax{});
  check(layers, {19, 22, 3}, {}, 1e-4);
}

namespace {

Padding any_padding(Random& random) {
  constexpr std::array all{Padding::same, Padding::same, Padding::valid, Padding::symmetric, Padding::after};
  return all[random.below(all.size())];
}

Extent any_kernel(Random& random) {
  constexpr std::array<Extent, 5> all{{{3}, {3}, {1}, {2, 3}, {4, 2}}};
  return all[random.below(5)];
}

Extent any_stride(Random& random) {
  constexpr std::array<Extent, 5> all{{{1}, {1}, {1}, {2}, {1, 2}}};
  return all[random.below(5)];
}

template <class Layer>
Layer any(Random& random);
template <>
Conv2d any(Random& random) {
  constexpr std::array filters{1, 3, 7, 16, 17, 33};
  Conv2d conv{.filters = filters[random.below(6)], .padding = any_padding(random), .bias = random.below(2) == 0};
  conv.kernel_size = random.below(2) == 0 ? Extent{1} : any_kernel(random);
  conv.stride = random.below(2) == 0 ? Extent{1} : any_stride(random);
  conv.trainable = random.below(4) != 0;
  return conv;
}
template <>
DepthwiseConv2d any(Random& random) {
  return {.kernel_size = any_kernel(random),
          .stride = any_stride(random),
          .padding = any_padding(random),
          .depth_multiplier = static_cast<int>(1 + random.below(3) / 2),
          .bias = random.below(2) == 0,
          .trainable = random.below(4) != 0};
}
template <>
BatchNorm any(Random& random) {
  constexpr std::array variances{MovingVariance::keras, MovingVariance::unbiased, MovingVariance::biased};
  return {.momentum = random.uniform(0.3, 0.99),
          .epsilon = random.below(2) == 0 ? 1e-3 : 0.1,
          .moving_variance = variances[random.below(3)],
          .zero_debias = random.below(2) == 0,
          .trainable = random.below(4) != 0,
          .frozen = random.below(2) == 0 ? FrozenStatistics::moving : FrozenStatistics::batch};
}
template <>
Relu6 any(Random&) {
  return {};
}
template <>
GlobalAveragePool2d any(Random&) {
  return {};
}

/// Ten layers of these kinds, with options, image and course drawn from the seed.
template <class... Layers>
void fuzz(std::uint64_t first) {
  static_assert(sizeof...(Layers) == 10);
  for (std::uint64_t seed = first; seed < first + (reduced() ? 4 : 30); ++seed) {
    Random random(seed, {Purpose::user, 3, 3});
    const auto layers = std::apply([](const auto&... each) { return describe(each...); },
                                   std::tuple<Layers...>{any<Layers>(random)...});
    const Shape shape{24 + static_cast<int>(random.below(12)), 25 + static_cast<int>(random.below(12)),
                      1 + static_cast<int>(random.below(20))};
    const int batch = 1 + static_cast<int>(random.below(4));
    const int room = batch + static_cast<int>(random.below(3));
    check(layers, shape,
          {.batch = batch, .threads = 1 + static_cast<int>(random.below(3)), .room = room, .seed = seed});
  }
}

}  // namespace

TEST_CASE("ten layers with options at random are the same fused and plain", "[normalized][fusion][fuzz]") {
  using C = Conv2d;
  using D = DepthwiseConv2d;
  using N = BatchNorm;
  using R = Relu6;
  using G = GlobalAveragePool2d;
  fuzz<C, N, R, D, N, R, C, N, R, G>(1000);
  fuzz<D, N, R, C, N, R, D, N, R, G>(2000);
  fuzz<D, N, R, D, N, R, C, N, R, C>(3000);
  fuzz<C, D, N, R, C, N, D, N, R, R>(4000);
}

TEST_CASE("a chain gives the same bits on 1 to 4 threads, again, and in a larger workspace", "[normalized][threads]") {
  constexpr auto layers = describe(Conv2d{.filters = 16, .stride = 2}, norm, Relu6{}, DepthwiseConv2d{.stride = 2},
                                   norm, Relu6{}, Conv2d{.filters = 40, .kernel_size = 1}, norm, Relu6{},
                                   GlobalAveragePool2d{}, Dense{.units = 3}, Softmax{});
  for (const int batch : {1, 5}) {
    const auto course = [&](int threads, int room) {
      return trace(build<float>(layers, {61, 50, 3}, 2), {.batch = batch, .threads = threads, .room = room});
    };
    const Trace first = course(1, batch);
    for (const int threads : {1, 2, 3, 4}) {
      INFO("batch " << batch << ", " << threads << " threads");
      CHECK(course(threads, batch) == first);
      CHECK(course(threads, batch + 3) == first);
    }
  }
}

TEST_CASE("images predicted in groups that fit the cache keep the bits of each by itself", "[normalized]") {
  const auto check = [](const auto& layers, const Shape& shape, int batch) {
    auto network = build<float>(layers, shape, 3);
    draw(network, 5);
    Tensor<float> images(batch, shape);
    Random random(9);
    for (float& v : images.span()) v = static_cast<float>(random.normal());
    const auto predict = [&](View<const float> some, int threads) {
      Tensor<float> out(some.batch, network.output());
      auto space = network.workspace(some.batch, Mode::predict, threads);
      network.predict(some, out.view(), space);
      return out;
    };
    for (const int threads : {1, 8}) {
      const Tensor<float> together = predict(images.view(), threads);
      for (int n = 0; n < batch; ++n) {
        const Tensor<float> alone = predict(images.view().slice(n, 1), 1);
        CHECK(std::equal(alone.data(), alone.data() + alone.size(), together.view().image(n)));
      }
    }
  };
  // 4.1 MiB between the first passes: one image at a time on one thread, groups of two and three on eight. Then 0.6
  // MiB: groups of three and four, and all at once.
  check(describe(Conv2d{.filters = 16}, norm, Relu6{}, DepthwiseConv2d{}, norm, Relu6{},
                 Conv2d{.filters = 40, .kernel_size = 1}, norm, Relu6{}, DepthwiseConv2d{.stride = 2}, norm, Relu6{},
                 Conv2d{.filters = 24, .kernel_size = 1}, norm, Relu6{}, DepthwiseConv2d{}, norm, Relu6{},
                 Conv2d{.filters = 20, .kernel_size = 1}, norm, Relu6{}, GlobalAveragePool2d{}),
        {181, 150, 2}, 7);
  // 7.9 MiB to the last: groups of two, and of one, which has few strips.
  check(describe(DepthwiseConv2d{}, norm, Relu6{}, Conv2d{.filters = 32, .kernel_size = 1}, norm, Relu6{},
                 GlobalAveragePool2d{}),
        {36, 1800, 32}, 3);
}

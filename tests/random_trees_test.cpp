/// Fused equals plain for random trees of layers.
///
/// A description is a type, so that the trees themselves are drawn when this file is compiled: six of them, three
/// residual or concatenated layers deep, from a hash of their numbers. Which tree a seed takes, the options of its
/// layers (filters, windows, strides, paddings, biases, slopes, rates), the size of the images and of the batch,
/// weights and pixels are drawn when it runs.

#include <abell/abell.hpp>
#include <set>
#include <string>

#include "catch.hpp"
#include "nested_tools.hpp"
#include "reduced.hpp"

using namespace abell;
using namespace abell::testing;

namespace {

/// Number `which` of the numbers that follow from `number`.
constexpr std::uint32_t hash(std::uint32_t number, std::uint32_t which) {
  std::uint32_t x = number * 0x9E3779B9u + which * 0x85EBCA6Bu + 0x27220A95u;
  x = (x ^ (x >> 16)) * 0x7FEB352Du;
  x = (x ^ (x >> 15)) * 0x846CA68Bu;
  return x ^ (x >> 16);
}

/// Draws the options of layers for the shape that they get, which it follows.
class Options {
 public:
  Options(std::uint64_t seed, Shape input) : random_(seed, {Purpose::user, 3, 0}), shape_(input) {}

  const Shape& shape() const { return shape_; }
  Shape& shape() { return shape_; }
  bool coin() { return random_.below(2) == 0; }
  int up_to(int most) { return 1 + static_cast<int>(random_.below(static_cast<std::uint32_t>(most))); }
  Extent window(int most) { return {up_to(most), up_to(most)}; }
  /// By which the sides can be divided: 1 or 2.
  Extent halves() { return {half(shape_.height), half(shape_.width)}; }
  Conv2d conv(int filters, Extent kernel) {
    shape_.channels = filters;
    return {.filters = filters, .kernel = kernel, .bias = coin()};
  }
  Conv2d conv() {
    const int filters = up_to(5);
    return conv(filters, window(3));
  }
  DepthwiseConv2d depthwise() {
    const int multiplier = up_to(2);
    shape_.channels *= multiplier;
    return {.kernel = window(3), .multiplier = multiplier, .bias = coin()};
  }
  BatchNorm norm() { return {.epsilon = random_.uniform(0.01, 0.1), .trainable = up_to(4) > 1}; }
  double uniform(double least, double most) { return random_.uniform(least, most); }

 private:
  int half(int side) { return side % 2 == 0 ? up_to(2) : 1; }

  Random random_;
  Shape shape_;
};

/// A few layers in a row that keep height and width. What is drawn has a name, as arguments are drawn in any order.
template <std::uint32_t number>
auto row(Options& o) {
  constexpr std::uint32_t kind = hash(number, 0) % 8;
  if constexpr (kind == 0) {
    return describe(o.conv(), Relu{});
  } else if constexpr (kind == 1) {
    const Extent halves = o.halves();
    const auto conv = o.conv();
    return describe(conv, Relu{}, MaxPool2d{.window = {o.up_to(3), 2}, .stride = halves}, UpSample2d{.size = halves});
  } else if constexpr (kind == 2) {
    const auto conv = o.conv();
    return describe(conv, o.norm(), Relu6{});
  } else if constexpr (kind == 3) {
    const auto depthwise = o.depthwise();
    const auto first = o.norm();
    const auto conv = o.conv(o.up_to(5), 1);
    return describe(depthwise, first, Relu6{}, conv, o.norm(), Relu6{});
  } else if constexpr (kind == 4) {
    const auto conv = o.conv();
    const double slope = o.uniform(0, 1);
    return describe(conv, LeakyRelu{.negative_slope = slope}, Dropout{.rate = o.uniform(0, 0.5)});
  } else if constexpr (kind == 5) {
    const auto conv = o.conv();
    return describe(AveragePool2d{.window = o.window(3), .stride = 1}, conv, Relu{}, Dropout{.rate = 0.2}, Tanh{});
  } else if constexpr (kind == 6) {
    const Extent halves = o.halves();
    const auto conv = o.conv();
    const int filters = o.up_to(3);
    o.shape().channels = filters;
    return describe(AveragePool2d{.stride = halves}, conv, Sigmoid{},
                    Conv2dTranspose{.filters = filters, .kernel = o.window(3), .stride = halves, .bias = o.coin()});
  } else {
    const Extent halves = o.halves();
    const auto first = o.conv();
    const auto second = o.conv();
    return describe(MaxPool2d{.stride = halves}, first, Relu{}, second, o.norm(), Relu{},
                    UpSample2d{.size = halves, .interpolation = UpSampling::bilinear});
  }
}

/// A residual or a concatenated layer with trees of one depth less in it, and a row before or behind it.
template <std::uint32_t number, int depth>
auto tree(Options& o);

template <std::uint32_t number, int depth>
auto nested(Options& o) {
  constexpr std::uint32_t kind = hash(number, 1) % 4;
  constexpr std::uint32_t one = hash(number, 2), two = hash(number, 3);
  const Shape input = o.shape();
  const auto path = tree<one, depth - 1>(o);
  const Shape through = o.shape();
  if constexpr (kind == 0) {
    return describe(Residual{join(path, describe(o.conv(input.channels, 3)))}, Relu{});
  } else if constexpr (kind == 1) {
    return describe(Residual{path, describe(Conv2d{.filters = through.channels, .kernel = 1}, BatchNorm{})});
  } else if constexpr (kind == 2) {
    o.shape().channels += input.channels;
    return describe(Concatenate{path, describe()});
  } else {
    o.shape() = input;
    const auto other = row<two>(o);
    o.shape().channels += through.channels;
    return describe(Concatenate{other, path});
  }
}

template <std::uint32_t number, int depth>
auto tree(Options& o) {
  if constexpr (depth == 0) {
    return row<number>(o);
  } else if constexpr (hash(number, 4) % 2 == 0) {
    const auto first = nested<hash(number, 5), depth>(o);
    return join(first, row<hash(number, 6)>(o));
  } else {
    const auto first = row<hash(number, 6)>(o);
    return join(first, nested<hash(number, 5), depth>(o));
  }
}

template <std::uint32_t number>
void compare_tree(std::uint64_t seed) {
  Random random(seed, {Purpose::user, 4, 0});
  const auto side = [&] { return 4 + static_cast<int>(random.below(7)); };
  const Shape input{side(), side(), 1 + static_cast<int>(random.below(4))};
  Options options(seed, input);
  const auto trunk = tree<number, 3>(options);
  const auto compare = [&](const auto& description) {
    std::set<std::string> names;
    std::set<std::uint32_t> indices;
    std::size_t layers = 0;
    const auto infos = inspect(description, input);
    each_layer(infos, [&](const LayerInfo& layer) {
      names.insert(layer.name);
      indices.insert(layer.index);
      ++layers;
    });
    CHECK((names.size() == layers && indices.size() == layers));
    compare_with_plain(description, input, seed);
  };
  if constexpr (number % 2 == 0) {
    compare(trunk);
  } else {
    compare(join(trunk, describe(GlobalMaxPool2d{}, Dense{.units = 3}, Softmax{})));
  }
}

template <std::uint32_t... numbers>
void compare_number(std::uint64_t seed, std::integer_sequence<std::uint32_t, numbers...>) {
  constexpr std::uint32_t count = sizeof...(numbers);
  (void)((numbers == seed % count && (compare_tree<numbers>(seed), true)) || ...);
}

}  // namespace

TEST_CASE("fused equals plain for random trees of layers", "[nested]") {
  const std::uint64_t seeds = reduced() ? 24 : 200;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    INFO("seed " << seed);
    compare_number(seed, std::make_integer_sequence<std::uint32_t, 6>{});
  }
}

/// Fused equals plain for random trees of layers: which layers, residual and concatenated up to three deep, their
/// options (filters, windows, strides, paddings, biases, slopes, rates), the size of the images and of the batch,
/// weights and pixels are drawn.

#include <abell/abell.hpp>
#include <set>
#include <string>

#include "catch.hpp"
#include "nested_tools.hpp"
#include "reduced.hpp"

using namespace abell;
using namespace abell::testing;

namespace {

using List = LayerList<double>;

List operator+(List first, const List& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

/// Draws layers for the shape that they get, which it follows.
class Trees {
 public:
  Trees(std::uint64_t seed, Shape input) : random_(seed, {Purpose::user, 3, 0}), shape_(input) {}

  /// A residual or a concatenated layer with trees of one depth less in it, and a row before or behind it.
  List tree(int depth) {
    if (depth == 0) return row();
    if (coin()) {
      const List first = nested(depth);
      return first + row();
    }
    const List first = row();
    return first + nested(depth);
  }
  bool coin() { return random_.below(2) == 0; }

 private:
  int up_to(int most) { return 1 + static_cast<int>(random_.below(static_cast<std::uint32_t>(most))); }
  Extent window(int most) {
    const int height = up_to(most);
    return {height, up_to(most)};
  }
  /// By which the sides can be divided: 1 or 2.
  Extent halves() {
    const auto half = [&](int side) { return side % 2 == 0 ? up_to(2) : 1; };
    const int height = half(shape_.height);
    return {height, half(shape_.width)};
  }
  Conv2d conv(int filters, Extent kernel) {
    shape_.channels = filters;
    return {.filters = filters, .kernel_size = kernel, .bias = coin()};
  }
  Conv2d conv() {
    const int filters = up_to(5);
    return conv(filters, window(3));
  }
  DepthwiseConv2d depthwise() {
    const int multiplier = up_to(2);
    shape_.channels *= multiplier;
    return {.kernel_size = window(3), .depth_multiplier = multiplier, .bias = coin()};
  }
  BatchNorm norm() { return {.epsilon = random_.uniform(0.01, 0.1), .trainable = up_to(4) > 1}; }

  /// A few layers in a row that keep height and width; a list is drawn from left to right.
  List row() {
    const Extent half = halves();
    switch (random_.below(8)) {
      case 0: return {conv(), Relu{}};
      case 1: return {conv(), Relu{}, MaxPool2d{.pool_size = {up_to(3), 2}, .stride = half}, UpSample2d{.size = half}};
      case 2: return {conv(), norm(), Relu6{}};
      case 3: return {depthwise(), norm(), Relu6{}, conv(up_to(5), 1), norm(), Relu6{}};
      case 4:
        return {conv(), LeakyRelu{.negative_slope = random_.uniform(0, 1)}, Dropout{.rate = random_.uniform(0, 0.5)}};
      case 5: return {AveragePool2d{.pool_size = window(3), .stride = 1}, conv(), Relu{}, Dropout{.rate = 0.2}, Tanh{}};
      case 6: {
        const List before{AveragePool2d{.stride = half}, conv(), Sigmoid{}};
        shape_.channels = up_to(3);
        return before + List{Conv2dTranspose{
                            .filters = shape_.channels, .kernel_size = window(3), .stride = half, .bias = coin()}};
      }
      default:
        return {MaxPool2d{.stride = half},
                conv(),
                Relu{},
                conv(),
                norm(),
                Relu{},
                UpSample2d{.size = half, .interpolation = UpSampling::bilinear}};
    }
  }

  List nested(int depth) {
    const Shape input = shape_;
    const List path = tree(depth - 1);
    const Shape through = shape_;
    switch (random_.below(4)) {
      case 0: return {Residual{path + List{conv(input.channels, 3)}}, Relu{}};
      case 1: {
        const List projection{Conv2d{.filters = through.channels, .kernel_size = 1}, BatchNorm{}};
        return {Residual{path, projection}};
      }
      case 2: shape_.channels += input.channels; return {Concatenate{std::vector{path, List{}}}};
      default:
        shape_ = input;
        const List other = tree(depth - 1);
        shape_.channels += through.channels + input.channels;
        return {Concatenate{std::vector{other, List{}, path}}};
    }
  }

  Random random_;
  Shape shape_;
};

void compare_tree(std::uint64_t seed) {
  Random random(seed, {Purpose::user, 4, 0});
  const auto side = [&] { return 4 + static_cast<int>(random.below(7)); };
  const int height = side(), width = side();
  const Shape input{height, width, 1 + static_cast<int>(random.below(4))};
  Trees trees(seed, input);
  List list = trees.tree(3);
  if (trees.coin()) list = list + List{GlobalMaxPool2d{}, Dense{.units = 3}, Softmax{}};
  std::set<std::string> names;
  std::set<std::uint32_t> indices;
  std::size_t layers = 0;
  const auto infos = inspect(list, input);
  each_layer(infos, [&](const LayerInfo& layer) {
    names.insert(layer.name);
    indices.insert(layer.index);
    ++layers;
  });
  CHECK((names.size() == layers && indices.size() == layers));
  compare_with_plain(list, input, seed);
}

}  // namespace

TEST_CASE("fused equals plain for random trees of layers", "[nested]") {
  const std::uint64_t seeds = reduced() ? 24 : 200;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    INFO("seed " << seed);
    compare_tree(seed);
  }
}

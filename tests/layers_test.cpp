/// Layers one by one: output shapes, names, errors that name the layer, values.

#include <abell/models/cluster_net.hpp>
#include <abell/network/summary.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <sstream>
#include <utility>

#include "catch.hpp"
#include "error_message.hpp"
#include "kernel_tools.hpp"

using namespace abell;

namespace {

/// The output shape of one layer.
template <class Layer>
Shape output(Shape input, const Layer& layer) {
  return inspect(describe(layer), input).front().output;
}

/// What OptionError says of a layer's option that is out of its range.
template <class... Layers>
std::string option_error_of(Shape input, const Layers&... layers) {
  return message_of<OptionError>([&] { inspect(describe(layers...), input); });
}

/// What ShapeError says of a network that does not fit.
template <class... Layers>
std::string shape_error_of(Shape input, const Layers&... layers) {
  return message_of<ShapeError>([&] { inspect(describe(layers...), input); });
}

/// The output of a one-layer network for one image.
template <class T = double, class Layer>
std::vector<T> run(Shape input, const Layer& layer, const std::vector<T>& x) {
  const auto network = build<T>(describe(layer), input);
  Tensor<T> images(1, input);
  std::ranges::copy(x, images.data());
  auto space = network.workspace(1, Mode::predict, 1);
  const auto out = network.forward(images, space);
  return {out.data, out.data + out.size()};
}

}  // namespace

TEST_CASE("layers tell their output shapes", "[layers]") {
  CHECK(output({356, 356, 3}, Conv2d{.filters = 64}) == Shape{356, 356, 64});
  CHECK(output({9, 8, 3}, Conv2d{.filters = 5, .stride = 2}) == Shape{5, 4, 5});
  CHECK(output({9, 8, 3}, Conv2d{.filters = 5, .kernel_size = {5, 2}, .padding = Padding::valid}) == Shape{5, 7, 5});
  CHECK(output({9, 8, 3}, Conv2d{.filters = 5, .kernel_size = 3, .stride = {2, 3}, .padding = Padding::valid}) ==
        Shape{4, 2, 5});
  CHECK(output({89, 45, 32}, MaxPool2d{}) == Shape{45, 23, 32});
  CHECK(output({89, 45, 32}, MaxPool2d{.padding = Padding::valid}) == Shape{44, 22, 32});
  CHECK(output({7, 7, 2}, MaxPool2d{.pool_size = 3, .stride = 1}) == Shape{7, 7, 2});
  CHECK(output({6, 6, 32}, Flatten{}) == Shape{1, 1, 1152});
  CHECK(output({1, 1, 1152}, Dense{.units = 256}) == Shape{1, 1, 256});
  CHECK(output({4, 5, 6}, Relu{}) == Shape{4, 5, 6});
  CHECK(output({4, 5, 6}, Softmax{}) == Shape{4, 5, 6});
  CHECK(output({4, 5, 6}, Dropout{}) == Shape{4, 5, 6});
}

TEST_CASE("the padding rule is TensorFlow's", "[layers]") {
  const auto check = [](int size, int kernel, int stride, int out, int before, int after) {
    INFO("size " << size << ", kernel " << kernel << ", stride " << stride);
    const AxisWindows window = window_of(size, kernel, stride, Padding::same);
    CHECK(window.output == out);
    CHECK(window.before == before);
    CHECK(window.after == after);
  };
  check(5, 3, 1, 5, 1, 1);
  check(6, 2, 2, 3, 0, 0);
  check(45, 2, 2, 23, 0, 1);
  check(224, 3, 2, 112, 0, 1);
  check(7, 3, 2, 4, 1, 1);
  check(5, 4, 1, 5, 1, 2);
  check(5, 1, 3, 2, 0, 0);
  CHECK(window_of(7, 3, 2, Padding::valid).output == 3);
  CHECK(window_of(2, 3, 1, Padding::valid).output == 0);
}

TEST_CASE("padding after the last cell is ZeroPadding2D(((0, 1), (0, 1))) and no other", "[layers]") {
  for (int size = 2; size < 20; ++size) {
    for (int stride = 1; stride < 4; ++stride) {
      INFO("size " << size << ", stride " << stride);
      const AxisWindows window = window_of(size, 3, stride, Padding::after);
      CHECK(window.output == window_of(size + 1, 3, stride, Padding::valid).output);
      CHECK(window.before == 0);
      CHECK(window.after == 1);
    }
  }
  CHECK(window_of(1, 3, 2, Padding::after).output == 0);
}

TEST_CASE("errors name the layer, what was expected and what was found", "[layers]") {
  CHECK(shape_error_of({8, 8, 3}, Conv2d{.filters = 4}, Dense{.units = 2}) ==
        "layer dense_1 (Dense): expected a vector (put Flatten before it), found 8x8x4");
  CHECK(shape_error_of({4, 4, 3}, Conv2d{.filters = 4},
                       Conv2d{.filters = 2, .kernel_size = 5, .padding = Padding::valid}) ==
        "layer conv2d_2 (Conv2d): expected an input of at least 5x5 pixels, found 4x4x4");
  CHECK(shape_error_of({3, 3, 1}, MaxPool2d{.pool_size = {4, 2}, .padding = Padding::valid, .name = "shrink"}) ==
        "layer shrink (MaxPool2d): expected an input of at least 4x2 pixels, found 3x3x1");
  CHECK(option_error_of({3, 3, 1}, Conv2d{.filters = 0}) ==
        "layer conv2d_1 (Conv2d): expected filters of at least 1, found 0");
  CHECK(option_error_of({3, 3, 1}, Conv2d{.filters = 1, .kernel_size = {3, 0}}) ==
        "layer conv2d_1 (Conv2d): expected a kernel side of at least 1, found 0");
  CHECK(option_error_of({3, 3, 1}, Conv2d{.filters = 1, .stride = {-1, 1}}) ==
        "layer conv2d_1 (Conv2d): expected a stride of at least 1, found -1");
  CHECK(option_error_of({3, 3, 1}, MaxPool2d{.pool_size = 0}) ==
        "layer max_pool2d_1 (MaxPool2d): expected a window side of at least 1, found 0");
  CHECK(option_error_of({3, 3, 1}, MaxPool2d{.pool_size = 16}) ==
        "layer max_pool2d_1 (MaxPool2d): expected a window of fewer than 255 cells, found 16x16");
  CHECK(option_error_of({1, 1, 3}, Dense{.units = 0}) ==
        "layer dense_1 (Dense): expected units of at least 1, found 0");
  for (const double rate : {-0.1, 1.0, std::nan("")}) {
    CHECK_THAT(option_error_of({1, 1, 3}, Relu{}, Dropout{.rate = rate}),
               Contains("layer dropout_1 (Dropout): expected a rate in [0, 1)"));
  }
  CHECK(shape_error_of({0, 8, 3}, Relu{}) == "network: expected an input of at least 1x1x1, found 0x8x3");
  CHECK(shape_error_of({8, 8, 3}, Relu{.name = "twice"}, Softmax{.name = "twice"}) ==
        "layer twice (Softmax): expected a name of its own, found the name of an earlier layer");
}

TEST_CASE("layers are named after their kind and number unless they have a name", "[layers]") {
  const auto layers =
      inspect(describe(Conv2d{}, Relu{}, Conv2d{.name = "last"}, Conv2d{}, MaxPool2d{}, Flatten{}, Dense{}), {4, 4, 1});
  std::vector<std::string> names;
  for (const LayerInfo& layer : layers) names.push_back(layer.name);
  CHECK(names ==
        std::vector<std::string>{"conv2d_1", "relu_1", "last", "conv2d_3", "max_pool2d_1", "flatten_1", "dense_1"});
}

TEST_CASE("the custom network is Table 3", "[layers][cluster_net]") {
  const auto layers = inspect(cluster_net, cluster_net_input);
  struct Row {
    std::string kind;
    Shape output;
    std::size_t parameters, multiply_adds;
  };
  const std::vector<Row> table{{"Conv2d", {356, 356, 64}, 1792, 218999808},
                               {"Relu", {356, 356, 64}, 0, 0},
                               {"MaxPool2d", {178, 178, 64}, 0, 0},
                               {"Conv2d", {178, 178, 32}, 18464, 583999488},
                               {"Relu", {178, 178, 32}, 0, 0},
                               {"MaxPool2d", {89, 89, 32}, 0, 0},
                               {"Conv2d", {89, 89, 32}, 9248, 72999936},
                               {"Relu", {89, 89, 32}, 0, 0},
                               {"MaxPool2d", {45, 45, 32}, 0, 0},
                               {"Conv2d", {45, 45, 32}, 9248, 18662400},
                               {"Relu", {45, 45, 32}, 0, 0},
                               {"MaxPool2d", {23, 23, 32}, 0, 0},
                               {"Conv2d", {23, 23, 32}, 9248, 4875264},
                               {"Relu", {23, 23, 32}, 0, 0},
                               {"MaxPool2d", {12, 12, 32}, 0, 0},
                               {"Conv2d", {12, 12, 32}, 9248, 1327104},
                               {"Relu", {12, 12, 32}, 0, 0},
                               {"MaxPool2d", {6, 6, 32}, 0, 0},
                               {"Flatten", {1, 1, 1152}, 0, 0},
                               {"Dense", {1, 1, 256}, 295168, 294912},
                               {"Relu", {1, 1, 256}, 0, 0},
                               {"Dropout", {1, 1, 256}, 0, 0},
                               {"Dense", {1, 1, 2}, 514, 512},
                               {"Softmax", {1, 1, 2}, 0, 0}};
  REQUIRE(layers.size() == table.size());
  for (std::size_t i = 0; i < table.size(); ++i) {
    INFO("layer " << i << ", " << layers[i].name);
    CHECK(layers[i].kind == table[i].kind);
    CHECK(layers[i].output == table[i].output);
    CHECK(layers[i].parameter_count() == table[i].parameters);
    CHECK(layers[i].multiply_adds == table[i].multiply_adds);
  }
  CHECK(totals(layers).parameters == 352930);
  CHECK(totals(layers).multiply_adds == 901159424);
}

TEST_CASE("the summary shows every layer and the totals", "[layers][cluster_net]") {
  const auto network = build<float>(cluster_net, cluster_net_input);
  const std::string text = summary(network);
  std::istringstream lines(text);
  std::string first, line, total, last;
  std::getline(lines, first);
  std::size_t count = 1;
  while (std::getline(lines, line)) total = std::exchange(last, line), ++count;
  CHECK(count == 27);
  CHECK_THAT(first, Contains("layer") && Contains("output") && Contains("multiply-adds"));
  CHECK_THAT(text, Contains("conv2d_2") && Contains("178x178x32") && Contains("18,464") && Contains("583,999,488"));
  CHECK_THAT(total, Contains("total") && Contains("352,930") && Contains("901,159,424"));
  CHECK_THAT(text, Contains("\nconv2d_2 + ") && Contains("\nrelu_2 + ") && Contains("\nmax_pool2d_2  "));
  CHECK_THAT(text, Contains("\ndense_1  ") && Contains("\nrelu_7  "));
  CHECK(last == "+: fused with the next");
  CHECK(with_commas(0) == "0");
  CHECK(with_commas(999) == "999");
  CHECK(with_commas(1000) == "1,000");
  CHECK(with_commas(1234567) == "1,234,567");
}

TEST_CASE("initial weights are Glorot uniform with zero biases", "[layers][cluster_net]") {
  const auto network = build<float>(cluster_net, cluster_net_input, 3);
  const std::map<std::string, double> limits{{"conv2d_1", 0.09975}, {"conv2d_2", 0.08333}, {"conv2d_3", 0.10206},
                                             {"conv2d_6", 0.10206}, {"dense_1", 0.06528},  {"dense_2", 0.15250}};
  for (const NamedParameter& named : network.named_parameters()) {
    const auto values = network.parameters().subspan(named.offset, named.size);
    const auto [least, most] = std::ranges::minmax(values);
    INFO(named.name);
    if (named.name.ends_with("/bias")) {
      CHECK((least == 0 && most == 0));
      continue;
    }
    const auto found = limits.find(named.name.substr(0, named.name.find('/')));
    if (found == limits.end()) continue;
    const double limit = found->second;
    CHECK(static_cast<double>(most) <= limit * 1.0001);
    CHECK(static_cast<double>(most) > limit * 0.97);
    CHECK(static_cast<double>(least) < -limit * 0.97);
    double square = 0;
    for (const float value : values) square += static_cast<double>(value) * static_cast<double>(value);
    const double deviation = std::sqrt(square / static_cast<double>(values.size()));
    CHECK(deviation == Approx(limit / std::sqrt(3)).epsilon(0.05));
  }
  const auto same = build<float>(cluster_net, cluster_net_input, 3),
             other = build<float>(cluster_net, cluster_net_input, 4);
  CHECK(std::ranges::equal(network.parameters(), same.parameters()));
  CHECK_FALSE(std::ranges::equal(network.parameters(), other.parameters()));
}

TEST_CASE("Flatten keeps the order height, width, channel", "[layers]") {
  const std::vector<double> x{1, 2, 3, 4, 5, 6, 7, 8};
  CHECK(run({2, 2, 2}, Flatten{}, x) == x);
}

TEST_CASE("Softmax goes over the channels of each pixel", "[layers]") {
  const auto y = run<double>({1, 2, 2}, Softmax{}, {0, std::log(3.0), 1e4, -1e4});
  CHECK(y[0] == Approx(0.25));
  CHECK(y[1] == Approx(0.75));
  CHECK(y[2] == 1);
  CHECK(y[3] == 0);
}

TEST_CASE("Dropout is the identity in prediction", "[layers]") {
  const std::vector<double> x{1, -2, 3, 4};
  CHECK(run<double>({1, 1, 4}, Dropout{.rate = 0.9}, x) == x);
}

TEST_CASE("MaxPool2d ignores padded cells at odd sizes", "[layers]") {
  const std::vector<float> x{-9, -8, -1,  //
                             -7, -6, -2,  //
                             -3, -4, -5};
  CHECK(run<float>({3, 3, 1}, MaxPool2d{}, x) == std::vector<float>{-6, -1, -3, -5});
  CHECK(run<float>({3, 3, 1}, MaxPool2d{.padding = Padding::valid}, x) == std::vector<float>{-6});
}

TEST_CASE("names of instruction sets are parsed, and unknown ones refused", "[cpu]") {
  for (const Isa isa : testing::supported_isas()) CHECK(parse_isa(name_of(isa)) == isa);
  CHECK(supports(Isa::baseline));
  CHECK(supports(best_isa()));
  CHECK(supports(active_isa()));
  for (const std::string text : {"", "AVX2", "avx", "avx512f", " baseline"}) {
    CHECK(message_of<OptionError>([&] { parse_isa(text); }) ==
          "ABELL_ISA: expected baseline, avx2 or avx512, found '" + text + "'");
  }
  for (const Isa isa : all_isas) {
    if (supports(isa)) continue;
    CHECK_THAT(message_of<OptionError>([&] { parse_isa(name_of(isa)); }),
               Contains("does not support") && Contains(std::string(name_of(best_isa()))));
  }
  const char* forced = std::getenv("ABELL_ISA");
  CHECK(active_isa() == (forced != nullptr && *forced != '\0' ? parse_isa(forced) : best_isa()));
}

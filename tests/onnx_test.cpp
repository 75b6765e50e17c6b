#include <abell/weights/onnx.hpp>
#include <cstring>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"
#include "described.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"

using namespace abell;

namespace {

std::vector<float> values_of(const onnx::GraphProto& graph, const std::string& name, std::vector<std::int64_t> shape) {
  for (const onnx::TensorProto& tensor : graph.initializer()) {
    if (tensor.name() != name) continue;
    REQUIRE(tensor.data_type() == onnx::TensorProto::FLOAT);
    REQUIRE(std::vector<std::int64_t>(tensor.dims().begin(), tensor.dims().end()) == shape);
    std::vector<float> values(tensor.raw_data().size() / sizeof(float));
    std::memcpy(values.data(), tensor.raw_data().data(), tensor.raw_data().size());
    return values;
  }
  FAIL("no initializer " << name);
  return {};
}

onnx::AttributeProto attribute(const onnx::NodeProto& node, const std::string& name) {
  for (const onnx::AttributeProto& each : node.attribute()) {
    if (each.name() == name) return each;
  }
  FAIL("no attribute " << name);
  return {};
}

std::vector<std::int64_t> integers(const onnx::NodeProto& node, const std::string& name) {
  const onnx::AttributeProto found = attribute(node, name);
  return {found.ints().begin(), found.ints().end()};
}

std::string kinds_of(const onnx::GraphProto& graph) {
  std::string kinds;
  for (const onnx::NodeProto& node : graph.node()) kinds += node.op_type() + " ";
  return kinds;
}

constexpr auto net = describe(Conv2d{.filters = 2, .kernel_size = {3, 2}, .stride = 2, .bias = false}, BatchNorm{},
                              Relu6{}, DepthwiseConv2d{.padding = Padding::symmetric, .depth_multiplier = 2},
                              MaxPool2d{}, Flatten{}, Dropout{}, Dense{.units = 3}, Softmax{});
constexpr Shape input{9, 6, 3};

}  // namespace

TEST_CASE("An ONNX graph has the nodes of the layers, and the arrays with channels first", "[weights]") {
  Described<double> network(net, input);
  network.number();
  const onnx::ModelProto model = onnx_model(list_of<double>(net), input, std::span<const double>(network.parameters()),
                                            {.metadata = {{"a", "b"}}});
  REQUIRE(model.opset_import(0).version() == 10);
  REQUIRE(model.ir_version() == 5);
  REQUIRE(model.metadata_props(0).key() == "a");
  REQUIRE(model.metadata_props(0).value() == "b");
  const onnx::GraphProto& graph = model.graph();
  REQUIRE(kinds_of(graph) == "Conv BatchNormalization Clip Conv MaxPool Flatten Gemm Softmax ");
  REQUIRE(graph.input(0).name() == "images");
  REQUIRE(graph.output(0).name() == "probabilities");
  REQUIRE(graph.node(7).output(0) == "probabilities");
  REQUIRE(graph.input(0).type().tensor_type().shape().dim(0).dim_param() == "batch");
  REQUIRE(graph.input(0).type().tensor_type().shape().dim(1).dim_value() == 3);

  // 9x6 -> 5x3 with SAME: rows (5 - 1) 2 + 3 - 9 = 2, columns (3 - 1) 2 + 2 - 6 = 0; 5x3 -> 3x2 when pooled.
  REQUIRE(integers(graph.node(0), "pads") == std::vector<std::int64_t>{1, 0, 1, 0});
  REQUIRE(integers(graph.node(0), "strides") == std::vector<std::int64_t>{2, 2});
  REQUIRE(integers(graph.node(3), "pads") == std::vector<std::int64_t>{1, 1, 1, 1});
  REQUIRE(integers(graph.node(4), "pads") == std::vector<std::int64_t>{0, 0, 1, 1});

  const auto number = [](const std::string& name, int i) {
    return static_cast<float>(Described<double>::numbered(name, static_cast<std::size_t>(i)));
  };
  const std::vector<float> kernel = values_of(graph, "conv2d_1/kernel", {2, 3, 3, 2});
  const std::vector<float> depthwise = values_of(graph, "depthwise_conv2d_1/depthwise_kernel", {4, 1, 3, 3});
  for (int y = 0; y < 3; ++y) {
    for (int x = 0; x < 2; ++x) {
      for (int c = 0; c < 3; ++c) {
        for (int f = 0; f < 2; ++f) {
          REQUIRE(kernel[static_cast<std::size_t>(((f * 3 + c) * 3 + y) * 2 + x)] ==
                  number("conv2d_1/kernel", ((y * 2 + x) * 3 + c) * 2 + f));
        }
      }
    }
    for (int x = 0; x < 3; ++x) {
      for (int channel = 0; channel < 4; ++channel) {
        REQUIRE(depthwise[static_cast<std::size_t>((channel * 3 + y) * 3 + x)] ==
                number("depthwise_conv2d_1/depthwise_kernel", (y * 3 + x) * 4 + channel));
      }
    }
  }
  REQUIRE(values_of(graph, "batch_norm_1/moving_variance", {2})[1] == number("batch_norm_1/moving_variance", 1));
  const std::vector<float> dense = values_of(graph, "dense_1/kernel", {3, 24});
  for (int c = 0; c < 4; ++c) {
    for (int y = 0; y < 3; ++y) {
      for (int x = 0; x < 2; ++x) {
        for (int unit = 0; unit < 3; ++unit) {
          REQUIRE(dense[static_cast<std::size_t>(((unit * 4 + c) * 3 + y) * 2 + x)] ==
                  number("dense_1/kernel", ((y * 2 + x) * 4 + c) * 3 + unit));
        }
      }
    }
  }
}

TEST_CASE("An ONNX graph says how enlargements and transposed convolutions lie", "[weights]") {
  constexpr auto up = describe(UpSample2d{.size = {2, 3}}, UpSample2d{.interpolation = UpSampling::bilinear},
                               Conv2dTranspose{.filters = 2, .kernel_size = {3, 2}, .stride = {2, 3}},
                               AveragePool2d{.pool_size = 3, .stride = 1}, LeakyRelu{.negative_slope = 0.25});
  Described<> network(up, {2, 3, 5});
  network.number();
  const onnx::ModelProto model =
      onnx_model(list_of<float>(up), {2, 3, 5}, std::span<const float>(network.parameters()));
  const onnx::GraphProto& graph = model.graph();
  REQUIRE(kinds_of(graph) == "Resize Resize ConvTranspose AveragePool LeakyRelu Transpose ");
  REQUIRE(values_of(graph, "up_sample2d_1/scales", {4}) == std::vector<float>{1, 1, 2, 3});
  REQUIRE(values_of(graph, "up_sample2d_2/scales", {4}) == std::vector<float>{1, 1, 2, 2});
  const auto text = [&](int node, const std::string& name) { return attribute(graph.node(node), name).s(); };
  REQUIRE(text(0, "mode") == "nearest");
  REQUIRE(text(0, "coordinate_transformation_mode") == "asymmetric");
  REQUIRE(text(0, "nearest_mode") == "floor");
  REQUIRE(text(1, "mode") == "linear");
  REQUIRE(text(1, "coordinate_transformation_mode") == "half_pixel");
  // 8x18 -> 16x54; the convolution back has (8 - 1) 2 + 3 - 16 = 1 padded row and a column in three left out.
  REQUIRE(integers(graph.node(2), "pads") == std::vector<std::int64_t>{0, 0, 1, 0});
  REQUIRE(integers(graph.node(2), "output_padding") == std::vector<std::int64_t>{0, 1});
  REQUIRE(attribute(graph.node(3), "count_include_pad").i() == 0);
  REQUIRE(attribute(graph.node(4), "alpha").f() == 0.25f);
  const std::vector<float> kernel = values_of(graph, "conv2d_transpose_1/kernel", {5, 2, 3, 2});
  for (int i = 0; i < 5 * 2 * 3 * 2; ++i) {
    const int channel = i / 12, filter = i / 6 % 2, row = i / 2 % 3, column = i % 2;
    REQUIRE(kernel[static_cast<std::size_t>(i)] ==
            Described<>::numbered("conv2d_transpose_1/kernel",
                                  static_cast<std::size_t>(((row * 2 + column) * 2 + filter) * 5 + channel)));
  }
}

namespace {

/// A layer from outside that writes its own node: y = w x, w a value for each channel.
struct Scale {
  std::string_view name = {};
  static constexpr std::string_view kind = "Scale";
  template <class T>
  struct Stage {
    Stage(const Place&, const Scale&) {}
    void forward(const Pass<T>&, const T*, T*) const {}
    void backward(const Pass<T>&, const T*, const T*, T*) const {}
  };
  std::vector<Parameter> parameters(const Place& place) const { return {{"scale", {place.input.channels}, 0, 1}}; }
  void to_onnx(OnnxNodes& graph) const {
    graph.as_map();
    graph.node("Mul", {}, {graph.weights({}, {2, 1, 1})});
  }
};

}  // namespace

TEST_CASE("A layer of one's own writes its nodes", "[weights]") {
  constexpr auto own = describe(Scale{}, Residual{describe(Scale{})});
  Described<> network(own, {3, 4, 2});
  network.number();
  const onnx::ModelProto model =
      onnx_model(list_of<float>(own), {3, 4, 2}, std::span<const float>(network.parameters()));
  REQUIRE(kinds_of(model.graph()) == "Mul Mul Add Transpose ");
  REQUIRE(model.graph().node(2).input(1) == model.graph().node(0).output(0));
  for (const char* name : {"scale_1/scale", "scale_2/scale"}) {
    REQUIRE(values_of(model.graph(), name, {2, 1, 1})[1] == Described<>::numbered(name, 1));
  }
}

TEST_CASE("An ONNX file is written to the same bytes, whole or not at all", "[weights]") {
  const TempFolder folder;
  Described<> network(net, input);
  network.number();
  const std::span<const float> parameters = network.parameters();
  const auto list = list_of<float>(net);
  save_onnx(folder / "a.onnx", list, input, parameters);
  save_onnx(folder / "b.onnx", list, input, parameters);
  REQUIRE(slurp(folder / "a.onnx") == slurp(folder / "b.onnx"));
  onnx::ModelProto model;
  std::ifstream file(folder / "a.onnx", std::ios::binary);
  REQUIRE(model.ParseFromIstream(&file));
  REQUIRE(model.graph().node_size() == 8);

  REQUIRE_THROWS_AS(save_onnx(folder / "none" / "a.onnx", list, input, parameters), IoError);
  REQUIRE_THAT(message_of<ShapeError>([&] { save_onnx(folder / "c.onnx", list, input, parameters.subspan(1)); }),
               Contains("parameters, found"));
  Described<double> wide(net, input);
  for (const double bad : {std::numeric_limits<double>::quiet_NaN(), 1e300}) {
    wide["dense_1/bias"][2] = bad;
    REQUIRE_THAT(message_of<NumericError>([&] {
                   save_onnx(folder / "c.onnx", list_of<double>(net), input,
                             std::span<const double>(wide.parameters()));
                 }),
                 Contains("dense_1/bias"));
  }
  REQUIRE_FALSE(std::filesystem::exists(folder / "c.onnx"));
}

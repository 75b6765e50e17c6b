#pragma once
/// The graph of an ONNX model, layer by layer; see weights/onnx.hpp.

#ifndef ONNX_ML
#define ONNX_ML 1
#endif
#include <onnx/onnx_pb.h>

#include <abell/core/error.hpp>
#include <abell/layers/layers.hpp>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace abell::detail {

/// Adds nodes one after the other. What the last node gives is either a map [batch, channels, height, width]
/// or a vector [batch, values]; `unordered_` tells that the vector's values still stand as channel, height, width.
template <class T>
class OnnxGraph {
 public:
  OnnxGraph(onnx::GraphProto& graph, Shape input, std::span<const T> parameters)
      : graph_(graph), parameters_(parameters), shape_(input) {
    graph_.set_name("abell");
    describe_value(*graph_.add_input(), value_, {input.channels, input.height, input.width});
  }

  /// All layers with what `inspect` says of them, and the output.
  template <class... Layers>
  void add_all(const std::vector<LayerInfo>& infos, const Description<Layers...>& description) {
    const std::size_t wanted = parameter_count(infos);
    if (wanted != parameters_.size()) {
      throw ShapeError("onnx: expected " + std::to_string(wanted) + " parameters, found " +
                       std::to_string(parameters_.size()));
    }
    add_list(infos, description);
    finish();
  }

 private:
  using Order = std::vector<std::size_t>;

  template <class... Layers>
  void add_list(const std::vector<LayerInfo>& infos, const Description<Layers...>& description) {
    std::size_t number = 0;
    const auto add_one = [&](const auto& layer) {
      const LayerInfo& info = infos[number++];
      info_ = &info;
      add(layer);
      shape_ = info.output;
    };
    std::apply([&](const auto&... layers) { (add_one(layers), ...); }, description.layers);
  }

  template <class Path, class Shortcut>
  void add(const Residual<Path, Shortcut>& layer) {
    node("Add", branches(layer));
  }
  template <class... Paths>
  void add(const Concatenate<Paths...>& layer) {
    attribute(node("Concat", branches(layer)), "axis", std::int64_t{1});
  }
  /// What each list of layers within `layer` gives for its input, as maps.
  template <class Layer>
  std::vector<std::string> branches(const Layer& layer) {
    as_map();
    const LayerInfo& own = *info_;
    const std::string input = value_;
    std::vector<std::string> values;
    const auto run = [&](const auto& description) {
      value_ = input;
      shape_ = own.input;
      is_map_ = true;
      add_list(own.branches[values.size()], description);
      info_ = &own;
      as_map();
      values.push_back(value_);
    };
    std::apply([&](const auto&... each) { (run(each), ...); }, layer.descriptions());
    return values;
  }

  void add(const Conv2d& layer) { convolution(layer, shape_.channels, {3, 2, 0, 1}, 1); }
  /// Output channel c m + k is filter k of channel c, and so are the rows of [channels * multiplier][1][h][w].
  void add(const DepthwiseConv2d& layer) { convolution(layer, 1, {2, 3, 0, 1}, shape_.channels); }

  void add(const BatchNorm& layer) {
    in_order();
    std::vector<std::string> inputs{value_};
    for (const Parameter& parameter : info_->parameters) inputs.push_back(initializer(parameter));
    onnx::NodeProto& made = node("BatchNormalization", inputs);
    attribute(made, "epsilon", static_cast<float>(layer.epsilon));
  }

  void add(const Relu&) { node("Relu", {value_}); }
  void add(const Relu6&) {
    node("Clip", {value_, constant(info_->name + "/least", {}, {0}), constant(info_->name + "/most", {}, {6})});
  }

  void add(const LeakyRelu& layer) {
    attribute(node("LeakyRelu", {value_}), "alpha", static_cast<float>(layer.negative_slope));
  }
  void add(const Sigmoid&) { node("Sigmoid", {value_}); }
  void add(const Tanh&) { node("Tanh", {value_}); }

  void add(const MaxPool2d& layer) { attribute(pool("MaxPool", layer), "ceil_mode", std::int64_t{0}); }
  void add(const AveragePool2d& layer) {
    attribute(pool("AveragePool", layer), "count_include_pad", std::int64_t{0});
  }
  void add(const GlobalAveragePool2d&) {
    as_map();
    node("GlobalAveragePool", {value_});
  }
  void add(const GlobalMaxPool2d&) {
    as_map();
    node("GlobalMaxPool", {value_});
  }
  template <class Layer>
  onnx::NodeProto& pool(const std::string& kind, const Layer& layer) {
    as_map();
    onnx::NodeProto& made = node(kind, {value_});
    window(made, layer.window, layer.stride, layer.padding);
    return made;
  }

  void add(const UpSample2d& layer) {
    as_map();
    const bool nearest = layer.interpolation == Interpolation::nearest;
    const std::string scales =
        constant(info_->name + "/scales", {4},
                 {1, 1, static_cast<float>(layer.size.height), static_cast<float>(layer.size.width)});
    onnx::NodeProto& made = node("Resize", {value_, "", scales});
    attribute(made, "mode", nearest ? "nearest" : "linear");
    attribute(made, "coordinate_transformation_mode", nearest ? "asymmetric" : "half_pixel");
    if (nearest) attribute(made, "nearest_mode", "floor");
  }

  /// The kernel is written as [channels][filters][h][w].
  void add(const Conv2dTranspose& layer) {
    as_map();
    const auto& parameters = info_->parameters;
    const Shape output = info_->output;
    std::vector<std::string> names{
        value_, initializer(parameters[0], {3, 2, 0, 1}, sizes_of(parameters[0]),
                            {shape_.channels, layer.filters, layer.kernel.height, layer.kernel.width})};
    if (layer.bias) names.push_back(initializer(parameters[1]));
    onnx::NodeProto& made = node("ConvTranspose", names);
    // Of the convolution from the output to the input; what its windows leave out at the end is added.
    const Window rows = window_of(output.height, layer.kernel.height, layer.stride.height, layer.padding);
    const Window columns = window_of(output.width, layer.kernel.width, layer.stride.width, layer.padding);
    const auto beyond = [](int input, int size, int kernel, int stride, const Window& window) {
      return size - ((input - 1) * stride + kernel - window.before - window.after);
    };
    attribute(made, "kernel_shape", {layer.kernel.height, layer.kernel.width});
    attribute(made, "strides", {layer.stride.height, layer.stride.width});
    attribute(made, "pads", {rows.before, columns.before, rows.after, columns.after});
    attribute(made, "output_padding",
              {beyond(shape_.height, output.height, layer.kernel.height, layer.stride.height, rows),
               beyond(shape_.width, output.width, layer.kernel.width, layer.stride.width, columns)});
  }

  void add(const Reshape& layer) {
    in_order();
    if (is_map_) {
      attribute(node("Transpose", {value_}, "/channels_last"), "perm", {0, 2, 3, 1});
    }
    reshape({-1, layer.shape.height, layer.shape.width, layer.shape.channels}, "/shape");
    attribute(node("Transpose", {value_}, "/channels_first"), "perm", {0, 3, 1, 2});
    is_map_ = true;
  }

  void add(const Dropout&) {}
  /// Over the channels, the axis 1 of maps and vectors alike; the order of a vector does not matter.
  void add(const Softmax&) { attribute(node("Softmax", {value_}), "axis", std::int64_t{1}); }

  void add(const Flatten&) {
    if (!is_map_) return;
    if (shape_.pixels() > 1 && shape_.channels > 1) unordered_ = shape_;
    flatten({});
  }

  /// The kernel is written as [units][inputs], the form (transB = 1) that every runtime takes.
  void add(const Dense& layer) {
    if (is_map_) flatten("/flat");
    const auto& parameters = info_->parameters;
    const std::vector<std::int64_t> shape{layer.units, shape_.channels};
    std::vector<std::string> inputs{value_};
    if (unordered_) {
      const Shape from = *std::exchange(unordered_, std::nullopt);
      inputs.push_back(
          initializer(parameters[0], {3, 2, 0, 1}, {from.height, from.width, from.channels, layer.units}, shape));
    } else {
      inputs.push_back(initializer(parameters[0], {1, 0}, sizes_of(parameters[0]), shape));
    }
    inputs.push_back(initializer(parameters[1]));
    attribute(node("Gemm", inputs), "transB", std::int64_t{1});
  }

  /// Kernels in the order given, `inputs` channels to each filter.
  template <class Layer>
  void convolution(const Layer& layer, int inputs, const Order& order, int groups) {
    as_map();
    const auto& parameters = info_->parameters;
    const std::vector<std::int64_t> shape{info_->output.channels, inputs, layer.kernel.height, layer.kernel.width};
    std::vector<std::string> names{value_, initializer(parameters[0], order, sizes_of(parameters[0]), shape)};
    if (layer.bias) names.push_back(initializer(parameters[1]));
    onnx::NodeProto& made = node("Conv", names);
    window(made, layer.kernel, layer.stride, layer.padding);
    attribute(made, "group", static_cast<std::int64_t>(groups));
  }

  void window(onnx::NodeProto& made, Extent size, Extent stride, Padding padding) {
    const Window rows = window_of(shape_.height, size.height, stride.height, padding);
    const Window columns = window_of(shape_.width, size.width, stride.width, padding);
    attribute(made, "kernel_shape", {size.height, size.width});
    attribute(made, "strides", {stride.height, stride.width});
    attribute(made, "pads", {rows.before, columns.before, rows.after, columns.after});
  }

  // Between maps and vectors.

  void flatten(const std::string& suffix) {
    attribute(node("Flatten", {value_}, suffix), "axis", std::int64_t{1});
    is_map_ = false;
  }
  /// A vector in the order channel, height, width becomes one in the order height, width, channel.
  void in_order() {
    if (!unordered_) return;
    const Shape from = *std::exchange(unordered_, std::nullopt);
    reshape({-1, from.channels, from.height, from.width}, "/channels_first");
    attribute(node("Transpose", {value_}, "/channels_last"), "perm", {0, 2, 3, 1});
    flatten("/in_order");
  }
  void as_map() {
    in_order();
    if (is_map_) return;
    reshape({-1, shape_.channels, shape_.height, shape_.width}, "/map");
    is_map_ = true;
  }
  void reshape(const std::vector<std::int64_t>& sizes, const std::string& suffix) {
    onnx::TensorProto& target = *graph_.add_initializer();
    const std::string name = info_->name + suffix + "_shape";
    const int uses = ++names_[name];
    target.set_name(uses == 1 ? name : name + "_" + std::to_string(uses));
    target.set_data_type(onnx::TensorProto::INT64);
    target.add_dims(static_cast<std::int64_t>(sizes.size()));
    for (const std::int64_t size : sizes) target.add_int64_data(size);
    node("Reshape", {value_, target.name()}, suffix);
  }
  /// The last node gives the output, in the order of Network::predict.
  void finish() {
    in_order();
    std::vector<int> sizes{shape_.channels};
    if (is_map_ && shape_.pixels() == 1) {
      flatten("/output");
    } else if (is_map_) {
      attribute(node("Transpose", {value_}, "/channels_last"), "perm", {0, 2, 3, 1});
      sizes = {shape_.height, shape_.width, shape_.channels};
    }
    if (graph_.node_size() == 0) node("Identity", {value_}, "/output");
    graph_.mutable_node(graph_.node_size() - 1)->set_output(0, "probabilities");
    describe_value(*graph_.add_output(), "probabilities", sizes);
  }

  // Parts of the graph.

  /// Named after the layer; a second node of one name gets a number.
  onnx::NodeProto& node(const std::string& kind, const std::vector<std::string>& inputs,
                        const std::string& suffix = {}) {
    onnx::NodeProto& made = *graph_.add_node();
    const std::string name = info_->name + suffix;
    const int uses = ++names_[name];
    made.set_op_type(kind);
    made.set_name(uses == 1 ? name : name + "_" + std::to_string(uses));
    for (const std::string& input : inputs) made.add_input(input);
    value_ = made.name() + "/out";
    made.add_output(value_);
    return made;
  }

  static onnx::AttributeProto& attribute(onnx::NodeProto& made, const std::string& name,
                                         onnx::AttributeProto::AttributeType type) {
    onnx::AttributeProto& added = *made.add_attribute();
    added.set_name(name);
    added.set_type(type);
    return added;
  }
  static void attribute(onnx::NodeProto& made, const std::string& name, float value) {
    attribute(made, name, onnx::AttributeProto::FLOAT).set_f(value);
  }
  static void attribute(onnx::NodeProto& made, const std::string& name, std::int64_t value) {
    attribute(made, name, onnx::AttributeProto::INT).set_i(value);
  }
  static void attribute(onnx::NodeProto& made, const std::string& name, const char* value) {
    attribute(made, name, onnx::AttributeProto::STRING).set_s(value);
  }
  static void attribute(onnx::NodeProto& made, const std::string& name, std::initializer_list<int> values) {
    onnx::AttributeProto& added = attribute(made, name, onnx::AttributeProto::INTS);
    for (const int value : values) added.add_ints(value);
  }

  static std::vector<std::int64_t> sizes_of(const Parameter& parameter) {
    return {parameter.dimensions.begin(), parameter.dimensions.end()};
  }

  std::string constant(const std::string& name, const std::vector<std::int64_t>& shape,
                       const std::vector<float>& values) {
    onnx::TensorProto& tensor = *graph_.add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    for (const std::int64_t size : shape) tensor.add_dims(size);
    tensor.set_raw_data(values.data(), values.size() * sizeof(float));
    return name;
  }

  std::string initializer(const Parameter& parameter) {
    return initializer(parameter, {}, sizes_of(parameter), sizes_of(parameter));
  }
  /// The next parameter of the arena, of dimensions `sizes`, with its axes in `order` (none: as they are),
  /// written in the dimensions `shape`. Throws NumericError.
  std::string initializer(const Parameter& parameter, const Order& order, const std::vector<std::int64_t>& sizes,
                          const std::vector<std::int64_t>& shape) {
    const std::span<const T> values = parameters_.subspan(offset_, parameter.size());
    offset_ += parameter.size();
    std::string name = info_->name + "/" + parameter.name;
    std::vector<float> numbers(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      numbers[i] = static_cast<float>(values[source(i, order, sizes)]);
      if (!std::isfinite(numbers[i])) {
        throw NumericError("onnx: tensor " + name + ": expected finite weights in float32, found " +
                           std::to_string(values[source(i, order, sizes)]));
      }
    }
    return constant(name, shape, numbers);
  }
  /// Where value i of the transposed array stands in the array of dimensions `sizes`.
  static std::size_t source(std::size_t i, const Order& order, const std::vector<std::int64_t>& sizes) {
    if (order.empty()) return i;
    std::vector<std::size_t> at(sizes.size());
    for (std::size_t axis = order.size(); axis-- > 0;) {
      const auto size = static_cast<std::size_t>(sizes[order[axis]]);
      at[order[axis]] = i % size;
      i /= size;
    }
    std::size_t place = 0;
    for (std::size_t axis = 0; axis < sizes.size(); ++axis)
      place = place * static_cast<std::size_t>(sizes[axis]) + at[axis];
    return place;
  }

  /// The type of an input or output: float32, any batch.
  static void describe_value(onnx::ValueInfoProto& value, const std::string& name, const std::vector<int>& sizes) {
    value.set_name(name);
    onnx::TypeProto::Tensor& type = *value.mutable_type()->mutable_tensor_type();
    type.set_elem_type(onnx::TensorProto::FLOAT);
    type.mutable_shape()->add_dim()->set_dim_param("batch");
    for (const int size : sizes) type.mutable_shape()->add_dim()->set_dim_value(size);
  }

  onnx::GraphProto& graph_;
  std::span<const T> parameters_;
  std::size_t offset_ = 0;
  Shape shape_;
  bool is_map_ = true;
  std::optional<Shape> unordered_;
  const LayerInfo* info_ = nullptr;
  std::map<std::string, int> names_;  ///< how often each was asked for
  std::string value_ = "images";
};

}  // namespace abell::detail

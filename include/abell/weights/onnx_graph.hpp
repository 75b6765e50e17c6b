#pragma once
/// The graph of an ONNX model, layer by layer; see weights/onnx.hpp.

#ifndef ONNX_ML
#define ONNX_ML 1
#endif
#include <onnx/onnx_pb.h>

#include <abell/core/error.hpp>
#include <abell/layers/layers.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace abell::detail {

/// Adds nodes one after the other. What the last node gives is either a map [batch, channels, height, width], or
/// [batch, height, width, channels] where `channels_last_` tells so, or a vector [batch, values]; `unordered_` tells
/// that the vector's values still stand as channel, height, width.
///
/// A layer writes its own nodes, `void to_onnx(OnnxNodes& graph) const`; those that change the order of the values or
/// of their weights, or hold other layers, are written here.
template <class T>
class OnnxGraph final : public OnnxNodes {
 public:
  OnnxGraph(onnx::GraphProto& graph, int opset, Shape input, std::span<const T> parameters)
      : graph_(graph), opset_(opset), parameters_(parameters), shape_(input) {
    graph_.set_name("abell");
    describe_value(*graph_.add_input(), value_, {input.channels, input.height, input.width});
  }

  /// All layers with what `inspect` says of them, and the output.
  void add_all(const std::vector<LayerInfo>& infos, const LayerList<T>& list) {
    const std::size_t wanted = parameter_count(infos);
    if (wanted != parameters_.size()) {
      throw ShapeError("onnx: expected " + std::to_string(wanted) + " parameters, found " +
                       std::to_string(parameters_.size()));
    }
    add_list(infos, list);
    finish();
  }

  /// The least version that all layers can be said in.
  int required_opset() const { return required_; }

  int opset() const override { return opset_; }
  void require_opset(int least) override { required_ = std::max(required_, least); }
  void node(const std::string& kind, const Attributes& attributes = {}, const std::vector<std::string>& more = {},
            const std::string& suffix = {}) override {
    std::vector<std::string> inputs{value_};
    inputs.insert(inputs.end(), more.begin(), more.end());
    add_node(kind, inputs, attributes, suffix);
  }
  void pool(const std::string& kind, Extent window, Extent stride, Padding padding, Attributes attributes) override {
    as_map();
    add_window(attributes, window, stride, padding);
    node(kind, attributes);
  }
  /// Before opset 13 the axes from `axis` on were one: the channels must be the last.
  void softmax() override {
    if (!is_map_ || shape_.pixels() == 1) return node("Softmax", {{"axis", 1}});
    if (!std::exchange(channels_last_, true)) channels_last();
    node("Softmax", {{"axis", 3}});
  }
  void as_map() override {
    in_order();
    if (is_map_) return;
    reshape({-1, shape_.channels, shape_.height, shape_.width}, "/map");
    is_map_ = true;
  }
  void in_order() override {
    channels_first();
    if (!unordered_) return;
    const Shape from = *std::exchange(unordered_, std::nullopt);
    reshape({-1, from.channels, from.height, from.width}, "/channels_first");
    channels_last();
    flatten("/in_order");
  }
  std::string weights(const Order& order = {}, const std::vector<std::int64_t>& shape = {}) override {
    const Parameter& parameter = info_->parameters.at(weights_++);
    return weights(parameter, {parameter.dimensions.begin(), parameter.dimensions.end()}, order, shape);
  }
  std::string constant(const std::string& name, const std::vector<std::int64_t>& shape,
                       const std::vector<float>& values) override {
    onnx::TensorProto& tensor = *graph_.add_initializer();
    tensor.set_name(info_->name + "/" + name);
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    for (const std::int64_t size : shape) tensor.add_dims(size);
    tensor.set_raw_data(values.data(), values.size() * sizeof(float));
    return tensor.name();
  }

 private:
  void add_list(const std::vector<LayerInfo>& infos, const LayerList<T>& list) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      info_ = &infos[i];
      weights_ = 0;
      add_one(list[i]);
      shape_ = infos[i].output;
    }
  }
  void add_one(const AnyLayer<T>& layer) {
    if (layer.writes_onnx()) return layer.to_onnx(*this);
    if (add_if<Conv2d, DepthwiseConv2d, Conv2dTranspose, Flatten, Reshape, Dense>(layer)) return;
    if (layer.kind() == Residual<Description<>>::kind) return add_node("Add", branches(layer));
    if (layer.kind() == Concatenate<std::tuple<>>::kind) return add_node("Concat", branches(layer), {{"axis", 1}});
    throw OptionError("onnx: layer " + info_->name + " (" + info_->kind +
                      "): expected a layer that writes its nodes (to_onnx), found none of them");
  }
  /// Adds a layer of one of the types.
  template <class... Layers>
  bool add_if(const AnyLayer<T>& layer) {
    const auto one = [&](const auto* options) {
      if (options != nullptr) add(*options);
      return options != nullptr;
    };
    return (... || one(layer.template as<Layers>()));
  }

  /// What each list of layers within `layer` gives for its input, as maps.
  std::vector<std::string> branches(const AnyLayer<T>& layer) {
    as_map();
    const LayerInfo& own = *info_;
    const std::string input = value_;
    std::vector<std::string> values;
    for (const LayerList<T>& branch : layer.branches()) {
      value_ = input;
      shape_ = own.input;
      is_map_ = true;
      add_list(own.branches[values.size()], branch);
      info_ = &own;
      as_map();
      values.push_back(value_);
    }
    return values;
  }

  void add(const Conv2d& layer) { convolution(layer, {3, 2, 0, 1}, {}, 1); }
  /// Output channel c m + k is filter k of channel c, and so are the rows of [channels * multiplier][1][h][w].
  void add(const DepthwiseConv2d& layer) {
    convolution(layer, {2, 3, 0, 1}, {info_->output.channels, 1, layer.kernel_size.height, layer.kernel_size.width},
                shape_.channels);
  }
  template <class Layer>
  void convolution(const Layer& layer, const Order& order, const std::vector<std::int64_t>& shape, int groups) {
    as_map();
    Attributes attributes{{"group", groups}};
    add_window(attributes, layer.kernel_size, layer.stride, layer.padding);
    node("Conv", attributes, kernel_and_bias(layer, order, shape));
  }

  /// The pads are those of the convolution from the output to the input; what its windows leave out at the end is
  /// added.
  void add(const Conv2dTranspose& layer) {
    as_map();
    const Shape output = info_->output;
    const AxisWindows rows = window_of(output.height, layer.kernel_size.height, layer.stride.height, layer.padding);
    const AxisWindows columns = window_of(output.width, layer.kernel_size.width, layer.stride.width, layer.padding);
    const auto beyond = [](int input, int size, int kernel, int stride, const AxisWindows& window) {
      return size - ((input - 1) * stride + kernel - window.before - window.after);
    };
    Attributes attributes{{"output_padding",
                           {beyond(shape_.height, output.height, layer.kernel_size.height, layer.stride.height, rows),
                            beyond(shape_.width, output.width, layer.kernel_size.width, layer.stride.width, columns)}}};
    add_window(attributes, layer.kernel_size, layer.stride, rows, columns);
    node("ConvTranspose", attributes, kernel_and_bias(layer, {3, 2, 0, 1}));
  }

  void add(const Flatten&) {
    if (!is_map_) return;
    channels_first();
    if (shape_.pixels() > 1 && shape_.channels > 1) unordered_ = shape_;
    flatten({});
  }
  void add(const Reshape& layer) {
    in_order();
    if (is_map_) channels_last();
    reshape({-1, layer.shape.height, layer.shape.width, layer.shape.channels}, "/shape");
    node("Transpose", {{"perm", {0, 3, 1, 2}}}, {}, "/channels_first");
    is_map_ = true;
  }

  /// The kernel is written as [units][inputs], the form (transB = 1) that every runtime takes.
  void add(const Dense& layer) {
    channels_first();
    if (is_map_) flatten("/flat");
    std::vector<std::string> arrays;
    if (unordered_) {
      const Shape from = *std::exchange(unordered_, std::nullopt);
      arrays.push_back(weights(info_->parameters[weights_++], {from.height, from.width, from.channels, layer.units},
                               {3, 2, 0, 1}, {layer.units, shape_.channels}));
    } else {
      arrays.push_back(weights({1, 0}));
    }
    arrays.push_back(weights());
    node("Gemm", {{"transB", 1}}, arrays);
  }

  template <class Layer>
  std::vector<std::string> kernel_and_bias(const Layer& layer, const Order& order,
                                           const std::vector<std::int64_t>& shape = {}) {
    std::vector<std::string> arrays{weights(order, shape)};
    if (layer.bias) arrays.push_back(weights());
    return arrays;
  }
  void add_window(Attributes& attributes, Extent size, Extent stride, Padding padding) const {
    add_window(attributes, size, stride, window_of(shape_.height, size.height, stride.height, padding),
               window_of(shape_.width, size.width, stride.width, padding));
  }
  static void add_window(Attributes& attributes, Extent size, Extent stride, const AxisWindows& rows,
                         const AxisWindows& columns) {
    attributes.push_back({"kernel_shape", {size.height, size.width}});
    attributes.push_back({"strides", {stride.height, stride.width}});
    attributes.push_back({"pads", {rows.before, columns.before, rows.after, columns.after}});
  }

  // Between maps and vectors.

  void flatten(const std::string& suffix) {
    node("Flatten", {{"axis", 1}}, {}, suffix);
    is_map_ = false;
  }
  void channels_last() { node("Transpose", {{"perm", {0, 2, 3, 1}}}, {}, "/channels_last"); }
  void channels_first() {
    if (std::exchange(channels_last_, false)) node("Transpose", {{"perm", {0, 3, 1, 2}}}, {}, "/channels_first");
  }
  void reshape(const std::vector<std::int64_t>& sizes, const std::string& suffix) {
    onnx::TensorProto& target = *graph_.add_initializer();
    const std::string name = info_->name + suffix + "_shape";
    const int uses = ++names_[name];
    target.set_name(uses == 1 ? name : name + "_" + std::to_string(uses));
    target.set_data_type(onnx::TensorProto::INT64);
    target.add_dims(static_cast<std::int64_t>(sizes.size()));
    for (const std::int64_t size : sizes) target.add_int64_data(size);
    node("Reshape", {}, {target.name()}, suffix);
  }
  /// The last node gives the output, in the order of Network::predict.
  void finish() {
    if (!channels_last_) in_order();
    std::vector<int> sizes{shape_.channels};
    if (is_map_ && shape_.pixels() == 1) {
      flatten("/output");
    } else if (is_map_) {
      if (!channels_last_) channels_last();
      sizes = {shape_.height, shape_.width, shape_.channels};
    }
    if (graph_.node_size() == 0) node("Identity", {}, {}, "/output");
    graph_.mutable_node(graph_.node_size() - 1)->set_output(0, "probabilities");
    describe_value(*graph_.add_output(), "probabilities", sizes);
  }

  // Parts of the graph.

  void add_node(const std::string& kind, const std::vector<std::string>& inputs, const Attributes& attributes = {},
                const std::string& suffix = {}) {
    onnx::NodeProto& made = *graph_.add_node();
    const std::string name = info_->name + suffix;
    const int uses = ++names_[name];
    made.set_op_type(kind);
    made.set_name(uses == 1 ? name : name + "_" + std::to_string(uses));
    for (const std::string& input : inputs) made.add_input(input);
    for (const OnnxAttribute& attribute : attributes) add_attribute(made, attribute);
    value_ = made.name() + "/out";
    made.add_output(value_);
  }

  static void add_attribute(onnx::NodeProto& node, const OnnxAttribute& attribute) {
    onnx::AttributeProto& made = *node.add_attribute();
    made.set_name(attribute.name);
    if (const auto* number = std::get_if<int>(&attribute.value)) {
      made.set_type(onnx::AttributeProto::INT);
      made.set_i(*number);
    } else if (const auto* real = std::get_if<double>(&attribute.value)) {
      made.set_type(onnx::AttributeProto::FLOAT);
      made.set_f(static_cast<float>(*real));
    } else if (const auto* text = std::get_if<std::string>(&attribute.value)) {
      made.set_type(onnx::AttributeProto::STRING);
      made.set_s(*text);
    } else {
      made.set_type(onnx::AttributeProto::INTS);
      for (const int value : std::get<std::vector<int>>(attribute.value)) made.add_ints(value);
    }
  }

  /// A parameter, the next of the arena, taken as an array of dimensions `sizes`.
  std::string weights(const Parameter& parameter, const std::vector<std::int64_t>& sizes, const Order& order,
                      std::vector<std::int64_t> shape) {
    const std::span<const T> values = parameters_.subspan(offset_, parameter.size());
    offset_ += parameter.size();
    std::vector<float> numbers(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      numbers[i] = static_cast<float>(values[source(i, order, sizes)]);
      if (!std::isfinite(numbers[i])) {
        throw NumericError("onnx: tensor " + info_->name + "/" + parameter.name +
                           ": expected finite weights in float32, found " +
                           std::to_string(values[source(i, order, sizes)]));
      }
    }
    if (shape.empty()) {
      shape = sizes;
      for (std::size_t i = 0; i < order.size(); ++i) shape[i] = sizes[order[i]];
    }
    return constant(parameter.name, shape, numbers);
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
  int opset_;
  int required_ = 0;
  std::span<const T> parameters_;
  std::size_t offset_ = 0;
  Shape shape_;
  bool is_map_ = true;
  bool channels_last_ = false;  ///< the map's
  std::optional<Shape> unordered_;
  const LayerInfo* info_ = nullptr;
  std::size_t weights_ = 0;           ///< how many of the layer's parameters are written
  std::map<std::string, int> names_;  ///< how often each was asked for
  std::string value_ = "images";
};

}  // namespace abell::detail

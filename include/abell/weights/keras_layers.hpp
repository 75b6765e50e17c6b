#pragma once
/// A layer of a Keras config as layers of ours, in the JSON that LayerKinds reads: {"kind": "Conv2d", "filters": 16,
/// ...} and, where Keras's layer has an activation in it, {"kind": "Relu"}.

#include <abell/core/error.hpp>
#include <abell/weights/json.hpp>
#include <abell/weights/keras_config.hpp>
#include <abell/weights/keras_fields.hpp>
#include <algorithm>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <utility>

namespace abell::detail {

/// Turns the layers of one path into ours, one after the other.
class KerasLayers {
 public:
  KerasLayers(std::string where, int rank) : where_(std::move(where)), rank_(rank) {}

  /// Axes of the values that the last layer gives, the batch's among them.
  int rank() const { return rank_; }
  void set_rank(int rank) { rank_ = rank; }
  /// The layers so far.
  Json take() {
    require_no_zeros();
    return std::exchange(list_, Json::array());
  }
  void add(const Json& layer) {
    require_no_zeros();
    list_.push_back(layer);
  }

  /// Throws FormatError for a class that we do not have, or an option.
  void add(const KerasNode& node) {
    const std::string here = where_ + ": layer " + in_quotes(node.name) + " (" + node.class_name + ")";
    const KerasFields fields(here, node.config);
    const auto found = classes().find(node.class_name);
    if (found == classes().end()) {
      std::string all;
      for (const auto& [name, convert] : classes()) all += (all.empty() ? "" : ", ") + name;
      throw FormatError(here + ": expected one of the classes " + all + ", Add and Concatenate, found " +
                        in_quotes(node.class_name));
    }
    if (zeros_ && node.class_name != "Conv2D" && node.class_name != "DepthwiseConv2D") require_no_zeros();
    found->second(*this, node, fields);
  }

 private:
  using Convert = std::function<void(KerasLayers&, const KerasNode&, const KerasFields&)>;

  void require_no_zeros() const {
    if (!zeros_) return;
    throw FormatError(where_ + ": layer " + in_quotes(zeros_->name) +
                      ": expected a Conv2D or DepthwiseConv2D after the zero padding, found another layer or the end");
  }
  void push(const KerasNode& node, Json layer) {
    if (!node.name.empty()) layer["name"] = node.name;
    list_.push_back(std::move(layer));
  }

  void activation(const KerasFields& fields) {
    const Json found = fields.get("activation");
    if (found.is_object() && found.contains("class_name") && found["class_name"].is_string() &&
        found.contains("config") && found["config"].is_object()) {
      return add(KerasNode{found["class_name"].get<std::string>(), {}, {}, found["config"], {}});
    }
    static const std::map<std::string, Json> known{{"relu", {{"kind", "Relu"}}},
                                                   {"relu6", {{"kind", "Relu6"}}},
                                                   {"leaky_relu", {{"kind", "LeakyRelu"}, {"negative_slope", 0.2}}},
                                                   {"sigmoid", {{"kind", "Sigmoid"}}},
                                                   {"tanh", {{"kind", "Tanh"}}},
                                                   {"softmax", {{"kind", "Softmax"}}}};
    if (found.is_null() || found == "linear") return;
    const auto ours = known.find(found.is_string() ? found.get<std::string>() : "");
    if (ours == known.end()) {
      fields.fail("the activation linear, leaky_relu, relu, relu6, sigmoid, softmax or tanh",
                  KerasFields::text_of(found));
    }
    list_.push_back(ours->second);
  }

  /// What convolutions have in common.
  Json convolution(const KerasFields& fields) {
    fields.require("data_format", {"channels_last"});
    fields.require("dilation_rate", {1, Json::array({1, 1})});
    fields.require("groups", {1});
    return {{"kernel_size", fields.get("kernel_size")},
            {"stride", fields.get("strides").is_null() ? Json(1) : fields.get("strides")},
            {"padding", fields.padding()},
            {"bias", fields.flag("use_bias", true)}};
  }
  /// Takes the zeros before a convolution as its padding.
  void pad(const KerasFields& fields, Json& layer) {
    if (!zeros_) return;
    const KerasZeros zeros = *std::exchange(zeros_, std::nullopt);
    const Json& size = layer["kernel_size"];
    const auto half = [&](std::size_t axis) {
      const Json& side = size.is_array() && size.size() == 2 ? size[axis] : size;
      return side.is_number_unsigned() && side <= 1000 ? side.get<int>() / 2 : -1;
    };
    const bool behind = zeros.sides[0][0] == 0 && zeros.sides[1][0] == 0;
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const int before = zeros.sides[axis][0], after = zeros.sides[axis][1];
      if (layer["padding"] == "valid" && after == half(axis) && before == (behind ? 0 : after)) continue;
      fields.fail("a zero padding before it of half its kernel, on both sides or behind, and its own valid",
                  std::to_string(before) + " and " + std::to_string(after));
    }
    layer["padding"] = behind ? "after" : "symmetric";
  }
  Json window(const KerasFields& fields) {
    fields.require("data_format", {"channels_last"});
    const Json size = fields.get("pool_size").is_null() ? Json(2) : fields.get("pool_size");
    return {{"pool_size", size},
            {"stride", fields.get("strides").is_null() ? size : fields.get("strides")},
            {"padding", fields.padding()}};
  }
  /// Keras's ReLU has an upper end and a slope, ours are three.
  static Json rectifier(const KerasFields& fields) {
    fields.require("threshold", {0.0});
    const double slope = fields.number("negative_slope", 0);
    fields.require("max_value", {6.0});
    if (fields.get("max_value").is_null()) {
      return slope == 0 ? Json{{"kind", "Relu"}} : Json{{"kind", "LeakyRelu"}, {"negative_slope", slope}};
    }
    if (slope != 0) fields.fail("no negative_slope beside max_value", std::to_string(slope));
    return {{"kind", "Relu6"}};
  }
  /// To a vector, which may leave its size open, or a map.
  static Json reshape(const KerasFields& fields) {
    const Json target = fields.get("target_shape");
    if (target == Json::array({-1})) return {{"kind", "Flatten"}};
    const auto open = [](const Json& size) { return size == -1; };
    if (!target.is_array() || (target.size() != 1 && target.size() != 3) || std::ranges::any_of(target, open))
      fields.fail("a target_shape of 1 or 3 sizes", KerasFields::text_of(target));
    return {{"kind", "Reshape"}, {"shape", target.size() == 1 ? Json{1, 1, target[0]} : target}};
  }

  static const std::map<std::string, Convert>& classes();

  std::string where_;
  int rank_;
  Json list_ = Json::array();
  std::optional<KerasZeros> zeros_;
};

inline const std::map<std::string, KerasLayers::Convert>& KerasLayers::classes() {
  using L = KerasLayers;
  using F = KerasFields;
  const auto convolution = [](const char* kind, std::initializer_list<std::pair<const char*, const char*>> counts) {
    const std::map<std::string, std::string> own(counts.begin(), counts.end());
    return [=](L& layers, const KerasNode& node, const F& fields) {
      Json made = layers.convolution(fields);
      made["kind"] = kind;
      for (const auto& [ours, theirs] : own) {
        if (!fields.get(theirs.c_str()).is_null()) made[ours] = fields.get(theirs.c_str());
      }
      fields.require("output_padding", {nullptr});
      layers.pad(fields, made);
      layers.push(node, std::move(made));
      layers.activation(fields);
    };
  };
  const auto pool = [](const char* kind) {
    return [=](L& layers, const KerasNode& node, const F& fields) {
      Json made = layers.window(fields);
      made["kind"] = kind;
      layers.push(node, std::move(made));
    };
  };
  const auto global = [](const char* kind) {
    return [=](L& layers, const KerasNode& node, const F& fields) {
      fields.require("data_format", {"channels_last"});
      if (!fields.flag("keepdims", false)) layers.rank_ = 2;
      layers.push(node, {{"kind", kind}});
    };
  };
  static const std::map<std::string, Convert> all{
      {"Conv2D", convolution("Conv2d", {{"filters", "filters"}})},
      {"DepthwiseConv2D", convolution("DepthwiseConv2d", {{"depth_multiplier", "depth_multiplier"}})},
      {"Conv2DTranspose", convolution("Conv2dTranspose", {{"filters", "filters"}})},
      {"Dense",
       [](L& layers, const KerasNode& node, const F& fields) {
         fields.require_true("use_bias");
         layers.push(node, {{"kind", "Dense"}, {"units", fields.get("units")}});
         layers.activation(fields);
       }},
      {"BatchNormalization",
       [](L& layers, const KerasNode& node, const F& fields) {
         fields.require_channels(layers.rank_);
         fields.require_true("center");
         fields.require_true("scale");
         layers.push(node, {{"kind", "BatchNorm"},
                            {"momentum", fields.number("momentum", 0.99)},
                            {"epsilon", fields.number("epsilon", 1e-3)}});
       }},
      {"MaxPooling2D", pool("MaxPool2d")},
      {"AveragePooling2D", pool("AveragePool2d")},
      {"GlobalMaxPooling2D", global("GlobalMaxPool2d")},
      {"GlobalAveragePooling2D", global("GlobalAveragePool2d")},
      {"UpSampling2D",
       [](L& layers, const KerasNode& node, const F& fields) {
         fields.require("data_format", {"channels_last"});
         layers.push(node, {{"kind", "UpSample2d"},
                            {"size", fields.get("size").is_null() ? Json(2) : fields.get("size")},
                            {"interpolation", fields.text("interpolation", "nearest")}});
       }},
      {"ReLU", [](L& layers, const KerasNode& node, const F& fields) { layers.push(node, rectifier(fields)); }},
      {"LeakyReLU",
       [](L& layers, const KerasNode& node, const F& fields) {
         const double slope = fields.number("negative_slope", fields.number("alpha", 0.3));
         layers.push(node, {{"kind", "LeakyRelu"}, {"negative_slope", slope}});
       }},
      {"Softmax",
       [](L& layers, const KerasNode& node, const F& fields) {
         fields.require_channels(layers.rank_);
         layers.push(node, {{"kind", "Softmax"}});
       }},
      {"Activation", [](L& layers, const KerasNode&, const F& fields) { layers.activation(fields); }},
      {"Dropout",
       [](L& layers, const KerasNode& node, const F& fields) {
         layers.push(node, {{"kind", "Dropout"}, {"rate", fields.number("rate", 0.5)}});
       }},
      {"Flatten",
       [](L& layers, const KerasNode& node, const F& fields) {
         fields.require("data_format", {"channels_last"});
         layers.rank_ = 2;
         layers.push(node, {{"kind", "Flatten"}});
       }},
      {"Reshape",
       [](L& layers, const KerasNode& node, const F& fields) {
         layers.push(node, reshape(fields));
         layers.rank_ = fields.get("target_shape").size() == 1 ? 2 : 4;
       }},
      {"ZeroPadding2D",
       [](L& layers, const KerasNode& node, const F& fields) { layers.zeros_ = KerasZeros::of(node, fields); }}};
  return all;
}

}  // namespace abell::detail

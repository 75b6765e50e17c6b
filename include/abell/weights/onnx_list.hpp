#pragma once
/// A list of layers that grows node by node of an ONNX graph, and what its last layer gives.

#include <abell/layers/layers.hpp>
#include <abell/weights/architecture.hpp>
#include <abell/weights/onnx_source.hpp>
#include <abell/weights/onnx_windows.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace abell::detail {

/// Layers and the numbers of their parameters, in the order of the network's arena.
struct OnnxList {
  LayerList<float> layers = {};
  std::vector<std::vector<float>> weights = {};
};

/// What a node gives. Memory has the channels last here and first there; how the graph has it decides what its next
/// nodes mean.
struct OnnxValue {
  /// Which axes of ours (0 height, 1 width, 2 channels) the graph has behind the batch.
  using Axes = std::array<std::size_t, 3>;
  static constexpr Axes channels_first{2, 0, 1}, channels_last{0, 1, 2};

  Shape shape = {};  ///< as the layers have it
  bool vector = false;
  Axes axes = channels_first;            ///< of a map
  std::optional<Shape> from_first = {};  ///< of a vector: the map whose values it has with the channels first
  OnnxPads pads = {};                    ///< zeros that a node Pad put around it

  std::array<int, 3> sizes() const { return {shape.height, shape.width, shape.channels}; }
  /// Whether the values lie in the graph as they would with those axes; sides of one pixel do not matter.
  bool lies(const Axes& wanted) const {
    const auto longer = [&](const Axes& all) {
      std::vector<std::size_t> kept;
      std::ranges::copy_if(all, std::back_inserter(kept), [&](std::size_t axis) { return sizes()[axis] > 1; });
      return kept;
    };
    return longer(axes) == longer(wanted);
  }
  /// The number of the graph's axis that the channels are.
  std::int64_t channel_axis() const {
    return vector ? 1 : 1 + (std::ranges::find(axes, std::size_t{2}) - axes.begin());
  }
};

/// Layers one after the other.
class OnnxLayerList {
 public:
  explicit OnnxLayerList(const OnnxValue& value) : value_(value) {}

  const OnnxValue& value() const { return value_; }
  OnnxList take() { return std::move(list_); }

 protected:
  using Arrays = std::vector<std::vector<float>>;

  void require_channels_first(const OnnxStep& step) const {
    if (!value_.vector && value_.axes == OnnxValue::channels_first) return;
    step.fail("a map [batch, channels, height, width]", value_.vector ? "a vector" : "one with other axes");
  }
  void require_vector(const OnnxStep& step) const {
    if (!value_.vector) step.fail("a vector [batch, values]", "a map");
  }

  /// Adds a layer with its parameters, which must be as many as it has. Throws FormatError, ShapeError and NumericError
  /// naming the node.
  template <class L>
  void push(const OnnxStep& step, const L& layer, Arrays weights = {}) {
    try {
      const LayerInfo info = inspect(LayerList<float>{layer}, value_.shape).front();
      if (info.parameters.size() != weights.size()) {
        step.fail(std::to_string(info.parameters.size()) + " arrays", std::to_string(weights.size()));
      }
      for (std::size_t i = 0; i < weights.size(); ++i) require_fit(step, info, info.parameters[i], weights[i]);
      value_.shape = info.output;
    } catch (const ShapeError& error) {
      throw ShapeError(step.where() + ": " + error.what());
    } catch (const OptionError& error) {
      throw FormatError(step.where() + ": " + error.what());
    }
    list_.layers.push_back(layer);
    std::ranges::move(weights, std::back_inserter(list_.weights));
  }

  static std::vector<float> floats(const OnnxTensor& tensor) { return {tensor.values.begin(), tensor.values.end()}; }
  /// One value a channel, which the graph adds at `axis` of `rank`, or a single one for all.
  static std::vector<float> per_channel(const OnnxStep& step, const OnnxTensor& tensor, std::size_t channels,
                                        std::int64_t axis, std::int64_t rank) {
    if (tensor.values.size() == 1) return std::vector<float>(channels, static_cast<float>(tensor.values[0]));
    const auto missing = rank - static_cast<std::int64_t>(tensor.dimensions.size());
    const bool there =
        missing >= 0 && missing <= axis &&
        static_cast<std::size_t>(tensor.dimensions[static_cast<std::size_t>(axis - missing)]) == channels;
    if (!there || tensor.values.size() != channels) {
      step.fail(std::to_string(channels) + " values, one for each channel", std::to_string(tensor.values.size()));
    }
    return floats(tensor);
  }

  /// Adds to the bias of the last layer, which gets one where it has none.
  void add_to_bias(const OnnxStep& step, const OnnxTensor& tensor) {
    const auto channels = static_cast<std::size_t>(value_.shape.channels);
    const auto added = per_channel(step, tensor, channels, value_.channel_axis(), value_.vector ? 2 : 4);
    if (value_.from_first && tensor.values.size() > 1) step.fail("a constant of one value behind Flatten", "more");
    const bool there =
        !list_.layers.empty() && (bias_of<Conv2d>(added) || bias_of<DepthwiseConv2d>(added) ||
                                  bias_of<Conv2dTranspose>(added) || list_.layers.back().as<Dense>() != nullptr);
    if (!there) step.fail("a convolution or a matrix product before it that nothing else takes", "none");
    for (std::size_t i = 0; i < channels; ++i) list_.weights.back()[i] += added[i];
  }

  OnnxValue value_;
  OnnxList list_;

 private:
  static void require_fit(const OnnxStep& step, const LayerInfo& info, const Parameter& parameter,
                          const std::vector<float>& weights) {
    if (parameter.size() != weights.size()) {
      step.fail(std::to_string(parameter.size()) + " values as " + parameter.name + " for an input of " +
                    to_string(info.input),
                std::to_string(weights.size()));
    }
    for (const float value : weights) {
      if (!std::isfinite(value)) {
        throw NumericError(step.where() + ": expected finite weights, found " + std::to_string(value));
      }
    }
  }
  /// Gives the last layer a bias of zeros where it is an L without one. Returns whether it is an L.
  template <class L>
  bool bias_of(const std::vector<float>& like) {
    const L* last = list_.layers.back().as<L>();
    if (last == nullptr) return false;
    if (last->bias) return true;
    L with_bias = *last;
    with_bias.bias = true;
    list_.layers.back() = AnyLayer<float>(with_bias);
    list_.weights.emplace_back(like.size());
    return true;
  }
};

}  // namespace abell::detail

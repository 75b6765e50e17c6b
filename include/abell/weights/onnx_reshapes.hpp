#pragma once
/// Nodes of ONNX that move values: most of them change the layout of the graph alone and leave no layer.

#include <abell/weights/onnx_list.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace abell::detail {

class OnnxReshapes : public OnnxLayerList {
 public:
  OnnxReshapes(int opset, const OnnxValue& value) : OnnxLayerList(value), opset_(opset) {}

 protected:
  using Sizes = std::vector<std::int64_t>;

  void identity(const OnnxStep&) {}

  void flatten(const OnnxStep& step) {
    const std::int64_t axis = step.integer("axis", 1);
    if (axis != 1 && !(axis == -3 && !value_.vector)) step.fail("axis 1", std::to_string(axis));
    to_vector(step);
  }

  void transpose(const OnnxStep& step) {
    const Sizes order = step.integers("perm").value_or(Sizes{});
    const std::size_t rank = value_.vector ? 2 : 4;
    Sizes sorted = order;
    std::ranges::sort(sorted);
    bool fits = order.size() == rank && order[0] == 0;
    for (std::size_t i = 0; fits && i < rank; ++i) fits = sorted[i] == static_cast<std::int64_t>(i);
    if (!fits) step.fail("an order of the axes with the batch first", list_text(order));
    if (value_.vector) return;
    const OnnxValue::Axes before = value_.axes;
    for (std::size_t i = 0; i < 3; ++i) value_.axes[i] = before[static_cast<std::size_t>(order[i + 1]) - 1];
  }

  /// To a vector, or from one to a map.
  void reshape(const OnnxStep& step) {
    step.require("allowzero", 0);
    const Sizes sizes = target(step);
    if (sizes.size() == 2) return to_vector(step);
    if (!value_.vector && std::equal(sizes.begin() + 1, sizes.end(), graph_sizes().begin() + 1)) return;
    const std::array side{static_cast<int>(sizes[1]), static_cast<int>(sizes[2]), static_cast<int>(sizes[3])};
    if (value_.from_first) {  // back to the map that it was
      const Shape map = *value_.from_first;
      if (Shape{side[1], side[2], side[0]} != map) step.fail("the map that the values come from", list_text(sizes));
      push(step, Reshape{.shape = map});
      value_ = {.shape = value_.shape};
      return;
    }
    if (!value_.vector && !value_.lies(OnnxValue::channels_last)) {
      step.fail("a reshape of a vector, or of a map with the channels last", "one of " + list_text(graph_sizes()));
    }
    if (side[1] == 1 && side[2] == 1) {  // a vector and a map of one pixel are the same to the layers
      if (value_.shape.pixels() > 1) push(step, Flatten{});
      value_ = {.shape = value_.shape};
      return;
    }
    push(step, Reshape{.shape = {side[0], side[1], side[2]}});
    value_ = {.shape = value_.shape, .axes = OnnxValue::channels_last};
  }

  /// Zeros around the map, which the next convolution takes.
  void pad(const OnnxStep& step) {
    constexpr std::int64_t most = 1000;
    require_channels_first(step);
    const std::string mode = step.text("mode", "constant");
    double filled = step.real("value", 0);
    Sizes pads = step.integers("pads").value_or(Sizes{});
    if (opset_ >= 11) {
      pads = step.weights(1, "pads").integers();
      const auto value = step.constant(2);
      if (value && !value->values.empty()) filled = value->values[0];
      if (step.constant(3)) step.fail("pads of all axes", "axes");
    }
    const auto bad = [](std::int64_t pad) { return pad < 0 || pad > most; };
    const bool others = pads.size() != 8 || pads[0] != 0 || pads[1] != 0 || pads[4] != 0 || pads[5] != 0;
    if (others || std::ranges::any_of(pads, bad)) {
      step.fail("up to " + std::to_string(most) + " pixels around height and width", list_text(pads));
    }
    const std::array<std::int64_t, 4> around{pads[2], pads[3], pads[6], pads[7]};
    const bool none = std::ranges::all_of(around, [](std::int64_t pad) { return pad == 0; });
    if (!none && (mode != "constant" || filled != 0)) step.fail("zeros", mode + " " + std::to_string(filled));
    for (std::size_t i = 0; i < around.size(); ++i) value_.pads[i] += static_cast<int>(around[i]);
  }

  int opset_;

 private:
  static std::string list_text(const Sizes& sizes) {
    std::string text = "[";
    for (std::size_t i = 0; i < sizes.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(sizes[i]);
    return text + "]";
  }

  /// As the graph has them; the batch is -1.
  Sizes graph_sizes() const {
    if (value_.vector) return {-1, value_.shape.channels};
    Sizes sizes{-1};
    for (const std::size_t axis : value_.axes) sizes.push_back(value_.sizes()[axis]);
    return sizes;
  }

  void to_vector(const OnnxStep& step) {
    if (value_.vector) return;
    const OnnxValue map = value_;
    const bool last = map.lies(OnnxValue::channels_last);
    if (!last && !map.lies(OnnxValue::channels_first)) step.fail("channels first or last", "other axes");
    if (map.shape.pixels() > 1) push(step, Flatten{});
    value_ = {.shape = value_.shape, .vector = true};
    if (!last) value_.from_first = map.shape;
  }

  /// The sizes that a node Reshape asks for, the batch's as it stands in the file: that may be any number of images.
  Sizes target(const OnnxStep& step) const {
    Sizes sizes = step.weights(1, "a shape").integers();
    const Sizes from = graph_sizes();
    const auto values = static_cast<std::int64_t>(value_.shape.size());
    const bool rank = sizes.size() == 2 || sizes.size() == 4;
    std::int64_t product = 1, open = -1;
    bool fits = rank && sizes[0] >= -1;
    for (std::size_t i = 1; fits && i < sizes.size(); ++i) {
      if (sizes[i] == 0 && i < from.size()) sizes[i] = from[i];
      if (sizes[i] == -1 && open < 0) {
        open = static_cast<std::int64_t>(i);
      } else {
        fits = sizes[i] >= 1 && sizes[i] <= values / product;
        product *= fits ? sizes[i] : 1;
      }
    }
    fits = fits && (open < 0 ? product == values : values % product == 0 && sizes[0] != -1);
    if (!fits) {
      step.fail("[batch, values] or [batch and three sizes] of " + std::to_string(values) + " values",
                list_text(sizes));
    }
    if (open > 0) sizes[static_cast<std::size_t>(open)] = values / product;
    return sizes;
  }
};

}  // namespace abell::detail

#pragma once
/// Windows of convolutions and pools as ONNX writes them, and the padding that is theirs.

#include <abell/core/shape.hpp>
#include <abell/weights/onnx_source.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace abell::detail {

/// Padded pixels: above, left, below, right.
using OnnxPads = std::array<int, 4>;

/// Two sizes of a node, such as strides; `otherwise` where it has none.
inline Extent onnx_extent(const OnnxStep& step, const char* name, std::optional<Extent> otherwise) {
  constexpr std::int64_t most = 1000;
  const auto found = step.integers(name);
  if (!found && otherwise) return *otherwise;
  if (!found) step.fail(name, "none");
  const bool fits =
      found->size() == 2 && std::ranges::all_of(*found, [](auto size) { return size >= 1 && size <= most; });
  if (!fits) step.fail(std::string(name) + " of two numbers from 1 to " + std::to_string(most), "others");
  return {static_cast<int>((*found)[0]), static_cast<int>((*found)[1])};
}

inline OnnxPads onnx_pads(const OnnxStep& step) {
  constexpr std::int64_t most = 1000;
  const auto found = step.integers("pads");
  if (!found) return {};
  const bool fits = found->size() == 4 && std::ranges::all_of(*found, [](auto pad) { return pad >= 0 && pad <= most; });
  if (!fits) step.fail("pads of four numbers from 0 to " + std::to_string(most), "others");
  OnnxPads pads{};
  std::ranges::transform(*found, pads.begin(), [](std::int64_t pad) { return static_cast<int>(pad); });
  return pads;
}

/// Throws FormatError unless the cells of a window are neighbours.
inline void require_no_dilation(const OnnxStep& step) {
  if (onnx_extent(step, "dilations", Extent{1}) != Extent{1}) step.fail("dilations of 1", "others");
}

/// The padding rule that puts windows where those of the node are. `added` is what stands in a node Pad before it.
class OnnxWindows {
 public:
  OnnxWindows(const OnnxStep& step, const Shape& input, Extent kernel, Extent stride, const OnnxPads& added)
      : step_(step), input_(input), kernel_(kernel), stride_(stride), added_(added) {}

  /// Throws FormatError where none is.
  Padding padding() const {
    const std::string rule = step_.text("auto_pad", "NOTSET");
    const bool ceiling = step_.integer("ceil_mode", 0) != 0;
    OnnxPads pads = onnx_pads(step_);
    const bool none = std::ranges::all_of(added_, [](int pad) { return pad == 0; });
    if (rule == "SAME_UPPER" && none) return Padding::same;
    if (rule == "SAME_LOWER" && none) {
      for (const auto& [size, kernel, stride] : {axis(0), axis(1)}) {
        const AxisWindows same = window_of(size, kernel, stride, Padding::same);
        if (same.before != same.after)
          step_.fail("auto_pad SAME_UPPER or pads", "SAME_LOWER of an odd number of pixels");
      }
      return Padding::same;
    }
    if (rule != "NOTSET" && rule != "VALID") step_.fail("pads without a node Pad before", rule);
    for (std::size_t i = 0; i < pads.size(); ++i) pads[i] += added_[i];
    for (const Padding padding : {Padding::same, Padding::valid, Padding::symmetric, Padding::after}) {
      bool fits = true;
      for (const std::size_t i : {0U, 1U}) {
        const auto [size, kernel, stride] = axis(i);
        const AxisWindows ours = window_of(size, kernel, stride, padding);
        fits = fits && ours.before == pads[i] && ours.output == outputs(i, pads, ceiling);
      }
      if (fits) return padding;
    }
    step_.fail("pads as of same, valid or symmetric windows at " + to_string(input_),
               text(pads) + (ceiling ? ", rounded up" : ""));
  }

 private:
  struct Axis {
    int size, kernel, stride;
  };
  Axis axis(std::size_t i) const {
    return i == 0 ? Axis{input_.height, kernel_.height, stride_.height}
                  : Axis{input_.width, kernel_.width, stride_.width};
  }
  /// Windows along an axis; rounded up, none may begin behind the image.
  int outputs(std::size_t i, const OnnxPads& pads, bool ceiling) const {
    const auto [size, kernel, stride] = axis(i);
    const int room = size + pads[i] + pads[i + 2] - kernel;
    if (room < 0) return 0;
    const int down = room / stride + 1;
    const bool more = ceiling && room % stride != 0 && down * stride < size + pads[i];
    return down + (more ? 1 : 0);
  }
  static std::string text(const OnnxPads& pads) {
    return std::to_string(pads[0]) + ", " + std::to_string(pads[1]) + ", " + std::to_string(pads[2]) + ", " +
           std::to_string(pads[3]);
  }

  const OnnxStep& step_;
  Shape input_;
  Extent kernel_, stride_;
  OnnxPads added_;
};

}  // namespace abell::detail

#pragma once
/// Shapes of images and activations. Everything is NHWC: the channel is the fastest index.

#include <cstddef>
#include <string>

namespace abell {

/// Height, width and channels of one image or activation; a dense vector is 1 x 1 x channels.
struct Shape {
  int height = 1;
  int width = 1;
  int channels = 1;

  constexpr std::size_t pixels() const { return static_cast<std::size_t>(height) * static_cast<std::size_t>(width); }
  constexpr std::size_t size() const { return pixels() * static_cast<std::size_t>(channels); }
  friend constexpr bool operator==(const Shape&, const Shape&) = default;
};

/// "356x356x3", or "256" for a vector.
inline std::string to_string(const Shape& shape) {
  if (shape.height == 1 && shape.width == 1) return std::to_string(shape.channels);
  return std::to_string(shape.height) + "x" + std::to_string(shape.width) + "x" + std::to_string(shape.channels);
}

/// A size over rows and columns: a kernel, a stride or a pooling window. `Extent{3}` is 3 x 3.
struct Extent {
  int height = 1;
  int width = 1;

  constexpr Extent(int side) : height(side), width(side) {}
  constexpr Extent(int rows, int columns) : height(rows), width(columns) {}
  constexpr std::size_t size() const { return static_cast<std::size_t>(height) * static_cast<std::size_t>(width); }
  friend constexpr bool operator==(const Extent&, const Extent&) = default;
};

inline std::string to_string(const Extent& extent) {
  return std::to_string(extent.height) + "x" + std::to_string(extent.width);
}

/// SAME pads so that the output has ceil(n / stride) cells, the odd cell after (TensorFlow's rule);
/// VALID pads nothing; SYMMETRIC pads kernel / 2 cells on either side, as PyTorch networks and
/// Keras's early MobileNet do (at stride 2 another sampling grid than SAME); AFTER pads kernel / 2 cells
/// behind the last one only, as keras-applications does at stride 2 (ZeroPadding2D(((0, 1), (0, 1)))):
/// with kernel 3 SAME's grid for even sizes, one cell less for odd ones.
enum class Padding { same, valid, symmetric, after };

/// Where a window of `kernel` cells at `stride` lands along one axis of `size` cells.
struct AxisWindows {
  int output;  ///< number of windows
  int before;  ///< padded cells before the first input cell
  int after;   ///< padded cells after the last input cell
};

/// The padding rule along one axis; `output` is below 1 when a window does not fit.
constexpr AxisWindows window_of(int size, int kernel, int stride, Padding padding) {
  if (padding == Padding::valid) return {size < kernel ? 0 : (size - kernel) / stride + 1, 0, 0};
  if (padding != Padding::same) {
    const int before = padding == Padding::symmetric ? kernel / 2 : 0;
    const int rest = size + before + kernel / 2 - kernel;
    return {rest < 0 ? 0 : rest / stride + 1, before, kernel / 2};
  }
  const int output = (size + stride - 1) / stride;
  const int needed = (output - 1) * stride + kernel - size;
  const int total = needed > 0 ? needed : 0;
  return {output, total / 2, total - total / 2};
}

}  // namespace abell

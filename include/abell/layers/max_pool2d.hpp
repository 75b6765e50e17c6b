#pragma once
/// Max-pooling: y[i,j,c] = max of x over the window at (i, j). The gradient goes to the first
/// maximum of each window; padded cells are ignored (Keras's "same" pooling).

#include <abell/kernels/pool.hpp>
#include <abell/layers/stage.hpp>
#include <algorithm>

namespace abell {

/// Sizes of a pool for the kernels. Throws OptionError for a side or a stride below 1, ShapeError for an input without
/// room for a window; both name a layer of `kind`.
inline kernels::PoolGeometry pool_geometry(const Place& place, std::string_view kind, const Extent& window,
                                           const Extent& stride, Padding padding) {
  require_at_least(place, kind, "a window side", std::min(window.height, window.width), 1);
  require_at_least(place, kind, "a stride", std::min(stride.height, stride.width), 1);
  const AxisWindows rows = window_of(place.input.height, window.height, stride.height, padding);
  const AxisWindows columns = window_of(place.input.width, window.width, stride.width, padding);
  if (rows.output < 1 || columns.output < 1) {
    shape_error(place.name, kind, "an input of at least " + to_string(window) + " pixels", to_string(place.input));
  }
  return {place.input.height, place.input.width, place.input.channels, window.height, window.width,  stride.height,
          stride.width,       rows.before,       columns.before,       rows.output,   columns.output};
}

template <class T>
class MaxPool2dStage;
template <class T>
class Conv2dReluPoolStage;

/// Options of a max-pool, Keras's MaxPooling2D: [height][width][channels] -> [rows][columns][channels], as many rows
/// and columns as `padding` and `stride` leave windows. SAME by default, as the custom network needs (89 -> 45 -> 23 ->
/// 12).
struct MaxPool2d {
  Extent pool_size = 2;
  Extent stride = 2;
  Padding padding = Padding::same;
  std::string_view name = {};

  static constexpr std::string_view kind = "MaxPool2d";
  static constexpr auto options =
      std::tuple(Option{"pool_size", &MaxPool2d::pool_size}, Option{"stride", &MaxPool2d::stride},
                 Option{"padding", &MaxPool2d::padding});
  static constexpr std::string_view keras_kind = "max_pooling2d";
  template <class T>
  using Stage = MaxPool2dStage<T>;
  template <class T>
  using Fused = Conv2dReluPoolStage<T>;

  /// Throws as `pool_geometry`, and OptionError for a window of 255 cells and more, which a byte cannot tell apart.
  kernels::PoolGeometry geometry(const Place& place) const {
    const kernels::PoolGeometry geometry = pool_geometry(place, kind, pool_size, stride, padding);
    if (pool_size.size() >= kernels::cut_by_relu) {
      option_error(place.name, kind, "a window of fewer than 255 cells", to_string(pool_size));
    }
    return geometry;
  }
  Shape output(const Place& place) const {
    const auto g = geometry(place);
    return {g.out_height, g.out_width, g.channels};
  }
  void to_onnx(OnnxNodes& graph) const { graph.pool("MaxPool", pool_size, stride, padding, {{"ceil_mode", 0}}); }
};

/// Keeps a byte for each output: the cell of its window's maximum.
template <class T>
class MaxPool2dStage {
 public:
  MaxPool2dStage(const Place& place, const MaxPool2d& options) : geometry_(options.geometry(place)) {}

  StageMemory memory(const kernels::Backend<T>&, int batch, Mode) const {
    return {static_cast<std::size_t>(batch) * geometry_.output_size(), 0};
  }
  void forward(const Pass<T>& pass, const T* x, T* y) const {
    max_pool_forward(pass.backend.threads, geometry_, pass.batch, false, x, y,
                     reinterpret_cast<unsigned char*>(pass.saved));
  }
  void backward(const Pass<T>& pass, const T*, const T* dy, T* dx) const {
    if (dx == nullptr) return;
    max_pool_backward(pass.backend.threads, geometry_, pass.batch, dy,
                      reinterpret_cast<const unsigned char*>(pass.saved), dx);
  }

 private:
  kernels::PoolGeometry geometry_;
};

}  // namespace abell

#pragma once
/// Average-pooling: y[i,j,c] = mean of x over the window at (i, j); each cell's gradient is its share of those
/// windows'.

#include <abell/kernels/average_pool.hpp>
#include <abell/layers/max_pool2d.hpp>

namespace abell {

template <class T>
class AveragePool2dStage;

/// Options of an average pool, those of MaxPool2d, and the same shapes. Padded cells are not counted (Keras's
/// AveragePooling2D; in PyTorch and ONNX: count_include_pad = false).
struct AveragePool2d {
  Extent pool_size = 2;
  Extent stride = 2;
  Padding padding = Padding::same;
  std::string_view name = {};

  static constexpr std::string_view kind = "AveragePool2d";
  static constexpr auto options =
      std::tuple(Option{"pool_size", &AveragePool2d::pool_size}, Option{"stride", &AveragePool2d::stride},
                 Option{"padding", &AveragePool2d::padding});
  static constexpr std::string_view keras_kind = "average_pooling2d";
  template <class T>
  using Stage = AveragePool2dStage<T>;

  /// Throws OptionError for a side or a stride below 1, ShapeError for an input without room for a window.
  kernels::PoolGeometry geometry(const Place& place) const {
    return pool_geometry(place, kind, pool_size, stride, padding);
  }
  Shape output(const Place& place) const {
    const auto g = geometry(place);
    return {g.out_height, g.out_width, g.channels};
  }
  void to_onnx(OnnxNodes& graph) const {
    graph.pool("AveragePool", pool_size, stride, padding, {{"count_include_pad", 0}});
  }
};

/// Keeps nothing: the gradient follows from the sizes alone.
template <class T>
class AveragePool2dStage {
 public:
  AveragePool2dStage(const Place& place, const AveragePool2d& options) : geometry_(options.geometry(place)) {}
  void forward(const Pass<T>& pass, const T* x, T* y) const {
    average_pool_forward(pass.backend.threads, geometry_, pass.batch, x, y);
  }
  void backward(const Pass<T>& pass, const T*, const T* dy, T* dx) const {
    if (dx != nullptr) average_pool_backward(pass.backend.threads, geometry_, pass.batch, dy, dx);
  }

 private:
  kernels::PoolGeometry geometry_;
};

}  // namespace abell

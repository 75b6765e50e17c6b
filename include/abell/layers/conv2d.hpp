#pragma once
/// 2-D convolution (cross-correlation, as in Keras):
///   y[i,j,f] = b[f] + sum over ky,kx,c of x[i s + ky - p, j s + kx - p, c] w[ky,kx,c,f]
/// so that
///   dw[ky,kx,c,f] = sum over i,j of dy[i,j,f] x[i s + ky - p, j s + kx - p, c],   db[f] = sum dy[.,.,f],
///   dx            = dy, its cells set s apart, convolved with the flipped kernels.

#include <abell/layers/stage.hpp>
#include <algorithm>
#include <cmath>

namespace abell {

template <class T>
class Conv2dStage;

/// Options of a convolution, Keras's Conv2D: [height][width][channels] -> [rows][columns][filters], as many rows and
/// columns as `padding` and `stride` leave windows. Kernel weights are [height][width][channels][filters] (HWIO).
struct Conv2d {
  int filters = 1;
  Extent kernel_size = 3;
  Extent stride = 1;
  Padding padding = Padding::same;
  bool bias = true;
  bool trainable = true;
  std::string_view name = {};

  static constexpr std::string_view kind = "Conv2d";
  static constexpr auto options =
      std::tuple(Option{"filters", &Conv2d::filters}, Option{"kernel_size", &Conv2d::kernel_size},
                 Option{"stride", &Conv2d::stride}, Option{"padding", &Conv2d::padding}, Option{"bias", &Conv2d::bias},
                 Option{"trainable", &Conv2d::trainable});
  template <class T>
  using Stage = Conv2dStage<T>;

  /// Sizes for the kernels. Throws OptionError for filters, a side or a stride below 1, ShapeError for an input without
  /// room for a window; `as` is the kind of layer that the message names.
  kernels::Conv2dGeometry geometry(const Place& place, std::string_view as = kind) const {
    require_at_least(place, as, "filters", filters, 1);
    require_at_least(place, as, "a kernel side", std::min(kernel_size.height, kernel_size.width), 1);
    require_at_least(place, as, "a stride", std::min(stride.height, stride.width), 1);
    const AxisWindows rows = window_of(place.input.height, kernel_size.height, stride.height, padding);
    const AxisWindows columns = window_of(place.input.width, kernel_size.width, stride.width, padding);
    if (rows.output < 1 || columns.output < 1) {
      shape_error(place.name, as, "an input of at least " + to_string(kernel_size) + " pixels", to_string(place.input));
    }
    return {.height = place.input.height,
            .width = place.input.width,
            .channels = place.input.channels,
            .filters = filters,
            .kernel_height = kernel_size.height,
            .kernel_width = kernel_size.width,
            .stride_height = stride.height,
            .stride_width = stride.width,
            .pad_top = rows.before,
            .pad_left = columns.before,
            .out_height = rows.output,
            .out_width = columns.output};
  }
  Shape output(const Place& place) const {
    const auto g = geometry(place);
    return {g.out_height, g.out_width, g.filters};
  }
  /// Glorot uniform: limit sqrt(6 / (fan in + fan out)), bias zero (Keras).
  std::vector<Parameter> parameters(const Place& place) const {
    const int channels = place.input.channels;
    const double fans = static_cast<double>(kernel_size.size()) * (channels + filters);
    std::vector<Parameter> all{
        {"kernel", {kernel_size.height, kernel_size.width, channels, filters}, std::sqrt(6 / fans), 0, trainable}};
    if (bias) all.push_back({"bias", {filters}, 0, 0, trainable});
    return all;
  }
  std::size_t multiply_adds(const Place& place) const {
    const auto g = geometry(place);
    return g.weight_size() * static_cast<std::size_t>(g.out_height) * static_cast<std::size_t>(g.out_width);
  }
};

/// A convolution built for one input shape. Keeps nothing: the backward pass needs the input alone.
template <class T>
class Conv2dStage {
 public:
  Conv2dStage(const Place& place, const Conv2d& options)
      : geometry_(options.geometry(place).in_long_rows()), bias_(options.bias) {}

  StageMemory memory(const kernels::Backend<T>& backend, int batch, Mode mode) const {
    std::size_t scratch = conv2d_forward_scratch(backend, geometry_, batch);
    if (has_backward(mode)) {
      scratch = std::max({scratch, conv2d_input_gradient_scratch(backend, geometry_, batch),
                          conv2d_weight_gradient_scratch(backend, geometry_)});
    }
    return {0, scratch};
  }
  void forward(const Pass<T>& pass, const T* x, T* y) const {
    conv2d_forward(pass.backend, geometry_, pass.batch, x, pass.parameters,
                   bias_ ? pass.parameters + geometry_.weight_size() : nullptr, y, pass.scratch);
  }
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    conv2d_weight_gradient(pass.backend, geometry_, pass.batch, x, dy, pass.gradients,
                           bias_ ? pass.gradients + geometry_.weight_size() : nullptr, pass.scratch);
    if (dx != nullptr)
      conv2d_input_gradient(pass.backend, geometry_, pass.batch, pass.parameters, dy, dx, pass.scratch);
  }

 private:
  kernels::Conv2dGeometry geometry_;
  bool bias_;
};

}  // namespace abell

#pragma once
/// Transposed convolution: the map that takes the gradient of a convolution's output to that of its input,
///   y = x *^T w + b;   hence dx = dy * w,   dw as of that convolution with dy for its input and x for its gradient.

#include <abell/kernels/bias.hpp>
#include <abell/layers/conv2d.hpp>
#include <algorithm>
#include <cmath>

namespace abell {

template <class T>
class Conv2dTransposeStage;

/// Options of a transposed convolution, Keras's Conv2DTranspose, which enlarges by its stride:
/// [height][width][channels] -> [rows][columns][filters]. Kernel weights are [height][width][filters][channels], as
/// Keras has them.
struct Conv2dTranspose {
  int filters = 1;
  Extent kernel_size = 3;
  Extent stride = 2;
  Padding padding = Padding::same;  ///< of the convolution whose transpose this is
  bool bias = true;
  bool trainable = true;
  std::string_view name = {};

  static constexpr std::string_view kind = "Conv2dTranspose";
  static constexpr auto options =
      std::tuple(Option{"filters", &Conv2dTranspose::filters}, Option{"kernel_size", &Conv2dTranspose::kernel_size},
                 Option{"stride", &Conv2dTranspose::stride}, Option{"padding", &Conv2dTranspose::padding},
                 Option{"bias", &Conv2dTranspose::bias}, Option{"trainable", &Conv2dTranspose::trainable});
  template <class T>
  using Stage = Conv2dTransposeStage<T>;

  /// Unless the padding is VALID the input's size times the stride; with VALID also what the kernel reaches
  /// beyond.
  Shape output(const Place& place) const {
    const auto g = geometry(place);
    return {g.height, g.width, g.channels};
  }
  /// The convolution from the output to the input. Throws OptionError for filters, a side or a stride below 1, sizes
  /// above 2^30, and a kernel whose padding leaves no such convolution: symmetric of an even one, say.
  kernels::Conv2dGeometry geometry(const Place& place) const {
    require_at_least(place, kind, "filters", filters, 1);
    require_at_least(place, kind, "a kernel side", std::min(kernel_size.height, kernel_size.width), 1);
    require_at_least(place, kind, "a stride", std::min(stride.height, stride.width), 1);
    const auto enlarged = [&](int size, int side, int step) {
      return product(place, kind, size, step) + (padding == Padding::valid ? std::max(side - step, 0) : 0);
    };
    const Shape output{enlarged(place.input.height, kernel_size.height, stride.height),
                       enlarged(place.input.width, kernel_size.width, stride.width), filters};
    const auto g =
        Conv2d{.filters = place.input.channels, .kernel_size = kernel_size, .stride = stride, .padding = padding}
            .geometry({output, place.name, place.index}, kind);
    if (g.out_height != place.input.height || g.out_width != place.input.width) {
      option_error(place.name, kind,
                   padding == Padding::symmetric ? "an odd kernel where the padding is symmetric"
                                                 : "a kernel of less than two strides where the padding is after",
                   to_string(kernel_size));
    }
    return g;
  }
  /// Glorot uniform, bias zero (Keras).
  std::vector<Parameter> parameters(const Place& place) const {
    const int channels = place.input.channels;
    const double fans = static_cast<double>(kernel_size.size()) * (channels + filters);
    std::vector<Parameter> all{
        {"kernel", {kernel_size.height, kernel_size.width, filters, channels}, std::sqrt(6 / fans), 0, trainable}};
    if (bias) all.push_back({"bias", {filters}, 0, 0, trainable});
    return all;
  }
  std::size_t multiply_adds(const Place& place) const {
    const auto g = geometry(place);
    return g.weight_size() * place.input.pixels();
  }
};

/// Its forward pass is a convolution's gradient of the input, its backward pass that convolution. Keeps nothing.
template <class T>
class Conv2dTransposeStage {
 public:
  Conv2dTransposeStage(const Place& place, const Conv2dTranspose& options)
      : geometry_(options.geometry(place)), bias_(options.bias) {}

  StageMemory memory(const kernels::Backend<T>& backend, int batch, Mode mode) const {
    std::size_t scratch = conv2d_input_gradient_scratch(backend, geometry_, batch);
    if (has_backward(mode)) {
      scratch =
          std::max({scratch, conv2d_forward_scratch(backend, geometry_, batch),
                    conv2d_weight_gradient_scratch(backend, geometry_), kernels::bias_gradient_scratch(filters())});
    }
    return {.scratch_values = scratch};
  }
  void forward(const Pass<T>& pass, const T* x, T* y) const {
    conv2d_input_gradient(pass.backend, geometry_, pass.batch, pass.parameters, x, y, pass.scratch);
    if (bias_) {
      kernels::add_bias(pass.backend.threads, pixels(pass.batch), filters(), pass.parameters + geometry_.weight_size(),
                        y);
    }
  }
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    conv2d_weight_gradient(pass.backend, geometry_, pass.batch, dy, x, pass.gradients, static_cast<T*>(nullptr),
                           pass.scratch);
    if (bias_) {
      kernels::bias_gradient(pass.backend.threads, pixels(pass.batch), filters(), dy,
                             pass.gradients + geometry_.weight_size(), pass.scratch);
    }
    if (dx != nullptr) {
      conv2d_forward(pass.backend, geometry_, pass.batch, dy, pass.parameters, static_cast<const T*>(nullptr), dx,
                     pass.scratch);
    }
  }

 private:
  std::size_t filters() const { return static_cast<std::size_t>(geometry_.channels); }
  std::size_t pixels(int batch) const { return static_cast<std::size_t>(batch) * geometry_.input_size() / filters(); }

  kernels::Conv2dGeometry geometry_;
  bool bias_;
};

}  // namespace abell

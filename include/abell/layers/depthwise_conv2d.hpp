#pragma once
/// Depthwise convolution (Howard et al. 2017, MobileNets): every channel by itself,
///   y[i,j,c m + k] = b[c m + k] + sum over ky,kx of x[i s + ky - p, j s + kx - p, c] w[ky,kx,c,k]
/// with m filters for each channel.

#include <abell/kernels/depthwise.hpp>
#include <abell/layers/conv2d.hpp>
#include <algorithm>
#include <cmath>

namespace abell {

template <class T>
class DepthwiseConv2dStage;

/// Options of a depthwise convolution, Keras's DepthwiseConv2D: [height][width][channels] ->
/// [rows][columns][channels depth_multiplier]. Kernel weights are [height][width][channels][depth_multiplier].
struct DepthwiseConv2d {
  Extent kernel_size = 3;
  Extent stride = 1;
  Padding padding = Padding::same;
  int depth_multiplier = 1;  ///< filters for each channel
  bool bias = true;
  bool trainable = true;
  std::string_view name = {};

  static constexpr std::string_view kind = "DepthwiseConv2d";
  static constexpr auto options = std::tuple(
      Option{"kernel_size", &DepthwiseConv2d::kernel_size}, Option{"stride", &DepthwiseConv2d::stride},
      Option{"padding", &DepthwiseConv2d::padding}, Option{"depth_multiplier", &DepthwiseConv2d::depth_multiplier},
      Option{"bias", &DepthwiseConv2d::bias}, Option{"trainable", &DepthwiseConv2d::trainable});
  template <class T>
  using Stage = DepthwiseConv2dStage<T>;

  /// Sizes for the kernels; `filters` is channels times depth_multiplier. Throws as Conv2d::geometry, and OptionError
  /// for a depth_multiplier below 1 and more than 2^30 filters.
  kernels::Conv2dGeometry geometry(const Place& place) const {
    require_at_least(place, kind, "a depth_multiplier", depth_multiplier, 1);
    return Conv2d{.filters = product(place, kind, place.input.channels, depth_multiplier),
                  .kernel_size = kernel_size,
                  .stride = stride,
                  .padding = padding}
        .geometry(place, kind);
  }
  Shape output(const Place& place) const {
    const auto g = geometry(place);
    return {g.out_height, g.out_width, g.filters};
  }
  /// Glorot uniform with Keras's fans for this layer, kernel size times channels and kernel size
  /// times depth_multiplier; bias zero.
  std::vector<Parameter> parameters(const Place& place) const {
    const int channels = place.input.channels;
    const double fans = static_cast<double>(kernel_size.size()) * (channels + depth_multiplier);
    std::vector<Parameter> all{{"depthwise_kernel",
                                {kernel_size.height, kernel_size.width, channels, depth_multiplier},
                                std::sqrt(6 / fans),
                                0,
                                trainable}};
    if (bias) all.push_back({"bias", {channels * depth_multiplier}, 0, 0, trainable});
    return all;
  }
  std::size_t multiply_adds(const Place& place) const { return output(place).size() * kernel_size.size(); }
};

/// The layer by itself. Keeps nothing.
template <class T>
class DepthwiseConv2dStage {
 public:
  DepthwiseConv2dStage(const Place& place, const DepthwiseConv2d& options)
      : geometry_(options.geometry(place)),
        weights_(options.kernel_size.size() * static_cast<std::size_t>(geometry_.filters)),
        bias_(options.bias) {}

  StageMemory memory(const kernels::Backend<T>& backend, int, Mode mode) const {
    std::size_t scratch = depthwise_forward_scratch(backend, geometry_);
    if (has_backward(mode)) {
      scratch = std::max({scratch, depthwise_input_gradient_scratch(backend, geometry_),
                          depthwise_weight_gradient_scratch(backend, geometry_)});
    }
    return {0, scratch};
  }
  void forward(const Pass<T>& pass, const T* x, T* y) const {
    depthwise_forward(pass.backend, geometry_, pass.batch, x, pass.parameters,
                      bias_ ? pass.parameters + weights_ : nullptr, y, pass.scratch);
  }
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    depthwise_weight_gradient(pass.backend, geometry_, pass.batch, x, dy, pass.gradients,
                              bias_ ? pass.gradients + weights_ : nullptr, pass.scratch);
    if (dx != nullptr)
      depthwise_input_gradient(pass.backend, geometry_, pass.batch, pass.parameters, dy, dx, pass.scratch);
  }

 private:
  kernels::Conv2dGeometry geometry_;
  std::size_t weights_;
  bool bias_;
};

}  // namespace abell

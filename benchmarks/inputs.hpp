#pragma once
/// Operands of the benchmarks, and the shapes that they take from networks.

#include <abell/core/random.hpp>
#include <abell/core/tensor.hpp>
#include <abell/kernels/table.hpp>
#include <abell/layers/conv2d.hpp>
#include <abell/layers/inspect.hpp>
#include <algorithm>
#include <string>
#include <vector>

namespace abell::bench {

/// N(0, 1) values, other ones for each `stream`. A block of a million is drawn and repeated: large
/// activations would take longer to draw than to benchmark.
inline Buffer<float> normal_values(std::size_t size, std::uint32_t stream) {
  constexpr std::size_t period = 1'000'003;
  Buffer<float> values(size);
  Random random(1, {Purpose::user, stream, 0});
  const std::size_t drawn = std::min(size, period);
  for (std::size_t i = 0; i < drawn; ++i) values.data()[i] = static_cast<float>(random.normal());
  for (std::size_t i = drawn; i < size; ++i) values.data()[i] = values.data()[i - period];
  return values;
}

/// A batch of N(0, 1) images, other ones for each `stream`.
inline Tensor<float> normal_images(int batch, Shape shape, std::uint32_t stream = 0) {
  Tensor<float> images(batch, shape);
  std::ranges::copy(normal_values(images.size(), stream).span(), images.data());
  return images;
}

/// 0, 1, 0, 1, ...
inline Tensor<float> alternating_targets(int batch) {
  Tensor<float> targets(batch, {1, 1, 1});
  for (int n = 0; n < batch; ++n) *targets.view().image(n) = static_cast<float>(n % 2);
  return targets;
}

/// A convolution of a network, as the kernels take it.
struct ConvolutionShape {
  kernels::Conv2dGeometry geometry;
  bool first = false;  ///< its input is the image, which needs no gradient

  /// As the kernels are given it.
  kernels::Conv2dGeometry built() const { return geometry.in_long_rows(); }

  /// "178x178x64->32"; with ",kernel:1" or ",stride:2" where it is not a 3x3 window moved by one.
  std::string name() const {
    std::string text =
        to_string(Shape{geometry.height, geometry.width, geometry.channels}) + "->" + std::to_string(geometry.filters);
    if (geometry.kernel_height != 3) text += ",kernel:" + std::to_string(geometry.kernel_height);
    if (geometry.stride_height != 1) text += ",stride:" + std::to_string(geometry.stride_height);
    return text;
  }
  /// Of a batch; the gradients of the weights and of the input take as many.
  double flops(int batch) const { return 2.0 * batch * geometry.depth() * static_cast<double>(geometry.output_size()); }
};

/// The layers of type `Kind` (Conv2d or DepthwiseConv2d) of a described network, in order, one of each shape.
template <class Kind = Conv2d, class Description>
std::vector<ConvolutionShape> convolutions_of(const Description& description, Shape input) {
  std::vector<ConvolutionShape> shapes;
  const LayerList<float> layers = list_of<float>(description);
  const std::vector<LayerInfo> infos = inspect(layers, input);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const auto* layer = layers[i].template as<Kind>();
    if (layer == nullptr) continue;
    const ConvolutionShape shape{layer->geometry({infos[i].input, infos[i].name}), i == 0};
    const bool known = std::ranges::any_of(shapes, [&](const auto& other) { return other.name() == shape.name(); });
    if (!known) shapes.push_back(shape);
  }
  return shapes;
}

/// MobileNet v1's convolutions at 224x224, one of each shape: the first, then the pointwise ones (Howard
/// et al. 2017, Table 1).
inline std::vector<ConvolutionShape> mobilenet_convolutions() {
  struct Sizes {
    int side, channels, filters;
  };
  const auto shape = [](const Sizes& sizes, const Conv2d& layer) {
    return layer.geometry({{sizes.side, sizes.side, sizes.channels}, "mobilenet", 0});
  };
  std::vector<ConvolutionShape> shapes{{shape({224, 3, 32}, {.filters = 32, .stride = 2}), true}};
  for (const Sizes& sizes :
       {Sizes{112, 32, 64}, Sizes{56, 64, 128}, Sizes{56, 128, 128}, Sizes{28, 128, 256}, Sizes{28, 256, 256},
        Sizes{14, 256, 512}, Sizes{14, 512, 512}, Sizes{7, 512, 1024}, Sizes{7, 1024, 1024}}) {
    shapes.push_back({shape(sizes, {.filters = sizes.filters, .kernel_size = 1})});
  }
  return shapes;
}

/// A 3x3 convolution that halves its image, as residual networks have it (He et al. 2016, Table 1): our networks have
/// none with more than three channels.
inline ConvolutionShape strided_convolution() {
  return {Conv2d{.filters = 128, .stride = 2}.geometry({{56, 56, 64}, "conv2d", 0})};
}

}  // namespace abell::bench

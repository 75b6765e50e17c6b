#pragma once
/// One link of a chain of normalised convolutions: convolution or depthwise convolution, batch
/// normalisation, ReLU6.
///
/// Only the convolution's output z touches memory. What follows it, y = relu6(scale z + shift), is an affine map
/// a channel and a clip, and whoever reads z does it on the way (kernels::Rows). The statistics that scale
/// and shift come from are gathered strip by strip while z is in the cache.

#include <abell/kernels/pointwise.hpp>
#include <abell/layers/activations.hpp>
#include <abell/layers/batch_norm.hpp>
#include <abell/layers/conv2d.hpp>
#include <abell/layers/depthwise_conv2d.hpp>

namespace abell {

/// What a link is, whatever the scalar type.
struct NormalizedLink {
  enum class Kind { conv, pointwise, depthwise };

  Kind kind;
  kernels::Conv2dGeometry geometry;
  bool bias;
  bool trainable;  ///< any of it
  BatchNorm norm;
  std::size_t weights;     ///< values of the kernel
  std::size_t parameters;  ///< where the link's parameters begin: kernel, bias, batch normalisation
  std::size_t end;         ///< and end

  NormalizedLink(const Place& place, const Conv2d& conv, const BatchNorm& batch_norm, std::size_t begin)
      : NormalizedLink(conv.geometry(place), conv.bias, conv.trainable, batch_norm, begin) {
    kind = conv.kernel_size == 1 && conv.stride == 1 ? Kind::pointwise : Kind::conv;
    weights = geometry.weight_size();
    finish();
  }
  NormalizedLink(const Place& place, const DepthwiseConv2d& conv, const BatchNorm& batch_norm, std::size_t begin)
      : NormalizedLink(conv.geometry(place), conv.bias, conv.trainable, batch_norm, begin) {
    kind = Kind::depthwise;
    weights = conv.kernel_size.size() * filters();
    finish();
  }

  std::size_t channels() const { return static_cast<std::size_t>(geometry.channels); }
  std::size_t filters() const { return static_cast<std::size_t>(geometry.filters); }
  int input_pixels(int batch) const { return batch * geometry.height * geometry.width; }
  int output_pixels(int batch) const { return batch * geometry.out_height * geometry.out_width; }
  std::size_t bias_at() const { return parameters + weights; }
  std::size_t norm_at() const { return end - NormParameters<float>::arrays * filters(); }
  /// Null where `all` is.
  template <class T>
  const T* weights_of(const T* all) const {
    return all != nullptr ? all + parameters : nullptr;
  }
  /// Null where `all` is, and without a bias.
  template <class T>
  const T* bias_of(const T* all) const {
    return bias && all != nullptr ? all + bias_at() : nullptr;
  }

 private:
  NormalizedLink(const kernels::Conv2dGeometry& g, bool with_bias, bool conv_trainable, const BatchNorm& batch_norm,
                 std::size_t begin)
      : kind(Kind::conv),
        geometry(g),
        bias(with_bias),
        trainable(conv_trainable || batch_norm.trainable),
        norm(batch_norm),
        weights(0),
        parameters(begin),
        end(0) {}
  void finish() { end = parameters + weights + (bias ? filters() : 0) + NormParameters<float>::arrays * filters(); }
};

}  // namespace abell

#pragma once
/// Softmax over the channels of each pixel.

#include <abell/kernels/elementwise.hpp>
#include <abell/layers/stage.hpp>

namespace abell {

template <class T>
class SoftmaxStage;

/// y = exp(x) / sum over channels of exp(x), which keeps the shape: Keras's Softmax, ONNX's with axis = 1. As the last
/// layer it is fused with the loss in training.
struct Softmax {
  std::string_view name = {};
  static constexpr std::string_view kind = "Softmax";
  template <class T>
  using Stage = SoftmaxStage<T>;
  /// Over the channels, the axis 1 of maps and vectors alike; the order of a vector does not matter.
  void to_onnx(OnnxNodes& graph) const { graph.softmax(); }
};

/// Keeps nothing.
template <class T>
class SoftmaxStage {
 public:
  SoftmaxStage(const Place& place, const Softmax&)
      : pixels_(place.input.pixels()), channels_(static_cast<std::size_t>(place.input.channels)) {}
  void forward(const Pass<T>& pass, const T* x, T* y) const {
    kernels::softmax(pixels_ * static_cast<std::size_t>(pass.batch), channels_, x, y);
  }
  /// dx[i] = y[i] (dy[i] - sum over j of y[j] dy[j]), with y computed anew from x.
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    if (dx == nullptr) return;
    kernels::softmax(pixels_ * static_cast<std::size_t>(pass.batch), channels_, x, dx);
    for (std::size_t row = 0; row < pixels_ * static_cast<std::size_t>(pass.batch);
         ++row, dx += channels_, dy += channels_) {
      T sum = 0;
      for (std::size_t i = 0; i < channels_; ++i) sum += dx[i] * dy[i];
      for (std::size_t i = 0; i < channels_; ++i) dx[i] *= dy[i] - sum;
    }
  }

 private:
  std::size_t pixels_;
  std::size_t channels_;
};

}  // namespace abell

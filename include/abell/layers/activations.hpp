#pragma once
/// Activations: layers without weights that work value by value and keep the shape.

#include <abell/kernels/elementwise.hpp>
#include <abell/layers/stage.hpp>
#include <cmath>
#include <utility>

namespace abell {

/// The stage of an elementwise y = f(x), with f the layer's `function<T>()`; see kernels::functions.
template <class T, class Layer>
class ElementwiseStage {
 public:
  ElementwiseStage(const Place& place, const Layer& options)
      : size_(place.input.size()), function_(options.template function<T>()) {}
  void forward(const Pass<T>& pass, const T* x, T* y) const {
    kernels::map_forward(pass.backend.threads, size_ * static_cast<std::size_t>(pass.batch), function_, x, y);
  }
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    if (dx == nullptr) return;
    kernels::map_backward(pass.backend.threads, size_ * static_cast<std::size_t>(pass.batch), function_, x, dy, dx);
  }

 private:
  std::size_t size_;
  decltype(std::declval<const Layer&>().template function<T>()) function_;
};

template <class T>
class Conv2dReluStage;

/// y = max(0, x), with derivative 0 at 0: Keras's ReLU, ONNX's Relu.
struct Relu {
  std::string_view name = {};
  static constexpr std::string_view kind = "Relu";
  static constexpr std::string_view keras_kind = "re_lu";
  template <class T>
  using Stage = ElementwiseStage<T, Relu>;
  template <class T>
  using Fused = Conv2dReluStage<T>;
  template <class T>
  kernels::functions::Relu<T> function() const {
    return {};
  }
  void to_onnx(OnnxNodes& graph) const { graph.node("Relu"); }
};

/// y = min(max(0, x), 6), with derivative 0 at and outside 0 and 6 (MobileNets): Keras's ReLU with max_value = 6,
/// ONNX's Clip.
struct Relu6 {
  std::string_view name = {};
  static constexpr std::string_view kind = "Relu6";
  template <class T>
  using Stage = ElementwiseStage<T, Relu6>;
  template <class T>
  kernels::functions::Relu6<T> function() const {
    return {};
  }
  void to_onnx(OnnxNodes& graph) const {
    if (graph.opset() < 11) return graph.node("Clip", {{"min", 0.0}, {"max", 6.0}});
    graph.node("Clip", {}, {graph.constant("least", {}, {0}), graph.constant("most", {}, {6})});
  }
};

/// y = x above 0, else slope x, with the slope as derivative at 0: Keras's and ONNX's LeakyRelu. The slope is Keras's
/// default; PyTorch's is 0.01.
struct LeakyRelu {
  double negative_slope = 0.3;
  std::string_view name = {};
  static constexpr std::string_view kind = "LeakyRelu";
  static constexpr auto options = std::tuple(Option{"negative_slope", &LeakyRelu::negative_slope});
  static constexpr std::string_view keras_kind = "leaky_re_lu";
  template <class T>
  using Stage = ElementwiseStage<T, LeakyRelu>;
  template <class T>
  kernels::functions::LeakyRelu<T> function() const {
    return {static_cast<T>(negative_slope)};
  }
  /// Throws OptionError for a slope that is not finite.
  Shape output(const Place& place) const {
    if (!std::isfinite(negative_slope)) {
      option_error(place.name, kind, "a finite slope", std::to_string(negative_slope));
    }
    return place.input;
  }
  void to_onnx(OnnxNodes& graph) const { graph.node("LeakyRelu", {{"alpha", negative_slope}}); }
};

/// y = 1 / (1 + exp(-x)): Keras's sigmoid, ONNX's Sigmoid.
struct Sigmoid {
  std::string_view name = {};
  static constexpr std::string_view kind = "Sigmoid";
  template <class T>
  using Stage = ElementwiseStage<T, Sigmoid>;
  template <class T>
  kernels::functions::Sigmoid<T> function() const {
    return {};
  }
  void to_onnx(OnnxNodes& graph) const { graph.node("Sigmoid"); }
};

/// y = tanh(x): Keras's tanh, ONNX's Tanh.
struct Tanh {
  std::string_view name = {};
  static constexpr std::string_view kind = "Tanh";
  template <class T>
  using Stage = ElementwiseStage<T, Tanh>;
  template <class T>
  kernels::functions::Tanh<T> function() const {
    return {};
  }
  void to_onnx(OnnxNodes& graph) const { graph.node("Tanh"); }
};

}  // namespace abell

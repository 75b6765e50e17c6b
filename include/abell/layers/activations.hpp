#pragma once
/// Layers without weights that work value by value: Relu, Dropout, Softmax, Flatten.

#include <abell/kernels/elementwise.hpp>
#include <abell/layers/stage.hpp>
#include <algorithm>

namespace abell {

/// y = max(0, x), with derivative 0 at 0.
struct Relu {
  std::string_view name = {};
  static constexpr std::string_view kind = "Relu";
  Shape output(const Place& place) const { return place.input; }
  std::vector<Parameter> parameters(const Place&) const { return {}; }
  std::size_t multiply_adds(const Place&) const { return 0; }
};

/// y = min(max(0, x), 6), with derivative 0 at and outside 0 and 6 (MobileNets).
struct Relu6 {
  std::string_view name = {};
  static constexpr std::string_view kind = "Relu6";
  Shape output(const Place& place) const { return place.input; }
  std::vector<Parameter> parameters(const Place&) const { return {}; }
  std::size_t multiply_adds(const Place&) const { return 0; }
};

/// Inverted dropout: in training each value is dropped with probability `rate`, the others divided
/// by 1 - rate; otherwise the identity (as in Keras 2, `rate` is the dropped fraction).
struct Dropout {
  double rate = 0.5;
  std::string_view name = {};
  static constexpr std::string_view kind = "Dropout";
  Shape output(const Place& place) const {
    if (!(rate >= 0 && rate < 1)) shape_error(place.name, kind, "a rate in [0, 1)", std::to_string(rate));
    return place.input;
  }
  std::vector<Parameter> parameters(const Place&) const { return {}; }
  std::size_t multiply_adds(const Place&) const { return 0; }
};

/// y = exp(x) / sum over channels of exp(x). As the last layer it is fused with the loss in training.
struct Softmax {
  std::string_view name = {};
  static constexpr std::string_view kind = "Softmax";
  Shape output(const Place& place) const { return place.input; }
  std::vector<Parameter> parameters(const Place&) const { return {}; }
  std::size_t multiply_adds(const Place&) const { return 0; }
};

/// The image as one vector in the order height, width, channel.
struct Flatten {
  std::string_view name = {};
  static constexpr std::string_view kind = "Flatten";
  Shape output(const Place& place) const { return {1, 1, static_cast<int>(place.input.size())}; }
  std::vector<Parameter> parameters(const Place&) const { return {}; }
  std::size_t multiply_adds(const Place&) const { return 0; }
};

template <class T>
class ReluStage {
 public:
  static constexpr std::size_t layers = 1;
  ReluStage(const Place& place, const Relu&) : size_(place.input.size()) {}
  StageMemory memory(const kernels::Run<T>&, int, bool) const { return {}; }
  void forward(const Pass<T>& pass, const T* x, T* y) const {
    kernels::relu_forward(pass.run.threads, size_ * static_cast<std::size_t>(pass.batch), x, y);
  }
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    if (dx != nullptr)
      kernels::relu_backward(pass.run.threads, size_ * static_cast<std::size_t>(pass.batch), x, dy, dx);
  }

 private:
  std::size_t size_;
};

template <class T>
class Relu6Stage {
 public:
  static constexpr std::size_t layers = 1;
  Relu6Stage(const Place& place, const Relu6&) : size_(place.input.size()) {}
  StageMemory memory(const kernels::Run<T>&, int, bool) const { return {}; }
  void forward(const Pass<T>& pass, const T* x, T* y) const {
    kernels::relu6_forward(pass.run.threads, size_ * static_cast<std::size_t>(pass.batch), x, y);
  }
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    if (dx != nullptr)
      kernels::relu6_backward(pass.run.threads, size_ * static_cast<std::size_t>(pass.batch), x, dy, dx);
  }

 private:
  std::size_t size_;
};

template <class T>
class DropoutStage {
 public:
  static constexpr std::size_t layers = 1;
  DropoutStage(const Place& place, const Dropout& options)
      : size_(options.output(place).size()), rate_(options.rate), index_(place.index) {}
  StageMemory memory(const kernels::Run<T>&, int, bool) const { return {}; }
  void forward(const Pass<T>& pass, const T* x, T* y) const { mask(pass, x, y); }
  /// The mask is linear and its own transpose.
  void backward(const Pass<T>& pass, const T*, const T* dy, T* dx) const {
    if (dx != nullptr) mask(pass, dy, dx);
  }

 private:
  void mask(const Pass<T>& pass, const T* from, T* to) const {
    const std::size_t values = size_ * static_cast<std::size_t>(pass.batch);
    if (pass.training && !pass.inference) {
      kernels::dropout(values, rate_, pass.seed, pass.step, index_, from, to);
    } else {
      std::copy_n(from, values, to);
    }
  }
  std::size_t size_;
  double rate_;
  std::uint32_t index_;
};

template <class T>
class SoftmaxStage {
 public:
  static constexpr std::size_t layers = 1;
  SoftmaxStage(const Place& place, const Softmax&)
      : pixels_(place.input.pixels()), channels_(static_cast<std::size_t>(place.input.channels)) {}
  StageMemory memory(const kernels::Run<T>&, int, bool) const { return {}; }
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

template <class T>
class FlattenStage {
 public:
  static constexpr std::size_t layers = 1;
  FlattenStage(const Place& place, const Flatten&) : size_(place.input.size()) {}
  StageMemory memory(const kernels::Run<T>&, int, bool) const { return {}; }
  void forward(const Pass<T>& pass, const T* x, T* y) const {
    std::copy_n(x, size_ * static_cast<std::size_t>(pass.batch), y);
  }
  void backward(const Pass<T>& pass, const T*, const T* dy, T* dx) const {
    if (dx != nullptr) std::copy_n(dy, size_ * static_cast<std::size_t>(pass.batch), dx);
  }

 private:
  std::size_t size_;
};

}  // namespace abell

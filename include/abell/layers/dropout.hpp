#pragma once
/// Dropout (Srivastava et al. 2014).

#include <abell/kernels/elementwise.hpp>
#include <abell/layers/stage.hpp>
#include <algorithm>

namespace abell {

template <class T>
class DropoutStage;

/// Inverted dropout, which keeps the shape: in training each value is dropped with probability `rate`, the others
/// divided by 1 - rate; otherwise the identity (as in Keras's Dropout, `rate` is the dropped fraction).
struct Dropout {
  double rate = 0.5;
  std::string_view name = {};
  static constexpr std::string_view kind = "Dropout";
  static constexpr auto options = std::tuple(Option{"rate", &Dropout::rate});
  template <class T>
  using Stage = DropoutStage<T>;
  /// Throws OptionError for a rate outside [0, 1).
  Shape output(const Place& place) const {
    if (!(rate >= 0 && rate < 1)) option_error(place.name, kind, "a rate in [0, 1)", std::to_string(rate));
    return place.input;
  }
  void to_onnx(OnnxNodes&) const {}
};

/// Keeps nothing: the backward pass draws the same mask once more, from the seed, the step and the layer's number.
template <class T>
class DropoutStage {
 public:
  DropoutStage(const Place& place, const Dropout& options)
      : size_(options.output(place).size()), rate_(options.rate), index_(place.index) {}
  void forward(const Pass<T>& pass, const T* x, T* y) const { mask(pass, x, y); }
  /// The mask is linear and its own transpose.
  void backward(const Pass<T>& pass, const T*, const T* dy, T* dx) const {
    if (dx != nullptr) mask(pass, dy, dx);
  }

 private:
  void mask(const Pass<T>& pass, const T* from, T* to) const {
    const std::size_t values = size_ * static_cast<std::size_t>(pass.batch);
    if (pass.drops()) {
      kernels::dropout(values, rate_, pass.seed, pass.step, index_, from, to);
    } else {
      std::copy_n(from, values, to);
    }
  }
  std::size_t size_;
  double rate_;
  std::uint32_t index_;
};

}  // namespace abell

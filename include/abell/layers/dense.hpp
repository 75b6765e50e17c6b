#pragma once
/// Fully connected layer: Y = X W + b for a batch X [n][inputs], W [inputs][units]; hence
///   dW = X^T dY,   db = column sums of dY,   dX = dY W^T.

#include <abell/kernels/gemm.hpp>
#include <abell/layers/stage.hpp>
#include <algorithm>
#include <cmath>

namespace abell {

template <class T>
class DenseStage;

/// Options of a dense layer, Keras's Dense: a vector [inputs] -> [units]. Put Flatten before it. Kernel weights are
/// [inputs][units].
struct Dense {
  int units = 1;
  bool trainable = true;
  std::string_view name = {};

  static constexpr std::string_view kind = "Dense";
  static constexpr auto options = std::tuple(Option{"units", &Dense::units}, Option{"trainable", &Dense::trainable});
  template <class T>
  using Stage = DenseStage<T>;

  /// Throws OptionError for units below 1, ShapeError for an input that is no vector.
  Shape output(const Place& place) const {
    require_at_least(place, kind, "units", units, 1);
    if (place.input.pixels() != 1)
      shape_error(place.name, kind, "a vector (put Flatten before it)", to_string(place.input));
    return {1, 1, units};
  }
  /// Glorot uniform: limit sqrt(6 / (inputs + units)), bias zero (Keras).
  std::vector<Parameter> parameters(const Place& place) const {
    const int inputs = place.input.channels;
    return {{"kernel", {inputs, units}, std::sqrt(6.0 / (inputs + units)), 0, trainable},
            {"bias", {units}, 0, 0, trainable}};
  }
  std::size_t multiply_adds(const Place& place) const {
    return static_cast<std::size_t>(place.input.channels) * static_cast<std::size_t>(units);
  }
};

/// Matrix products, the batch's vectors as rows. Keeps nothing.
template <class T>
class DenseStage {
 public:
  DenseStage(const Place& place, const Dense& options)
      : inputs_(place.input.channels), units_(options.output(place).channels) {}

  StageMemory memory(const kernels::Backend<T>& backend, int batch, Mode mode) const {
    const std::size_t forward = gemm_scratch(backend, batch, units_, inputs_);
    if (!has_backward(mode)) return {0, forward};
    return {0, std::max({forward, gemm_scratch(backend, batch, inputs_, units_),
                         gemm_transposed_scratch(backend, inputs_, units_, batch)})};
  }
  void forward(const Pass<T>& pass, const T* x, T* y) const {
    gemm(pass.backend, {pass.batch, units_, inputs_, {x, inputs_}, {y, units_}}, pass.parameters, false,
         pass.parameters + weights(), pass.scratch);
  }
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    gemm_transposed(pass.backend, {inputs_, units_, pass.batch, {x, inputs_}, {pass.gradients, units_}}, {dy, units_},
                    pass.gradients + weights(), pass.scratch);
    if (dx != nullptr) {
      gemm(pass.backend, {pass.batch, inputs_, units_, {dy, units_}, {dx, inputs_}}, pass.parameters, true, nullptr,
           pass.scratch);
    }
  }

 private:
  std::size_t weights() const { return static_cast<std::size_t>(inputs_) * static_cast<std::size_t>(units_); }
  int inputs_;
  int units_;
};

}  // namespace abell

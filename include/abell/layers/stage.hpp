#pragma once
/// What a layer is, in two forms.
///
/// **Options** (`Conv2d`, `Dense`, ...) are plain values that a description holds. Each tells its
/// `kind`, the output shape for an input shape (throws ShapeError), its parameters and its work.
///
/// **Stages** (`Conv2dStage<T>`, ...) are what `build` makes of one layer, or of several fused ones,
/// for a scalar type and an input shape. A stage is constant after construction: everything that one
/// call needs comes in a Pass, so one network can serve many threads.
///
/// The contract of a stage:
/// - `forward(pass, x, y)` assigns y; whatever the way back needs besides x goes to `pass.saved`.
/// - `backward(pass, x, dy, dx)` assigns this stage's part of the gradient arena, and dx unless it
///   is null. **dx may be the very memory of x** (the gradient of an activation takes its place, so
///   training needs no second set of activations): x is not read after dx is first written. dy is
///   never the memory of x.

#include <abell/core/error.hpp>
#include <abell/core/shape.hpp>
#include <abell/kernels/conv2d.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace abell {

/// One array of weights: its name within the layer, its dimensions and its initial values: uniform in
/// [-limit, limit], or where limit is 0 all `value`.
struct Parameter {
  std::string name;
  std::vector<int> dimensions;
  double limit = 0;
  double value = 0;
  bool trainable = true;  ///< whether optimizers change it

  std::size_t size() const {
    std::size_t product = 1;
    for (const int n : dimensions) product *= static_cast<std::size_t>(n);
    return product;
  }
};

/// Where a stage stands: what it gets, what it is called, which number it has.
struct Place {
  Shape input;
  std::string name;
  std::uint32_t index = 0;
};

/// What one call of a stage works with. Pointers are this stage's part of the network's arenas.
template <class T>
struct Pass {
  kernels::Run<T> run;
  int batch = 0;
  bool training = false;
  bool inference = false;  ///< with training: no dropout, no batch statistics, as in prediction
  std::uint64_t seed = 0;  ///< with step: the dropout masks of this call
  std::uint32_t step = 0;
  const T* parameters = nullptr;
  T* gradients = nullptr;  ///< null unless training
  std::byte* saved = nullptr;
  T* scratch = nullptr;
  T* packed = nullptr;    ///< null in training
  bool prepared = false;  ///< `packed` holds the weights as a stage's `prepare` left them
};

/// Memory that a stage asks for at a given batch and number of threads.
struct StageMemory {
  std::size_t saved_bytes = 0;     ///< from forward to backward; training only
  std::size_t scratch_values = 0;  ///< within one call
  std::size_t packed_values = 0;   ///< weights in the kernels' order, kept between predictions
};

/// Throws ShapeError "layer conv2d_1 (Conv2d): expected ..., found ...".
[[noreturn]] inline void shape_error(std::string_view name, std::string_view kind, const std::string& expected,
                                     const std::string& found) {
  throw ShapeError("layer " + std::string(name) + " (" + std::string(kind) + "): expected " + expected + ", found " +
                   found);
}

/// Throws unless `value` is at least `least`.
inline void require_at_least(const Place& place, std::string_view kind, std::string_view what, int value, int least) {
  if (value < least) {
    shape_error(place.name, kind, std::string(what) + " of at least " + std::to_string(least), std::to_string(value));
  }
}

}  // namespace abell

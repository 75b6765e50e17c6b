#pragma once
/// What a layer is, in two forms.
///
/// **Options** (`Conv2d`, `Dense`, ...) are plain values that a description holds. A layer is any type with
///
///     static constexpr std::string_view kind = "Scale";           // the name of its kind
///     std::string_view name = {};                                 // of this one; empty: kind and number
///     template <class T> using Stage = ScaleStage<T>;             // what `build` makes of it
///     template <class T> using Fused = ...;                       // optional: what it becomes with layers around it
///     Shape output(const Place&) const;                           // optional: the input's; throws ShapeError
///     std::vector<Parameter> parameters(const Place&) const;      // optional: none
///     std::size_t multiply_adds(const Place&) const;              // optional: 0, for one image
///     static constexpr auto options = std::tuple(Option{...});    // optional: what files hold of it, see option.hpp
///     static constexpr std::string_view keras_kind = "scale";     // optional: what Keras calls it, kind in snake case
///     void to_onnx(OnnxNodes& graph) const;                       // optional: its nodes in an ONNX graph
///     std::tuple<...> descriptions() const;                       // optional: the lists of layers that it holds
///
/// **Stages** (`Conv2dStage<T>`, ...) are what `build` makes of one layer, or of several fused ones,
/// for a scalar type and an input shape. A stage is constant after construction: everything that one
/// call needs comes in a Pass, so one network can serve many threads.
///
/// The contract of a stage:
/// - `Stage(place, options)`; of a layer that holds others `Stage(place, options, lists)` with those as LayerList<T>.
/// - `memory(backend, batch, mode)`, optional, tells what else a call needs.
/// - `forward(pass, x, y)` assigns y; whatever the backward pass needs besides x goes to `pass.saved`.
/// - `backward(pass, x, dy, dx)` assigns this stage's part of the gradient arena, and dx unless it
///   is null. Where dx is null, gradients of parameters that are not trainable may keep what was there. **dx may be
///   the very memory of x** (the gradient of an activation takes its place, so training needs no second set of
///   activations): x is not read after dx is first written. dy is never the memory of x.
/// - of a fused form `static std::optional<FusedStage<T>> fuse(place, layers)`: the stage for the first of `layers`, of
///   which the layer that names it is the second or third; nothing where they are others.
/// - `prepare(pass)`, optional, puts the weights into `pass.packed` for predictions to come;
///   `update_statistics(pass, parameters)`, optional, takes a batch's statistics into moving averages.

#include <abell/core/error.hpp>
#include <abell/core/shape.hpp>
#include <abell/kernels/conv2d.hpp>
#include <abell/layers/onnx_nodes.hpp>
#include <abell/layers/option.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
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

struct LayerInfo;

/// Whether layers that have a common fast form become one stage.
enum class Fusion { on, off };

/// Where a stage stands: what it gets, what it is called, which number it has.
struct Place {
  Shape input;
  std::string name;
  std::uint32_t index = 0;  ///< counted through the whole network, layers within layers included
  std::span<const std::vector<LayerInfo>> branches = {};  ///< the layers within this one
  Fusion fusion = Fusion::on;                             ///< of those
};

/// What a forward pass is for.
enum class Mode {
  predict,     ///< weights in the kernels' order, nothing kept
  train,       ///< dropout, the batch's statistics; all is kept for the backward pass
  explain,     ///< as prediction computes, but all is kept for the backward pass
  monte_carlo  ///< prediction with dropout on (Gal & Ghahramani 2016)
};

/// Whether a backward pass may follow.
constexpr bool has_backward(Mode mode) { return mode == Mode::train || mode == Mode::explain; }

/// What one call of a stage works with. Pointers are this stage's part of the network's arenas.
template <class T>
struct Pass {
  kernels::Backend<T> backend;
  int batch = 0;
  Mode mode = Mode::predict;
  std::uint64_t seed = 0;  ///< with step: the dropout masks of this call
  std::uint32_t step = 0;
  const T* parameters = nullptr;
  T* gradients = nullptr;  ///< null unless there is a backward pass
  std::byte* saved = nullptr;
  T* scratch = nullptr;
  T* packed = nullptr;    ///< null where there is a backward pass
  bool prepared = false;  ///< `packed` holds the weights as a stage's `prepare` left them

  bool drops() const { return mode == Mode::train || mode == Mode::monte_carlo; }
};

/// Memory that a stage asks for at a given batch and number of threads.
struct StageMemory {
  std::size_t saved_bytes = 0;     ///< from forward to backward
  std::size_t scratch_values = 0;  ///< within one call
  std::size_t packed_values = 0;   ///< weights in the kernels' order, kept between predictions
};

/// Throws ShapeError "layer conv2d_1 (Conv2d): expected ..., found ...".
[[noreturn]] inline void shape_error(std::string_view name, std::string_view kind, const std::string& expected,
                                     const std::string& found) {
  throw ShapeError("layer " + std::string(name) + " (" + std::string(kind) + "): expected " + expected + ", found " +
                   found);
}

/// The same for an option that is out of its range: throws OptionError.
[[noreturn]] inline void option_error(std::string_view name, std::string_view kind, const std::string& expected,
                                      const std::string& found) {
  throw OptionError("layer " + std::string(name) + " (" + std::string(kind) + "): expected " + expected + ", found " +
                    found);
}

/// The product of two sizes. Throws OptionError where it is above 2^30.
inline int product(const Place& place, std::string_view kind, int a, int b) {
  constexpr long most = 1L << 30;
  const long both = static_cast<long>(a) * b;
  if (both > most) {
    option_error(place.name, kind, "sizes of at most 2^30", std::to_string(a) + " x " + std::to_string(b));
  }
  return static_cast<int>(both);
}

/// Throws OptionError unless `value` is at least `least`.
inline void require_at_least(const Place& place, std::string_view kind, std::string_view what, int value, int least) {
  if (value < least) {
    option_error(place.name, kind, std::string(what) + " of at least " + std::to_string(least), std::to_string(value));
  }
}

}  // namespace abell

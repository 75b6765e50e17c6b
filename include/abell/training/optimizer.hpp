#pragma once
/// Optimizers: a few lines over the parameters' and the gradients' arenas. Each has its own file. An optimizer is a
/// type with
///
///     double learning_rate = 0.01;
///     static constexpr std::size_t slots = 1;  // arrays of state, each as long as the parameters, zero at first
///     template <class T>
///     void update(double rate, std::uint64_t updates, std::span<T> parameters, std::span<const T> gradients,
///                 std::array<T*, slots> state) const;
///
/// which changes the parameters from their gradients with the rate of this update; `updates` were done before. What
/// more it may have: a `decay`, by which the rate of update t is divided by 1 + decay t as in Keras, and a function
/// `check() const`, which throws OptionError.

#include <abell/core/parallel.hpp>
#include <abell/core/tensor.hpp>
#include <abell/network/parameters.hpp>
#include <abell/training/adadelta.hpp>
#include <abell/training/adam.hpp>
#include <abell/training/sgd.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace abell {

/// A type that works as an optimizer for scalar T.
template <class O, class T>
concept OptimizerFor = requires(const O& optimizer, std::span<T> parameters, std::span<const T> gradients,
                                std::array<T*, O::slots> state) {
  { optimizer.learning_rate } -> std::convertible_to<double>;
  optimizer.update(0.1, std::uint64_t{0}, parameters, gradients, state);
};

/// Any optimizer.
class Optimizer {
 public:
  template <class O>
  requires(OptimizerFor<O, float>&& OptimizerFor<O, double>) Optimizer(O optimizer)
      : model_(std::make_shared<Model<O>>(std::move(optimizer))) {}

  /// Its name: "sgd", "adam", ...; empty where a type has none.
  std::string_view kind() const { return model_->kind(); }
  double learning_rate() const { return model_->learning_rate(); }
  double decay() const { return model_->decay(); }
  std::size_t slots() const { return model_->slots(); }
  /// Throws OptionError for options out of range.
  void check() const { model_->check(); }

  /// `state` is the part of the first array of state beside these parameters; the next lies `stride` values on.
  template <class T>
  void update(double rate, std::uint64_t updates, std::span<T> parameters, std::span<const T> gradients, T* state,
              std::size_t stride) const {
    model_->update(rate, updates, parameters, gradients, state, stride);
  }

  /// The optimizer itself where it is an O, else null.
  template <class O>
  const O* as() const {
    const auto* model = dynamic_cast<const Model<O>*>(model_.get());
    return model == nullptr ? nullptr : &model->optimizer;
  }

 private:
  struct Concept {
    virtual ~Concept() = default;
    virtual std::string_view kind() const = 0;
    virtual double learning_rate() const = 0;
    virtual double decay() const = 0;
    virtual std::size_t slots() const = 0;
    virtual void check() const = 0;
    virtual void update(double, std::uint64_t, std::span<float>, std::span<const float>, float*, std::size_t) const = 0;
    virtual void update(double, std::uint64_t, std::span<double>, std::span<const double>, double*,
                        std::size_t) const = 0;
  };

  template <class O>
  struct Model final : Concept {
    O optimizer;
    explicit Model(O o) : optimizer(std::move(o)) {}
    std::string_view kind() const override {
      if constexpr (requires { O::kind; }) return O::kind;
      return {};
    }
    double learning_rate() const override { return optimizer.learning_rate; }
    double decay() const override {
      if constexpr (requires { optimizer.decay; }) return optimizer.decay;
      return 0;
    }
    std::size_t slots() const override { return O::slots; }
    void check() const override {
      if constexpr (requires { optimizer.check(); }) optimizer.check();
    }
    void update(double rate, std::uint64_t updates, std::span<float> parameters, std::span<const float> gradients,
                float* state, std::size_t stride) const override {
      optimizer.update(rate, updates, parameters, gradients, arrays(state, stride));
    }
    void update(double rate, std::uint64_t updates, std::span<double> parameters, std::span<const double> gradients,
                double* state, std::size_t stride) const override {
      optimizer.update(rate, updates, parameters, gradients, arrays(state, stride));
    }

   private:
    template <class T>
    static std::array<T*, O::slots> arrays(T* state, std::size_t stride) {
      std::array<T*, O::slots> arrays;
      for (std::size_t i = 0; i < arrays.size(); ++i) arrays[i] = state + i * stride;
      return arrays;
    }
  };

  std::shared_ptr<const Concept> model_;
};

/// What an optimizer remembers between updates.
template <class T>
struct OptimizerState {
  std::uint64_t updates = 0;
  double learning_rate = 0;  ///< before decay; a schedule may change it
  Buffer<T> slots;           ///< the optimizer's arrays, one after the other, each as long as the arena

  OptimizerState() = default;
  OptimizerState(const Optimizer& optimizer, std::size_t parameters)
      : learning_rate(optimizer.learning_rate()), slots(optimizer.slots() * parameters) {
    std::fill_n(slots.data(), slots.size(), T(0));
  }
};

/// Scales the gradients of the parameters in `ranges` so that their common Euclidean norm is `most` where it is larger
/// (Pascanu, Mikolov & Bengio 2013, algorithm 1). Throws NumericError where the norm is not finite.
template <class T>
void clip_norm(double most, std::span<T> gradients, std::span<const ParameterRange> ranges) {
  double squares = 0;
  for (const ParameterRange& range : ranges) {
    const T* g = gradients.data() + range.begin;
    const std::size_t size = range.size;
#pragma omp simd reduction(+ : squares)
    for (std::size_t i = 0; i < size; ++i) squares += static_cast<double>(g[i]) * static_cast<double>(g[i]);
  }
  const double norm = std::sqrt(squares);
  if (!std::isfinite(norm)) throw NumericError("a gradient is not finite");
  if (norm <= most) return;
  const T scale = static_cast<T>(most / norm);
  for (const ParameterRange& range : ranges) {
    for (T& g : gradients.subspan(range.begin, range.size)) g *= scale;
  }
}

/// One update of the parameters in `ranges` (Network::trainable); all others, and the state beside them,
/// stay as they are, whatever their gradients hold.
template <class T>
void apply(const Optimizer& optimizer, OptimizerState<T>& state, int threads, std::span<T> parameters,
           std::span<const T> gradients, std::span<const ParameterRange> ranges) {
  const double rate = state.learning_rate / (1 + optimizer.decay() * static_cast<double>(state.updates));
  parallel_for(static_cast<int>(ranges.size()), threads, [&](int index, int) {
    const auto [begin, size] = ranges[static_cast<std::size_t>(index)];
    optimizer.update(rate, state.updates, parameters.subspan(begin, size), gradients.subspan(begin, size),
                     state.slots.data() + begin, parameters.size());
  });
  ++state.updates;
}

}  // namespace abell

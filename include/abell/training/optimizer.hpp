#pragma once
/// Optimizers: a few lines over the parameters' and the gradients' arenas.

#include <abell/core/error.hpp>
#include <abell/core/tensor.hpp>
#include <abell/kernels/elementwise.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace abell {

/// Stochastic gradient descent as in Keras 2.2 (optimizers.py). At update t = 0, 1, ...
///   lr_t = lr / (1 + decay t),   v <- momentum v - lr_t g,
///   p <- p + momentum v - lr_t g   (Nesterov)   or   p <- p + v.
/// Defaults: Table 4 of the paper.
struct Sgd {
  double learning_rate = 1e-4;
  double momentum = 0.9;
  bool nesterov = true;
  double decay = 1e-6;

  static constexpr std::string_view kind = "sgd";
  static constexpr std::size_t slots = 1;  ///< arrays of state, each as long as the parameters

  template <class T>
  void update(double rate, std::uint64_t, int threads, std::span<T> parameters, std::span<const T> gradients,
              T* velocity) const {
    const T lr = static_cast<T>(rate);
    const T mu = static_cast<T>(momentum);
    T* p = parameters.data();
    const T* g = gradients.data();
    kernels::for_pieces(threads, parameters.size(), [&](std::size_t begin, std::size_t end) {
      if (nesterov) {
#pragma omp simd
        for (std::size_t i = begin; i < end; ++i) {
          velocity[i] = mu * velocity[i] - lr * g[i];
          p[i] += mu * velocity[i] - lr * g[i];
        }
      } else {
#pragma omp simd
        for (std::size_t i = begin; i < end; ++i) {
          velocity[i] = mu * velocity[i] - lr * g[i];
          p[i] += velocity[i];
        }
      }
    });
  }
};

/// Adam (Kingma & Ba 2015, Algorithm 1). At update t = 1, 2, ...
///   m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g^2,
///   p <- p - lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)   (Keras's form of epsilon).
struct Adam {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-7;
  double decay = 0;

  static constexpr std::string_view kind = "adam";
  static constexpr std::size_t slots = 2;

  template <class T>
  void update(double rate, std::uint64_t updates, int threads, std::span<T> parameters, std::span<const T> gradients,
              T* moments) const {
    const auto t = static_cast<double>(updates + 1);
    const T lr = static_cast<T>(rate * std::sqrt(1 - std::pow(beta2, t)) / (1 - std::pow(beta1, t)));
    const T b1 = static_cast<T>(beta1), b2 = static_cast<T>(beta2), e = static_cast<T>(epsilon);
    T* p = parameters.data();
    const T* g = gradients.data();
    T* m = moments;
    T* v = moments + parameters.size();
    kernels::for_pieces(threads, parameters.size(), [&](std::size_t begin, std::size_t end) {
      // Not `omp simd`: std::sqrt may set errno, so compilers refuse to vectorize it.
      for (std::size_t i = begin; i < end; ++i) {
        m[i] = b1 * m[i] + (T(1) - b1) * g[i];
        v[i] = b2 * v[i] + (T(1) - b2) * g[i] * g[i];
        p[i] -= lr * m[i] / (std::sqrt(v[i]) + e);
      }
    });
  }
};

/// Any of the optimizers.
using Optimizer = std::variant<Sgd, Adam>;

inline double learning_rate(const Optimizer& optimizer) {
  return std::visit([](const auto& o) { return o.learning_rate; }, optimizer);
}

/// Throws OptionError for a rate, momentum or decay out of range.
inline void check(const Sgd& sgd) {
  if (!(sgd.learning_rate > 0))
    throw OptionError("sgd: expected a learning rate above 0, found " + std::to_string(sgd.learning_rate));
  if (!(sgd.momentum >= 0 && sgd.momentum < 1))
    throw OptionError("sgd: expected a momentum in [0, 1), found " + std::to_string(sgd.momentum));
  if (!(sgd.decay >= 0)) throw OptionError("sgd: expected a decay of 0 or more, found " + std::to_string(sgd.decay));
}

/// Likewise.
inline void check(const Adam& adam) {
  if (!(adam.learning_rate > 0))
    throw OptionError("adam: expected a learning rate above 0, found " + std::to_string(adam.learning_rate));
  if (!(adam.beta1 >= 0 && adam.beta1 < 1 && adam.beta2 >= 0 && adam.beta2 < 1)) {
    throw OptionError("adam: expected betas in [0, 1), found " + std::to_string(adam.beta1) + " and " +
                      std::to_string(adam.beta2));
  }
  if (!(adam.epsilon > 0))
    throw OptionError("adam: expected an epsilon above 0, found " + std::to_string(adam.epsilon));
  if (!(adam.decay >= 0)) throw OptionError("adam: expected a decay of 0 or more, found " + std::to_string(adam.decay));
}

/// What an optimizer remembers between updates.
template <class T>
struct OptimizerState {
  std::uint64_t updates = 0;
  double learning_rate = 0;  ///< before decay; a schedule may lower it
  Buffer<T> slots;           ///< the optimizer's arrays, one after the other

  OptimizerState() = default;
  OptimizerState(const Optimizer& optimizer, std::size_t parameters)
      : learning_rate(abell::learning_rate(optimizer)),
        slots(std::visit([](const auto& o) { return o.slots; }, optimizer) * parameters) {
    std::fill_n(slots.data(), slots.size(), T(0));
  }
};

/// One update of the parameters.
template <class T>
void apply(const Optimizer& optimizer, OptimizerState<T>& state, int threads, std::span<T> parameters,
           std::span<const T> gradients) {
  std::visit(
      [&](const auto& o) {
        const double rate = state.learning_rate / (1 + o.decay * static_cast<double>(state.updates));
        o.update(rate, state.updates, threads, parameters, gradients, state.slots.data());
      },
      optimizer);
  ++state.updates;
}

}  // namespace abell

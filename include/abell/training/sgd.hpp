#pragma once
/// Stochastic gradient descent.

#include <abell/core/require_option.hpp>
#include <abell/training/update.hpp>
#include <array>
#include <cstdint>
#include <span>

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

  /// Updates parameters p from their gradients g and the arrays of state beside them; `rate` is lr_t.
  template <class T>
  void update(double rate, std::uint64_t, std::span<T> parameters, std::span<const T> gradients,
              std::array<T*, slots> state) const {
    const T lr = static_cast<T>(rate);
    const T mu = static_cast<T>(momentum);
    T* p = parameters.data();
    T* v = state[0];
    const T* g = gradients.data();
    if (nesterov) {
#pragma omp simd
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        v[i] = mu * v[i] - lr * g[i];
        p[i] += mu * v[i] - lr * g[i];
      }
    } else {
#pragma omp simd
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        v[i] = mu * v[i] - lr * g[i];
        p[i] += v[i];
      }
    }
  }

  /// Throws OptionError for a rate, momentum or decay out of range.
  void check() const {
    detail::require_option(learning_rate > 0, "learning_rate", "a number above 0", learning_rate);
    detail::require_option(momentum >= 0 && momentum < 1, "momentum", "a number in [0, 1)", momentum);
    detail::require_option(decay >= 0, "decay", "a number of 0 or more", decay);
  }
};

}  // namespace abell

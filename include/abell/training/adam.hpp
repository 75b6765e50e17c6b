#pragma once
/// Adam and AdamW.

#include <abell/core/require_option.hpp>
#include <abell/kernels/square_root.hpp>
#include <abell/training/update.hpp>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>

namespace abell {

namespace detail {

/// m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g^2,   p <- p - rate m / (sqrt(v) + epsilon) - shrink p
template <class T>
void update_by_moments(double rate, double shrink, double beta1, double beta2, double epsilon, std::span<T> parameters,
                       std::span<const T> gradients, std::array<T*, 2> moments) {
  const T lr = static_cast<T>(rate), less = static_cast<T>(shrink), e = static_cast<T>(epsilon);
  const T b1 = static_cast<T>(beta1), b2 = static_cast<T>(beta2);
  for_tiles(parameters.size(), [&](std::size_t begin, std::size_t count) {
    T* p = parameters.data() + begin;
    T* m = moments[0] + begin;
    T* v = moments[1] + begin;
    const T* g = gradients.data() + begin;
    std::array<T, kernels::update_tile_values> root;
#pragma omp simd
    for (std::size_t i = 0; i < count; ++i) {
      m[i] = b1 * m[i] + (T(1) - b1) * g[i];
      v[i] = b2 * v[i] + (T(1) - b2) * g[i] * g[i];
      root[i] = v[i];
    }
    kernels::square_roots(count, root.data());
#pragma omp simd
    for (std::size_t i = 0; i < count; ++i) p[i] -= lr * m[i] / (root[i] + e) + less * p[i];
  });
}

template <class A>
void check_adam(const A& adam) {
  require_option(adam.learning_rate > 0, "learning_rate", "a number above 0", adam.learning_rate);
  require_option(adam.beta1 >= 0 && adam.beta1 < 1, "beta1", "a number in [0, 1)", adam.beta1);
  require_option(adam.beta2 >= 0 && adam.beta2 < 1, "beta2", "a number in [0, 1)", adam.beta2);
  require_option(adam.epsilon > 0, "epsilon", "a number above 0", adam.epsilon);
  require_option(adam.decay >= 0, "decay", "a number of 0 or more", adam.decay);
}

}  // namespace detail

/// Adam (Kingma & Ba 2015, Algorithm 1). At update t = 1, 2, ...
///   m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g^2,
///   p <- p - lr_t sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)   (Keras's form of epsilon)
/// with lr_t = lr / (1 + decay (t - 1)).
struct Adam {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-7;
  double decay = 0;

  static constexpr std::string_view kind = "adam";
  static constexpr std::size_t slots = 2;

  template <class T>
  void update(double rate, std::uint64_t updates, std::span<T> parameters, std::span<const T> gradients,
              std::array<T*, slots> state) const {
    const auto t = static_cast<double>(updates + 1);
    const double corrected = rate * std::sqrt(1 - std::pow(beta2, t)) / (1 - std::pow(beta1, t));
    detail::update_by_moments(corrected, 0, beta1, beta2, epsilon, parameters, gradients, state);
  }

  /// Throws OptionError for a rate, beta, epsilon or decay out of range.
  void check() const { detail::check_adam(*this); }
};

/// Adam with decoupled weight decay (Loshchilov & Hutter 2019, Algorithm 2): with m and v of Adam,
///   p <- p - lr_t (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon) + weight_decay p).
/// As in PyTorch the learning rate multiplies the weight decay too (the paper's lambda is their product), and
/// every trainable parameter decays, biases as well.
struct AdamW {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 1e-2;
  double decay = 0;  ///< of the learning rate, as in Adam

  static constexpr std::string_view kind = "adamw";
  static constexpr std::size_t slots = 2;

  template <class T>
  void update(double rate, std::uint64_t updates, std::span<T> parameters, std::span<const T> gradients,
              std::array<T*, slots> state) const {
    const auto t = static_cast<double>(updates + 1);
    const double spread = std::sqrt(1 - std::pow(beta2, t));  // taken out of the root, so epsilon gets it too
    detail::update_by_moments(rate * spread / (1 - std::pow(beta1, t)), rate * weight_decay, beta1, beta2,
                              epsilon * spread, parameters, gradients, state);
  }

  /// Throws OptionError for a rate, beta, epsilon or decay out of range.
  void check() const {
    detail::check_adam(*this);
    detail::require_option(weight_decay >= 0, "weight_decay", "a number of 0 or more", weight_decay);
  }
};

}  // namespace abell

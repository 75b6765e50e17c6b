#pragma once
/// Adadelta.

#include <abell/core/require_option.hpp>
#include <abell/kernels/square_root.hpp>
#include <abell/training/update.hpp>
#include <array>
#include <cstdint>
#include <span>

namespace abell {

/// Adadelta (Zeiler 2012, arXiv:1212.5701) as in Keras 2.2 (optimizers.py). At update t = 0, 1, ...
///   lr_t = lr / (1 + decay t),   a <- rho a + (1 - rho) g^2,   u = g sqrt(d + epsilon) / sqrt(a + epsilon),
///   p <- p - lr_t u,   d <- rho d + (1 - rho) u^2.
/// PyTorch's is the same with defaults rho = 0.9 and epsilon = 1e-6. Table 4 of the paper has decay = 0.95 for
/// MobileNet.
struct Adadelta {
  double learning_rate = 1;
  double rho = 0.95;
  double epsilon = 1e-7;
  double decay = 0;

  static constexpr std::string_view kind = "adadelta";
  static constexpr std::size_t slots = 2;

  template <class T>
  void update(double rate, std::uint64_t, std::span<T> parameters, std::span<const T> gradients,
              std::array<T*, slots> state) const {
    const T lr = static_cast<T>(rate), e = static_cast<T>(epsilon);
    const T old = static_cast<T>(rho), fresh = static_cast<T>(1 - rho);
    detail::for_tiles(parameters.size(), [&](std::size_t begin, std::size_t count) {
      T* p = parameters.data() + begin;
      T* a = state[0] + begin;
      T* d = state[1] + begin;
      const T* g = gradients.data() + begin;
      std::array<T, kernels::update_tile_values> root;  // of the quotient: one root in place of two
#pragma omp simd
      for (std::size_t i = 0; i < count; ++i) {
        a[i] = old * a[i] + fresh * g[i] * g[i];
        root[i] = (d[i] + e) / (a[i] + e);
      }
      kernels::square_roots(count, root.data());
#pragma omp simd
      for (std::size_t i = 0; i < count; ++i) {
        const T u = g[i] * root[i];
        p[i] -= lr * u;
        d[i] = old * d[i] + fresh * u * u;
      }
    });
  }

  /// Throws OptionError for a rate, rho, epsilon or decay out of range.
  void check() const {
    detail::require_option(learning_rate > 0, "learning_rate", "a number above 0", learning_rate);
    detail::require_option(rho >= 0 && rho < 1, "rho", "a number in [0, 1)", rho);
    detail::require_option(epsilon > 0, "epsilon", "a number above 0", epsilon);
    detail::require_option(decay >= 0, "decay", "a number of 0 or more", decay);
  }
};

}  // namespace abell

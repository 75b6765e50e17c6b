#pragma once
/// How the learning rate goes, and when a run stops: ReduceLROnPlateau and EarlyStopping with Keras's rules (Keras 2.2,
/// callbacks.py), a warm-up and a cosine. The options are values; the states are what a checkpoint keeps. A decay with
/// time is an option of the optimizers, as in Keras, and acts besides.

#include <abell/core/require_option.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <variant>

namespace abell {

/// Lowers the learning rate when the watched loss stops falling: Keras's ReduceLROnPlateau. Defaults: Table 4 of the
/// paper, with which the rate starts at its floor and the rule never fires.
struct ReduceOnPlateau {
  double factor = 0.75;     ///< by which the rate is multiplied
  int patience = 14;        ///< epochs without a lower loss before that
  double min_delta = 1e-4;  ///< by which a loss must be lower to count
  int cooldown = 0;         ///< epochs after it that are not counted
  double min_rate = 1e-4;   ///< the floor

  struct State {
    double best = std::numeric_limits<double>::infinity();
    int wait = 0;
    int cooldown = 0;
  };

  /// The learning rate after an epoch that ended with `loss`. As in Keras the rate is a float, the
  /// floor a double, and at the floor the wait goes on.
  double next(State& state, double loss, double rate) const {
    if (state.cooldown > 0) {
      --state.cooldown;
      state.wait = 0;
    }
    if (loss < state.best - min_delta) {
      state.best = loss;
      state.wait = 0;
    } else if (state.cooldown == 0 && ++state.wait >= patience) {
      const double current = static_cast<double>(static_cast<float>(rate));
      if (current > min_rate) {
        rate = std::max(current * factor, min_rate);
        state.cooldown = cooldown;
        state.wait = 0;
      }
    }
    return rate;
  }
};

/// The optimizer's own rate, as it is.
struct ConstantRate {};

/// Rises from 0 to the optimizer's rate over `warm_up` updates, then falls along half a cosine (Loshchilov & Hutter
/// 2017, equation 5, one period), which would come to `floor` times it with the update after the last.
struct WarmUpCosine {
  std::uint64_t warm_up = 50;
  double floor = 0;

  /// The rate of update `updates` = 0, 1, ... of `steps`.
  double at(double rate, std::uint64_t updates, std::uint64_t steps) const {
    if (updates < warm_up) return rate * static_cast<double>(updates + 1) / static_cast<double>(warm_up);
    const double part =
        static_cast<double>(updates - warm_up) / static_cast<double>(steps > warm_up ? steps - warm_up : 1);
    return rate * (floor + (1 - floor) * (1 + std::cos(std::numbers::pi * std::min(part, 1.0))) / 2);
  }

  /// Throws OptionError for a floor out of range.
  void check() const { detail::require_option(floor >= 0 && floor <= 1, "floor", "a number in [0, 1]", floor); }
};

/// How the learning rate goes besides the optimizer's decay.
using Schedule = std::variant<ConstantRate, ReduceOnPlateau, WarmUpCosine>;

/// Stops when the watched loss has not fallen for `patience` epochs: Keras's EarlyStopping.
struct EarlyStopping {
  int patience = 10;
  double min_delta = 0;  ///< by which a loss must be lower to count

  struct State {
    double best = std::numeric_limits<double>::infinity();
    int wait = 0;
  };

  /// Whether to stop after an epoch that ended with `loss`.
  bool stop(State& state, double loss) const {
    if (loss < state.best - min_delta) {
      state.best = loss;
      state.wait = 0;
      return false;
    }
    return ++state.wait >= patience;
  }
};

}  // namespace abell

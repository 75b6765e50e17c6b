#pragma once
/// What watches the epochs: ReduceLROnPlateau, EarlyStopping and the best weights, with Keras's
/// rules (Keras 2.2, callbacks.py). The options are values; the states are what a checkpoint keeps.

#include <algorithm>
#include <limits>

namespace abell {

/// Lowers the learning rate when the watched loss stops falling. Defaults: Table 4 of the paper, with
/// which the rate starts at its floor and the rule never fires.
struct ReduceOnPlateau {
  double factor = 0.75;
  int patience = 14;
  double min_delta = 1e-4;
  int cooldown = 0;
  double min_rate = 1e-4;

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

/// Stops when the watched loss has not fallen for `patience` epochs.
struct EarlyStopping {
  int patience = 10;
  double min_delta = 0;

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

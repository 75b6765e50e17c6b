#pragma once
/// Optimizers: a few lines over the parameters' and the gradients' arenas. Each has its own file.

#include <abell/core/parallel.hpp>
#include <abell/core/tensor.hpp>
#include <abell/network/parameters.hpp>
#include <abell/training/adadelta.hpp>
#include <abell/training/adam.hpp>
#include <abell/training/sgd.hpp>
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <variant>

namespace abell {

/// Any of the optimizers.
using Optimizer = std::variant<Sgd, Adam, AdamW, Adadelta>;

inline double learning_rate(const Optimizer& optimizer) {
  return std::visit([](const auto& o) { return o.learning_rate; }, optimizer);
}

/// What an optimizer remembers between updates.
template <class T>
struct OptimizerState {
  std::uint64_t updates = 0;
  double learning_rate = 0;  ///< before decay; a schedule may lower it
  Buffer<T> slots;           ///< the optimizer's arrays, one after the other, each as long as the arena

  OptimizerState() = default;
  OptimizerState(const Optimizer& optimizer, std::size_t parameters)
      : learning_rate(abell::learning_rate(optimizer)),
        slots(std::visit([](const auto& o) { return o.slots; }, optimizer) * parameters) {
    std::fill_n(slots.data(), slots.size(), T(0));
  }
};

/// One update of the parameters in `ranges` (Network::trainable); all others, and the state beside them,
/// stay as they are, whatever their gradients hold.
template <class T>
void apply(const Optimizer& optimizer, OptimizerState<T>& state, int threads, std::span<T> parameters,
           std::span<const T> gradients, std::span<const ParameterRange> ranges) {
  std::visit(
      [&](const auto& o) {
        const double rate = state.learning_rate / (1 + o.decay * static_cast<double>(state.updates));
        parallel_for(static_cast<int>(ranges.size()), threads, [&](int index, int) {
          const auto [begin, size] = ranges[static_cast<std::size_t>(index)];
          std::array<T*, std::remove_cvref_t<decltype(o)>::slots> arrays;
          for (std::size_t i = 0; i < arrays.size(); ++i)
            arrays[i] = state.slots.data() + i * parameters.size() + begin;
          o.update(rate, state.updates, parameters.subspan(begin, size), gradients.subspan(begin, size), arrays);
        });
      },
      optimizer);
  ++state.updates;
}

}  // namespace abell

/// A small network and data that it can learn, for the tests of the training loop.
#pragma once

#include <abell/abell.hpp>
#include <cstdint>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace training_tools {

using namespace abell;

inline constexpr Shape shape{12, 10, 2};
inline constexpr auto net = describe(Conv2d{.filters = 5}, Relu{}, MaxPool2d{}, Flatten{}, Dense{.units = 8}, Relu{},
                                     Dropout{.rate = 0.3}, Dense{.units = 2}, Softmax{});
inline constexpr auto net_without_dropout = describe(Conv2d{.filters = 5}, Relu{}, MaxPool2d{}, Flatten{},
                                                     Dense{.units = 8}, Relu{}, Dense{.units = 2}, Softmax{});

/// Noise, with a brighter upper (class 0) or lower (class 1) half.
inline ArraySamples halves(int count, std::uint64_t seed = 1) {
  Tensor<float> images(count, shape);
  std::vector<int> labels;
  Random random(seed);
  for (int n = 0; n < count; ++n) {
    labels.push_back(static_cast<int>(random.below(2)));
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const bool lower = i >= shape.size() / 2;
      images.view().image(n)[i] = static_cast<float>(random.normal(lower == (labels.back() == 1) ? 0.5 : 0, 1));
    }
  }
  return {std::move(images), labels};
}

template <class Network>
std::vector<float> weights_of(const Network& network) {
  return {network.parameters().begin(), network.parameters().end()};
}

/// Weights after a run on fresh initial ones.
inline std::vector<float> trained(const FitOptions& options, const ArraySamples& train, History* history = nullptr) {
  auto network = build<float>(net, shape, 1);
  const History found = fit(network, train, options);
  if (history != nullptr) *history = found;
  return weights_of(network);
}

/// Equal in all but the seconds.
inline void check_equal(const History& a, const History& b) {
  REQUIRE(a.size() == b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    INFO("epoch " << i + 1);
    CHECK(a[i].epoch == b[i].epoch);
    CHECK(a[i].loss == b[i].loss);
    CHECK(a[i].metric == b[i].metric);
    CHECK(a[i].validation_loss == b[i].validation_loss);
    CHECK(a[i].validation_metric == b[i].validation_metric);
    CHECK(a[i].learning_rate == b[i].learning_rate);
  }
}

/// Trains to the end, stopped every few steps and gone on with; returns the number of parts. Each ends where
/// a run could have come to.
template <class Network>
int fit_in_parts(Network& network, const ArraySamples& train, const ArraySamples& validation, FitOptions options,
                 TrainingState<float>& state, int every) {
  int steps = 0, parts = 0;
  options.callbacks = {{.on_step = [&](const StepReport&) { ++steps; }, .stop = [&] { return steps >= every; }}};
  for (; !state.finished && parts < 100; ++parts) {
    steps = 0;
    fit(network, train, validation, options, state);
    CHECK_NOTHROW(check_resumable("state", state, options, train.size()));
  }
  return parts;
}

inline const Optimizer quick = Sgd{.learning_rate = 0.02};

}  // namespace training_tools

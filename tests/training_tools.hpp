/// A small network and data that it can learn, for the tests of the training loop.
#pragma once

#include <abell/abell.hpp>
#include <cstdint>
#include <utility>
#include <vector>

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

inline const Optimizer quick = Sgd{.learning_rate = 0.02};

}  // namespace training_tools

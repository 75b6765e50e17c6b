#pragma once
/// Networks with fused stages against plain ones.

#include <abell/abell.hpp>
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "catch.hpp"

namespace abell::testing {

template <class Network>
void draw(Network& network, std::uint64_t seed) {
  Random random(seed);
  for (const NamedParameter& named : network.named_parameters()) {
    const bool variance = named.name.ends_with("variance");
    for (auto& value : network.parameters().subspan(named.offset, named.size)) {
      value = static_cast<typename Network::Scalar>(variance ? random.uniform(0.5, 1.5) : random.uniform(-0.6, 0.6));
    }
  }
}

template <class T>
Tensor<T> noise(int batch, Shape size, std::uint64_t seed) {
  Tensor<T> images(batch, size);
  Random random(seed);
  for (T& value : images.span()) value = static_cast<T>(random.normal());
  return images;
}

/// Largest difference over largest value.
template <class A, class B>
double relative(const A& a, const B& b) {
  REQUIRE(a.size() == b.size());
  double difference = 0, largest = 1e-12;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = std::max(difference, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
    largest = std::max(largest, std::abs(static_cast<double>(b[i])));
  }
  return difference / largest;
}

/// What a network makes of images in every mode.
struct Outcome {
  std::vector<double> predicted, with_dropout, trained, gradients, input_gradient, parameters;
};

template <class Network>
Outcome outcome_of(Network& network, const Tensor<double>& images, std::uint64_t seed, int threads) {
  const int batch = images.batch();
  const auto forward = [&](auto& space) {
    space.seed = seed;
    const auto y = network.forward(images, space);
    return std::vector<double>(y.data, y.data + y.size());
  };
  Outcome found;
  auto predicting = network.workspace(batch, Mode::predict, threads);
  network.prepare(predicting);
  found.predicted = forward(predicting);
  auto dropping = network.workspace(batch, Mode::monte_carlo, threads);
  found.with_dropout = forward(dropping);
  auto training = network.workspace(batch, Mode::train, threads);
  found.trained = forward(training);
  Random random(seed + 2);
  for (double& value : training.output.span().first(found.trained.size())) value = random.normal();
  found.input_gradient.resize(images.size());
  network.backward(images, training, found.input_gradient.data());
  found.gradients.assign(training.gradients.data(), training.gradients.data() + training.gradients.size());
  network.update_statistics(training, batch);
  found.parameters.assign(network.parameters().begin(), network.parameters().end());
  return found;
}

/// Predictions, outputs in training, gradients and moving averages of a fused and a plain network with the same
/// weights.
template <class Description>
void compare_with_plain(const Description& description, Shape input, std::uint64_t seed) {
  auto fused = build<double>(description, input, seed);
  auto plain = build<double, Fusion::off>(description, input, seed);
  draw(fused, seed);
  std::ranges::copy(fused.parameters(), plain.parameters().begin());
  const auto images = noise<double>(1 + static_cast<int>(seed % 4), input, seed + 1);
  const Outcome found = outcome_of(fused, images, seed, 2), expected = outcome_of(plain, images, seed, 1);
  CHECK(relative(found.predicted, expected.predicted) < 1e-10);
  CHECK(relative(found.with_dropout, expected.with_dropout) < 1e-10);
  CHECK(relative(found.trained, expected.trained) < 1e-10);
  CHECK(relative(found.gradients, expected.gradients) < 1e-9);
  CHECK(relative(found.input_gradient, expected.input_gradient) < 1e-9);
  CHECK(relative(found.parameters, expected.parameters) < 1e-10);
}

}  // namespace abell::testing

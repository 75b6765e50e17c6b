#pragma once
/// What the peers written in C++ share: their lines for the custom network, checked against abell.

#include <abell/models/cluster_net.hpp>
#include <abell/training/fit.hpp>
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "harness.hpp"
#include "inputs.hpp"

namespace abell::bench {

using ClusterNet = decltype(build<float>(cluster_net, cluster_net_input));

/// One batch and abell's network, which a peer starts from and is checked against.
struct Task {
  ClusterNet network = build<float>(cluster_net, cluster_net_input);
  Tensor<float> images;
  std::vector<int> labels;
  FitOptions options;  ///< optimizer, and the seed of the dropout masks
  int threads;

  Task(int batch, int thread_count)
      : images(normal_images(batch, cluster_net_input)), labels(alternating_labels(batch)), threads(thread_count) {}

  /// The gradients of the first training step, in the order of abell's arena.
  std::vector<float> gradients() const {
    ClusterNet copy = build<float>(cluster_net, cluster_net_input);
    OptimizerState<float> state(options.optimizer, copy.parameters().size());
    Workspace<float> space = copy.workspace(images.batch(), true, threads);
    train_step(copy, options, state, space, images, labels);
    return {space.gradients.span().begin(), space.gradients.span().end()};
  }
  std::vector<float> probabilities() const {
    const Tensor<float> out = network.predict(images, threads);
    return {out.span().begin(), out.span().end()};
  }
  /// Where layer `kind` number `number` (from 0) stands in the list of layers.
  std::size_t find(std::string_view kind, int number) const {
    for (std::size_t i = 0; i < network.layers().size(); ++i) {
      if (network.layers()[i].kind == kind && number-- == 0) return i;
    }
    throw ShapeError("peer: expected another layer of kind " + std::string(kind));
  }
};

/// The hidden layer's dropout, as abell draws it in training step `step`; y may be x.
inline void drop(const Task& task, std::uint32_t step, std::size_t size, const float* x, float* y) {
  kernels::dropout(size, 0.65, task.options.seed, step, static_cast<std::uint32_t>(task.find(Dropout::kind, 0)), x, y);
}

/// Throws NumericError unless max|found - expected| is below 1e-3 max|expected|.
inline void check_equal(const std::string& what, const std::vector<float>& found, const std::vector<float>& expected) {
  double difference = found.size() == expected.size() ? 0 : HUGE_VAL, largest = 0;
  for (std::size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
    difference = std::max(difference, static_cast<double>(std::abs(found[i] - expected[i])));
    largest = std::max(largest, static_cast<double>(std::abs(expected[i])));
  }
  if (!(difference < 1e-3 * largest)) {
    throw NumericError(what + ": expected what abell computes, found a difference of " + std::to_string(difference) +
                       " where the largest value is " + std::to_string(largest));
  }
}

/// The lines "<peer>/train_step/..." and "<peer>/predict/...". `Training(const Task&)` has step() and
/// gradients(), `Prediction(const Task&)` has run() and probabilities(); both start from the task's weights.
template <class Training, class Prediction>
void add_peer_network(const std::string& peer, int threads) {
  add(peer + "/train_step/cluster_net", 10, threads, [=] {
    const auto task = std::make_shared<const Task>(10, threads);
    const auto training = std::make_shared<Training>(*task);
    training->step();
    check_equal("gradients", training->gradients(), task->gradients());
    return Work{.run =
                    [=] {
                      (void)task;
                      training->step();
                    },
                .images = 10};
  });
  for (const int batch : {1, 10}) {
    add(peer + "/predict/cluster_net", batch, threads, [=] {
      const auto task = std::make_shared<const Task>(batch, threads);
      const auto prediction = std::make_shared<Prediction>(*task);
      prediction->run();
      check_equal("probabilities", prediction->probabilities(), task->probabilities());
      return Work{.run =
                      [=] {
                        (void)task;
                        prediction->run();
                      },
                  .images = batch};
    });
  }
}

/// The lines of one convolution. `Convolution(shape, batch, threads)` has forward(), weight_gradient()
/// and input_gradient(); `kind` is "conv2d" or "conv2d_relu_pool".
template <class Convolution>
void add_peer_convolution(const std::string& peer, const std::string& kind, const ConvolutionShape& shape, int batch,
                          int threads) {
  const auto add_line = [&](const std::string& what, void (Convolution::*method)()) {
    add(peer + "/" + kind + what + "/" + shape.name(), batch, threads, [=] {
      const auto convolution = std::make_shared<Convolution>(shape, batch, threads);
      return Work{.run = [=] { ((*convolution).*method)(); }, .flops = shape.flops(batch), .images = batch};
    });
  };
  add_line("_forward", &Convolution::forward);
  add_line("_weight_gradient", &Convolution::weight_gradient);
  if (!shape.first) add_line("_input_gradient", &Convolution::input_gradient);
}

}  // namespace abell::bench

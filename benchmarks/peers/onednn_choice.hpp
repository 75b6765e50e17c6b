#pragma once
/// What a network's chain of oneDNN primitives chooses from, and the lines of the fastest choice.

#include <omp.h>

#include <chrono>
#include <memory>
#include <vector>

#include "onednn_block.hpp"
#include "peer.hpp"

namespace abell::bench::onednn {

/// A choice for all convolutions of a chain.
struct Choice {
  algorithm method;
  Tag layout;  ///< of the activations; any: oneDNN's own choice, which is blocked
};

/// The fastest of the chains that this machine has, by the better of two runs each after a first.
template <class Chain, class Run>
std::unique_ptr<Chain> fastest(const typename Chain::Task& task, bool training, const Run& run) {
  omp_set_num_threads(task.threads);
  Choice best{algorithm::convolution_direct, Tag::any};
  double least = HUGE_VAL;
  for (const Choice choice :
       {best, Choice{algorithm::convolution_auto, Tag::any}, Choice{algorithm::convolution_direct, Tag::nhwc}}) {
    try {
      Chain chain(task, training, choice);
      run(chain);
      for (int i = 0; i < 2; ++i) {
        const auto start = std::chrono::steady_clock::now();
        run(chain);
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        if (seconds < least) least = seconds, best = choice;
      }
    } catch (const dnnl::error&) {
      // not every algorithm exists in every direction and layout
    }
  }
  return std::make_unique<Chain>(task, training, best);
}

template <class Chain>
struct Training {
  explicit Training(const typename Chain::Task& task)
      : chain(fastest<Chain>(task, true, [](Chain& c) { c.step(); })), threads(task.threads) {}
  Training(const typename Chain::Task& task, Choice choice)
      : chain(std::make_unique<Chain>(task, true, choice)), threads(task.threads) {}
  void step() {
    omp_set_num_threads(threads);
    chain->step();
  }
  std::vector<float> gradients() { return chain->gradients(); }
  std::unique_ptr<Chain> chain;
  int threads;
};

template <class Chain>
struct Prediction {
  explicit Prediction(const typename Chain::Task& task)
      : chain(fastest<Chain>(task, false, [](Chain& c) { c.predict(); })), threads(task.threads) {}
  void run() {
    omp_set_num_threads(threads);
    chain->predict();
  }
  const std::vector<float>& probabilities() const { return chain->probabilities(); }
  std::unique_ptr<Chain> chain;
  int threads;
};

/// The line of a training step's memory, with the direct algorithm in oneDNN's layouts. The weights that the
/// chain starts from stay in memory as well.
template <class Chain, class Model>
void add_training_memory(int threads) {
  add_memory("peer_onednn/train_step_memory/" + std::string(Model::name), Model::batch, threads, [=] {
    omp_set_num_threads(threads);
    const auto task = std::make_shared<const TaskOf<Model>>(Model::batch, threads);
    const auto training = std::make_shared<Training<Chain>>(*task, Choice{algorithm::convolution_direct, Tag::any});
    return Work{.run = [=] {
      (void)task;
      training->step();
    }};
  });
}

void add_mobilenet_lines(int threads);  ///< onednn_mobilenet.cpp

}  // namespace abell::bench::onednn

#pragma once
/// What the peers written in C++ share: their lines of whole networks, checked against abell.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness.hpp"
#include "inputs.hpp"
#include "models.hpp"

namespace abell::bench {

/// One batch and abell's network, which a peer starts from and is checked against.
template <class Model>
struct TaskOf {
  NetworkOf<Model> network = build_model<Model>();
  Tensor<float> images;
  Tensor<float> targets;
  FitOptions options{.optimizer = Model::optimizer()};  ///< and the seed of the dropout masks
  int threads;

  TaskOf(int batch, int thread_count, std::uint32_t stream = 0)
      : images(normal_images(batch, Model::input, stream)),
        targets(alternating_targets(batch)),
        threads(thread_count) {}

  /// The gradients of the first training step, in the order of abell's arena.
  std::vector<float> gradients() const {
    NetworkOf<Model> copy = build_model<Model>();
    std::ranges::copy(network.parameters(), copy.parameters().begin());
    OptimizerState<float> state(options.optimizer, copy.parameters().size());
    Workspace<float> space = copy.workspace(images.batch(), Mode::train, threads);
    train_step(copy, options, state, space, images, targets);
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
using Task = TaskOf<ClusterNetModel>;

/// Where the batch normalisations of a task bring their inputs: to N(beta, gamma^2), give or take a twentieth of gamma.
struct Norms {
  float gamma = 1;
  float beta = 0;
};
/// Wholly between the two ends of ReLU6, where gradients have no jumps.
inline constexpr Norms smooth_norms{0.6F, 3};

/// Sets the batch normalisations, if there are any, and makes the averages of the first images their moving averages.
template <class Model>
void set_norms(TaskOf<Model>& task, Norms norms) {
  if constexpr (!Model::normalized) return;
  std::size_t offset = 0;
  Random random(1, {Purpose::user, 6, 0});
  for (const LayerInfo& layer : task.network.layers()) {
    if (layer.kind == BatchNorm::kind) {
      const auto channels = static_cast<std::size_t>(layer.output.channels);
      float* gamma = task.network.parameters().data() + offset;
      for (std::size_t i = 0; i < 2 * channels; ++i) {
        gamma[i] =
            (i < channels ? norms.gamma : norms.beta) + 0.05F * norms.gamma * static_cast<float>(random.normal());
      }
    }
    offset += layer.parameter_count();
  }
  const int some = std::min(4, task.images.batch());
  Workspace<float> space = task.network.workspace(some, Mode::train, task.threads);
  task.network.forward(std::as_const(task.images).view().slice(0, some), space);
  for (int i = 0; i < 600; ++i) task.network.update_statistics(space, some);  // 0.99^600 = 0.002 of the old ones stay
}

template <class Model>
std::shared_ptr<const TaskOf<Model>> make_task(int batch, int threads, Norms norms = {}) {
  const auto task = std::make_shared<TaskOf<Model>>(batch, threads);
  set_norms(*task, norms);
  return task;
}

/// abell's update of one of a peer's arrays of parameters, shared among threads as abell's own.
class ArrayUpdate {
 public:
  ArrayUpdate(const Optimizer& optimizer, std::size_t size)
      : optimizer_(optimizer),
        state_(optimizer, size),
        ranges_(trainable_ranges({{.name = {}, .dimensions = {}, .size = size}})) {}
  void run(int threads, std::span<float> values, std::span<const float> gradients) {
    apply(optimizer_, state_, threads, values, gradients, ranges_);
  }

 private:
  Optimizer optimizer_;
  OptimizerState<float> state_;
  std::vector<ParameterRange> ranges_;
};

/// Dropout as abell draws it in training step `step`; y may be x. Both networks have one, of rate 0.65.
template <class Model>
void drop(const TaskOf<Model>& task, std::uint32_t step, std::size_t size, const float* x, float* y) {
  kernels::dropout(size, 0.65, task.options.seed, step, static_cast<std::uint32_t>(task.find(Dropout::kind, 0)), x, y);
}

/// max|found - expected| / max|expected|; infinite where one of them is NaN or the sizes differ.
inline double relative_difference(const std::vector<float>& found, const std::vector<float>& expected) {
  if (found.size() != expected.size()) return HUGE_VAL;
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double here = std::abs(static_cast<double>(found[i]) - expected[i]);
    if (std::isnan(here)) return HUGE_VAL;
    difference = std::max(difference, here);
    largest = std::max(largest, static_cast<double>(std::abs(expected[i])));
  }
  return difference / largest;
}

/// Throws NumericError unless `difference` is below `tolerance`, both shares of the largest value.
inline void check_difference(const std::string& what, double difference, double tolerance) {
  if (!(difference < tolerance)) {
    throw NumericError(what + ": expected what abell computes, to " + std::to_string(tolerance) +
                       " of the largest value, found a difference of " + std::to_string(difference));
  }
}

/// Among several single images there is one without a unit so near a jump of the gradient that rounding moves it.
template <class Model, class Training>
void check_single_gradients(int threads) {
  constexpr double tolerance = 1e-4;
  double least = HUGE_VAL;
  for (std::uint32_t stream = 1; stream <= 8 && !(least < tolerance); ++stream) {
    const TaskOf<Model> single(1, threads, stream);
    Training training(single);
    training.step();
    least = std::min(least, relative_difference(training.gradients(), single.gradients()));
  }
  check_difference("gradients of an image", least, tolerance);
}

/// Batch normalisations keep every unit between the ends of ReLU6.
template <class Model, class Training>
void check_smooth_gradients(int threads) {
  const auto smooth = make_task<Model>(4, threads, smooth_norms);
  Training training(*smooth);
  training.step();
  // Parameter by parameter: those of the head are larger by far. Of some, the sums come to nothing but rounding.
  const std::vector<float> found = training.gradients(), expected = smooth->gradients();
  const auto largest = [&](std::size_t begin, std::size_t size) {
    float most = 0;
    for (std::size_t i = begin; i < begin + size; ++i) most = std::max(most, std::abs(expected[i]));
    return most;
  };
  const float negligible = 1e-4F * largest(0, expected.size());
  for (const NamedParameter& named : smooth->network.named_parameters()) {
    const float scale = std::max(largest(named.offset, named.size), negligible);
    for (std::size_t i = named.offset; i < named.offset + named.size; ++i) {
      if (!(std::abs(found.at(i) - expected[i]) < 1e-3F * scale)) {
        throw NumericError("gradient of " + named.name + ": expected " + std::to_string(expected[i]) + ", found " +
                           std::to_string(found[i]) + " where the largest is " + std::to_string(scale));
      }
    }
  }
}

/// Compares the gradients of a first training step with abell's. Rounding decides for some units which side of a
/// jump of the gradient they are on: ReLU's, or that from one position of a maximum to the next. By that alone abell's
/// own float and double gradients of a batch differ by up to 0.3 % of the largest, after 27 normalisations by 3 %. A
/// batch finds gross errors of the jumps; the strict comparison is made where no unit is near one.
template <class Model, class Training>
void check_gradients(Training& training, const TaskOf<Model>& task) {
  training.step();
  check_difference("gradients", relative_difference(training.gradients(), task.gradients()),
                   Model::normalized ? 0.2 : 1e-2);
  if constexpr (Model::normalized) {
    check_smooth_gradients<Model, Training>(task.threads);
  } else {
    check_single_gradients<Model, Training>(task.threads);
  }
}

/// The lines "<peer>/train_step/..." and "<peer>/predict/...". `Training(const TaskOf<Model>&)` has step() and
/// gradients(), `Prediction(const TaskOf<Model>&)` has run() and probabilities(); both start from the task's weights.
template <class Model, class Training, class Prediction>
void add_peer_network(const std::string& peer, int threads) {
  const std::string name(Model::name);
  add(peer + "/train_step/" + name, Model::batch, threads, [=] {
    const auto task = make_task<Model>(Model::batch, threads);
    const auto training = std::make_shared<Training>(*task);
    check_gradients(*training, *task);
    return Work{.run =
                    [=] {
                      (void)task;
                      training->step();
                    },
                .images = Model::batch};
  });
  for (const int batch : {1, Model::batch}) {
    add(peer + "/predict/" + name, batch, threads, [=] {
      const auto task = make_task<Model>(batch, threads);
      const auto prediction = std::make_shared<Prediction>(*task);
      prediction->run();
      check_difference("probabilities", relative_difference(prediction->probabilities(), task->probabilities()), 1e-4);
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

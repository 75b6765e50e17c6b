#pragma once
/// Lines of whole networks: training steps, their memory, predictions, and the optimizers by themselves.

#include <algorithm>
#include <memory>

#include "harness.hpp"
#include "inputs.hpp"
#include "models.hpp"

namespace abell::bench {

/// A network that trains on one batch over and over, from Glorot weights.
template <class Model>
struct Trainer {
  NetworkOf<Model> network = build_model<Model>();
  Tensor<float> images;
  Tensor<float> targets;
  FitOptions options{.optimizer = Model::optimizer()};
  OptimizerState<float> state{options.optimizer, network.parameters().size()};
  Workspace<float> space;

  Trainer(Tensor<float> batch, int threads)
      : images(std::move(batch)),
        targets(alternating_targets(images.batch())),
        space(network.workspace(images.batch(), Mode::train, threads)) {}

  void step() { train_step(network, options, state, space, images, targets); }
};

/// Multiply-adds of a forward pass over one image, and of those the first layer's.
struct Cost {
  double all = 0;
  double first = 0;
};
inline Cost cost_of(const std::vector<LayerInfo>& layers) {
  Cost cost;
  for (const LayerInfo& layer : layers) cost.all += static_cast<double>(layer.multiply_adds);
  cost.first = static_cast<double>(layers.front().multiply_adds);
  return cost;
}

template <class Model>
Work training_work(const std::shared_ptr<Trainer<Model>>& trainer) {
  const Cost cost = cost_of(trainer->network.layers());
  const int batch = trainer->images.batch();
  return {.run = [=] { trainer->step(); },
          .flops = 2 * batch * (3 * cost.all - cost.first),  // the first layer's input needs no gradient
          .images = batch};
}

/// The most memory of a process that trains.
template <class Model>
void add_training_memory(int threads) {
  add_memory("train_step_memory/" + std::string(Model::name), Model::batch, threads, [=] {
    return training_work(std::make_shared<Trainer<Model>>(normal_images(Model::batch, Model::input), threads));
  });
}

/// Predictions with weights that were packed before.
template <class Model>
struct Predictor {
  NetworkOf<Model> network = build_model<Model>();
  Tensor<float> images;
  Tensor<float> out;
  Workspace<float> space;

  Predictor(int batch, int threads)
      : images(normal_images(batch, Model::input)),
        out(batch, network.output()),
        space(network.workspace(batch, Mode::predict, threads)) {
    network.prepare(space);
  }
  void run() { network.predict(images, out, space); }
};

template <class Model>
void add_prediction(int batch, int threads) {
  add("predict/" + std::string(Model::name), batch, threads, [=] {
    const auto predictor = std::make_shared<Predictor<Model>>(batch, threads);
    return Work{.run = [=] { predictor->run(); },
                .flops = 2 * batch * cost_of(predictor->network.layers()).all,
                .images = batch};
  });
}

/// One update of all parameters.
template <class Model>
struct Update {
  NetworkOf<Model> network = build_model<Model>();
  Buffer<float> gradients = normal_values(network.parameters().size(), 5);
  Optimizer optimizer;
  OptimizerState<float> state;

  explicit Update(Optimizer o) : optimizer(o), state(optimizer, gradients.size()) {}
  void run(int threads) {
    apply<float>(optimizer, state, threads, network.parameters(), std::as_const(gradients).span(), network.trainable());
  }
  /// The gradient is read; parameters and slots are read and written.
  double bytes() const { return 4.0 * static_cast<double>(3 * gradients.size() + 2 * state.slots.size()); }
};

template <class Model>
void add_update(const std::string& what, int threads, const Optimizer& optimizer) {
  add(what + "/" + std::string(Model::name), 1, threads, [=] {
    const auto update = std::make_shared<Update<Model>>(optimizer);
    return Work{.run = [=] { update->run(threads); }, .bytes = update->bytes()};
  });
}

}  // namespace abell::bench

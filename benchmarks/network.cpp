/// Whole training steps and predictions, and the optimizers by themselves.

#include <abell/data/cached_samples.hpp>
#include <abell/models/cluster_net.hpp>
#include <abell/sky/simulate.hpp>
#include <abell/training/fit.hpp>
#include <algorithm>
#include <memory>

#include "harness.hpp"
#include "inputs.hpp"
#include "lines.hpp"

namespace abell::bench {
namespace {

using Build = decltype(build<float>(cluster_net, cluster_net_input));

/// Simulated candidates as a network gets them, each standardised to mean 0 and variance 1.
Tensor<float> simulated_images(int batch) {
  Tensor<float> images(batch, sky::image_shape);
  for (int n = 0; n < batch; ++n) {
    const std::vector<std::uint8_t> bytes = sky::simulate(1, static_cast<std::uint32_t>(n)).pixels;
    const ByteScale to = standard_scale(bytes);
    std::ranges::transform(bytes, images.view().image(n),
                           [&](std::uint8_t byte) { return to.scale * static_cast<float>(byte) + to.offset; });
  }
  return images;
}

/// A network that trains on one batch over and over, from Glorot weights.
struct Trainer {
  Build network = build<float>(cluster_net, cluster_net_input);
  Tensor<float> images;
  std::vector<int> labels;
  FitOptions options;
  OptimizerState<float> state{options.optimizer, network.parameters().size()};
  Workspace<float> space;

  Trainer(Tensor<float> batch, int threads)
      : images(std::move(batch)),
        labels(alternating_labels(images.batch())),
        space(network.workspace(images.batch(), true, threads)) {}

  void step() { train_step(network, options, state, space, images, labels); }

  /// The share of pooled units that ReLU lets through; the gradients' work depends on it.
  double live_share() {
    network.forward(images, space);
    std::size_t live = 0, all = 0, stage = 0;
    for (const LayerInfo& layer : network.layers()) {
      if (layer.kind != MaxPool2d::kind) continue;  // the n-th pool ends the n-th stage
      const float* values = space.activations.data() + space.activation_offsets[stage++];
      const std::size_t size = layer.output.size() * static_cast<std::size_t>(images.batch());
      live += static_cast<std::size_t>(std::count_if(values, values + size, [](float value) { return value > 0; }));
      all += size;
    }
    return static_cast<double>(live) / static_cast<double>(all);
  }
};

/// Multiply-adds of a forward pass over one image, and of those the first layer's.
struct Cost {
  double all = 0;
  double first = 0;
};
Cost cost_of(const Build& network) {
  Cost cost;
  for (const LayerInfo& layer : network.layers()) cost.all += static_cast<double>(layer.multiply_adds);
  cost.first = static_cast<double>(network.layers().front().multiply_adds);
  return cost;
}

void add_training(const std::string& what, int threads, Tensor<float> (*images)(int)) {
  constexpr int batch = 10;
  add(what + "/cluster_net", batch, threads, [=] {
    const auto trainer = std::make_shared<Trainer>(images(batch), threads);
    const Cost cost = cost_of(trainer->network);
    return Work{.run = [=] { trainer->step(); },
                .flops = 2 * batch * (3 * cost.all - cost.first),  // the first layer's input needs no gradient
                .images = batch,
                .counters = {{"live_share", trainer->live_share()}}};
  });
}

struct Predictor {
  Build network = build<float>(cluster_net, cluster_net_input);
  Tensor<float> images;
  Tensor<float> out;
  Workspace<float> space;

  Predictor(int batch, int threads)
      : images(normal_images(batch, cluster_net_input)),
        out(batch, network.output()),
        space(network.workspace(batch, false, threads)) {}
  void run() { network.predict(images, out, space); }
};

void add_prediction(int batch, int threads) {
  add("predict/cluster_net", batch, threads, [=] {
    const auto predictor = std::make_shared<Predictor>(batch, threads);
    return Work{
        .run = [=] { predictor->run(); }, .flops = 2 * batch * cost_of(predictor->network).all, .images = batch};
  });
}

/// One update of all parameters of the custom network.
struct Update {
  Build network = build<float>(cluster_net, cluster_net_input);
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

void add_update(const std::string& what, int threads, Optimizer optimizer) {
  add(what + "/cluster_net", 1, threads, [=] {
    const auto update = std::make_shared<Update>(optimizer);
    return Work{.run = [=] { update->run(threads); }, .bytes = update->bytes()};
  });
}

Tensor<float> noise_images(int batch) { return normal_images(batch, cluster_net_input); }

}  // namespace

void add_networks() {
  for (const int threads : thread_counts()) {
    add_update("sgd_step", threads, Sgd{});
    add_update("adam_step", threads, Adam{});
    add_update("adadelta_step", threads, Adadelta{});
    add_training("train_step", threads, noise_images);
    add_training("train_step_simulated", threads, simulated_images);
    for (const int batch : {1, 10}) add_prediction(batch, threads);
  }
}

}  // namespace abell::bench

/// The custom network's training steps and predictions, and the optimizers by themselves.

#include "network.hpp"

#include <abell/data/cached_samples.hpp>
#include <abell/sky/simulate.hpp>

#include "lines.hpp"

namespace abell::bench {
namespace {

using Model = ClusterNetModel;

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

/// The share of pooled units that ReLU lets through; the gradients' work depends on it.
double live_share(Trainer<Model>& trainer) {
  trainer.network.forward(trainer.images, trainer.space);
  std::size_t live = 0, all = 0;
  trainer.network.each_activation(trainer.space, [&](const std::string& name, std::size_t, View<float> values) {
    const auto& layers = trainer.network.layers();
    if (std::ranges::find(layers, name, &LayerInfo::name)->kind != MaxPool2d::kind) return;
    live += static_cast<std::size_t>(std::ranges::count_if(values.span(), [](float value) { return value > 0; }));
    all += values.size();
  });
  return static_cast<double>(live) / static_cast<double>(all);
}

void add_training(const std::string& what, int threads, Tensor<float> (*images)(int)) {
  add(what + "/" + std::string(Model::name), Model::batch, threads, [=] {
    const auto trainer = std::make_shared<Trainer<Model>>(images(Model::batch), threads);
    Work work = training_work(trainer);
    work.counters = {{"live_share", live_share(*trainer)}};
    return work;
  });
}

Tensor<float> noise_images(int batch) { return normal_images(batch, Model::input); }

}  // namespace

void add_networks() {
  for (const int threads : thread_counts()) {
    add_update<Model>("sgd_step", threads, Sgd{});
    add_update<Model>("adam_step", threads, Adam{});
    add_update<Model>("adadelta_step", threads, Adadelta{});
    add_training("train_step", threads, noise_images);
    add_training("train_step_simulated", threads, simulated_images);
    add_training_memory<Model>(threads);
    for (const int batch : {1, Model::batch}) add_prediction<Model>(batch, threads);
  }
}

}  // namespace abell::bench

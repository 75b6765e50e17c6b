#pragma once
/// From a description to a network that runs.

#include <abell/core/compiled.hpp>
#include <abell/core/random.hpp>
#include <abell/core/require_option.hpp>
#include <abell/layers/layers.hpp>
#include <abell/network/parameters.hpp>
#include <abell/network/workspace.hpp>
#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell {

/// A built network: its sequence of stages and the arena of its parameters. `predict` is const and may be called
/// from many threads at once. Make one with `build`.
template <class T>
class Network {
 public:
  using Scalar = T;

  /// Throws ShapeError for a list without a layer, and naming the layer that does not fit.
  Network(const LayerList<T>& list, Shape input, std::uint64_t seed, Fusion fusion = Fusion::on);

  /// A network of its own with the weights as they are now.
  Network clone() const { return Network(*this, parameters_.span()); }

  const Shape& input() const { return layers_.front().input; }
  const Shape& output() const { return layers_.back().output; }
  /// The description that it was built from.
  const LayerList<T>& description() const { return list_; }
  /// Number of stages, fused layers counted as one.
  std::size_t stage_count() const { return stages_.size(); }
  /// The plain layers as described, before fusion, with those within them.
  const std::vector<LayerInfo>& layers() const { return layers_; }
  const std::vector<NamedParameter>& named_parameters() const { return named_; }
  /// The ranges of the arena that optimizers may change.
  std::span<const ParameterRange> trainable() const { return trainable_; }
  std::span<T> parameters() { return parameters_.span(); }
  std::span<const T> parameters() const { return parameters_.span(); }
  /// Whether the last layer is of that kind: losses that are fused with it work from its input.
  bool ends_in(std::string_view kind) const { return layers_.back().kind == kind; }

  /// Draws the initial weights anew: Glorot uniform kernels, zero biases, a stream for each parameter.
  void initialize(std::uint64_t seed);

  /// All memory for calls of up to `batch` images on `threads` threads (0: all). Throws OptionError for a batch
  /// below 1.
  Workspace<T> workspace(int batch, Mode mode = Mode::predict, int threads = 0) const;

  /// Puts the weights as they are now into the kernels' order, once for all predictions in this workspace: they do
  /// not see later changes of the weights until it is prepared again. Unprepared, every call does so anew.
  void prepare(Workspace<T>& space) const;

  /// Runs all stages, or where the workspace asks for logits all but the last, and returns the output, which lies in
  /// the workspace.
  View<T> forward(View<const T> images, Workspace<T>& space) const;

  /// The backward pass after `forward` in the same training workspace, from the gradient of what it
  /// returned, which the caller has put in its place. Fills space.gradients; the images' gradient
  /// too where `image_gradient` is given. Stages before `first` are left out, and the images with them. Where neither
  /// is given the way ends at the first stage with something to train: what lies before keeps the gradients that
  /// the workspace holds, zero from the beginning.
  void backward(View<const T> images, Workspace<T>& space, T* image_gradient = nullptr,
                std::optional<std::size_t> first = {}) const;

  /// Calls visit(name, down_to, values) for each layer whose output `forward` leaves in a workspace with a backward
  /// pass, from the first on, layers within layers included; after `backward` with first = `down_to`, or all the way,
  /// its gradient stands there. Layers that are fused with the next leave none.
  template <class Visit>
  void each_activation(Workspace<T>& space, const Visit& visit) const {
    const std::size_t stages = stages_run(space);
    stages_.each_activation(
        pass(space, space.batch),
        [&](const std::string& name, std::size_t down_to, T* values, const Shape& shape) {
          visit(name, down_to, View<T>{values, space.batch, shape});
        },
        stages);
    if (stages == 0) return;
    visit(stages_.name_at(stages - 1), stages, View<T>{space.output.data(), space.batch, output_after(stages)});
  }

  /// After `backward` of a training step: takes the batch's statistics into the moving averages of the batch
  /// normalisations.
  void update_statistics(Workspace<T>& space, int batch);

  /// The output for `images` into `out`; more images than the workspace holds are taken in turn. Throws ShapeError, and
  /// NumericError when an output is not finite (a NaN pixel or weight).
  void predict(View<const T> images, View<T> out, Workspace<T>& space) const;

  /// The output, one row for each image: class probabilities where the last layer is Softmax.
  Tensor<T> predict(View<const T> images, int threads = 0) const;

 private:
  Network(const Network& other, std::span<const T> parameters);

  std::size_t stages_run(const Workspace<T>& space) const { return stage_count() - (space.logits ? 1 : 0); }
  const Shape& output_after(std::size_t stages) const { return stages == 0 ? input() : stages_.output_at(stages - 1); }

  Pass<T> pass(Workspace<T>& space, int batch) const {
    return {.backend = {&kernels::kernels_for<T>(active_isa()), space.threads},
            .batch = batch,
            .mode = space.mode,
            .seed = space.seed,
            .step = space.step,
            .parameters = parameters_.data(),
            .gradients = space.gradients.data(),
            .saved = space.saved.data(),
            .scratch = space.scratch.data(),
            .packed = space.packed.data(),
            .prepared = space.prepared};
  }
  void check(View<const T> images, const Workspace<T>& space) const;

  LayerList<T> list_;
  std::vector<LayerInfo> layers_;
  SequenceStage<T> stages_;
  std::vector<NamedParameter> named_;
  std::vector<ParameterRange> trainable_;
  Buffer<T> parameters_;
};

template <class T>
Network<T>::Network(const LayerList<T>& list, Shape input, std::uint64_t seed, Fusion fusion)
    : list_(list), layers_(inspect(list, input)), stages_(list, layers_, input, fusion) {
  stages_.mark_fused(layers_);
  std::size_t total = 0;
  each_layer(std::as_const(layers_), [&](const LayerInfo& layer) {
    for (const Parameter& parameter : layer.parameters) {
      named_.push_back(
          {layer.name + "/" + parameter.name, parameter.dimensions, total, parameter.size(), parameter.trainable});
      total += parameter.size();
    }
  });
  trainable_ = trainable_ranges(named_);
  parameters_ = Buffer<T>(total);
  initialize(seed);
}

template <class T>
void Network<T>::initialize(std::uint64_t seed) {
  std::uint32_t number = 0;
  each_layer(std::as_const(layers_), [&](const LayerInfo& layer) {
    for (const Parameter& parameter : layer.parameters) {
      const NamedParameter& named = named_[number];
      Random random(seed, {Purpose::weights, number++, 0});
      for (T& value : parameters_.span().subspan(named.offset, named.size)) {
        value = parameter.limit > 0 ? static_cast<T>(random.uniform(-parameter.limit, parameter.limit))
                                    : static_cast<T>(parameter.value);
      }
    }
  });
}

template <class T>
Workspace<T> Network<T>::workspace(int batch, Mode mode, int threads) const {
  detail::require_option(batch >= 1, "batch", "1 or more", batch);
  Workspace<T> space;
  space.batch = batch;
  space.threads = thread_count(threads);
  space.mode = mode;
  space.logits = mode != Mode::predict && ends_in(Softmax::kind);
  const StageMemory memory = stages_.memory({&kernels::kernels_for<T>(active_isa()), space.threads}, batch, mode);
  // The last layer's output, or where there are logits what comes before it.
  const std::size_t output = std::max(output_after(stage_count()).size(), output_after(stage_count() - 1).size());
  space.output = Buffer<T>(output * static_cast<std::size_t>(batch));
  if (has_backward(mode)) {
    space.gradients = Buffer<T>(parameters_.size());
    std::ranges::fill(space.gradients.span(), T(0));  // what backward leaves out is read all the same
  }
  space.saved = Buffer<std::byte>(memory.saved_bytes);
  space.scratch = Buffer<T>(memory.scratch_values);
  space.packed = Buffer<T>(has_backward(mode) ? 0 : memory.packed_values);
  return space;
}

template <class T>
void Network<T>::prepare(Workspace<T>& space) const {
  if (has_backward(space.mode))
    throw ShapeError("prepare: expected a workspace for prediction, found one for training");
  stages_.prepare(pass(space, space.batch));
  space.prepared = true;
}

template <class T>
View<T> Network<T>::forward(View<const T> images, Workspace<T>& space) const {
  check(images, space);
  const std::size_t stages = stages_run(space);
  stages_.forward(pass(space, images.batch), images.data, space.output.data(), stages);
  return {space.output.data(), images.batch, output_after(stages)};
}

template <class T>
void Network<T>::backward(View<const T> images, Workspace<T>& space, T* image_gradient,
                          std::optional<std::size_t> first) const {
  check(images, space);
  if (!has_backward(space.mode)) {
    throw ShapeError("backward: expected a workspace for training, found one for prediction");
  }
  const std::size_t lowest = first ? *first : image_gradient != nullptr ? 0 : stages_.first_trainable();
  stages_.backward(pass(space, images.batch), images.data, space.output.data(), image_gradient, stages_run(space),
                   lowest, first.has_value());
}

template <class T>
void Network<T>::update_statistics(Workspace<T>& space, int batch) {
  stages_.update_statistics(pass(space, batch), parameters_.data());
}

template <class T>
void Network<T>::predict(View<const T> images, View<T> out, Workspace<T>& space) const {
  if (space.mode != Mode::predict) {
    throw ShapeError("predict: expected a workspace for prediction, found one for training");
  }
  if (out.batch != images.batch || out.shape != output()) {
    throw ShapeError("predict: expected room for " + std::to_string(images.batch) + " x " + to_string(output()) +
                     ", found " + std::to_string(out.batch) + " x " + to_string(out.shape));
  }
  for (int first = 0; first < images.batch; first += space.batch) {
    const int some = std::min(space.batch, images.batch - first);
    const View<T> result = forward(images.slice(first, some), space);
    for (std::size_t i = 0; i < result.size(); ++i) {
      if (!std::isfinite(result.data[i])) {
        throw NumericError("predict: the output for image " +
                           std::to_string(static_cast<std::size_t>(first) + i / output().size()) + " is not finite");
      }
      out.image(first)[i] = result.data[i];
    }
  }
}

template <class T>
Tensor<T> Network<T>::predict(View<const T> images, int threads) const {
  Tensor<T> out(images.batch, output());
  Workspace<T> space = workspace(std::clamp(images.batch, 1, 16), Mode::predict, threads);
  prepare(space);
  predict(images, out, space);
  return out;
}

template <class T>
Network<T>::Network(const Network& other, std::span<const T> parameters)
    : list_(other.list_),
      layers_(other.layers_),
      stages_(other.stages_),
      named_(other.named_),
      trainable_(other.trainable_),
      parameters_(parameters.size()) {
  std::ranges::copy(parameters, parameters_.data());
}

template <class T>
void Network<T>::check(View<const T> images, const Workspace<T>& space) const {
  if (images.shape != input()) {
    throw ShapeError("network: expected images of " + to_string(input()) + ", found " + to_string(images.shape));
  }
  if (images.batch < 1 || images.batch > space.batch) {
    throw ShapeError("network: expected 1 to " + std::to_string(space.batch) + " images, found " +
                     std::to_string(images.batch));
  }
}

ABELL_COMPILED(class Network<float>)
ABELL_COMPILED(class Network<double>)

/// Builds a description for scalar T (float to work, double to check gradients) and images of shape
/// `input`, with initial weights drawn from `seed`. Throws ShapeError naming the layer that does not fit.
template <class T, Fusion fusion = Fusion::on, class Description>
Network<T> build(const Description& description, Shape input, std::uint64_t seed = 1) {
  return Network<T>(list_of<T>(description), input, seed, fusion);
}

}  // namespace abell

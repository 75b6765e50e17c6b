#pragma once
/// From a description to a network that runs.

#include <abell/core/random.hpp>
#include <abell/network/description.hpp>
#include <abell/network/fusion.hpp>
#include <abell/network/parameters.hpp>
#include <abell/network/workspace.hpp>
#include <array>
#include <cmath>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// A built network: its stages and the arena of its parameters. `predict` is const and may be called
/// from many threads at once. Make one with `build`.
template <class T, class... StageTypes>
class Network {
 public:
  using Scalar = T;
  static constexpr std::size_t stage_count = sizeof...(StageTypes);
  static_assert(stage_count > 0, "a network needs at least one layer");
  /// Whether the last layer is Softmax: training then works from its input, the logits.
  static constexpr bool ends_in_softmax =
      std::is_same_v<std::tuple_element_t<stage_count - 1, std::tuple<StageTypes...>>, SoftmaxStage<T>>;

  template <class... Layers>
  Network(const Description<Layers...>& description, Shape input, std::uint64_t seed)
      : layers_(inspect(description, input)),
        stages_(make_stages(description, std::make_index_sequence<stage_count>{})) {
    std::size_t total = 0;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      for (const Parameter& parameter : layers_[i].parameters) {
        slots_.push_back({layers_[i].name + "/" + parameter.name, parameter.dimensions, total, parameter.size(),
                          parameter.trainable});
        total += parameter.size();
      }
    }
    std::size_t layer = 0;
    const auto place_stage = [&]<std::size_t I>() {
      parameter_offsets_[I] = I == 0 ? 0 : parameter_offsets_[I - 1] + stage_parameters_[I - 1];
      stage_parameters_[I] = 0;
      for (std::size_t end = layer + std::tuple_element_t<I, std::tuple<StageTypes...>>::layers; layer < end; ++layer) {
        stage_parameters_[I] += layers_[layer].parameter_count();
      }
      outputs_[I] = layers_[layer - 1].output;
    };
    [&]<std::size_t... I>(std::index_sequence<I...>) { (place_stage.template operator()<I>(), ...); }
    (std::make_index_sequence<stage_count>{});
    trainable_ = trainable_ranges(slots_);
    parameters_ = Buffer<T>(total);
    initialize(seed);
  }

  const Shape& input() const { return layers_.front().input; }
  const Shape& output() const { return layers_.back().output; }
  /// The plain layers as described, before fusion.
  const std::vector<LayerInfo>& layers() const { return layers_; }
  const std::vector<ParameterSlot>& slots() const { return slots_; }
  /// The parts of the arena that optimizers may change.
  std::span<const ParameterRange> trainable() const { return trainable_; }
  std::span<T> parameters() { return parameters_.span(); }
  std::span<const T> parameters() const { return parameters_.span(); }

  /// Draws the initial weights anew: Glorot uniform kernels, zero biases, a stream for each parameter.
  void initialize(std::uint64_t seed) {
    std::uint32_t number = 0;
    for (const LayerInfo& layer : layers_) {
      for (const Parameter& parameter : layer.parameters) {
        const ParameterSlot& slot = slots_[number];
        Random random(seed, {Purpose::weights, number++, 0});
        for (T& value : parameters_.span().subspan(slot.offset, slot.size)) {
          value = parameter.limit > 0 ? static_cast<T>(random.uniform(-parameter.limit, parameter.limit))
                                      : static_cast<T>(parameter.value);
        }
      }
    }
  }

  /// All memory for calls of up to `batch` images on `threads` threads (0: all).
  Workspace<T> workspace(int batch, bool training = false, int threads = 0) const {
    Workspace<T> space;
    space.batch = batch;
    space.threads = thread_count(threads);
    space.training = training;
    const kernels::Run<T> run{&kernels::kernels_for<T>(active_isa()), space.threads};
    std::size_t saved = 0, scratch = 0, packed = 0;
    for_each_stage([&](const auto& stage, std::size_t) {
      const StageMemory memory = stage.memory(run, batch, training);
      space.saved_offsets.push_back(saved);
      saved += round_up(memory.saved_bytes, alignment);
      scratch = std::max(scratch, memory.scratch_values);
      space.packed_offsets.push_back(packed);
      packed += round_up(memory.packed_values, alignment);
    });
    // Training keeps every activation; prediction only ever needs two neighbours, in two places.
    const auto size_of = [&](std::size_t stage) {
      return round_up(outputs_[stage].size() * static_cast<std::size_t>(batch), alignment);
    };
    std::size_t total = 0;
    if (training) {
      for (std::size_t i = 0; i < stage_count; ++i) {
        space.activation_offsets.push_back(total);
        total += size_of(i);
      }
      space.gradients = Buffer<T>(parameters_.size());
    } else {
      std::array<std::size_t, 2> largest{};
      for (std::size_t i = 0; i < stage_count; ++i) largest[i % 2] = std::max(largest[i % 2], size_of(i));
      for (std::size_t i = 0; i < stage_count; ++i) space.activation_offsets.push_back(i % 2 == 0 ? 0 : largest[0]);
      total = largest[0] + largest[1];
    }
    space.activations = Buffer<T>(total);
    space.saved = Buffer<std::byte>(saved);
    space.scratch = Buffer<T>(scratch);
    space.packed = Buffer<T>(packed);
    return space;
  }

  /// Puts the weights as they are now into the kernels' order, once for all predictions in this workspace: they do
  /// not see later changes of the weights until it is prepared again. Unprepared, every call does so anew.
  void prepare(Workspace<T>& space) const {
    if (space.training) throw ShapeError("prepare: expected a workspace for prediction, found one for training");
    for_each_stage([&](const auto& stage, std::size_t i) {
      if constexpr (requires(Pass<T> p) { stage.prepare(p); }) stage.prepare(pass(space, i, space.batch));
    });
    space.prepared = true;
  }

  /// Runs all stages, or in a training workspace all but a last Softmax, and returns the output,
  /// which lies in the workspace.
  View<T> forward(View<const T> images, Workspace<T>& space) const {
    check(images, space);
    const T* x = images.data;
    for_each_stage([&](const auto& stage, std::size_t i) {
      if (i >= run_stages(space)) return;
      T* y = activation(space, i);
      stage.forward(pass(space, i, images.batch), x, y);
      x = y;
    });
    const std::size_t last = run_stages(space) - 1;
    return {activation(space, last), images.batch, outputs_[last]};
  }

  /// The way back after `forward` in the same training workspace, from the gradient of what it
  /// returned, which the caller has put in its place. Fills space.gradients; the images' gradient
  /// too where `image_gradient` is given. Stages before `first` are left out, and the images with them.
  void backward(View<const T> images, Workspace<T>& space, T* image_gradient = nullptr, std::size_t first = 0) const {
    check(images, space);
    if (!space.training) throw ShapeError("backward: expected a workspace for training, found one for prediction");
    backward_from<stage_count - 1>(images, space, image_gradient, first);
  }

  /// What `stage` gave in `forward` in a training workspace, [space.batch]; after `backward` with
  /// `first` = stage + 1 its gradient. After other calls undefined.
  View<T> stage_output(std::size_t stage, Workspace<T>& space) const {
    return {activation(space, stage), space.batch, outputs_[stage]};
  }
  /// The layer, as its place in `layers()`, whose output that is. Others, fused with the next, leave none.
  static constexpr std::size_t last_layer(std::size_t stage) {
    constexpr std::array<std::size_t, stage_count> counts{StageTypes::layers...};
    std::size_t layers = 0;
    for (std::size_t i = 0; i <= stage; ++i) layers += counts[i];
    return layers - 1;
  }

  /// After `backward` of a training step: takes the batch's statistics into the moving averages of the batch
  /// normalisations.
  void update_statistics(Workspace<T>& space, int batch) {
    for_each_stage([&](const auto& stage, std::size_t i) {
      if constexpr (requires(T * p) { stage.update_statistics(pass(space, i, batch), p); }) {
        stage.update_statistics(pass(space, i, batch), parameters_.data() + parameter_offsets_[i]);
      }
    });
  }

  /// Class probabilities of `images` into `out`; more images than the workspace holds are taken in
  /// turn. Throws ShapeError, and NumericError when an output is not finite (a NaN pixel or weight).
  void predict(View<const T> images, View<T> out, Workspace<T>& space) const {
    if (space.training) throw ShapeError("predict: expected a workspace for prediction, found one for training");
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

  /// Class probabilities, one row for each image.
  Tensor<T> predict(View<const T> images, int threads = 0) const {
    Tensor<T> out(images.batch, output());
    Workspace<T> space = workspace(std::clamp(images.batch, 1, 16), false, threads);
    prepare(space);
    predict(images, out, space);
    return out;
  }

 private:
  template <class... Layers, std::size_t... I>
  std::tuple<StageTypes...> make_stages(const Description<Layers...>& description, std::index_sequence<I...>) const {
    return {make_stage<I>(description)...};
  }

  template <std::size_t I>
  static constexpr std::size_t first_layer() {
    constexpr std::array<std::size_t, stage_count> counts{StageTypes::layers...};
    std::size_t first = 0;
    for (std::size_t i = 0; i < I; ++i) first += counts[i];
    return first;
  }

  /// Stage I takes as many layers as it fuses.
  template <std::size_t I, class... Layers>
  auto make_stage(const Description<Layers...>& description) const {
    using Stage = std::tuple_element_t<I, std::tuple<StageTypes...>>;
    constexpr std::size_t first = first_layer<I>();
    const Place place{layers_[first].input, layers_[first].name, static_cast<std::uint32_t>(first)};
    return [&]<std::size_t... L>(std::index_sequence<L...>) {
      return Stage(place, std::get<first + L>(description.layers)...);
    }
    (std::make_index_sequence<Stage::layers>{});
  }

  template <class Body>
  void for_each_stage(const Body& body) const {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (body(std::get<I>(stages_), I), ...); }
    (std::make_index_sequence<stage_count>{});
  }

  template <std::size_t I>
  void backward_from(View<const T> images, Workspace<T>& space, T* image_gradient, std::size_t first) const {
    if (I >= first && I < run_stages(space)) {
      const T* x = I == 0 ? images.data : activation(space, I - 1);
      T* dx = I == 0 ? image_gradient : activation(space, I - 1);
      std::get<I>(stages_).backward(pass(space, I, images.batch), x, activation(space, I), dx);
    }
    if constexpr (I > 0) backward_from<I - 1>(images, space, image_gradient, first);
  }

  static std::size_t run_stages(const Workspace<T>& space) {
    return space.training && ends_in_softmax ? stage_count - 1 : stage_count;
  }
  static T* activation(Workspace<T>& space, std::size_t stage) {
    return space.activations.data() + space.activation_offsets[stage];
  }
  Pass<T> pass(Workspace<T>& space, std::size_t stage, int batch) const {
    return {.run = {&kernels::kernels_for<T>(active_isa()), space.threads},
            .batch = batch,
            .training = space.training,
            .inference = space.inference,
            .seed = space.seed,
            .step = space.step,
            .parameters = parameters_.data() + parameter_offsets_[stage],
            .gradients = space.training ? space.gradients.data() + parameter_offsets_[stage] : nullptr,
            .saved = space.saved.data() + space.saved_offsets[stage],
            .scratch = space.scratch.data(),
            .packed = space.training ? nullptr : space.packed.data() + space.packed_offsets[stage],
            .prepared = space.prepared};
  }
  void check(View<const T> images, const Workspace<T>& space) const {
    if (images.shape != input()) {
      throw ShapeError("network: expected images of " + to_string(input()) + ", found " + to_string(images.shape));
    }
    if (images.batch < 1 || images.batch > space.batch) {
      throw ShapeError("network: expected 1 to " + std::to_string(space.batch) + " images, found " +
                       std::to_string(images.batch));
    }
  }

  std::vector<LayerInfo> layers_;
  std::tuple<StageTypes...> stages_;
  std::vector<ParameterSlot> slots_;
  std::vector<ParameterRange> trainable_;
  std::array<std::size_t, stage_count> parameter_offsets_{};
  std::array<std::size_t, stage_count> stage_parameters_{};
  std::array<Shape, stage_count> outputs_{};
  Buffer<T> parameters_;
};

namespace detail {
template <class T, class List>
struct NetworkOf;
template <class T, class... StageTypes>
struct NetworkOf<T, std::tuple<StageTypes...>> : std::type_identity<Network<T, StageTypes...>> {};
}  // namespace detail

/// Builds `description` for scalar T (float to work, double to check gradients) and images of shape
/// `input`, with initial weights drawn from `seed`. Throws ShapeError naming the layer that does not fit.
template <class T, Fusion fusion = Fusion::on, class... Layers>
auto build(const Description<Layers...>& description, Shape input, std::uint64_t seed = 1) {
  return typename detail::NetworkOf<T, Stages<fusion, T, Layers...>>::type(description, input, seed);
}

}  // namespace abell

#pragma once
/// A list of layers as one stage: the walk over it, forward and back, and its memory. A network is one of these, and
/// layers that hold lists of others are made of them.

#include <abell/core/tensor.hpp>
#include <abell/layers/fusion.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace abell {

/// Stages one after the other. Where a way back follows, what each but the last leaves lies in `saved`, and its
/// gradient takes its place; otherwise two places in `scratch` take turns. An empty sequence passes its input on.
template <class T, class... StageTypes>
class SequenceStage {
 public:
  static constexpr std::size_t count = sizeof...(StageTypes);

  /// `layers` is what `inspect` found for `description`.
  template <class... Layers>
  SequenceStage(const Description<Layers...>& description, const std::vector<LayerInfo>& layers, const Shape& input)
      : stages_(make_stages(description, layers, std::make_index_sequence<count>{})),
        output_(output_of(layers, input)),
        first_trainable_(count) {
    std::size_t layer = 0;
    for (std::size_t i = 0; i < count; ++i) {
      parameter_offsets_[i] = i == 0 ? 0 : parameter_offsets_[i - 1] + parameter_counts_[i - 1];
      bool trains = false;
      for (const std::size_t end = layer + layer_counts[i]; layer < end; ++layer) {
        parameter_counts_[i] += layers[layer].parameter_count();
        trains = trains || is_trainable(layers[layer]);
      }
      outputs_[i] = layers[layer - 1].output;
      names_[i] = layers[layer - 1].name;
      if (trains) first_trainable_ = std::min(first_trainable_, i);
    }
  }

  const Shape& output() const { return output_; }
  const Shape& output_at(std::size_t stage) const { return outputs_[stage]; }
  const std::string& name_at(std::size_t stage) const { return names_[stage]; }
  std::size_t first_trainable() const { return first_trainable_; }

  StageMemory memory(const kernels::Run<T>& run, int batch, Mode mode) const {
    const Places places(*this, run, batch, mode);
    return {places.saved, places.scratch, places.packed};
  }

  void forward(const Pass<T>& pass, const T* x, T* y) const { forward(pass, x, y, count); }

  /// Runs the first `stages` stages, the last of them to y.
  void forward(const Pass<T>& pass, const T* x, T* y, std::size_t stages) const {
    if (stages == 0) {
      std::copy_n(x, static_cast<std::size_t>(pass.batch) * output_.size(), y);
      return;
    }
    const Places places(*this, pass.run, pass.batch, pass.mode);
    each([&](const auto& stage, std::size_t i) {
      if (i >= stages) return;
      T* out = i + 1 == stages ? y : places.activation(pass, i);
      stage.forward(of_stage(pass, places, i), x, out);
      x = out;
    });
  }

  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    backward(pass, x, dy, dx, count, dx != nullptr ? 0 : first_trainable_);
  }

  /// From dy, the gradient of what the first `stages` stages gave, down to stage `lowest`, which leaves the gradient of
  /// its input: in dx, or where that is not stage 0 in the memory of `activation(pass, lowest - 1)` if `inside`.
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx, std::size_t stages, std::size_t lowest,
                bool inside = false) const {
    if (stages == 0) {
      if (dx != nullptr) std::copy_n(dy, static_cast<std::size_t>(pass.batch) * output_.size(), dx);
      return;
    }
    const Places places(*this, pass.run, pass.batch, pass.mode);
    each_reversed([&](const auto& stage, std::size_t i) {
      if (i >= stages || i < lowest) return;
      T* before = i == 0 ? nullptr : places.activation(pass, i - 1);
      T* to = i == 0 ? dx : i > lowest || inside ? before : nullptr;
      stage.backward(of_stage(pass, places, i), i == 0 ? x : before, dy, to);
      dy = before;
    });
  }

  /// Calls visit(name, down_to, memory, shape) for each layer of the first `stages` stages whose output stands in
  /// memory after `forward`, and its gradient after `backward` down to stage `down_to`, except for the last.
  template <class Visit>
  void each_activation(const Pass<T>& pass, const Visit& visit, std::size_t stages = count) const {
    const Places places(*this, pass.run, pass.batch, pass.mode);
    each([&](const auto& stage, std::size_t i) {
      if (i >= stages) return;
      const auto inner = of_stage(pass, places, i);
      const auto inside = [&](const std::string& name, std::size_t, T* memory, const Shape& shape) {
        visit(name, i, memory, shape);
      };
      if constexpr (requires { stage.each_activation(inner, inside); }) stage.each_activation(inner, inside);
      if (i + 1 < stages) visit(names_[i], i + 1, places.activation(pass, i), outputs_[i]);
    });
  }

  void prepare(const Pass<T>& pass) const {
    const Places places(*this, pass.run, pass.batch, pass.mode);
    each([&](const auto& stage, std::size_t i) {
      const auto inner = of_stage(pass, places, i);
      if constexpr (requires { stage.prepare(inner); }) stage.prepare(inner);
    });
  }

  void update_statistics(const Pass<T>& pass, T* parameters) const {
    const Places places(*this, pass.run, pass.batch, pass.mode);
    each([&](const auto& stage, std::size_t i) {
      const auto inner = of_stage(pass, places, i);
      if constexpr (requires { stage.update_statistics(inner, parameters); }) {
        stage.update_statistics(inner, parameters + parameter_offsets_[i]);
      }
    });
  }

  /// Marks the layers whose output the next one takes over.
  void mark_fused(std::vector<LayerInfo>& layers) const {
    std::size_t layer = 0;
    each([&](const auto& stage, std::size_t i) {
      for (const std::size_t last = layer + layer_counts[i] - 1; layer < last; ++layer) layers[layer].fused = true;
      if constexpr (requires { stage.mark_fused(layers[layer].branches); }) stage.mark_fused(layers[layer].branches);
      ++layer;
    });
  }

 private:
  static constexpr std::array<std::size_t, count> layer_counts{layers_of<StageTypes>()...};

  static bool is_trainable(const LayerInfo& layer) {
    return std::ranges::any_of(layer.parameters, &Parameter::trainable) ||
           std::ranges::any_of(layer.branches,
                               [](const auto& branch) { return std::ranges::any_of(branch, is_trainable); });
  }

  /// Where everything of a call lies within its memory.
  struct Places {
    std::array<std::size_t, count> saved_at{}, packed_at{}, activation_at{};  // in bytes, values, values
    std::size_t saved = 0, scratch = 0, packed = 0;
    std::size_t stage_scratch = 0;  ///< where the stages' own scratch begins

    Places(const SequenceStage& sequence, const kernels::Run<T>& run, int batch, Mode mode) {
      sequence.each([&](const auto& stage, std::size_t i) {
        const StageMemory memory = memory_of(stage, run, batch, mode);
        saved_at[i] = saved;
        saved += round_up(memory.saved_bytes, alignment);
        packed_at[i] = packed;
        packed += round_up(memory.packed_values, alignment);
        scratch = std::max(scratch, memory.scratch_values);
      });
      const auto size = [&](std::size_t stage) {
        return round_up(sequence.outputs_[stage].size() * static_cast<std::size_t>(batch), alignment);
      };
      if (goes_back(mode)) {
        for (std::size_t i = 0; i + 1 < count; ++i) {
          activation_at[i] = saved / sizeof(T);
          saved += size(i) * sizeof(T);
        }
      } else {
        std::array<std::size_t, 2> largest{};
        for (std::size_t i = 0; i + 1 < count; ++i) largest[i % 2] = std::max(largest[i % 2], size(i));
        for (std::size_t i = 0; i + 1 < count; ++i) activation_at[i] = i % 2 == 0 ? 0 : largest[0];
        stage_scratch = largest[0] + largest[1];
        scratch += stage_scratch;
      }
    }

    T* activation(const Pass<T>& pass, std::size_t stage) const {
      return (goes_back(pass.mode) ? reinterpret_cast<T*>(pass.saved) : pass.scratch) + activation_at[stage];
    }
  };

  Pass<T> of_stage(const Pass<T>& pass, const Places& places, std::size_t stage) const {
    Pass<T> inner = pass;
    if (pass.parameters != nullptr) inner.parameters += parameter_offsets_[stage];
    if (pass.gradients != nullptr) inner.gradients += parameter_offsets_[stage];
    if (pass.saved != nullptr) inner.saved += places.saved_at[stage];
    if (pass.scratch != nullptr) inner.scratch += places.stage_scratch;
    if (pass.packed != nullptr) inner.packed += places.packed_at[stage];
    return inner;
  }

  template <class Body>
  void each(const Body& body) const {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (body(std::get<I>(stages_), I), ...); }
    (std::make_index_sequence<count>{});
  }
  template <class Body>
  void each_reversed(const Body& body) const {
    [&]<std::size_t... I>(std::index_sequence<I...>) { (body(std::get<count - 1 - I>(stages_), count - 1 - I), ...); }
    (std::make_index_sequence<count>{});
  }

  template <class... Layers, std::size_t... I>
  static std::tuple<StageTypes...> make_stages(const Description<Layers...>& description,
                                               const std::vector<LayerInfo>& layers, std::index_sequence<I...>) {
    return {make_stage<I>(description, layers)...};
  }

  /// Stage I takes as many layers as it fuses.
  template <std::size_t I, class... Layers>
  static auto make_stage(const Description<Layers...>& description, const std::vector<LayerInfo>& layers) {
    using Stage = std::tuple_element_t<I, std::tuple<StageTypes...>>;
    constexpr std::size_t first = first_layer(I);
    const LayerInfo& info = layers[first];
    const Place place{info.input, info.name, info.index, info.branches};
    return [&]<std::size_t... L>(std::index_sequence<L...>) {
      return Stage(place, std::get<first + L>(description.layers)...);
    }
    (std::make_index_sequence<layer_counts[I]>{});
  }
  static constexpr std::size_t first_layer(std::size_t stage) {
    std::size_t first = 0;
    for (std::size_t i = 0; i < stage; ++i) first += layer_counts[i];
    return first;
  }

  std::tuple<StageTypes...> stages_;
  std::array<std::size_t, count> parameter_offsets_{}, parameter_counts_{};
  std::array<Shape, count> outputs_{};
  std::array<std::string, count> names_{};
  Shape output_;
  std::size_t first_trainable_;  ///< count: nothing is to be trained
};

namespace detail {
template <class T, class List>
struct SequenceOf;
template <class T, class... StageTypes>
struct SequenceOf<T, std::tuple<StageTypes...>> : std::type_identity<SequenceStage<T, StageTypes...>> {};
template <class T, Fusion fusion, class Description>
struct SequenceFor;
template <class T, Fusion fusion, class... Layers>
struct SequenceFor<T, fusion, Description<Layers...>> : SequenceOf<T, Stages<fusion, T, Layers...>> {};
}  // namespace detail

/// The stage of a whole description.
template <class T, Fusion fusion, class Description>
using Sequence = typename detail::SequenceFor<T, fusion, Description>::type;

}  // namespace abell

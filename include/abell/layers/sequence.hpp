#pragma once
/// A list of layers as one stage: the walk over it, forward and back, and its memory. A network is one of these, and
/// layers that hold lists of others are made of them.

#include <abell/core/tensor.hpp>
#include <abell/layers/fusion.hpp>
#include <abell/layers/inspect.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// Stages one after the other. Where a backward pass follows, what each but the last leaves lies in `saved` behind what
/// the stage keeps there, and its gradient takes its place; otherwise two places in `scratch` take turns. An empty
/// sequence passes its input on.
template <class T>
class SequenceStage {
 public:
  /// `layers` is what `inspect` found for `list`.
  SequenceStage(const LayerList<T>& list, const std::vector<LayerInfo>& layers, const Shape& input,
                Fusion fusion = Fusion::on)
      : output_(output_of(layers, input)), first_trainable_(0) {
    std::size_t offset = 0;
    for (std::size_t layer = 0; layer < list.size();) {
      const LayerInfo& first = layers[layer];
      const Place place{first.input, first.name, first.index, first.branches, fusion};
      FusedStage<T> fused = first_stage(place, std::span(list).subspan(layer));
      const std::span<const LayerInfo> its(layers.data() + layer, fused.layers);
      if (first_trainable_ == parts_.size() && std::ranges::none_of(its, is_trainable)) ++first_trainable_;
      parts_.push_back({std::move(fused.stage), fused.layers, offset, its.back().output, its.back().name});
      for (const LayerInfo& each : its) offset += each.parameter_count();
      layer += fused.layers;
    }
  }

  /// Number of stages.
  std::size_t size() const { return parts_.size(); }
  const Shape& output() const { return output_; }
  const Shape& output_at(std::size_t stage) const { return parts_[stage].output; }
  const std::string& name_at(std::size_t stage) const { return parts_[stage].name; }
  /// `size()` where nothing is to be trained.
  std::size_t first_trainable() const { return first_trainable_; }

  StageMemory memory(const kernels::Backend<T>& backend, int batch, Mode mode) const {
    StageMemory all;
    for (std::size_t i = 0; i < size(); ++i) {
      const StageMemory own = memory_of(i, backend, batch, mode);
      all.saved_bytes += own.saved_bytes + (has_backward(mode) && i + 1 < size() ? activation_size(i, batch) : 0);
      all.packed_values += own.packed_values;
      all.scratch_values = std::max(all.scratch_values, own.scratch_values);
    }
    if (!has_backward(mode)) {
      const std::array<std::size_t, 2> places = turns(batch);
      all.scratch_values += places[0] + places[1];
    }
    return all;
  }

  void forward(const Pass<T>& pass, const T* x, T* y) const { forward(pass, x, y, size()); }

  /// Runs the first `stages` stages, the last of them to y.
  void forward(const Pass<T>& pass, const T* x, T* y, std::size_t stages) const {
    if (stages == 0) {
      std::copy_n(x, static_cast<std::size_t>(pass.batch) * output_.size(), y);
      return;
    }
    for (Walk walk(*this, pass); walk.at() < stages; walk.next()) {
      T* out = walk.at() + 1 == stages ? y : walk.output();
      walk.stage().forward(walk.pass(), x, out);
      x = out;
    }
  }

  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    backward(pass, x, dy, dx, size(), dx != nullptr ? 0 : first_trainable_);
  }

  /// From dy, the gradient of what the first `stages` stages gave, down to stage `lowest`, which leaves the gradient of
  /// its input: in dx, or where that is not stage 0 in the memory of the activation before it if `inside`.
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx, std::size_t stages, std::size_t lowest,
                bool inside = false) const {
    if (stages == 0) {
      if (dx != nullptr) std::copy_n(dy, static_cast<std::size_t>(pass.batch) * output_.size(), dx);
      return;
    }
    Walk walk(*this, pass);
    while (walk.at() < stages) walk.next();
    while (walk.at() > lowest) {
      walk.previous();
      const bool first = walk.at() == 0;
      T* before = first ? nullptr : walk.input();
      T* to = first ? dx : walk.at() > lowest || inside ? before : nullptr;
      walk.stage().backward(walk.pass(), first ? x : before, dy, to);
      dy = before;
    }
  }

  /// Calls visit(name, down_to, memory, shape) for each layer of the first `stages` stages whose output stands in
  /// memory after `forward`, and its gradient after `backward` down to stage `down_to`, except for the last.
  void each_activation(const Pass<T>& pass, const ActivationVisitor<T>& visit, std::size_t stages) const {
    for (Walk walk(*this, pass); walk.at() < stages; walk.next()) {
      const std::size_t i = walk.at();
      walk.stage().each_activation(walk.pass(), [&](const std::string& name, std::size_t, T* memory,
                                                    const Shape& shape) { visit(name, i, memory, shape); });
      if (i + 1 < stages) visit(parts_[i].name, i + 1, walk.output(), parts_[i].output);
    }
  }
  void each_activation(const Pass<T>& pass, const ActivationVisitor<T>& visit) const {
    each_activation(pass, visit, size());
  }

  void prepare(const Pass<T>& pass) const {
    for (Walk walk(*this, pass); walk.at() < size(); walk.next()) walk.stage().prepare(walk.pass());
  }

  void update_statistics(const Pass<T>& pass, T* parameters) const {
    for (Walk walk(*this, pass); walk.at() < size(); walk.next()) {
      walk.stage().update_statistics(walk.pass(), parameters + parts_[walk.at()].parameters);
    }
  }

  /// Marks the layers whose output the next one takes over.
  void mark_fused(std::vector<LayerInfo>& layers) const {
    std::size_t layer = 0;
    for (const Part& part : parts_) {
      for (const std::size_t last = layer + part.layers - 1; layer < last; ++layer) layers[layer].fused = true;
      part.stage.mark_fused(layers[layer++].branches);
    }
  }

 private:
  struct Part {
    AnyStage<T> stage;
    std::size_t layers;      ///< that it takes the place of
    std::size_t parameters;  ///< where its own begin
    Shape output;
    std::string name;  ///< of the last layer
  };

  static bool is_trainable(const LayerInfo& layer) {
    return std::ranges::any_of(layer.parameters, &Parameter::trainable) ||
           std::ranges::any_of(layer.branches,
                               [](const auto& branch) { return std::ranges::any_of(branch, is_trainable); });
  }

  /// What stage `i` asks for, in whole lines of memory.
  StageMemory memory_of(std::size_t i, const kernels::Backend<T>& backend, int batch, Mode mode) const {
    StageMemory memory = parts_[i].stage.memory(backend, batch, mode);
    memory.saved_bytes = round_up(memory.saved_bytes, alignment);
    memory.packed_values = round_up(memory.packed_values, alignment);
    return memory;
  }
  std::size_t activation_values(std::size_t i, int batch) const {
    return round_up(parts_[i].output.size() * static_cast<std::size_t>(batch), alignment);
  }
  std::size_t activation_size(std::size_t i, int batch) const { return activation_values(i, batch) * sizeof(T); }
  /// Values of the two places that take turns in prediction.
  std::array<std::size_t, 2> turns(int batch) const {
    std::array<std::size_t, 2> largest{};
    for (std::size_t i = 0; i + 1 < size(); ++i) largest[i % 2] = std::max(largest[i % 2], activation_values(i, batch));
    return largest;
  }

  /// The memory of one call, gone through stage by stage.
  class Walk {
   public:
    Walk(const SequenceStage& sequence, const Pass<T>& pass)
        : sequence_(sequence),
          pass_(pass),
          turns_(has_backward(pass.mode) ? std::array<std::size_t, 2>{} : sequence.turns(pass.batch)) {
      find();
    }

    std::size_t at() const { return at_; }
    const AnyStage<T>& stage() const { return sequence_.parts_[at_].stage; }
    /// What the stage gets.
    Pass<T> pass() const {
      Pass<T> inner = pass_;
      if (pass_.parameters != nullptr) inner.parameters += sequence_.parts_[at_].parameters;
      if (pass_.gradients != nullptr) inner.gradients += sequence_.parts_[at_].parameters;
      if (pass_.saved != nullptr) inner.saved += saved_;
      if (pass_.scratch != nullptr) inner.scratch += turns_[0] + turns_[1];
      if (pass_.packed != nullptr) inner.packed += packed_;
      return inner;
    }
    /// Where its output lies, unless it is the last.
    T* output() const {
      if (has_backward(pass_.mode)) return reinterpret_cast<T*>(pass_.saved + saved_ + memory_.saved_bytes);
      return pass_.scratch + (at_ % 2 == 0 ? 0 : turns_[0]);
    }
    /// Where its input lies, unless it is the first; of a call with a backward pass.
    T* input() const { return reinterpret_cast<T*>(pass_.saved + saved_ - before(at_)); }

    void next() {
      saved_ += memory_.saved_bytes;
      packed_ += memory_.packed_values;
      ++at_;
      saved_ += before(at_);
      find();
    }
    void previous() {
      saved_ -= before(at_);
      --at_;
      find();
      saved_ -= memory_.saved_bytes;
      packed_ -= memory_.packed_values;
    }

   private:
    /// Bytes of the activation that stands before stage `i`.
    std::size_t before(std::size_t i) const {
      return has_backward(pass_.mode) && i > 0 && i < sequence_.size() ? sequence_.activation_size(i - 1, pass_.batch)
                                                                       : 0;
    }
    void find() {
      if (at_ < sequence_.size()) memory_ = sequence_.memory_of(at_, pass_.backend, pass_.batch, pass_.mode);
    }

    const SequenceStage& sequence_;
    const Pass<T>& pass_;
    std::array<std::size_t, 2> turns_;
    StageMemory memory_;
    std::size_t at_ = 0, saved_ = 0, packed_ = 0;
  };

  std::vector<Part> parts_;
  Shape output_;
  std::size_t first_trainable_;
};

}  // namespace abell

#pragma once
/// What stages that hold lists of layers beside each other have in common.

#include <abell/layers/sequence.hpp>
#include <algorithm>
#include <cstddef>
#include <vector>

namespace abell {

/// Lists of layers on one input, each a sequence. What each saves and packs lies behind that of the one before; they
/// take turns in one scratch, and behind that is room for the stage that derives from this one.
template <class T>
class BranchedStage {
 public:
  void prepare(const Pass<T>& pass) const {
    for (std::size_t i = 0; i < count(); ++i) branch(i).prepare(pass_of(i, pass));
  }
  void update_statistics(const Pass<T>& pass, T* parameters) const {
    for (std::size_t i = 0; i < count(); ++i) {
      branch(i).update_statistics(pass_of(i, pass), parameters + branches_[i].parameters);
    }
  }
  void each_activation(const Pass<T>& pass, const ActivationVisitor<T>& visit) const {
    for (std::size_t i = 0; i < count(); ++i) branch(i).each_activation(pass_of(i, pass), visit);
  }
  void mark_fused(std::vector<std::vector<LayerInfo>>& layers) const {
    for (std::size_t i = 0; i < count(); ++i) branch(i).mark_fused(layers[i]);
  }

 protected:
  BranchedStage(const Place& place, const std::vector<LayerList<T>>& lists) {
    std::size_t parameters = 0;
    for (std::size_t i = 0; i < lists.size(); ++i) {
      branches_.push_back({SequenceStage<T>(lists[i], place.branches[i], place.input, place.fusion), parameters});
      parameters += parameter_count(place.branches[i]);
    }
  }

  std::size_t count() const { return branches_.size(); }
  const SequenceStage<T>& branch(std::size_t i) const { return branches_[i].sequence; }

  /// Of the branches; `room` values of scratch besides.
  StageMemory memory_with(std::size_t room, const kernels::Backend<T>& backend, int batch, Mode mode) const {
    StageMemory all;
    for (const Branch& each : branches_) add(all, each.sequence.memory(backend, batch, mode));
    all.scratch_values += room;
    return all;
  }
  /// The room in a call's scratch.
  T* room(const Pass<T>& pass) const {
    return pass.scratch + memory_with(0, pass.backend, pass.batch, pass.mode).scratch_values;
  }
  /// What branch `i` gets.
  Pass<T> pass_of(std::size_t i, const Pass<T>& pass) const {
    StageMemory before;
    for (std::size_t b = 0; b < i; ++b) add(before, branch(b).memory(pass.backend, pass.batch, pass.mode));
    Pass<T> inner = pass;
    if (pass.parameters != nullptr) inner.parameters += branches_[i].parameters;
    if (pass.gradients != nullptr) inner.gradients += branches_[i].parameters;
    if (pass.saved != nullptr) inner.saved += before.saved_bytes;
    if (pass.packed != nullptr) inner.packed += before.packed_values;
    return inner;
  }

 private:
  struct Branch {
    SequenceStage<T> sequence;
    std::size_t parameters;  ///< where its own begin
  };

  static void add(StageMemory& all, const StageMemory& one) {
    all.saved_bytes += round_up(one.saved_bytes, alignment);
    all.packed_values += round_up(one.packed_values, alignment);
    all.scratch_values = std::max(all.scratch_values, round_up(one.scratch_values, alignment));
  }

  std::vector<Branch> branches_;
};

}  // namespace abell

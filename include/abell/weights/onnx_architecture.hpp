#pragma once
/// The graph of an ONNX model as lists of layers. Where nodes take the values of several (Add, Concat), the paths to
/// them begin at the last node that all have in common: they become the branches of a Residual or a Concatenate.

#include <abell/core/error.hpp>
#include <abell/weights/architecture.hpp>
#include <abell/weights/graph_forks.hpp>
#include <abell/weights/onnx_layers.hpp>
#include <abell/weights/onnx_source.hpp>
#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace abell::detail {

/// Takes a graph apart into lists.
class OnnxPaths {
 public:
  OnnxPaths(const OnnxSource& source, int opset)
      : source_(source),
        opset_(opset),
        forks_(source.steps().size()),
        users_(source.steps().size()),
        used_(source.steps().size()) {
    for (std::size_t i = 1; i < forks_.size(); ++i) {
      forks_[i] = fork_of(source.steps()[i].inputs, forks_);
      for (const std::size_t input : source.steps()[i].inputs) users_[input].push_back(i);
    }
  }

  /// All layers, from the images on. Throws FormatError naming the node, ShapeError and NumericError.
  OnnxList layers(OnnxValue images) { return path(0, source_.output(), images, 0); }

  /// The shape of the images. A graph that turns its input at once has it with the channels last.
  OnnxValue images() const {
    const onnx::ValueInfoProto& input = source_.input();
    const std::string where = source_.where() + ": input " + in_quotes(input.name());
    const onnx::TypeProto::Tensor& type = input.type().tensor_type();
    if (type.elem_type() != onnx::TensorProto::FLOAT)
      throw FormatError(where + ": expected float32, found another type");
    const int rank = type.shape().dim_size();
    std::vector<int> sizes;
    for (int i = 1; i < rank; ++i) {
      const auto& dim = type.shape().dim(i);
      const bool known = dim.has_dim_value() && dim.dim_value() >= 1 && dim.dim_value() <= most_shape;
      sizes.push_back(known ? static_cast<int>(dim.dim_value()) : 0);
    }
    if ((rank != 2 && rank != 4) || std::ranges::count(sizes, 0) > 0) {
      throw FormatError(where + ": expected [batch, channels, height, width] or [batch, values] with sizes, found " +
                        (rank == 2 || rank == 4 ? "an open one" : std::to_string(rank) + " sizes"));
    }
    if (rank == 2) return {.shape = {1, 1, sizes[0]}, .vector = true};
    const auto turns = [&](std::size_t user) {
      const OnnxStep& step = source_.steps()[user];
      return step.kind() == "Transpose" && step.integers("perm") == std::vector<std::int64_t>{0, 3, 1, 2};
    };
    if (!users_[0].empty() && std::ranges::all_of(users_[0], turns)) {
      return {.shape = {sizes[0], sizes[1], sizes[2]}, .axes = OnnxValue::channels_last};
    }
    return {.shape = {sizes[1], sizes[2], sizes[0]}};
  }

  /// What the path that was read last ends with.
  const OnnxValue& output() const { return output_; }

 private:
  /// The layers after `from`, to `to`; `output_` is then what they give.
  OnnxList path(std::size_t from, std::size_t to, const OnnxValue& value, int level) {
    std::vector<std::size_t> way;
    for (std::size_t i = to; i != from; i = forks_[i]) way.push_back(i);
    std::ranges::reverse(way);
    OnnxLayers list(opset_, value);
    for (const std::size_t i : way) {
      const OnnxStep& step = source_.steps()[i];
      if (used_[i]) step.fail("paths that share no node but the first and the last", "one on two paths");
      used_[i] = true;
      if (step.inputs.size() > 1) {
        join(list, i, level);
      } else {
        list.add(step);
      }
    }
    output_ = list.value();
    return list.take();
  }

  void join(OnnxLayers& list, std::size_t number, int level) {
    constexpr int most_levels = static_cast<int>(most_json_levels / 3);
    const OnnxStep& step = source_.steps()[number];
    if (level >= most_levels) step.fail("at most " + std::to_string(most_levels) + " layers within layers", "more");
    if (step.inputs.size() > most_branches) {
      step.fail("at most " + std::to_string(most_branches) + " inputs", std::to_string(step.inputs.size()));
    }
    std::vector<OnnxList> branches;
    std::vector<OnnxValue> values;
    const OnnxValue before = list.value();
    for (const std::size_t input : step.inputs) {
      branches.push_back(path(forks_[number], input, before, level + 1));
      values.push_back(output_);
    }
    // A sum may name the way without layers first; ours names it second.
    if (step.kind() == "Add" && branches.size() == 2 && branches[0].layers.empty()) std::swap(branches[0], branches[1]);
    list.join(step, std::move(branches), values);
  }

  const OnnxSource& source_;
  int opset_;
  std::vector<std::size_t> forks_;               ///< for each step the last one that its inputs have in common
  std::vector<std::vector<std::size_t>> users_;  ///< of each step's values
  std::vector<bool> used_;
  OnnxValue output_;
};

}  // namespace abell::detail

#pragma once
/// The config of a Keras model as an architecture of ours. Where layers take the outputs of several (Add, Concatenate),
/// the paths to them begin at the last layer that all have in common: they become the branches of a Residual or a
/// Concatenate.

#include <abell/core/error.hpp>
#include <abell/weights/architecture.hpp>
#include <abell/weights/graph_forks.hpp>
#include <abell/weights/json.hpp>
#include <abell/weights/keras_config.hpp>
#include <abell/weights/keras_layers.hpp>
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace abell::detail {

/// Takes a graph of layers apart into lists.
class KerasPaths {
 public:
  KerasPaths(const KerasGraph& graph, std::string where)
      : graph_(graph), where_(std::move(where)), forks_(graph.nodes.size()), used_(graph.nodes.size()) {
    for (std::size_t i = 1; i < graph.nodes.size(); ++i) forks_[i] = fork_of(graph.nodes[i].inputs, forks_);
  }

  /// The layers of the whole model, as LayerKinds reads them. `rank` is of its input.
  Json layers(int rank) { return path(0, graph_.output, rank, 0); }

 private:
  [[noreturn]] void fail(const KerasNode& node, const std::string& expected, const std::string& found) const {
    throw FormatError(where_ + ": layer " + in_quotes(node.name) + " (" + node.class_name + "): expected " + expected +
                      ", found " + found);
  }

  /// The layers after `from`, to `to`; sets `rank` to that of the last.
  Json path(std::size_t from, std::size_t to, int& rank, int level) {
    std::vector<std::size_t> way;
    for (std::size_t i = to; i != from; i = forks_[i]) way.push_back(i);
    std::ranges::reverse(way);
    KerasLayers list(where_, rank);
    for (const std::size_t i : way) {
      const KerasNode& node = graph_.nodes[i];
      if (used_[i]) fail(node, "paths that share no layer but the first and the last", "one on two paths");
      used_[i] = true;
      if (node.inputs.size() == 1) {
        list.add(node);
      } else {
        list.add(merge(i, rank = list.rank(), level));
        list.set_rank(rank);
      }
    }
    rank = list.rank();
    return list.take();
  }

  Json merge(std::size_t number, int& rank, int level) {
    constexpr int most_levels = static_cast<int>(most_json_levels / 3);
    const KerasNode& node = graph_.nodes[number];
    const bool add = node.class_name == "Add";
    if (!add && node.class_name != "Concatenate") fail(node, "Add or Concatenate for several inputs", "another class");
    if (add && node.inputs.size() != 2) fail(node, "two inputs", std::to_string(node.inputs.size()));
    if (level >= most_levels) fail(node, "at most " + std::to_string(most_levels) + " layers within layers", "more");
    Json branches = Json::array();
    const int before = rank;
    for (const std::size_t input : node.inputs) {
      rank = before;
      branches.push_back(path(forks_[number], input, rank, level + 1));
    }
    if (add && branches[0].empty()) std::swap(branches[0], branches[1]);
    if (!add) KerasFields(where_ + ": layer " + in_quotes(node.name), node.config).require_channels(rank);
    return {{"kind", add ? "Residual" : "Concatenate"}, {"name", node.name}, {"branches", branches}};
  }

  const KerasGraph& graph_;
  std::string where_;
  std::vector<std::size_t> forks_;  ///< for each layer the last one that its inputs have in common
  std::vector<bool> used_;
};

/// The layers of a config, under Keras's names for them. Throws FormatError naming the layer.
inline LayerList<float> keras_layers(const KerasGraph& graph, const std::string& where) {
  const int rank = graph.input_shape.is_array() ? static_cast<int>(graph.input_shape.size()) : 4;
  return LayerKinds<float>().read(where, KerasPaths(graph, where).layers(rank));
}

/// The shape of the images that a model gets. Throws FormatError where the config leaves it open.
inline Shape keras_input(const KerasGraph& graph, const std::string& where) {
  const Json& shape = graph.input_shape;
  const bool vector = shape.is_array() && shape.size() == 2;
  const Json sizes = vector                                  ? Json{1, 1, shape[1]}
                     : shape.is_array() && shape.size() == 4 ? Json{shape[1], shape[2], shape[3]}
                                                             : Json();
  const auto known = [](const Json& size) { return size.is_number_integer() && size > 0 && size <= most_shape; };
  if (!sizes.is_array() || !std::ranges::all_of(sizes, known)) {
    throw FormatError(where + ": expected an input of [batch, height, width, channels] with sizes, found " +
                      (shape.is_null() ? "none" : KerasFields::text_of(shape)));
  }
  return {sizes[0].get<int>(), sizes[1].get<int>(), sizes[2].get<int>()};
}

/// The network that a config describes. Throws FormatError naming the layer, ShapeError for layers that do not fit.
inline Architecture<> keras_architecture(const std::string& text, const std::string& where) {
  const KerasGraph graph = read_keras_config(text, where);
  const std::string here = where + ": config";
  Architecture<> read{keras_layers(graph, here), keras_input(graph, here)};
  inspect_read(here, read.layers, read.input);
  return read;
}

}  // namespace abell::detail

#pragma once
/// The config of a Keras model, JSON that Keras 2 and 3 write beside the weights, as a graph of layers: models within
/// the model are taken apart, so that every layer stands in one list.
///
///     {"class_name": "Sequential", "config": {"layers": [{"class_name": "Conv2D", "config": {"name": ...}}, ...]}}
///     {"class_name": "Functional", "config": {"layers": [{..., "name": "add", "inbound_nodes": [...]}, ...],
///                                             "input_layers": ..., "output_layers": ...}}

#include <abell/core/error.hpp>
#include <abell/weights/json.hpp>
#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell::detail {

/// A layer of a Keras model.
struct KerasNode {
  std::string class_name;
  std::string name;
  std::string path;  ///< of its group in Keras 3's files of weights: "layers/functional/layers/conv2d_1"
  Json config;
  std::vector<std::size_t> inputs;  ///< numbers of the layers whose outputs it takes
};

/// The layers of a model, each after its inputs; the first one is the model's input, without a class.
struct KerasGraph {
  std::vector<KerasNode> nodes{KerasNode{}};
  std::size_t output = 0;
  Json input_shape;              ///< [batch, height, width, channels], null where the config tells none
  std::set<std::string> models;  ///< names of the models within the model
};

/// Python's naming of a class: "DepthwiseConv2D" -> "depthwise_conv2d".
inline std::string keras_word(std::string_view class_name) {
  const auto in = [](char c, char first, char last) { return c >= first && c <= last; };
  std::string word;
  for (std::size_t i = 0; i < class_name.size(); ++i) {
    const char c = class_name[i];
    const bool upper = in(c, 'A', 'Z');
    const bool starts = i + 1 < class_name.size() && in(class_name[i + 1], 'a', 'z');
    if (upper && i > 0 && (starts || in(class_name[i - 1], 'a', 'z'))) word += '_';
    word += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return word;
}

/// Reads a config into a graph. Throws FormatError naming the layer.
class KerasConfigReader {
 public:
  explicit KerasConfigReader(std::string where) : where_(std::move(where)) {}

  KerasGraph read(const Json& model) {
    if (!is_model(model)) {
      throw FormatError(where_ + ": expected the config of a Sequential or Functional model, found " +
                        (model.is_object() && model.contains("class_name") ? shown(model["class_name"]) : "another"));
    }
    graph_.output = add_model(model, 0, "");
    take_shape(model["config"], "build_input_shape");
    return std::move(graph_);
  }

 private:
  static constexpr std::size_t most_layers = 10'000;

  /// Keras up to 2.2.2 has a list as the config of a Sequential model.
  static bool is_model(const Json& json) {
    if (!json.is_object() || !json.contains("class_name") || !json.contains("config")) return false;
    const Json &name = json["class_name"], &config = json["config"];
    if (name == "Sequential" && config.is_array()) return true;
    return (name == "Sequential" || name == "Functional" || name == "Model") && config.contains("layers");
  }

  [[noreturn]] void fail(const std::string& name, const std::string& expected, const std::string& found) const {
    throw FormatError(where_ + ": layer " + in_quotes(name) + ": expected " + expected + ", found " + found);
  }

  /// Adds the layers of a model that takes what layer `input` gives, and returns the one that gives its output.
  std::size_t add_model(const Json& model, std::size_t input, const std::string& path) {
    const Json& config = model["config"];
    const Json& layers = config.is_array() ? config : config["layers"];
    if (!layers.is_array() || layers.empty()) throw FormatError(where_ + ": expected a list of layers, found none");
    std::map<std::string, int> counts;
    std::vector<std::string> paths;  // of the layers in their order
    for (const Json& layer : layers) {
      if (!layer.is_object() || !layer.contains("class_name") || !layer["class_name"].is_string() ||
          !layer.contains("config") || !layer["config"].is_structured()) {
        throw FormatError(where_ + ": expected layers with class_name and config, found " + shown(layer));
      }
      const std::string word = keras_word(layer["class_name"].get<std::string>());
      const int count = counts[word]++;
      paths.push_back(path + "layers/" + word + (count > 0 ? "_" + std::to_string(count) : ""));
    }
    const bool chain = model["class_name"] == "Sequential" && !(config.is_object() && config.contains("input_layers"));
    return chain ? add_chain(layers, paths, input) : add_functional(config, paths, input);
  }

  std::size_t add_chain(const Json& layers, const std::vector<std::string>& paths, std::size_t input) {
    for (std::size_t i = 0; i < layers.size(); ++i) input = add_layer(layers[i], paths[i], {input});
    return input;
  }

  std::size_t add_functional(const Json& config, const std::vector<std::string>& paths, std::size_t input) {
    const Json& layers = config["layers"];
    std::map<std::string, std::size_t> numbers;  // of layers in the list
    for (std::size_t i = 0; i < layers.size(); ++i) {
      if (!numbers.emplace(name_of(layers[i]), i).second) fail(name_of(layers[i]), "a name of its own", "it twice");
    }
    const std::string first = only_tensor(config, "input_layers"), last = only_tensor(config, "output_layers");
    std::map<std::string, std::size_t> made;  // the node of each layer that is added
    // Each layer after its inputs; a layer that waits for itself is in a cycle.
    std::vector<std::pair<std::string, bool>> stack{{last, false}};
    std::set<std::string> waiting;
    while (!stack.empty()) {
      const auto [name, ready] = stack.back();
      stack.pop_back();
      if (made.contains(name)) continue;
      const auto found = numbers.find(name);
      if (found == numbers.end()) fail(name, "a layer of the model", "none");
      const Json& layer = layers[found->second];
      const std::vector<std::string> from = name == first ? std::vector<std::string>() : tensors_into(layer);
      if (ready) {
        std::vector<std::size_t> inputs;
        for (const std::string& other : from) inputs.push_back(made.at(other));
        if (name == first) inputs.push_back(input);
        made[name] = add_layer(layer, paths[found->second], inputs);
        continue;
      }
      if (!waiting.insert(name).second) fail(name, "a graph without cycles", "a cycle");
      stack.emplace_back(name, true);
      for (const std::string& other : from) {
        if (!made.contains(other)) stack.emplace_back(other, false);
      }
    }
    return made.at(last);
  }

  std::size_t add_layer(const Json& layer, const std::string& path, const std::vector<std::size_t>& inputs) {
    const std::string name = name_of(layer), kind = layer["class_name"].get<std::string>();
    require_kerases_own(name, layer);
    const Json& config = layer["config"];
    if (inputs == std::vector<std::size_t>{0}) {
      for (const char* key : {"batch_input_shape", "batch_shape", "build_input_shape"}) take_shape(config, key);
      if (layer.contains("build_config")) take_shape(layer["build_config"], "input_shape");
    }
    if (is_model(layer)) {
      if (inputs.size() != 1) fail(name, "a model of one input", std::to_string(inputs.size()));
      if (!graph_.models.insert(name).second) fail(name, "models of different names", "the name of an earlier one");
      return add_model(layer, inputs[0], path + "/");
    }
    if (kind == "InputLayer") {
      if (inputs.size() != 1) fail(name, "one input of the model", "another one");
      return inputs[0];
    }
    if (inputs.empty()) fail(name, "a layer with inputs", "none");
    if (graph_.nodes.size() > most_layers) {
      throw FormatError(where_ + ": expected at most " + std::to_string(most_layers) + " layers, found more");
    }
    graph_.nodes.push_back({kind, name, path, config, inputs});
    return graph_.nodes.size() - 1;
  }

  /// The model's input, where it is not known yet.
  void take_shape(const Json& from, const char* key) {
    if (graph_.input_shape.is_null() && from.is_object() && from.contains(key)) graph_.input_shape = from[key];
  }

  /// A class of the user's own may bear the name of one of Keras's.
  void require_kerases_own(const std::string& name, const Json& layer) const {
    const auto text = [&](const char* key) {
      return layer.contains(key) && layer[key].is_string() ? layer[key].get<std::string>() : std::string();
    };
    const std::string module = text("module"), registered = text("registered_name");
    const bool theirs = module.empty() || module.starts_with("keras") || module.starts_with("tf_keras") ||
                        module.starts_with("tensorflow");
    if (theirs && registered.find('>') == std::string::npos) return;
    fail(name, "a class of Keras's own", in_quotes(registered.empty() ? module : registered));
  }

  std::string name_of(const Json& layer) const {
    for (const Json* place : {&layer, &layer["config"]}) {
      if (!place->is_object() || !place->contains("name")) continue;
      if ((*place)["name"].is_string()) return (*place)["name"].get<std::string>();
    }
    throw FormatError(where_ + ": expected layers with names, found a " + shown(layer["class_name"]) + " without one");
  }

  /// Of ["name", 0, 0], or [["name", 0, 0]].
  std::string only_tensor(const Json& config, const char* key) const {
    const Json* list = config.contains(key) ? &config[key] : nullptr;
    if (list != nullptr && list->is_array() && list->size() == 1) list = &list->front();
    const bool one = list != nullptr && list->is_array() && !list->empty() && list->front().is_string();
    if (!one)
      throw FormatError(where_ + ": expected one layer under \"" + std::string(key) + "\", found another number");
    return list->front().get<std::string>();
  }

  /// Names of the layers whose outputs a layer takes: [[["conv", 0, 0, {}], ...]] in Keras 2, [{"args": [...]}] with
  /// tensors that tell their "keras_history" in Keras 3.
  std::vector<std::string> tensors_into(const Json& layer) const {
    const std::string name = name_of(layer);
    std::vector<std::string> from;
    if (!layer.contains("inbound_nodes") || !layer["inbound_nodes"].is_array()) return from;
    const Json& nodes = layer["inbound_nodes"];
    if (nodes.size() > 1) fail(name, "a layer that is used once", std::to_string(nodes.size()) + " uses");
    for (const Json& node : nodes) {
      if (node.is_object()) {
        if (!node.contains("args")) fail(name, "\"args\" of its use", "none");
        collect_histories(node["args"], from);
        std::vector<std::string> others;
        if (node.contains("kwargs")) collect_histories(node["kwargs"], others);
        if (!others.empty()) fail(name, "inputs without a keyword", "one with it");
      } else if (node.is_array()) {
        for (const Json& tensor : node) {
          if (!tensor.is_array() || tensor.empty() || !tensor.front().is_string())
            fail(name, "names of inputs", "others");
          from.push_back(tensor.front().get<std::string>());
        }
      } else {
        fail(name, "lists of inputs", shown(node));
      }
    }
    return from;
  }

  static void collect_histories(const Json& json, std::vector<std::string>& names) {
    if (json.is_object() && json.contains("keras_history")) {
      const Json& history = json["keras_history"];
      if (history.is_array() && !history.empty() && history.front().is_string()) names.push_back(history.front());
      return;
    }
    if (json.is_structured()) {
      for (const Json& inner : json) collect_histories(inner, names);
    }
  }

  std::string where_;
  KerasGraph graph_;
};

/// Parses a config. Throws FormatError; `where` opens the message.
inline KerasGraph read_keras_config(const std::string& text, const std::string& where) {
  constexpr std::size_t most_levels = 64;
  const std::string here = where + ": config";
  return KerasConfigReader(here).read(parse_json(text, here, most_levels));
}

}  // namespace abell::detail

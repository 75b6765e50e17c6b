#pragma once
/// The names of layers and arrays in a Keras file against those of a network; see weights/keras_h5.hpp.

#include <abell/layers/layer_info.hpp>
#include <abell/weights/hdf5.hpp>
#include <abell/weights/match.hpp>
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell {

/// How the layers of a file without a config are given to those of a network; either way a layer's arrays are told
/// apart by their names (kernel, bias, gamma, ...), or in Keras 3 by their numbers.
enum class KerasMatch {
  automatic,  ///< by name where the file has all of the network's names, else in order where the numbers agree
  by_name,
  in_order  ///< the layers with weights, one after the other; those of branches as Keras sorts them, by their distance
            ///< from the end
};

/// `missing` and `unused` are those of WeightsOptions: layers that may differ, another head say.
struct KerasOptions {
  KerasMatch match = KerasMatch::automatic;
  std::vector<std::string> missing = {};
  std::vector<std::string> unused = {};
  bool in_child = true;  ///< the file is read in a process of its own, which takes the fall where HDF5 crashes
};

namespace detail {

/// A layer of a file that has weights.
struct KerasFileLayer {
  std::string name;
  std::string path = {};  ///< in Keras 3's files, of its group
};

/// The arrays of a Keras file, named "layer/parameter" as a network's are.
struct KerasFile {
  TensorFile file;                     ///< shapes only, until they are known to fit
  std::vector<hdf5::Handle> datasets;  ///< of the tensors, in their order
  std::vector<KerasFileLayer> layers;
  bool ordered = true;  ///< whether the layers stand in the model's order
};

/// A layer of a network as Keras knows it.
struct KerasWanted {
  std::string name;
  std::string keras_name;               ///< by Keras's words, unless another layer has that name
  std::string word;                     ///< Keras's for its kind
  std::vector<std::string> parameters;  ///< their names
};

/// Counts for each layer how many follow it on the longest way to the output, from `behind` on; returns the count of
/// what comes before the first.
inline int keras_distances(const std::vector<LayerInfo>& layers, int behind,
                           std::vector<std::pair<int, const LayerInfo*>>& all) {
  for (std::size_t i = layers.size(); i-- > 0;) {
    all.emplace_back(behind++, &layers[i]);
    int longest = behind;
    for (const auto& branch : layers[i].branches) longest = std::max(longest, keras_distances(branch, behind, all));
    behind = longest;
  }
  return behind;
}

/// All layers of a network in the order of Keras's `model.layers`: those further from the output first, among equals
/// those of the first branch.
template <class Network>
std::vector<const LayerInfo*> keras_order(const Network& network) {
  std::vector<std::pair<int, const LayerInfo*>> all;
  keras_distances(network.layers(), 0, all);
  std::ranges::stable_sort(all, std::ranges::greater{}, &std::pair<int, const LayerInfo*>::first);
  std::vector<const LayerInfo*> layers;
  for (const auto& [distance, layer] : all) layers.push_back(layer);
  return layers;
}

/// All layers of a network, those without weights too, in Keras's order.
template <class Network>
std::vector<KerasWanted> keras_layers_of(const Network& network) {
  std::set<std::string> taken;
  each_layer(network.layers(), [&](const LayerInfo& layer) { taken.insert(layer.name); });
  std::map<std::string, std::string> names;
  each_layer(network.layers(), [&](const LayerInfo& layer) {
    const bool renamed = !layer.keras_name.empty() && taken.insert(layer.keras_name).second;
    names[layer.name] = renamed ? layer.keras_name : layer.name;
  });
  std::vector<KerasWanted> all;
  for (const LayerInfo* layer : keras_order(network)) {
    KerasWanted& wanted = all.emplace_back(KerasWanted{layer->name, names.at(layer->name), layer->keras_word, {}});
    for (const Parameter& parameter : layer->parameters) wanted.parameters.push_back(parameter.name);
  }
  return all;
}

/// "model/conv1/kernel:0" -> {"conv1", "kernel"}; the layer is empty where there is none.
inline std::pair<std::string, std::string> split_weight_name(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  std::string_view parameter = slash == std::string_view::npos ? name : name.substr(slash + 1);
  parameter = parameter.substr(0, parameter.rfind(':'));
  std::string_view layer = slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
  layer = layer.substr(layer.rfind('/') == std::string_view::npos ? 0 : layer.rfind('/') + 1);
  return {std::string(layer), std::string(parameter)};
}

/// "conv2d_12" -> {"conv2d", 12}; 0 where there is no number.
inline std::pair<std::string, std::uint64_t> split_number(const std::string& name) {
  const std::size_t digits = name.find_last_not_of("0123456789") + 1;
  std::uint64_t number = 0;
  if (digits < 2 || digits == name.size() || name[digits - 1] != '_') return {name, 0};
  std::from_chars(name.data() + digits, name.data() + name.size(), number);
  return {name.substr(0, digits - 1), number};
}

/// The layers of a file whose order is not known, given to a network's by their words and numbers: conv2d, conv2d_1,
/// ...; nothing where the words do not agree, or a number stands twice.
inline std::optional<std::map<std::string, std::string>> by_numbers(const std::vector<KerasFileLayer>& found,
                                                                    const std::vector<KerasWanted>& wanted) {
  std::map<std::string, std::map<std::uint64_t, std::string>> numbered;  // by word
  for (const KerasFileLayer& layer : found) {
    const std::string& name = layer.path.empty() ? layer.name : layer.path;
    const auto [word, number] = split_number(name.substr(name.rfind('/') + 1));
    if (!numbered[word].emplace(number, layer.name).second) return std::nullopt;
  }
  std::map<std::string, std::string> names;
  for (const KerasWanted& layer : wanted) {
    auto& rest = numbered[layer.word];
    if (rest.empty()) return std::nullopt;
    names[rest.extract(rest.begin()).mapped()] = layer.name;
  }
  return names.size() == found.size() ? std::optional(names) : std::nullopt;
}

/// Gives the file's layers other names, where `names` has one, and its numbered arrays those of their layer.
inline void rename_layers(KerasFile& keras, const std::map<std::string, std::string>& names,
                          const std::vector<KerasWanted>& wanted) {
  for (StoredTensor& tensor : keras.file.tensors) {
    std::string layer = layer_of(tensor.name), parameter = tensor.name.substr(layer.size() + 1);
    if (const auto name = names.find(layer); name != names.end()) layer = name->second;
    const auto known = std::ranges::find(wanted, layer, &KerasWanted::name);
    if (known != wanted.end()) {
      const std::vector<std::string>& parameters = known->parameters;
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        if (parameter == std::to_string(i)) parameter = parameters[i];
      }
      // Keras 3 calls the kernel of a depthwise convolution "kernel" too.
      const auto has = [&](const char* name) { return std::ranges::find(parameters, name) != parameters.end(); };
      if (parameter == "kernel" && !has("kernel") && has("depthwise_kernel")) parameter = "depthwise_kernel";
    }
    tensor.name = layer + "/" + parameter;
  }
}

/// Gives the file's layers the names of the network's, `wanted` with their weights: by `paired` where a config told
/// which is which, else by Keras's words for them, else, or where that is asked for, one after the other; returns
/// whether it did the latter. Layers that may be missing are left out when the numbers then agree. Throws ShapeError,
/// and FormatError where the order is not known.
inline bool rename(const std::string& where, KerasFile& keras, std::vector<KerasWanted> wanted,
                   const std::optional<std::map<std::string, std::string>>& paired, const KerasOptions& options) {
  std::erase_if(wanted, [](const KerasWanted& layer) { return layer.parameters.empty(); });
  if (paired) return rename_layers(keras, *paired, wanted), false;
  const auto named = [](const std::vector<std::string>& list) {
    return [&](const auto& layer) { return std::ranges::find(list, layer.name) != list.end(); };
  };
  std::vector<KerasWanted> needed = wanted;
  std::vector<KerasFileLayer> found = keras.layers;
  std::erase_if(needed, named(options.missing));
  std::map<std::string, std::string> names;
  bool all_named = true;
  const auto has = [&](const std::string& name) {
    return std::ranges::find(keras.layers, name, &KerasFileLayer::name) != keras.layers.end();
  };
  for (const KerasWanted& layer : needed) {
    all_named = all_named && (has(layer.name) || has(layer.keras_name));
    if (!has(layer.name)) names[layer.keras_name] = layer.name;
  }
  if (options.match == KerasMatch::by_name || (options.match == KerasMatch::automatic && all_named)) {
    return rename_layers(keras, names, wanted), false;
  }
  std::erase_if(found, named(options.unused));
  if (found.size() == needed.size()) wanted = needed;
  if (found.size() != wanted.size()) {
    // The names make the better list of faults.
    if (options.match == KerasMatch::automatic) return rename_layers(keras, names, wanted), false;
    throw ShapeError(where + ": weights of another network: expected " + std::to_string(wanted.size()) +
                     " layers with weights, found " + std::to_string(found.size()));
  }
  if (!keras.ordered) {
    const auto numbered = by_numbers(found, wanted);
    if (!numbered) {
      throw FormatError(where + ": expected layers with the network's names, with numbers that tell their order, or " +
                        "the model's config, found none (save the whole model)");
    }
    return rename_layers(keras, *numbered, wanted), true;
  }
  names.clear();
  for (std::size_t i = 0; i < found.size(); ++i) names[found[i].name] = wanted[i].name;
  return rename_layers(keras, names, wanted), true;
}

}  // namespace detail
}  // namespace abell

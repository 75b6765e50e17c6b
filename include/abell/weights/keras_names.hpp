#pragma once
/// The names of layers and arrays in a Keras file against those of a network; see weights/keras_h5.hpp.

#include <abell/layers/layer_info.hpp>
#include <abell/weights/hdf5.hpp>
#include <abell/weights/match.hpp>
#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell {

/// How the layers of a file are given to those of a network; either way a layer's arrays are told apart by
/// their names (kernel, bias, gamma, ...).
enum class KerasMatch {
  automatic,  ///< by name where the file has all of the network's names, else in order where the numbers agree
  by_name,
  in_order  ///< the layers with weights, one after the other; Keras sorts those of branches by their distance from the
            ///< end
};

/// `missing` and `unused` are those of WeightsOptions: layers that may differ, another head say.
struct KerasOptions {
  KerasMatch match = KerasMatch::automatic;
  std::vector<std::string> missing = {};
  std::vector<std::string> unused = {};
  bool in_child = true;  ///< the file is read in a process of its own, which takes the fall where HDF5 crashes
};

namespace detail {

/// The arrays of a Keras file, named "layer/parameter" as a network's are.
struct KerasFile {
  TensorFile file;                     ///< shapes only, until they are known to fit
  std::vector<hdf5::Handle> datasets;  ///< of the tensors, in their order
  std::vector<std::string> layers;     ///< those with weights, in order
};

/// "model/conv1/kernel:0" -> {"conv1", "kernel"}; the layer is empty where there is none.
inline std::pair<std::string, std::string> split_weight_name(std::string_view name) {
  const std::size_t slash = name.rfind('/');
  std::string_view parameter = slash == std::string_view::npos ? name : name.substr(slash + 1);
  parameter = parameter.substr(0, parameter.rfind(':'));
  std::string_view layer = slash == std::string_view::npos ? std::string_view() : name.substr(0, slash);
  layer = layer.substr(layer.rfind('/') == std::string_view::npos ? 0 : layer.rfind('/') + 1);
  return {std::string(layer), std::string(parameter)};
}

/// The layers of a network that have parameters, in order.
template <class Network>
std::vector<std::string> layers_with_weights(const Network& network) {
  std::vector<std::string> layers;
  for (const NamedParameter& named : network.named_parameters()) {
    if (layers.empty() || layers.back() != layer_of(named.name)) layers.push_back(layer_of(named.name));
  }
  return layers;
}

/// What a network's layers are called in a file: by Keras's words, unless another layer has that name.
template <class Network>
std::map<std::string, std::string> keras_names(const Network& network) {
  std::set<std::string> taken;
  each_layer(network.layers(), [&](const LayerInfo& layer) { taken.insert(layer.name); });
  std::map<std::string, std::string> names;
  each_layer(network.layers(), [&](const LayerInfo& layer) {
    const bool renamed = !layer.keras_name.empty() && taken.insert(layer.keras_name).second;
    names[layer.name] = renamed ? layer.keras_name : layer.name;
  });
  return names;
}

/// Gives the file's layers other names, where `names` has one.
inline void rename_layers(KerasFile& keras, const std::map<std::string, std::string>& names) {
  for (StoredTensor& tensor : keras.file.tensors) {
    const std::string layer = layer_of(tensor.name);
    const auto name = names.find(layer);
    if (name != names.end()) tensor.name.replace(0, layer.size(), name->second);
  }
}

/// Gives the file's layers the names of the network's: by Keras's words for them, or where that is asked for or names
/// do not do one after the other, and returns whether it did the latter. Layers that may be missing are left out when
/// the numbers then agree. Throws ShapeError.
inline bool rename(const std::string& where, KerasFile& keras, std::vector<std::string> wanted,
                   const std::map<std::string, std::string>& keras_names, const KerasOptions& options) {
  const auto in = [](const std::vector<std::string>& list) {
    return [&](const std::string& name) { return std::ranges::find(list, name) != list.end(); };
  };
  std::vector<std::string> needed = wanted, found = keras.layers;
  std::erase_if(needed, in(options.missing));
  std::map<std::string, std::string> names;
  bool all_named = true;
  for (const std::string& layer : needed) {
    const bool named = in(keras.layers)(layer);
    all_named = all_named && (named || in(keras.layers)(keras_names.at(layer)));
    if (!named) names[keras_names.at(layer)] = layer;
  }
  if (options.match == KerasMatch::by_name || (options.match == KerasMatch::automatic && all_named)) {
    return rename_layers(keras, names), false;
  }
  std::erase_if(found, in(options.unused));
  if (found.size() == needed.size()) wanted = needed;
  if (found.size() != wanted.size()) {
    if (options.match == KerasMatch::automatic) return false;  // the names make the better list of faults
    throw ShapeError(where + ": weights of another network: expected " + std::to_string(wanted.size()) +
                     " layers with weights, found " + std::to_string(found.size()));
  }
  names.clear();
  for (std::size_t i = 0; i < found.size(); ++i) names[found[i]] = wanted[i];
  return rename_layers(keras, names), true;
}

/// Keras 3 calls the kernel of a depthwise convolution "kernel" too.
inline void rename_depthwise(TensorFile& file, const std::vector<ExpectedTensor>& expected) {
  const auto wants = [&](const std::string& name) {
    return std::ranges::find(expected, name, &ExpectedTensor::name) != expected.end();
  };
  for (StoredTensor& tensor : file.tensors) {
    const std::string other = layer_of(tensor.name) + "/depthwise_kernel";
    if (tensor.name == layer_of(tensor.name) + "/kernel" && !wants(tensor.name) && wants(other)) tensor.name = other;
  }
}

}  // namespace detail
}  // namespace abell

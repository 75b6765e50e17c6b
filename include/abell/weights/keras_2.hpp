#pragma once
/// The layout of Keras 2 and tf.keras in HDF5 (`model.save_weights("w.h5")`, `model.save("m.h5")`):
///
///     layer_names                attribute of the root, or of /model_weights in files of whole models
///     model_config               attribute of the root of whole models, see keras_config.hpp
///     <layer>                    a group for each layer, with the attribute weight_names
///     <layer>/<weight name>      the arrays: /conv1/conv1/kernel:0
///
/// A list too long for one attribute is split into layer_names0, layer_names1, ...

#include <abell/core/error.hpp>
#include <abell/weights/hdf5.hpp>
#include <abell/weights/keras_names.hpp>
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace abell::detail {

/// A list that may be split over name0, name1, ...; nothing when it is not there.
inline std::optional<std::vector<std::string>> keras_list(hid_t group, const std::string& name,
                                                          const std::string& where) {
  auto list = hdf5::texts(group, name, where);
  if (list) return list;
  for (int part = 0;; ++part) {
    auto more = hdf5::texts(group, name + std::to_string(part), where);
    if (!more) return list;
    if (!list) list.emplace();
    list->insert(list->end(), more->begin(), more->end());
  }
}

/// The group that holds the weights; none in a file of another layout.
inline hdf5::Handle keras_2_root(const hdf5::Handle& file, const std::string& where) {
  hdf5::Handle root = hdf5::group(file, "model_weights", where);
  if (!root) root = hdf5::Handle(H5Gopen2(file, "/", H5P_DEFAULT), H5Gclose);
  if (root && keras_list(root, "layer_names", where)) return root;
  return {-1, H5Gclose};
}

/// Lists the arrays of a file; `models` are the names of models within the model, as far as they are known. Throws
/// FormatError.
inline KerasFile keras_2_index(const hdf5::Handle& root, const std::set<std::string>& models,
                               const std::string& where) {
  KerasFile keras;
  std::set<std::string> names, listed;
  const std::vector<std::string> layers = keras_list(root, "layer_names", where).value();
  for (const std::string& layer : layers) {
    const std::string here = where + ": layer " + in_quotes(layer);
    const auto fail = [&](const std::string& expected) {
      throw FormatError(here + ": expected " + expected + ", found none");
    };
    const hdf5::Handle group = hdf5::group(root, layer, here);
    if (!group) fail("a group");
    const auto weights = keras_list(group, "weight_names", here);
    if (!weights) fail("an attribute \"weight_names\"");
    // A model within the model stands as one layer with the weights of many, first all that are trainable.
    std::set<std::string> inner;
    for (const std::string& weight : *weights) inner.insert(split_weight_name(weight).first);
    if (inner.size() > 1) keras.ordered = false;
    for (const std::string& weight : *weights) {
      const auto [inside, parameter] = split_weight_name(weight);
      const std::string owner = (inner.size() > 1 || models.contains(layer)) && !inside.empty() ? inside : layer;
      auto [data, tensor] = hdf5::dataset(group, weight, here);
      tensor.name = owner + "/" + parameter;
      if (!names.insert(tensor.name).second) {
        throw FormatError(where + ": expected each array once, found " + in_quotes(tensor.name) + " twice");
      }
      if (listed.insert(owner).second) keras.layers.push_back({owner});
      keras.file.tensors.push_back(std::move(tensor));
      keras.datasets.push_back(std::move(data));
    }
  }
  return keras;
}

/// Writes a list of names as Keras does: in several attributes when one could not hold it.
inline void write_keras_list(hid_t group, const std::string& name, const std::vector<std::string>& list,
                             const std::filesystem::path& path) {
  constexpr std::size_t most_bytes = 64512;  // of an attribute (HDF5_OBJECT_HEADER_LIMIT in Keras)
  std::size_t size = 1;
  for (const std::string& text : list) size = std::max(size, text.size());
  const std::size_t most = most_bytes / size;
  if (most == 0)
    throw FormatError(path.string() + ": expected names of at most " + std::to_string(most_bytes) + " bytes");
  if (list.size() <= most) return hdf5::write_texts(group, name, list, path);
  for (std::size_t first = 0, part = 0; first < list.size(); first += most, ++part) {
    const std::size_t some = std::min(most, list.size() - first);
    hdf5::write_texts(group, name + std::to_string(part), std::span(list).subspan(first, some), path);
  }
}

/// Writes the arrays of `layers`, which stand under their full names in `tensors`.
inline void write_keras_2(const hdf5::Handle& file, const std::vector<KerasWanted>& layers, const TensorFile& tensors,
                          const std::filesystem::path& path) {
  std::vector<std::string> names;
  for (const KerasWanted& layer : layers) {
    const std::string& name = names.emplace_back(layer.keras_name);
    const hdf5::Handle group = hdf5::new_group(file, name, path);
    std::vector<std::string> weights;
    for (const std::string& parameter : layer.parameters) {
      weights.push_back(name + "/" + parameter + ":0");
      hdf5::write_dataset(group, weights.back(), *tensors.find(layer.name + "/" + parameter), path);
    }
    write_keras_list(group, "weight_names", weights, path);
  }
  const hdf5::Handle root(H5Gopen2(file, "/", H5P_DEFAULT), H5Gclose);
  write_keras_list(root, "layer_names", names, path);
  hdf5::write_text(root, "backend", "tensorflow", path);
  hdf5::write_text(root, "keras_version", "2.2.4", path);
}

}  // namespace abell::detail

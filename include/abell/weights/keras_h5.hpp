#pragma once
/// Weight files of Keras 2 and tf.keras (`model.save_weights("w.h5")`, `model.save("m.h5")`): HDF5 with
///
///     layer_names                attribute of the root, or of /model_weights in files of whole models
///     <layer>                    a group for each layer, with the attribute weight_names
///     <layer>/<weight name>      the arrays: /conv1/conv1/kernel:0
///
/// in the dimensions that this library has too: kernels [height][width][in][out], transposed ones
/// [height][width][out][in], depthwise ones [height][width][channels][multiplier], dense ones [in][out]. Layers without
/// a name of their own are called by Keras's words (batch_normalization_1). A list too long for one attribute is split
/// into layer_names0, layer_names1, ... HDF5 as Debian builds it may be called from one thread at a time only.

#include <abell/layers/layer_info.hpp>
#include <abell/weights/hdf5.hpp>
#include <abell/weights/in_child.hpp>
#include <abell/weights/keras_names.hpp>
#include <abell/weights/match.hpp>
#include <abell/weights/safetensors.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <ostream>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace abell {

namespace detail {

/// What reading a file of so many bytes may take: a gigabyte and sixteen times the file, ten seconds and one more for
/// every 16 MiB.
inline ChildLimits keras_limits(std::uint64_t bytes) {
  constexpr std::uint64_t most = std::uint64_t{1} << 40;  // so that nothing overflows
  const std::uint64_t size = std::min(bytes, most);
  return {.bytes = (std::uint64_t{1} << 30) + 16 * size, .seconds = static_cast<std::uint32_t>(10 + (size >> 24))};
}

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

/// The group that holds the weights. Throws FormatError when the file is none of Keras's.
inline hdf5::Handle keras_root(const hdf5::Handle& file, const std::string& where) {
  hdf5::Handle root = hdf5::group(file, "model_weights", where);
  if (!root) root = hdf5::Handle(H5Gopen2(file, "/", H5P_DEFAULT), H5Gclose);
  if (!root || !keras_list(root, "layer_names", where)) {
    const bool keras3 =
        hdf5::follow(file, "layers", where) || hdf5::follow(file, "_layer_checkpoint_dependencies", where);
    throw FormatError(where + ": expected a Keras file of weights (attribute \"layer_names\"), found " +
                      (keras3 ? "the layout of Keras 3 (save the whole model as .h5 there)" : "none"));
  }
  return root;
}

/// Lists the arrays of a file. Throws FormatError.
inline KerasFile keras_index(const hdf5::Handle& root, const std::string& where) {
  KerasFile keras;
  std::set<std::string> names;
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
    // A model within the model stands as one layer with the weights of many.
    std::set<std::string> inner;
    for (const std::string& weight : *weights) inner.insert(split_weight_name(weight).first);
    for (const std::string& weight : *weights) {
      const auto [inside, parameter] = split_weight_name(weight);
      const std::string owner = inner.size() > 1 && !inside.empty() ? inside : layer;
      auto [data, tensor] = hdf5::dataset(group, weight, here);
      tensor.name = owner + "/" + parameter;
      if (!names.insert(tensor.name).second) {
        throw FormatError(where + ": expected each array once, found " + in_quotes(tensor.name) + " twice");
      }
      if (std::ranges::find(keras.layers, owner) == keras.layers.end()) keras.layers.push_back(owner);
      keras.file.tensors.push_back(std::move(tensor));
      keras.datasets.push_back(std::move(data));
    }
  }
  return keras;
}

/// Writes all arrays that `expected` asks for, once names and shapes are known to fit, as a safetensors file. Those
/// that are not used are written empty; in the metadata stands "in_order" when the layers were taken so.
inline void read_keras(const std::filesystem::path& path, std::vector<char>& bytes,
                       const std::vector<ExpectedTensor>& expected, const std::vector<std::string>& layers,
                       const std::map<std::string, std::string>& names, const KerasOptions& options,
                       std::ostream& out) {
  const std::string where = path.string();
  const hdf5::Quiet quiet;
  const hdf5::Handle opened = hdf5::open(path, bytes);
  KerasFile keras = keras_index(keras_root(opened, where), where);
  if (rename(where, keras, layers, names, options)) keras.file.metadata["in_order"] = "";
  rename_depthwise(keras.file, expected);
  TensorFile used = keras.file;
  reconcile(path, used, expected, {options.missing, options.unused});
  for (std::size_t i = 0; i < keras.datasets.size(); ++i) {
    StoredTensor& tensor = keras.file.tensors[i];
    used.find(tensor.name) != nullptr ? hdf5::read_into(keras.datasets[i], tensor, where) : void(tensor.shape = {0});
  }
  write_tensors(out, keras.file, where);
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

}  // namespace detail

/// Loads the parameters of `network` from a Keras file of weights or of a whole model, of float16, float32 or
/// float64, and returns which of the layers named in `options` were left out. HDF5 reads it in a child process with
/// limits of memory and time (`detail::keras_limits`), and from this file alone. Throws IoError, FormatError
/// for files that are damaged or not Keras's, ShapeError listing what is missing, unexpected or of another shape
/// ("weights of another network"), NumericError for NaN and infinite weights; the network is then as it was.
template <class Network>
LoadedWeights load_keras_weights(const std::filesystem::path& path, Network& network,
                                 const KerasOptions& options = {}) {
  std::vector<char> bytes = detail::hdf5::read_bytes(path);
  const std::vector<detail::ExpectedTensor> expected = detail::expected_parameters(network);
  const auto read = [&](std::ostream& out) {
    detail::read_keras(path, bytes, expected, detail::layers_with_weights(network), detail::keras_names(network),
                       options, out);
  };
  const detail::ChildLimits limits = detail::keras_limits(bytes.size());
  std::optional<std::string> arrays =
      options.in_child ? detail::from_child(limits, read) : detail::heard(detail::said_by(read));
  if (!arrays) {
    throw FormatError(path.string() + ": expected a whole HDF5 file, found one at which HDF5 fails, or that takes it " +
                      "more than " + std::to_string(limits.seconds) + " s or " + std::to_string(limits.bytes >> 20) +
                      " MiB");
  }
  const std::size_t size = arrays->size();
  std::istringstream in(std::move(*arrays));
  TensorFile file = detail::read_tensors(in, size, path.string());
  LoadedWeights loaded = detail::reconcile(path, file, expected, {options.missing, options.unused});
  loaded.in_order = file.metadata.contains("in_order");
  detail::fill(path, file, network);
  return loaded;
}

/// Writes `parameters` (laid out as network.parameters()) as a Keras file of weights, which
/// `model.load_weights` reads by name and in order. The same parameters give the same bytes. Throws IoError,
/// ShapeError, and NumericError for NaN and infinite weights.
template <class Network>
void save_keras_weights(const std::filesystem::path& path, const Network& network,
                        std::span<const typename Network::Scalar> parameters) {
  namespace hdf5 = detail::hdf5;
  if (parameters.size() != network.parameters().size()) {
    throw ShapeError(path.string() + ": expected " + std::to_string(network.parameters().size()) +
                     " parameters, found " + std::to_string(parameters.size()));
  }
  const std::vector<StoredTensor> tensors = detail::stored_parameters(path, network, parameters);
  const hdf5::Quiet quiet;
  const hdf5::Handle file = hdf5::create();
  hdf5::require(bool(file), path, "/");
  const std::map<std::string, std::string> names = detail::keras_names(network);
  std::vector<std::string> layers;
  std::size_t next = 0;
  each_layer(network.layers(), [&](const LayerInfo& layer) {
    const std::string& name = layers.emplace_back(names.at(layer.name));
    const hdf5::Handle group(H5Gcreate2(file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
    hdf5::require(bool(group), path, name);
    std::vector<std::string> weights;
    for (const Parameter& parameter : layer.parameters) {
      weights.push_back(name + "/" + parameter.name + ":0");
      hdf5::write_dataset(group, weights.back(), tensors[next++], path);
    }
    detail::write_keras_list(group, "weight_names", weights, path);
  });
  const hdf5::Handle root(H5Gopen2(file, "/", H5P_DEFAULT), H5Gclose);
  detail::write_keras_list(root, "layer_names", layers, path);
  hdf5::write_text(root, "backend", "tensorflow", path);
  hdf5::write_text(root, "keras_version", "2.2.4", path);
  hdf5::write(path, file);
}

/// Writes the network's own parameters.
template <class Network>
void save_keras_weights(const std::filesystem::path& path, const Network& network) {
  save_keras_weights(path, network, std::span<const typename Network::Scalar>(network.parameters()));
}

}  // namespace abell

#pragma once
/// Files of Keras: weights in the layouts of Keras 2 (keras_2.hpp) and Keras 3 (keras_3.hpp), whole models of either,
/// and the architecture in their config (keras_config.hpp). The arrays have the dimensions that this library has too:
/// kernels [height][width][in][out], transposed ones [height][width][out][in], depthwise ones
/// [height][width][channels][multiplier], dense ones [in][out]. Layers without a name of their own are called by
/// Keras's words (batch_normalization_1). HDF5 as Debian builds it may be called from one thread at a time only.

#include <abell/layers/layer_info.hpp>
#include <abell/weights/hdf5.hpp>
#include <abell/weights/in_child.hpp>
#include <abell/weights/keras_2.hpp>
#include <abell/weights/keras_3.hpp>
#include <abell/weights/keras_architecture.hpp>
#include <abell/weights/keras_archive.hpp>
#include <abell/weights/keras_check.hpp>
#include <abell/weights/keras_names.hpp>
#include <abell/weights/match.hpp>
#include <abell/weights/safetensors.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <ostream>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell {

namespace detail {

/// What reading a file of so many bytes may take: a gigabyte and forty times the file, ten seconds and one more for
/// every 16 MiB.
inline ChildLimits keras_limits(std::uint64_t bytes) {
  constexpr std::uint64_t most = std::uint64_t{1} << 40;  // so that nothing overflows
  const std::uint64_t size = std::min(bytes, most);
  return {.bytes = (std::uint64_t{1} << 30) + 40 * size, .seconds = static_cast<std::uint32_t>(10 + (size >> 24))};
}

/// The bytes of a Keras file, opened.
class KerasSource {
 public:
  /// Throws FormatError.
  KerasSource(std::vector<char>& bytes, std::string where) : where_(std::move(where)), bytes_(&bytes) {
    const std::string_view all(bytes.data(), bytes.size());
    if (is_archive(all)) {
      const KerasArchive archive(all, where_);
      const std::vector<char> config = archive.read("config.json");
      config_.emplace(config.begin(), config.end());
      unpacked_ = archive.read("model.weights.h5");
      bytes_ = &unpacked_;
    }
    hdf5::require_signature({bytes_->data(), bytes_->size()}, where_);
    file_ = hdf5::open(where_, *bytes_);
    if (config_) return;
    const hdf5::Handle root(H5Gopen2(file_, "/", H5P_DEFAULT), H5Gclose);
    const auto texts = root ? hdf5::texts(root, "model_config", where_) : std::nullopt;
    if (texts && texts->size() == 1) config_ = texts->front();
  }

  /// That of a whole model.
  const std::optional<std::string>& config() const { return config_; }

  /// The arrays; `graph` is the config's, where there is one. Throws FormatError when the file is none of Keras's.
  KerasFile index(const std::optional<KerasGraph>& graph) const {
    if (const hdf5::Handle root = keras_2_root(file_, where_)) {
      return keras_2_index(root, graph ? graph->models : std::set<std::string>(), where_);
    }
    const hdf5::Handle root = keras_3_root(file_, where_);
    if (!root) {
      throw FormatError(where_ +
                        ": expected a Keras file of weights (attribute \"layer_names\", or a group \"layers\")," +
                        " found none");
    }
    std::map<std::string, std::string> names;
    if (graph) {
      for (const KerasNode& node : graph->nodes) names[node.path] = node.name;
    }
    return Keras3Index().read(root, names, where_);
  }

 private:
  std::string where_;
  std::optional<std::string> config_;
  std::vector<char> unpacked_;
  std::vector<char>* bytes_;
  hdf5::Handle file_{-1, H5Fclose};
};

/// Names of a config's layers with weights, and the network's for them. Throws ShapeError where they differ.
template <class Network>
std::map<std::string, std::string> keras_pairs(const std::string& where, const KerasGraph& graph,
                                               const Network& network, const KerasOptions& options) {
  const LayerList<float> theirs = keras_layers(graph, where + ": config");
  const std::vector<LayerInfo> infos = inspect_read(where + ": config", theirs, network.layers().front().input);
  return KerasPairs(where, {options.missing, options.unused})
      .pair(network.description(), network.layers(), theirs, infos);
}

/// Writes all arrays that the network asks for, once names and shapes are known to fit, as a safetensors file. Those
/// that are not used are written empty; in the metadata stands "in_order" when the layers were taken so.
template <class Network>
void read_keras(const std::filesystem::path& path, std::vector<char>& bytes, const Network& network,
                const KerasOptions& options, std::ostream& out) {
  const std::string where = path.string();
  const hdf5::Quiet quiet;
  const KerasSource source(bytes, where);
  std::optional<KerasGraph> graph;
  std::optional<std::map<std::string, std::string>> paired;
  if (source.config()) {
    graph = read_keras_config(*source.config(), where);
    paired = keras_pairs(where, *graph, network, options);
  }
  KerasFile keras = source.index(graph);
  if (rename(where, keras, keras_layers_of(network), paired, options)) keras.file.metadata["in_order"] = "";
  TensorFile used = keras.file;
  reconcile(path, used, expected_parameters(network), {options.missing, options.unused});
  for (std::size_t i = 0; i < keras.datasets.size(); ++i) {
    StoredTensor& tensor = keras.file.tensors[i];
    used.find(tensor.name) != nullptr ? hdf5::read_into(keras.datasets[i], tensor, where) : void(tensor.shape = {0});
  }
  write_tensors(out, keras.file, where);
}

/// What `read(bytes, out)` writes of a file, in a process of its own or not. Throws IoError and FormatError, and what
/// `read` throws.
template <class Read>
std::string from_keras_file(const std::filesystem::path& path, bool in_child, const Read& read) {
  std::vector<char> bytes = bytes_of_file(path);
  const std::string_view all(bytes.data(), bytes.size());
  if (!is_archive(all)) hdf5::require_signature(all, path.string());
  const auto body = [&](std::ostream& out) { read(bytes, out); };
  const ChildLimits limits = keras_limits(bytes.size());
  std::optional<std::string> said = in_child ? from_child(limits, body) : heard(said_by(body));
  if (!said) {
    throw FormatError(path.string() + ": expected a whole HDF5 file, found one at which HDF5 fails, or that takes it " +
                      "more than " + std::to_string(limits.seconds) + " s or " + std::to_string(limits.bytes >> 20) +
                      " MiB");
  }
  return *std::move(said);
}

}  // namespace detail

/// Loads the parameters of `network` from a Keras file of weights (.h5, .weights.h5) or of a whole model (.h5, .keras),
/// of float16, float32 or float64, and returns which of the layers named in `options` were left out. A whole model's
/// config must tell of the network's layers, but for a head that `options` let differ. HDF5 reads in a child process
/// with limits of memory and time (`detail::keras_limits`), and from this file alone. Throws IoError, FormatError for
/// files that are damaged or not Keras's, or have layers of classes that we do not have, ShapeError listing what is
/// missing, unexpected or of another shape ("weights of another network"), NumericError for NaN and infinite weights;
/// the network is then as it was.
template <class Network>
LoadedWeights load_keras_weights(const std::filesystem::path& path, Network& network,
                                 const KerasOptions& options = {}) {
  std::string arrays = detail::from_keras_file(
      path, options.in_child,
      [&](std::vector<char>& bytes, std::ostream& out) { detail::read_keras(path, bytes, network, options, out); });
  const std::size_t size = arrays.size();
  std::istringstream in(std::move(arrays));
  TensorFile file = detail::read_tensors(in, size, path.string());
  LoadedWeights loaded =
      detail::reconcile(path, file, detail::expected_parameters(network), {options.missing, options.unused});
  loaded.in_order = file.metadata.contains("in_order");
  detail::fill(path, file, network);
  return loaded;
}

/// The network that the config of a whole model (.keras, .h5) describes, without its weights. Throws IoError,
/// FormatError naming a layer that we do not have, or when the file has no config, and ShapeError for layers that do
/// not fit.
inline Architecture<> read_keras_architecture(const std::filesystem::path& path, bool in_child = true) {
  const std::string where = path.string();
  const std::string config = detail::from_keras_file(path, in_child, [&](std::vector<char>& bytes, std::ostream& out) {
    const detail::hdf5::Quiet quiet;
    const detail::KerasSource source(bytes, where);
    if (!source.config()) throw FormatError(where + ": expected a whole model with a config, found weights alone");
    out << *source.config();
  });
  return detail::keras_architecture(config, where);
}

/// Which layout `save_keras_weights` writes.
enum class KerasLayout { keras_2, keras_3 };

/// Keras's own rule: Keras 3's for names that end in .weights.h5.
inline KerasLayout keras_layout_of(const std::filesystem::path& path) {
  return path.filename().string().ends_with(".weights.h5") ? KerasLayout::keras_3 : KerasLayout::keras_2;
}

/// Writes `parameters` (laid out as network.parameters()) as a Keras file of weights, in the layout that its name tells
/// Keras; `model.load_weights` reads it in order, and Keras 2's by name too. The same parameters give the same bytes.
/// Throws IoError, ShapeError, and NumericError for NaN and infinite weights.
template <class Network>
void save_keras_weights(const std::filesystem::path& path, const Network& network,
                        std::span<const typename Network::Scalar> parameters) {
  namespace hdf5 = detail::hdf5;
  if (parameters.size() != network.parameters().size()) {
    throw ShapeError(path.string() + ": expected " + std::to_string(network.parameters().size()) +
                     " parameters, found " + std::to_string(parameters.size()));
  }
  const TensorFile tensors{detail::stored_parameters(path, network, parameters), {}};
  const hdf5::Quiet quiet;
  const hdf5::Handle file = hdf5::create();
  hdf5::require(bool(file), path, "/");
  const auto write = keras_layout_of(path) == KerasLayout::keras_3 ? detail::write_keras_3 : detail::write_keras_2;
  write(file, detail::keras_layers_of(network), tensors, path);
  hdf5::write(path, file);
}

/// Writes the network's own parameters.
template <class Network>
void save_keras_weights(const std::filesystem::path& path, const Network& network) {
  save_keras_weights(path, network, std::span<const typename Network::Scalar>(network.parameters()));
}

}  // namespace abell

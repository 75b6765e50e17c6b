#pragma once
/// State dicts of PyTorch as safetensors files, read and written:
///
///     safetensors.torch.save_file(model.state_dict(), "m.safetensors")
///
/// Each module's arrays stand under its path: "features.0.weight" and ".bias", of a batch normalisation also
/// ".running_mean", ".running_var" and ".num_batches_tracked". PyTorch's dimensions are
///
///     Conv2d [out][in][height][width], depthwise (groups = in) [in multiplier][1][height][width],
///     ConvTranspose2d [in][out][height][width], Linear [out][in]
///
/// and its vectors behind a Flatten, and before a Reshape (Unflatten), hold channel by channel what ours hold pixel by
/// pixel: weights on either side are put in that order.

#include <abell/core/error.hpp>
#include <abell/layers/layers.hpp>
#include <abell/weights/match.hpp>
#include <abell/weights/safetensors.hpp>
#include <abell/weights/torch_layout.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace abell {

/// Which module of a state dict each layer with weights is.
struct TorchOptions {
  /// Paths of modules by the names of layers: {{"conv2d_1", "features.0"}, ...}. Where it is empty, modules are taken
  /// in the order of the numbers in their paths when a file is read, and called after the places of the layers when
  /// one is written, as torch.nn.Sequential does: "0", "3", and of layers within layer 3 "3.branches.1.0".
  std::map<std::string, std::string> modules = {};
  std::vector<std::string> missing = {};  ///< layers of the network that the file may lack: they keep their values
  bool others = false;                    ///< modules that no layer is given may stay unread; only with `modules`
};

namespace detail {

/// A part of a module's path as it is sorted: numbers by their value, before words.
using TorchPart = std::tuple<bool, int, std::string>;

/// "features.10" -> features, 10: the parts of a module's path.
inline std::vector<TorchPart> torch_parts(std::string_view module) {
  constexpr std::size_t most_digits = 9;
  std::vector<TorchPart> parts;
  for (std::size_t begin = 0; begin <= module.size();) {
    const std::size_t dot = std::min(module.find('.', begin), module.size());
    const std::string part(module.substr(begin, dot - begin));
    const bool number =
        !part.empty() && part.size() <= most_digits && part.find_first_not_of("0123456789") == std::string::npos;
    parts.emplace_back(!number, number ? std::stoi(part) : 0, part);
    begin = dot + 1;
  }
  return parts;
}

/// "features.0.weight" -> {"features.0", "weight"}.
inline std::pair<std::string, std::string> split_torch_name(const std::string& name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos) return {"", name};
  return {name.substr(0, dot), name.substr(dot + 1)};
}

/// The modules of a file in the order of the numbers in their paths. Throws FormatError where paths differ in words,
/// which tell no order.
inline std::vector<std::string> torch_order(const std::string& where, const TensorFile& file) {
  std::vector<std::string> modules;
  for (const StoredTensor& tensor : file.tensors) {
    const std::string module = split_torch_name(tensor.name).first;
    if (std::ranges::find(modules, module) == modules.end()) modules.push_back(module);
  }
  std::ranges::sort(modules, {}, torch_parts);
  for (std::size_t i = 1; i < modules.size(); ++i) {
    const std::vector<TorchPart> x = torch_parts(modules[i - 1]), y = torch_parts(modules[i]);
    const auto [a, b] = std::ranges::mismatch(x, y);
    if (a != x.end() && b != y.end() && !std::get<0>(*a) && !std::get<0>(*b)) continue;
    throw FormatError(where + ": expected modules in the order of numbers (torch.nn.Sequential), or to be told which " +
                      "layer each is, found " + in_quotes(modules[i - 1]) + " and " + in_quotes(modules[i]));
  }
  return modules;
}

/// Which module each layer with weights is, when the modules are taken in order.
inline std::map<std::string, std::string> torch_modules_in_order(const std::string& where, const TensorFile& file,
                                                                 const std::vector<TorchLayer>& layers,
                                                                 const std::vector<std::string>& missing) {
  const std::vector<std::string> modules = torch_order(where, file);
  std::vector<std::string> wanted;
  for (const TorchLayer& layer : layers) wanted.push_back(layer.info->name);
  if (modules.size() != wanted.size()) {
    std::erase_if(wanted, [&](const std::string& name) { return std::ranges::find(missing, name) != missing.end(); });
  }
  if (modules.size() != wanted.size()) {
    throw ShapeError(where + ": weights of another network: expected " + std::to_string(layers.size()) +
                     " modules with weights, found " + std::to_string(modules.size()));
  }
  std::map<std::string, std::string> names;
  for (std::size_t i = 0; i < wanted.size(); ++i) names[wanted[i]] = modules[i];
  return names;
}

/// "features.0" and "weight" -> "features.0.weight".
inline std::string torch_name(const std::string& module, const std::string& parameter) {
  return module.empty() ? parameter : module + "." + parameter;
}

/// Throws OptionError for a layer that is not there, ShapeError for tensors that no layer is given: those of other
/// modules too, unless `others` may stay unread.
inline void require_torch_names(const std::string& where, const TensorFile& file, const std::vector<TorchLayer>& layers,
                                const std::map<std::string, std::string>& modules, bool others) {
  std::set<std::string> used, tensors;
  for (const auto& [name, module] : modules) {
    const auto layer = std::ranges::find(layers, name, [](const TorchLayer& each) { return each.info->name; });
    if (layer == layers.end()) {
      throw OptionError(where + ": expected layers with weights in the mapping, found " + in_quotes(name));
    }
    used.insert(module);
    for (const TorchArray& array : layer->arrays) tensors.insert(torch_name(module, array.name));
  }
  for (const StoredTensor& tensor : file.tensors) {
    if (tensors.contains(tensor.name)) continue;
    if (others && !used.contains(split_torch_name(tensor.name).first)) continue;
    throw ShapeError(where + ": weights of another network: found unexpected " + in_quotes(tensor.name) + " " +
                     shape_text(tensor.shape));
  }
}

/// The file's tensors under our names and in our order, those of them that `layers` have.
template <class T>
TensorFile from_torch(const std::string& where, const TensorFile& file, const std::vector<TorchLayer>& layers,
                      const std::map<std::string, std::string>& modules) {
  TensorFile ours;
  for (const TorchLayer& layer : layers) {
    const auto module = modules.find(layer.info->name);
    if (module == modules.end()) continue;
    for (std::size_t i = 0; i < layer.arrays.size(); ++i) {
      const TorchArray& array = layer.arrays[i];
      const std::string name = torch_name(module->second, array.name);
      const StoredTensor* tensor = file.find(name);
      const std::string expected = in_quotes(name) + " " + shape_text(array.shape);
      if (tensor == nullptr || tensor->shape != array.shape) {
        throw ShapeError(where + ": weights of another network: expected " + expected + " for layer " +
                         in_quotes(layer.info->name) + ", found " +
                         (tensor == nullptr ? "none" : shape_text(tensor->shape)));
      }
      const std::vector<int>& dimensions = layer.info->parameters[i].dimensions;
      std::vector<T> theirs(size_of(array)), values(theirs.size());
      read_weights<T>(where, *tensor, theirs);
      for (std::size_t j = 0; j < values.size(); ++j) values[array.place_in_ours(j)] = theirs[j];
      ours.tensors.push_back(stored(layer.info->name + "/" + layer.info->parameters[i].name,
                                    {dimensions.begin(), dimensions.end()}, std::span<const T>(values)));
    }
  }
  return ours;
}

}  // namespace detail

/// Whether the tensors of a safetensors file are named as PyTorch does, not as `save_model`. Throws as
/// `read_safetensors`.
inline bool is_torch_file(const std::filesystem::path& path) {
  detail::OpenFile open = detail::open_file(path);
  const auto entries = detail::read_header(open.stream, open.size, path.string()).entries;
  const auto theirs = [](const auto& entry) { return entry.tensor.name.find('/') == std::string::npos; };
  return !entries.empty() && std::ranges::all_of(entries, theirs);
}

namespace detail {

/// As `load_torch_weights`, from what a file holds.
template <class Network>
LoadedWeights load_torch(const std::filesystem::path& path, TensorFile file, Network& network,
                         const TorchOptions& options) {
  const std::string where = path.string();
  std::erase_if(file.tensors, [](const StoredTensor& tensor) {
    return split_torch_name(tensor.name).second == "num_batches_tracked";
  });
  const std::vector<TorchLayer> layers = torch_layers(where, network);
  const bool in_order = options.modules.empty();
  const std::map<std::string, std::string> modules =
      in_order ? torch_modules_in_order(where, file, layers, options.missing) : options.modules;
  require_torch_names(where, file, layers, modules, options.others);
  TensorFile ours = from_torch<typename Network::Scalar>(where, file, layers, modules);
  LoadedWeights loaded = reconcile(path, ours, expected_parameters(network), {options.missing, {}});
  loaded.in_order = in_order;
  fill(path, ours, network);
  return loaded;
}

}  // namespace detail

/// Loads the parameters of `network` from a state dict, of F64, F32, F16 or BF16, and returns which layers were left
/// out. Throws IoError, FormatError for a file whose modules have no order and for a layer between maps and vectors
/// whose values no weights put in PyTorch's, ShapeError for what is missing, left over or of another shape ("weights of
/// another network"), OptionError for layers that `options` name and the network has not, NumericError for NaN and
/// infinite weights; the network is then as it was.
template <class Network>
LoadedWeights load_torch_weights(const std::filesystem::path& path, Network& network,
                                 const TorchOptions& options = {}) {
  return detail::load_torch(path, read_safetensors(path), network, options);
}

/// Writes the network's parameters as a state dict: `model.load_state_dict(load_file("m.safetensors"))` takes it. The
/// same parameters give the same bytes. Throws IoError, FormatError as `load_torch_weights`, OptionError for a layer
/// that `options` name no module for, and NumericError for NaN and infinite weights.
template <class Network>
void save_torch_weights(const std::filesystem::path& path, const Network& network, const TorchOptions& options = {}) {
  using T = typename Network::Scalar;
  const std::string where = path.string();
  const std::vector<StoredTensor> ours =
      detail::stored_parameters(path, network, std::span<const T>(network.parameters()));
  TensorFile file{{}, {{"format", "pt"}}};
  for (const detail::TorchLayer& layer : detail::torch_layers(where, network)) {
    const auto named = options.modules.find(layer.info->name);
    if (!options.modules.empty() && named == options.modules.end()) {
      throw OptionError(where + ": expected a module for each layer, found none for " +
                        detail::in_quotes(layer.info->name));
    }
    const std::string module = options.modules.empty() ? layer.place : named->second;
    for (std::size_t i = 0; i < layer.arrays.size(); ++i) {
      const detail::TorchArray& array = layer.arrays[i];
      const std::string name = layer.info->name + "/" + layer.info->parameters[i].name;
      const std::vector<T> values = values_of<T>(*std::ranges::find(ours, name, &StoredTensor::name)).value();
      std::vector<T> theirs(values.size());
      for (std::size_t j = 0; j < theirs.size(); ++j) theirs[j] = values[array.place_in_ours(j)];
      file.tensors.push_back(stored(detail::torch_name(module, array.name), array.shape, std::span<const T>(theirs)));
    }
    if (layer.info->kind == BatchNorm::kind) {
      const std::array<std::int64_t, 1> none{0};
      file.tensors.push_back(
          stored(detail::torch_name(module, "num_batches_tracked"), {}, std::span<const std::int64_t>(none)));
    }
  }
  write_safetensors(path, file);
}

}  // namespace abell

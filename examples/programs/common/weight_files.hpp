#pragma once
/// The weights that training starts from: model files, and files of Keras, PyTorch and ONNX.

#include <abell/core/printable.hpp>
#include <abell/inference/load_onnx.hpp>
#include <abell/weights/keras_h5.hpp>
#include <abell/weights/model.hpp>
#include <abell/weights/torch.hpp>
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

namespace abell::program {

/// The extension in small letters: ".h5".
inline std::string extension_of(const std::filesystem::path& path) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(), [](unsigned char c) { return std::tolower(c); });
  return extension;
}

inline bool is_keras_file(const std::filesystem::path& path) {
  const std::string extension = extension_of(path);
  return extension == ".h5" || extension == ".hdf5" || extension == ".keras";
}

inline bool is_onnx_file(const std::filesystem::path& path) { return extension_of(path) == ".onnx"; }

/// Loads the weights to start from. Of a Keras, PyTorch or ONNX file's layers the network's last one may be missing,
/// which then keeps its initial values, and ImageNet's own is not used; what is left out so is told on standard error.
/// Throws as `load_weights`, `load_keras_weights`, `load_torch_weights` and `load_onnx_weights`.
inline void load_start(const std::filesystem::path& path, Network<float>& network, bool quiet) {
  const std::vector<std::string> head{abell::detail::layer_of(network.named_parameters().back().name)};
  LoadedWeights loaded;
  if (is_keras_file(path)) {
    loaded = load_keras_weights(path, network, {.missing = head, .unused = {"conv_preds"}});
  } else if (is_onnx_file(path)) {
    loaded = load_onnx_weights(path, network, {.missing = head});
  } else if (is_torch_file(path)) {
    loaded = load_torch_weights(path, network, {.missing = head});
  } else {
    load_weights(path, network);
  }
  if (quiet) return;
  const auto tell = [&](const std::string& text) { std::cerr << printable(path.string() + ": " + text) << std::endl; };
  if (loaded.in_order && !is_onnx_file(path)) tell("its layers have other names and are taken in order");
  for (const std::string& layer : loaded.missing) tell(layer + " is not in the file and keeps its initial weights");
  for (const std::string& layer : loaded.unused) tell(layer + " is not used");
}

}  // namespace abell::program

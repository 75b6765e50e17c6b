#pragma once
/// A network out of its model file alone.

#include <abell/core/file_kind.hpp>
#include <abell/models/cluster_net.hpp>
#include <abell/models/mobilenet.hpp>
#include <abell/models/unet.hpp>
#include <abell/network/memory.hpp>
#include <abell/weights/model.hpp>
#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace abell {

/// How `load_network` takes a model file. It throws FormatError where more than `max_memory` is needed.
struct LoadOptions {
  LayerKinds<float> kinds = {};                                 ///< besides the library's own: those of a user's layers
  int batch = 1;                                                ///< images that memory is reckoned for
  double max_memory = std::numeric_limits<double>::infinity();  ///< bytes
};

/// A network, and what its file tells of the images that it takes and of its outputs.
struct LoadedModel {
  ModelInfo info;
  Network<float> network;
};

namespace detail {

/// Reads ONNX files once inference/load_onnx.hpp, which needs protobuf, is included.
struct OnnxReader {
  ModelInfo (*info)(const std::filesystem::path&, const LoadOptions&) = nullptr;
  LoadedModel (*model)(const std::filesystem::path&, const LoadOptions&) = nullptr;
  Network<float> (*network)(const std::filesystem::path&, const LoadOptions&) = nullptr;
};
inline OnnxReader& onnx_reader() {
  static OnnxReader reader;
  return reader;
}

/// Whether a file is to be read as ONNX. Throws FormatError where it is, and nothing was included that can.
inline bool is_onnx(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string start(16, '\0');
  file.read(start.data(), static_cast<std::streamsize>(start.size()));
  start.resize(static_cast<std::size_t>(file.gcount()));
  if (path.extension() != ".onnx" && known_kind_of_file(start) != "an ONNX model") return false;
  if (onnx_reader().network != nullptr) return true;
  throw FormatError(path.string() +
                    ": expected a program that includes abell/inference/load_onnx.hpp, found an ONNX model");
}

/// The layers that a file tells of. Those of version 1 have no options: they were of three networks.
inline LayerList<float> described_layers(const std::filesystem::path& path, const ModelInfo& info) {
  if (!info.description.is_null()) return info.list;
  const int outputs = info.layers.back().output.channels;
  const auto with_head = [&](LayerList<float> list) {
    list.push_back(Dense{.units = outputs});
    if (info.task == "classify") list.push_back(Softmax{});
    if (info.task == "multilabel") list.push_back(Sigmoid{});
    return list;
  };
  if (info.network == "custom") return with_head(list_of<float>(make_cluster_net_body()));
  if (info.network == "mobilenet") return with_head(list_of<float>(make_mobilenet_body({.padding = Padding::same})));
  if (info.network == "unet") return list_of<float>(make_unet({.depth = 3, .classes = outputs}));
  throw FormatError(path.string() + ": expected a model of format version 2, or of the network custom, mobilenet or " +
                    "unet, found version 1 of " + in_quotes(info.network));
}

/// The network of a model file, which has told `info`.
inline Network<float> load_described(const std::filesystem::path& path, const ModelInfo& info,
                                     const LoadOptions& options) {
  const auto bytes = static_cast<double>(std::filesystem::file_size(path));
  check_memory(bytes, options.max_memory, path.string(), "a file");
  const LayerList<float> layers = described_layers(path, info);
  const std::vector<LayerInfo> infos = inspect_read(path.string(), layers, info.input);
  check_memory(estimated_bytes(infos, options.batch, false), options.max_memory, path.string(),
               "an input of " + to_string(info.input));
  if (bytes < static_cast<double>(parameter_count(infos)) * sizeof(float)) {
    throw ShapeError(path.string() + ": weights of another network: expected " +
                     std::to_string(parameter_count(infos)) + " parameters for an input of " + to_string(info.input) +
                     ", found a file of " + std::to_string(std::filesystem::file_size(path)) + " bytes");
  }
  auto network = build<float>(layers, info.input);
  const TensorFile file = read_safetensors(path);
  if (info.description.is_null()) require_same_layers(path, info, network);
  require_tensors(path, file, expected_parameters(network));
  fill(path, file, network);
  check_self_test(path, info, network);
  return network;
}

}  // namespace detail

/// The model file itself, or that in the folder of a run. Throws IoError where a folder has none.
inline std::filesystem::path model_file(const std::filesystem::path& run_or_file) {
  std::error_code error;
  if (!std::filesystem::is_directory(run_or_file, error)) return run_or_file;
  const std::filesystem::path inside = run_or_file / "model.safetensors";
  if (!std::filesystem::exists(inside, error)) throw IoError(inside.string() + ": no such file in the run's folder");
  return inside;
}

/// What a model file, or that of a run's folder, tells besides its weights. Throws as `read_model_info`.
inline ModelInfo load_info(const std::filesystem::path& run_or_file, const LoadOptions& options = {}) {
  const std::filesystem::path path = model_file(run_or_file);
  if (detail::is_onnx(path)) return detail::onnx_reader().info(path, options);
  return read_model_info(path, options.kinds);
}

/// The network of a model file, or of a run's folder, with its weights; of an ONNX file where inference/load_onnx.hpp
/// is included. Throws IoError, FormatError when the file is no model, has layers of other kinds, fails its self-test,
/// or needs more memory than `options` allow, before any is taken; ShapeError for weights that are missing, unexpected
/// or of another shape, NumericError for NaN and infinite ones.
inline Network<float> load_network(const std::filesystem::path& run_or_file, const LoadOptions& options = {}) {
  const std::filesystem::path path = model_file(run_or_file);
  if (detail::is_onnx(path)) return detail::onnx_reader().network(path, options);
  return detail::load_described(path, read_model_info(path, options.kinds), options);
}

/// Both. Throws as they do.
inline LoadedModel read_model(const std::filesystem::path& run_or_file, const LoadOptions& options = {}) {
  const std::filesystem::path path = model_file(run_or_file);
  if (detail::is_onnx(path)) return detail::onnx_reader().model(path, options);
  ModelInfo info = read_model_info(path, options.kinds);
  Network<float> network = detail::load_described(path, info, options);
  return {std::move(info), std::move(network)};
}

}  // namespace abell

#pragma once
/// Networks from ONNX files (onnx.ai), opsets 7 to 22: with this header, load_network, read_model and what stands on
/// them (Classifier) take `MODEL.onnx` as they take a model file. The graph becomes layers of ours, which are fused and
/// trained as any others. What the images must be like and what the outputs mean stands in the file's metadata, as
/// abell-export writes it, or beside it in `MODEL.json`.

#include <abell/inference/load_network.hpp>
#include <abell/weights/onnx_architecture.hpp>
#include <abell/weights/onnx_file.hpp>
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace abell {

namespace detail {

/// The network of a model that was read from `path`.
inline Network<float> network_of(const onnx::ModelProto& model, const std::filesystem::path& path,
                                 const LoadOptions& options) {
  const std::string where = path.string();
  const OnnxSource source(model.graph(), path);
  OnnxPaths paths(source, onnx_opset(model, where));
  const OnnxValue images = paths.images();
  OnnxList list = paths.layers(images);
  if (list.layers.empty()) throw FormatError(where + ": expected at least one layer, found none");
  const OnnxValue& output = paths.output();
  if (output.from_first || output.pads != OnnxPads{}) {
    throw FormatError(where + ": expected an output in the order height, width, channel, found " +
                      (output.from_first ? "the channels first" : "a node Pad as the last one"));
  }
  const std::vector<LayerInfo> infos = inspect_read(where, list.layers, images.shape);
  check_memory(estimated_bytes(infos, options.batch, false), options.max_memory, where,
               "an input of " + to_string(images.shape));
  auto network = build<float>(list.layers, images.shape);
  auto to = network.parameters().begin();
  for (const std::vector<float>& weights : list.weights) to = std::ranges::copy(weights, to).out;
  return network;
}

}  // namespace detail

/// The network of an ONNX file with its weights. Throws IoError; FormatError naming the node for an operator, an
/// attribute or a layout that has no layer here, for tensors that lie outside of the model's folder, and for what needs
/// more memory than `options` allow; ShapeError for sizes that do not fit, NumericError for NaN and infinite weights.
inline Network<float> read_onnx_network(const std::filesystem::path& path, const LoadOptions& options = {}) {
  return detail::network_of(detail::read_onnx_file(path, options.max_memory), path, options);
}

/// The layers of an ONNX file, to be trained anew, and the shape of the images that they take. Throws as
/// `read_onnx_network`.
inline Architecture<> read_onnx_architecture(const std::filesystem::path& path) {
  const Network<float> network = read_onnx_network(path);
  return {network.description(), network.input()};
}

/// Loads an ONNX file's weights into a network of the same layers, in their order. Layers that `options` name as
/// missing keep their values where the file has other sizes at their place. Throws ShapeError naming what does not fit,
/// and as `read_onnx_network`; the network is then as it was.
inline LoadedWeights load_onnx_weights(const std::filesystem::path& path, Network<float>& network,
                                       const WeightsOptions& options = {}) {
  const Network<float> file = read_onnx_network(path);
  const auto ours = network.named_parameters(), theirs = file.named_parameters();
  const auto text = [](const auto& all, std::size_t i) {
    return i < all.size() ? detail::in_quotes(all[i].name) + " " + shape_text(detail::sizes_of(all[i]))
                          : std::string("the end");
  };
  LoadedWeights loaded{.in_order = true};
  for (std::size_t i = 0; i < std::max(ours.size(), theirs.size()); ++i) {
    if (i < ours.size() && i < theirs.size() && ours[i].dimensions == theirs[i].dimensions) continue;
    const std::string layer = i < ours.size() ? detail::layer_of(ours[i].name) : "";
    if (std::ranges::find(options.missing, layer) == options.missing.end()) {
      throw ShapeError(path.string() + ": weights of another network: expected " + text(ours, i) + ", found " +
                       text(theirs, i));
    }
    if (loaded.missing.empty() || loaded.missing.back() != layer) loaded.missing.push_back(layer);
  }
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const std::string layer = detail::layer_of(ours[i].name);
    if (std::ranges::find(loaded.missing, layer) != loaded.missing.end()) continue;
    const auto from = file.parameters().subspan(theirs[i].offset, theirs[i].size);
    std::ranges::copy(from, network.parameters().subspan(ours[i].offset).begin());
  }
  return loaded;
}

namespace detail {

/// The JSON beside a model: MODEL.json of MODEL.onnx.
inline std::filesystem::path onnx_record(std::filesystem::path path) { return path.replace_extension(".json"); }

/// What the metadata of an ONNX file, or the JSON beside it, tells of the network's input and output. Throws IoError
/// and FormatError.
inline ModelInfo read_onnx_info(const std::filesystem::path& path) {
  namespace fs = std::filesystem;
  constexpr double most_bytes = 2147483647;
  const fs::path record = onnx_record(path);
  std::error_code error;
  Json json;
  std::string where = record.string();
  if (fs::exists(record, error)) {
    std::ifstream file(record, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file) throw IoError(where + ": cannot be read");
    json = parse_json(text, where, most_json_levels);
  } else {
    const onnx::ModelProto model = read_onnx_file(path, most_bytes);
    where = path.string() + ": metadata";
    for (const onnx::StringStringEntryProto& entry : model.metadata_props()) {
      if (entry.key() == model_key) json = parse_json(entry.value(), where, most_json_levels);
    }
  }
  if (!json.is_object()) {
    throw FormatError(path.string() + ": expected classes in its metadata, or in " + record.string() +
                      R"( ({"classes": ["other", "cluster"], "positive": ["cluster"]}), found none)");
  }
  ModelInfo info;
  info.network = "onnx";
  if (json.contains("task")) info.task = text_member(where, json, "task");
  if (json.contains("targets")) info.targets = texts_member(where, json, "targets");
  if (json.contains("classes") || info.targets.empty()) info.classes = texts_member(where, json, "classes");
  if (json.contains("positive") || info.task == "classify") info.positive = texts_member(where, json, "positive");
  if (json.contains("preprocessing"))
    info.preprocessing = member(where, json, "preprocessing", &Json::is_object, "an object");
  return info;
}

/// The network with what is told of it, which must fit.
inline LoadedModel read_onnx_model(const std::filesystem::path& path, const LoadOptions& options) {
  LoadedModel model{read_onnx_info(path), read_onnx_network(path, options)};
  model.info.input = model.network.input();
  model.info.list = model.network.description();
  model.info.description = layers_json(model.info.list);
  model.info.layers = model_layers(model.network.layers());
  const std::string fault = output_fault(model.info, model.network.output());
  if (!fault.empty()) throw FormatError(path.string() + ": " + fault);
  return model;
}

/// Makes `load_network`, `read_model` and `load_info` take ONNX files.
inline const bool onnx_is_read = [] {
  onnx_reader() = {.info = [](const auto& path, const auto& options) { return read_onnx_model(path, options).info; },
                   .model = read_onnx_model,
                   .network = [](const auto& path, const auto& options) { return read_onnx_network(path, options); }};
  return true;
}();

}  // namespace detail

}  // namespace abell

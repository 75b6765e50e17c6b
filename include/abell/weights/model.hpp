#pragma once
/// Model files: a safetensors file with a network's parameters under their full names
/// ("conv2d_1/kernel"), and in its metadata, as JSON under "abell", all that rebuilding it and classification need.
///
/// Format version 2 has every option of every layer and a self-test; version 1 has kinds, names and outputs of the
/// layers, which were those of the networks "custom", "mobilenet" and "unet".

#include <abell/core/error.hpp>
#include <abell/core/shape.hpp>
#include <abell/network/network.hpp>
#include <abell/weights/architecture.hpp>
#include <abell/weights/json.hpp>
#include <abell/weights/match.hpp>
#include <abell/weights/safetensors.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// A layer as a model file tells of it.
struct ModelLayer {
  std::string kind;
  std::string name;
  Shape output;
  friend bool operator==(const ModelLayer&, const ModelLayer&) = default;
};

/// What stands beside the weights in a model file; never a time, a thread count or a path.
struct ModelInfo {
  static constexpr int format_version = 2;

  std::string network = "custom";          ///< what the architecture is called
  Shape input = {};                        ///< of an image; `save_model` takes it from the network
  std::vector<ModelLayer> layers = {};     ///< read from a file, those within layers after them (version 1: left out)
  nlohmann::json description = {};         ///< read from a file, its list of layers; null in one of version 1
  LayerList<float> list = {};              ///< the same as layers
  std::vector<double> self_test = {};      ///< read from a file, some of the outputs for `self_test_image`
  std::vector<std::string> classes = {};   ///< a name for each output, where outputs are classes
  std::vector<std::string> positive = {};  ///< those of the classes whose probabilities make p(positive)
  nlohmann::json preprocessing = nlohmann::json::object();  ///< resize, scale, channels, NaN policy, ...
  std::string task = "classify";          ///< else multilabel, regress or segment: without positive classes
  std::vector<std::string> targets = {};  ///< of regress, in place of classes: a name for each output
};

/// A network's layers, those within layers after them.
inline std::vector<ModelLayer> model_layers(const std::vector<LayerInfo>& infos) {
  std::vector<ModelLayer> layers;
  each_layer(infos, [&](const LayerInfo& layer) { layers.push_back({layer.kind, layer.name, layer.output}); });
  return layers;
}

/// The image that models are tested with: value i is ((2654435761 i mod 2^32) >> 16) / 65535.
template <class T>
Tensor<T> self_test_image(const Shape& input) {
  Tensor<T> image(1, input);
  for (std::size_t i = 0; i < image.size(); ++i) {
    const auto hash = static_cast<std::uint32_t>(i * 2654435761U);
    image.data()[i] = static_cast<T>(hash >> 16) / T(65535);
  }
  return image;
}

namespace detail {

inline constexpr const char* model_key = "abell";

inline Json shape_json(const Shape& shape) { return {shape.height, shape.width, shape.channels}; }

/// What is wrong with the task and the names of the outputs; empty when nothing is.
inline std::string output_fault(const ModelInfo& info, const Shape& output) {
  const bool regress = info.task == "regress", segment = info.task == "segment", classify = info.task == "classify";
  if (!regress && !segment && !classify && info.task != "multilabel") {
    return "expected the task classify, multilabel, regress or segment, found " + in_quotes(info.task);
  }
  if (segment && (output.height != info.input.height || output.width != info.input.width)) {
    return "expected a map of " + std::to_string(info.input.height) + "x" + std::to_string(info.input.width) +
           " pixels as the output of the task segment, found " + to_string(output);
  }
  const std::size_t outputs = segment ? static_cast<std::size_t>(output.channels) : output.size();
  const std::vector<std::string>& names = regress ? info.targets : info.classes;
  const std::string what = regress ? "targets" : "classes";
  if (names.size() != outputs) {
    return "expected " + std::to_string(outputs) + " " + what + ", found " + std::to_string(names.size());
  }
  const std::set<std::string> classes(names.begin(), names.end());
  if (classes.size() != outputs) return "expected " + what + " of different names, found one name twice";
  if (!classify) return {};
  if (info.positive.empty()) return "expected at least one positive class, found none";
  for (const std::string& name : info.positive) {
    if (!classes.contains(name)) return "expected positive classes from among the classes, found " + in_quotes(name);
  }
  return {};
}

/// The member `key` of an object when `is` (of Json) holds for it; `what` names the type in messages.
inline const Json& member(const std::string& where, const Json& object, const char* key,
                          bool (Json::*is)() const noexcept, const char* what) {
  const auto found = object.find(key);
  if (found == object.end()) throw FormatError(where + ": expected " + what + " under \"" + key + "\", found none");
  if (!((*found).*is)()) {
    throw FormatError(where + ": expected " + what + " under \"" + key + "\", found " + shown(*found));
  }
  return *found;
}

inline Shape shape_member(const std::string& where, const Json& object, const char* key) {
  const std::vector<std::uint64_t> sizes = sizes_of(member(where, object, key, &Json::is_array, "a list"), where);
  const auto fits = [](std::uint64_t size) { return size >= 1 && size <= 1'000'000'000; };
  if (sizes.size() != 3 || !std::ranges::all_of(sizes, fits)) {
    throw FormatError(where + ": expected height, width and channels under \"" + key + "\", found " +
                      shape_text(sizes));
  }
  return {static_cast<int>(sizes[0]), static_cast<int>(sizes[1]), static_cast<int>(sizes[2])};
}

inline std::string text_member(const std::string& where, const Json& object, const char* key) {
  return member(where, object, key, &Json::is_string, "text").get<std::string>();
}

inline std::vector<std::string> texts_member(const std::string& where, const Json& object, const char* key) {
  std::vector<std::string> texts;
  for (const Json& text : member(where, object, key, &Json::is_array, "a list")) {
    if (!text.is_string()) throw FormatError(where + ": expected names under \"" + key + "\", found " + shown(text));
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

/// Of a network's output those values that a model file holds: all, or evenly spaced ones. Throws NumericError for one
/// that is not finite.
template <class Network>
std::vector<double> self_test(const Network& network) {
  using T = typename Network::Scalar;
  constexpr std::size_t most = 64;
  const Tensor<T> output = network.predict(self_test_image<T>(network.input()), 1);
  const std::size_t count = std::min(most, output.size());
  std::vector<double> values;
  // Six digits are more than another instruction set's rounding leaves right.
  std::array<char, 32> text{};
  const auto rounded = [&](T value) {
    std::snprintf(text.data(), text.size(), "%.6g", static_cast<double>(value));
    return std::strtod(text.data(), nullptr);
  };
  for (std::size_t i = 0; i < count; ++i) values.push_back(rounded(output.data()[i * output.size() / count]));
  return values;
}

/// Throws FormatError unless the network answers as the one did that was saved, but for rounding.
template <class Network>
void check_self_test(const std::filesystem::path& path, const ModelInfo& info, const Network& network) {
  if (info.self_test.empty()) return;
  std::vector<double> found;
  try {
    found = self_test(network);
  } catch (const NumericError& error) {
    throw NumericError(path.string() + ": self-test: " + error.what());
  }
  double largest = 0;
  for (const double value : info.self_test) largest = std::max(largest, std::abs(value));
  bool same = found.size() == info.self_test.size();
  for (std::size_t i = 0; same && i < found.size(); ++i)
    same = std::abs(found[i] - info.self_test[i]) <= 1e-3 * largest;
  if (same) return;
  throw FormatError(path.string() + ": self-test: expected the outputs " + in_quotes(Json(info.self_test).dump()) +
                    ", found " + in_quotes(Json(found).dump()) + ": layers with other options, or damaged weights");
}

inline std::vector<double> numbers_member(const std::string& where, const Json& object, const char* key) {
  std::vector<double> numbers;
  for (const Json& number : member(where, object, key, &Json::is_array, "a list")) {
    if (!number.is_number())
      throw FormatError(where + ": expected numbers under \"" + key + "\", found " + shown(number));
    numbers.push_back(number.get<double>());
  }
  return numbers;
}

/// Without `kinds` the layers of version 2 are not read, nor is their output held against the names of the outputs.
inline ModelInfo parse_info(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata,
                            const LayerKinds<float>* kinds) {
  const auto text = metadata.find(model_key);
  if (text == metadata.end()) {
    throw FormatError(path.string() + ": expected a model (metadata \"" + model_key + "\"), found none");
  }
  const std::string where = path.string() + ": metadata";
  const Json json = parse_json(text->second, where, most_json_levels);
  if (!json.is_object()) throw FormatError(where + ": expected an object, found " + shown(json));
  const Json& version = member(where, json, "format_version", &Json::is_number_integer, "a number");
  if (version != 1 && version != ModelInfo::format_version) {
    throw FormatError(where + ": expected format version 1 or " + std::to_string(ModelInfo::format_version) +
                      ", found " + shown(version));
  }
  ModelInfo info;
  info.network = text_member(where, json, "network");
  info.input = shape_member(where, json, "input");
  const Json& description = member(where, json, "description", &Json::is_array, "a list");
  if (description.empty()) throw FormatError(where + ": expected at least one layer, found none");
  std::optional<Shape> output;
  if (version == 1) {
    for (const Json& layer : description) {
      if (!layer.is_object()) throw FormatError(where + ": expected layers as objects, found " + shown(layer));
      info.layers.push_back(
          {text_member(where, layer, "kind"), text_member(where, layer, "name"), shape_member(where, layer, "output")});
    }
    output = info.layers.back().output;
  } else {
    info.description = description;
    if (kinds != nullptr) {
      info.list = kinds->read(where, description);
      const std::vector<LayerInfo> infos = inspect_read(where, info.list, info.input);
      info.layers = model_layers(infos);
      output = infos.back().output;
    }
    if (json.contains("self_test")) info.self_test = numbers_member(where, json, "self_test");
  }
  info.classes = texts_member(where, json, "classes");
  info.positive = texts_member(where, json, "positive");
  info.preprocessing = member(where, json, "preprocessing", &Json::is_object, "an object");
  if (json.contains("task")) info.task = text_member(where, json, "task");
  if (json.contains("targets")) info.targets = texts_member(where, json, "targets");
  const std::string fault = output ? output_fault(info, *output) : "";
  if (!fault.empty()) throw FormatError(where + ": " + fault);
  return info;
}

/// A layer without what plays no part in prediction.
inline Json predicting(const Json& layer) {
  if (!layer.is_object()) return layer;
  Json kept = layer;
  for (const char* option : {"trainable", "rate", "momentum", "moving_variance", "zero_debias", "frozen"}) {
    kept.erase(option);
  }
  if (kept.contains("branches")) {
    for (Json& branch : kept["branches"]) {
      for (Json& each : branch) each = predicting(each);
    }
  }
  return kept;
}

inline std::string text_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// The layers of a network, or of a file, one by one as they are compared.
template <class Network>
std::vector<std::string> layer_texts(const Network& network, bool with_options) {
  std::vector<std::string> texts;
  if (with_options) {
    for (const Json& layer : layers_json(network.description())) texts.push_back(text_of(predicting(layer)));
  } else {
    for (const LayerInfo& layer : network.layers()) {
      texts.push_back(in_quotes(layer.name + " (" + layer.kind + ") " + to_string(layer.output)));
    }
  }
  return texts;
}
inline std::vector<std::string> layer_texts(const ModelInfo& info) {
  std::vector<std::string> texts;
  for (const Json& layer : info.description) {
    texts.push_back(text_of(predicting(layer)));
  }
  if (info.description.is_null()) {
    for (const ModelLayer& layer : info.layers) {
      texts.push_back(in_quotes(layer.name + " (" + layer.kind + ") " + to_string(layer.output)));
    }
  }
  return texts;
}

/// Throws ShapeError unless the file tells of the very layers and input of the network.
template <class Network>
void require_same_layers(const std::filesystem::path& path, const ModelInfo& info, const Network& network) {
  const std::string where = path.string() + ": weights of another network: ";
  if (info.input != network.input()) {
    throw ShapeError(where + "expected an input of " + to_string(network.input()) + ", found " + to_string(info.input));
  }
  const std::vector<std::string> expected = layer_texts(network, !info.description.is_null()),
                                 found = layer_texts(info);
  const auto text = [](const std::vector<std::string>& layers, std::size_t i) {
    return i < layers.size() ? layers[i].substr(0, 200) : std::string("the end");
  };
  for (std::size_t i = 0; i < std::max(expected.size(), found.size()); ++i) {
    if (i >= expected.size() || i >= found.size() || expected[i] != found[i]) {
      throw ShapeError(where + "expected layer " + std::to_string(i + 1) + " to be " + text(expected, i) + ", found " +
                       text(found, i));
    }
  }
  const std::string fault = output_fault(info, network.output());
  if (!fault.empty()) throw FormatError(path.string() + ": metadata: " + fault);
}

/// What `info` and the network tell, with a self-test. Throws OptionError for classes that do not fit.
template <class Network>
Json model_json(const Network& network, std::span<const typename Network::Scalar> parameters, const ModelInfo& info,
                const std::string& where = "model") {
  ModelInfo with_input = info;
  with_input.input = network.input();
  const std::string fault = output_fault(with_input, network.output());
  if (!fault.empty()) throw OptionError(where + ": " + fault);
  each_layer(network.layers(), [&](const LayerInfo& layer) {
    if (!is_layer_name(layer.name)) {
      throw OptionError(where + ": layer " + in_quotes(layer.name) + ": expected a name of " + layer_name_form);
    }
  });
  if (!info.preprocessing.is_object()) {
    throw OptionError(where + ": expected the preprocessing as an object, found " + shown(info.preprocessing));
  }
  Json json{{"format_version", ModelInfo::format_version},
            {"network", info.network},
            {"input", shape_json(network.input())},
            {"description", layers_json(network.description())},
            {"classes", info.classes},
            {"positive", info.positive},
            {"preprocessing", info.preprocessing}};
  if (info.task != "classify") json["task"] = info.task;
  if (!info.targets.empty()) json["targets"] = info.targets;
  if constexpr (requires { network.clone(); }) {
    auto saved = network.clone();
    std::ranges::copy(parameters, saved.parameters().begin());
    try {
      json["self_test"] = self_test(saved);
    } catch (const NumericError&) {  // a network that has no answer to the image
    }
  }
  return json;
}

}  // namespace detail

/// Writes `parameters` (laid out as network.parameters(); the best ones of a run, say) with what `info`
/// and the network tell. The same network and info give the same bytes. Throws OptionError for classes
/// that do not fit the network, NumericError for NaN and infinite weights, IoError when writing fails.
template <class Network>
void save_model(const std::filesystem::path& path, const Network& network,
                std::span<const typename Network::Scalar> parameters, const ModelInfo& info) {
  using Json = detail::Json;
  if (parameters.size() != network.parameters().size()) {
    throw ShapeError(path.string() + ": expected " + std::to_string(network.parameters().size()) +
                     " parameters, found " + std::to_string(parameters.size()));
  }
  const Json json = detail::model_json(network, parameters, info, path.string());
  TensorFile file;
  file.tensors = detail::stored_parameters(path, network, parameters);
  try {
    file.metadata[detail::model_key] = json.dump();
  } catch (const Json::exception&) {
    throw FormatError(path.string() + ": expected names of classes and layers in UTF-8, found other bytes");
  }
  write_safetensors(path, file);
}

/// Writes the network's own parameters.
template <class Network>
void save_model(const std::filesystem::path& path, const Network& network, const ModelInfo& info) {
  save_model(path, network, network.parameters(), info);
}

/// What a model file tells besides its weights. Throws IoError, and FormatError when the file is no
/// safetensors file, no model, of another format version, or has layers of other kinds.
inline ModelInfo read_model_info(const std::filesystem::path& path, const LayerKinds<float>& kinds = {}) {
  return detail::parse_info(path, read_safetensors_metadata(path), &kinds);
}

/// Loads the parameters of `network` from any safetensors file that holds them under their names, as
/// F64, F32, F16 or BF16, and returns which of the layers named in `options` were left out. Throws IoError,
/// FormatError, ShapeError listing what is missing, unexpected or of another shape ("weights of another
/// network"), NumericError for NaN and infinite weights; the network is then as it was.
template <class Network>
LoadedWeights load_weights(const std::filesystem::path& path, Network& network, const WeightsOptions& options = {}) {
  TensorFile file = read_safetensors(path);
  LoadedWeights loaded = detail::reconcile(path, file, detail::expected_parameters(network), options);
  detail::fill(path, file, network);
  return loaded;
}

/// `load_weights` from a model file whose input and layers must be those of the network, one by one but for what plays
/// no part in prediction, and give the same answer to its self-test; returns what the file tells.
template <class Network>
ModelInfo load_model(const std::filesystem::path& path, Network& network) {
  const TensorFile file = read_safetensors(path);
  ModelInfo info = detail::parse_info(path, file.metadata, nullptr);
  detail::require_same_layers(path, info, network);
  detail::require_tensors(path, file, detail::expected_parameters(network));
  const std::vector<typename Network::Scalar> before(network.parameters().begin(), network.parameters().end());
  detail::fill(path, file, network);
  if constexpr (requires { network.clone(); }) {
    try {
      detail::check_self_test(path, info, network);
    } catch (const Error&) {
      std::ranges::copy(before, network.parameters().begin());
      throw;
    }
  }
  return info;
}

}  // namespace abell

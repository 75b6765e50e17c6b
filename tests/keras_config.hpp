#pragma once
/// Configs as Keras 2 and 3 write them, whole models with them, and archives.

#include <zip.h>

#include <abell/weights/json.hpp>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "keras_file.hpp"

namespace keras_config {

using Json = abell::detail::Json;

/// A layer of a Sequential model; in a Functional one with the names of the layers that it takes.
inline Json layer(const std::string& class_name, const std::string& name, Json options = Json::object(),
                  const std::vector<std::string>& inputs = {}) {
  options["name"] = name;
  Json made{{"class_name", class_name}, {"name", name}, {"config", std::move(options)}};
  if (inputs.empty()) return made;
  Json node = Json::array();
  for (const std::string& input : inputs) node.push_back({input, 0, 0, Json::object()});
  made["inbound_nodes"] = Json::array({node});
  return made;
}

inline Json input_layer(const Json& sizes, const std::string& name = "input_1") {
  Json shape = Json::array({nullptr});
  for (const Json& size : sizes) shape.push_back(size);
  Json made = layer("InputLayer", name, {{"batch_input_shape", shape}});
  made["inbound_nodes"] = Json::array();
  return made;
}

inline Json sequential(const std::vector<Json>& layers, const std::string& name = "sequential") {
  return {{"class_name", "Sequential"}, {"name", name}, {"config", {{"name", name}, {"layers", layers}}}};
}

inline Json functional(const std::vector<Json>& layers, const std::string& first, const std::string& last,
                       const std::string& name = "model") {
  return {{"class_name", "Functional"},
          {"name", name},
          {"config",
           {{"name", name},
            {"layers", layers},
            {"input_layers", Json::array({Json::array({first, 0, 0})})},
            {"output_layers", Json::array({Json::array({last, 0, 0})})}}}};
}

/// The tiny network of keras_file.hpp; `norm` are the options of its batch normalisation.
inline std::vector<Json> tiny_layers(const Json& norm = {{"axis", {3}}, {"epsilon", 0.001}, {"momentum", 0.99}}) {
  return {layer("Conv2D", "c", {{"filters", 2}, {"kernel_size", {3, 3}}, {"strides", {1, 1}}, {"padding", "same"}}),
          layer("BatchNormalization", "n", norm),
          layer("ReLU", "r", {{"max_value", 6.0}, {"negative_slope", 0.0}, {"threshold", 0.0}}),
          layer("DepthwiseConv2D", "d", {{"kernel_size", {3, 3}}, {"padding", "same"}, {"use_bias", false}}),
          layer("GlobalAveragePooling2D", "g"),
          layer("Dropout", "o", {{"rate", 0.3}}),
          layer("Dense", "d1", {{"units", 3}, {"activation", "linear"}}),
          layer("Dense", "d2", {{"units", 2}, {"activation", "softmax"}})};
}
inline Json tiny_config(const Json& norm = {{"epsilon", 0.001}}) {
  std::vector<Json> layers = tiny_layers(norm);
  layers.insert(layers.begin(), input_layer({6, 6, 3}));
  return sequential(layers);
}
/// Our names of those of its layers that have weights.
inline const std::vector<std::pair<std::string, std::string>> tiny_names{
    {"c", "conv2d_1"}, {"n", "batch_norm_1"}, {"d", "depthwise_conv2d_1"}, {"d1", "dense_1"}, {"d2", "dense_2"}};

inline void add_config(const RawFile& raw, const Json& config) {
  const hdf5::Handle root(H5Gopen2(raw.file(), "/", H5P_DEFAULT), H5Gclose);
  hdf5::write_text(root, "model_config", config.dump(), {});
}

/// A whole model of Keras 2 with the tiny network's weights.
inline std::filesystem::path write_model(const std::filesystem::path& path, const Json& config) {
  RawFile raw("model_weights");
  for (const auto& [theirs, ours] : tiny_names) raw.layer(theirs, weights_of(numbered_tiny(), ours, theirs + "/"));
  add_config(raw, config);
  return raw.write(path);
}

/// A zip archive of some files.
inline std::filesystem::path write_archive(const std::filesystem::path& path,
                                           const std::vector<std::pair<std::string, std::string>>& files,
                                           bool packed = false) {
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  for (const auto& [name, bytes] : files) {
    zip_source_t* source = zip_source_buffer(archive, bytes.data(), bytes.size(), 0);
    const zip_int64_t index = zip_file_add(archive, name.c_str(), source, ZIP_FL_OVERWRITE);
    zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), packed ? ZIP_CM_DEFLATE : ZIP_CM_STORE, 0);
  }
  zip_close(archive);
  return path;
}

}  // namespace keras_config

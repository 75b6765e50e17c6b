#pragma once
/// Model files and the networks that they hold.

#include <abell/images/image.hpp>
#include <abell/weights/model.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "memory_limit.hpp"
#include "networks.hpp"

namespace abell::program {

/// The model file itself, or that of a run's folder.
inline std::filesystem::path model_file(const std::filesystem::path& model) {
  std::error_code error;
  if (!std::filesystem::is_directory(model, error)) return model;
  const std::filesystem::path inside = model / "model.safetensors";
  if (!std::filesystem::exists(inside, error)) {
    throw IoError(inside.string() + ": no such file in the run's folder");
  }
  return inside;
}

/// The network that `info`, of the model file, tells of, with its weights. Throws as `load_model` does, FormatError for
/// a network of another name and for one that needs more than `max_memory` bytes for `batch` images.
inline Network<float> read_network(const std::filesystem::path& file, const ModelInfo& info, int batch,
                                   std::uint64_t max_memory) {
  const NetworkChoice choice{
      .name = info.network, .task = parse_task(info.task), .outputs = info.layers.back().output.channels};
  const bool paper = std::ranges::find(network_names, info.network) != network_names.end();
  if (paper == (choice.task == Task::segment) || !(paper || info.network == "unet")) {
    throw FormatError(file.string() + ": expected a model of the network " +
                      (choice.task == Task::segment ? "'unet'" : "'custom' or 'mobilenet'") + ", found '" +
                      info.network + "'");
  }
  check_image_size(info.input.height, info.input.width, file.string() + ": metadata");
  const Architecture made = architecture_of(choice);
  if (info.input.channels != made.input.channels) {
    throw ShapeError(file.string() + ": expected an input of 3 channels, found " + to_string(info.input));
  }
  // Before memory is taken for what the metadata announces.
  const std::vector<LayerInfo> layers = inspect(made.layers, info.input);
  check_file_memory(file, max_memory);
  check_memory(estimated_bytes(layers, batch, false), static_cast<double>(max_memory), file.string(),
               "an input of " + to_string(info.input));
  const std::size_t parameters = parameter_count(layers);
  if (std::filesystem::file_size(file) < parameters * sizeof(float)) {
    throw ShapeError(file.string() + ": weights of another network: expected " + std::to_string(parameters) +
                     " parameters for an input of " + to_string(info.input) + ", found a file of " +
                     std::to_string(std::filesystem::file_size(file)) + " bytes");
  }
  auto network = build<float>(made.layers, info.input);
  load_model(file, network);
  return network;
}

}  // namespace abell::program

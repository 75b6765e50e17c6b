#pragma once
/// Model files and the networks in them.

#include <abell/images/image.hpp>
#include <abell/inference/load_network.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>

#include "memory_limit.hpp"

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

/// `load_network` within --max-memory, for images of a size that readers accept.
inline Network<float> read_network(const std::filesystem::path& file, const ModelInfo& info, int batch,
                                   std::uint64_t max_memory) {
  check_image_size(info.input.height, info.input.width, file.string() + ": metadata");
  check_file_memory(file, max_memory);
  return load_network(file, info, {.batch = batch, .max_memory = static_cast<double>(max_memory)});
}

}  // namespace abell::program

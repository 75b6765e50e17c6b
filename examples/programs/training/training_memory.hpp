#pragma once
/// What a training run may need, checked before anything is read.

#include <filesystem>
#include <string>

#include "../common/memory_limit.hpp"
#include "../common/networks.hpp"
#include "train_options.hpp"

namespace abell::program {

/// Throws FormatError when the files that the run starts from, or a step of --batch images, need more than
/// --max-memory.
inline void check_training_memory(const TrainOptions& options) {
  if (!options.weights.empty()) check_file_memory(options.weights, options.max_memory);
  if (options.resume) check_file_memory(std::filesystem::path(options.out) / "last.checkpoint", options.max_memory);
  const int batch = options.batch.value();
  const Architecture<> made = architecture_of(options.choice(2));
  check_memory(estimated_bytes(inspect(made.layers, made.input), batch, true), static_cast<double>(options.max_memory),
               "--batch " + std::to_string(batch), "the network " + options.network);
}

}  // namespace abell::program

#pragma once
/// What the targets share. Any bytes become something sound or an abell::Error; never anything else.

#include <abell/core/error.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

/// A finding.
inline void require(bool holds) {
  if (!holds) std::abort();
}

inline std::string text_of(const std::uint8_t* data, std::size_t size) { return {data, data + size}; }

/// Calls make(folder) for the seeds that a target makes itself, where libfuzzer.sh asks for them.
template <class Make>
int make_seeds(const Make& make) {
  if (const char* folder = std::getenv("ABELL_FUZZ_SEEDS")) make(std::filesystem::path(folder));
  return 0;
}

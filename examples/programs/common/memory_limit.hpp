#pragma once
/// --max-memory: what a model file, or a batch, may need.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <abell/network/memory.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>

namespace abell::program {

inline std::uint64_t half_of_memory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size) / 2 : UINT64_MAX;
}

inline void add_max_memory(CLI::App& app, std::uint64_t& bytes, const char* what) {
  app.add_option("--max-memory", bytes,
                 std::string("Memory that ") + what + " may need, 2G for instance (default: half of the machine's)")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(false).description(""));
}

/// A file of weights is read whole. Throws FormatError; a file that is not there is for its reader to tell.
inline void check_file_memory(const std::filesystem::path& file, std::uint64_t max_memory) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  if (!error) check_memory(static_cast<double>(size), static_cast<double>(max_memory), file.string(), "a file");
}

}  // namespace abell::program

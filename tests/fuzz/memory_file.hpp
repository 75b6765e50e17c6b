#pragma once
/// A file in memory, for readers that take a path.

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>

#include "target.hpp"

class MemoryFile {
 public:
  MemoryFile() : file_(::memfd_create("fuzz", MFD_CLOEXEC)) { require(file_ >= 0); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(file_); }

  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(file_); }

  /// Replaces what it held.
  void write(const std::uint8_t* data, std::size_t size) const {
    require(::ftruncate(file_, 0) == 0);
    require(::pwrite(file_, data, size, 0) == static_cast<ssize_t>(size));
  }

 private:
  int file_;
};

#pragma once
/// Opening files of weights, with errors that tell a missing file from a folder and from one not for us.

#include <abell/core/error.hpp>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <vector>

namespace abell::detail {

/// A file open for reading at its first byte.
struct OpenFile {
  std::ifstream stream;
  std::uint64_t size = 0;  ///< bytes
};

/// Throws IoError when there is no such file, it is a folder or a device, or it cannot be opened.
inline OpenFile open_file(const std::filesystem::path& path) {
  const std::string file = path.string();
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    throw IoError(file + ": expected a file, found none (" + error.message() + ")");
  }
  if (!std::filesystem::is_regular_file(status)) throw IoError(file + ": expected a file, found a folder or device");
  OpenFile open;
  open.size = std::filesystem::file_size(path, error);
  if (error) throw IoError(file + ": cannot be read: " + error.message());
  errno = 0;
  open.stream.open(path, std::ios::binary);
  if (!open.stream) {
    throw IoError(file + ": cannot be opened" + (errno != 0 ? std::string(": ") + std::strerror(errno) : ""));
  }
  return open;
}

/// The bytes of a file. Throws IoError.
inline std::vector<char> bytes_of_file(const std::filesystem::path& path) {
  OpenFile file = open_file(path);
  std::vector<char> bytes(static_cast<std::size_t>(file.size));
  file.stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.stream) throw IoError(path.string() + ": cannot be read");
  return bytes;
}

}  // namespace abell::detail

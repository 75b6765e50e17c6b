#pragma once
/// The bytes of a file in memory.

#include <abell/core/error.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace abell::detail {

using Bytes = std::span<const std::uint8_t>;

/// Throws FormatError naming the file when it has more bytes than an int can count, as the decoders need.
inline void check_byte_count(std::uintmax_t count, const std::string& name) {
  if (count > static_cast<std::uintmax_t>(std::numeric_limits<int>::max())) {
    throw FormatError(name + ": expected a file below 2 GiB, found " + std::to_string(count) + " bytes");
  }
}

/// Throws IoError, and FormatError for 2 GiB and more, before memory is taken.
inline std::vector<std::uint8_t> read_bytes(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) throw IoError(path.string() + ": no such file");
  if (!std::filesystem::is_regular_file(path, error)) throw IoError(path.string() + ": not a regular file");
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw IoError(path.string() + ": cannot be opened for reading");
  const auto size = static_cast<std::uintmax_t>(std::max<std::streamoff>(file.tellg(), 0));
  check_byte_count(size, path.string());
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file) throw IoError(path.string() + ": cannot be read");
  return bytes;
}

inline unsigned big_endian16(Bytes b) { return unsigned{b[0]} << 8 | b[1]; }
inline std::uint32_t big_endian(Bytes b) {
  return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | b[3];
}

}  // namespace abell::detail

#pragma once
/// One call for every kind of image file. Needs stb and CFITSIO.

#include <abell/core/error.hpp>
#include <abell/core/file_kind.hpp>
#include <abell/images/fits.hpp>
#include <abell/images/image.hpp>
#include <abell/images/stb.hpp>
#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

namespace abell {

/// Whether `path` is FITS (or compressed, which only FITS may be) rather than PNG or JPEG, told by
/// its first bytes. Throws IoError (no such file) and FormatError (none of them).
inline bool is_fits(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) {
    if (fits_base(path) != path) return true;
    throw IoError(path.string() + ": no such file");
  }
  if (!std::filesystem::is_regular_file(path, error)) throw IoError(path.string() + ": not a regular file");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw IoError(path.string() + ": cannot be opened for reading");
  std::array<char, 8> head{};
  file.read(head.data(), head.size());
  const std::string start(head.data(), static_cast<std::size_t>(file.gcount()));
  if (start.starts_with("\x89PNG") || start.starts_with("\xFF\xD8\xFF")) return false;
  for (const char* magic : {"SIMPLE", "\x1F\x8B", "\x1F\x9D", "BZh"}) {
    if (start.starts_with(magic)) return true;
  }
  throw FormatError(path.string() + ": expected a PNG, JPEG or FITS image, found " + kind_of_file(start));
}

/// Reads PNG, JPEG or FITS, told apart by the first bytes and not by the name. PNG and JPEG give
/// 0..255; FITS gives physical values with a mask. Errors: those of `read_stb` and `read_fits`, and FormatError for
/// more than `max_megapixels`, before pixels are read.
inline Image read_image(const std::filesystem::path& path, double max_megapixels = default_max_megapixels) {
  if (!is_fits(path)) return read_stb(path, max_megapixels);
  const FitsFile file(path);
  check_megapixels(file.height(), file.width(), max_megapixels, file.name());
  return file.read();
}

}  // namespace abell

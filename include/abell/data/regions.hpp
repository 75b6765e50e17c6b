#pragma once
/// Files of regions, as DS9 writes them in all of its formats.

#include <abell/core/error.hpp>
#include <abell/data/open_table.hpp>
#include <abell/data/region_objects.hpp>
#include <abell/data/region_text.hpp>
#include <abell/data/region_xml.hpp>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>

namespace abell {

namespace detail {

inline Regions read_regions(std::string_view text, const std::string& name, const RegionOptions& options) {
  RegionObjects objects(name, options);
  if (looks_like_xml(text)) {
    read_region_xml(text, objects);
    return objects.take();
  }
  RegionText lines(objects);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return objects.take();
}

}  // namespace detail

/// Whether a file holds regions, by its ending.
inline bool is_region_file(const std::filesystem::path& path) { return path.extension() == ".reg"; }

/// The centres of regions in ICRS, with their texts as ids and their colours. Coordinates are ICRS, FK5, FK4, Galactic,
/// or pixels of an image, its own or physical ones. Excluded shapes ('-') are left out, and, with a note, what marks no
/// object: lines, rulers, compasses, backgrounds. Throws IoError and FormatError naming file and line: another
/// coordinate system or shape, pixels without an image.
inline Regions read_regions(const std::filesystem::path& path, const RegionOptions& options = {}) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) throw IoError(path.string() + ": no such file");
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path, error)) throw IoError(path.string() + ": cannot be read");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return detail::read_regions(text, path.string(), options);
}

}  // namespace abell

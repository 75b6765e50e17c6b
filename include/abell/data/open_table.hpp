#pragma once
/// Tables of every form.

#include <abell/data/ecsv_header.hpp>
#include <abell/data/fits_table.hpp>
#include <abell/data/table.hpp>
#include <abell/data/votable.hpp>
#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace abell {

namespace detail {

/// Whether a file, whose first bytes are `start`, is FITS, packed or not; so is a name with CFITSIO's brackets.
inline bool looks_like_fits(const std::filesystem::path& path, std::string_view start) {
  return fits_base(path) != path || start.starts_with("SIMPLE") || start.starts_with("\x1F\x8B");
}

/// The first bytes of a file; none of a pipe, which is read once.
inline std::string first_bytes(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) return {};
  std::array<char, 256> bytes{};
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), bytes.size());
  return {bytes.data(), static_cast<std::size_t>(file.gcount())};
}

inline bool looks_like_xml(std::string_view start) {
  if (start.starts_with(CsvReader::byte_order_mark)) start.remove_prefix(CsvReader::byte_order_mark.size());
  const std::size_t first = start.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && start[first] == '<';
}

/// Whether a file is a table though its ending is that of FITS images, too.
inline bool is_fits_table(const std::filesystem::path& path) {
  return fits_base(path) == path && looks_like_fits(path, first_bytes(path)) && has_only_tables(path);
}

}  // namespace detail

/// Opens a table, its form told by its first bytes: FITS or VOTable, read whole, or text, read row by row
/// (`TableReader`), ECSV with what its header tells. Of several tables in a file the first that is `wanted` is taken,
/// else the first one. Throws IoError and FormatError naming the file.
inline std::unique_ptr<TableReader> open_table(const std::filesystem::path& path,
                                               const std::function<bool(const TableHeader&)>& wanted = {}) {
  const std::string start = detail::first_bytes(path);
  if (detail::looks_like_fits(path, start)) return std::make_unique<TableReader>(read_fits_table(path, wanted));
  if (detail::looks_like_xml(start)) return std::make_unique<TableReader>(read_votable(path, wanted));
  auto table = std::make_unique<TableReader>(path);
  if (start.starts_with(detail::ecsv_mark)) {
    std::ifstream file(path, std::ios::binary);
    table->set_truths(detail::describe_by_ecsv(*table, detail::ecsv_yaml(file)));
  }
  return table;
}

}  // namespace abell

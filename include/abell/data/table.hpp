#pragma once
/// CSV tables (RFC 4180), read whole and written complete or not at all.

#include <abell/core/atomic_file.hpp>
#include <abell/core/csv.hpp>
#include <abell/core/error.hpp>
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell {

/// A header and rows of as many fields each.
struct Table {
  std::string name;  ///< of the file, for errors
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
  std::vector<int> lines;  ///< where each row starts in the file, from 1

  /// The position of a column, if there is one of that name.
  std::optional<std::size_t> find(std::string_view column) const {
    const auto at = std::ranges::find(header, column);
    if (at == header.end()) return std::nullopt;
    return static_cast<std::size_t>(at - header.begin());
  }
  /// The position of a column. Throws FormatError naming the file and the columns that it has.
  std::size_t column(std::string_view wanted) const {
    if (const auto found = find(wanted)) return *found;
    std::string have;
    for (const std::string& title : header) have += (have.empty() ? "" : ", ") + title;
    throw FormatError(name + ": expected a column '" + std::string(wanted) + "', found: " + have);
  }
  /// "file:line" of a row, for errors.
  std::string where(std::size_t row) const { return name + ":" + std::to_string(lines[row]); }
};

namespace detail {

inline Table read_table(std::istream& in, const std::string& name) {
  Table table;
  table.name = name;
  CsvReader csv(in, name);
  if (!csv.next()) throw FormatError(name + ": expected a CSV header, found an empty file");
  const auto fields = [&] {
    std::vector<std::string> texts(csv.size());
    for (std::size_t i = 0; i < texts.size(); ++i) texts[i] = csv[i];
    return texts;
  };
  table.header = fields();
  // Inside quotes, or a second time, the mark is no part of the name either.
  std::string& first = table.header.front();
  while (first.starts_with(CsvReader::byte_order_mark)) first.erase(0, CsvReader::byte_order_mark.size());
  for (std::size_t i = 0; i < table.header.size(); ++i) {
    if (table.find(table.header[i]) != i) {
      throw FormatError(csv.where() + ": column '" + table.header[i] + "' is there twice");
    }
  }
  while (csv.next()) {
    if (csv.size() != table.header.size()) {
      throw FormatError(csv.where() + ": expected " + std::to_string(table.header.size()) + " fields, found " +
                        std::to_string(csv.size()));
    }
    table.rows.push_back(fields());
    table.lines.push_back(static_cast<int>(csv.line()));
  }
  return table;
}

}  // namespace detail

/// The table in `text`; `name` is used in errors. The first record is the header. Throws
/// FormatError naming file and line: no header, a column named twice, a row with another number of
/// fields, quotes out of place.
inline Table parse_csv(std::string_view text, const std::string& name) {
  std::istringstream in{std::string(text)};
  return detail::read_table(in, name);
}

/// Reads a CSV file. Throws IoError (cannot be read) and the errors of `parse_csv`.
inline Table read_csv(const std::filesystem::path& path) {
  std::ifstream file = open_csv(path);
  return detail::read_table(file, path.string());
}

/// Writes header and rows, complete or not at all. Throws ShapeError when a row has another number
/// of fields than the header, IoError when the file cannot be written.
inline void write_csv(const std::filesystem::path& path, const std::vector<std::string>& header,
                      const std::vector<std::vector<std::string>>& rows) {
  AtomicFile file(path);
  write_csv_row(file.stream(), header);
  for (const std::vector<std::string>& row : rows) {
    if (row.size() != header.size()) {
      throw ShapeError(path.string() + ": expected rows of " + std::to_string(header.size()) + " fields, found " +
                       std::to_string(row.size()));
    }
    write_csv_row(file.stream(), row);
  }
  file.commit();
}

}  // namespace abell

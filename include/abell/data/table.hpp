#pragma once
/// CSV tables (RFC 4180), read row by row or whole, and written complete or not at all.

#include <abell/core/atomic_file.hpp>
#include <abell/core/csv.hpp>
#include <abell/core/error.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <istream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell {

/// The columns of a table.
struct TableHeader {
  std::string name;  ///< of the file, for errors
  std::vector<std::string> header;
  std::vector<std::string> units = {};  ///< of the columns; none where the form of the file tells none
  std::vector<std::string> ucds = {};   ///< the same
  std::string frame = {};               ///< of the positions, as the file names it; empty where it does not

  /// The unit of a column, empty without.
  std::string unit(std::size_t column) const { return units.empty() ? "" : units[column]; }
  /// The UCD of a column, empty without.
  std::string ucd(std::size_t column) const { return ucds.empty() ? "" : ucds[column]; }
  /// The names of the columns, for errors.
  std::string columns() const {
    std::string all;
    for (const std::string& title : header) all += (all.empty() ? "" : ", ") + title;
    return all;
  }
  /// The position of a column, if there is one of that name.
  std::optional<std::size_t> find(std::string_view column) const {
    const auto at = std::ranges::find(header, column);
    if (at == header.end()) return std::nullopt;
    return static_cast<std::size_t>(at - header.begin());
  }
  /// The position of a column. Throws FormatError naming the file and the columns that it has.
  std::size_t column(std::string_view wanted) const {
    if (const auto found = find(wanted)) return *found;
    throw FormatError(name + ": expected a column '" + std::string(wanted) + "', found: " + columns());
  }
};

/// A header and rows of as many fields each.
struct Table : TableHeader {
  std::vector<std::vector<std::string>> rows;
  std::vector<int> lines;               ///< where each row starts in the file, from 1
  std::vector<std::string> notes = {};  ///< what could not be read and is empty, a text a column

  /// "file:line" of a row, for errors.
  std::string where(std::size_t row) const { return name + ":" + std::to_string(lines[row]); }
};

/// The rows of a CSV table one after the other; memory holds one.
///
///     TableReader table("objects.csv");
///     const std::size_t id = table.column("id");
///     while (table.next()) use(table[id], table.where());
class TableReader : public TableHeader {
 public:
  /// Reads the header. Throws IoError (cannot be read) and FormatError naming the file: no header, a column named
  /// twice.
  explicit TableReader(const std::filesystem::path& path) : file_(open_csv(path)), csv_(file_, path.string()) {
    read_header(path.string());
  }
  /// From a stream that outlives the reader; `file_name` is used in errors.
  TableReader(std::istream& in, const std::string& file_name) : csv_(in, file_name) { read_header(file_name); }
  TableReader(const TableReader&) = delete;
  TableReader& operator=(const TableReader&) = delete;

  /// Goes to the next row; false at the end. Throws FormatError naming file and line: another number of fields than
  /// the header has, and the errors of `CsvReader::next`.
  bool next() {
    if (!csv_.next()) return false;
    if (csv_.size() != header.size()) {
      throw FormatError(where() + ": expected " + std::to_string(header.size()) + " fields, found " +
                        std::to_string(csv_.size()));
    }
    read_fields();
    return true;
  }

  /// The fields of the row.
  const std::vector<std::string>& fields() const { return fields_; }
  const std::string& operator[](std::size_t column_number) const { return fields_[column_number]; }
  /// The line on which the row starts, from 1.
  std::int64_t line() const { return csv_.line(); }
  /// "file:line" of the row, for errors.
  std::string where() const { return csv_.where(); }

 private:
  void read_header(const std::string& file_name) {
    name = file_name;
    if (!csv_.next()) throw FormatError(name + ": expected a CSV header, found an empty file");
    read_fields();
    header = fields_;
    // Inside quotes, or a second time, the mark is no part of the name either.
    std::string& first = header.front();
    while (first.starts_with(CsvReader::byte_order_mark)) first.erase(0, CsvReader::byte_order_mark.size());
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (find(header[i]) != i) throw FormatError(where() + ": column '" + header[i] + "' is there twice");
    }
  }
  void read_fields() {
    fields_.resize(csv_.size());
    for (std::size_t i = 0; i < fields_.size(); ++i) fields_[i] = csv_[i];
  }

  std::ifstream file_;  ///< closed where the stream is another's
  CsvReader csv_;
  std::vector<std::string> fields_;
};

namespace detail {

inline Table read_rows(TableReader& reader) {
  Table table{{reader}, {}, {}};
  while (reader.next()) {
    table.rows.push_back(reader.fields());
    table.lines.push_back(static_cast<int>(reader.line()));
  }
  return table;
}

}  // namespace detail

/// The table in `text`; `name` is used in errors. The first record is the header. Throws
/// FormatError naming file and line: no header, a column named twice, a row with another number of
/// fields, quotes out of place.
inline Table parse_csv(std::string_view text, const std::string& name) {
  std::istringstream in{std::string(text)};
  TableReader reader(in, name);
  return detail::read_rows(reader);
}

/// Reads a CSV file. Throws IoError (cannot be read) and the errors of `parse_csv`.
inline Table read_csv(const std::filesystem::path& path) {
  TableReader reader(path);
  return detail::read_rows(reader);
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

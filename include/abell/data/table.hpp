#pragma once
/// Tables in text, read row by row or whole, and CSV (RFC 4180) written complete or not at all.

#include <abell/core/atomic_file.hpp>
#include <abell/core/csv.hpp>
#include <abell/core/error.hpp>
#include <abell/data/ipac_columns.hpp>
#include <abell/data/text_form.hpp>
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
  std::vector<std::string> units = {};         ///< of the columns; none where the form of the file tells none
  std::vector<std::string> ucds = {};          ///< the same
  std::vector<std::string> frames = {};        ///< of the positions in the columns, as the file names them; the same
  std::vector<std::string> descriptions = {};  ///< the same

  /// The unit of a column, empty without.
  std::string unit(std::size_t column) const { return units.empty() ? "" : units[column]; }
  /// The UCD of a column, empty without.
  std::string ucd(std::size_t column) const { return ucds.empty() ? "" : ucds[column]; }
  /// The frame of a column, empty without.
  std::string frame(std::size_t column) const { return frames.empty() ? "" : frames[column]; }
  /// The description of a column, empty without.
  std::string description(std::size_t column) const { return descriptions.empty() ? "" : descriptions[column]; }
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

/// The rows of a table one after the other; memory holds one. The form is told by how the text begins: commas, tabs or
/// semicolons between fields, without the blanks around them; lines with # before the names, or before all; VizieR's
/// rows of units and dashes; IPAC's columns between bars; the data of ECSV (`open_table` reads its header, too). A
/// table of another form is read whole before.
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
  /// Of a table in memory.
  explicit TableReader(Table table) : TableHeader(table), stored_(std::move(table)), csv_(file_, stored_->name) {}
  TableReader(const TableReader&) = delete;
  TableReader& operator=(const TableReader&) = delete;

  /// Goes to the next row; false at the end. Throws FormatError naming file and line: another number of fields than
  /// the header has, and the errors of `CsvReader::next`.
  bool next() {
    if (stored_) {
      if (stored_next_ == stored_->rows.size()) return false;
      fields_ = stored_->rows[stored_next_++];
      return true;
    }
    if (!next_record()) return false;
    if (ipac_) fields_ = ipac_->cut(fields_[0]);
    if (fields_.size() != header.size()) {
      throw FormatError(where() + ": expected " + std::to_string(header.size()) + " fields, found " +
                        std::to_string(fields_.size()));
    }
    for (std::size_t i = 0; i < nulls_.size(); ++i) {
      if (fields_[i] == nulls_[i]) fields_[i].clear();
    }
    for (const std::size_t i : truths_) {
      if (fields_[i] == "True") fields_[i] = "1";
      if (fields_[i] == "False") fields_[i] = "0";
    }
    return true;
  }

  /// Columns in which True and False stand for 1 and 0.
  void set_truths(std::vector<std::size_t> columns) { truths_ = std::move(columns); }

  /// The fields of the row.
  const std::vector<std::string>& fields() const { return fields_; }
  const std::string& operator[](std::size_t column_number) const { return fields_[column_number]; }
  /// The line on which the row starts, from 1.
  std::int64_t line() const { return stored_ ? stored_->lines[stored_next_ - 1] : csv_.line(); }
  /// "file:line" of the row, for errors.
  std::string where() const { return name + ":" + std::to_string(line()); }
  /// What could not be read and is empty, a text a column.
  std::vector<std::string> notes() const { return stored_ ? stored_->notes : std::vector<std::string>(); }

 private:
  void read_header(const std::string& file_name) {
    name = file_name;
    const std::string start(csv_.start());
    const detail::TextForm form = detail::text_form(start);
    csv_.set_form(form.csv);
    if (form.header_in_comment) {
      header =
          detail::first_records(detail::last_comment(start), {.separator = form.csv.separator, .trimmed = true}, 1)[0];
    } else {
      form.ipac ? read_ipac_header(start) : read_names();
    }
    // Inside quotes or bars, or a second time, the mark is no part of the name either.
    std::string& first = header.front();
    while (first.starts_with(CsvReader::byte_order_mark)) first.erase(0, CsvReader::byte_order_mark.size());
    if (form.units_row && next_record()) {
      units = fields_;
      units.resize(header.size());
      next_record();  // dashes
      ucds = detail::vizier_ucds(start, header);
    }
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (find(header[i]) != i) throw FormatError(where() + ": column '" + header[i] + "' is there twice");
    }
  }

  void read_names() {
    if (!next_record()) throw FormatError(name + ": expected a CSV header, found an empty file");
    header = fields_;
  }

  /// Lines with bars: names, types, units and the texts for null values.
  void read_ipac_header(std::string_view start) {
    std::vector<std::vector<std::string>> rows;
    for (std::size_t lines = detail::IpacColumns::header_lines(start); lines > 0 && next_record(); --lines) {
      if (fields_[0].starts_with('\\')) continue;
      if (rows.empty()) ipac_.emplace(fields_[0]);
      rows.push_back(ipac_->cut(fields_[0]));
      rows.back().resize(rows.front().size());
    }
    if (rows.empty() || rows[0].empty())
      throw FormatError(name + ": expected an IPAC header, found no names between bars");
    header = rows[0];
    if (rows.size() > 2) units = rows[2];
    if (rows.size() > 3) nulls_ = rows[3];
  }

  bool next_record() {
    if (!csv_.next()) return false;
    fields_.resize(csv_.size());
    for (std::size_t i = 0; i < fields_.size(); ++i) fields_[i] = csv_[i];
    return true;
  }

  std::optional<Table> stored_;
  std::size_t stored_next_ = 0;
  std::ifstream file_;  ///< closed where the stream is another's or the table is stored
  CsvReader csv_;
  std::optional<detail::IpacColumns> ipac_;
  std::vector<std::string> nulls_;  ///< what stands for null in each column of an IPAC table
  std::vector<std::size_t> truths_;
  std::vector<std::string> fields_;
};

namespace detail {

inline Table read_rows(TableReader& reader) {
  Table table{{reader}, {}, {}, reader.notes()};
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

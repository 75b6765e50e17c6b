#pragma once
/// CSV tables (RFC 4180), read whole and written complete or not at all.

#include <abell/core/atomic_file.hpp>
#include <abell/core/error.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <ostream>
#include <span>
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

/// One pass over the text; knows the line for errors.
class CsvParser {
 public:
  CsvParser(std::string_view text, const std::string& name) : text_(text), name_(name) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }

  int line() const { return line_; }

  /// The fields of the next record; empty at the end. Empty lines are skipped.
  std::vector<std::string> record(int& first_line) {
    while (at_ < text_.size() && (text_[at_] == '\n' || text_[at_] == '\r')) end_of_line();
    first_line = line_;
    std::vector<std::string> fields;
    if (at_ >= text_.size()) return fields;
    while (true) {
      fields.push_back(field());
      if (at_ >= text_.size()) return fields;
      if (text_[at_] != ',') {
        end_of_line();
        return fields;
      }
      ++at_;
    }
  }

 private:
  void end_of_line() {
    at_ += text_.substr(at_).starts_with("\r\n") ? 2U : 1U;
    ++line_;
  }

  std::string field() {
    std::string value;
    if (at_ < text_.size() && text_[at_] == '"') return quoted();
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r') {
      if (text_[at_] == '"') fail(line_, "a quote inside a field that does not begin with one");
      if (text_[at_] == '\0') fail(line_, "a zero byte");
      value += text_[at_++];
    }
    return value;
  }

  std::string quoted() {
    const int opened = line_;
    std::string value;
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\n' || (c == '\r' && !text_.substr(at_).starts_with("\r\n"))) ++line_;
      if (c != '"') {
        value += c;
        continue;
      }
      ++at_;
      if (at_ < text_.size() && text_[at_] == '"') {
        value += '"';
        continue;
      }
      if (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r') {
        fail(line_, "text after a closing quote");
      }
      return value;
    }
    fail(opened, "a quote that is never closed");
  }

  [[noreturn]] void fail(int line, const char* found) const {
    throw FormatError(name_ + ":" + std::to_string(line) + ": expected CSV (RFC 4180), found " + found);
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
  int line_ = 1;
};

}  // namespace detail

/// The table in `text`; `name` is used in errors. The first record is the header. Throws
/// FormatError naming file and line: no header, a column named twice, a row with another number of
/// fields, quotes out of place.
inline Table parse_csv(std::string_view text, const std::string& name) {
  Table table;
  table.name = name;
  detail::CsvParser parser(text, name);
  int line = 0;
  table.header = parser.record(line);
  if (table.header.empty()) throw FormatError(name + ": expected a CSV header, found an empty file");
  for (std::size_t i = 0; i < table.header.size(); ++i) {
    if (table.find(table.header[i]) != i) {
      throw FormatError(name + ":" + std::to_string(line) + ": column '" + table.header[i] + "' is there twice");
    }
  }
  while (true) {
    std::vector<std::string> fields = parser.record(line);
    if (fields.empty()) return table;
    if (fields.size() != table.header.size()) {
      throw FormatError(name + ":" + std::to_string(line) + ": expected " + std::to_string(table.header.size()) +
                        " fields, found " + std::to_string(fields.size()));
    }
    table.rows.push_back(std::move(fields));
    table.lines.push_back(line);
  }
}

/// Reads a CSV file. Throws IoError (cannot be read) and the errors of `parse_csv`.
inline Table read_csv(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) throw IoError(path.string() + ": no such file");
  if (std::filesystem::is_directory(path, error)) throw IoError(path.string() + ": expected a file, found a folder");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw IoError(path.string() + ": cannot be opened for reading");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (file.bad()) throw IoError(path.string() + ": cannot be read");
  return parse_csv(text, path.string());
}

/// The shortest text that reads back as the same number; empty for NaN and infinity (undefined).
inline std::string csv_number(double value) {
  if (!std::isfinite(value)) return {};
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

/// Writes one record, quoting where RFC 4180 asks for it, ended by a line feed.
inline void write_csv_row(std::ostream& out, std::span<const std::string> fields) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string& field = fields[i];
    if (i > 0) out << ',';
    const bool lonely = field.empty() && fields.size() == 1;
    if (!lonely && field.find_first_of(",\"\r\n") == std::string::npos) {
      out << field;
      continue;
    }
    out << '"';
    for (const char c : field) {
      if (c == '"') out << '"';
      out << c;
    }
    out << '"';
  }
  out << '\n';
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

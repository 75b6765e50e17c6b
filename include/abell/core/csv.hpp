#pragma once
/// CSV (RFC 4180) and its relatives as a stream of records: the one parser and writer of CSV in this library. What a
/// spreadsheet would evaluate is guarded (`formula.hpp`).

#include <abell/core/error.hpp>
#include <abell/core/file_kind.hpp>
#include <abell/core/formula.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <istream>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace abell {

/// How a text stands apart from RFC 4180.
struct CsvForm {
  char separator = ',';   ///< a blank stands for any number of them; a zero byte for none: each line is a field
  bool quotes = true;     ///< whether quotes hold fields together
  bool comments = false;  ///< whether lines that begin with # are skipped
  bool trimmed = false;   ///< whether blanks around fields, outside of quotes, are none of them
  bool guarded = true;    ///< whether formulas have guards (`formula.hpp`)
};

/// Reads one record after the other; memory holds one record and one block of the file. Fields that nobody asks for
/// are never decoded.
///
///     CsvReader csv(stream, "votes.csv");
///     while (csv.next()) use(csv[0], csv.line());
class CsvReader {
 public:
  /// A longer record is refused: most likely a quote was opened and never closed.
  static constexpr std::size_t most_record_bytes = std::size_t{64} << 20;
  /// The mark that some programs put before the first record; it is skipped.
  static constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

  /// `name` is used in errors.
  CsvReader(std::istream& in, std::string name, const CsvForm& form = {})
      : form_(form), in_(in), name_(std::move(name)) {}

  /// The first 256 KiB of the text, or all of it, before the first call of `next`; the mark is left out.
  std::string_view start() {
    while (filled_ < 4 * block && fill()) continue;
    skip_mark();
    return {buffer_.data() + at_, filled_ - at_};
  }
  /// For the records to come.
  void set_form(const CsvForm& form) { form_ = form; }

  /// Goes to the next record, over empty lines; false at the end of the file. Throws FormatError naming file and line
  /// (quotes out of place, a zero byte, a record that is too long) and IoError (cannot be read).
  bool next() {
    fields_.clear();
    record_ = at_;
    skip_mark();
    skip_lines();
    first_line_ = line_;
    if (peek() == end) return false;
    while (true) {
      skip_blanks();
      const bool opened = form_.quotes && peek() == '"';
      opened ? quoted() : plain();
      if (form_.separator == ' ') skip_blanks();
      const int after = peek();
      complete_ = after != end;
      if (after != end && after != '\n' && after != '\r') {
        if (form_.separator != ' ') ++at_;
        continue;
      }
      if (after != end) end_of_line();
      return true;
    }
  }

  /// Number of fields of the record.
  std::size_t size() const { return fields_.size(); }
  /// A decoded field without its guard; valid until the next call of `next`.
  std::string_view operator[](std::size_t index) {
    Field& field = fields_[index];
    char* const text = buffer_.data() + record_ + field.begin;
    if (field.doubled) {
      std::size_t kept = 0;
      for (std::size_t i = 0; i < field.length; ++i) {
        text[kept++] = text[i];
        if (text[i] == '"') ++i;
      }
      field = {field.begin, kept, false};
    }
    const std::string_view cell{text, field.length};
    return form_.guarded ? unguarded(cell) : cell;
  }
  /// The same as it stands in the file, between its quotes and not decoded, before it is asked for decoded: what is
  /// equal in this form is equal. Valid until the field is decoded.
  std::string_view raw(std::size_t index) const {
    return {buffer_.data() + record_ + fields_[index].begin, fields_[index].length};
  }
  /// The line on which the record starts, from 1.
  std::int64_t line() const { return first_line_; }
  /// "file:line" of the record, for errors.
  std::string where() const { return name_ + ":" + std::to_string(first_line_); }
  /// Whether a line break follows the record: false for the last one of a file that is cut short (or ends without).
  bool complete() const { return complete_; }
  /// Bytes of the file that were consumed.
  std::uint64_t bytes() const { return consumed_ + at_; }

 private:
  static constexpr int end = -1;
  static constexpr std::size_t block = std::size_t{1} << 16;

  struct Field {
    std::size_t begin;  ///< from the start of the record
    std::size_t length;
    bool doubled;  ///< has doubled quotes that are still to be decoded
  };

  int peek() {
    if (at_ == filled_ && !fill()) return end;
    return static_cast<unsigned char>(buffer_[at_]);
  }

  /// Reads the next block behind what the record has so far; false at the end of the file.
  bool fill() {
    if (record_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + record_, filled_ - record_);
      consumed_ += record_;
      at_ -= record_;
      filled_ -= record_;
      record_ = 0;
    }
    if (filled_ > most_record_bytes) {
      fail(first_line_, "a record of more than 64 MiB (is a quote never closed?)");
    }
    if (buffer_.size() < filled_ + block) buffer_.resize(std::max(2 * filled_, filled_ + block));
    in_.read(buffer_.data() + filled_, static_cast<std::streamsize>(block));
    if (in_.bad()) throw IoError(name_ + ": cannot be read");
    const auto got = static_cast<std::size_t>(in_.gcount());
    filled_ += got;
    return got > 0;
  }

  void skip_mark() {
    if (started_ || peek() == end) return;
    started_ = true;
    if (std::string_view(buffer_.data(), filled_).starts_with(byte_order_mark)) at_ += byte_order_mark.size();
  }

  /// Skips empty lines and comments.
  void skip_lines() {
    while (true) {
      record_ = at_;
      const int c = peek();
      if (form_.comments && c == '#') {
        while (peek() != '\n' && peek() != '\r' && peek() != end) ++at_;
      } else if (c == '\n' || c == '\r') {
        end_of_line();
      } else {
        return;
      }
    }
  }

  void skip_blanks() {
    while ((form_.trimmed || form_.separator == ' ') && peek() == ' ') ++at_;
  }

  bool ends_field(int c) const {
    return c == '\n' || c == '\r' || c == end || (form_.separator != '\0' && c == form_.separator);
  }

  void end_of_line() {
    const bool carriage_return = peek() == '\r';
    ++at_;
    if (carriage_return && peek() == '\n') ++at_;
    ++line_;
  }

  void plain() {
    const std::size_t begin = at_ - record_;
    for (int c = peek(); !ends_field(c); ++at_, c = peek()) {
      if (c == '"' && form_.quotes && form_.separator == ',') {
        fail(line_, "a quote inside a field that does not begin with one");
      }
      if (c == '\0') fail(line_, "a zero byte");
    }
    std::size_t length = at_ - record_ - begin;
    while (form_.trimmed && length > 0 && buffer_[record_ + begin + length - 1] == ' ') --length;
    fields_.push_back({begin, length, false});
  }

  /// How many bytes from `from` on are no quote, line feed or zero byte: eight at a time.
  static std::size_t unmarked(const char* from, const char* to) {
    constexpr std::uint64_t ones = 0x0101010101010101U;
    const auto zeros = [](std::uint64_t word) { return (word - ones) & ~word & (ones << 7U); };
    const char* at = from;
    for (; to - at >= 8; at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, at, sizeof word);
      if ((zeros(word) | zeros(word ^ (ones * '"')) | zeros(word ^ (ones * '\n'))) != 0) break;
    }
    while (at != to && *at != '"' && *at != '\n' && *at != '\0') ++at;
    return static_cast<std::size_t>(at - from);
  }

  void quoted() {
    const std::int64_t opened = line_;
    ++at_;
    const std::size_t begin = at_ - record_;
    bool doubled = false;
    while (true) {
      if (peek() == end) fail(opened, "a quote that is never closed");
      const char* const from = buffer_.data() + at_;
      at_ += unmarked(from, buffer_.data() + filled_);
      if (at_ == filled_) continue;
      const char mark = buffer_[at_];
      if (mark == '\0') fail(line_, "a zero byte");
      ++at_;
      if (mark == '\n') {
        ++line_;
        continue;
      }
      if (peek() != '"') break;
      doubled = true;
      ++at_;
    }
    fields_.push_back({begin, at_ - record_ - begin - 1, doubled});
    if (form_.trimmed && form_.separator != ' ') skip_blanks();
    if (!ends_field(peek())) fail(line_, "text after a closing quote");
  }

  [[noreturn]] void fail(std::int64_t line, const char* found) const {
    throw FormatError(name_ + ":" + std::to_string(line) + ": expected CSV (RFC 4180), found " + found);
  }

  CsvForm form_;
  std::istream& in_;
  std::string name_;
  std::string buffer_;      ///< the bytes [0, filled_) of it: the record so far, and what was read beyond
  std::size_t record_ = 0;  ///< where the record starts
  std::size_t at_ = 0;      ///< the next byte
  std::size_t filled_ = 0;
  std::uint64_t consumed_ = 0;  ///< bytes that left the buffer
  std::vector<Field> fields_;
  std::int64_t line_ = 1;
  std::int64_t first_line_ = 1;
  bool complete_ = false;
  bool started_ = false;
};

/// Opens a file for reading. Throws IoError naming it.
inline std::ifstream open_csv(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) throw IoError(path.string() + ": no such file");
  if (std::filesystem::is_directory(path, error)) throw IoError(path.string() + ": expected a file, found a folder");
  std::ifstream file(path, std::ios::binary);
  if (!file) throw IoError(path.string() + ": cannot be opened for reading");
  if (!std::filesystem::is_regular_file(path, error)) return file;  // a pipe is read once
  std::array<char, 8> start{};
  file.read(start.data(), start.size());
  const std::string kind = known_kind_of_file({start.data(), static_cast<std::size_t>(file.gcount())});
  if (!kind.empty()) throw FormatError(path.string() + ": expected a CSV table, found " + kind);
  file.clear();
  file.seekg(0);
  return file;
}

namespace detail {

/// The shortest text that reads back as the same float or double; empty for NaN and infinity (undefined).
template <class Real>
std::string shortest_number(Real value) {
  if (!std::isfinite(value)) return {};
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

}  // namespace detail

/// The shortest text that reads back as the same number; empty for NaN and infinity (undefined).
inline std::string csv_number(double value) { return detail::shortest_number(value); }

/// Writes one record, guarding what looks like a formula, quoting where RFC 4180 asks for it, and what readers of other
/// forms would take for something else: blanks around a field, #, | and \ at the beginning of a line, a lonely field's
/// separators. A line feed ends it. What no spreadsheet reads needs not be `guarded`.
inline void write_csv_row(std::ostream& out, std::span<const std::string> fields, bool guarded = true) {
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string& field = fields[i];
    const std::string_view guard = guarded ? guard_of(field) : "";
    if (i > 0) out << ',';
    const bool lonely = fields.size() == 1;
    const bool marked =
        i == 0 && !field.empty() && std::string_view("#|\\").find(field.front()) != std::string_view::npos;
    const bool plain = field.empty() ? !lonely
                                     : !marked && field.front() != ' ' && field.back() != ' ' &&
                                           field.find_first_of(lonely ? ",\"\r\n\t;" : ",\"\r\n") == field.npos;
    if (plain) {
      out << guard << field;
      continue;
    }
    out << '"' << guard;
    for (const char c : field) {
      if (c == '"') out << '"';
      out << c;
    }
    out << '"';
  }
  out << '\n';
}

}  // namespace abell

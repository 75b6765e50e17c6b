#pragma once
/// Catalogues written row by row: what is told before the first row, and what every form of them does.

#include <abell/core/angle.hpp>
#include <abell/core/error.hpp>
#include <abell/core/printable.hpp>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace abell {

/// A column of a catalogue.
struct CatalogueColumn {
  enum class Type { text, whole, real, truth };

  std::string name;
  Type type = Type::text;
  std::string unit = {};
  std::string ucd = {};  ///< of UCD1+
  std::string description = {};
  std::size_t width = 1;  ///< bytes of the longest text, as `printable` shows it

  /// Whether it holds the positions that the catalogue's frame is told for.
  bool position() const { return ucd == "pos.eq.ra;meta.main" || ucd == "pos.eq.dec;meta.main"; }
};

/// What a catalogue tells of itself, under a keyword of FITS.
struct CatalogueKey {
  std::string keyword;  ///< at most eight of A-Z, 0-9, - and _
  std::variant<std::string, double> value;
  std::string comment;
};

/// All of a catalogue but its rows.
struct CatalogueHeader {
  std::string file;        ///< that it becomes, for errors
  std::string title = {};  ///< of the table
  std::string frame = {};  ///< of the positions: ICRS
  std::vector<CatalogueKey> keys = {};
  std::vector<CatalogueColumn> columns;

  /// The first column whose UCD begins so.
  std::optional<std::size_t> find_ucd(std::string_view beginning) const {
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (columns[i].ucd.starts_with(beginning)) return i;
    }
    return std::nullopt;
  }
};

/// A catalogue under way; the header is written when it is made. Errors of the stream are the caller's to look for.
class CatalogueWriter {
 public:
  explicit CatalogueWriter(CatalogueHeader header) : header_(std::move(header)) {}
  CatalogueWriter(const CatalogueWriter&) = delete;
  CatalogueWriter& operator=(const CatalogueWriter&) = delete;
  virtual ~CatalogueWriter() = default;

  /// Adds a row of one text a column, as tables are read: null is empty, truth values are 1 and 0.
  virtual void add(std::span<const std::string> row) = 0;
  /// Writes what can be told behind the last row only.
  virtual void finish() {}

 protected:
  const CatalogueHeader& header() const { return header_; }
  const std::vector<CatalogueColumn>& columns() const { return header_.columns; }

 private:
  CatalogueHeader header_;
};

namespace detail {

/// A whole number in its plain form: 7 and -7, not +7 or 07.
inline std::optional<std::int64_t> plain_whole(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || std::to_string(value) != text) return std::nullopt;
  return value;
}

/// A header whose texts are characters on one line.
inline CatalogueHeader printable_header(CatalogueHeader header) {
  const auto show = [](std::string& text) { text = printable(text); };
  show(header.title);
  for (CatalogueKey& key : header.keys) {
    show(key.comment);
    if (auto* text = std::get_if<std::string>(&key.value)) show(*text);
  }
  for (CatalogueColumn& column : header.columns) {
    for (std::string* text : {&column.name, &column.unit, &column.ucd, &column.description}) show(*text);
  }
  return header;
}

}  // namespace detail

/// A catalogue whose columns have types. Texts are UTF-8 on one line: other bytes are shown (`printable`), since XML,
/// YAML, regions and FITS have no place for them.
class TypedCatalogue : public CatalogueWriter {
 public:
  explicit TypedCatalogue(CatalogueHeader header) : CatalogueWriter(detail::printable_header(std::move(header))) {}

  /// Throws FormatError for a text that is not of its column's type, or longer than its width.
  void add(std::span<const std::string> row) final {
    cells_.assign(row.begin(), row.end());
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      if (columns()[i].type == CatalogueColumn::Type::text) cells_[i] = printable(cells_[i]);
      if (!cells_[i].empty()) check(columns()[i], cells_[i]);
    }
    write(cells_);
  }

 protected:
  virtual void write(std::span<const std::string> cells) = 0;

 private:
  void check(const CatalogueColumn& column, const std::string& cell) const {
    const auto expect = [&](bool found, const std::string& what) {
      if (found) return;
      throw FormatError(header().file + ": column '" + column.name + "': expected " + what + ", found '" + cell + "'");
    };
    switch (column.type) {
      case CatalogueColumn::Type::text:
        expect(cell.size() <= column.width, "texts of at most " + std::to_string(column.width) + " bytes");
        break;
      case CatalogueColumn::Type::whole: expect(detail::plain_whole(cell).has_value(), "a whole number"); break;
      case CatalogueColumn::Type::real: expect(detail::plain_number(cell).has_value(), "a number"); break;
      case CatalogueColumn::Type::truth: expect(cell == "1" || cell == "0", "1 or 0"); break;
    }
  }

  std::vector<std::string> cells_;
};

}  // namespace abell

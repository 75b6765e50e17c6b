#pragma once
/// Right ascension and declination in tables: which columns hold them, and how they are written.

#include <abell/core/error.hpp>
#include <abell/data/object.hpp>
#include <abell/data/table.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace abell {

/// The column that has one of these names in any case (names are lower case); the first name wins.
inline std::optional<std::size_t> find_column(const Table& table, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    for (std::size_t i = 0; i < table.header.size(); ++i) {
      const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
      if (std::ranges::equal(table.header[i], name, same)) return i;
    }
  }
  return std::nullopt;
}

/// Right ascension and declination of a row, under the names that catalogues use for these columns.
class PositionColumns {
 public:
  explicit PositionColumns(const Table& table)
      : ra_(find_column(table, {"ra", "raj2000", "_raj2000", "ra_deg", "radeg", "ra_j2000", "ra_icrs", "_ra",
                                "_ra_icrs", "alpha_j2000", "right_ascension", "raicrs"})),
        dec_(find_column(table, {"dec", "dej2000", "_dej2000", "dec_deg", "decdeg", "dedeg", "dec_j2000", "decj2000",
                                 "de_icrs", "dec_icrs", "_de", "_de_icrs", "delta_j2000", "declination", "deicrs"})) {}

  std::optional<std::size_t> ra() const { return ra_; }
  std::optional<std::size_t> dec() const { return dec_; }

  void fill(Object& object, const std::vector<std::string>& row) const {
    if (ra_) object.ra = row[*ra_];
    if (dec_) object.dec = row[*dec_];
  }

 private:
  std::optional<std::size_t> ra_, dec_;
};

namespace detail {

inline std::optional<double> plain_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace detail

/// Degrees from "149.59", "-11.06d", "09:58:22.1", "09 58 22.1", "9h58m22.1s" or "-11d03m52s"; colons,
/// blanks and h stand for hours when `hours` (right ascension). Nothing for any other text.
inline std::optional<double> parse_angle(std::string_view text, bool hours) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  if (const auto degrees = detail::plain_number(text)) return degrees;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);

  // Up to three numbers, each ended by its letter, a colon or blanks.
  std::array<double, 3> parts{};
  std::size_t count = 0;
  bool in_hours = hours;
  while (!text.empty()) {
    if (count == parts.size()) return std::nullopt;
    const std::size_t size = std::min(text.find_first_not_of("0123456789."), text.size());
    const auto part = detail::plain_number(text.substr(0, size));
    if (!part || (count > 0 && *part >= 60)) return std::nullopt;
    parts[count++] = *part;
    text.remove_prefix(size);
    if (text.empty()) break;
    constexpr std::array<std::string_view, 3> ends{"hd:", "m':", "s\""};
    const char mark = static_cast<char>(std::tolower(static_cast<unsigned char>(text.front())));
    const bool known = ends[count - 1].find(mark) != std::string_view::npos;
    if (!known && !(blank(mark) && count < 3)) return std::nullopt;
    if (mark == 'h' && !hours) return std::nullopt;
    if (mark == 'd') in_hours = false;
    text.remove_prefix(1);
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    if (text.empty() && mark == ':') return std::nullopt;
  }
  if (count == 0) return std::nullopt;
  const double value = (parts[0] + parts[1] / 60 + parts[2] / 3600) * (in_hours ? 15 : 1);
  return negative ? -value : value;
}

}  // namespace abell

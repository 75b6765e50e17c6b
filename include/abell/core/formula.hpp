#pragma once
/// Texts in CSV that a spreadsheet would take for a formula. The rule stands here, for `write_csv_row` and `CsvReader`:
///
/// A spreadsheet evaluates a cell that begins with =, +, - or @, perhaps behind tabs and line breaks, at which some
/// split or trim. Unless the rest is a number (inf and nan included) or a sexagesimal angle, we write such a text with
/// an apostrophe before it, and take the apostrophe off when we read. A text that has apostrophes before such a
/// beginning gets one more, so that every text reads back as it was. Nothing else is touched: 'x, '+1 and ' stay.
///
/// Tables of others follow the same convention: their '=x is read as =x. Only a text whose own first character is an
/// apostrophe before a formula loses it.

#include <abell/core/angle.hpp>
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string_view>
#include <system_error>

namespace abell {

namespace detail {

/// Whether `text` is a number with or without a sign, finite or not.
inline bool is_number(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return stop == end && error != std::errc::invalid_argument && text.find('(') == std::string_view::npos;  // nan(x)
}

/// Whether a spreadsheet takes `text`, without the apostrophes at its beginning, for a formula.
inline bool is_formula(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of('\''), text.size()));
  text.remove_prefix(std::min(text.find_first_not_of("\t\r\n"), text.size()));
  const bool begins = !text.empty() && std::string_view("=+-@").find(text.front()) != std::string_view::npos;
  return begins && !is_number(text) && !parse_angle(text, true);
}

}  // namespace detail

/// What stands before `text` in a cell of CSV.
inline std::string_view guard_of(std::string_view text) { return detail::is_formula(text) ? "'" : ""; }

/// The text that a cell of CSV stands for.
inline std::string_view unguarded(std::string_view cell) {
  const bool guard = cell.starts_with('\'') && detail::is_formula(cell.substr(1));
  return guard ? cell.substr(1) : cell;
}

}  // namespace abell

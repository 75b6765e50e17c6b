#pragma once
/// Numbers, angles and their units as people write them in tables.

#include <abell/core/lower_case.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace abell {

namespace detail {

/// A finite number with or without a sign.
inline std::optional<double> plain_number(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
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

/// A unit of angles.
struct AngleUnit {
  double degrees = 1;        ///< in one of it
  bool sexagesimal = false;  ///< whether texts like "09:58:22.1" count it

  bool hours() const { return degrees == 15; }
};

/// A unit as FITS, VOUnits, VizieR, astropy and people spell it, in any case, bare or in quotes or brackets: degrees,
/// arcminutes, arcseconds, milli- and microarcseconds, radians, hours, and the text forms "h:m:s" and "d:m:s". Nothing
/// for any other text, minutes and seconds of time included.
inline std::optional<AngleUnit> parse_angle_unit(std::string_view text) {
  constexpr std::string_view around = " \t\"'[]()";
  const std::size_t first = std::min(text.find_first_not_of(around), text.size());
  std::string unit = lower_case(text.substr(first, text.find_last_not_of(around) + 1 - first));
  if (unit.empty() && !text.empty()) unit = text;  // ' and " themselves
  struct Spellings {
    AngleUnit unit;
    std::string_view words;  ///< with a blank before and behind each
  };
  static constexpr std::array known{
      Spellings{{1, true}, " deg degs degree degrees \u00b0 d:m:s dms ddmmss dd:mm:ss dd:mm:ss.s dd:mm:ss.ss "},
      Spellings{{15, true}, " h hr hrs hour hours hourangle h:m:s hms hhmmss hh:mm:ss hh:mm:ss.s hh:mm:ss.ss "},
      Spellings{{1 / 60.0, false}, " arcmin arcmins arcminute arcminutes amin ' "},
      Spellings{{1 / 3600.0, false}, " arcsec arcsecs arcsecond arcseconds asec \" "},
      Spellings{{1 / 3.6e6, false}, " mas marcsec milliarcsec milliarcsecond milliarcseconds "},
      Spellings{{1 / 3.6e9, false}, " uas uarcsec microarcsec microarcsecond microarcseconds "},
      Spellings{{180 / std::numbers::pi, false}, " rad rads radian radians "},
  };
  for (const Spellings& each : known) {
    if (each.words.find(" " + unit + " ") != std::string_view::npos && unit.find(' ') == std::string::npos) {
      return each.unit;
    }
  }
  return std::nullopt;
}

/// Degrees from a number of `unit`, or from a text that counts it in sixtieths. Nothing for any other text.
inline std::optional<double> parse_angle(std::string_view text, const AngleUnit& unit) {
  const std::size_t first = std::min(text.find_first_not_of(" \t"), text.size());
  const std::size_t last = text.find_last_not_of(" \t");
  if (const auto number = detail::plain_number(text.substr(first, last + 1 - first))) return *number * unit.degrees;
  if (!unit.sexagesimal) return std::nullopt;
  return parse_angle(text, unit.hours());
}

}  // namespace abell

#pragma once
/// Numbers and angles as people write them in tables.

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>
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

}  // namespace abell

#pragma once
/// Text for pages, tables and figures: escaping, and numbers as people write them, whatever the locale.

#include <abell/core/error.hpp>
#include <abell/core/printable.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <string>
#include <string_view>

namespace abell {

/// `text` with the characters that mean something in HTML and SVG replaced, safe in elements and in quoted
/// attributes. What `printable` would not show, but line feeds and tabs, becomes U+FFFD.
inline std::string escape_html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const auto keep = [&](std::string_view character) {
    switch (character.front()) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += character;
    }
  };
  const auto replace = [&](std::string_view bytes) { out += bytes == "\n" || bytes == "\t" ? bytes : "\uFFFD"; };
  detail::for_each_character(text, keep, replace);
  return out;
}

/// "mean_absolute_error" in words.
inline std::string in_words(std::string name) {
  std::ranges::replace(name, '_', ' ');
  return name;
}

/// `text` on one line of Markdown, also in a cell of a table: what has a meaning there stands behind a backslash.
inline std::string escape_markdown(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    if (std::string_view("\\|`*_~[]<>").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out;
}

/// `text` on one line of LaTeX, the characters that mean something there escaped.
inline std::string escape_tex(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    if (c == '\\') {
      out += "\\textbackslash{}";
    } else if (c == '~' || c == '^') {
      out += std::string("\\") + c + "{}";
    } else {
      if (std::string_view("&%$#_{}").find(c) != std::string_view::npos) out += '\\';
      out += c;
    }
  }
  return out;
}

/// What stands for a number that is undefined.
inline constexpr std::string_view undefined_text = "–";

/// `value` with `decimals` digits after the point and a true minus sign; a dash when it is not finite.
inline std::string fixed_text(double value, int decimals) {
  if (!std::isfinite(value)) return std::string(undefined_text);
  std::array<char, 400> digits{};
  const auto end =
      std::to_chars(digits.data(), digits.data() + digits.size(), std::abs(value), std::chars_format::fixed, decimals);
  const std::string text(digits.data(), end.ptr);
  const bool negative = std::signbit(value) && text.find_first_of("123456789") != std::string::npos;
  return (negative ? "−" : "") + text;
}

/// A whole number with its digits in groups of three: "901,159,424".
inline std::string grouped_text(std::size_t value) {
  std::string text = std::to_string(value);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

/// "1 run", "2 runs".
inline std::string counted_text(std::size_t count, std::string_view what) {
  return grouped_text(count) + " " + std::string(what) + (count == 1 ? "" : "s");
}

namespace detail::report {

inline std::string superscript(int exponent) {
  constexpr std::array<std::string_view, 10> digits{"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string out = exponent < 0 ? "⁻" : "";
  for (const char c : std::to_string(std::abs(exponent))) out += digits[static_cast<std::size_t>(c - '0')];
  return out;
}

/// Removes the zeros at the end of a decimal fraction.
inline std::string without_zeros(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

}  // namespace detail::report

/// `value` to `digits` significant digits without trailing zeros: "0.0125", "1200", and as "3×10⁻⁵" below 0.0001
/// and from a million on. A dash when it is not finite.
inline std::string number_text(double value, int digits = 3) {
  if (!std::isfinite(value)) return std::string(undefined_text);
  if (value == 0) return "0";
  const double size = std::abs(value);
  const std::string sign = value < 0 ? "−" : "";
  // The exponent after rounding to `digits`, so that 9.999 becomes 10 and not 9.99 or 10.0×10⁰.
  std::array<char, 64> text{};
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), size, std::chars_format::scientific, digits - 1);
  const std::string_view scientific(text.data(), static_cast<std::size_t>(end.ptr - text.data()));
  const std::size_t e = scientific.find('e');
  int exponent = 0;
  const std::size_t first = e + (scientific[e + 1] == '+' ? 2 : 1);
  std::from_chars(scientific.data() + first, scientific.data() + scientific.size(), exponent);
  if (exponent >= -4 && exponent < 6) {
    return sign + detail::report::without_zeros(fixed_text(size, digits - 1 > exponent ? digits - 1 - exponent : 0));
  }
  const std::string mantissa = detail::report::without_zeros(std::string(scientific.substr(0, e)));
  return sign + (mantissa == "1" ? "" : mantissa + "×") + "10" + detail::report::superscript(exponent);
}

/// A time span: "8.2 s", "1 min 15 s", "1 h 2 min".
inline std::string duration_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return std::string(undefined_text);
  if (seconds < 59.95) return fixed_text(seconds, 1) + " s";
  const double whole = std::round(seconds);
  if (whole < 3600) {
    return fixed_text(std::floor(whole / 60), 0) + " min " + fixed_text(std::fmod(whole, 60), 0) + " s";
  }
  const double minutes = std::round(seconds / 60);
  return fixed_text(std::floor(minutes / 60), 0) + " h " + fixed_text(std::fmod(minutes, 60), 0) + " min";
}

/// The number of characters (code points of UTF-8) of `text`.
inline std::size_t character_count(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// The first `length` characters (code points of UTF-8) of `text`, the last one an ellipsis when more follow.
inline std::string shorten(std::string_view text, std::size_t length) {
  std::size_t characters = 0;
  std::size_t cut = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) continue;
    if (characters + 1 == length) cut = at;
    if (++characters > length) return std::string(text.substr(0, cut)) + "…";
  }
  return std::string(text);
}

}  // namespace abell

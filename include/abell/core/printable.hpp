#pragma once
/// Foreign text (names, ids, cells, what a file says of itself) as it may stand on a terminal, in a log or on a page.

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace abell {

namespace detail {

/// Bytes of the UTF-8 character that `text` begins with; 0 when its first bytes are none (RFC 3629: neither longer
/// than needed, nor a surrogate, nor beyond U+10FFFF).
inline std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(0), second = byte(1);
  if (text.empty() || first < 0x80) return text.empty() ? 0 : 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  const std::size_t length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return 0;
  }
  const bool wrong = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                     (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return wrong ? 0 : length;
}

/// Whether one UTF-8 character only shows itself: no control character (C0, DEL, C1), none that turns the direction of
/// the text around it (U+202A to U+202E, U+2066 to U+2069), and none that no XML may have (U+FFFE, U+FFFF).
inline bool shows_itself(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0) >= 0x20 && byte(0) != 0x7F;
  if (character.size() == 2) return byte(0) != 0xC2 || byte(1) >= 0xA0;
  if (character.size() == 3 && byte(0) == 0xEF) return byte(1) != 0xBF || byte(2) < 0xBE;
  if (character.size() != 3 || byte(0) != 0xE2) return true;
  return !(byte(1) == 0x80 && byte(2) >= 0xAA && byte(2) <= 0xAE) &&
         !(byte(1) == 0x81 && byte(2) >= 0xA6 && byte(2) <= 0xA9);
}

/// Calls keep(character) for what shows itself, and replace(bytes) for all else and for bytes that are no UTF-8.
template <class Keep, class Replace>
void for_each_character(std::string_view text, const Keep& keep, const Replace& replace) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
    length > 0 && shows_itself(character) ? keep(character) : replace(character);
    text.remove_prefix(character.size());
  }
}

}  // namespace detail

/// `text` on one line without anything that a terminal obeys: UTF-8 stays, but each byte of a control character, of one
/// that turns the direction of writing, and of what is no UTF-8 becomes "\x1b". For people, not to be read back.
inline std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  detail::for_each_character(
      text, [&](std::string_view character) { out += character; },
      [&](std::string_view bytes) {
        constexpr std::string_view digits = "0123456789abcdef";
        for (const char c : bytes) {
          const auto byte = static_cast<unsigned char>(c);
          out.append("\\x").append(1, digits[byte >> 4U]).append(1, digits[byte & 15U]);
        }
      });
  return out;
}

}  // namespace abell

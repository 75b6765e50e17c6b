#pragma once
/// The binary data of VOTable: BINARY and BINARY2.

#include <abell/core/csv.hpp>
#include <abell/core/error.hpp>
#include <abell/data/votable_field.hpp>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell::detail {

/// The bytes that a text in base64 stands for. Throws FormatError naming the file.
inline std::string from_base64(std::string_view text, const std::string& file) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
    const std::size_t digit = digits.find(c);
    if (digit == std::string_view::npos) throw FormatError(file + ": expected base64, found another character");
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes += static_cast<char>(bits >> count & 0xFF);
  }
  return bytes;
}

/// Reads big-endian values from rows of bytes.
class VoBytes {
 public:
  VoBytes(std::string_view bytes, std::string file) : rest_(bytes), file_(std::move(file)) {}

  bool empty() const { return rest_.empty(); }
  std::size_t size() const { return rest_.size(); }

  std::string_view take(std::size_t count) {
    if (count > rest_.size()) {
      throw FormatError(file_ + ": expected " + std::to_string(count) + " more bytes of data, found " +
                        std::to_string(rest_.size()));
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  static std::uint64_t number(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }

  /// The bytes of a field's values.
  std::string_view values(const VoField& field) {
    std::size_t count = field.count;
    if (field.variable) {
      const std::uint64_t told = number(take(4));
      if (told > rest_.size() * 8) take(rest_.size() + 1);
      count = static_cast<std::size_t>(told);
    }
    return take(field.kind == VoField::Kind::bit ? (count + 7) / 8 : count * field.bytes);
  }

 private:
  std::string_view rest_;
  std::string file_;
};

/// A text of UCS-2 in UTF-8, up to a zero.
inline std::string utf8_of(std::string_view wide) {
  std::string text;
  for (std::size_t i = 0; i + 1 < wide.size(); i += 2) {
    const auto code = static_cast<std::uint32_t>(VoBytes::number(wide.substr(i, 2)));
    if (code == 0) break;
    const auto put = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xC0 | code >> 6), put(0x80 | (code & 0x3F));
    } else {
      put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 0x3F)), put(0x80 | (code & 0x3F));
    }
  }
  return text;
}

/// A cell from the bytes of a field that is kept; null values are empty.
inline std::string vo_cell(const VoField& field, std::string_view bytes) {
  using enum VoField::Kind;
  const std::uint64_t value = field.text() ? 0 : VoBytes::number(bytes);
  const auto narrow = [&](auto type) { return static_cast<decltype(type)>(value); };
  switch (field.kind) {
    case character: return field.from_text(bytes.substr(0, bytes.find('\0')));
    case wide_character: return field.from_text(utf8_of(bytes));
    case boolean: return field.from_text(bytes);
    case bit: return value != 0 ? "1" : "0";  // astropy 5.2 sets another bit than the first
    case real:
      return field.bytes == 4 ? shortest_number(std::bit_cast<float>(narrow(std::uint32_t{})))
                              : shortest_number(std::bit_cast<double>(value));
    case whole:
      if (field.bytes == 1) return field.from_text(std::to_string(value));
      if (field.bytes == 2)
        return field.from_text(std::to_string(std::bit_cast<std::int16_t>(narrow(std::uint16_t{}))));
      if (field.bytes == 4)
        return field.from_text(std::to_string(std::bit_cast<std::int32_t>(narrow(std::uint32_t{}))));
      return field.from_text(std::to_string(std::bit_cast<std::int64_t>(value)));
    case complex: break;
  }
  return {};
}

/// Calls add(cells) for each row; rows of BINARY2 begin with the bits of what is null.
template <class Add>
void read_vo_binary(const std::string& data, const std::vector<VoField>& fields, bool null_bits,
                    const std::string& file, const Add& add) {
  VoBytes bytes(data, file);
  while (!bytes.empty() && !fields.empty()) {
    const std::size_t before = bytes.size();
    const std::string_view nulls = null_bits ? bytes.take((fields.size() + 7) / 8) : std::string_view();
    std::vector<std::string> cells;
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const std::string_view values = bytes.values(fields[i]);
      const bool null = null_bits && (static_cast<unsigned char>(nulls[i / 8]) >> (7 - i % 8) & 1) != 0;
      if (fields[i].kept()) cells.push_back(null ? "" : vo_cell(fields[i], values));
    }
    if (bytes.size() == before) throw FormatError(file + ": expected rows of data, found columns without bytes");
    add(std::move(cells));
  }
}

}  // namespace abell::detail

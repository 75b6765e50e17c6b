#pragma once
/// PNG files, made byte by byte.

#include <abell/images/png_check.hpp>
#include <cstdint>
#include <string>
#include <string_view>

inline std::string big_endian_text(std::uint32_t value) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift & 0xFF);
  return text;
}

/// A PNG chunk with its CRC.
inline std::string png_chunk(std::string_view type, std::string_view body) {
  const std::string all = std::string(type) + std::string(body);
  return big_endian_text(static_cast<std::uint32_t>(body.size())) + all +
         big_endian_text(abell::detail::crc32({reinterpret_cast<const std::uint8_t*>(all.data()), all.size()}));
}

/// The bytes of a PNG, from its signature on.
inline std::string png_file(std::string_view chunks) { return "\x89PNG\r\n\x1A\n" + std::string(chunks); }

inline std::string png_head(std::uint32_t width, std::uint32_t height, int depth, int colour, int interlace = 0) {
  return png_chunk(
      "IHDR", big_endian_text(width) + big_endian_text(height) +
                  std::string{static_cast<char>(depth), static_cast<char>(colour), 0, 0, static_cast<char>(interlace)});
}

/// A zlib stream of one stored (uncompressed) block.
inline std::string stored_zlib(std::string_view data) {
  std::uint32_t a = 1, b = 0;
  for (const char c : data) {
    a = (a + static_cast<unsigned char>(c)) % 65521;
    b = (b + a) % 65521;
  }
  const auto size = static_cast<std::uint32_t>(data.size());
  std::string zlib{'\x78', '\x01', '\x01'};
  for (const unsigned v : {size & 0xFFU, size >> 8U, ~size & 0xFFU, (~size >> 8U) & 0xFFU}) {
    zlib += static_cast<char>(v);
  }
  return zlib + std::string(data) + big_endian_text(b << 16 | a);
}

/// A PNG with the given rows, each led by its filter byte.
inline std::string plain_png(std::uint32_t width, std::uint32_t height, int depth, int colour, std::string_view rows) {
  return png_file(png_head(width, height, depth, colour) + png_chunk("IDAT", stored_zlib(rows)) +
                  png_chunk("IEND", ""));
}

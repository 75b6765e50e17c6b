/// Any bytes as a PNG file: they become an image of 0..255, or an Error; never anything else. A checksum that is wrong
/// would end almost every attempt: all are made right before.

#include "try_picture.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> bytes(data, data + size);
  for (std::size_t at = 8; bytes.size() >= at + 12;) {
    const std::span<std::uint8_t> chunk = std::span(bytes).subspan(at);
    const std::size_t length = abell::detail::big_endian(chunk);
    if (length > chunk.size() - 12) break;
    const std::uint32_t crc = abell::detail::crc32(chunk.subspan(4, length + 4));
    for (std::size_t i = 0; i < 4; ++i) chunk[8 + length + i] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
    at += length + 12;
  }
  return try_picture(bytes);
}

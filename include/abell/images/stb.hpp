#pragma once
/// PNG and JPEG through stb_image, PNG writing through stb_image_write.

#include <abell/core/atomic_file.hpp>
#include <abell/core/error.hpp>
#include <abell/images/image.hpp>
#include <abell/images/stb_library.hpp>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace abell {
namespace detail {

using Bytes = std::span<const std::uint8_t>;

inline std::vector<std::uint8_t> read_bytes(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) throw IoError(path.string() + ": no such file");
  if (!std::filesystem::is_regular_file(path, error)) throw IoError(path.string() + ": not a regular file");
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw IoError(path.string() + ": cannot be opened for reading");
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(std::max<std::streamoff>(file.tellg(), 0)));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  if (!file) throw IoError(path.string() + ": cannot be read");
  return bytes;
}

inline std::uint32_t big_endian(Bytes b) {
  return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | b[3];
}

/// CRC-32 of PNG chunks (PNG specification, annex D).
inline std::uint32_t crc32(Bytes bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t n = 0; n < 256; ++n) {
      std::uint32_t c = n;
      for (int bit = 0; bit < 8; ++bit) c = (c & 1) != 0 ? 0xEDB88320U ^ (c >> 1) : c >> 1;
      t[n] = c;
    }
    return t;
  }();
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const std::uint8_t byte : bytes) crc = table[(crc ^ byte) & 0xFFU] ^ (crc >> 8);
  return ~crc;
}

inline bool is_png(Bytes bytes) {
  constexpr std::array<std::uint8_t, 8> signature{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  return bytes.size() >= signature.size() && std::equal(signature.begin(), signature.end(), bytes.begin());
}
inline bool is_jpeg(Bytes bytes) {
  return bytes.size() >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF;
}

/// Walks the chunks, because stb_image checks no CRC. Throws FormatError when one is wrong or the
/// file ends before IEND.
inline void check_png(Bytes bytes, const std::string& name) {
  for (std::size_t at = 8; bytes.size() - at >= 12;) {
    const std::size_t length = big_endian(bytes.subspan(at, 4));
    if (length > bytes.size() - at - 12) break;
    const Bytes body = bytes.subspan(at + 4, length + 4);
    if (crc32(body) != big_endian(bytes.subspan(at + 8 + length, 4))) {
      throw FormatError(name + ": damaged PNG: wrong checksum in the chunk at byte " + std::to_string(at));
    }
    if (std::equal(body.begin(), body.begin() + 4, "IEND")) return;
    at += length + 12;
  }
  throw FormatError(name + ": truncated PNG: expected an IEND chunk, found the end of the file");
}

/// Walks the markers up to EOI, because stb_image fills what is missing of a truncated JPEG with
/// grey and reports nothing. Throws FormatError when EOI is not reached.
inline void check_jpeg(Bytes bytes, const std::string& name) {
  std::size_t at = 2;
  while (at + 1 < bytes.size()) {
    const unsigned marker = bytes[at + 1];
    // Entropy-coded bytes, stuffed FF00, fill bytes FFFF and restart markers are stepped over.
    if (bytes[at] != 0xFF || marker == 0xFF) {
      ++at;
    } else if (marker == 0 || marker == 1 || (marker >= 0xD0 && marker <= 0xD8)) {
      at += 2;
    } else if (marker == 0xD9) {
      return;
    } else {
      if (at + 3 >= bytes.size()) break;
      at += 2 + (std::size_t{bytes[at + 2]} << 8 | bytes[at + 3]);
    }
  }
  throw FormatError(name + ": truncated JPEG: expected an end-of-image marker, found the end of the file");
}

}  // namespace detail

/// Reads a PNG or JPEG: 1 channel when the file is grey, else 3, alpha dropped, values 0..255.
/// 16-bit PNG values are divided by 257, so they share that scale and keep their precision.
/// Throws IoError (no such file) and FormatError (not PNG or JPEG, truncated, sides above 20000,
/// which are refused before decoding), both naming the file.
inline Image read_stb(const std::filesystem::path& path) {
  const std::string name = path.string();
  const std::vector<std::uint8_t> bytes = detail::read_bytes(path);
  const bool png = detail::is_png(bytes);
  if (!png && !detail::is_jpeg(bytes)) {
    throw FormatError(name + ": expected a PNG or JPEG image, found another kind of file");
  }
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw FormatError(name + ": expected a file below 2 GiB, found " + std::to_string(bytes.size()) + " bytes");
  }
  const char* kind = png ? "PNG" : "JPEG";
  const auto fail = [&](const char* what) {
    const char* reason = stbi_failure_reason();
    return FormatError(name + ": " + what + " " + kind + ": " + (reason != nullptr ? reason : "unknown reason"));
  };
  if (png && bytes.size() >= 24) {
    check_image_size(detail::big_endian(detail::Bytes(bytes).subspan(20, 4)),
                     detail::big_endian(detail::Bytes(bytes).subspan(16, 4)), name);
  }
  const auto size = static_cast<int>(bytes.size());
  int width = 0;
  int height = 0;
  int found = 0;
  if (stbi_info_from_memory(bytes.data(), size, &width, &height, &found) == 0) throw fail("unreadable");
  check_image_size(height, width, name);
  png ? detail::check_png(bytes, name) : detail::check_jpeg(bytes, name);

  const int channels = found <= 2 ? 1 : 3;
  // stb would turn colour into grey or back; asking for the file's own kind only drops alpha.
  Image image;
  const auto take = [&](auto* decoded, float scale) {
    const std::unique_ptr<std::remove_pointer_t<decltype(decoded)>, void (*)(void*)> guard(decoded, stbi_image_free);
    if (decoded == nullptr) throw fail("unreadable");
    image = Image(height, width, channels);
    std::transform(decoded, decoded + image.pixels.size(), image.pixels.begin(),
                   [scale](auto value) { return static_cast<float>(value) / scale; });
  };
  if (stbi_is_16_bit_from_memory(bytes.data(), size) != 0) {
    take(stbi_load_16_from_memory(bytes.data(), size, &width, &height, &found, channels), 257.0F);
  } else {
    take(stbi_load_from_memory(bytes.data(), size, &width, &height, &found, channels), 1.0F);
  }
  return image;
}

/// PNG bytes of 8-bit HWC pixels with 1 to 4 channels. Throws ShapeError when the sizes disagree.
inline std::vector<std::uint8_t> encode_png(int height, int width, int channels, std::span<const std::uint8_t> pixels) {
  if (height < 1 || width < 1 || channels < 1 || channels > 4 ||
      pixels.size() !=
          static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * static_cast<std::size_t>(channels)) {
    throw ShapeError("PNG: expected height x width x (1 to 4 channels) bytes, found " + std::to_string(pixels.size()) +
                     " for " + std::to_string(height) + "x" + std::to_string(width) + "x" + std::to_string(channels));
  }
  std::vector<std::uint8_t> bytes;
  const auto append = [](void* to, void* data, int size) {
    const auto* first = static_cast<const std::uint8_t*>(data);
    static_cast<std::vector<std::uint8_t>*>(to)->insert(static_cast<std::vector<std::uint8_t>*>(to)->end(), first,
                                                        first + size);
  };
  if (stbi_write_png_to_func(append, &bytes, width, height, channels, pixels.data(), width * channels) == 0) {
    throw IoError("PNG: the encoder ran out of memory");
  }
  return bytes;
}

/// Writes 8-bit HWC pixels as PNG, complete or not at all. Throws IoError naming the file.
inline void write_png(const std::filesystem::path& path, int height, int width, int channels,
                      std::span<const std::uint8_t> pixels, Durability durability = Durability::now) {
  const std::vector<std::uint8_t> bytes = encode_png(height, width, channels, pixels);
  AtomicFile file(path, durability);
  file.stream().write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  file.commit();
}

/// Writes an image as 8-bit PNG; values are rounded and clamped to 0..255.
inline void write_png(const std::filesystem::path& path, const Image& image, Durability durability = Durability::now) {
  std::vector<std::uint8_t> bytes(image.pixels.size());
  std::ranges::transform(image.pixels, bytes.begin(), to_byte);
  write_png(path, image.height, image.width, image.channels, bytes, durability);
}

}  // namespace abell

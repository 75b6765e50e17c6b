#pragma once
/// PNG and JPEG through stb_image, PNG writing through stb_image_write.

#include <abell/core/atomic_file.hpp>
#include <abell/core/error.hpp>
#include <abell/core/file_kind.hpp>
#include <abell/images/bytes.hpp>
#include <abell/images/image.hpp>
#include <abell/images/jpeg_check.hpp>
#include <abell/images/png_check.hpp>
#include <abell/images/stb_library.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace abell {
/// The image in the bytes of a PNG or JPEG file, which `name` names in errors: 1 channel when it is grey, else 3, alpha
/// dropped, values 0..255. 16-bit PNG values are divided by 257, so they share that scale and keep their precision.
/// Throws FormatError: not PNG or JPEG; sides above 20000 or more than `max_megapixels`, before anything is decoded;
/// truncated, damaged, or of a kind that is not supported.
inline Image decode_png_jpeg(std::span<const std::uint8_t> bytes, const std::string& name,
                             double max_megapixels = default_max_megapixels) {
  const bool png = detail::is_png(bytes);
  if (!png && !detail::is_jpeg(bytes)) {
    const std::string start(bytes.begin(),
                            bytes.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(bytes.size(), 8)));
    throw FormatError(name + ": expected a PNG or JPEG image, found " + kind_of_file(start));
  }
  detail::check_byte_count(bytes.size(), name);
  png ? detail::check_png(bytes, name, max_megapixels) : detail::check_jpeg(bytes, name, max_megapixels);
  const auto fail = [&] {
    const char* reason = stbi_failure_reason();
    return FormatError(name + ": unreadable " + (png ? "PNG: " : "JPEG: ") +
                       (reason != nullptr ? reason : "unknown reason"));
  };
  const auto size = static_cast<int>(bytes.size());
  int width = 0;
  int height = 0;
  int found = 0;
  if (stbi_info_from_memory(bytes.data(), size, &width, &height, &found) == 0) throw fail();

  const int channels = found <= 2 ? 1 : 3;
  // stb would turn colour into grey or back; asking for the file's own kind only drops alpha.
  Image image;
  const auto take = [&](auto* decoded, float scale) {
    const std::unique_ptr<std::remove_pointer_t<decltype(decoded)>, void (*)(void*)> guard(decoded, stbi_image_free);
    if (decoded == nullptr) throw fail();
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

/// Reads a PNG or JPEG file. Throws IoError (no such file) and what `decode_png_jpeg` throws.
inline Image read_stb(const std::filesystem::path& path, double max_megapixels = default_max_megapixels) {
  return decode_png_jpeg(detail::read_bytes(path), path.string(), max_megapixels);
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

#pragma once
/// A PNG file against its standard (third edition, https://www.w3.org/TR/png-3/) before stb_image sees it:
/// stb_image 2.27 checks no CRC, lets compressed data grow past what the header announces, takes indices past the
/// palette, and gives memcpy a null pointer (for no bytes) where a stream begins with none.

#include <abell/core/error.hpp>
#include <abell/images/bytes.hpp>
#include <abell/images/image.hpp>
#include <abell/images/stb_library.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace abell::detail {

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

inline FormatError damaged_png(const std::string& name, const std::string& what) {
  return FormatError(name + ": damaged PNG: " + what);
}

struct PngHeader {
  long width = 0, height = 0;
  int depth = 0;   ///< bits a sample
  int colour = 0;  ///< 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGB and alpha
  bool interlaced = false;

  int samples() const { return colour == 2 ? 3 : colour == 4 ? 2 : colour == 6 ? 4 : 1; }
};

/// IHDR. Sides are the caller's to check.
inline PngHeader png_header(Bytes body, const std::string& name) {
  if (body.size() != 13) throw damaged_png(name, "expected 13 bytes in IHDR, found " + std::to_string(body.size()));
  const PngHeader header{big_endian(body), big_endian(body.subspan(4)), body[8], body[9], body[12] == 1};
  const auto depth_is = [&](std::initializer_list<int> depths) { return std::ranges::count(depths, header.depth) > 0; };
  const bool known = header.colour == 0   ? depth_is({1, 2, 4, 8, 16})
                     : header.colour == 3 ? depth_is({1, 2, 4, 8})
                                          : header.colour % 2 == 0 && header.colour <= 6 && depth_is({8, 16});
  if (!known) {
    throw damaged_png(name, "expected a depth that goes with the kind of colour, found depth " +
                                std::to_string(header.depth) + " and colour " + std::to_string(header.colour));
  }
  if (body[10] != 0 || body[11] != 0 || body[12] > 1) {
    throw damaged_png(name, "expected compression 0, filter 0 and interlace 0 or 1, found " + std::to_string(body[10]) +
                                ", " + std::to_string(body[11]) + " and " + std::to_string(body[12]));
  }
  return header;
}

/// A reduced image of an interlaced one, or the image itself.
struct PngPass {
  std::size_t width = 0, height = 0;
};

inline std::vector<PngPass> png_passes(const PngHeader& header) {
  const auto width = static_cast<std::size_t>(header.width), height = static_cast<std::size_t>(header.height);
  if (!header.interlaced) return {{width, height}};
  // First column and step, first row and step.
  constexpr std::array<std::array<std::size_t, 4>, 7> adam7{
      {{0, 8, 0, 8}, {4, 8, 0, 8}, {0, 4, 4, 8}, {2, 4, 0, 4}, {0, 2, 2, 4}, {1, 2, 0, 2}, {0, 1, 1, 2}}};
  std::vector<PngPass> passes;
  for (const auto& [x, wide, y, high] : adam7) {
    if (width > x && height > y) passes.push_back({(width - x + wide - 1) / wide, (height - y + high - 1) / high});
  }
  return passes;
}

inline std::size_t png_row_bytes(const PngHeader& header, const PngPass& pass) {
  return (pass.width * static_cast<std::size_t>(header.depth * header.samples()) + 7) / 8;
}

/// The bytes that the compressed data must give: a filter and a row, for each row of each pass.
inline std::size_t png_data_size(const PngHeader& header) {
  std::size_t size = 0;
  for (const PngPass& pass : png_passes(header)) size += pass.height * (1 + png_row_bytes(header, pass));
  return size;
}

/// Throws unless all filters are known and all indices lie inside a palette of `entries` colours. Rows are unfiltered
/// in place, which palettes need; other images keep theirs.
inline void check_png_rows(const PngHeader& header, std::size_t entries, std::span<std::uint8_t> data,
                           const std::string& name) {
  for (const PngPass& pass : png_passes(header)) {
    const std::size_t size = png_row_bytes(header, pass);
    const std::vector<std::uint8_t> zeros(size);
    const std::uint8_t* above = zeros.data();
    for (std::size_t row = 0; row < pass.height; ++row) {
      const int filter = data[0];
      std::uint8_t* bytes = &data[1];
      if (filter > 4) throw damaged_png(name, "expected filters 0 to 4, found " + std::to_string(filter));
      if (header.colour == 3) {
        for (std::size_t i = 0; i < size; ++i) {
          const int a = i > 0 ? bytes[i - 1] : 0, b = above[i], c = i > 0 ? above[i - 1] : 0;
          const int pa = std::abs(b - c), pb = std::abs(a - c), pc = std::abs(a + b - 2 * c);
          const int paeth = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
          const std::array<int, 5> predictions{0, a, b, (a + b) / 2, paeth};
          bytes[i] = static_cast<std::uint8_t>(bytes[i] + predictions[static_cast<std::size_t>(filter)]);
        }
        const auto depth = static_cast<std::size_t>(header.depth);
        for (std::size_t x = 0; x < pass.width; ++x) {
          const std::size_t bit = x * depth;
          const unsigned index = bytes[bit / 8] >> (8 - depth - bit % 8) & ((1U << depth) - 1);
          if (index < entries) continue;
          throw damaged_png(name, "expected indices below " + std::to_string(entries) +
                                      " (colours of the palette), found " + std::to_string(index));
        }
        above = bytes;
      }
      data = data.subspan(1 + size);
    }
  }
}

/// Throws unless the zlib stream gives exactly the rows that the header announces.
inline void check_png_data(const PngHeader& header, std::size_t entries, Bytes compressed, const std::string& name) {
  const std::size_t size = png_data_size(header);
  const auto wrong = [&](const std::string& found) {
    return damaged_png(name, "expected compressed data of " + std::to_string(size) + " bytes, found " + found);
  };
  constexpr std::size_t most = 0x7FFFFFFF;  // stb's sizes are int
  if (size > most) throw wrong("more than 2 GiB, which is not supported");
  constexpr std::size_t largest_gain = 1032;  // of deflate: 258 bytes from two bits
  if (size / largest_gain > compressed.size()) {
    throw wrong("a stream of " + std::to_string(compressed.size()) + ", too short for them");
  }
  std::vector<std::uint8_t> data(size);
  const int found =
      stbi_zlib_decode_buffer(reinterpret_cast<char*>(data.data()), static_cast<int>(size),
                              reinterpret_cast<const char*>(compressed.data()), static_cast<int>(compressed.size()));
  if (found < 0) throw wrong("more, or a stream that is no zlib stream");
  if (static_cast<std::size_t>(found) != size) throw wrong(std::to_string(found));
  check_png_rows(header, entries, data, name);
}

/// The number of colours of a palette of `length` bytes.
inline std::size_t png_colours(const PngHeader& header, std::size_t length, const std::string& name) {
  if (header.colour == 0 || header.colour == 4) throw damaged_png(name, "expected no palette, found one");
  const std::size_t most = header.colour == 3 ? std::size_t{1} << header.depth : 256;
  if (length < 3 || length % 3 != 0 || length / 3 > most) {
    throw damaged_png(name, "expected a palette of 1 to " + std::to_string(most) + " colours, found " +
                                std::to_string(length) + " bytes");
  }
  return length / 3;
}

/// tRNS: what is transparent, of a palette or as one colour.
inline void check_png_transparency(const PngHeader& header, std::size_t entries, std::size_t length,
                                   const std::string& name) {
  const bool fits = header.colour == 3   ? length >= 1 && length <= entries
                    : header.colour == 0 ? length == 2
                                         : header.colour == 2 && length == 6;
  if (!fits)
    throw damaged_png(name, "expected a tRNS that goes with the image, found " + std::to_string(length) + " bytes");
}

/// Walks the chunks. Throws FormatError naming the file: for sizes above the limits before anything else; where the
/// file ends before IEND; for a wrong CRC, a chunk that is unknown, out of its order or not of its size; and for pixels
/// that are not those announced.
inline void check_png(Bytes bytes, const std::string& name, double max_megapixels = default_max_megapixels) {
  PngHeader header;
  std::size_t colours = 0;  // of the palette
  bool transparent = false;
  std::vector<std::uint8_t> compressed;
  std::string before;  // the type of the last chunk
  for (std::size_t at = 8; bytes.size() - at >= 12;) {
    const std::size_t length = big_endian(bytes.subspan(at, 4));
    const Bytes letters = bytes.subspan(at + 4, 4);
    const std::string type(letters.begin(), letters.end());
    const auto expected = [&](const std::string& what) {
      return damaged_png(name, "expected " + what + ", found the chunk at byte " + std::to_string(at));
    };
    if (before.empty() != (type == "IHDR")) throw expected("IHDR first and once");
    if (length > bytes.size() - at - 12) break;
    const Bytes body = bytes.subspan(at + 8, length);
    if (type == "IHDR") {
      header = png_header(body, name);
      check_image_size(header.height, header.width, name);
      check_megapixels(header.height, header.width, max_megapixels, name);
    }
    if (crc32(bytes.subspan(at + 4, length + 4)) != big_endian(bytes.subspan(at + 8 + length, 4))) {
      throw damaged_png(name, "wrong checksum in the chunk at byte " + std::to_string(at));
    }
    if (type == "PLTE") {
      if (colours > 0 || transparent || !compressed.empty()) throw expected("one palette before tRNS and IDAT");
      colours = png_colours(header, length, name);
    } else if (type == "tRNS") {
      if (transparent || !compressed.empty()) throw expected("one tRNS before IDAT");
      check_png_transparency(header, colours, length, name);
      transparent = true;
    } else if (type == "IDAT") {
      if (!compressed.empty() && before != "IDAT") throw expected("all IDAT in a row");
      if (header.colour == 3 && colours == 0) throw expected("a palette before IDAT");
      if (compressed.empty() && length == 0) throw expected("data in the first IDAT");
      compressed.insert(compressed.end(), body.begin(), body.end());
    } else if (type == "IEND") {
      if (length > 0) throw expected("an empty IEND");
      check_png_data(header, colours, compressed, name);
      return;
    } else if (type != "IHDR" && (letters[0] & 0x20) == 0) {
      throw expected("a chunk that is known, or not critical");
    }
    before = type;
    at += length + 12;
  }
  throw FormatError(name + ": truncated PNG: expected an IEND chunk, found the end of the file");
}

}  // namespace abell::detail

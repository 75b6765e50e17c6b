#pragma once
/// Checks of tile-compressed images before CFITSIO 4.2 sees them. It divides by a tile size of zero as
/// soon as it moves to the HDU, asks for memory without end when the gzip stream of a tile breaks off, and
/// believes the size that an HCOMPRESS stream gives of itself.

#include <zlib.h>

#include <abell/core/error.hpp>
#include <abell/images/fits_library.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace abell::detail {

/// The whole number of a card such as "ZTILE1  =   100 / comment"; -1 for any other value.
inline long card_number(std::string_view card) {
  long value = -1;
  const std::size_t first = std::min(card.find_first_not_of(' ', 9), card.size());
  const auto [stop, error] = std::from_chars(card.data() + first, card.data() + card.size(), value);
  const bool whole = error == std::errc{} && (stop == card.data() + card.size() || *stop == ' ' || *stop == '/');
  return whole ? value : -1;
}

/// Reads the headers of a file, packed by gzip or not, and throws FormatError for tiles that are no
/// sizes.
inline void check_tile_headers(const std::string& path, const std::string& name) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) throw IoError(name + ": cannot be opened for reading");
  constexpr std::size_t block = 2880, card_size = 80;
  std::array<char, block> bytes{};
  bool header = false;
  while (gzread(file.get(), bytes.data(), block) == static_cast<int>(block)) {
    const std::string_view text(bytes.data(), block);
    header = header || text.starts_with("XTENSION");
    for (std::size_t at = 0; at < block && header; at += card_size) {
      const std::string_view card = text.substr(at, card_size);
      if (card.starts_with("END     ")) header = false;
      if (!card.starts_with("ZTILE") && !card.starts_with("ZNAXIS")) continue;
      const long value = card_number(card);
      if (value < 1 || value > 1'000'000) {
        throw FormatError(name + ": expected " + std::string(card.substr(0, 8)) + "to be a size in pixels, found " +
                          header_text(std::string(card.substr(8, 22))));
      }
    }
  }
}

/// Whether `bytes` begin with one whole gzip stream of at most `limit` bytes.
inline bool is_whole_gzip(std::vector<unsigned char>& bytes, std::size_t limit) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return false;
  stream.next_in = bytes.data();
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::array<unsigned char, 16384> unpacked;
  int state = Z_OK;
  while (state == Z_OK && stream.total_out <= limit) {
    stream.next_out = unpacked.data();
    stream.avail_out = static_cast<uInt>(unpacked.size());
    state = inflate(&stream, Z_NO_FLUSH);
  }
  inflateEnd(&stream);
  return state == Z_STREAM_END && stream.total_out <= limit;
}

/// Whether `bytes` begin like an HCOMPRESS stream of `pixels`: the magic number, then both sides.
inline bool is_hcompress(const std::vector<unsigned char>& bytes, std::size_t pixels) {
  if (bytes.size() < 26 || bytes[0] != 0xDD || bytes[1] != 0x99) return false;
  const auto side = [&](std::size_t at) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | bytes[at + i];
    return value;
  };
  return side(2) * side(6) == pixels;
}

/// The number of pixels in the tile of a row, from 1: those at the far borders are smaller.
inline std::size_t tile_pixels(const FITSfile& image, LONGLONG row) {
  std::size_t pixels = 1;
  LONGLONG left = row - 1;
  for (int axis = 0; axis < image.zndim; ++axis) {
    const long side = image.znaxis[axis], tile = image.tilesize[axis];
    const LONGLONG tiles = (static_cast<LONGLONG>(side) + tile - 1) / tile;
    pixels *= static_cast<std::size_t>(std::clamp<LONGLONG>(side - left % tiles * tile, 0, tile));
    left /= tiles;
  }
  return pixels;
}

/// The length of one tile, 0 where the column has none. Throws FormatError when it is longer than the
/// file: memory would be taken for it.
inline LONGLONG tile_length(fitsfile* file, int column, LONGLONG row, const std::string& name) {
  int status = 0;
  LONGLONG length = 0;
  LONGLONG offset = 0;
  fits_read_descriptll(file, column, row, &length, &offset, &status);
  check_fits(status, name, "cannot read the tiles");
  if (length < 0 || length > file->Fptr->filesize) throw FormatError(name + ": a tile is longer than the file");
  return length;
}

/// The bytes of one tile. Throws FormatError.
inline std::vector<unsigned char> tile_bytes(fitsfile* file, int column, LONGLONG row, const std::string& name) {
  int status = 0;
  const LONGLONG length = tile_length(file, column, row, name);
  std::vector<unsigned char> bytes(static_cast<std::size_t>(length));
  if (length > 0) fits_read_col(file, TBYTE, column, row, 1, length, nullptr, bytes.data(), nullptr, &status);
  check_fits(status, name, "cannot read the tiles");
  return bytes;
}

/// Throws FormatError when the current HDU is a tile-compressed image with a tile that CFITSIO would
/// unpack without end, or beyond its buffer.
inline void check_tiles(fitsfile* file, const std::string& name) {
  int status = 0;
  if (fits_is_compressed_image(file, &status) == 0) return;
  const FITSfile& image = *file->Fptr;
  const bool gzip = image.compress_type == GZIP_1 || image.compress_type == GZIP_2;
  LONGLONG rows = 0, tiles = 1;
  check_fits(fits_get_num_rowsll(file, &rows, &status), name, "cannot read the tiles");
  for (int axis = 0; axis < image.zndim; ++axis) {
    if (image.tilesize[axis] < 1 || image.znaxis[axis] < 1) throw FormatError(name + ": tiles without a size");
    tiles *= (static_cast<LONGLONG>(image.znaxis[axis]) + image.tilesize[axis] - 1) / image.tilesize[axis];
  }
  if (rows < tiles) {
    throw FormatError(name + ": expected " + std::to_string(tiles) + " tiles, found " + std::to_string(rows));
  }
  // Tiles that do not compress otherwise fall back to gzip, in a column of their own.
  for (const char* title : {"COMPRESSED_DATA", "GZIP_COMPRESSED_DATA", "UNCOMPRESSED_DATA"}) {
    const bool first = std::string(title) == "COMPRESSED_DATA";
    const bool packed = first ? gzip : std::string(title) == "GZIP_COMPRESSED_DATA";
    const bool checked = packed || (first && image.compress_type == HCOMPRESS_1);
    std::string column = title;
    int number = 0;
    int missing = 0;
    fits_get_colnum(file, CASEINSEN, column.data(), &number, &missing);
    for (LONGLONG row = 1; row <= tiles && missing == 0; ++row) {
      if (tile_length(file, number, row, name) == 0 || !checked) continue;
      std::vector<unsigned char> bytes = tile_bytes(file, number, row, name);
      const std::size_t pixels = tile_pixels(image, row);
      const bool good = packed ? is_whole_gzip(bytes, pixels * sizeof(double)) : is_hcompress(bytes, pixels);
      if (!good) throw FormatError(name + ": tile " + std::to_string(row) + " is broken");
    }
  }
  fits_clear_errmsg();
}

}  // namespace abell::detail

#pragma once
/// Checks of headers, and of tile-compressed images, before CFITSIO reads them: on damaged ones version 4.2 crashed,
/// did not end, or used memory that was not its own.

#include <zlib.h>

#include <abell/core/error.hpp>
#include <abell/images/fits_library.hpp>
#include <abell/images/image.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
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

/// The value of a card as CFITSIO takes it from there: a text with its quotes, or all before the comment.
inline std::string_view card_value(std::string_view card) {
  const std::size_t first = std::min(card.find_first_not_of(' ', 9), card.size());
  std::size_t end = card.size();
  if (first == end) return {};
  if (card[first] == '\'') {
    std::size_t quote = card.find('\'', first + 1);
    while (quote < end - 1 && card[quote + 1] == '\'') quote = card.find('\'', quote + 2);
    end = std::min(quote, end - 1) + 1;
  } else if (card[first] != '(') {
    end = std::min(card.find('/', first), end);
  }
  const std::string_view value = card.substr(first, end - first);
  return value.substr(0, value.find_last_not_of(' ') + 1);
}

/// Whether a card that ought to hold a whole number has a value of its length, or is another card.
inline bool is_number_card(std::string_view card) {
  constexpr std::array<std::string_view, 16> numbers{"BITPIX", "NAXIS", "PCOUNT",  "GCOUNT", "TFIELDS", "THEAP",
                                                     "BLANK",  "TNULL", "EXTVER",  "EXTLEV", "ZBITPIX", "ZNAXIS",
                                                     "ZTILE",  "ZVAL",  "ZDITHER", "ZBLANK"};
  const bool number = std::ranges::any_of(numbers, [&](std::string_view name) { return card.starts_with(name); });
  return !number || card[8] != '=' || card_value(card).size() <= 25;
}

/// Whether the side of a tile or an image, a number of axes, or the pixels of a block are one.
inline bool is_tile_size(long value) { return value >= 1 && value <= 1'000'000; }

/// Whether a tile of these sides is not larger than any image may be.
inline bool is_tile_area(std::span<const long> sides) {
  long area = 1;
  for (const long side : sides) area = std::min(area * side, 1'000'000'000'000L);
  return area <= max_image_side * max_image_side;
}

/// Checks the cards of a header, up to END or the end of the text, and appends those that tell of tiles to `kept`.
/// Returns whether END was there. Throws FormatError.
inline bool keep_tile_cards(std::string_view text, std::string& kept, const std::string& name) {
  constexpr std::size_t size = 80;
  for (; text.size() >= size; text.remove_prefix(size)) {
    const std::string_view card = text.substr(0, size);
    if (card.starts_with("END     ")) return true;
    if (!is_number_card(card)) {
      throw FormatError(name + ": expected " + std::string(card.substr(0, 8)) + "to be a whole number, found " +
                        header_text(std::string(card.substr(8, 32))));
    }
    if (card.starts_with("Z")) kept += card;
  }
  return false;
}

/// Throws FormatError for cards of one header whose tiles, or blocks in them, are no sizes.
inline void check_tile_cards(const std::string& cards, const std::string& name) {
  constexpr std::size_t size = 80;
  const bool rice = cards.find("'RICE") != std::string::npos;
  std::vector<long> tile;
  for (std::size_t at = 0; at + size <= cards.size(); at += size) {
    const std::string_view card = std::string_view(cards).substr(at, size);
    const bool side = card.starts_with("ZTILE");
    if (!side && !card.starts_with("ZNAXIS") && !(rice && card.starts_with("ZVAL1 "))) continue;
    const long value = card_number(card);
    if (!is_tile_size(value)) {
      throw FormatError(name + ": expected " + std::string(card.substr(0, 8)) + "to be a size in pixels, found " +
                        header_text(std::string(card.substr(8, 22))));
    }
    if (side) tile.push_back(value);
  }
  if (!is_tile_area(tile)) throw FormatError(name + ": expected tiles no larger than images, found larger ones");
}

/// Checks the headers of a file, packed by gzip or not, and that a packed one is whole. Throws IoError and FormatError.
inline void check_tile_headers(const std::string& path, const std::string& name) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  if (!file) throw IoError(name + ": cannot be opened for reading");
  constexpr std::size_t block = 2880, most = 80'000;
  std::array<char, block> bytes{};
  std::string cards;
  bool header = true;
  while (gzread(file.get(), bytes.data(), block) == static_cast<int>(block)) {
    const std::string_view text(bytes.data(), block);
    header = header || text.starts_with("XTENSION");
    if (!header) continue;
    header = !keep_tile_cards(text, cards, name);
    if (cards.size() > most) throw FormatError(name + ": expected at most 1000 cards on tiles in a header, found more");
    if (header) continue;
    check_tile_cards(cards, name);
    cards.clear();
  }
  check_tile_cards(cards, name);
  int error = Z_OK;
  gzerror(file.get(), &error);
  if (error != Z_OK) throw FormatError(name + ": truncated or damaged gzip file");
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

/// Whether the sides that an HCOMPRESS stream tells, of up to 32 bits, are those of a tile of `pixels`.
inline bool has_pixels(std::uint64_t rows, std::uint64_t columns, std::size_t pixels) {
  return rows * columns == pixels;
}

/// Whether `bytes` begin like an HCOMPRESS stream of `pixels`: the magic number, then both sides.
inline bool is_hcompress(const std::vector<unsigned char>& bytes, std::size_t pixels) {
  if (bytes.size() < 26 || bytes[0] != 0xDD || bytes[1] != 0x99) return false;
  const auto side = [&](std::size_t at) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < 4; ++i) value = value << 8 | bytes[at + i];
    return value;
  };
  return has_pixels(side(2), side(6), pixels);
}

/// The sides of an image, and of the tiles that it is cut into.
struct TileGrid {
  std::vector<long> sides, tiles;

  long long along(std::size_t axis) const {
    return (static_cast<long long>(sides[axis]) + tiles[axis] - 1) / tiles[axis];
  }
  /// The number of tiles, of which no file holds 10^12.
  long long count() const {
    long long all = 1;
    for (std::size_t axis = 0; axis < sides.size(); ++axis) all = std::min(all * along(axis), 1'000'000'000'000LL);
    return all;
  }
  /// The number of pixels in the tile of a row, from 1: those at the far borders are smaller.
  std::size_t pixels(long long row) const {
    std::size_t all = 1;
    long long left = row - 1;
    for (std::size_t axis = 0; axis < sides.size(); ++axis) {
      const long long first = left % along(axis) * tiles[axis];
      all *= static_cast<std::size_t>(std::clamp<long long>(sides[axis] - first, 0, tiles[axis]));
      left /= along(axis);
    }
    return all;
  }
};

/// Throws FormatError unless every side is one and the table has a row for each tile.
inline void check_tile_grid(const TileGrid& grid, long long rows, const std::string& name) {
  if (!std::ranges::all_of(grid.sides, is_tile_size) || !std::ranges::all_of(grid.tiles, is_tile_size)) {
    throw FormatError(name + ": tiles without a size");
  }
  if (rows < grid.count()) {
    throw FormatError(name + ": expected " + std::to_string(grid.count()) + " tiles, found " + std::to_string(rows));
  }
}

/// Throws FormatError when a tile is longer than its file.
inline void check_tile_length(long long length, long long file_size, const std::string& name) {
  if (length < 0 || length > file_size) throw FormatError(name + ": a tile is longer than the file");
}

/// The length of one tile, 0 where the column has none. Throws FormatError.
inline LONGLONG tile_length(fitsfile* file, int column, LONGLONG row, const std::string& name) {
  int status = 0;
  LONGLONG length = 0;
  LONGLONG offset = 0;
  fits_read_descriptll(file, column, row, &length, &offset, &status);
  check_fits(status, name, "cannot read the tiles");
  check_tile_length(length, file->Fptr->filesize, name);
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

/// Throws FormatError when the current HDU is a tile-compressed image with a tile that is broken.
inline void check_tiles(fitsfile* file, const std::string& name) {
  int status = 0;
  if (fits_is_compressed_image(file, &status) == 0) return;
  const FITSfile& image = *file->Fptr;
  const bool gzip = image.compress_type == GZIP_1 || image.compress_type == GZIP_2;
  LONGLONG rows = 0;
  check_fits(fits_get_num_rowsll(file, &rows, &status), name, "cannot read the tiles");
  const auto axes = static_cast<std::size_t>(std::clamp(image.zndim, 0, MAX_COMPRESS_DIM));
  const TileGrid grid{{image.znaxis, image.znaxis + axes}, {image.tilesize, image.tilesize + axes}};
  check_tile_grid(grid, rows, name);
  const LONGLONG tiles = grid.count();
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
      const std::size_t pixels = grid.pixels(row);
      const bool good = packed ? is_whole_gzip(bytes, pixels * sizeof(double)) : is_hcompress(bytes, pixels);
      if (!good) throw FormatError(name + ": tile " + std::to_string(row) + " is broken");
    }
  }
  fits_clear_errmsg();
}

}  // namespace abell::detail

/// The checks that stand before CFITSIO and wcslib, each by itself: numbers, cards as text, ordinary streams.

#include <zlib.h>

#include <abell/images/fits.hpp>
#include <abell/images/wcs_header.hpp>
#include <array>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"

using abell::FormatError;
namespace detail = abell::detail;

namespace {

std::string card(std::string text) {
  text.resize(80, ' ');
  return text;
}

template <class... Arguments>
std::string card_error(const Arguments&... cards) {
  return message_of<FormatError>([&] { detail::check_tile_cards((card(cards) + ...), "f.fits"); });
}

std::string bins_error(const std::vector<double>& sides) {
  return message_of<FormatError>([&] { detail::check_bins(sides, "f.fits[bin]"); });
}

std::string grid_error(const detail::TileGrid& grid, long long rows) {
  return message_of<FormatError>([&] { detail::check_tile_grid(grid, rows, "f.fits"); });
}

std::vector<unsigned char> gzipped(const std::string& text) {
  std::vector<unsigned char> bytes(text.size() + 200);
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string copy = text;
  stream.next_in = reinterpret_cast<unsigned char*>(copy.data());
  stream.avail_in = static_cast<uInt>(copy.size());
  stream.next_out = bytes.data();
  stream.avail_out = static_cast<uInt>(bytes.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  bytes.resize(stream.total_out);
  deflateEnd(&stream);
  return bytes;
}

}  // namespace

TEST_CASE("the whole number of a card is told from other values", "[fits]") {
  REQUIRE(detail::card_number(card("ZTILE1  =                  100 / side")) == 100);
  REQUIRE(detail::card_number(card("ZTILE1  = 7/side")) == 7);
  REQUIRE(detail::card_number(card("ZTILE1  = -7")) == -7);
  for (const char* text : {"ZTILE1  = 1.5", "ZTILE1  = 'a'", "ZTILE1  = T", "ZTILE1  =", "ZTILE1", "ZTILE1  = 1x"}) {
    INFO(text);
    REQUIRE(detail::card_number(card(text)) == -1);
  }
}

TEST_CASE("cards of whole numbers have a value of that length", "[fits]") {
  REQUIRE(detail::card_value(card("NAXIS   =                    2 / axes")) == "2");
  REQUIRE(detail::card_value(card("OBJECT  = 'a/b ''c'' ' / text")) == "'a/b ''c'' '");
  REQUIRE(detail::card_value(card("OBJECT  =   / quote")) == "");
  REQUIRE(detail::card_value(card("OBJECT  = 'open / text")) == card("'open / text").substr(0, 12));
  REQUIRE(detail::card_value(card("PAIR    = (1, 2) / pair")) == "(1, 2) / pair");
  REQUIRE(detail::card_value(card("NAXIS   =")).empty());
  REQUIRE(detail::is_number_card(card("NAXIS1  = -9223372036854775807 / a comment that may be longer")));
  REQUIRE(detail::is_number_card(card("EXTVER  = '1       '           / a comment that may be longer")));
  REQUIRE(detail::is_number_card(card("OBJECT  = 'a text that may be longer than a number'")));
  REQUIRE(detail::is_number_card(card("NAXIS is no value of this card but a remark")));
  REQUIRE_FALSE(detail::is_number_card(card("NAXIS   = 12345678901234567890123456")));
  std::string kept;
  REQUIRE_THROWS_WITH(detail::keep_tile_cards(card("BITPIX  = 12345678901234567890123456"), kept, "f.fits"),
                      Contains("f.fits: expected BITPIX  to be a whole number"));
}

TEST_CASE("tile sizes in headers must be sizes", "[fits]") {
  REQUIRE(card_error("ZNAXIS  =                    2", "ZTILE1  =                  100").empty());
  REQUIRE(card_error("NAXIS1  =                    x", "COMMENT ZTILE1 = x", "ZVAL1   = x").empty());
  REQUIRE(card_error("ZVAL1   = 32 / block", "ZCMPTYPE= 'RICE_1  '").empty());
  REQUIRE_THAT(card_error("ZTILE1  = 100", "ZTILE2  = x"),
               Contains("f.fits: expected ZTILE2  to be a size in pixels, found = x"));
  REQUIRE_THAT(card_error("ZNAXIS1 = 1.5"), Contains("ZNAXIS1"));
  REQUIRE_THAT(card_error("ZVAL1   = x", "ZCMPTYPE= 'RICE_1  '"), Contains("ZVAL1"));
  REQUIRE(card_error("ZTILE1  = 20000", "ZTILE2  = 20000").empty());
  REQUIRE_THAT(card_error("ZTILE1  = 20000", "ZTILE2  = 20001"), Contains("f.fits: expected tiles no larger"));
  REQUIRE(detail::is_tile_area({}));
  REQUIRE_FALSE(detail::is_tile_area(std::vector<long>(6, 1'000'000)));
  std::string kept;
  REQUIRE(detail::keep_tile_cards(card("ZTILE1  = 5") + card("NAXIS   = 2") + card("END") + card("ZTILE2"), kept, "f"));
  REQUIRE(kept == card("ZTILE1  = 5"));
  REQUIRE_FALSE(detail::keep_tile_cards(card("ZTILE2  = 6") + "END", kept, "f"));
  REQUIRE(kept == card("ZTILE1  = 5") + card("ZTILE2  = 6"));
  for (const long side : {1L, 100L, 1'000'000L}) REQUIRE(detail::is_tile_size(side));
  for (const long side : {0L, -1L, 1'000'001L}) REQUIRE_FALSE(detail::is_tile_size(side));

  // In a file, the cards of extensions count: of the first block, and of one behind it.
  const TempFolder folder;
  std::string first = card("SIMPLE  = T") + card("END"), second = card("XTENSION= 'IMAGE   '");
  first.resize(2880, ' ');
  second.resize(2880, ' ');
  std::string third = card("ZTILE1  = side") + card("END");
  third.resize(2880, ' ');
  const auto headers = [&](const std::string& text) {
    const std::string path = folder.write("h", text).string();
    return message_of<FormatError>([&] { detail::check_tile_headers(path, "h"); });
  };
  REQUIRE(headers(first + third).empty());  // of no header
  REQUIRE_THAT(headers(first + second + third), Contains("h: expected ZTILE1"));
  REQUIRE_THROWS_AS(detail::check_tile_headers((folder / "none").string(), "none"), abell::IoError);

  // Packed: as a whole, and cut.
  for (const std::string& text : {first + third, first + second + third}) {
    const std::vector<unsigned char> bytes = gzipped(text);
    const std::string packed(bytes.begin(), bytes.end());
    REQUIRE(headers(packed) == headers(text));
  }
  const std::vector<unsigned char> bytes = gzipped(first + third);
  for (std::size_t keep = 20; keep < bytes.size(); ++keep) {
    REQUIRE_THAT(headers(std::string(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(keep))),
                 Contains("h: truncated or damaged gzip file"));
  }
}

TEST_CASE("tiles cover their image, and are counted", "[fits]") {
  const detail::TileGrid grid{{16, 12}, {5, 12}};
  REQUIRE(grid.count() == 4);
  REQUIRE(grid.pixels(1) == 60);
  REQUIRE(grid.pixels(4) == 12);
  const detail::TileGrid cube{{10, 4, 3}, {10, 3, 2}};
  REQUIRE(cube.count() == 4);
  REQUIRE(cube.pixels(1) == 60);
  REQUIRE(cube.pixels(2) == 20);
  REQUIRE(cube.pixels(3) == 30);
  REQUIRE(cube.pixels(4) == 10);
  REQUIRE(detail::TileGrid{std::vector<long>(6, 1'000'000), std::vector<long>(6, 1)}.count() == 1'000'000'000'000);

  REQUIRE(grid_error(grid, 4).empty());
  REQUIRE_THAT(grid_error(grid, 3), Contains("f.fits: expected 4 tiles, found 3"));
  REQUIRE_THAT(grid_error({{16, 12}, {5, 0}}, 4), Contains("f.fits: tiles without a size"));
  REQUIRE_THAT(grid_error({{16, -1}, {5, 5}}, 4), Contains("tiles without a size"));

  const auto error = [](long long length, long long size) {
    return message_of<FormatError>([&] { detail::check_tile_length(length, size, "f.fits"); });
  };
  REQUIRE(error(0, 100).empty());
  REQUIRE(error(100, 100).empty());
  REQUIRE_THAT(error(101, 100), Contains("f.fits: a tile is longer than the file"));
  REQUIRE_FALSE(error(-1, 100).empty());
}

TEST_CASE("a gzip stream is whole or not", "[fits]") {
  std::string text;
  for (int i = 0; i < 9000; ++i) text += std::to_string(i * i);
  const std::vector<unsigned char> whole = gzipped(text);
  const auto is_whole = [&](std::size_t keep, std::size_t limit) {
    std::vector<unsigned char> bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(keep));
    return detail::is_whole_gzip(bytes, limit);
  };
  REQUIRE(is_whole(whole.size(), text.size()));
  REQUIRE_FALSE(is_whole(whole.size(), text.size() - 1));
  for (std::size_t keep = 0; keep < whole.size(); keep += 97) REQUIRE_FALSE(is_whole(keep, text.size()));
  REQUIRE_FALSE(is_whole(whole.size() - 1, text.size()));
  std::vector<unsigned char> more = whole, plain(text.begin(), text.end());
  more.push_back(0);
  REQUIRE(detail::is_whole_gzip(more, text.size()));
  REQUIRE_FALSE(detail::is_whole_gzip(plain, text.size()));
}

TEST_CASE("an HCOMPRESS stream has its tile's number of pixels", "[fits]") {
  REQUIRE(detail::has_pixels(12, 16, 192));
  REQUIRE_FALSE(detail::has_pixels(12, 17, 192));
  REQUIRE_FALSE(detail::has_pixels(0, 0, 192));
  REQUIRE_FALSE(detail::has_pixels(0xFFFFFFFF, 0xFFFFFFFF, 1));
  REQUIRE_FALSE(detail::is_hcompress({}, 0));
  REQUIRE_FALSE(detail::is_hcompress(std::vector<unsigned char>(25, 0xDD), 192));
  REQUIRE_FALSE(detail::is_hcompress(std::vector<unsigned char>(100, 0xDD), 192));
}

TEST_CASE("bins make no larger image than images may be", "[fits]") {
  REQUIRE(detail::bins_between(0.5, 200.5, 8) == 25);
  REQUIRE(detail::bins_between(200.5, 0.5, -8) == 25);
  REQUIRE(detail::bins_between(0, 1e9, 1e-9) == 1e18);
  REQUIRE(bins_error({25, 25}).empty());
  REQUIRE(bins_error({20000, 20000}).empty());
  REQUIRE(bins_error({500, 500, 16}).empty());
  REQUIRE_THAT(bins_error({20001, 25}), Contains("f.fits[bin]: expected at most 20000 bins on axis 1, found 20001"));
  REQUIRE_THAT(bins_error({25, 1e18}), Contains("20000 bins on axis 2"));
  REQUIRE_THAT(bins_error({25, 25, 17}), Contains("16 bins on axis 3"));
  REQUIRE_THAT(bins_error({20000, 20000, 2}), Contains("expected at most 400000000 bins in all, found 800000000"));
  REQUIRE_FALSE(bins_error({std::nan(""), 5}).empty());
  REQUIRE_FALSE(bins_error({HUGE_VAL, 5}).empty());
}

TEST_CASE("a file holds the pixels that its header tells", "[fits]") {
  REQUIRE(detail::image_bytes(-32, 50, 60, 1) == 12000);
  REQUIRE(detail::image_bytes(16, 20000, 20000, 16) == 12'800'000'000);
  const auto error = [](long long end, long long size) {
    return message_of<FormatError>([&] { detail::check_file_length(end, size, "f.fits"); });
  };
  REQUIRE(error(14880, 14880).empty());
  REQUIRE_THAT(error(14881, 14880), Contains("f.fits: truncated FITS: expected at least 14881 bytes, found 14880"));
}

TEST_CASE("cards with open texts or absurd axes are left out before wcslib", "[wcs]") {
  const std::string good = card("CTYPE1  = 'RA---TAN' / it's") + card("OBJECT  = 'Moe''s'") + card("CRVAL1  = 150.0") +
                           card("COMMENT 'a") + card("") + card("NAME    = ''") + card("NAXIS1  = 100") +
                           card("NAXIS   = 2") + card("WCSAXES = 2 / axes");
  REQUIRE(detail::closed_cards(good) == good);
  REQUIRE(detail::closed_cards(good + card("OBJECT  = 'open") + good) == good + good);
  REQUIRE(detail::closed_cards(card("OBJECT  = 'it''s open''") + good) == good);
  REQUIRE(detail::closed_cards(card("WCSAXES = 100") + card("WCSAXESA= 'two'") + card("NAXIS   = 100") + good) == good);
  REQUIRE(detail::closed_cards("CTYPE1  = 'no whole card'").empty());
  REQUIRE(detail::closed_cards(card("CTYPE100= 'X'") + good + card("PV2_39  = 1")) == good + card("PV2_39  = 1"));
  for (const char* name : {"CTYPE1", "CD12_12", "PV2_39A", "A_3_0", ""}) REQUIRE(detail::has_short_numbers(name));
  for (const char* name : {"CTYPE100", "PC1_123", "123TYP1"}) REQUIRE_FALSE(detail::has_short_numbers(name));
  for (const long axes : {0L, 2L, 99L}) REQUIRE(detail::is_axis_count(axes));
  for (const long axes : {-1L, 100L}) REQUIRE_FALSE(detail::is_axis_count(axes));
}

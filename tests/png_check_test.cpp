#include <abell/images/stb.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "png_bytes.hpp"
#include "temp_folder.hpp"

using abell::FormatError;
using abell::detail::Bytes;
using namespace std::string_literals;

namespace {

Bytes bytes_of(const std::string& text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

/// What check_png says of a file; "sound" when nothing.
std::string said(const std::string& file, double max_megapixels = 64) {
  try {
    abell::detail::check_png(bytes_of(file), "a.png", max_megapixels);
  } catch (const FormatError& error) {
    return error.what();
  }
  return "sound";
}

std::string said_of_chunks(const std::string& chunks) { return said(png_file(chunks)); }

const std::string end = png_chunk("IEND", "");
const std::string pixel = png_chunk("IDAT", stored_zlib("\0\7"s));  // of one row: no filter, a value

}  // namespace

TEST_CASE("check_png takes what ordinary programs write, and no part of it", "[images]") {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(ABELL_GOLDEN_DIR "/../fuzz/png")) {
    const std::string whole = slurp(entry.path());
    INFO(entry.path());
    REQUIRE(said(whole) == "sound");
    REQUIRE_NOTHROW(abell::read_stb(entry.path()));
    for (std::size_t size = 8; size < whole.size(); ++size) {
      INFO("cut at " << size);
      REQUIRE_THAT(said(whole.substr(0, size)), Contains("a.png: truncated PNG"));
    }
    for (std::size_t at = 8; at < whole.size(); ++at) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ 0x55);
      INFO("changed at " << at);
      REQUIRE_THAT(said(changed), Contains("a.png: ") && Contains("PNG") || Contains("expected sides"));
    }
    ++files;
  }
  REQUIRE(files >= 10);
}

TEST_CASE("check_png: the header", "[images]") {
  using abell::detail::png_header;
  const auto header = [](int depth, int colour, const std::string& rest = "\0\0\0"s) {
    const std::string body =
        big_endian_text(3) + big_endian_text(2) + static_cast<char>(depth) + static_cast<char>(colour) + rest;
    return png_header(bytes_of(body), "a.png");
  };
  const std::vector<std::pair<int, std::vector<int>>> standard{
      {0, {1, 2, 4, 8, 16}}, {2, {8, 16}}, {3, {1, 2, 4, 8}}, {4, {8, 16}}, {6, {8, 16}}};
  for (int colour = 0; colour < 10; ++colour) {
    for (int depth = 0; depth <= 33; ++depth) {
      bool known = false;
      for (const auto& [c, depths] : standard) known = known || (c == colour && std::ranges::count(depths, depth) > 0);
      INFO("depth " << depth << ", colour " << colour);
      if (known) {
        REQUIRE(header(depth, colour).depth == depth);
      } else {
        REQUIRE_THROWS_WITH(header(depth, colour), Contains("a.png: damaged PNG: expected a depth"));
      }
    }
  }
  REQUIRE(header(8, 2, "\0\0\1"s).interlaced);
  REQUIRE_THROWS_WITH(header(8, 2, "\1\0\0"s), Contains("compression 0"));
  REQUIRE_THROWS_WITH(header(8, 2, "\0\1\0"s), Contains("filter 0"));
  REQUIRE_THROWS_WITH(header(8, 2, "\0\0\2"s), Contains("interlace 0 or 1"));
  REQUIRE_THROWS_WITH(header(8, 2, "\0\0"s), Contains("expected 13 bytes in IHDR, found 12"));
}

TEST_CASE("check_png: chunks in their order", "[images]") {
  const std::string grey = png_head(1, 1, 8, 0), palette = png_head(1, 1, 8, 3), rgb = png_head(1, 1, 8, 2);
  const std::string plte = png_chunk("PLTE", std::string(24, 'c')), text = png_chunk("tEXt", "a");
  const std::string trns = png_chunk("tRNS", std::string(2, '\0'));
  REQUIRE(said_of_chunks(grey + pixel + end) == "sound");
  REQUIRE(said_of_chunks(grey + text + trns + pixel + text + end) == "sound");
  REQUIRE(said_of_chunks(palette + plte + trns + pixel + end) == "sound");
  REQUIRE_THAT(said_of_chunks(pixel + grey + end), Contains("IHDR first and once"));
  REQUIRE_THAT(said_of_chunks(grey + grey + pixel + end), Contains("IHDR first and once"));
  REQUIRE_THAT(said_of_chunks(palette + pixel + end), Contains("a palette before IDAT"));
  REQUIRE_THAT(said_of_chunks(palette + plte + plte + pixel + end), Contains("one palette before"));
  REQUIRE_THAT(said_of_chunks(palette + plte + pixel + plte + end), Contains("one palette before"));
  REQUIRE_THAT(said_of_chunks(grey + plte + pixel + end), Contains("expected no palette"));
  REQUIRE_THAT(said_of_chunks(palette + trns + plte + pixel + end), Contains("tRNS that goes with the image"));
  REQUIRE_THAT(said_of_chunks(palette + plte + pixel + trns + end), Contains("one tRNS before IDAT"));
  REQUIRE_THAT(said_of_chunks(grey + trns + trns + pixel + end), Contains("one tRNS before IDAT"));
  REQUIRE_THAT(said_of_chunks(rgb + trns + end), Contains("tRNS that goes with the image"));
  REQUIRE_THAT(said_of_chunks(grey + pixel + text + pixel + end), Contains("all IDAT in a row"));
  REQUIRE_THAT(said_of_chunks(grey + png_chunk("IDAT", "") + pixel + end), Contains("data in the first IDAT"));
  REQUIRE(said_of_chunks(grey + pixel + png_chunk("IDAT", "") + end) == "sound");
  REQUIRE_THAT(said_of_chunks(grey + png_chunk("CgBI", "") + pixel + end), Contains("known, or not critical"));
  REQUIRE_THAT(said_of_chunks(grey + pixel + png_chunk("IEND", "x")), Contains("an empty IEND"));
  REQUIRE_THAT(said_of_chunks(grey + end), Contains("expected compressed data of 2 bytes"));
}

TEST_CASE("check_png: palettes and transparency", "[images]") {
  using abell::detail::check_png_transparency;
  using abell::detail::png_colours;
  const abell::detail::PngHeader grey{1, 1, 8, 0}, rgb{1, 1, 8, 2}, palette{1, 1, 4, 3}, alpha{1, 1, 8, 6};
  REQUIRE(png_colours(palette, 48, "a") == 16);
  REQUIRE(png_colours(rgb, 768, "a") == 256);
  for (const std::size_t length : {0U, 1U, 47U, 51U}) REQUIRE_THROWS_AS(png_colours(palette, length, "a"), FormatError);
  REQUIRE_THROWS_AS(png_colours(rgb, 771, "a"), FormatError);
  REQUIRE_NOTHROW(check_png_transparency(palette, 5, 5, "a"));
  REQUIRE_NOTHROW(check_png_transparency(grey, 0, 2, "a"));
  REQUIRE_NOTHROW(check_png_transparency(rgb, 0, 6, "a"));
  for (const std::size_t length : {0U, 6U}) {
    REQUIRE_THROWS_AS(check_png_transparency(palette, 5, length, "a"), FormatError);
    REQUIRE_THROWS_AS(check_png_transparency(grey, 0, length, "a"), FormatError);
    REQUIRE_THROWS_AS(check_png_transparency(alpha, 0, length, "a"), FormatError);
  }
}

TEST_CASE("check_png: as many pixels as the header announces, with known filters and colours", "[images]") {
  REQUIRE(said(plain_png(2, 2, 8, 0, "\0ab\4cd"s)) == "sound");
  REQUIRE_THAT(said(plain_png(2, 2, 8, 0, "\0ab\4c"s)), Contains("compressed data of 6 bytes, found 5"));
  REQUIRE_THAT(said(plain_png(2, 2, 8, 0, "\0ab\4cde"s)), Contains("compressed data of 6 bytes, found more"));
  REQUIRE_THAT(said(plain_png(2, 2, 8, 0, "\0ab\5cd"s)), Contains("expected filters 0 to 4, found 5"));
  REQUIRE_THAT(said_of_chunks(png_head(1, 1, 8, 0) + png_chunk("IDAT", "no stream") + end), Contains("no zlib stream"));
  // Before memory is taken.
  REQUIRE_THAT(said_of_chunks(png_head(8000, 8000, 16, 6) + pixel + end), Contains("found a stream of 13, too short"));
  // Two rows of three indices, each led by its filter.
  const auto indices = [](const std::string& rows, int depth, std::uint32_t width) {
    return said_of_chunks(png_head(width, 2, depth, 3) + png_chunk("PLTE", "rgbrgbrgb") +
                          png_chunk("IDAT", stored_zlib(rows)) + end);
  };
  REQUIRE(indices("\1\2\0\0\2\0\0\0"s, 8, 3) == "sound");
  REQUIRE_THAT(indices("\1\2\1\0\2\0\0\0"s, 8, 3), Contains("indices below 3") && Contains("found 3"));
  REQUIRE_THAT(indices("\1\2\0\0\2\0\1\0"s, 8, 3), Contains("indices below 3"));
  REQUIRE_THAT(indices("\3\2\2\1\3\1\3\0"s, 8, 3), Contains("indices below 3"));
  REQUIRE(indices("\0\x21\x0F\0\x12\x2F"s, 4, 3) == "sound");  // what is left of the last byte is no index
  REQUIRE_THAT(indices("\0\x21\x2F\0\x12\x3F"s, 4, 3), Contains("found 3"));
}

TEST_CASE("check_png: the passes of interlaced images", "[images]") {
  using abell::detail::png_data_size;
  // Every pixel is in one pass.
  for (long width = 1; width < 20; ++width) {
    for (long height = 1; height < 20; ++height) {
      std::size_t pixels = 0;
      for (const auto& pass : abell::detail::png_passes({width, height, 8, 0, true}))
        pixels += pass.width * pass.height;
      REQUIRE(pixels == static_cast<std::size_t>(width * height));
    }
  }
  REQUIRE(png_data_size({8, 8, 8, 0, true}) == 64 + 15);  // a filter for each of 1, 1, 1, 2, 2, 4 and 4 rows
  REQUIRE(png_data_size({3, 2, 16, 6, false}) == 2 * (1 + 24));
  REQUIRE(png_data_size({20000, 20000, 16, 6, false}) == 20000ULL * (1 + 160000));
}

TEST_CASE("PNG and JPEG of too many megapixels are refused before they are decoded", "[images]") {
  const std::string limit = "a.png: expected at most 64 megapixels (max_megapixels), found 100 (10000 x 10000)";
  REQUIRE(said(png_file(png_head(10000, 10000, 8, 2))) == limit);  // nothing but a header
  REQUIRE_THAT(said(png_file(png_head(8000, 8000, 8, 2))), Contains("truncated"));
  REQUIRE_THAT(said(png_file(png_head(8001, 8000, 8, 2))),
               Contains("at most 64 megapixels") && Contains("8001 x 8000"));
  REQUIRE_THAT(said(png_file(png_head(10000, 10000, 8, 2)), 100), Contains("truncated"));
  REQUIRE_THAT(said(plain_png(2, 2, 8, 0, "\0ab\0cd"s), 3e-6), Contains("at most 3e-06 megapixels"));
  const std::string jpeg = "\xFF\xD8\xFF\xC0\0\x0B\x08\x27\x10\x27\x10\1\1\x11\0"s;  // up to the frame header
  REQUIRE_THAT(message_of<FormatError>([&] { abell::decode_png_jpeg(bytes_of(jpeg), "a.jpg"); }),
               Contains("a.jpg: expected at most 64 megapixels (max_megapixels), found 100 (10000 x 10000)"));
  REQUIRE_THAT(message_of<FormatError>([&] { abell::decode_png_jpeg(bytes_of(jpeg), "a.jpg", 100); }),
               Contains("truncated JPEG"));
}

#include <abell/images/read.hpp>
#include <abell/images/resample.hpp>
#include <abell/images/stb.hpp>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "png_bytes.hpp"
#include "temp_folder.hpp"

using abell::FormatError;
using abell::Image;
using abell::IoError;

namespace {

std::vector<std::uint8_t> noise(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::uint32_t state = 12345;
  for (auto& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<std::uint8_t>(state >> 24);
  }
  return bytes;
}

std::string jpeg(int height, int width) {
  const auto pixels = noise(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * 3);
  std::string bytes;
  stbi_write_jpg_to_func(
      [](void* to, void* data, int size) {
        static_cast<std::string*>(to)->append(static_cast<const char*>(data), static_cast<std::size_t>(size));
      },
      &bytes, width, height, 3, pixels.data(), 90);
  return bytes;
}

}  // namespace

TEST_CASE("PNG pixels survive writing and reading exactly", "[images]") {
  const TempFolder folder;
  for (const int channels : {1, 3}) {
    const auto bytes = noise(13U * 7U * static_cast<std::size_t>(channels));
    abell::write_png(folder / "a.png", 13, 7, channels, bytes);
    const Image image = abell::read_image(folder / "a.png");
    REQUIRE(image.height == 13);
    REQUIRE(image.width == 7);
    REQUIRE(image.channels == channels);
    REQUIRE(image.mask.empty());
    for (std::size_t i = 0; i < bytes.size(); ++i) REQUIRE(image.pixels[i] == static_cast<float>(bytes[i]));
    abell::write_png(folder / "b.png", image);
    REQUIRE(slurp(folder / "a.png") == slurp(folder / "b.png"));
  }
  // Nothing but the two files: no temporary is left.
  REQUIRE(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 2);
}

TEST_CASE("alpha is dropped and grey is copied", "[images]") {
  const TempFolder folder;
  const std::vector<std::uint8_t> rgba{10, 20, 30, 0, 40, 50, 60, 128};
  abell::write_png(folder / "rgba.png", 1, 2, 4, rgba);
  REQUIRE(abell::read_image(folder / "rgba.png").pixels == std::vector<float>{10, 20, 30, 40, 50, 60});
  const std::vector<std::uint8_t> grey_alpha{10, 0, 40, 128};
  abell::write_png(folder / "ga.png", 1, 2, 2, grey_alpha);
  const Image grey = abell::read_image(folder / "ga.png");
  REQUIRE(grey.channels == 1);
  REQUIRE(abell::with_channels(grey, 3, "ga").pixels == std::vector<float>{10, 10, 10, 40, 40, 40});
  REQUIRE_THROWS_AS(abell::with_channels(Image(1, 1, 2), 3, "two"), FormatError);
  REQUIRE_THROWS_WITH(abell::with_channels(Image(1, 1, 4), 3, "four"), Contains("four") && Contains("found 4"));
}

TEST_CASE("16-bit PNG keeps its precision on the scale 0..255", "[images]") {
  const TempFolder folder;
  folder.write("deep.png", plain_png(3, 1, 16, 0, std::string("\0\xFF\xFF\x01\x01\0\x01", 7)));
  const Image image = abell::read_image(folder / "deep.png");
  REQUIRE(image.pixels[0] == 255.0F);
  REQUIRE(image.pixels[1] == 1.0F);
  REQUIRE(image.pixels[2] == Approx(1.0 / 257));
}

TEST_CASE("JPEG is read", "[images]") {
  const TempFolder folder;
  folder.write("a.jpg", jpeg(24, 40));
  const Image image = abell::read_image(folder / "a.jpg");
  REQUIRE(image.height == 24);
  REQUIRE(image.width == 40);
  REQUIRE(image.channels == 3);
}

TEST_CASE("files that are no images are refused by name", "[images]") {
  const TempFolder folder;
  const auto message = [&](const std::string& name) {
    return message_of<FormatError>([&] { abell::read_image(folder / name); });
  };
  folder.write("text.png", "not an image");
  folder.write("empty.png", "");
  REQUIRE_THAT(message("text.png"), Contains("text.png") && Contains("expected a PNG, JPEG or FITS"));
  REQUIRE_THAT(message("empty.png"), Contains("empty.png") && Contains("empty file"));
  REQUIRE_THAT(message_of<IoError>([&] { abell::read_image(folder / "none.png"); }), Contains("none.png"));
  REQUIRE_THAT(message_of<IoError>([&] { abell::read_image(folder.path()); }), Contains("not a regular file"));
  REQUIRE_THROWS_AS(abell::read_stb(folder / "text.png"), FormatError);
}

TEST_CASE("truncated and damaged files are refused at every length", "[images]") {
  const TempFolder folder;
  const auto bytes = noise(20 * 20 * 3);
  abell::write_png(folder / "whole.png", 20, 20, 3, bytes);
  const std::string png = slurp(folder / "whole.png");
  const std::string jpg = jpeg(32, 32);
  REQUIRE_NOTHROW(abell::read_image(folder.write("whole.jpg", jpg)));
  for (std::size_t keep = 3; keep < png.size(); keep += 37) {
    INFO("PNG cut at " << keep);
    REQUIRE_THAT(message_of<FormatError>([&] { abell::read_image(folder.write("cut.png", png.substr(0, keep))); }),
                 Contains("cut.png"));
  }
  for (std::size_t keep = 3; keep < jpg.size(); keep += 53) {
    INFO("JPEG cut at " << keep);
    REQUIRE_THAT(message_of<FormatError>([&] { abell::read_image(folder.write("cut.jpg", jpg.substr(0, keep))); }),
                 Contains("cut.jpg"));
  }
  REQUIRE_THROWS_AS(abell::read_image(folder.write("cut.jpg", jpg.substr(0, jpg.size() - 1))), FormatError);
  std::string flipped = png;
  flipped[png.size() / 2] = static_cast<char>(flipped[png.size() / 2] ^ 4);
  REQUIRE_THAT(message_of<FormatError>([&] { abell::read_image(folder.write("flipped.png", flipped)); }),
               Contains("checksum"));
}

TEST_CASE("absurd sizes are refused before anything is decoded", "[images]") {
  const TempFolder folder;
  folder.write("huge.png", plain_png(20001, 5, 8, 0, "x"));
  folder.write("worse.png", plain_png(2000000000, 2000000000, 8, 2, "x"));
  for (const char* name : {"huge.png", "worse.png"}) {
    REQUIRE_THAT(message_of<FormatError>([&] { abell::read_image(folder / name); }),
                 Contains(name) && Contains("1 to 20000 pixels"));
  }
}

TEST_CASE("files of 2 GiB are refused before memory is taken", "[images]") {
  REQUIRE_NOTHROW(abell::detail::check_byte_count(2147483647, "a.png"));
  REQUIRE_THAT(message_of<FormatError>([] { abell::detail::check_byte_count(2147483648, "a.png"); }),
               Contains("a.png: expected a file below 2 GiB, found 2147483648 bytes"));
}

TEST_CASE("a picture that cannot be written leaves nothing behind", "[images]") {
  const TempFolder folder;
  const std::vector<std::uint8_t> bytes(3);
  REQUIRE_THROWS_AS(abell::write_png(folder / "none/a.png", 1, 1, 3, bytes), IoError);
  REQUIRE_THROWS_AS(abell::write_png(folder / "a.png", 2, 2, 3, bytes), abell::ShapeError);
  REQUIRE(std::filesystem::is_empty(folder.path()));
}

TEST_CASE("masked pixels become zero, the median, or an error", "[images]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  Image image(1, 5, 1);
  image.pixels = {1, nan, 2, 5, 100};
  image.mask = {0, 1, 0, 0, 0};
  Image zero = image;
  REQUIRE(abell::check_masked(zero, abell::MaskPolicy::zero, "a") == 1);
  abell::fill_masked(zero, abell::MaskPolicy::zero);
  REQUIRE(zero.pixels == std::vector<float>{1, 0, 2, 5, 100});
  REQUIRE(zero.mask.empty());
  Image median = image;
  abell::fill_masked(median, abell::MaskPolicy::median);
  REQUIRE(median.pixels[1] == 5);
  REQUIRE_THROWS_WITH(abell::check_masked(image, abell::MaskPolicy::error, "a.fits"),
                      Contains("a.fits") && Contains("1 of 5"));
  image.mask = {1, 1, 1, 0, 0};
  REQUIRE_THROWS_WITH(abell::check_masked(image, abell::MaskPolicy::zero, "a.fits"),
                      Contains("at most half") && Contains("3 of 5"));
  REQUIRE_THROWS_AS(abell::parse_mask_policy("mean"), abell::OptionError);
}

TEST_CASE("bilinear resizing equals the triangle filter summed in double", "[images]") {
  Image image(9, 14, 2);
  const auto bytes = noise(image.pixels.size());
  std::copy(bytes.begin(), bytes.end(), image.pixels.begin());
  for (const auto& [height, width] : std::vector<std::pair<int, int>>{{4, 5}, {9, 28}, {20, 3}, {1, 1}, {18, 28}}) {
    const Image out = abell::resize(image, height, width);
    const auto weight = [](int in, int size, int o, int i) {
      const double step = static_cast<double>(in) / size;
      return std::max(0.0, 1 - std::abs(i + 0.5 - (o + 0.5) * step) / std::max(1.0, step));
    };
    for (int r = 0; r < height; ++r) {
      for (int c = 0; c < width; ++c) {
        for (int ch = 0; ch < 2; ++ch) {
          double sum = 0, norm = 0;
          for (int i = 0; i < image.height; ++i) {
            for (int j = 0; j < image.width; ++j) {
              const double w = weight(image.height, height, r, i) * weight(image.width, width, c, j);
              sum += w * static_cast<double>(image.at(i, j, ch));
              norm += w;
            }
          }
          REQUIRE(static_cast<double>(out.at(r, c, ch)) == Approx(sum / norm).margin(1e-3));
        }
      }
    }
  }
}

TEST_CASE("shrinking does not alias", "[images]") {
  Image stripes(8, 64, 1);
  for (int r = 0; r < 8; ++r) {
    for (int c = 0; c < 64; ++c) stripes.at(r, c) = c % 2 == 0 ? 0.0F : 200.0F;
  }
  const Image out = abell::resize(stripes, 8, 8);
  for (const float value : out.pixels) REQUIRE(static_cast<double>(value) == Approx(100).margin(5));
}

TEST_CASE("nearest takes the pixel under each centre", "[images]") {
  Image image(1, 6, 1);
  image.pixels = {0, 1, 2, 3, 4, 5};
  REQUIRE(abell::resize(image, 1, 3, abell::Resize::nearest).pixels == std::vector<float>{1, 3, 5});
  REQUIRE(abell::resize(image, 1, 12, abell::Resize::nearest).pixels ==
          std::vector<float>{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5});
}

TEST_CASE("crop takes the centre and centres what is too small on zeros", "[images]") {
  Image image(3, 5, 1);
  for (std::size_t i = 0; i < 15; ++i) image.pixels[i] = static_cast<float>(i + 1);
  REQUIRE(abell::resize(image, 1, 3, abell::Resize::crop).pixels == std::vector<float>{7, 8, 9});
  REQUIRE(abell::resize(image, 5, 1, abell::Resize::crop).pixels == std::vector<float>{0, 3, 8, 13, 0});
  REQUIRE_THROWS_AS(abell::resize(image, 0, 3), abell::ShapeError);
  REQUIRE_THROWS_AS(abell::parse_resize("cubic"), abell::OptionError);
}

TEST_CASE("a mask follows its pixels through resizing", "[images]") {
  Image image(1, 4, 1);
  image.pixels = {1, std::numeric_limits<float>::quiet_NaN(), 3, 4};
  image.mask = {0, 1, 0, 0};
  REQUIRE(abell::resize(image, 1, 2, abell::Resize::nearest).mask == std::vector<std::uint8_t>{1, 0});
  REQUIRE(abell::masked_count(abell::resize(image, 1, 2)) == 2);
}

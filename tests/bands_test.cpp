/// From the files of an object to the network's input, with steps for each band.

#include <abell/data/cached_samples.hpp>
#include <abell/data/decode.hpp>
#include <abell/images/fits_write.hpp>
#include <abell/images/wcs.hpp>
#include <algorithm>
#include <cmath>
#include <limits>

#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"

using abell::DataSet;
using abell::DecodeOptions;
using abell::FormatError;
using abell::Image;
using abell::IoError;
using abell::Object;
using abell::Shape;
using Catch::Matchers::Contains;

namespace {

constexpr float missing = std::numeric_limits<float>::quiet_NaN();
constexpr Shape shape{4, 4, 3};

void write_fits(const std::filesystem::path& path, int height, int width, const std::vector<float>& values) {
  Image image(height, width, 1);
  image.pixels = values;
  abell::write_fits(path, image);
}

/// first, first + 1, ...
std::vector<float> rising(float first) {
  std::vector<float> values(16);
  for (std::size_t i = 0; i < 16; ++i) values[i] = first + static_cast<float>(i);
  return values;
}

Object object_of(const TempFolder& folder, const std::string& header, const std::string& row) {
  folder.write("table.csv", header + "\n" + row + "\n");
  return abell::read_data_set(folder.path(), {.need_class = false, .need_train = false}).objects.at(0);
}

/// Channel `channel`, pixel `pixel`.
float value(const abell::Decoded& decoded, std::size_t pixel, std::size_t channel) {
  return decoded.image.pixels[3 * pixel + channel];
}

}  // namespace

TEST_CASE("smoothing on the sky follows the size of an image's pixels", "[bands]") {
  const TempFolder folder;
  const Object object{.id = "a", .files = {folder / "a.fits"}};
  const auto decoded = [&](double arcsec, const std::string& smoothing) {
    Image image(40, 40, 1);
    image.at(20, 17) = 1000;
    const auto cards = arcsec > 0 ? abell::Wcs::tangent({10, 20}, 40, 40, arcsec).cards() : "";
    abell::write_fits(object.files[0], image, {.overwrite = true, .wcs = cards});
    DecodeOptions options;
    for (abell::Band& band : options.bands.each) band.smoothing = abell::parse_smoothing(smoothing);
    return decode_object(object, {40, 40, 3}, options).image.pixels;
  };
  // 0.2 of 255: where the filter is cut, at 4 sigma, a rounded sigma may take in one pixel more.
  const auto same = [](const std::vector<float>& a, const std::vector<float>& b) {
    return std::ranges::equal(a, b, [](float x, float y) { return std::abs(x - y) < 0.2F; });
  };
  CHECK(same(decoded(3, "gaussian:6as"), decoded(0, "gaussian:2")));
  CHECK(same(decoded(1.5, "gaussian:6as"), decoded(0, "gaussian:4")));
  CHECK_FALSE(same(decoded(3, "gaussian:6as"), decoded(1.5, "gaussian:6as")));
  CHECK(message_of<FormatError>([&] { decoded(0, "gaussian:6as"); }) ==
        object.files[0].string() + ": expected sky coordinates for smooth gaussian:6as, found none");
  CHECK_THAT(message_of<FormatError>([&] { decoded(0.001, "gaussian:6as"); }),
             Contains("expected pixels of at least a thousandth of a sigma"));
}

TEST_CASE("masked pixels of a FITS set are counted by object, and its values are not cut to bytes", "[bands]") {
  const TempFolder folder;
  write_fits(folder / "a.fits", 4, 4, rising(0));
  auto values = rising(0);
  values[3] = values[5] = missing;
  write_fits(folder / "b.fits", 4, 4, values);
  folder.write("table.csv", "image,class\na.fits,x\nb.fits[0],y\n");
  const DataSet set = abell::read_data_set(folder.path());
  for (const std::string& place : {std::string("ram"), std::string("off"), (folder / "scratch").string()}) {
    const auto cache = abell::cache_pixels(set, shape, {}, {.cache = place});
    if (place != "off") REQUIRE(cache->masked(0) == 0);
    if (place != "off") REQUIRE(cache->masked(1) == 2);
    std::vector<float> room;
    const auto floats = std::get<std::span<const float>>(cache->read(1, room));
    REQUIRE(floats.size() == 48);
    REQUIRE(floats[3 * 3] == 0);
    REQUIRE(floats[3 * 14] == Approx(14 * 255.0 / 15));
    REQUIRE(floats[3 * 15 + 2] == 255);
  }
  REQUIRE_THROWS_WITH(abell::cache_pixels(set, shape, {.nan = abell::MaskPolicy::error}), Contains("b.fits"));
  const auto filled = abell::decode_object(set.objects[1], shape, {.nan = abell::MaskPolicy::median});
  REQUIRE(value(filled, 3, 0) == Approx(9 * 255.0 / 15));
}

TEST_CASE("bands are [third, optical, X-ray], each with its own steps", "[bands]") {
  const TempFolder folder;
  write_fits(folder / "x.fits", 4, 4, rising(1));
  write_fits(folder / "o.fits", 4, 4, rising(100));
  write_fits(folder / "radio.fits", 4, 4, rising(-5));
  write_fits(folder / "e.fits", 4, 4, std::vector<float>(16, 50));
  const Object object = object_of(folder, "xray,optical,third,exposure", "x.fits,o.fits,radio.fits,e.fits");
  DecodeOptions options;
  options.bands.each[2].stretch = abell::parse_stretch("sqrt");
  options.bands.each[1].interval = abell::parse_interval("manual:100:200");
  abell::Decoded decoded = decode_object(object, shape, options);
  CHECK(value(decoded, 8, 0) == Approx(255 * 8 / 15.0));
  CHECK(value(decoded, 8, 1) == Approx(255 * 0.08));
  CHECK(value(decoded, 8, 2) == Approx(255 * std::sqrt(8 / 15.0)));

  options.bands.exposure = abell::parse_exposure("divide");
  options.bands.each[2].interval = abell::parse_interval("manual:0:1");
  decoded = decode_object(object, shape, options);
  CHECK(value(decoded, 8, 2) == Approx(255 * std::sqrt(9 / 50.0)));

  // A choice of channels hides all others.
  DataSet set;
  set.objects = {object};
  const abell::CachedSamples xray(abell::cache_pixels(set, shape, options), {0}, {0},
                                  {.channels = abell::Channels::xray});
  std::vector<float> seen(shape.size());
  xray.read(0, 0, seen);
  CHECK(seen[3 * 8] == 0);
  CHECK(seen[3 * 8 + 1] == 0);
  CHECK(seen[3 * 8 + 2] == Approx(std::sqrt(9 / 50.0)));

  // Without a third band its channel is empty; Lupton's colours come last.
  const Object two = object_of(folder, "xray,optical,third", "x.fits,o.fits,");
  options = {};
  options.bands.lupton = abell::parse_combine("lupton:0.5:8");
  decoded = decode_object(two, shape, options);
  const double intensity = (8 + 8) / 15.0 / 3;
  const double factor = std::asinh(intensity * 8 / 0.5) * 25.5 / std::asinh(0.8) / intensity;
  CHECK(value(decoded, 8, 0) == 0);
  CHECK(value(decoded, 8, 1) == Approx(std::min(255.0, factor * 8 / 15)));

  CHECK_THROWS_AS(object_of(folder, "xray,optical,third", "x.fits,o.fits,gone.fits"), IoError);
}

TEST_CASE("one grey file has each channel prepared as its band", "[bands]") {
  const TempFolder folder;
  write_fits(folder / "a.fits", 4, 4, rising(1));
  const Object object = object_of(folder, "image", "a.fits");
  DecodeOptions options;
  options.bands.each[2].stretch = abell::parse_stretch("power:2");
  const abell::Decoded decoded = decode_object(object, shape, options);
  CHECK(value(decoded, 8, 0) == Approx(255 * 8 / 15.0));
  CHECK(value(decoded, 8, 1) == value(decoded, 8, 0));
  CHECK(value(decoded, 8, 2) == Approx(255 * 64 / 225.0));
}

TEST_CASE("exposure that is missing, of another size, or nearly nowhere is told", "[bands]") {
  const TempFolder folder;
  write_fits(folder / "x.fits", 4, 4, rising(1));
  write_fits(folder / "o.fits", 4, 4, rising(1));
  write_fits(folder / "small.fits", 3, 4, std::vector<float>(12, 1));
  std::vector<float> edge(16, 1);
  edge[0] = 1000;
  write_fits(folder / "edge.fits", 4, 4, edge);
  DecodeOptions options;
  options.bands.exposure = abell::parse_exposure("divide");
  const auto error = [&](const std::string& exposure) {
    const Object object = object_of(folder, "xray,optical,exposure", "x.fits,o.fits," + exposure);
    return message_of<FormatError>([&] { decode_object(object, shape, options); });
  };
  CHECK_THAT(error(""), Contains("x.fits: expected an exposure map") && Contains("column 'exposure'"));
  CHECK_THAT(error("small.fits"),
             Contains("small.fits: expected an exposure map of the size of") && Contains("found 4 x 3"));
  // Pixels that were hardly seen are filled like masked ones, however many.
  const Object edge_object = object_of(folder, "xray,optical,exposure", "x.fits,o.fits,edge.fits");
  const abell::Decoded decoded = decode_object(edge_object, shape, options);
  CHECK(decoded.masked == 15);
  CHECK(value(decoded, 9, 2) == 0);
  write_fits(folder / "dark.fits", 4, 4, std::vector<float>(16, missing));
  const Object dark = object_of(folder, "image", "dark.fits");
  CHECK_THROWS_WITH(abell::decode_object(dark, shape),
                    Contains("dark.fits: expected at most half masked, found 16 of 16"));
}

TEST_CASE("every file of an object has a limit of megapixels", "[bands]") {
  const TempFolder folder;
  write_fits(folder / "small.fits", 4, 4, rising(1));
  write_fits(folder / "large.fits", 4, 5, std::vector<float>(20, 1));
  abell::write_png(folder / "large.png", Image(4, 5, 3));
  DecodeOptions options;
  options.bands.exposure = abell::parse_exposure("divide");
  options.max_megapixels = 16e-6;
  const std::string header = "xray,optical,third,exposure";
  REQUIRE_NOTHROW(
      decode_object(object_of(folder, header, "small.fits,small.fits,small.fits,small.fits"), shape, options));
  for (const char* row : {"large.fits,small.fits,,small.fits", "small.fits,large.fits,,small.fits",
                          "small.fits,small.fits,large.fits,small.fits", "small.fits,small.fits,,large.fits",
                          "small.fits,large.png,,small.fits"}) {
    CHECK_THAT(
        message_of<FormatError>([&] { decode_object(object_of(folder, header, row), shape, options); }),
        Contains("large.") && Contains("expected at most 1.6e-05 megapixels (max_megapixels), found 2e-05 (5 x 4)"));
  }
}

TEST_CASE("PNG stays bytes until a step is asked for, and gives the same input beside FITS", "[bands]") {
  const TempFolder folder;
  std::vector<std::uint8_t> pixels(7 * 5 * 3);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(37 * i);
  abell::write_png(folder / "a.png", 5, 7, 3, pixels);
  write_fits(folder / "b.fits", 4, 4, rising(1));
  folder.write("alone.csv", "image\na.png\n");
  folder.write("mixed.csv", "image\na.png\nb.fits\n");
  const auto input = [&](const char* table, const DecodeOptions& options, bool bytes) {
    const DataSet set = abell::read_data_set(folder / table, {.need_class = false, .need_train = false});
    const auto cache = abell::cache_pixels(set, shape, options);
    std::vector<float> room, values(shape.size());
    CHECK((cache->read(0, room).index() == 0) == bytes);
    const abell::CachedSamples samples(cache, std::vector<int>(set.objects.size()), {0},
                                       {.standardise = true, .augmentation = abell::Augmentation{}});
    samples.read(0, 3, values);
    return values;
  };
  CHECK(input("alone.csv", {}, true) == input("mixed.csv", {}, false));
  DecodeOptions stretched;
  for (abell::Band& band : stretched.bands.each) band.stretch = abell::parse_stretch("asinh");
  CHECK(input("alone.csv", stretched, false) != input("alone.csv", {}, true));
  // x / 255 through the stretch: the whole range of bytes stays 0..255.
  abell::write_png(folder / "white.png", 4, 4, 1, std::vector<std::uint8_t>(16, 255));
  const auto white = decode_object(object_of(folder, "image", "white.png"), shape, stretched);
  CHECK(value(white, 5, 1) == 255);
}

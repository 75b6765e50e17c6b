/// What images are like, and which of them a model never saw.

#include <abell/core/random.hpp>
#include <abell/data/input_profile.hpp>
#include <abell/images/fits_write.hpp>
#include <abell/images/stb.hpp>
#include <abell/images/wcs.hpp>
#include <cmath>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"

using namespace abell;
using Catch::Matchers::Contains;

namespace {

constexpr Shape shape{20, 20, 3};

/// Values between 0 and 255 around `level`.
Image sky(double level, std::uint64_t seed, int side = 20) {
  Image image(side, side, 1);
  Random random(seed);
  for (float& value : image.pixels) {
    value = static_cast<float>(std::clamp(std::round(level + 8 * random.normal()), 0.0, 255.0));
  }
  return image;
}

/// The traits of X-ray and optical images, PNG or FITS with pixels of `arcsec`; without an optical one if `level` is
/// below 0.
struct Images {
  TempFolder folder;

  ImageTraits traits(const std::string& ending, double arcsec, double level, std::uint64_t seed) const {
    const auto write = [&](const std::string& name, const Image& image) {
      const auto path = folder / (name + ending);
      const std::string cards = arcsec > 0 ? Wcs::tangent({150, 2}, image.height, image.width, arcsec).cards() : "";
      if (ending == ".png") {
        write_png(path, image);
      } else {
        write_fits(path, image, {.overwrite = true, .wcs = cards});
      }
      return path;
    };
    Object object{.id = "a", .files = {write("x", sky(40, seed)), ""}};
    if (level >= 0) object.files[1] = write("o", sky(level, seed + 1000));
    return traits_of(object, decode_object(object, shape), {});
  }
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("the traits of an image are those of its files and of its values", "[profile]") {
  const Images images;
  const ImageTraits fits = images.traits(".fits", 3, 90, 1);
  REQUIRE(fits.channels.size() == 3);
  CHECK_FALSE(fits.grey);
  CHECK_FALSE(fits.channels[0].present);
  for (const std::size_t band : {1U, 2U}) {
    CHECK((fits.channels[band].present && fits.channels[band].physical));
    CHECK(fits.channels[band].arcsec == Approx(3).epsilon(1e-6));
  }
  const ImageTraits png = images.traits(".png", 0, 90, 1);
  CHECK((png.channels[1].present && !png.channels[1].physical && png.channels[1].arcsec == 0));
  const auto& [mean, deviation, low, median, high] = png.channels[1].statistics;
  CHECK(std::abs(mean - 90) < 2);
  CHECK(std::abs(deviation - 8) < 2);
  CHECK(std::abs(median - 90) < 3);
  CHECK(std::abs(low - (90 - 1.645 * 8)) < 4);
  CHECK(std::abs(high - (90 + 1.645 * 8)) < 4);
}

TEST_CASE("one grey image for all channels is known, also when it is stored as three", "[profile]") {
  const TempFolder folder;
  const auto file = folder / "a.png";
  const Object object{.id = "a", .files = {file}};
  write_png(file, sky(100, 1));
  CHECK(traits_of(object, decode_object(object, shape), {}).grey);
  Image three = with_channels(sky(100, 1), 3, "a");
  write_png(file, three);
  CHECK(traits_of(object, decode_object(object, shape), {}).grey);
  three.pixels[5] += 1;
  write_png(file, three);
  const ImageTraits traits = traits_of(object, decode_object(object, shape), {});
  CHECK_FALSE(traits.grey);
  CHECK(traits.channels[2].present);
  CHECK_FALSE(decode_object(object, shape).grey);
}

TEST_CASE("pixels are as large on the sky as the crop and the resizing leave them", "[profile]") {
  const TempFolder folder;
  const Object object{.id = "a", .files = {folder / "a.fits"}};
  write_fits(object.files[0], sky(10, 1, 40), {.wcs = Wcs::tangent({10, -30}, 40, 40, 2).cards()});
  const DecodeOptions options{.crop = 0.5};
  const ImageTraits traits = traits_of(object, decode_object(object, shape, options), options);
  for (const ChannelTraits& channel : traits.channels) CHECK(channel.arcsec == Approx(2).epsilon(1e-6));
  CHECK(traits_of(object, decode_object(object, shape), {}).channels[0].arcsec == Approx(4).epsilon(1e-6));
}

TEST_CASE("images that a model never saw are named, others are not", "[profile]") {
  const Images images;
  std::vector<ImageTraits> learnt;
  for (std::uint64_t i = 0; i < 40; ++i) learnt.push_back(images.traits(".fits", 3, 80 + static_cast<double>(i), i));
  // As it comes out of a model file.
  const nlohmann::json record{{"trained_on", profile_of(learnt)}};
  const InputProfile profile = *read_profile(nlohmann::json::parse(record.dump()), "m", 3);
  const auto foreign = [&](const ImageTraits& traits) { return foreign_to(profile, traits, true); };
  for (std::uint64_t i = 100; i < 140; ++i) CHECK(foreign(images.traits(".fits", 3, 100, i)).empty());
  CHECK(foreign(images.traits(".fits", 3.5, 100, 7)).empty());
  CHECK(foreign(images.traits(".fits", 6, 100, 7)) == Names{"scale_optical", "scale_xray"});
  CHECK(foreign(images.traits(".fits", 2, 100, 7)) == Names{"scale_optical", "scale_xray"});
  CHECK(foreign(images.traits(".fits", 0, 100, 7)).empty());
  CHECK(foreign(images.traits(".png", 0, 100, 7)) ==
        Names{"kind_optical", "kind_xray", "values_optical", "values_xray"});  // FITS is stretched, PNG is not
  CHECK(foreign(images.traits(".fits", 3, -1, 7)) == Names{"missing_optical"});
  ImageTraits bright = images.traits(".fits", 3, 100, 7);
  bright.channels[1].statistics[0] = 250;
  CHECK(foreign(bright) == Names{"values_optical"});
  ImageTraits third = images.traits(".fits", 3, 100, 7);
  third.channels[0] = third.channels[1];
  CHECK(foreign(third) == Names{"added_third"});
  // One image for all channels.
  ImageTraits grey{.grey = true, .channels = std::vector(3, images.traits(".png", 0, 100, 7).channels[1])};
  CHECK(foreign_to(profile, grey, false) == Names{"copied", "added_1", "kind_2", "kind_3", "values_2", "values_3"});
  const InputProfile of_grey = profile_of(std::vector(3, grey));
  CHECK(foreign_to(of_grey, grey, false).empty());
  grey.grey = false;
  CHECK(foreign_to(of_grey, grey, false) == Names{"colour"});
}

TEST_CASE("a record of what a model learnt on that does not fit is told", "[profile]") {
  CHECK_FALSE(read_profile(nlohmann::json::object(), "m", 3).has_value());
  const nlohmann::json one{{"trained_on", InputProfile{.channels = {{}}}}};
  CHECK(message_of<FormatError>([&] { read_profile(one, "m", 3); }) ==
        "m: preprocessing: expected trained_on of 3 channels, found 1");
  for (const char* wrong :
       {R"({"trained_on": 3})", R"({"trained_on": {"grey": 0}})", R"({"trained_on": {"grey": "x", "channels": []}})"}) {
    CHECK_THAT(message_of<FormatError>([&] { read_profile(nlohmann::json::parse(wrong), "m", 1); }),
               Contains("m: preprocessing: "));
  }
}

TEST_CASE("what chance finds in a set is not told of the set", "[profile]") {
  const auto lines = [](std::size_t images, std::size_t differing, const std::string& trait) {
    ForeignCounts counts;
    for (std::size_t i = 0; i < images; ++i) counts.add(i < differing ? Names{trait} : Names{});
    return counts.lines();
  };
  CHECK(lines(100, 0, "kind_xray").empty());
  CHECK(lines(100, 1, "kind_xray") ==
        Names{"1 of 100 images: kind_xray: 8-bit values where the model learnt on FITS images, or the reverse"});
  CHECK(lines(100, 4, "values_xray").empty());
  REQUIRE(lines(100, 6, "values_xray").size() == 1);
  CHECK(lines(1, 1, "values").empty());
  CHECK(lines(2, 2, "values").size() == 1);
  CHECK(lines(1'000'000, 10'200, "values").empty() != lines(1'000'000, 11'000, "values").empty());
}

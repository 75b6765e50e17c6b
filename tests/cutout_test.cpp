#include <abell/data/positions.hpp>
#include <abell/images/fits_write.hpp>
#include <abell/images/reproject.hpp>
#include <cmath>
#include <numeric>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"

using abell::FormatError;
using abell::Image;
using abell::SkyGrid;
using abell::Wcs;

namespace {

Image constant(int height, int width, float value) {
  Image image(height, width, 1);
  std::ranges::fill(image.pixels, value);
  return image;
}

double total(const Image& image) { return std::accumulate(image.pixels.begin(), image.pixels.end(), 0.0); }

SkyGrid grid(const abell::SkyPosition& centre, int side, double arcsec) {
  return {side, side, Wcs::tangent(centre, side, side, arcsec)};
}

/// Pixels of 4.35" that are turned by an angle, as X-ray images may be.
Wcs turned(double degrees, int side, double arcsec, const abell::SkyPosition& centre) {
  const double a = degrees * 3.14159265358979 / 180, s = arcsec / 3600;
  std::string cards;
  const auto add = [&](const std::string& key, const std::string& value) {
    std::string line = key;
    line.resize(8, ' ');
    line += "= " + value;
    line.resize(80, ' ');
    cards += line;
  };
  const auto text = [](double value) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.16E", value);
    return std::string(digits);
  };
  add("CTYPE1", "'RA---TAN'");
  add("CTYPE2", "'DEC--TAN'");
  add("CRPIX1", text((side + 1) / 2.0));
  add("CRPIX2", text((side + 1) / 2.0));
  add("CRVAL1", text(centre.ra));
  add("CRVAL2", text(centre.dec));
  add("CD1_1", text(-s * std::cos(a)));
  add("CD1_2", text(s * std::sin(a)));
  add("CD2_1", text(s * std::sin(a)));
  add("CD2_2", text(s * std::cos(a)));
  return Wcs(cards, "turned");
}

}  // namespace

TEST_CASE("X-ray counts keep their sum on any grid", "[cutout]") {
  const abell::SkyPosition centre{359.999, 42};
  Image counts(40, 40, 1);
  for (std::size_t i = 0; i < counts.pixels.size(); ++i) counts.pixels[i] = static_cast<float>(i * 7919 % 13);
  for (const double angle : {0.0, 33.0, 180.0}) {
    for (const double arcsec : {1.01, 4.0, 9.0}) {
      INFO(angle << " degrees, pixels of " << arcsec << "\"");
      const int side = static_cast<int>(300 / arcsec);  // 300" hold the 40 x 4.35" at any angle
      const auto cut =
          abell::redistribute(counts, nullptr, turned(angle, 40, 4.35, centre), grid(centre, side, arcsec));
      REQUIRE(total(cut.counts) == Approx(total(counts)).epsilon(1e-6));
      REQUIRE(cut.covered == Approx(std::pow(40 * 4.35 / (side * arcsec), 2)).epsilon(1e-3));
      REQUIRE(cut.exposure.pixels.empty());
    }
  }
}

TEST_CASE("a count stays where it is, and grids that agree give the image back", "[cutout]") {
  const abell::SkyPosition centre{10, -70};
  Image one(31, 31, 1);
  one.at(15, 15) = 12;
  const auto cut = abell::redistribute(one, nullptr, Wcs::tangent(centre, 31, 31, 4.35), grid(centre, 41, 1.01));
  double x = 0, y = 0;
  for (int row = 0; row < 41; ++row) {
    for (int column = 0; column < 41; ++column) {
      x += static_cast<double>(cut.counts.at(row, column)) * column / 12;
      y += static_cast<double>(cut.counts.at(row, column)) * row / 12;
    }
  }
  REQUIRE(x == Approx(20).margin(1e-4));
  REQUIRE(y == Approx(20).margin(1e-4));
  REQUIRE(cut.covered == Approx(1).epsilon(1e-9));

  Image ramp(20, 30, 1);
  std::iota(ramp.pixels.begin(), ramp.pixels.end(), 1.0F);
  const Wcs wcs = Wcs::tangent(centre, 20, 30, 3);
  const SkyGrid same{20, 30, wcs};
  const auto counts = abell::redistribute(ramp, &ramp, wcs, same);
  const Image bilinear = abell::interpolate(ramp, wcs, same, abell::Interpolation::bilinear);
  const Image lanczos = abell::interpolate(ramp, wcs, same, abell::Interpolation::lanczos);
  for (std::size_t i = 0; i < ramp.pixels.size(); ++i) {
    const auto value = static_cast<double>(ramp.pixels[i]);
    REQUIRE(static_cast<double>(counts.counts.pixels[i]) == Approx(value).epsilon(1e-5));
    REQUIRE(static_cast<double>(counts.exposure.pixels[i]) == Approx(value).epsilon(1e-5));
    REQUIRE(static_cast<double>(bilinear.pixels[i]) == Approx(value).epsilon(1e-5));
    REQUIRE(static_cast<double>(lanczos.pixels[i]) == Approx(value).epsilon(1e-5));
  }
}

TEST_CASE("what was not measured is not covered", "[cutout]") {
  const abell::SkyPosition centre{100, 5};
  const Wcs wcs = Wcs::tangent(centre, 20, 20, 4);
  const SkyGrid target = grid(centre, 40, 2);
  Image exposure = constant(20, 20, 5000);
  for (int row = 0; row < 20; ++row) {
    for (int column = 0; column < 5; ++column) exposure.at(row, column) = 0;
  }
  Image counts = constant(20, 20, 1);
  auto cut = abell::redistribute(counts, &exposure, wcs, target);
  REQUIRE(cut.covered == Approx(0.75).epsilon(1e-6));
  REQUIRE(cut.exposure.at(20, 5) == 0);
  REQUIRE(static_cast<double>(cut.exposure.at(20, 30)) == Approx(5000));
  counts.mask.assign(400, 1);
  std::ranges::fill(counts.pixels, std::nanf(""));
  cut = abell::redistribute(counts, nullptr, wcs, target);
  REQUIRE(cut.covered == 0);
  REQUIRE(total(cut.counts) == 0);
  REQUIRE(abell::masked_count(abell::interpolate(counts, wcs, target, abell::Interpolation::lanczos)) == 1600);
  // A grid that lies elsewhere, and one on the other side of the sky.
  for (const abell::SkyPosition& far : {abell::SkyPosition{101, 5}, abell::SkyPosition{280, -5}}) {
    REQUIRE(abell::redistribute(exposure, nullptr, wcs, grid(far, 10, 2)).covered == 0);
    REQUIRE(abell::masked_count(abell::interpolate(exposure, wcs, grid(far, 10, 2), abell::Interpolation::bilinear)) ==
            100);
  }
  // Half of the grid hangs over the edge.
  const auto edge = abell::redistribute(exposure, nullptr, wcs, grid(wcs.sky({9.5, -0.5}), 10, 2));
  REQUIRE(edge.covered == Approx(0.5).epsilon(1e-3));
}

TEST_CASE("an exposure map on another grid is averaged by area", "[cutout]") {
  const abell::SkyPosition centre{100, 5};
  Image fine(40, 40, 1);
  std::iota(fine.pixels.begin(), fine.pixels.end(), 0.0F);
  const Wcs wcs = Wcs::tangent(centre, 40, 40, 2);
  const SkyGrid coarse = grid(centre, 20, 4);
  const Image mean = abell::mean_on_grid(fine, wcs, coarse);
  for (int y = 0; y < 20; ++y) {
    for (int x = 0; x < 20; ++x) {  // of the values 80 y + 2 x, + 1, + 40 and + 41
      REQUIRE(static_cast<double>(mean.at(y, x)) == Approx(80 * y + 2 * x + 20.5).epsilon(1e-4).margin(1e-3));
    }
  }
  // Masked pixels take no part; where there is no map there is no exposure.
  fine.mask.assign(fine.pixel_count(), 0);
  fine.mask[0] = 1;
  fine.pixels[0] = std::nanf("");
  REQUIRE(static_cast<double>(abell::mean_on_grid(fine, wcs, coarse).at(0, 0)) == Approx(82.0 / 3).epsilon(1e-3));
  const Image wide = abell::mean_on_grid(fine, wcs, grid(centre, 30, 4));
  REQUIRE(wide.at(0, 0) == 0);
  REQUIRE(static_cast<double>(wide.at(15, 15)) == Approx(static_cast<double>(mean.at(10, 10))).epsilon(1e-5));
}

TEST_CASE("interpolation keeps smooth images, alias-free when pixels grow", "[cutout]") {
  const abell::SkyPosition centre{200, 30};
  Image smooth(64, 64, 1);
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) smooth.at(y, x) = static_cast<float>(std::sin(x * 0.2) + std::cos(y * 0.15));
  }
  const Wcs wcs = Wcs::tangent(centre, 64, 64, 1);
  const SkyGrid finer = grid(centre, 60, 0.7);
  const Image lanczos = abell::interpolate(smooth, wcs, finer, abell::Interpolation::lanczos);
  const Image bilinear = abell::interpolate(smooth, wcs, finer, abell::Interpolation::bilinear);
  double worst_lanczos = 0, worst_bilinear = 0;
  for (int y = 0; y < 60; ++y) {
    for (int x = 0; x < 60; ++x) {
      const auto p = wcs.pixel(finer.wcs.sky(abell::PixelPosition{double(x), double(y)}));
      const double truth = std::sin(p.x * 0.2) + std::cos(p.y * 0.15);
      worst_lanczos = std::max(worst_lanczos, std::abs(static_cast<double>(lanczos.at(y, x)) - truth));
      worst_bilinear = std::max(worst_bilinear, std::abs(static_cast<double>(bilinear.at(y, x)) - truth));
    }
  }
  CHECK(worst_lanczos < 0.02);
  CHECK(worst_bilinear < 0.02);
  Image board(64, 64, 1);
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 64; ++x) board.at(y, x) = static_cast<float>((x + y) % 2);
  }
  const Image coarse = abell::interpolate(board, wcs, grid(centre, 12, 4), abell::Interpolation::bilinear);
  for (const float value : coarse.pixels) REQUIRE(static_cast<double>(value) == Approx(0.5).margin(0.01));
}

TEST_CASE("angles are read in degrees and in sexagesimal forms", "[positions]") {
  using abell::parse_angle;
  REQUIRE(parse_angle("149.5", true) == 149.5);
  REQUIRE(parse_angle(" +2.5 ", false) == 2.5);
  REQUIRE(*parse_angle("09:58:22.2", true) == Approx(149.5925));
  REQUIRE(*parse_angle("9h58m22.2s", true) == Approx(149.5925));
  REQUIRE(*parse_angle("09 58 22.2", true) == Approx(149.5925));
  REQUIRE(*parse_angle("149d35m33s", true) == Approx(149.5925));
  REQUIRE(*parse_angle("-11:03:52", false) == Approx(-11.064444));
  REQUIRE(*parse_angle("-0d30'36\"", false) == Approx(-0.51));
  for (const char* bad :
       {"", " ", "x", "1:2:3:4", "1:60:0", "1:", "1::2", "nan", "inf", "1e400", "-", "1h", "--1", "1,5"}) {
    INFO(bad);
    REQUIRE_FALSE(parse_angle(bad, false).has_value());
  }
}

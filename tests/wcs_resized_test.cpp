/// Sky coordinates of images at another size.

#include <abell/images/fits_write.hpp>
#include <abell/images/resample.hpp>
#include <abell/images/wcs.hpp>
#include <string>

#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"

using namespace abell;

namespace {

/// A header of keywords with values as they stand in a card.
std::string header(const std::vector<std::pair<std::string, std::string>>& cards) {
  std::string text;
  for (const auto& [keyword, value] : cards) {
    std::string card = keyword;
    card.resize(8, ' ');
    card += "= " + value;
    card.resize(80, ' ');
    text += card;
  }
  return text;
}

/// Pixel (x, y) of `resized` shows the same sky as the pixel of `full` where it lies.
void check_same_sky(const Wcs& full, const Wcs& resized, const ResizedAxis& x, const ResizedAxis& y) {
  for (const PixelPosition& pixel : {PixelPosition{0, 0}, PixelPosition{7, 2}, PixelPosition{-1.5, 4.25}}) {
    const SkyPosition there = full.sky({x.start + x.step * pixel.x, y.start + y.step * pixel.y});
    CHECK(separation(there, resized.sky(pixel)) * 3600 < 1e-6);
  }
}

}  // namespace

TEST_CASE("an axis that is resized keeps its edges, one that is cropped its pixels", "[wcs]") {
  for (const auto& [in, out] : {std::pair{32, 16}, std::pair{16, 32}, std::pair{30, 8}}) {
    const ResizedAxis axis = resized_axis(in, out, Resize::bilinear);
    CHECK(axis.start - axis.step / 2 == Approx(-0.5));
    CHECK(axis.start + (out - 0.5) * axis.step == Approx(in - 0.5));
  }
  const ResizedAxis cut = resized_axis(9, 4, Resize::crop), wide = resized_axis(4, 9, Resize::crop);
  CHECK((cut.step == 1 && cut.start == 2 && wide.step == 1 && wide.start == -2));
}

TEST_CASE("a resized image keeps its place on the sky, however its coordinates are told", "[wcs]") {
  const ResizedAxis x{2, 0.5}, y{0.25, -3};
  const Wcs plane = Wcs::tangent({150, 2}, 32, 64, 4);
  check_same_sky(plane, plane.resized(x, y), x, y);
  const std::vector<std::pair<std::string, std::string>> common{{"CTYPE1", "'RA---TAN'"}, {"CTYPE2", "'DEC--TAN'"},
                                                                {"CRPIX1", "10.5"},       {"CRPIX2", "3"},
                                                                {"CRVAL1", "210.0"},      {"CRVAL2", "-40.0"}};
  using Cards = std::vector<std::pair<std::string, std::string>>;
  for (const Cards& scale : {Cards{{"CD1_1", "-0.001"}, {"CD1_2", "0.0004"}, {"CD2_1", "0.0005"}, {"CD2_2", "0.001"}},
                             Cards{{"CDELT1", "-0.001"}, {"CDELT2", "0.002"}, {"CROTA2", "30.0"}},
                             Cards{{"CDELT1", "-0.001"}, {"CDELT2", "0.002"}, {"PC1_2", "0.3"}, {"PC2_1", "-0.2"}}}) {
    Cards all = common;
    all.insert(all.end(), scale.begin(), scale.end());
    const Wcs wcs(header(all), "cards");
    REQUIRE(!wcs.distorted());
    const Wcs resized = wcs.resized(x, y);
    check_same_sky(wcs, resized, x, y);
    check_same_sky(wcs, Wcs(resized.cards(), "cards"), x, y);
  }
}

TEST_CASE("coordinates of planes stand in a file and are read from it", "[wcs]") {
  const TempFolder folder;
  const Wcs plane = Wcs::tangent({150, 2}, 8, 8, 4).resized({2, 0.5}, {2, 0.5});
  write_fits(folder / "map.fits", Image(4, 4, 3), {.wcs = plane.cards()});
  const FitsFile file(folder / "map.fits");
  CHECK(file.planes() == 3);
  CHECK(separation(Wcs(file).sky({1, 2}), plane.sky({1, 2})) * 3600 < 1e-6);
}

TEST_CASE("distorted coordinates are told and not resized", "[wcs]") {
  const Wcs sip(header({{"CTYPE1", "'RA---TAN-SIP'"},
                        {"CTYPE2", "'DEC--TAN-SIP'"},
                        {"CRPIX1", "8"},
                        {"CRPIX2", "8"},
                        {"CRVAL1", "10.0"},
                        {"CRVAL2", "20.0"},
                        {"CD1_1", "-0.001"},
                        {"CD1_2", "0.0"},
                        {"CD2_1", "0.0"},
                        {"CD2_2", "0.001"},
                        {"A_ORDER", "2"},
                        {"A_2_0", "1.0E-04"},
                        {"B_ORDER", "2"},
                        {"B_0_2", "1.0E-04"}}),
                "cards");
  CHECK(sip.distorted());
  CHECK_THROWS_AS(sip.resized({2, 0.5}, {2, 0.5}), FormatError);
}

/// Event lists that are binned to images.

#include <fitsio.h>

#include <abell/images/event_list.hpp>
#include <abell/images/fits.hpp>
#include <abell/images/physical_pixels.hpp>
#include <abell/images/wcs.hpp>
#include <numeric>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"

using namespace abell;

namespace {

/// Where the sky of the columns stands.
enum class SkyKeys { columns, pixels, reference, none };

/// Three events at (10, 5), (11, 6) and (90, 70) of 100 x 80 pixels of 1"; pixel (50.5, 40.5) lies at (150, 2).
std::string write_events(const std::filesystem::path& path, SkyKeys keys, int type = TFLOAT) {
  fitsfile* file = nullptr;
  int status = 0;
  fits_create_file(&file, ("!" + path.string()).c_str(), &status);
  std::vector<std::string> names{"PI", "X", "Y"}, forms(3, type == TFLOAT ? "1E" : "1J");
  std::vector<char*> columns, formats;
  for (std::size_t i = 0; i < 3; ++i) columns.push_back(names[i].data()), formats.push_back(forms[i].data());
  fits_create_tbl(file, BINARY_TBL, 0, 3, columns.data(), formats.data(), nullptr, "EVENTS", &status);
  std::vector<float> pi{500, 1000, 3000}, x{10, 11, 90}, y{5, 6, 70};
  for (int i = 0; i < 3; ++i) {
    fits_write_col(file, TFLOAT, i + 1, 1, 1, 3, (i == 0 ? pi : i == 1 ? x : y).data(), &status);
  }
  const auto number = [&](const std::string& key, double value) {
    fits_update_key(file, TDOUBLE, key.c_str(), &value, nullptr, &status);
  };
  const auto text = [&](const std::string& key, std::string value) {
    fits_update_key(file, TSTRING, key.c_str(), value.data(), nullptr, &status);
  };
  for (const int axis : {1, 2}) {
    const std::string column = std::to_string(axis + 1), letter = axis == 1 ? "X" : "Y";
    number("TLMIN" + column, 1);
    number("TLMAX" + column, axis == 1 ? 100 : 80);
    const bool reference = keys == SkyKeys::reference;
    const auto key = [&](const char* of_column, const char* of_reference) {
      return reference ? "REF" + letter + of_reference : of_column + column;
    };
    if (keys == SkyKeys::none) continue;
    text(key("TCTYP", "CTYP"), axis == 1 ? "RA---TAN" : "DEC--TAN");
    number(key("TCRPX", "CRPX"), axis == 1 ? 50.5 : 40.5);
    number(key("TCRVL", "CRVL"), axis == 1 ? 150 : 2);
    number(key("TCDLT", "CDLT"), (axis == 1 ? -1 : 1) / 3600.0);
    if (keys != SkyKeys::columns) text(key("TCUNI", "CUNI"), keys == SkyKeys::pixels ? "pixels" : "deg");
  }
  fits_close_file(file, &status);
  REQUIRE(status == 0);
  return path.string();
}

}  // namespace

TEST_CASE("an event list is binned to the pixels that are asked for, and keeps its sky", "[events]") {
  const TempFolder folder;
  for (const SkyKeys keys : {SkyKeys::columns, SkyKeys::pixels, SkyKeys::reference}) {
    for (const int type : {TFLOAT, TINT}) {
      INFO(static_cast<int>(keys) << ' ' << type);
      const std::string name = write_events(folder / "events.fits", keys, type);
      const auto events = binned_events(name, 4.3);
      REQUIRE(events);
      REQUIRE(events->name == name + "[1][bin (X,Y)=::4]");
      REQUIRE(events->arcsec == Approx(4));
      const FitsFile file(events->name);
      const Image image = file.read();
      REQUIRE(image.width == 25);
      REQUIRE(image.height == 20);
      REQUIRE(std::accumulate(image.pixels.begin(), image.pixels.end(), 0.0) == 3);
      const Wcs wcs(file);
      REQUIRE(wcs.pixel_size({12, 10}) == Approx(4).epsilon(1e-6));
      // Bins begin at 1, of whole numbers at 0.5.
      const double low = type == TFLOAT ? 1 : 0.5;
      const PixelPosition centre = wcs.pixel({150, 2});
      REQUIRE(centre.x == Approx((50.5 - low) / 4 - 0.5).margin(1e-6));
      REQUIRE(centre.y == Approx((40.5 - low) / 4 - 0.5).margin(1e-6));
      REQUIRE(image.at(1, 2) == 2);
      const PixelPosition physical = PhysicalPixels(file).pixel(50.5, 40.5);
      REQUIRE(physical.x == Approx(centre.x).margin(1e-6));
      REQUIRE(physical.y == Approx(centre.y).margin(1e-6));
    }
  }
}

TEST_CASE("extensions and filters of events are kept, and images are no events", "[events]") {
  const TempFolder folder;
  const std::string name = write_events(folder / "events.fits", SkyKeys::columns);
  const auto soft = binned_events(name + "[EVENTS][PI<2000]", 2);
  REQUIRE(soft);
  const Image image = FitsFile(soft->name).read();
  REQUIRE(std::accumulate(image.pixels.begin(), image.pixels.end(), 0.0) == 2);
  REQUIRE(PhysicalPixels(FitsFile(soft->name)).pixel(2, 4).x == Approx(0));
  REQUIRE_FALSE(binned_events(name + "[EVENTS][bin (X,Y)=::8]", 4));
  REQUIRE_THAT(message_of<FormatError>([&] { binned_events(write_events(folder / "nowhere.fits", SkyKeys::none), 4); }),
               Contains("nowhere.fits: expected the size of the events' pixels"));
}

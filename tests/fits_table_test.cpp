#include <abell/data/fits_table.hpp>
#include <abell/data/positions.hpp>
#include <abell/images/fits.hpp>
#include <numeric>

#include "catch.hpp"
#include "error_message.hpp"
#include "fuzz/seeds.hpp"
#include "temp_folder.hpp"

using abell::FormatError;

namespace {

/// The events of the seeds: 50 rows of X, Y, PI, TEXT, ra and dec.
std::filesystem::path events(const TempFolder& folder) { return folder.write("events.fits", seeds::events().second); }

}  // namespace

TEST_CASE("FITS tables are read with numbers, texts and units", "[fits]") {
  const TempFolder folder;
  const abell::Table found = abell::read_fits_table(events(folder));
  REQUIRE(found.header == std::vector<std::string>{"X", "Y", "PI", "TEXT", "ra", "dec"});
  REQUIRE(found.rows.size() == 50);
  REQUIRE(found.rows[0] == std::vector<std::string>{"1", "1", "1", "a text", "1", "1"});
  REQUIRE(found.rows[1][1] == "68");
  REQUIRE(found.rows[1][3].empty());
  REQUIRE(abell::read_fits_table(folder.path() / "events.fits[EVENTS][PI > 130]").rows.size() == 16);
  // 135 and more are no declinations.
  const std::string message =
      message_of<FormatError>([&] { abell::read_catalogue(folder / "events.fits", {.strict = true}); });
  REQUIRE_THAT(message, Contains("events.fits:3: expected a declination in column 'dec'") && Contains("'135'"));
  const auto picked = abell::read_catalogue(folder.path() / "events.fits[EVENTS][dec < 90]").objects;
  REQUIRE(picked.size() > 5);
  REQUIRE(picked[1].position.dec == 68);

  const auto image = folder.write("image.fits", seeds::image("float", FLOAT_IMG, "TAN", 0).second);
  REQUIRE_THROWS_WITH(abell::read_fits_table(image), Contains("image.fits: expected a FITS table, found images only"));
}

TEST_CASE("event lists are binned to images", "[fits]") {
  const TempFolder folder;
  const std::string name = events(folder).string();
  const abell::FitsFile file(name + "[EVENTS][bin (X,Y)=::8]");
  REQUIRE(file.width() == 25);
  REQUIRE(file.height() == 25);
  const abell::Image binned = file.read();
  REQUIRE(std::accumulate(binned.pixels.begin(), binned.pixels.end(), 0.0F) == 50);
  const abell::Wcs wcs(file);
  // X = Y = 100 is RA 10, Dec 10; bins of 8 begin at 1 - 1/2.
  REQUIRE(wcs.pixel({10, 10}).x == Approx((100 - 0.5) / 8 - 0.5).margin(1e-6));
  const auto picked = abell::read_fits(name + "[EVENTS][PI > 100][bin (X,Y)=::8]");
  REQUIRE(std::accumulate(picked.pixels.begin(), picked.pixels.end(), 0.0F) < 50);

  const auto error = [&](const std::string& brackets) {
    return message_of<FormatError>([&] { abell::read_fits(name + brackets); });
  };
  // A little more than images may have: the check stands before the binning.
  REQUIRE_THAT(error("[EVENTS][bin X=1:20002:1,Y=1:3:1]"), Contains("expected at most 20000 bins on axis 1"));
  REQUIRE_FALSE(error("[EVENTS][bin (X,Nothing)=::8]").empty());
  REQUIRE_FALSE(error("[NOTHING][bin (X,Y)=::8]").empty());
}

TEST_CASE("every kind of tile is read, whole and in sections", "[fits]") {
  const TempFolder folder;
  const auto plain = folder.write("plain.fits", seeds::image("plain", LONG_IMG, "TAN", 0).second);
  for (const int kind : {RICE_1, HCOMPRESS_1, PLIO_1}) {
    INFO("compression " << kind);
    const auto tiled = folder.write("tiled.fits", seeds::image("tiled", LONG_IMG, "TAN", kind).second);
    REQUIRE(abell::read_fits(tiled).pixels == abell::read_fits(plain).pixels);
    REQUIRE(abell::read_fits(tiled.string() + "[2:9,3:5]").pixels ==
            abell::read_fits(plain.string() + "[2:9,3:5]").pixels);
  }
  for (const int kind : {GZIP_1, GZIP_2}) {  // of floats, rounded
    const auto tiled = folder.write("tiled.fits", seeds::image("tiled", FLOAT_IMG, "TAN", kind).second);
    const abell::Image read = abell::read_fits(tiled), exact = abell::read_fits(plain);
    for (std::size_t i = 0; i < read.pixels.size(); ++i) {
      REQUIRE(static_cast<double>(read.pixels[i]) == Approx(static_cast<double>(exact.pixels[i])).margin(5));
    }
  }
}

#include <abell/data/fits_table.hpp>
#include <abell/data/positions.hpp>
#include <abell/images/fits.hpp>
#include <numeric>

#include "catch.hpp"
#include "error_message.hpp"
#include "fits_tables.hpp"
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

TEST_CASE("a value of a FITS table that cannot be read is null, told once a column", "[fits]") {
  std::string bytes = seeds::made("ascii", [](fitsfile* file, int& status) {
                        write_table(file, ASCII_TBL, {{"RA", "F10.4"}, {"DEC", "F10.4"}, {"z", "F10.4"}},
                                    {1, 2, 0.25, 3, 4, 1.5, 5, 6, 1.75}, status);
                      }).second;
  for (const char* z : {"1.5000", "1.7500"}) bytes.replace(bytes.find(z), 6, "   NaN");
  const TempFolder folder;
  const auto catalogue = abell::read_catalogue(folder.write("a.fits", bytes));
  REQUIRE(catalogue.objects.size() == 3);
  REQUIRE(catalogue.objects[2].position.ra == 5);
  REQUIRE(catalogue.objects[0].fields == std::vector<std::string>{"0.25"});
  REQUIRE(catalogue.objects[1].fields == std::vector<std::string>{""});
  REQUIRE(catalogue.notes.size() == 1);
  REQUIRE_THAT(catalogue.notes[0],
               Contains("a.fits: column 'z': 2 values cannot be read and count as null, the first in row 2"));
}

TEST_CASE("of several FITS tables the first with positions is taken", "[fits]") {
  const std::string ldac =
      seeds::made("ldac", [](fitsfile* file, int& status) {
        write_table(file, BINARY_TBL, {{"Field Header Card", "80A"}}, {}, status);
        write_table(file, BINARY_TBL, {{"NUMBER", "1J"}, {"ALPHA_J2000", "1D"}, {"DELTA_J2000", "1D"}}, {7, 150, 2},
                    status);
      }).second;
  const TempFolder folder;
  const auto path = folder.write("l.fits", ldac);
  const auto first = abell::read_catalogue(path).objects.at(0);
  REQUIRE(first.id == "7");
  REQUIRE(first.position.ra == 150);
  REQUIRE_THAT(message_of<FormatError>([&] { abell::read_catalogue(path.string() + "[1]"); }),
               Contains("found: Field Header Card"));
}

TEST_CASE("tables that are packed by fpack are named", "[fits]") {
  const std::string packed =
      seeds::made("packed", [](fitsfile* file, int& status) {
        abell::detail::MemoryFits plain("plain");
        write_table(plain.file.get(), BINARY_TBL, {{"RA", "1D"}, {"DEC", "1D"}}, std::vector<double>(2000, 1), status);
        fits_compress_table(plain.file.get(), file, &status);
      }).second;
  const TempFolder folder;
  const auto path = folder.write("t.fits", packed);
  REQUIRE_THAT(message_of<FormatError>([&] { abell::read_catalogue(path); }),
               Contains("t.fits: expected a plain table, found one packed by fpack"));
}

TEST_CASE("floats of FITS tables have their own digits", "[fits]") {
  const TempFolder folder;
  const auto path = folder.write("t.fits", fits_table({{"RA", "1D"}, {"DEC", "1E"}, {"z", "1E"}}, {1, 2, 0.1}));
  REQUIRE(abell::read_catalogue(path).objects[0].fields == std::vector<std::string>{"0.1"});
}

TEST_CASE("the arrays of one row, all of one length, are columns", "[fits]") {
  // As STILTS writes colfits.
  const auto arrays = [](const char* axes) {
    return seeds::made(
               "arrays",
               [&](fitsfile* file, int& status) {
                 write_table(file, BINARY_TBL, {{"NAME", "9A"}, {"RA", "3D"}, {"DEC", "3D"}, {"n", "3J"}}, {}, status);
                 for (const char* key : {"TDIM1", "TDIM2", "TDIM3", "TDIM4"}) {
                   std::string text = key == std::string("TDIM1") ? "(3,3)" : axes;
                   fits_update_key(file, TSTRING, key, text.data(), nullptr, &status);
                 }
                 int null = -1;
                 fits_update_key(file, TINT, "TNULL4", &null, nullptr, &status);
                 fits_set_hdustruc(file, &status);
                 std::vector<std::string> names{"A 1", "Bcd", "C"};
                 std::vector<char*> texts{names[0].data(), names[1].data(), names[2].data()};
                 std::vector<double> ra{150.25, 10.5, 1.5}, dec{-2.5, 41, 2.5}, n{7, 8, -1};
                 fits_write_col(file, TSTRING, 1, 1, 1, 3, texts.data(), &status);
                 fits_write_col(file, TDOUBLE, 2, 1, 1, 3, ra.data(), &status);
                 fits_write_col(file, TDOUBLE, 3, 1, 1, 3, dec.data(), &status);
                 fits_write_col(file, TDOUBLE, 4, 1, 1, 3, n.data(), &status);
               })
        .second;
  };
  const TempFolder folder;
  const abell::Table table = abell::read_fits_table(folder.write("a.fits", arrays("(1,3)")));
  REQUIRE(table.header == std::vector<std::string>{"NAME", "RA", "DEC", "n"});
  REQUIRE(table.rows == std::vector<std::vector<std::string>>{
                            {"A 1", "150.25", "-2.5", "7"}, {"Bcd", "10.5", "41", "8"}, {"C", "1.5", "2.5", ""}});
  REQUIRE(abell::read_catalogue(folder / "a.fits").objects[1].id == "Bcd");
  // Arrays of different lengths are none.
  const auto other = folder.write("b.fits", arrays("(3,1)"));
  REQUIRE_THAT(message_of<FormatError>([&] { abell::read_catalogue(other); }),
               Contains("b.fits: expected columns of single values, found arrays only"));
}

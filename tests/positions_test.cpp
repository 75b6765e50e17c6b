/// Positions of catalogues: columns, units, frames, and rows that have none.

#include <abell/data/positions.hpp>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "fuzz/seeds.hpp"
#include "temp_folder.hpp"

using abell::CatalogueOptions;
using abell::FormatError;
using abell::SkyCatalogue;
using abell::SkyPosition;

namespace {

using Texts = std::vector<std::string>;

SkyCatalogue read(const std::string& text, const CatalogueOptions& options = {}) {
  const TempFolder folder;
  return abell::read_catalogue(folder.write("c.csv", text), options);
}

std::string refused(const std::string& text, const CatalogueOptions& options = {}) {
  return message_of<abell::Error>([&] { read(text, options); });
}

/// A column of a FITS table and its keywords.
struct Column {
  std::string name, form, unit = {}, ucd = {};
};

/// Writes a FITS table of numbers: `values` row by row.
void write_table(fitsfile* file, int kind, std::vector<Column> columns, const std::vector<double>& values,
                 int& status) {
  std::vector<char*> names, forms, units;
  for (Column& column : columns) {
    names.push_back(column.name.data());
    forms.push_back(column.form.data());
    units.push_back(column.unit.data());
  }
  fits_create_tbl(file, kind, 0, static_cast<int>(columns.size()), names.data(), forms.data(), units.data(), "TABLE",
                  &status);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string key = "TUCD" + std::to_string(i + 1);
    if (!columns[i].ucd.empty()) fits_update_key(file, TSTRING, key.c_str(), columns[i].ucd.data(), nullptr, &status);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    double value = values[i];
    fits_write_col(file, TDOUBLE, static_cast<int>(i % columns.size()) + 1,
                   static_cast<LONGLONG>(i / columns.size()) + 1, 1, 1, &value, &status);
  }
}

std::string table(const std::vector<Column>& columns, const std::vector<double>& values) {
  const auto fill = [&](fitsfile* file, int& status) { write_table(file, BINARY_TBL, columns, values, status); };
  return seeds::made("table", fill).second;
}

SkyPosition first_of(const std::string& bytes, const CatalogueOptions& options = {}) {
  const TempFolder folder;
  return abell::read_catalogue(folder.write("t.fits", bytes), options).objects.at(0).position;
}

}  // namespace

TEST_CASE("catalogues are tables under the usual names", "[positions]") {
  auto catalogue = read("Name,RAJ2000,DEJ2000,z,class\na 1,10.5,-3,0.2,point\nb,00:42:00,+41:00:00,,x\n");
  REQUIRE(catalogue.notes.empty());
  REQUIRE(catalogue.columns == Texts{"z", "class"});
  REQUIRE(catalogue.objects.size() == 2);
  REQUIRE(catalogue.objects[0].id == "a 1");
  REQUIRE(catalogue.objects[0].fields == Texts{"0.2", "point"});
  REQUIRE(catalogue.objects[0].class_name.empty());
  REQUIRE(catalogue.objects[1].position.ra == Approx(10.5));
  REQUIRE(catalogue.objects[1].position.dec == Approx(41));
  REQUIRE(read("RA,Dec\n1,2\n").objects[0].id == "object-0001");
  REQUIRE(read("ra,dec,kind\n1,2,point\n", {{.class_name = "kind"}}).objects[0].class_name == "point");

  REQUIRE_THAT(refused("x,y,z\n1,2,3\n"),
               Contains("c.csv: expected columns of right ascension and declination, found: x, y, z"));
  REQUIRE_THAT(refused("ra,b\n1,2\n"), Contains("right ascension and declination, found: ra, b"));
  REQUIRE_THAT(refused("ra,dec\n"), Contains("found none"));
}

TEST_CASE("columns of positions are known by the names of surveys and programs", "[positions]") {
  for (const char* names : {"ra,dec",
                            "RA,DEC",
                            "RAJ2000,DEJ2000",
                            "_RAJ2000,_DEJ2000",
                            "RA_ICRS,DE_ICRS",
                            "_RA,_DE",
                            "ra_deg,dec_deg",
                            "RAdeg,DEdeg",
                            "RA_J2000,DEC_J2000",
                            "right_ascension,declination",
                            "SC_RA,SC_DEC",
                            "TARGET_RA,TARGET_DEC",
                            "RA_1,DEC_1",
                            "ra_x,dec_x",
                            "ALPHA_J2000,DELTA_J2000",
                            "ALPHAWIN_J2000,DELTAWIN_J2000",
                            "X_WORLD,Y_WORLD",
                            "ALPHA_SKY,DELTA_SKY",
                            "sky_centroid.ra,sky_centroid.dec",
                            "RA_CORR,DEC_CORR",
                            "RA_OPT,DEC_OPT",
                            "RA_CL,DEC_CL",
                            "RA_OBJ,DEC_OBJ",
                            "s_ra,s_dec",
                            "lon,lat",
                            "RA (deg),DEC (deg)",
                            "alpha_X,delta_X"}) {
    INFO(names);
    const auto found = read("a," + std::string(names) + ",b\n1,150.25,-2.5,3\n").objects[0].position;
    REQUIRE(found.ra == 150.25);
    REQUIRE(found.dec == -2.5);
  }
  REQUIRE(read("name,hms,dms\nA,09:58:22.2,-11:03:52\n").objects[0].position.ra == Approx(149.5925));
  for (const char* names : {"l,b", "GLON,GLAT"}) {
    INFO(names);
    const auto found = read(std::string(names) + "\n149.59,-11.06\n").objects[0].position;
    REQUIRE(abell::separation(found, {50.513137340313946, 43.878787118710896}) < 1e-8);  // astropy 5.2.1
  }
  for (const char* name : {"MCXC", "IAUNAME", "IAU_NAME", "NUMBER", "cluster_id", "ID", "SRCID", "designation"}) {
    INFO(name);
    REQUIRE(read("ra,dec," + std::string(name) + "\n1,2,J1\n").objects[0].id == "J1");
  }
}

TEST_CASE("columns and the frame of positions can be named", "[positions]") {
  const std::string text = "ra,dec,who,a,b\n1,2,x,149.59,-11.06\n";
  const auto named = read(text, {{.ra = "a", .dec = "b", .id = "who"}}).objects[0];
  REQUIRE(named.position.ra == 149.59);
  REQUIRE(named.id == "x");
  const auto old = read(text, {{.ra = "a", .dec = "b", .frame = "fk4"}}).objects[0].position;
  REQUIRE(abell::separation(old, {150.2029981488218, -11.300855767036428}) < 1e-6);  // astropy 5.2.1
  REQUIRE_THAT(refused(text, {{.ra = "A", .dec = "b"}}), Contains("expected a column 'A', found: ra, dec, who, a, b"));
  REQUIRE_THAT(refused(text, {{.id = "name"}}), Contains("expected a column 'name'"));
  REQUIRE_THAT(refused(text, {{.ra = "a"}}), Contains("ra: expected a column for the other coordinate"));
  REQUIRE_THAT(refused(text, {{.frame = "GAPPT"}}), Contains("frame: expected icrs, fk5") && Contains("'GAPPT'"));
  const auto ecliptic = read(text, {{.ra = "a", .dec = "b", .frame = "ecliptic"}}).objects[0].position;
  REQUIRE(abell::separation(ecliptic, {147.84429553187007, 1.2377906529005316}) < 1e-6);
  REQUIRE(abell::separation(read("ELON,ELAT\n149.59,-11.06\n").objects[0].position, ecliptic) == 0);
  REQUIRE_THAT(refused(text, {{.ra = "a", .dec = "who", .frame = "ecliptic"}}), Contains("an ecliptic l"));
}

TEST_CASE("columns of numbers have units", "[positions]") {
  const auto ra = [](const char* unit, double value) {
    return first_of(table({{"RA", "1D", unit}, {"DEC", "1D", "deg"}}, {value, -11})).ra;
  };
  for (const char* unit : {"h", "hr", "hour", "hourangle", "HOURS"}) {
    INFO(unit);
    REQUIRE(ra(unit, 9.97267) == Approx(149.59005).epsilon(1e-12));
  }
  REQUIRE(ra("deg", 149.59) == 149.59);
  REQUIRE(ra("rad", 2.6108380279085) == Approx(149.59).epsilon(1e-9));
  REQUIRE(ra("arcsec", 3600) == Approx(1));
  REQUIRE(ra("mas", 3.6e6) == Approx(1));
  REQUIRE_THAT(message_of<FormatError>([&] { ra("s", 1); }),
               Contains("t.fits: expected a unit of angles in column 'RA' (deg,") && Contains("found 's'"));
  REQUIRE_THAT(message_of<FormatError>([] {
                 first_of(table({{"RA", "1D"}, {"DEC", "1D", "h"}}, {1, 1}));
               }),
               Contains("in column 'DEC' (deg, arcmin, arcsec, mas, rad), found 'h'"));
  REQUIRE(read("RA (h),DEC (deg)\n9.97267,-11\n").objects[0].position.ra == Approx(149.59005));
}

TEST_CASE("where no name tells positions, UCDs do", "[positions]") {
  const std::vector<double> row{1, 2, 3, 4};
  const auto four = [&](const char* a, const char* b, const char* c, const char* d) {
    return table({{"A", "1D", "deg", a}, {"B", "1D", "deg", b}, {"C", "1D", "deg", c}, {"D", "1D", "deg", d}}, row);
  };
  REQUIRE(first_of(four("pos.eq.ra", "pos.eq.dec", "pos.eq.ra;meta.main", "pos.eq.dec;meta.main")).ra == 3);
  REQUIRE(first_of(four("stat.error;pos.eq.ra", "pos.eq.ra", "pos.eq.dec", "pos.eq.ra")).ra == 2);
  REQUIRE(first_of(four("POS_EQ_RA", "POS_EQ_DEC", "POS_EQ_RA_MAIN", "POS_EQ_DEC_MAIN")).dec == 4);
  const auto galactic = first_of(four("pos.galactic.lon", "pos.galactic.lat", "", ""));
  REQUIRE(abell::separation(galactic, abell::SkyFrame::galactic().to_icrs({1, 2})) == 0);
  const auto ecliptic = first_of(four("", "pos.ecliptic.lon", "pos.ecliptic.lat", ""));
  REQUIRE(abell::separation(ecliptic, abell::SkyFrame::ecliptic().to_icrs({2, 3})) == 0);
  // UCDs that a program has shifted do not lead away from names.
  const auto shifted =
      table({{"RA", "1D", "deg", "pos.eq.dec"}, {"DEC", "1D", "deg", ""}, {"Z", "1D", "", "pos.eq.ra"}}, {1, 2, 3});
  REQUIRE(first_of(shifted).ra == 1);
}

TEST_CASE("FITS tables tell their frame", "[positions]") {
  const auto with = [](const char* radesys, double equinox) {
    return seeds::made("frame",
                       [&](fitsfile* file, int& status) {
                         write_table(file, BINARY_TBL, {{"RA", "1D"}, {"DEC", "1D"}}, {149.59, -11.06}, status);
                         std::string text = radesys;
                         if (!text.empty()) fits_update_key(file, TSTRING, "RADESYS", text.data(), nullptr, &status);
                         if (equinox > 0) seeds::key(file, "EQUINOX", equinox, status);
                       })
        .second;
  };
  const auto at = [](const std::string& bytes, double ra, double dec) {
    REQUIRE(abell::separation(first_of(bytes), {ra, dec}) < 1e-6);
  };
  REQUIRE(first_of(with("ICRS", 2000)).ra == 149.59);
  // As in sky_frame_test.cpp; FK5 J2000 and ICRS differ by 7e-6 degrees.
  REQUIRE(first_of(with("FK5", 2000)).ra == Approx(149.58999295714315).epsilon(1e-12));
  REQUIRE(first_of(with("fk5", 0)).ra == Approx(149.58999295714315).epsilon(1e-12));
  REQUIRE(first_of(with("", 2000)).ra == Approx(149.58999295714315).epsilon(1e-12));
  at(with("FK5", 1975), 149.89647301481142, -11.180222579462566);
  at(with("fk5", 1975), 149.89647301481142, -11.180222579462566);
  at(with("FK4", 1975), 149.8966700822335, -11.18023838141857);
  at(with("FK4", 1950), 150.2029981488218, -11.300855767036428);
  at(with("", 1950), 150.2029981488218, -11.300855767036428);
  REQUIRE_THAT(message_of<FormatError>([&] { first_of(with("GAPPT", 0)); }),
               Contains("t.fits: frame of the positions: expected icrs") && Contains("'GAPPT'"));
  REQUIRE(first_of(with("GAPPT", 0), {{.frame = "icrs"}}).ra == 149.59);
}

TEST_CASE("rows without a position are left out, and told", "[positions]") {
  const auto catalogue = read("id,ra,dec\na,1,2\nb,,\nc,x,4\nd,5,-91\ne,361,0\nf,-210.4,1\ng,360,1\n");
  REQUIRE(catalogue.objects.size() == 3);
  REQUIRE(catalogue.objects[1].id == "f");
  REQUIRE(catalogue.objects[1].position.ra == Approx(149.6));
  REQUIRE(catalogue.notes.size() == 1);
  REQUIRE_THAT(catalogue.notes[0],
               Contains("c.csv:3: expected a right ascension in column 'ra', found ''; 4 of 7 rows"));
  REQUIRE_THAT(refused("ra,dec\n1,2\n5,-91\n", {.strict = true}),
               Contains("c.csv:3: expected a declination in column 'dec', found '-91'"));
  REQUIRE_THAT(refused("ra,dec\nx,2\n5,-91\n"), Contains("c.csv:2") && Contains("'x'; no row has a position"));
}

TEST_CASE("names that are there twice are numbered", "[positions]") {
  const std::string text = "id,ra,dec\nx,1,2\nx,3,4\nx-2,3,4\nx,5,6\ny,7,8\n";
  const auto catalogue = read(text);
  Texts ids;
  for (const auto& object : catalogue.objects) ids.push_back(object.id);
  REQUIRE(ids == Texts{"x", "x-3", "x-2", "x-4", "y"});
  REQUIRE(catalogue.notes.size() == 1);
  REQUIRE_THAT(catalogue.notes[0], Contains("2 names were there before: 'x' of ") && Contains("becomes 'x-3'"));
  REQUIRE_THAT(refused(text, {.strict = true}), Contains("c.csv:3: duplicate id 'x', first at"));
}

TEST_CASE("a value of a FITS table that cannot be read is null, told once a column", "[positions]") {
  std::string bytes = seeds::made("ascii", [](fitsfile* file, int& status) {
                        write_table(file, ASCII_TBL, {{"RA", "F10.4"}, {"DEC", "F10.4"}, {"z", "F10.4"}},
                                    {1, 2, 0.25, 3, 4, 1.5, 5, 6, 1.75}, status);
                      }).second;
  for (const char* z : {"1.5000", "1.7500"}) bytes.replace(bytes.find(z), 6, "   NaN");
  const TempFolder folder;
  const auto catalogue = abell::read_catalogue(folder.write("a.fits", bytes));
  REQUIRE(catalogue.objects.size() == 3);
  REQUIRE(catalogue.objects[2].position.ra == 5);
  REQUIRE(catalogue.objects[0].fields == Texts{"0.25"});
  REQUIRE(catalogue.objects[1].fields == Texts{""});
  REQUIRE(catalogue.notes.size() == 1);
  REQUIRE_THAT(catalogue.notes[0],
               Contains("a.fits: column 'z': 2 values cannot be read and count as null, the first in row 2"));
}

TEST_CASE("of several FITS tables the first with positions is taken", "[positions]") {
  const std::string ldac =
      seeds::made("ldac", [](fitsfile* file, int& status) {
        write_table(file, BINARY_TBL, {{"Field Header Card", "80A"}}, {}, status);
        write_table(file, BINARY_TBL, {{"NUMBER", "1J"}, {"ALPHA_J2000", "1D"}, {"DELTA_J2000", "1D"}}, {7, 150, 2},
                    status);
      }).second;
  REQUIRE(first_of(ldac).ra == 150);
  const TempFolder folder;
  const auto path = folder.write("l.fits", ldac);
  REQUIRE(abell::read_catalogue(path).objects[0].id == "7");
  REQUIRE_THAT(message_of<FormatError>([&] { abell::read_catalogue(path.string() + "[1]"); }),
               Contains("found: Field Header Card"));
  // As STILTS 3.4.7 writes colfits: texts have two axes.
  const std::string arrays =
      seeds::made("arrays", [](fitsfile* file, int& status) {
        write_table(file, BINARY_TBL, {{"RA", "3D"}, {"DEC", "3D"}, {"NAME", "9A"}}, {1, 2}, status);
        std::string axes = "(3,3)";
        fits_update_key(file, TSTRING, "TDIM3", axes.data(), nullptr, &status);
      }).second;
  REQUIRE_THAT(message_of<FormatError>([&] { first_of(arrays); }), Contains("arrays in one row"));
}

TEST_CASE("tables that are packed by fpack are named", "[positions]") {
  const std::string packed =
      seeds::made("packed", [](fitsfile* file, int& status) {
        abell::detail::MemoryFits plain("plain");
        write_table(plain.file.get(), BINARY_TBL, {{"RA", "1D"}, {"DEC", "1D"}}, std::vector<double>(2000, 1), status);
        fits_compress_table(plain.file.get(), file, &status);
      }).second;
  REQUIRE_THAT(message_of<FormatError>([&] { first_of(packed); }),
               Contains("t.fits: expected a plain table, found one packed by fpack"));
}

TEST_CASE("floats of FITS tables have their own digits", "[positions]") {
  const TempFolder folder;
  const auto path = folder.write("t.fits", table({{"RA", "1D"}, {"DEC", "1E"}, {"z", "1E"}}, {1, 2, 0.1}));
  REQUIRE(abell::read_catalogue(path).objects[0].fields == Texts{"0.1"});
}

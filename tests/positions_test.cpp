/// Positions of catalogues: columns, units, frames, and rows that have none.

#include <abell/data/positions.hpp>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "fits_tables.hpp"
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

TEST_CASE("hours or degrees, minutes, seconds and sign may stand in columns of their own", "[positions]") {
  // As VizieR has them: Abell 907, and a declination between -1 and 0.
  const std::string header = "z,RAh,RAm,RAs,DE-,DEd,DEm,DEs\n";
  const auto catalogue = read(header + "0.1,09,58,22.2,-,11,03,52\n0.2,23,59,59.94,-,00,30,36\n,1,2,3,,4,5,6\n");
  REQUIRE(catalogue.columns == Texts{"z"});
  REQUIRE(catalogue.objects[0].position.ra == Approx(149.5925).epsilon(1e-12));
  REQUIRE(catalogue.objects[0].position.dec == Approx(-11.064444444444444).epsilon(1e-12));
  REQUIRE(catalogue.objects[1].position.ra == Approx(359.99975).epsilon(1e-12));
  REQUIRE(catalogue.objects[1].position.dec == Approx(-0.51).epsilon(1e-12));
  REQUIRE(catalogue.objects[2].position.dec == Approx(4.085).epsilon(1e-12));
  // Without seconds, without minutes, with the sign before the degrees; named by hand; their units change nothing.
  REQUIRE(read("RAh,RAm,DEd,DEm\n9,58.37,-11,3.5\n").objects[0].position.dec == Approx(-11.058333333333334));
  REQUIRE(read("RAh,DEd\n9.97267,-11\n").objects[0].position.ra == Approx(149.59005));
  REQUIRE(read("ra,dec,RAh,RAm,DEd,DEm\n7,8,10,30,1,30\n", {{.ra = "RAh", .dec = "DEd"}}).objects[0].position.ra ==
          Approx(157.5));
  REQUIRE(first_of(fits_table({{"RAh", "1I", "h", "pos.eq.ra"},
                               {"RAm", "1I", "min"},
                               {"RAs", "1D", "s"},
                               {"DEd", "1I", "deg", "pos.eq.dec"},
                               {"DEm", "1I", "arcmin"},
                               {"DEs", "1D", "arcsec"}},
                              {1, 0, 0.00012, 4, 30, 0}))
              .ra == Approx(15.0000005).epsilon(1e-12));
  // VizieR's own column for the sky goes before.
  REQUIRE(read("DE-,DEd,RAh,_RA,_DE\n-,4,5,6,7\n").objects[0].position.dec == 7);
  for (const char* row :
       {"0,9,60,0,-,1,0,0\n", "0,9,5,,-,1,0,0\n", "0,9,0,0,x,1,0,0\n", "0,9,0,0,-,90,0,1\n", "0,9,-1,0,-,1,0,0\n"}) {
    INFO(row);
    REQUIRE_FALSE(refused(header + row).empty());
  }
  REQUIRE_THAT(refused(header + "0,9,5,3,-,1,x,0\n"),
               Contains("c.csv:2: expected a declination in column 'DE- DEd DEm DEs', found '- 1 x 0'"));
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
    return first_of(fits_table({{"RA", "1D", unit}, {"DEC", "1D", "deg"}}, {value, -11})).ra;
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
                 first_of(fits_table({{"RA", "1D"}, {"DEC", "1D", "h"}}, {1, 1}));
               }),
               Contains("in column 'DEC' (deg, arcmin, arcsec, mas, rad), found 'h'"));
  REQUIRE(read("RA (h),DEC (deg)\n9.97267,-11\n").objects[0].position.ra == Approx(149.59005));
}

TEST_CASE("where no name tells positions, UCDs do", "[positions]") {
  const std::vector<double> row{1, 2, 3, 4};
  const auto four = [&](const char* a, const char* b, const char* c, const char* d) {
    return fits_table({{"A", "1D", "deg", a}, {"B", "1D", "deg", b}, {"C", "1D", "deg", c}, {"D", "1D", "deg", d}},
                      row);
  };
  REQUIRE(first_of(four("pos.eq.ra", "pos.eq.dec", "pos.eq.ra;meta.main", "pos.eq.dec;meta.main")).ra == 3);
  REQUIRE(first_of(four("stat.error;pos.eq.ra", "pos.eq.ra", "pos.eq.dec", "pos.eq.ra")).ra == 2);
  REQUIRE(first_of(four("POS_EQ_RA", "POS_EQ_DEC", "POS_EQ_RA_MAIN", "POS_EQ_DEC_MAIN")).dec == 4);
  const auto galactic = first_of(four("pos.galactic.lon", "pos.galactic.lat", "", ""));
  REQUIRE(abell::separation(galactic, abell::SkyFrame::galactic().to_icrs({1, 2})) == 0);
  const auto ecliptic = first_of(four("", "pos.ecliptic.lon", "pos.ecliptic.lat", ""));
  REQUIRE(abell::separation(ecliptic, abell::SkyFrame::ecliptic().to_icrs({2, 3})) == 0);
  // Names that fit every frame leave it to the UCDs, where both agree.
  const auto lon_lat = [&](const char* lon, const char* lat) {
    return first_of(fits_table({{"lon", "1D", "deg", lon}, {"lat", "1D", "deg", lat}}, {1, 2}));
  };
  const auto apart = [&](const abell::SkyPosition& found, const abell::SkyFrame& frame) {
    return abell::separation(found, frame.to_icrs({1, 2}));
  };
  REQUIRE(apart(lon_lat("pos.galactic.lon;meta.main", "pos.galactic.lat"), abell::SkyFrame::galactic()) == 0);
  REQUIRE(apart(lon_lat("POS_EC_LON", "POS_EC_LAT"), abell::SkyFrame::ecliptic()) == 0);
  REQUIRE(lon_lat("pos.galactic.lon", "pos.eq.dec").ra == 1);
  // UCDs that a program has shifted do not lead away from names.
  const auto shifted = fits_table(
      {{"RA", "1D", "deg", "pos.eq.dec"}, {"DEC", "1D", "deg", ""}, {"Z", "1D", "", "pos.eq.ra"}}, {1, 2, 3});
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

#include <abell/images/sky_frame.hpp>

#include <optional>
#include <tuple>

#include "catch.hpp"

using abell::SkyFrame;
using Kind = SkyFrame::Kind;

TEST_CASE("frames become ICRS as in astropy", "[positions]") {
  struct Value {
    const char* frame;
    double longitude, latitude, ra, dec;
  };
  // SkyCoord(longitude, latitude, unit="deg", frame=...).icrs of astropy 5.2.1, with its frames' default observation
  // times: FK5(equinox="J1975"), FK4(), FK4(equinox="B1975"), BarycentricMeanEcliptic(equinox="J1975") and so on.
  constexpr Value values[] = {
      {"fk5", 149.59, -11.06, 149.58999295714315, -11.0599950219061},
      {"fk5", 10, 85, 9.999926398855802, 84.99999847050995},
      {"fk5", 359.9999, 0.5, 359.99989359064875, 0.4999974722125725},
      {"FK5 J1975", 149.59, -11.06, 149.89647301481142, -11.180222579462566},
      {"FK5 J1975", 10, 85, 10.608761414114111, 85.13694100364799},
      {"FK5 J1975", 359.9999, 0.5, 0.3201623749394653, 0.6391842234752882},
      {"fk4", 149.59, -11.06, 150.2029981488218, -11.300855767036428},
      {"fk4", 10, 85, 11.24375803789487, 85.27354385742811},
      {"fk4", 359.9999, 0.5, 0.6405981467183273, 0.7784061590999807},
      {"FK4 B1975", 149.59, -11.06, 149.8966700822335, -11.18023838141857},
      {"FK4 B1975", 10, 85, 10.609067511298646, 85.13685956782435},
      {"FK4 B1975", 359.9999, 0.5, 0.3204442810035388, 0.639204011454828},
      {"fk4 1900", 149.59, -11.06, 150.81543888532286, -11.543234744763643},
      {"fk4 1900", 10, 85, 12.600333184608763, 85.54600111918609},
      {"fk4 1900", 359.9999, 0.5, 1.2808071389177225, 1.056824495662987},
      {"B1855", 149.59, -11.06, 151.366404134476, -11.762660691190453},
      {"B1855", 10, 85, 13.93565316182735, 85.78997958073373},
      {"B1855", 359.9999, 0.5, 1.8569033511679387, 1.3073932318618031},
      {"ecliptic", 149.59, -11.06, 147.84429553187007, 1.2377906529005316},
      {"ecliptic", 10, 85, 282.6513642921659, 66.92768584742653},
      {"ecliptic", 359.9999, 0.5, 359.80101144744015, 0.4587049820395384},
      {"ecliptic J1975", 149.59, -11.06, 148.16613962350507, 1.1214764901557075},
      {"ecliptic J1975", 10, 85, 282.65094575482993, 66.95499620732083},
      {"ecliptic J1975", 359.9999, 0.5, 0.12124946446864197, 0.5978809334325157},
      {"galactic", 149.59, -11.06, 50.513137340313946, 43.878787118710896},
      {"galactic", 10, 85, 197.94426874680775, 25.088993048952847},
      {"galactic", 359.9999, 0.5, 265.91850298140105, -28.674874018432487},
  };
  for (const Value& value : values) {
    INFO(value.frame << " " << value.longitude << " " << value.latitude);
    const auto found = abell::parse_sky_frame(value.frame)->to_icrs({value.longitude, value.latitude});
    REQUIRE(found.ra >= 0);
    REQUIRE(found.ra < 360);
    REQUIRE(abell::separation(found, {value.ra, value.dec}) * 3.6e6 < 0.1);  // mas
    const auto back = abell::parse_sky_frame(value.frame)->from_icrs(found);
    REQUIRE(abell::separation(back, {value.longitude, value.latitude}) * 3.6e6 < 1e-3);
  }
  REQUIRE(SkyFrame().to_icrs({149.59, -11.06}).ra == 149.59);
  const auto plain = SkyFrame::fk4(1900, false).to_icrs({149.59, -11.06});  // FK4NoETerms(equinox="B1900")
  REQUIRE(abell::separation(plain, {150.81550223115556, -11.543228475639618}) * 3.6e6 < 0.1);
}

TEST_CASE("headers tell a frame by the type of their axes, RADESYS and EQUINOX", "[positions]") {
  const auto is = [](const char* longitude, const char* radesys, std::optional<double> year, Kind kind,
                     double equinox) {
    INFO(longitude << " " << radesys);
    const auto frame = SkyFrame::of_header(longitude, radesys, year);
    REQUIRE(frame.has_value());
    REQUIRE(frame->kind() == kind);
    REQUIRE(frame->equinox() == equinox);
  };
  is("RA", "", {}, Kind::icrs, 2000);
  is("RA", "", 1975, Kind::fk4, 1975);
  is("RA", "", 1984, Kind::fk5, 1984);
  is("RA", "fk4", {}, Kind::fk4, 1950);
  is("RA", "FK4-NO-E", 1900, Kind::fk4, 1900);
  is("RA", "FK5", 1975, Kind::fk5, 1975);
  is("GLON", "FK4", 1950, Kind::galactic, 2000);
  is("ELON", "", {}, Kind::ecliptic, 2000);
  is("ELON", "FK5", 1975, Kind::ecliptic, 1975);
  for (const auto& [longitude, radesys, year] :
       {std::tuple("ELON", "FK4", 1950.0), {"RA", "GAPPT", 2000.0}, {"RA", "FK5", 9999.0}, {"HLON", "ICRS", 2000.0}}) {
    INFO(longitude << " " << radesys);
    REQUIRE_FALSE(SkyFrame::of_header(longitude, radesys, year).has_value());
  }
  const double with = abell::separation(SkyFrame::of_header("RA", "FK4", 1950)->to_icrs({10, 20}),
                                        SkyFrame::of_header("RA", "FK4-NO-E", 1950)->to_icrs({10, 20}));
  REQUIRE((with * 3600 > 0.05 && with * 3600 < 0.5));  // the E-terms
}

TEST_CASE("frames are known by the names of people, FITS and VOTable", "[positions]") {
  const auto is = [](const char* text, Kind kind, double equinox) {
    INFO(text);
    const auto frame = abell::parse_sky_frame(text);
    REQUIRE(frame.has_value());
    REQUIRE(frame->kind() == kind);
    REQUIRE(frame->equinox() == equinox);
  };
  for (const char* text : {"icrs", "ICRS", "ICRS J2000"}) is(text, Kind::icrs, 2000);
  for (const char* text : {"fk5", "FK5 2000.0", "eq_FK5 J2000", "J2000", "fk5 j2000.0"}) is(text, Kind::fk5, 2000);
  is("J1975.5", Kind::fk5, 1975.5);
  for (const char* text : {"fk4", "FK4 1950", "eq_FK4 B1950", "b1950", "B1950.0"}) is(text, Kind::fk4, 1950);
  for (const char* text : {"fk4 1975", "B1975", "eq_FK4 B1975"}) is(text, Kind::fk4, 1975);
  for (const char* text : {"galactic", "GAL", "Galactic"}) is(text, Kind::galactic, 2000);
  for (const char* text : {"ecliptic", "Ecliptic J2000", "ecl_FK5", "barycentricmeanecliptic 2000"}) {
    is(text, Kind::ecliptic, 2000);
  }
  is("ecliptic J1975", Kind::ecliptic, 1975);
  for (const char* text : {"", "fk", "fk4 J1975", "B1775", "fk5 B1950", "FK4-NO-E", "GAPPT", "ecliptic B1950",
                           "ecl_FK4", "2000", "J", "B", "fk5 J", "Jx", "fk5 9999", "supergalactic"}) {
    INFO(text);
    REQUIRE_FALSE(abell::parse_sky_frame(text).has_value());
  }
}

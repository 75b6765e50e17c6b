#include <abell/images/sky_frame.hpp>

#include "catch.hpp"

using abell::SkyFrame;
using Kind = SkyFrame::Kind;

TEST_CASE("frames become ICRS as in astropy", "[positions]") {
  struct Value {
    const char* frame;
    double longitude, latitude, ra, dec;
  };
  // SkyCoord(longitude, latitude, unit="deg", frame=...).icrs of astropy 5.2.1, with its frames' default observation
  // times; FK5(equinox="J1975") and FK4() for the second and the third frame.
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
  for (const char* text : {"galactic", "GAL", "Galactic"}) is(text, Kind::galactic, 2000);
  for (const char* text : {"", "fk", "fk4 1975", "B1875", "fk5 B1950", "FK4-NO-E", "GAPPT", "ecliptic", "2000", "J",
                           "Jx", "fk5 9999", "supergalactic"}) {
    INFO(text);
    REQUIRE_FALSE(abell::parse_sky_frame(text).has_value());
  }
}

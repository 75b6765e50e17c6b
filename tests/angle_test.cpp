#include <abell/core/angle.hpp>

#include "catch.hpp"

TEST_CASE("units of angles are known by all of their spellings, whole", "[positions]") {
  const auto degrees = [](const char* text) {
    INFO(text);
    const auto unit = abell::parse_angle_unit(text);
    REQUIRE(unit.has_value());
    return unit->degrees;
  };
  for (const char* text :
       {"deg", "DEG", "degree", "Degrees", " deg ", "[deg]", "(deg)", "\u00b0", "\"d:m:s\"", "dms"}) {
    REQUIRE(degrees(text) == 1);
  }
  for (const char* text : {"h", "hr", "hour", "hours", "hourangle", "\"h:m:s\"", "h:m:s", "'hourangle'", "hms"}) {
    REQUIRE(degrees(text) == 15);
  }
  for (const char* text : {"arcmin", "'", "arcminute"}) REQUIRE(degrees(text) == Approx(1 / 60.0));
  for (const char* text : {"arcsec", "\"", "arcsecond"}) REQUIRE(degrees(text) == Approx(1 / 3600.0));
  for (const char* text : {"mas", "marcsec"}) REQUIRE(degrees(text) == Approx(1 / 3.6e6));
  REQUIRE(degrees("uas") == Approx(1 / 3.6e9));
  for (const char* text : {"rad", "radian"}) REQUIRE(degrees(text) == Approx(57.29577951308232));
  for (const char* text : {"", " ", "min", "s", "hPa", "h/d", "degC", "deg deg", "pixel", "d", "sr", "deg2", "\"\""}) {
    INFO(text);
    REQUIRE_FALSE(abell::parse_angle_unit(text).has_value());
  }
}

TEST_CASE("numbers and texts count the unit of their column", "[positions]") {
  const auto read = [](const char* text, const char* unit) {
    return abell::parse_angle(text, *abell::parse_angle_unit(unit));
  };
  REQUIRE(*read("9.97267", "h") == Approx(149.59005).epsilon(1e-12));
  REQUIRE(*read(" 9 ", "\"h:m:s\"") == 135);
  REQUIRE(*read("09:58:22.2", "h:m:s") == Approx(149.5925));
  REQUIRE(*read("09 58 22.2", "hourangle") == Approx(149.5925));
  REQUIRE(*read("149:35:33", "deg") == Approx(149.5925));
  REQUIRE(*read("-3600", "arcsec") == Approx(-1));
  REQUIRE(*read("2.610838", "rad") == Approx(149.59).epsilon(1e-6));
  REQUIRE_FALSE(read("1:2:3", "rad").has_value());
  REQUIRE_FALSE(read("", "deg").has_value());
  REQUIRE_FALSE(read("nan", "h").has_value());
}

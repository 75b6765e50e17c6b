#pragma once
/// Celestial frames, turned into ICRS by ERFA as astropy does it.

#include <erfa.h>

#include <abell/core/angle.hpp>
#include <abell/core/lower_case.hpp>
#include <abell/images/sky_position.hpp>
#include <cmath>
#include <numbers>
#include <optional>
#include <string>
#include <string_view>

namespace abell {

/// What a longitude and a latitude refer to.
struct SkyFrame {
  enum class Kind { icrs, fk5, fk4, galactic };

  Kind kind = Kind::icrs;
  double equinox = 2000;  ///< of FK5; FK4 is of B1950

  bool operator==(const SkyFrame&) const = default;
};

/// The frames that `parse_sky_frame` reads, for messages.
inline constexpr const char* sky_frame_names = "icrs, fk5 (with an equinox such as J1975), fk4 (B1950) or galactic";

/// A frame under the names that people, FITS (RADESYS) and VOTable (COOSYS) use, in any case: "icrs", "FK5",
/// "eq_FK5 J1975", "J2000", "fk4", "B1950", "galactic". Nothing for other texts, FK4 of another equinox included.
inline std::optional<SkyFrame> parse_sky_frame(std::string_view name) {
  std::string text = lower_case(name);
  std::erase(text, ' ');
  if (text.starts_with("eq_")) text.erase(0, 3);
  using enum SkyFrame::Kind;
  if (text == "galactic" || text == "gal") return SkyFrame{galactic};
  if (text.starts_with("icrs") && (text.size() == 4 || text == "icrsj2000")) return SkyFrame{icrs};
  const bool named = text.starts_with("fk5") || text.starts_with("fk4");
  const bool old = text.starts_with("fk4") || text.starts_with('b');
  if (named) text.erase(0, 3);
  if (named && text.empty()) return old ? SkyFrame{fk4, 1950} : SkyFrame{fk5};
  if (text.starts_with(old ? 'b' : 'j')) {
    text.erase(0, 1);
  } else if (!named) {
    return std::nullopt;
  }
  const auto equinox = detail::plain_number(text);
  if (!equinox || (old ? *equinox != 1950 : !(*equinox >= 1800 && *equinox <= 2200))) return std::nullopt;
  return SkyFrame{old ? fk4 : fk5, *equinox};
}

namespace detail {

using Rotation = double[3][3];

/// A longitude and a latitude in radians, and what turns them.
struct Direction {
  double longitude = 0;
  double latitude = 0;

  void turn(Rotation& rotation) { move(rotation, eraRxp); }
  void turn_back(Rotation& rotation) { move(rotation, eraTrxp); }

 private:
  void move(Rotation& rotation, void (*product)(double[3][3], double[3], double[3])) {
    double from[3], to[3];
    eraS2c(longitude, latitude, from);
    product(rotation, from, to);
    eraC2s(to, &longitude, &latitude);
  }
};

/// From FK5 of an equinox to FK5 J2000: the precession of IAU 2006.
inline void precess_to_j2000(Direction& direction, double equinox) {
  if (equinox == 2000) return;
  double day = 0, fraction = 0;
  Rotation bias, precession, both;
  eraEpj2jd(equinox, &day, &fraction);
  eraBp06(day, fraction, bias, precession, both);
  direction.turn_back(precession);
}

/// From Galactic coordinates to FK5 J2000: astropy's pole and longitude of the celestial pole, which are those of
/// IAU 1958 (B1950) in FK5.
inline void galactic_to_fk5(Direction& direction) {
  constexpr double degree = std::numbers::pi / 180;
  Rotation rotation;
  eraIr(rotation);
  eraRz(192.8594812065348 * degree, rotation);
  eraRy((90 - 27.12825118085622) * degree, rotation);
  eraRz((180 - 122.9319185680026) * degree, rotation);
  direction.turn_back(rotation);
}

}  // namespace detail

/// The position in ICRS of a longitude and a latitude in degrees. Objects of FK4 have no proper motion in FK5.
inline SkyPosition to_icrs(const SkyFrame& frame, double longitude, double latitude) {
  using enum SkyFrame::Kind;
  if (frame.kind == icrs) return {longitude, latitude};
  constexpr double degree = std::numbers::pi / 180;
  detail::Direction direction{longitude * degree, latitude * degree};
  if (frame.kind == fk4) {
    eraFk45z(direction.longitude, direction.latitude, 1950, &direction.longitude, &direction.latitude);
  } else if (frame.kind == galactic) {
    detail::galactic_to_fk5(direction);
  } else {
    detail::precess_to_j2000(direction, frame.equinox);
  }
  detail::Rotation fk5_to_icrs;
  double spin[3];
  eraFk5hip(fk5_to_icrs, spin);
  direction.turn(fk5_to_icrs);
  return {eraAnp(direction.longitude) / degree, direction.latitude / degree};
}

}  // namespace abell

#pragma once
/// Reference systems of the sky, and how their positions become those of ICRS, as in astropy.

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

namespace detail {

/// A matrix that turns axes, by ERFA.
struct Rotation {
  double rows[3][3];
};

/// First b, then a.
inline Rotation product(Rotation a, Rotation b) {
  Rotation both;
  eraRxr(a.rows, b.rows, both.rows);
  return both;
}

inline Rotation inverse(Rotation rotation) {
  Rotation back;
  eraTr(rotation.rows, back.rows);
  return back;
}

/// 0.02 to 0.03".
inline Rotation fk5_to_icrs() {
  Rotation rotation;
  double spin[3];
  eraFk5hip(rotation.rows, spin);
  return rotation;
}

/// FK5 of an equinox to that of J2000: the precession of IAU 2006.
inline Rotation precession_to_j2000(double equinox) {
  double day = 0, fraction = 0;
  Rotation bias, precession, both;
  eraEpj2jd(equinox, &day, &fraction);
  eraBp06(day, fraction, bias.rows, precession.rows, both.rows);
  return inverse(precession);
}

/// FK4 B1950 without E-terms to FK5 J2000 for the epoch of the equinox (Murray 1989, A&A 218, 325).
inline constexpr Rotation fk4_to_fk5{{{0.9999256794956877, -0.0111814832204662, -0.0048590038153592},
                                      {0.0111814832391717, 0.9999374848933135, -0.0000271625947142},
                                      {0.0048590037723143, -0.0000271702937440, 0.9999881946023742}}};

/// The pole and the zero of longitude in FK5 J2000 of the IAU's definition in B1950 (Reid and Brunthaler 2004, ApJ 616,
/// 872).
inline Rotation galactic_to_fk5() {
  constexpr double degree = std::numbers::pi / 180;
  Rotation rotation;
  eraIr(rotation.rows);
  eraRz(192.8594812065348 * degree, rotation.rows);
  eraRy((90 - 27.12825118085622) * degree, rotation.rows);
  eraRz((180 - 122.9319185680026) * degree, rotation.rows);
  return inverse(rotation);
}

}  // namespace detail

/// A reference system of the sky: ICRS, FK5 of an equinox, FK4 B1950 or Galactic coordinates. Positions in it are its
/// longitude and latitude in the places of `ra` and `dec`.
class SkyFrame {
 public:
  enum class Kind { icrs, fk5, fk4, galactic };

  /// ICRS.
  SkyFrame() = default;

  /// `equinox`: Julian.
  static SkyFrame fk5(double equinox = 2000) {
    const auto j2000 = equinox == 2000 ? detail::fk5_to_icrs()
                                       : detail::product(detail::fk5_to_icrs(), detail::precession_to_j2000(equinox));
    return {Kind::fk5, equinox, j2000};
  }
  /// B1950, of objects without proper motion in FK5; without `e_terms` of aberration where they were taken off.
  static SkyFrame fk4(bool e_terms = true) {
    SkyFrame frame(Kind::fk4, 1950, detail::product(detail::fk5_to_icrs(), detail::fk4_to_fk5));
    // Explanatory Supplement (1992), 3.59.
    if (e_terms) frame.e_terms_ = {-1.62557e-6, -0.31919e-6, -0.13843e-6};
    return frame;
  }
  static SkyFrame galactic() {
    return {Kind::galactic, 2000, detail::product(detail::fk5_to_icrs(), detail::galactic_to_fk5())};
  }

  /// Right ascension and declination as RADESYS and EQUINOX (or EPOCH) of a FITS header tell them, in any case, with
  /// the defaults of the standard; null for any system but ICRS, FK5 and FK4 B1950 (with or without E-terms).
  static std::optional<SkyFrame> equatorial(const std::string& radesys, std::optional<double> equinox) {
    std::string system = lower_case(radesys);
    if (system.empty()) system = !equinox ? "icrs" : *equinox >= 1984 ? "fk5" : "fk4";
    if (system == "icrs") return SkyFrame();
    if (system == "fk5" && is_equinox(equinox.value_or(2000))) return fk5(equinox.value_or(2000));
    const bool b1950 = std::abs(equinox.value_or(1950) - 1950) < 0.01;
    if ((system == "fk4" || system == "fk4-no-e") && b1950) return fk4(system == "fk4");
    return std::nullopt;
  }

  Kind kind() const { return kind_; }
  double equinox() const { return equinox_; }  ///< 2000 where a system has none

  /// ICRS of a position in this system.
  SkyPosition to_icrs(const SkyPosition& position) const {
    if (kind_ == Kind::icrs) return position;
    Direction from = direction(position), to;
    const double along = dot(e_terms_, from);
    for (int i = 0; i < 3; ++i) from.at[i] += along * from.at[i] - e_terms_.at[i];
    detail::Rotation rotation = to_icrs_;
    eraRxp(rotation.rows, from.at, to.at);
    return position_of(to);
  }

  /// The position in this system of one in ICRS.
  SkyPosition from_icrs(const SkyPosition& position) const {
    if (kind_ == Kind::icrs) return position;
    Direction from = direction(position), plain;
    detail::Rotation rotation = to_icrs_;
    eraTrxp(rotation.rows, from.at, plain.at);
    Direction to = plain;
    for (int turn = 0; turn < 3; ++turn) {  // the E-terms are 1e-6: three turns leave nothing
      const double along = dot(e_terms_, to);
      for (int i = 0; i < 3; ++i) to.at[i] = (plain.at[i] + e_terms_.at[i]) / (1 + along);
    }
    return position_of(to);
  }

 private:
  friend std::optional<SkyFrame> parse_sky_frame(std::string_view name);

  struct Direction {
    double at[3];
  };

  SkyFrame(Kind kind, double equinox, const detail::Rotation& to_icrs)
      : kind_(kind), equinox_(equinox), to_icrs_(to_icrs) {}

  static bool is_equinox(double year) { return year >= 1800 && year <= 2200; }

  static double dot(const Direction& a, const Direction& b) {
    return a.at[0] * b.at[0] + a.at[1] * b.at[1] + a.at[2] * b.at[2];
  }
  static Direction direction(const SkyPosition& position) {
    constexpr double degree = std::numbers::pi / 180;
    Direction direction;
    eraS2c(position.ra * degree, position.dec * degree, direction.at);
    return direction;
  }
  static SkyPosition position_of(Direction direction) {
    constexpr double degree = std::numbers::pi / 180;
    double longitude = 0, latitude = 0;
    eraC2s(direction.at, &longitude, &latitude);
    return {eraAnp(longitude) / degree, latitude / degree};
  }

  Kind kind_ = Kind::icrs;
  double equinox_ = 2000;
  detail::Rotation to_icrs_{};
  Direction e_terms_{};
};

/// The frames that `parse_sky_frame` reads, for messages.
inline constexpr const char* sky_frame_names = "icrs, fk5 (with an equinox such as J1975), fk4 (B1950) or galactic";

/// A frame under the names that people, FITS (RADESYS) and VOTable (COOSYS) use, in any case: "icrs", "FK5",
/// "eq_FK5 J1975", "J2000", "fk4", "B1950", "galactic". Nothing for other texts, FK4 of another equinox included.
inline std::optional<SkyFrame> parse_sky_frame(std::string_view name) {
  std::string text = lower_case(name);
  std::erase(text, ' ');
  if (text.starts_with("eq_")) text.erase(0, 3);
  if (text == "galactic" || text == "gal") return SkyFrame::galactic();
  if (text == "icrs" || text == "icrsj2000") return SkyFrame();
  const bool named = text.starts_with("fk5") || text.starts_with("fk4");
  const bool old = text.starts_with("fk4") || text.starts_with('b');
  if (named) text.erase(0, 3);
  if (named && text.empty()) return old ? SkyFrame::fk4() : SkyFrame::fk5();
  if (text.starts_with(old ? 'b' : 'j')) {
    text.erase(0, 1);
  } else if (!named) {
    return std::nullopt;
  }
  const auto equinox = detail::plain_number(text);
  if (!equinox || (old ? *equinox != 1950 : !SkyFrame::is_equinox(*equinox))) return std::nullopt;
  return old ? SkyFrame::fk4() : SkyFrame::fk5(*equinox);
}

}  // namespace abell

#pragma once
/// Reference systems of the sky, and how their positions become those of ICRS, as in astropy.

#include <erfa.h>

#include <abell/core/angle.hpp>
#include <abell/core/lower_case.hpp>
#include <abell/images/sky_position.hpp>
#include <abell/images/sky_rotations.hpp>
#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace abell {

/// A reference system of the sky: ICRS, FK5 or FK4 of an equinox, Galactic coordinates, or the mean ecliptic of an
/// equinox. Positions in it are its longitude and latitude in the places of `ra` and `dec`.
class SkyFrame {
 public:
  enum class Kind { icrs, fk5, fk4, galactic, ecliptic };

  /// ICRS.
  SkyFrame() = default;

  /// `equinox`: Julian.
  static SkyFrame fk5(double equinox = 2000) {
    const auto j2000 = equinox == 2000 ? detail::fk5_to_icrs()
                                       : detail::product(detail::fk5_to_icrs(), detail::precession_to_j2000(equinox));
    return {Kind::fk5, equinox, j2000};
  }
  /// `equinox`: Besselian, and the year of the observation; of objects without proper motion in FK5. Without `e_terms`
  /// of aberration where they were taken off.
  static SkyFrame fk4(double equinox = 1950, bool e_terms = true) {
    const auto j2000 = detail::product(detail::fk4_to_fk5(equinox), detail::precession_to_b1950(equinox));
    SkyFrame frame(Kind::fk4, equinox, detail::product(detail::fk5_to_icrs(), j2000));
    if (e_terms) frame.e_terms_ = detail::e_terms(equinox);
    return frame;
  }
  static SkyFrame galactic() {
    return {Kind::galactic, 2000, detail::product(detail::fk5_to_icrs(), detail::galactic_to_fk5())};
  }
  /// `equinox`: Julian.
  static SkyFrame ecliptic(double equinox = 2000) {
    return {Kind::ecliptic, equinox, detail::ecliptic_to_icrs(equinox)};
  }

  /// The frame that a FITS header tells by the type of its longitudes (RA, GLON or ELON), RADESYS in any case and
  /// EQUINOX (or EPOCH), with the defaults of the standard; null for any other, ecliptics of FK4 included.
  static std::optional<SkyFrame> of_header(std::string_view longitude, std::string_view radesys,
                                           std::optional<double> equinox) {
    if (longitude == "GLON") return galactic();
    std::string system = lower_case(radesys);
    if (system.empty()) system = !equinox ? "icrs" : *equinox >= 1984 ? "fk5" : "fk4";
    const bool icrs = system == "icrs", fk5_axes = system == "fk5", old = system == "fk4" || system == "fk4-no-e";
    const double year = icrs ? 2000 : equinox.value_or(old ? 1950 : 2000);
    if (!is_equinox(year)) return std::nullopt;
    if (longitude == "ELON" && (icrs || fk5_axes)) return ecliptic(year);
    if (longitude != "RA" || !(icrs || fk5_axes || old)) return std::nullopt;
    return icrs ? SkyFrame() : old ? fk4(year, system == "fk4") : fk5(year);
  }

  Kind kind() const { return kind_; }
  double equinox() const { return equinox_; }  ///< 2000 where a system has none

  /// ICRS of a position in this system.
  SkyPosition to_icrs(const SkyPosition& position) const {
    if (kind_ == Kind::icrs) return position;
    detail::Vector from = direction(position), to;
    const double along = detail::dot(e_terms_, from);
    for (int i = 0; i < 3; ++i) from.at[i] += along * from.at[i] - e_terms_.at[i];
    detail::Rotation rotation = to_icrs_;
    eraRxp(rotation.rows, from.at, to.at);
    return position_of(to);
  }

  /// The position in this system of one in ICRS.
  SkyPosition from_icrs(const SkyPosition& position) const {
    if (kind_ == Kind::icrs) return position;
    detail::Vector from = direction(position), plain;
    detail::Rotation rotation = to_icrs_;
    eraTrxp(rotation.rows, from.at, plain.at);
    detail::Vector to = plain;
    for (int turn = 0; turn < 3; ++turn) {  // the E-terms are 1e-6: three turns leave nothing
      const double along = detail::dot(e_terms_, to);
      for (int i = 0; i < 3; ++i) to.at[i] = (plain.at[i] + e_terms_.at[i]) / (1 + along);
    }
    return position_of(to);
  }

 private:
  friend std::optional<SkyFrame> parse_sky_frame(std::string_view name);

  SkyFrame(Kind kind, double equinox, const detail::Rotation& to_icrs)
      : kind_(kind), equinox_(equinox), to_icrs_(to_icrs) {}

  static bool is_equinox(double year) { return year >= 1800 && year <= 2200; }

  static detail::Vector direction(const SkyPosition& position) {
    detail::Vector direction;
    eraS2c(position.ra * degree, position.dec * degree, direction.at);
    return direction;
  }
  static SkyPosition position_of(detail::Vector direction) {
    double longitude = 0, latitude = 0;
    eraC2s(direction.at, &longitude, &latitude);
    return {eraAnp(longitude) / degree, latitude / degree};
  }

  Kind kind_ = Kind::icrs;
  double equinox_ = 2000;
  detail::Rotation to_icrs_{};
  detail::Vector e_terms_{};
};

/// The frames that `parse_sky_frame` reads, for messages.
inline constexpr const char* sky_frame_names =
    "icrs, fk5 or ecliptic (with an equinox such as J1975), fk4 (B1950, or an equinox such as B1975) or galactic";

/// A frame under the names that people, FITS (RADESYS), VOTable (COOSYS) and astropy use, in any case: "icrs", "FK5",
/// "eq_FK5 J1975", "J2000", "fk4", "B1950", "galactic", "ecliptic", "ecl_FK5". Nothing for other texts.
inline std::optional<SkyFrame> parse_sky_frame(std::string_view name) {
  using Kind = SkyFrame::Kind;
  struct Name {
    std::string_view text;
    Kind kind;
  };
  constexpr std::array names{Name{"fk5", Kind::fk5}, Name{"fk4", Kind::fk4}, Name{"ecl_fk5", Kind::ecliptic},
                             Name{"ecliptic", Kind::ecliptic}, Name{"barycentricmeanecliptic", Kind::ecliptic}};
  std::string text = lower_case(name);
  std::erase(text, ' ');
  if (text.starts_with("eq_")) text.erase(0, 3);
  if (text == "galactic" || text == "gal") return SkyFrame::galactic();
  if (text == "icrs" || text == "icrsj2000") return SkyFrame();
  const auto named = std::ranges::find_if(names, [&](const Name& n) { return text.starts_with(n.text); });
  Kind kind = text.starts_with('b') ? Kind::fk4 : Kind::fk5;
  if (named != names.end()) {
    kind = named->kind;
    text.erase(0, named->text.size());
  }
  const bool lettered = text.starts_with(kind == Kind::fk4 ? 'b' : 'j');
  if (lettered) text.erase(0, 1);
  auto equinox = detail::plain_number(text);
  if (named == names.end() && !lettered) return std::nullopt;
  if (text.empty() && !lettered) equinox = kind == Kind::fk4 ? 1950 : 2000;
  if (!equinox || !SkyFrame::is_equinox(*equinox)) return std::nullopt;
  return kind == Kind::fk4   ? SkyFrame::fk4(*equinox)
         : kind == Kind::fk5 ? SkyFrame::fk5(*equinox)
                             : SkyFrame::ecliptic(*equinox);
}

}  // namespace abell

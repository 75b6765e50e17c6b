#pragma once
/// Reference systems of the sky, and how their positions become those of ICRS.

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <optional>
#include <string>

namespace abell {

/// Right ascension and declination in degrees, ICRS unless said otherwise.
struct SkyPosition {
  double ra = 0;
  double dec = 0;
};

/// Degrees between two positions (haversine formula, good at small distances).
inline double separation(const SkyPosition& a, const SkyPosition& b) {
  constexpr double degree = std::numbers::pi / 180;
  const double ra = std::sin((a.ra - b.ra) * degree / 2);
  const double dec = std::sin((a.dec - b.dec) * degree / 2);
  const double h = dec * dec + std::cos(a.dec * degree) * std::cos(b.dec * degree) * ra * ra;
  return 2 * std::asin(std::sqrt(std::min(1.0, h))) / degree;
}

namespace detail {

using Vector3 = std::array<double, 3>;
using Matrix3 = std::array<Vector3, 3>;

inline double dot(const Vector3& a, const Vector3& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

inline Matrix3 transposed(const Matrix3& m) {
  Matrix3 t{};
  for (std::size_t i = 0; i < 3; ++i) t[i] = {m[0][i], m[1][i], m[2][i]};
  return t;
}

inline Vector3 product(const Matrix3& m, const Vector3& v) { return {dot(m[0], v), dot(m[1], v), dot(m[2], v)}; }

inline Matrix3 product(const Matrix3& a, const Matrix3& b) {
  const Matrix3 columns = transposed(b);
  Matrix3 p{};
  for (std::size_t i = 0; i < 3; ++i) p[i] = product(columns, a[i]);
  return p;
}

/// Turns the axes by `degrees` about axis 0, 1 or 2.
inline Matrix3 turned_axes(std::size_t axis, double degrees) {
  const double angle = degrees * std::numbers::pi / 180;
  const std::size_t j = (axis + 1) % 3, k = (axis + 2) % 3;
  Matrix3 m{};
  m[axis][axis] = 1;
  m[j][j] = m[k][k] = std::cos(angle);
  m[j][k] = std::sin(angle);
  m[k][j] = -m[j][k];
  return m;
}

/// Axes of FK5 J2000 turned to ICRS (USNO Circular 179, section 3.5): 0.02-0.03".
inline Matrix3 fk5_to_icrs() {
  constexpr double mas = 1 / 3.6e6;
  const Matrix3 to_fk5 =
      product(turned_axes(0, 19.9 * mas), product(turned_axes(1, 9.1 * mas), turned_axes(2, -22.9 * mas)));
  return transposed(to_fk5);
}

}  // namespace detail

/// A reference system of the sky: ICRS, FK5 J2000, FK4 B1950 or Galactic coordinates. All are turned as astropy
/// does.
class SkyFrame {
 public:
  /// ICRS.
  SkyFrame() = default;

  /// Right ascension and declination as RADESYS and EQUINOX (or EPOCH) of a FITS header tell them, with the defaults of
  /// the standard; null for any system but ICRS, FK5 J2000 and FK4 B1950 (with or without E-terms of aberration).
  static std::optional<SkyFrame> equatorial(std::string system, std::optional<double> equinox) {
    std::ranges::transform(system, system.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    if (system.empty()) system = !equinox ? "ICRS" : *equinox >= 1984 ? "FK5" : "FK4";
    if (system == "ICRS") return SkyFrame();
    const auto of = [&](double year) { return !equinox || std::abs(*equinox - year) < 0.01; };
    if (system == "FK5" && of(2000)) return SkyFrame(detail::fk5_to_icrs(), {});
    if ((system == "FK4" || system == "FK4-NO-E") && of(1950)) {
      // Murray 1989, A&A 218, 325: for the epoch of the equinox. E-terms: Explanatory Supplement (1992), 3.59.
      const detail::Matrix3 to_fk5{{{0.9999256794956877, -0.0111814832204662, -0.0048590038153592},
                                    {0.0111814832391717, 0.9999374848933135, -0.0000271625947142},
                                    {0.0048590037723143, -0.0000271702937440, 0.9999881946023742}}};
      const detail::Vector3 e_terms{-1.62557e-6, -0.31919e-6, -0.13843e-6};
      return SkyFrame(detail::product(detail::fk5_to_icrs(), to_fk5), system == "FK4" ? e_terms : detail::Vector3{});
    }
    return std::nullopt;
  }

  /// Galactic longitude and latitude: the pole and the zero of longitude in FK5 J2000 of the IAU's definition in B1950
  /// (Reid and Brunthaler 2004, ApJ 616, 872).
  static SkyFrame galactic() {
    using detail::product, detail::turned_axes;
    const detail::Matrix3 from_fk5 =
        product(turned_axes(2, 180 - 122.9319185680026),
                product(turned_axes(1, 90 - 27.12825118085622), turned_axes(2, 192.8594812065348)));
    return SkyFrame(product(detail::fk5_to_icrs(), detail::transposed(from_fk5)), {});
  }

  /// ICRS of a position (longitude, latitude) in this system.
  SkyPosition to_icrs(const SkyPosition& position) const {
    if (icrs_) return position;
    detail::Vector3 v = direction(position);
    const double along = detail::dot(e_terms_, v);
    for (std::size_t i = 0; i < 3; ++i) v[i] += along * v[i] - e_terms_[i];
    return position_of(detail::product(to_icrs_, v));
  }

  /// The position in this system of one in ICRS.
  SkyPosition from_icrs(const SkyPosition& position) const {
    if (icrs_) return position;
    const detail::Vector3 plain = detail::product(detail::transposed(to_icrs_), direction(position));
    detail::Vector3 v = plain;
    for (int turn = 0; turn < 3; ++turn) {  // the E-terms are 1e-6: three turns leave nothing
      const double along = detail::dot(e_terms_, v);
      for (std::size_t i = 0; i < 3; ++i) v[i] = (plain[i] + e_terms_[i]) / (1 + along);
    }
    return position_of(v);
  }

 private:
  SkyFrame(const detail::Matrix3& to_icrs, const detail::Vector3& e_terms)
      : icrs_(false), to_icrs_(to_icrs), e_terms_(e_terms) {}

  static detail::Vector3 direction(const SkyPosition& position) {
    constexpr double degree = std::numbers::pi / 180;
    const double a = position.ra * degree, d = position.dec * degree;
    return {std::cos(d) * std::cos(a), std::cos(d) * std::sin(a), std::sin(d)};
  }

  static SkyPosition position_of(const detail::Vector3& v) {
    constexpr double degree = std::numbers::pi / 180;
    const double a = std::atan2(v[1], v[0]) / degree;
    return {a < 0 ? a + 360 : a, std::atan2(v[2], std::hypot(v[0], v[1])) / degree};
  }

  bool icrs_ = true;
  detail::Matrix3 to_icrs_{};
  detail::Vector3 e_terms_{};
};

}  // namespace abell

#pragma once
/// The rotations between reference systems of the sky, by ERFA and, for FK4, by the formulas of astropy.

#include <erfa.h>
#include <abell/images/sky_position.hpp>

#include <cmath>

namespace abell::detail {

/// A direction, or another vector.
struct Vector {
  double at[3];
};

inline double dot(const Vector& a, const Vector& b) {
  return a.at[0] * b.at[0] + a.at[1] * b.at[1] + a.at[2] * b.at[2];
}

/// A matrix that turns axes.
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

/// Turns about z, y and z again, by angles in degrees.
inline Rotation euler_zyz(double first, double second, double third) {
  Rotation rotation;
  eraIr(rotation.rows);
  eraRz(first * degree, rotation.rows);
  eraRy(second * degree, rotation.rows);
  eraRz(third * degree, rotation.rows);
  return rotation;
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

/// The pole and the zero of longitude in FK5 J2000 of the IAU's definition in B1950 (Reid and Brunthaler 2004, ApJ 616,
/// 872).
inline Rotation galactic_to_fk5() {
  return inverse(euler_zyz(192.8594812065348, 90 - 27.12825118085622, 180 - 122.9319185680026));
}

/// The mean ecliptic and equinox of a Julian year: IAU 2006.
inline Rotation ecliptic_to_icrs(double equinox) {
  double day = 0, fraction = 0;
  Rotation rotation;
  eraEpj2jd(equinox, &day, &fraction);
  eraEcm06(day, fraction, rotation.rows);
  return inverse(rotation);
}

/// FK4 without E-terms of an equinox to that of B1950: Newcomb's precession (Explanatory Supplement 1992, 3.214).
inline Rotation precession_to_b1950(double equinox) {
  const double start = (equinox - 1850) / 1000, span = (1950 - equinox) / 1000;  // thousands of tropical years
  const auto degrees = [&](double linear, double square, double cube) {
    return span * (linear + span * (square + span * cube)) / 3600;
  };
  const double linear = 23035.545 + start * (139.720 + start * 0.060);
  return euler_zyz(-degrees(linear, 30.240 - 0.27 * start, 17.995),
                   degrees(20051.12 - start * (85.29 + start * 0.37), -42.65 - 0.37 * start, -41.8),
                   -degrees(linear, 109.480 + 0.39 * start, 18.325));
}

/// The Julian date of a Besselian year.
inline double besselian_date(double year) {
  double day = 0, fraction = 0;
  eraEpb2jd(year, &day, &fraction);
  return day + fraction;
}

/// FK4 B1950 without E-terms to FK5 J2000, of objects at rest in FK5 that were observed in a Besselian year: FK4 itself
/// turns (Murray 1989, A&A 218, 325).
inline Rotation fk4_to_fk5(double observed) {
  constexpr Rotation of_b1950{{{0.9999256794956877, -0.0111814832204662, -0.0048590038153592},
                               {0.0111814832391717, 0.9999374848933135, -0.0000271625947142},
                               {0.0048590037723143, -0.0000271702937440, 0.9999881946023742}}};
  constexpr Rotation of_century{{{-0.0026455262e-6, -1.1539918689e-6, 2.1111346190e-6},
                                 {1.1540628161e-6, -0.0129042997e-6, 0.0236021478e-6},
                                 {-2.1112979048e-6, -0.0056024448e-6, 0.0102587734e-6}}};
  const double centuries = (eraEpj(besselian_date(observed), 0) - 1950) / 100;
  Rotation rotation = of_b1950;
  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 3; ++j) rotation.rows[i][j] += centuries * of_century.rows[i][j];
  }
  return rotation;
}

/// The E-terms of aberration that positions in FK4 of an equinox contain (Explanatory Supplement 1992, 3.59).
inline Vector e_terms(double equinox) {
  constexpr double constant = 0.0056932 * degree;
  const double date = besselian_date(equinox);
  const double centuries = (date - besselian_date(1950)) / 36525;
  const double eccentricity = 0.01673011 - centuries * (0.00004193 + centuries * 0.000000126);
  const double perigee = (1015489.951 + centuries * (6190.67 + centuries * (1.65 + centuries * 0.012))) / 3600 * degree;
  const double obliquity = eraObl80(date, 0), size = constant * eccentricity;
  return {{size * std::sin(perigee), -size * std::cos(perigee) * std::cos(obliquity),
           -size * std::cos(perigee) * std::sin(obliquity)}};
}

}  // namespace abell::detail

#pragma once
/// Positions on the sky.

#include <algorithm>
#include <cmath>
#include <numbers>

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

}  // namespace abell

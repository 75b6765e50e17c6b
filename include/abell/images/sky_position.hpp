#pragma once
/// Positions on the sky.

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

namespace abell {

inline constexpr double degree = std::numbers::pi / 180;  ///< radians

/// Right ascension and declination in degrees, ICRS unless said otherwise.
struct SkyPosition {
  double ra = 0;
  double dec = 0;
};

/// Degrees between two positions (haversine formula, good at small distances).
inline double separation(const SkyPosition& a, const SkyPosition& b) {
  const double ra = std::sin((a.ra - b.ra) * degree / 2);
  const double dec = std::sin((a.dec - b.dec) * degree / 2);
  const double h = dec * dec + std::cos(a.dec * degree) * std::cos(b.dec * degree) * ra * ra;
  return 2 * std::asin(std::sqrt(std::min(1.0, h))) / degree;
}

/// The middle of positions: the direction of their mean; that of a single one is itself.
inline SkyPosition middle(std::span<const SkyPosition> positions) {
  if (positions.size() == 1) return positions[0];
  double x = 0, y = 0, z = 0;
  for (const SkyPosition& at : positions) {
    x += std::cos(at.dec * degree) * std::cos(at.ra * degree);
    y += std::cos(at.dec * degree) * std::sin(at.ra * degree);
    z += std::sin(at.dec * degree);
  }
  const double ra = std::atan2(y, x) / degree;
  return {ra < 0 ? ra + 360 : ra, std::atan2(z, std::hypot(x, y)) / degree};
}

}  // namespace abell

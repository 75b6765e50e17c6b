#pragma once
/// What a simulated field holds: X-ray sources, stars and galaxies, and how XMM-Newton looked at it.
/// Positions are in arcsec from the centre of the image, x along columns, y along rows.

#include <cmath>
#include <string_view>
#include <vector>

namespace abell::sky {

struct Position {
  double x = 0;
  double y = 0;
};

/// `point` turned by `angle` radians.
inline Position turned(Position point, double angle) {
  const double c = std::cos(angle);
  const double s = std::sin(angle);
  return {c * point.x - s * point.y, s * point.x + c * point.y};
}

/// Light profiles in X-rays.
enum class Profile {
  point,        ///< the point spread function alone
  beta,         ///< S(r) ~ [1 + (r / scale)^2]^(-3/2), the beta-model of beta = 2/3
  exponential,  ///< S(r) ~ exp(-1.678 r / scale), half of the light within `scale`
  ring,         ///< a shell of radius `scale` seen in projection
  arc,          ///< a part of a circle of radius `scale` about `at`, `limit` arcsec to either side of `angle`
};

struct XraySource {
  Position at;
  double flux = 0;  ///< 0.5-2 keV, erg/cm2/s
  Profile profile = Profile::point;
  double scale = 0;       ///< arcsec: core radius, half-light radius, radius of the shell or the arc
  double limit = 0;       ///< arcsec: radius where the profile ends (beta), half the length (arc)
  double axis_ratio = 1;  ///< minor over major axis
  double angle = 0;       ///< of the major axis, radians
};

struct Star {
  Position at;
  double magnitude = 20;  ///< R
};

struct Galaxy {
  Position at;
  double magnitude = 20;  ///< R, total
  double radius = 1;      ///< half-light radius along the major axis, arcsec
  double sersic = 1;      ///< Sersic index: 1 a disk, 4 an elliptical
  double axis_ratio = 1;
  double angle = 0;
  int arms = 0;        ///< number of logarithmic spiral arms, 0 for none
  double pitch = 0.3;  ///< of the arms, radians
};

/// How the field fell on the detector and how long it was watched.
struct Observation {
  double exposure = 2e4;            ///< s
  Position off_axis;                ///< arcsec from the optical axis to the centre of the image
  double roll = 0;                  ///< angle of the detector's axes, radians
  double particles = 1;             ///< particle background over its usual level (flares)
  Position chip;                    ///< arcsec, the centre of the image in the frame of the pn chips
  std::vector<double> bad_columns;  ///< arcsec, where dead columns of the pn chips begin
};

/// Distance of `at` from the optical axis, arcmin.
inline double off_axis_arcmin(const Observation& observation, Position at) {
  return std::hypot(observation.off_axis.x + at.x, observation.off_axis.y + at.y) / 60;
}

}  // namespace abell::sky

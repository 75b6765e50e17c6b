#pragma once
/// Which candidate, seen how, among which active nuclei.

#include <abell/core/random.hpp>
#include <abell/images/sky_position.hpp>
#include <abell/sky/clusters.hpp>
#include <abell/sky/detector.hpp>
#include <abell/sky/impostors.hpp>
#include <abell/sky/target.hpp>
#include <cmath>
#include <cstddef>
#include <vector>

namespace abell::sky {

/// An observation drawn like XMM-Newton's archive: exposures log-normal about 14.5 ks within 5-80 ks
/// (a fit to the cleaned pn exposures), targets spread evenly over the field of view out to 13',
/// one in twenty at its edge.
inline Observation draw_observation(Random& random) {
  Observation observation;
  do {
    observation.exposure = detail::log_normal(random, 14.5e3, 0.66);
  } while (observation.exposure < 5e3 || observation.exposure > 80e3);
  const bool edge = random.uniform() < 0.05;
  const double radius = 60 * (edge ? random.uniform(13.2, 14) : 13 * std::sqrt(random.uniform()));
  observation.roll = detail::any_angle(random);
  aim(observation, detail::polar(radius, detail::any_angle(random)));
  observation.particles = detail::log_normal(random, 1, 0.4);
  if (random.uniform() < 0.15) observation.particles *= random.uniform(5, 10);
  for (long i = random.poisson(8); i > 0; --i) {
    observation.bad_columns.push_back(column_width * std::floor(random.uniform(-196, 196)));
  }
  return observation;
}

/// Draws a candidate of `category`; an artefact moves the chips of `observation`.
inline Target draw_target(Random& random, Category category, Observation& observation) {
  Target target;
  target.category = category;
  switch (category) {
    case Category::low_z:
    case Category::hi_z: detail::draw_cluster(random, target); break;
    case Category::galaxy: detail::draw_galaxy(random, target); break;
    case Category::point: detail::draw_points(random, target); break;
    case Category::other: detail::draw_other(random, target, observation); break;
  }
  // Where the pipeline thinks the source is.
  const double dx = random.normal(0, 2);
  const double dy = random.normal(0, 2);
  for (XraySource& source : target.sources) source.at = {source.at.x + dx, source.at.y + dy};
  return target;
}

/// Any direction more than 20 degrees from the plane of the Galaxy, whose north pole is at 192.859, +27.128.
inline SkyPosition draw_pointing(Random& random) {
  constexpr SkyPosition pole{192.85948, 27.12825};
  while (true) {
    const double sine = random.uniform(-1, 1);
    const SkyPosition at{random.uniform(0, 360), std::asin(sine) / degree};
    const double latitude = std::sin(pole.dec * degree) * sine + std::cos(pole.dec * degree) *
                                                                     std::cos(at.dec * degree) *
                                                                     std::cos((at.ra - pole.ra) * degree);
    if (std::abs(latitude) > std::sin(20 * degree)) return at;
  }
}

/// Number of active galactic nuclei above `flux` (0.5-2 keV) on a square degree (Moretti et al. 2003).
inline double nuclei_above(double flux) {
  return 6150 * std::pow(2e-15, 1.82) / (std::pow(flux, 1.82) + std::pow(1.48e-14, 1.22) * std::pow(flux, 0.60));
}

/// The active nuclei of a field, 5e-16 to 1e-12 erg/cm2/s, out to a minute beyond its borders.
inline std::vector<XraySource> draw_nuclei(Random& random) {
  constexpr double half = field_arcsec / 2 + 60;
  constexpr double faintest = 5e-16;
  constexpr double brightest = 1e-12;
  const double least = nuclei_above(brightest);
  const double most = nuclei_above(faintest);
  std::vector<XraySource> nuclei(
      static_cast<std::size_t>(random.poisson((most - least) * std::pow(2 * half / 3600, 2))));
  for (XraySource& nucleus : nuclei) {
    const double rank = random.uniform(least, most);
    double low = std::log(faintest);
    double high = std::log(brightest);
    for (int step = 0; step < 30; ++step) {
      const double middle = (low + high) / 2;
      (nuclei_above(std::exp(middle)) > rank ? low : high) = middle;
    }
    nucleus.flux = std::exp(low);
    nucleus.at.x = random.uniform(-half, half);
    nucleus.at.y = random.uniform(-half, half);
  }
  return nuclei;
}

}  // namespace abell::sky

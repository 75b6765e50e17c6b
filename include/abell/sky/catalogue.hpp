#pragma once
/// What the plate shows: foreground stars, field galaxies, the members of a cluster, the optical
/// counterparts of X-ray sources.

#include <abell/core/random.hpp>
#include <abell/sky/cosmology.hpp>
#include <abell/sky/population.hpp>
#include <abell/sky/sources.hpp>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace abell::sky {

inline constexpr double plate_limit = 20.8;     ///< R magnitude of the faintest objects that can be told from noise
inline constexpr double faintest_drawn = 21.8;  ///< fainter ones are part of the sky

/// Everything on a plate, and what the truth table tells of it.
struct Catalogue {
  std::vector<Star> stars;
  std::vector<Galaxy> galaxies;
  double richness = 0;       ///< expected members brighter than 0.2 L*
  int visible_members = 0;   ///< members within the field brighter than plate_limit
  int visible_galaxies = 0;  ///< galaxies within the field brighter than plate_limit
  double magnitude = 0;      ///< R of the brightest member, the nearby galaxy, the star or the counterpart
};

namespace detail {

inline Position anywhere(Random& random) {
  constexpr double half = field_arcsec / 2 + 10;
  const double x = random.uniform(-half, half);
  return {x, random.uniform(-half, half)};
}

inline bool in_field(Position at) { return std::max(std::abs(at.x), std::abs(at.y)) < field_arcsec / 2; }

/// Stars at high galactic latitude: 3000 a square degree to R = 20, 0.25 dex a magnitude (approximate,
/// Bahcall & Soneira 1980), with the spread of 2000-4000 and more towards the plane.
inline void draw_stars(Random& random, Catalogue& catalogue) {
  constexpr double slope = 0.25;
  constexpr double brightest = 7;
  const double area = std::pow((field_arcsec + 20) / 3600, 2);
  const double number = log_normal(random, 3000, 0.35) * area * std::pow(10, slope * (faintest_drawn - 20));
  for (long left = random.poisson(number); left > 0; --left) {
    const double magnitude = faintest_drawn + std::log10(1 - random.uniform()) / slope;
    const Position at = anywhere(random);
    if (magnitude > brightest) catalogue.stars.push_back({at, magnitude});
  }
}

/// Sizes and shapes of a galaxy far away; `half_light` in arcsec.
inline Galaxy shaped(Random& random, Position at, double magnitude, double half_light, bool elliptical) {
  Galaxy galaxy{at, magnitude, half_light};
  galaxy.sersic = elliptical ? 4 : 1;
  galaxy.axis_ratio = elliptical ? random.uniform(0.6, 1) : random.uniform(0.2, 1);
  galaxy.angle = any_angle(random);
  return galaxy;
}

/// Field galaxies: dN/dR = 21.2 10^(0.6 (R - 16)) a square degree to R = 17, then 0.42 dex a magnitude
/// (approximate, Yasuda et al. 2001, Metcalfe et al. 2001).
inline void draw_field_galaxies(Random& random, Catalogue& catalogue) {
  constexpr double knee = 17;
  const double area = std::pow((field_arcsec + 20) / 3600, 2);
  const double at_knee = 21.2 * std::pow(10, 0.6 * (knee - 16)) * area;
  const double bright = at_knee / (0.6 * std::numbers::ln10);
  const double faint = at_knee / (0.42 * std::numbers::ln10) * (std::pow(10, 0.42 * (faintest_drawn - knee)) - 1);
  for (long left = random.poisson(bright + faint); left > 0; --left) {
    const double place = random.uniform(0, bright + faint);
    const double magnitude = place < bright
                                 ? knee + std::log10((place + 1e-12) / bright) / 0.6
                                 : knee + std::log10(1 + (place - bright) * 0.42 * std::numbers::ln10 / at_knee) / 0.42;
    const Position at = anywhere(random);
    const double half_light = log_normal(random, 3 * std::pow(10, -0.15 * (magnitude - 17)), 0.25);
    const bool elliptical = random.uniform() < 0.3;
    if (magnitude > 13) catalogue.galaxies.push_back(shaped(random, at, magnitude, half_light, elliptical));
  }
}

/// Integral of exp(-x) / x from x to infinity, by the midpoint rule in ln x.
inline double exponential_integral(double x) {
  double sum = 0;
  constexpr double step = 0.02;
  for (double t = x * std::exp(step / 2); t < 30; t *= std::exp(step)) sum += std::exp(-t);
  return sum * step;
}

/// Radius within which an NFW profile of concentration 3 holds a random share of its galaxies, over r200.
inline double draw_nfw_radius(Random& random) {
  constexpr double concentration = 3;
  const auto mass = [](double x) { return std::log1p(x) - x / (1 + x); };
  const double share = random.uniform() * mass(concentration);
  double low = 0;
  double high = concentration;
  for (int step = 0; step < 30; ++step) {
    const double middle = (low + high) / 2;
    (mass(middle) < share ? low : high) = middle;
  }
  return low / concentration;
}

/// Members: 40 (M200m / 2.3e14 h^-1)^0.75 brighter than 0.2 L* (approximate, Simet et al. 2017), a Schechter
/// function with alpha = -1, a projected NFW profile of concentration 3, and the brightest galaxy.
inline void draw_members(Random& random, const Target& target, Position centre, Catalogue& catalogue) {
  const double z = target.redshift;
  const double kpc = kpc_per_arcsec(z);
  const double knee = magnitude_star(z);
  const double r500 = r500_kpc(target.mass, z) / kpc;
  const double r200 = r500 / 0.65;
  catalogue.richness = 40 * std::pow(1.7 * target.mass * 0.7 / 2.3e14, 0.75);

  Galaxy brightest;
  brightest.magnitude = random.normal(knee - 1.7, 0.4);
  // Median and spread of 91 clusters with X-ray and optical centres (Chiu et al. 2018).
  const double offset = log_normal(random, 0.068 * r500, 0.9);
  const Position away = polar(offset, any_angle(random));
  brightest.at = {centre.x + away.x, centre.y + away.y};
  brightest.radius = random.uniform(12, 25) / kpc;
  brightest.sersic = 4;
  brightest.axis_ratio = random.uniform(0.6, 1);
  // Brightest galaxies point along their clusters.
  brightest.angle = target.angle + random.normal(0, 0.3);
  catalogue.magnitude = brightest.magnitude;
  const auto add = [&](const Galaxy& galaxy) {
    if (galaxy.magnitude > faintest_drawn) return;
    catalogue.galaxies.push_back(galaxy);
    catalogue.visible_members += in_field(galaxy.at) && galaxy.magnitude < plate_limit ? 1 : 0;
  };
  add(brightest);

  const double least = std::max(std::pow(10, -0.4 * (faintest_drawn - knee)), 0.01);
  const double members = catalogue.richness * exponential_integral(least) / exponential_integral(0.2);
  for (long left = random.poisson(members); left > 0; --left) {
    double light = 0;  // in L*: density exp(-x) / x above `least`, by rejection from two power laws
    do {
      light = least < 1 && random.uniform() < -std::log(least) / (-std::log(least) + std::exp(-1))
                  ? std::pow(least, random.uniform())
                  : std::max(least, 1.0) - std::log1p(-random.uniform());
    } while (random.uniform() > (light < 1 ? std::exp(-light) : 1 / light));
    const double radius = draw_nfw_radius(random) * r200;
    const double along = random.uniform(-1, 1);
    Position at = polar(radius * std::sqrt(1 - along * along), any_angle(random));
    at = turned({at.x, at.y * target.axis_ratio}, target.angle);
    const bool elliptical = random.uniform() < 0.8;
    const double half_light = 4.5 * std::pow(light, 0.6) / kpc;
    add(shaped(random, {centre.x + at.x, centre.y + at.y}, knee - 2.5 * std::log10(light), half_light, elliptical));
  }
}

/// R of a nucleus of X-ray flux `flux`: log(fx / fopt) = log fx + 5.5 + 0.4 R is normal about 0 with a
/// spread of 0.5 (Maccacaro et al. 1988).
inline double counterpart_magnitude(Random& random, double flux) {
  return (random.normal(0, 0.5) - 5.5 - std::log10(flux)) / 0.4;
}

inline double draw_counterpart(Random& random, const XraySource& source, Catalogue& catalogue) {
  const double magnitude = counterpart_magnitude(random, source.flux);
  const double dx = random.normal(0, 0.7);
  const Position at{source.at.x + dx, source.at.y + random.normal(0, 0.7)};
  if (magnitude < faintest_drawn) catalogue.stars.push_back({at, std::max(magnitude, 10.0)});
  return magnitude;
}

}  // namespace detail

/// The optical side of a field: what `target` and the active nuclei `nuclei` look like, stars, galaxies.
inline Catalogue draw_catalogue(Random& random, const Target& target, const std::vector<XraySource>& nuclei) {
  Catalogue catalogue;
  detail::draw_stars(random, catalogue);
  detail::draw_field_galaxies(random, catalogue);
  for (const XraySource& nucleus : nuclei) detail::draw_counterpart(random, nucleus, catalogue);
  // The widest part of the target comes last.
  const Position centre = target.sources.back().at;
  if (is_cluster(target.category)) {
    detail::draw_members(random, target, centre, catalogue);
  } else if (target.category == Category::galaxy) {
    Galaxy galaxy{centre, target.magnitude, target.optical_radius};
    galaxy.sersic = target.kind == "spiral" ? 1 : 4;
    galaxy.axis_ratio = target.axis_ratio;
    galaxy.angle = target.angle;
    if (target.kind == "spiral") {
      galaxy.arms = random.uniform() < 0.75 ? 2 : 3;
      galaxy.pitch = random.uniform(0.2, 0.45);
      if (random.uniform() < 0.5) galaxy.pitch = -galaxy.pitch;
      // The bulge.
      Galaxy bulge = galaxy;
      const double share = random.uniform(0.08, 0.3);
      bulge.sersic = 2;
      bulge.arms = 0;
      bulge.radius *= 0.15;
      bulge.axis_ratio = std::max(galaxy.axis_ratio, 0.6);
      bulge.magnitude -= 2.5 * std::log10(share);
      galaxy.magnitude -= 2.5 * std::log10(1 - share);
      catalogue.galaxies.push_back(bulge);
    }
    catalogue.galaxies.push_back(galaxy);
    catalogue.magnitude = target.magnitude;
  } else if (target.kind == "star") {
    catalogue.stars.push_back({centre, target.magnitude});
    catalogue.magnitude = target.magnitude;
  } else {
    for (const XraySource& source : target.sources) {
      if (source.profile != Profile::point) continue;
      const double magnitude = detail::draw_counterpart(random, source, catalogue);
      if (catalogue.magnitude == 0 || magnitude < catalogue.magnitude) catalogue.magnitude = magnitude;
    }
  }
  catalogue.visible_galaxies = static_cast<int>(std::ranges::count_if(catalogue.galaxies, [](const Galaxy& galaxy) {
    return detail::in_field(galaxy.at) && galaxy.magnitude < plate_limit;
  }));
  return catalogue;
}

}  // namespace abell::sky

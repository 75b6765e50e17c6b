#pragma once
/// Who the candidates are: clusters from a mass function and scaling relations, and what is taken for
/// clusters - nearby galaxies, blended point sources, stars, artefacts, fluctuations.

#include <abell/core/random.hpp>
#include <abell/sky/cosmology.hpp>
#include <abell/sky/sources.hpp>
#include <abell/sky/xray.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string_view>
#include <vector>

namespace abell::sky {

/// The classes of Kosiba et al. (2020); the first two are clusters.
enum class Category { low_z, hi_z, galaxy, point, other };

inline constexpr std::array<std::string_view, 5> category_names{"low-z", "hi-z", "galaxy", "point", "other"};

constexpr std::string_view name_of(Category category) { return category_names[static_cast<std::size_t>(category)]; }
constexpr bool is_cluster(Category category) { return category == Category::low_z || category == Category::hi_z; }

/// Redshift that parts low-z from hi-z clusters: beyond it the plate shows hardly more than the
/// brightest member.
inline constexpr double redshift_limit = 0.4;

/// The object at the centre of an image; numbers that do not apply are 0.
struct Target {
  Category category = Category::low_z;
  std::string_view kind;  ///< relaxed, merger, single, double, spiral, star, gap, ...
  double redshift = 0;
  double mass = 0;         ///< M500 in solar masses
  double flux = 0;         ///< 0.5-2 keV, erg/cm2/s, all parts
  double core_radius = 0;  ///< arcsec
  double axis_ratio = 1;
  double angle = 0;
  double optical_radius = 0;  ///< half-light radius of a nearby galaxy, arcsec
  double magnitude = 0;       ///< R of a nearby galaxy or a star
  std::vector<XraySource> sources;
};

namespace detail {

inline double log_normal(Random& random, double median, double sigma) {
  return median * std::exp(sigma * random.normal());
}
inline double log_uniform(Random& random, double from, double to) {
  return from * std::pow(to / from, random.uniform());
}
/// Flux with N(>S) ~ 1/S between two limits: many faint, few bright.
inline double draw_flux(Random& random, double from, double to) { return 1 / random.uniform(1 / to, 1 / from); }
inline Position polar(double radius, double angle) { return {radius * std::cos(angle), radius * std::sin(angle)}; }
inline double any_angle(Random& random) { return random.uniform(0, 2 * std::numbers::pi); }

inline constexpr double faintest_cluster = 5e-15;   ///< erg/cm2/s; fainter ones never pass the cut
inline constexpr double brightest_cluster = 5e-12;  ///< brighter ones are targets of their own, not serendipitous

/// Scale of the mass function dn/dM ~ M^-2 exp(-M / M*) in 1e14 solar masses; within a factor of
/// about 1.5 of Tinker et al. (2008) for 1e13 < M500 < 1e15 and z < 1.3 (approximate).
inline double mass_scale(double z) { return 2.5 * std::pow(1 + z, -2.3); }

/// Least mass in 1e14 solar masses that is drawn at z.
inline double least_mass(double z) { return std::max(cluster_mass(faintest_cluster, z) / 1e14, 0.1); }

inline constexpr double least_redshift = 0.05;
inline constexpr double redshift_step = 0.01;
inline constexpr std::size_t redshift_bins = 125;

/// Clusters above the faintest flux in each bin of redshift from least_redshift on, summed up.
inline const std::array<double, redshift_bins + 1>& redshift_sums() {
  static const auto sums = [] {
    std::array<double, redshift_bins + 1> result{};
    for (std::size_t bin = 0; bin < redshift_bins; ++bin) {
      const double z = least_redshift + (static_cast<double>(bin) + 0.5) * redshift_step;
      double density = 0;  // integral of m^-1 exp(-m / m*) d ln m
      constexpr double step = 0.05;
      for (double m = least_mass(z); m < 30; m *= 1 + step) density += step / m * std::exp(-m / mass_scale(z));
      const double distance = comoving_distance(z);
      result[bin + 1] = result[bin] + distance * distance / expansion(z) * density;
    }
    return result;
  }();
  return sums;
}

inline double draw_redshift(Random& random, Category category) {
  const auto& sums = redshift_sums();
  const auto border = static_cast<std::size_t>((redshift_limit - least_redshift) / redshift_step + 0.5);
  const double from = category == Category::low_z ? 0 : sums[border];
  const double to = category == Category::low_z ? sums[border] : sums.back();
  const double place = random.uniform(from, to);
  const auto above = std::ranges::upper_bound(sums, place) - sums.begin();
  const auto bin = static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(above, 1, redshift_bins));
  const double within = (place - sums[bin - 1]) / (sums[bin] - sums[bin - 1]);
  return least_redshift + (static_cast<double>(bin - 1) + within) * redshift_step;
}

inline double draw_mass(Random& random, double z) {
  const double least = least_mass(z);
  while (true) {
    const double mass = least / (1 - random.uniform());  // dn/dM ~ M^-2
    if (random.uniform() < std::exp((least - mass) / mass_scale(z))) return 1e14 * mass;
  }
}

/// beta-model gas of the flux that M and z imply, with cool cores, mergers and active nuclei.
inline void draw_cluster(Random& random, Target& target) {
  do {
    target.redshift = draw_redshift(random, target.category);
    target.mass = draw_mass(random, target.redshift);
    target.flux = cluster_flux(target.mass, target.redshift) * std::pow(10, random.normal(0, 0.18));
  } while (target.flux > brightest_cluster);
  const double r500 = r500_kpc(target.mass, target.redshift) / kpc_per_arcsec(target.redshift);
  target.core_radius = std::clamp(log_normal(random, 0.15 * r500, 0.3), 5.0, 60.0);
  target.axis_ratio = std::max(1 - std::abs(random.normal(0, 0.2)), 0.5);
  target.angle = any_angle(random);
  target.kind = "relaxed";

  double gas = target.flux;
  XraySource main{
      {}, gas, Profile::beta, target.core_radius, std::max(r500, target.core_radius), target.axis_ratio, target.angle};
  if (random.uniform() < 0.1) {
    target.kind = "agn";
    XraySource nucleus;
    nucleus.flux = gas * random.uniform(0.1, 0.5);
    gas -= nucleus.flux;
    target.sources.push_back(nucleus);
  }
  if (random.uniform() < 0.15) {
    target.kind = "merger";
    XraySource second = main;
    second.flux = gas * random.uniform(0.15, 0.45);
    second.scale = std::clamp(main.scale * random.uniform(0.5, 0.9), 5.0, 60.0);
    second.angle = any_angle(random);
    const double apart = r500 * random.uniform(0.3, 1);
    const Position away = polar(apart, any_angle(random));
    gas -= second.flux;
    second.at = away;
    target.sources.push_back(second);
  } else if (random.uniform() < 0.2) {
    target.kind = "cool-core";
    XraySource core = main;
    core.flux = gas * random.uniform(0.1, 0.5);
    core.scale = 0.15 * main.scale;
    core.limit = main.limit;
    gas -= core.flux;
    target.sources.push_back(core);
  }
  main.flux = gas;
  target.sources.push_back(main);
}

/// A galaxy of the Local Supercluster: hot gas, X-ray binaries along the disk, a nucleus.
inline void draw_galaxy(Random& random, Target& target) {
  const bool spiral = random.uniform() < 0.6;
  target.kind = spiral ? "spiral" : "elliptical";
  target.optical_radius = log_uniform(random, 8, 45);
  target.axis_ratio = spiral ? random.uniform(0.25, 1) : random.uniform(0.55, 1);
  target.angle = any_angle(random);
  // Mean surface brightness of 21 mag/arcsec2 within the half-light radius.
  target.magnitude =
      random.normal(spiral ? 21.0 : 20.3, 0.4) -
      2.5 * std::log10(2 * std::numbers::pi * std::pow(target.optical_radius, 2) * std::sqrt(target.axis_ratio));
  target.core_radius = std::clamp(target.optical_radius * random.uniform(0.6, 1.1), 15.0, 60.0);
  target.flux = draw_flux(random, 1.5e-14, 1e-12);

  const double nucleus = target.flux * random.uniform(0.02, 0.3);
  const int binaries = 1 + static_cast<int>(random.below(8));
  double diffuse = target.flux - nucleus;
  for (int i = 0; i < binaries; ++i) {
    XraySource binary;
    binary.flux = target.flux * random.uniform(0.01, 0.06);
    diffuse -= binary.flux;
    const double radius = target.optical_radius * -0.6 * std::log(1 - 0.98 * random.uniform());
    const Position along = polar(radius, any_angle(random));
    binary.at = turned({along.x, along.y * target.axis_ratio}, target.angle);
    target.sources.push_back(binary);
  }
  XraySource point;
  point.flux = nucleus;
  target.sources.push_back(point);
  target.sources.push_back(
      {{}, diffuse, Profile::exponential, target.core_radius, 0, std::max(target.axis_ratio, 0.4), target.angle});
}

/// One bright active nucleus, or two or three close ones.
inline void draw_points(Random& random, Target& target) {
  constexpr std::array<std::string_view, 3> kinds{"single", "double", "triple"};
  const double choice = random.uniform();
  const std::size_t count = choice < 0.4 ? 1 : choice < 0.8 ? 2 : 3;
  target.kind = kinds[count - 1];
  const double brightest = draw_flux(random, count == 1 ? 2e-14 : 7e-15, 1e-12);
  for (std::size_t i = 0; i < count; ++i) {
    XraySource source;
    source.flux = i == 0 ? brightest : brightest * std::pow(10, -std::abs(random.normal(0, 0.3)));
    if (i > 0) {
      const double apart = random.uniform(8, 25);
      source.at = polar(apart, any_angle(random));
    }
    target.flux += source.flux;
    target.sources.push_back(source);
  }
  // The detection stands at the centroid.
  Position centre;
  for (const XraySource& source : target.sources) {
    centre.x += source.at.x * source.flux / target.flux;
    centre.y += source.at.y * source.flux / target.flux;
  }
  for (XraySource& source : target.sources) source.at = {source.at.x - centre.x, source.at.y - centre.y};
}

/// Puts the centre of the image on the nearest gap between two columns of chips, `beside` arcsec from it.
inline void move_to_gap(Observation& observation, double beside) {
  const double side = observation.chip.x < 0 ? -1 : 1;
  const double gap = std::round(std::abs(observation.chip.x) / chip_pitch);
  const double middle = gap == 0 ? 0 : middle_gap / 2 + gap * chip_pitch - (chip_pitch - chip_width) / 2;
  observation.chip.x = side * (middle + beside);
}

/// Stars, artefacts, blended faint sources on a high background, supernova remnants.
inline void draw_other(Random& random, Target& target, Observation& observation) {
  const double choice = random.uniform();
  if (choice < 0.2) {
    target.kind = "star";
    target.magnitude = random.uniform(3.5, 11);
    XraySource corona;
    corona.flux = draw_flux(random, 1e-14, 1e-12);
    // Optical loading: visible light adds false events around the image of a bright star.
    XraySource loading = corona;
    loading.flux = corona.flux * random.uniform(0.3, 1);
    loading.profile = Profile::exponential;
    loading.scale = random.uniform(10, 20);
    target.sources = {corona, loading};
  } else if (choice < 0.4) {
    target.kind = "gap";
    move_to_gap(observation, random.uniform(-6, 6));
    XraySource source;
    source.flux = draw_flux(random, 2e-14, 1e-12);
    target.sources = {source};
  } else if (choice < 0.6) {
    target.kind = "streak";
    XraySource source;
    source.flux = log_uniform(random, 3e-13, 4e-12);
    const double apart = random.uniform(60, 170);
    source.at = turned({random.normal(0, 5), random.uniform() < 0.5 ? apart : -apart}, observation.roll);
    target.sources = {source};
  } else if (choice < 0.92) {
    target.kind = "fluctuation";
    const double total = draw_flux(random, 4e-15, 4e-14);
    const int faint = 2 + static_cast<int>(random.below(4));
    for (int i = 0; i < faint; ++i) {
      XraySource source;
      source.flux = total / faint * random.uniform(0.3, 1);
      const double radius = 45 * std::sqrt(random.uniform());
      source.at = polar(radius, any_angle(random));
      target.sources.push_back(source);
    }
    XraySource patch;
    patch.flux = total * random.uniform(0, 0.3);
    patch.profile = Profile::exponential;
    patch.scale = random.uniform(20, 50);
    patch.axis_ratio = random.uniform(0.4, 1);
    patch.angle = any_angle(random);
    target.sources.push_back(patch);
  } else {
    target.kind = "shell";
    XraySource shell;
    shell.flux = draw_flux(random, 2e-14, 1e-12);
    shell.profile = Profile::ring;
    shell.scale = random.uniform(20, 60);
    shell.axis_ratio = random.uniform(0.7, 1);
    shell.angle = any_angle(random);
    target.core_radius = shell.scale;
    target.sources = {shell};
  }
  for (const XraySource& source : target.sources) target.flux += source.flux;
}

}  // namespace detail

/// An observation drawn like XMM-Newton's archive: exposures log-normal about 14.5 ks within 5-80 ks
/// (a fit to the cleaned pn exposures), targets spread evenly over the field of view out to 13'.
inline Observation draw_observation(Random& random) {
  Observation observation;
  do {
    observation.exposure = detail::log_normal(random, 14.5e3, 0.66);
  } while (observation.exposure < 5e3 || observation.exposure > 80e3);
  const double radius = 60 * 13 * std::sqrt(random.uniform());
  observation.off_axis = detail::polar(radius, detail::any_angle(random));
  observation.roll = detail::any_angle(random);
  observation.particles = detail::log_normal(random, 1, 0.4);
  if (random.uniform() < 0.15) observation.particles *= random.uniform(5, 10);
  // The optical axis meets the pn camera beside the corner where its quadrants join.
  const Position inside = turned(observation.off_axis, -observation.roll);
  observation.chip = {inside.x + 110, inside.y + 60};
  for (long i = random.poisson(4); i > 0; --i) {
    observation.bad_columns.push_back(4.1 * std::floor(random.uniform(-196, 196)));
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

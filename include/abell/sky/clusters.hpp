#pragma once
/// Clusters of galaxies: redshifts and fluxes as surveys find them, masses by a scaling relation, gas by
/// beta-models.

#include <abell/core/random.hpp>
#include <abell/sky/cosmology.hpp>
#include <abell/sky/target.hpp>
#include <algorithm>
#include <cmath>

namespace abell::sky {

/// What a survey tells of a cluster.
struct SurveyEntry {
  double redshift;
  double flux;  ///< 0.5-2 keV, erg/cm2/s
};

/// As the candidates of eFEDS (Liu et al. 2022), whose 542 redshifts and 494 fluxes within 500 kpc were fitted: z is a
/// gamma deviate of shape 3 and mean 0.40; ln(F / 0.95e-14) one of shape 4 whose scale falls with z, as
/// 0.64 exp(-1.02 z).
inline SurveyEntry draw_efeds(Random& random) {
  const double redshift = 0.1345 * detail::gamma(random, 3);
  return {redshift, 0.95e-14 * std::exp(0.64 * std::exp(-1.02 * redshift) * detail::gamma(random, 4))};
}

/// As MCXC (Piffaretti et al. 2011), bright and near: log-normal redshifts and fluxes, three of ten from serendipitous
/// surveys, the others from the ROSAT All-Sky Survey.
inline SurveyEntry draw_mcxc(Random& random) {
  const bool serendipitous = random.uniform() < 0.3;
  const double redshift = detail::log_normal(random, serendipitous ? 0.26 : 0.10, 0.78);
  return {redshift, detail::log_normal(random, serendipitous ? 1.5e-13 : 2.4e-12, 0.8)};
}

/// A cluster seen in passing: one in twenty like MCXC's, the others like those of eFEDS; 0.05 < z < 1.3, none so
/// bright that it would be a target of its own, nor more massive than any that is known.
inline SurveyEntry draw_cluster_entry(Random& random) {
  constexpr double brightest = 5e-12;
  constexpr double heaviest = 2e15;
  while (true) {
    const SurveyEntry entry = random.uniform() < 0.05 ? draw_mcxc(random) : draw_efeds(random);
    if (!(entry.redshift > 0.05 && entry.redshift < 1.3 && entry.flux < brightest)) continue;
    if (cluster_mass(entry.flux, entry.redshift) < heaviest) return entry;
  }
}

namespace detail {

/// beta-model gas with cool cores, mergers and active nuclei.
inline void draw_cluster(Random& random, Target& target) {
  SurveyEntry entry{};
  do {
    entry = draw_cluster_entry(random);
  } while ((entry.redshift < redshift_limit) != (target.category == Category::low_z));
  target.redshift = entry.redshift;
  target.flux = entry.flux;
  // The scatter of luminosity about mass: 0.18 dex.
  target.mass = cluster_mass(entry.flux * std::pow(10, random.normal(0, 0.18)), entry.redshift);
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
  } else if (random.uniform() < 0.2 / 0.85) {
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

}  // namespace detail
}  // namespace abell::sky

#pragma once
/// Distances and cluster scaling relations in a flat universe with H0 = 70 km/s/Mpc and Omega_m = 0.3.

#include <cmath>
#include <numbers>

namespace abell::sky {

inline constexpr double hubble_constant = 70;  ///< km/s/Mpc
inline constexpr double omega_matter = 0.3;
inline constexpr double cm_per_mpc = 3.0857e24;

/// E(z) = H(z) / H0.
inline double expansion(double z) { return std::sqrt(omega_matter * std::pow(1 + z, 3) + 1 - omega_matter); }

/// Comoving distance in Mpc, Simpson's rule with 64 intervals (relative error below 1e-6 for z < 2).
inline double comoving_distance(double z) {
  constexpr int steps = 64;
  double sum = 1 / expansion(0) + 1 / expansion(z);
  for (int i = 1; i < steps; ++i) sum += (i % 2 == 1 ? 4 : 2) / expansion(z * i / steps);
  return 299792.458 / hubble_constant * sum * z / steps / 3;
}

/// Angular diameter distance in Mpc.
inline double angular_distance(double z) { return comoving_distance(z) / (1 + z); }

/// kpc seen under one arcsec.
inline double kpc_per_arcsec(double z) { return angular_distance(z) * 1e3 * std::numbers::pi / 648000; }

/// R500 in kpc of a cluster of M500 = `mass` solar masses: 500 times the critical density within.
inline double r500_kpc(double mass, double z) {
  const double critical = 2.775e11 * 0.49 * std::pow(expansion(z), 2);  // solar masses / Mpc^3
  return 1e3 * std::cbrt(3 * mass / (4 * std::numbers::pi * 500 * critical));
}

/// Mean 0.5-2 keV flux in erg/cm2/s of a cluster: L(0.1-2.4 keV) = 10^0.274 (M/3e14)^1.64 E^(7/3)
/// 1e44 erg/s (Piffaretti et al. 2011, approximate), 62 % of it in 0.5-2 keV; no K-correction.
inline double cluster_flux(double mass, double z) {
  const double luminosity =
      0.62e44 * std::pow(10, 0.274) * std::pow(mass / 3e14, 1.64) * std::pow(expansion(z), 7.0 / 3);
  const double distance = comoving_distance(z) * (1 + z) * cm_per_mpc;
  return luminosity / (4 * std::numbers::pi * distance * distance);
}

/// Inverse of cluster_flux in mass.
inline double cluster_mass(double flux, double z) { return 1e14 * std::pow(flux / cluster_flux(1e14, z), 1 / 1.64); }

/// Core radius of the gas in arcsec, 0.15 R500 (XXL, Pacaud et al. 2016).
inline double core_radius_arcsec(double mass, double z) { return 0.15 * r500_kpc(mass, z) / kpc_per_arcsec(z); }

/// Apparent R magnitude of an L* galaxy of a cluster: M* = -21.3, and 1.4 magnitudes fainter beyond z = 0.6, where the
/// band moves below the 4000 A break of an old population that evolves passively (+-0.3 mag).
inline double magnitude_star(double z) {
  const double modulus = 5 * std::log10(comoving_distance(z) * (1 + z) * 1e5);
  return modulus - 21.3 + 1.4 / (1 + std::exp((0.63 - z) / 0.13));
}

}  // namespace abell::sky

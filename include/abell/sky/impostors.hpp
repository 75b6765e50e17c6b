#pragma once
/// What is taken for clusters: nearby galaxies, blended point sources, stars, artefacts, fluctuations.

#include <abell/core/random.hpp>
#include <abell/sky/detector.hpp>
#include <abell/sky/target.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string_view>

namespace abell::sky::detail {

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
  } else if (choice < 0.45) {
    // A point source cut by a gap between chips or by the edge of the field of view.
    const bool gap = choice < 0.33;
    target.kind = gap ? "gap" : "edge";
    if (gap) move_to_gap(observation, random.uniform(-6, 6));
    const double radius = 60 * random.uniform(13.5, 14.1);
    if (!gap) aim(observation, polar(radius, any_angle(random)));
    XraySource source;
    source.flux = draw_flux(random, 2e-14, 1e-12);
    target.sources = {source};
  } else if (choice < 0.53) {
    // Light of a star outside of the field that met one mirror only.
    target.kind = "arc";
    XraySource arc;
    arc.flux = draw_flux(random, 6e-14, 6e-13);
    arc.profile = Profile::arc;
    arc.scale = random.uniform(150, 500);
    arc.limit = random.uniform(50, 180);
    arc.angle = any_angle(random);
    arc.at = polar(-arc.scale, arc.angle);
    target.sources = {arc};
  } else if (choice < 0.66) {
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

}  // namespace abell::sky::detail

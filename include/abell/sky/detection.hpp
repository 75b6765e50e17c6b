#pragma once
/// A detection cut in the manner of XAmin (Pacaud et al. 2006): is there a source at the centre of the
/// image, and is it wider than the point spread function? Both by the likelihood of counts in annuli.

#include <abell/core/random.hpp>
#include <abell/sky/xray.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace abell::sky {

struct Detection {
  double detection_likelihood = 0;  ///< 2 ln L(source) / L(background)
  double extent_likelihood = 0;     ///< 2 ln L(extended) / L(point)
  double extent = 0;                ///< core radius of the best extended model, arcsec
  double coverage = 0;              ///< share of pixels within 20 arcsec that were exposed
  double significance = 0;          ///< the target's counts over the deviation of all within 30 arcsec
};

/// The cut that a candidate passes, XAmin's class C2: about half of such detections are no clusters.
struct DetectionCut {
  double detection_likelihood = 20;
  double extent_likelihood = 15;
  double extent = 5;  ///< arcsec
  double coverage = 0.6;
  double significance = 4;  ///< else the detection is due to its neighbours, not to the target

  bool passes(const Detection& found) const {
    return found.detection_likelihood > detection_likelihood && found.extent_likelihood > extent_likelihood &&
           found.extent >= extent && found.coverage >= coverage && found.significance >= significance;
  }
};

namespace detail {

inline constexpr std::array<double, 11> annulus_edges{0, 4, 8, 12, 16, 20, 28, 36, 48, 64, 80};  // arcsec
inline constexpr std::size_t annuli = annulus_edges.size() - 1;
inline constexpr std::array<double, 9> core_radii{0, 3, 5, 8, 12, 18, 27, 40, 60};  // 0 is a point

using Profiles = std::array<std::array<double, annuli>, core_radii.size()>;

/// The annulus at `radius`, or `annuli` beyond the last.
inline std::size_t annulus_of(double radius) {
  return static_cast<std::size_t>(std::ranges::upper_bound(annulus_edges, radius) - annulus_edges.begin()) - 1;
}

/// Share of light in each annulus of each model behind the point spread function 5' off axis: the
/// one that the detection assumes everywhere. Drawn once from a fixed stream.
inline const Profiles& model_profiles() {
  static const Profiles profiles = [] {
    Profiles result{};
    Observation observation;
    observation.off_axis = {300, 0};
    constexpr int photons = 40000;
    for (std::size_t model = 0; model < core_radii.size(); ++model) {
      Random random(0, {Purpose::simulate, 0xFFFFFFFFU, static_cast<std::uint32_t>(model)});
      XraySource source;
      if (model > 0) {
        source.profile = Profile::beta;
        source.scale = core_radii[model];
        source.limit = 5 * source.scale;
      }
      for (int photon = 0; photon < photons; ++photon) {
        const Position start = emitted(random, source);
        const Position end = scattered(random, observation, start);
        const std::size_t annulus = annulus_of(std::hypot(end.x, end.y));
        if (annulus < annuli) result[model][annulus] += 1.0 / photons;
      }
    }
    return result;
  }();
  return profiles;
}

/// The greatest ln L(A) - ln L(0) over the amplitude A >= 0 of n ~ Poisson(b + A t), by Newton's method
/// on a concave function.
inline double best_gain(std::span<const double> counts, std::span<const double> background,
                        std::span<const double> model) {
  double excess = 0;
  for (std::size_t k = 0; k < counts.size(); ++k) excess += counts[k] - background[k];
  double amplitude = std::max(excess, 1.0);
  for (int step = 0; step < 25; ++step) {
    double slope = 0;
    double curvature = 0;
    for (std::size_t k = 0; k < counts.size(); ++k) {
      const double share = model[k] / (background[k] + amplitude * model[k]);
      slope += counts[k] * share - model[k];
      curvature += counts[k] * share * share;
    }
    if (curvature <= 0) return 0;
    // Never below a tenth of the amplitude in one step, so that it stays positive.
    amplitude = std::max(amplitude + slope / curvature, amplitude / 10);
  }
  double gain = 0;
  for (std::size_t k = 0; k < counts.size(); ++k) {
    gain += counts[k] * std::log1p(amplitude * model[k] / background[k]) - amplitude * model[k];
  }
  return std::max(gain, 0.0);
}

}  // namespace detail

/// Tests the centre of `image` against models of every core radius in 3-60 arcsec.
inline Detection detect(const XrayImage& image) {
  std::array<double, detail::annuli> counts{};
  std::array<double, detail::annuli> background{};
  background.fill(1e-3);
  int exposed = 0;
  int near = 0;
  double within = 0;
  for (int row = 0; row < xray_side; ++row) {
    for (int column = 0; column < xray_side; ++column) {
      const double radius = std::hypot(row + 0.5 - xray_side / 2.0, column + 0.5 - xray_side / 2.0) * pixel_arcsec;
      const std::size_t annulus = detail::annulus_of(radius);
      if (annulus >= detail::annuli) continue;
      const auto pixel = static_cast<std::size_t>(row * xray_side + column);
      counts[annulus] += image.counts[pixel];
      background[annulus] += static_cast<double>(image.background[pixel]);
      if (radius < 20) {
        ++near;
        exposed += image.background[pixel] > 0 ? 1 : 0;
      }
      if (radius < 30) within += static_cast<double>(image.background[pixel]);
    }
  }
  const detail::Profiles& models = detail::model_profiles();
  const double point = detail::best_gain(counts, background, models[0]);
  Detection found;
  const auto signal = static_cast<double>(image.target_counts);
  found.coverage = static_cast<double>(exposed) / near;
  found.significance = signal / std::sqrt(signal + within + 1);
  double best = 0;
  for (std::size_t model = 1; model < models.size(); ++model) {
    const double gain = detail::best_gain(counts, background, models[model]);
    if (gain <= best) continue;
    best = gain;
    found.extent = detail::core_radii[model];
  }
  found.detection_likelihood = 2 * std::max(best, point);
  found.extent_likelihood = 2 * (best - point);
  return found;
}

}  // namespace abell::sky

#pragma once
/// XMM-Newton EPIC images, photon by photon: light profiles, point spread function, out-of-time events,
/// background, Poisson noise.

#include <abell/core/random.hpp>
#include <abell/sky/detector.hpp>
#include <abell/sky/sources.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

namespace abell::sky {

/// King profile [1 + (r / r0)^2]^-alpha within `king_limit`; measured on a real source 5' off axis.
inline constexpr double king_core = 5.0;  ///< arcsec
inline constexpr double king_slope = 1.6;
inline constexpr double king_limit = 300;  ///< arcsec

/// Share of a point source's photons within `radius` arcsec, for a core of `core` arcsec.
inline double encircled_energy(double radius, double core = king_core) {
  const auto grown = [&](double r) { return 1 - std::pow(1 + std::pow(r / core, 2), 1 - king_slope); };
  return std::min(grown(radius) / grown(king_limit), 1.0);
}

/// Core of the King profile in arcsec: 3 % wider for each arcmin beyond 5' off axis.
inline double core_at(double off_axis) { return king_core * (1 + 0.03 * (off_axis - 5)); }

/// Where the mirrors send a photon that comes from `at`: a King profile stretched across the direction to
/// the optical axis, to an axis ratio of 0.6 at 12'.
inline Position scattered(Random& random, const Observation& observation, Position at) {
  const double off_axis = off_axis_arcmin(observation, at);
  const double core = core_at(off_axis);
  const double total = 1 - std::pow(1 + std::pow(king_limit / core, 2), 1 - king_slope);
  const double radius = core * std::sqrt(std::pow(1 - random.uniform() * total, 1 / (1 - king_slope)) - 1);
  const double angle = random.uniform(0, 2 * std::numbers::pi);
  const double stretch = std::sqrt(std::max(1 - 0.4 * off_axis / 12, 0.5));
  const double outward = std::atan2(observation.off_axis.y + at.y, observation.off_axis.x + at.x);
  const Position shift = turned({radius * std::cos(angle) * stretch, radius * std::sin(angle) / stretch}, outward);
  return {at.x + shift.x, at.y + shift.y};
}

/// Where in `source` a photon starts.
inline Position emitted(Random& random, const XraySource& source) {
  double radius = 0;
  switch (source.profile) {
    case Profile::point: return source.at;
    case Profile::beta: {
      // The share of light within r is 1 - [1 + (r / rc)^2]^(-1/2); u ends where r reaches the limit.
      const double last = 1 - 1 / std::sqrt(1 + std::pow(source.limit / source.scale, 2));
      radius = source.scale * std::sqrt(std::pow(1 - random.uniform() * last, -2) - 1);
      break;
    }
    case Profile::exponential: {
      // r exp(-r / h): the sum of two exponential deviates; half of the light is within 1.678 h.
      const double first = std::log1p(-random.uniform());
      radius = -(first + std::log1p(-random.uniform())) * source.scale / 1.678;
      break;
    }
    case Profile::ring: {
      // A thin shell in three dimensions, seen in projection.
      const double along = random.uniform(-1, 1);
      radius = source.scale * std::sqrt(1 - along * along) * (1 + 0.05 * random.normal());
      break;
    }
    case Profile::arc: {
      const double away = source.scale + 6 * random.normal();
      const double along = source.limit * (random.uniform() + random.uniform() - 1);  // fades towards both ends
      const double azimuth = source.angle + along / source.scale;
      return {source.at.x + away * std::cos(azimuth), source.at.y + away * std::sin(azimuth)};
    }
  }
  const double angle = random.uniform(0, 2 * std::numbers::pi);
  const double minor = std::sqrt(source.axis_ratio);
  const Position shift = turned({radius * std::cos(angle) / minor, radius * std::sin(angle) * minor}, source.angle);
  return {source.at.x + shift.x, source.at.y + shift.y};
}

/// xray_side x xray_side pixels, row by row, summed over cameras.
struct XrayImage {
  std::vector<int> counts;
  std::vector<float> background;  ///< counts expected of the background alone
  std::vector<float> exposure;    ///< s, times vignetting and the live share of the pixel
  long target_counts = 0;         ///< counts of the target that fell into the field
};

namespace detail {

/// Draws the photons of one source into `image`; returns how many fell into the field.
inline long shine(Random& random, const Observation& observation, const Camera& camera, const XraySource& source,
                  XrayImage& image) {
  long seen = 0;
  const long photons = random.poisson(source.flux * observation.exposure / camera.energy_per_count);
  for (long photon = 0; photon < photons; ++photon) {
    const Position start = emitted(random, source);
    Position end = scattered(random, observation, start);
    const double off_axis = off_axis_arcmin(observation, end);
    if (off_axis > field_of_view_arcmin || random.uniform() > vignetting(off_axis)) continue;
    Position chip = on_chips(observation, end);
    if (camera.read_out_share > 0 && random.uniform() < camera.read_out_share) {
      // Arrived during read-out: the position along the column is lost.
      const double half = chip.y < 0 ? -1 : 1;
      chip.y = half * (middle_gap / 2 + random.uniform() * chip_height);
      end = turned({chip.x - observation.chip.x, chip.y - observation.chip.y}, observation.roll);
      if (off_axis_arcmin(observation, end) > field_of_view_arcmin) continue;
    }
    if (!on_live_chip(camera, observation, chip)) continue;
    const int pixel = pixel_of(end);
    if (pixel < 0) continue;
    ++image.counts[static_cast<std::size_t>(pixel)];
    ++seen;
  }
  return seen;
}

/// Live share of an X-ray pixel, from 3 x 3 points whose offsets in the frame of the chips are `points`.
inline double live_share(const Camera& camera, const Observation& observation, Position chip,
                         const std::array<Position, 9>& points) {
  const auto live = std::ranges::count_if(points, [&](Position point) {
    return on_live_chip(camera, observation, {chip.x + point.x, chip.y + point.y});
  });
  return static_cast<double>(live) / 9;
}

}  // namespace detail

/// The sum of the images of `cameras`: the sources of `target` and of `field`, and the background.
inline XrayImage observe(Random& random, const Observation& observation, std::span<const XraySource> target,
                         std::span<const XraySource> field, std::span<const Camera> cameras) {
  constexpr std::size_t pixels = std::size_t{xray_side} * xray_side;
  constexpr double pixel_arcmin2 = pixel_arcsec * pixel_arcsec / 3600;
  XrayImage image{std::vector<int>(pixels), std::vector<float>(pixels), std::vector<float>(pixels)};
  for (const Camera& camera : cameras) {
    for (const XraySource& source : target) {
      image.target_counts += detail::shine(random, observation, camera, source, image);
    }
    for (const XraySource& source : field) detail::shine(random, observation, camera, source, image);
  }
  std::array<Position, 9> points;
  for (int i = 0; i < 9; ++i) {
    points[static_cast<std::size_t>(i)] =
        turned({(i % 3 - 1) * pixel_arcsec / 3, (i / 3 - 1) * pixel_arcsec / 3}, -observation.roll);
  }
  for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
    const Position at{(static_cast<double>(pixel % xray_side) + 0.5) * pixel_arcsec - field_arcsec / 2,
                      (static_cast<double>(pixel / xray_side) + 0.5) * pixel_arcsec - field_arcsec / 2};
    const double off_axis = off_axis_arcmin(observation, at);
    if (off_axis > field_of_view_arcmin) continue;
    const double vignette = vignetting(off_axis);
    const Position chip = on_chips(observation, at);
    double rate = 0;
    double live = 0;
    for (const Camera& camera : cameras) {
      const double share = detail::live_share(camera, observation, chip, points);
      live += share;
      rate += share * (camera.particles * observation.particles + camera.sky * vignette);
    }
    image.exposure[pixel] = static_cast<float>(live * vignette * observation.exposure);
    const double expected = rate * observation.exposure * pixel_arcmin2;
    image.background[pixel] = static_cast<float>(expected);
    image.counts[pixel] += static_cast<int>(random.poisson(expected));
  }
  return image;
}

namespace detail {

/// `counts` convolved with a Gaussian of `sigma` pixels; borders repeat.
inline std::vector<double> smoothed(std::span<const int> counts, double sigma) {
  constexpr int reach = 4;
  std::array<double, reach + 1> kernel{};
  double total = 0;
  for (int i = 0; i <= reach; ++i) {
    const double weight = std::exp(-0.5 * i * i / (sigma * sigma));
    kernel[static_cast<std::size_t>(i)] = weight;
    total += i == 0 ? weight : 2 * weight;
  }
  const auto at = [](int row, int column) {
    const int inside = std::clamp(column, 0, xray_side - 1);
    return static_cast<std::size_t>(std::clamp(row, 0, xray_side - 1) * xray_side + inside);
  };
  std::vector<double> rows(counts.size());
  std::vector<double> result(counts.size());
  for (const bool along_rows : {true, false}) {
    for (int row = 0; row < xray_side; ++row) {
      for (int column = 0; column < xray_side; ++column) {
        double sum = 0;
        for (int i = -reach; i <= reach; ++i) {
          const double value = along_rows ? counts[at(row, column + i)] : rows[at(row + i, column)];
          sum += kernel[static_cast<std::size_t>(std::abs(i))] / total * value;
        }
        (along_rows ? rows : result)[at(row, column)] = sum;
      }
    }
  }
  return result;
}

}  // namespace detail

/// The X-ray channel's pixels, still xray_side x xray_side. Counts are smoothed by a Gaussian of 5 arcsec
/// to c a pixel; their median b over exposed pixels is the background, sqrt(b / A) its deviation with
/// A = 4 pi sigma^2 pixels. With s = (c - b) / sqrt(b / A), the pixel is 255 asinh((s + 2) / 3) / asinh(200):
/// black at 2 deviations below the background, the background dark, 600 deviations white.
inline std::vector<std::uint8_t> stretched(const XrayImage& image) {
  constexpr double sigma = 5 / pixel_arcsec;
  const std::vector<double> smooth = detail::smoothed(image.counts, sigma);
  std::vector<double> exposed;
  for (std::size_t pixel = 0; pixel < smooth.size(); ++pixel) {
    if (image.background[pixel] > 0) exposed.push_back(smooth[pixel]);
  }
  double background = 0;
  if (!exposed.empty()) {
    const auto middle = exposed.begin() + static_cast<std::ptrdiff_t>(exposed.size() / 2);
    std::nth_element(exposed.begin(), middle, exposed.end());
    background = *middle;
  }
  background = std::max(background, 0.02);
  const double deviation = std::sqrt(background / (4 * std::numbers::pi * sigma * sigma));
  std::vector<std::uint8_t> pixels(smooth.size());
  for (std::size_t pixel = 0; pixel < smooth.size(); ++pixel) {
    const double s = std::max((smooth[pixel] - background) / deviation + 2, 0.0);
    pixels[pixel] = static_cast<std::uint8_t>(std::min(255 * std::asinh(s / 3) / std::asinh(200.0) + 0.5, 255.0));
  }
  return pixels;
}

}  // namespace abell::sky

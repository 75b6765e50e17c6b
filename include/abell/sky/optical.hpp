#pragma once
/// A red plate of the Digitized Sky Survey: stars and galaxies through the atmosphere, the emulsion's
/// response, grain, saturated stars with halos and spikes, compression.

#include <abell/core/random.hpp>
#include <abell/sky/catalogue.hpp>
#include <abell/sky/seeing.hpp>
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

inline constexpr double sky_brightness = 20.8;  ///< R magnitudes on a square arcsec

/// How one plate was exposed and scanned.
struct Plate {
  double seeing = 2.5;       ///< FWHM of a Moffat profile of beta = 3, arcsec
  double contrast = 1.7;     ///< gamma of the emulsion
  double sky = 5500;         ///< scanned level of the empty sky
  double grain = 0.05;       ///< noise over the level of the sky
  double grain_size = 0.68;  ///< sigma of the grain's correlation, pixels
};

inline Plate draw_plate(Random& random) {
  Plate plate;
  plate.seeing = random.uniform(2, 3);
  plate.contrast = random.uniform(1.5, 2);
  plate.sky = random.uniform(3600, 8000);
  // Measured on star-free patches of DSS2-red and POSS-I plates.
  plate.grain = random.uniform(0.042, 0.058);
  plate.grain_size = random.uniform(0.6, 0.76);
  return plate;
}

namespace detail {

inline constexpr double fog = 1500;          ///< level of an unexposed plate
inline constexpr double saturation = 22900;  ///< level of a black one

/// Pixel coordinates (centres at whole numbers) of a position.
inline Position on_plate(Position at) {
  constexpr double middle = (plate_side - 1) / 2.0;
  return {at.x / plate_pixel + middle, at.y / plate_pixel + middle};
}

/// Light of a source of `magnitude`, in units of the sky on one pixel.
inline double light_of(double magnitude) {
  return std::pow(10, -0.4 * (magnitude - sky_brightness)) / (plate_pixel * plate_pixel);
}

/// Adds `light` at a point, shared by the four nearest pixels.
inline void add_point(PlateImage& image, Position at, double light) {
  const int column = static_cast<int>(std::floor(at.x));
  const int row = static_cast<int>(std::floor(at.y));
  const double right = at.x - column;
  const double below = at.y - row;
  for (int i = 0; i < 4; ++i) {
    const int r = row + i / 2;
    const int c = column + i % 2;
    if (r < 0 || c < 0 || r >= plate_side || c >= plate_side) continue;
    const double share = (i % 2 == 0 ? 1 - right : right) * (i / 2 == 0 ? 1 - below : below);
    row_of(image, r)[c] += static_cast<float>(light * share);
  }
}

/// Sersic profile with optional spiral arms at elliptical radius `r` (in half-light radii).
inline double surface_brightness(const Galaxy& galaxy, double slope, double r, double azimuth) {
  const double power = galaxy.sersic == 4 ? std::sqrt(std::sqrt(r)) : galaxy.sersic == 2 ? std::sqrt(r) : r;
  double value = std::exp(-slope * (power - 1));
  if (galaxy.arms > 0 && r > 0.02) {
    // Arms wind as phi = ln r / tan(pitch) and fade into the bulge and the outskirts.
    const double phase = galaxy.arms * (azimuth - std::log(r) / std::tan(galaxy.pitch));
    const double strength = std::min(r / 0.6, 1.0) * std::exp(-0.15 * r);
    const double crest = 0.5 + 0.5 * std::cos(phase);
    value *= 1 + strength * (2.6 * crest * crest - 0.75);
  }
  return value;
}

/// Adds a galaxy in a stamp of six half-light radii; the stamp's sum is its light.
inline void add_galaxy(PlateImage& image, const Galaxy& galaxy) {
  const double radius = std::max(galaxy.radius / plate_pixel, 0.2);
  if (radius < 0.35) return add_point(image, on_plate(galaxy.at), light_of(galaxy.magnitude));
  const Position centre = on_plate(galaxy.at);
  const double reach = std::min(6 * radius, 1.5 * plate_side) + 1;
  const int left = static_cast<int>(std::floor(centre.x - reach));
  const int top = static_cast<int>(std::floor(centre.y - reach));
  const int side = static_cast<int>(2 * reach) + 2;
  const double slope = 2 * galaxy.sersic - 1.0 / 3;
  const double c = std::cos(galaxy.angle);
  const double s = std::sin(galaxy.angle);
  const double edge = reach / radius;
  const auto profile = [&](double dx, double dy) {
    const double along = (c * dx + s * dy) / radius;
    const double across = (c * dy - s * dx) / (radius * galaxy.axis_ratio);
    const double r = std::sqrt(along * along + across * across);
    if (r >= edge) return 0.0;
    return surface_brightness(galaxy, slope, r, galaxy.arms > 0 ? std::atan2(across, along) : 0);
  };
  std::vector<float> stamp(static_cast<std::size_t>(side) * static_cast<std::size_t>(side));
  double total = 0;
  for (int row = 0; row < side; ++row) {
    for (int column = 0; column < side; ++column) {
      const double dx = left + column - centre.x;
      const double dy = top + row - centre.y;
      double value = 0;
      if (std::abs(dx) < 3 && std::abs(dy) < 3) {
        // The cusp: the mean over 7 x 7 points of the pixel.
        for (int i = 0; i < 49; ++i) value += profile(dx + (i % 7 - 3) / 7.0, dy + (i / 7 - 3) / 7.0) / 49;
      } else {
        value = profile(dx, dy);
      }
      stamp[static_cast<std::size_t>(row * side + column)] = static_cast<float>(value);
      total += value;
    }
  }
  const auto scale = static_cast<float>(light_of(galaxy.magnitude) / total);
  for (int row = std::max(0, -top); row < std::min(side, plate_side - top); ++row) {
    for (int column = std::max(0, -left); column < std::min(side, plate_side - left); ++column) {
      row_of(image, top + row)[left + column] += scale * stamp[static_cast<std::size_t>(row * side + column)];
    }
  }
}

/// Calls add(row, column, dx, dy) for the pixels within `reach` pixels of `centre`.
template <class Add>
void around(Position centre, double reach, const Add& add) {
  const int top = std::max(0, static_cast<int>(std::ceil(centre.y - reach)));
  const int bottom = std::min(plate_side - 1, static_cast<int>(std::floor(centre.y + reach)));
  const int left = std::max(0, static_cast<int>(std::ceil(centre.x - reach)));
  const int right = std::min(plate_side - 1, static_cast<int>(std::floor(centre.x + reach)));
  for (int row = top; row <= bottom; ++row) {
    for (int column = left; column <= right; ++column) add(row, column, column - centre.x, row - centre.y);
  }
}

/// What a bright star does beyond its image: light scattered in the emulsion (black to a radius of
/// 4" 10^(0.12 (14 - R))), four spikes of the plate holder's vanes, and a ghost ring from the plate's back.
inline void add_bright_star(PlateImage& image, const Star& star) {
  const Position centre = on_plate(star.at);
  const double black = 4 * std::pow(10, 0.12 * (14 - star.magnitude)) / plate_pixel;
  around(centre, 12 * black, [&](int row, int column, double dx, double dy) {
    const double r2 = (dx * dx + dy * dy) / (black * black);
    row_of(image, row)[column] += static_cast<float>(40 / (1 + 9 * r2 * std::sqrt(r2)) * std::exp(-r2 / 40));
  });
  if (star.magnitude < 11.5) {
    const double length = 30 * std::pow(10, 0.2 * (10 - star.magnitude)) / plate_pixel;
    around(centre, length, [&](int row, int column, double dx, double dy) {
      const double along = std::max(std::abs(dx), std::abs(dy));
      const double across = std::min(std::abs(dx), std::abs(dy));
      if (across > 5) return;
      row_of(image, row)[column] +=
          static_cast<float>(6 * (1 - along / length) * std::exp(-0.5 * across * across / 1.7));
    });
  }
  if (star.magnitude < 9) {
    const double ring = 80 / plate_pixel;
    around(centre, 1.3 * ring, [&](int row, int column, double dx, double dy) {
      const double r = std::sqrt(dx * dx + dy * dy) / ring;
      const double soft = 1 / (1 + std::exp((r - 1) * 25));
      row_of(image, row)[column] += static_cast<float>(0.06 * (9.5 - star.magnitude) * soft * (0.4 + 0.6 * r * r));
    });
  }
}

}  // namespace detail

/// The scanned plate: levels between the fog and saturation, plate_side x plate_side, row by row.
inline std::vector<float> expose(Random& random, const Plate& plate, const Catalogue& catalogue) {
  constexpr std::size_t pixels = std::size_t{plate_side} * plate_side;
  detail::PlateImage light(pixels);
  for (const Galaxy& galaxy : catalogue.galaxies) detail::add_galaxy(light, galaxy);
  for (const Star& star : catalogue.stars) {
    detail::add_point(light, detail::on_plate(star.at), detail::light_of(star.magnitude));
  }
  detail::apply_seeing(light, plate.seeing);
  for (const Star& star : catalogue.stars) {
    if (star.magnitude < 14.5) detail::add_bright_star(light, star);
  }

  detail::PlateImage white(pixels);
  detail::PlateImage rows(pixels);
  detail::PlateImage grain(pixels);
  for (float& value : white) value = static_cast<float>(random.normal());
  const std::vector<float> kernel = detail::gaussian(plate.grain_size);
  detail::blur(white, kernel, rows, grain);
  double power = 0;  // the blur leaves this share of the deviation, in each direction
  for (std::size_t i = 0; i < kernel.size(); ++i)
    power += (i == 0 ? 1 : 2) * std::pow(static_cast<double>(kernel[i]), 2);

  // Characteristic curve D = fog + (saturation - fog) e / (1 + e) with e = (k E)^gamma, E in skies; k
  // puts the sky at its level.
  const double range = detail::saturation - detail::fog;
  const double at_sky = (plate.sky - detail::fog) / (detail::saturation - plate.sky);
  std::array<float, static_cast<std::size_t>(plate_side / 8 + 1) * (plate_side / 8 + 1)> blocks{};
  for (float& block : blocks) block = static_cast<float>(0.008 * plate.sky * random.normal());
  for (int row = 0; row < plate_side; ++row) {
    for (int column = 0; column < plate_side; ++column) {
      const auto pixel = static_cast<std::size_t>(row * plate_side + column);
      const double exposed = at_sky * std::pow(1 + static_cast<double>(light[pixel]), plate.contrast);
      // Grain fades where the emulsion is black all over.
      const double black = exposed / (1 + exposed);
      const double noise =
          plate.grain * plate.sky * static_cast<double>(grain[pixel]) / power * (1 - 0.8 * black * black);
      const double block =
          static_cast<double>(blocks[static_cast<std::size_t>(row / 8 * (plate_side / 8 + 1) + column / 8)]);
      light[pixel] = static_cast<float>(detail::fog + range * black + noise + block);
    }
  }
  return light;
}

/// The optical channel: 255 asinh(x / 0.06) / asinh(1 / 0.06), where x rises from 0 at two deviations
/// below the sky to 1 at saturation.
inline std::vector<std::uint8_t> stretched(const Plate& plate, std::span<const float> levels) {
  const double black = plate.sky * (1 - 2 * plate.grain);
  const double white = std::asinh(1 / 0.06);
  std::vector<std::uint8_t> pixels(levels.size());
  for (std::size_t pixel = 0; pixel < levels.size(); ++pixel) {
    const double x = (static_cast<double>(levels[pixel]) - black) / (detail::saturation - black);
    pixels[pixel] = static_cast<std::uint8_t>(255 * std::asinh(std::clamp(x, 0.0, 1.0) / 0.06) / white + 0.5);
  }
  return pixels;
}

}  // namespace abell::sky

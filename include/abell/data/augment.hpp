#pragma once
/// Random rotations, shifts, zooms and flips with the semantics of Keras's ImageDataGenerator
/// (keras-preprocessing 1.0: one affine map, then the flips).

#include <abell/core/random.hpp>
#include <abell/core/require_option.hpp>
#include <abell/core/shape.hpp>
#include <abell/kernels/affine.hpp>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace abell {

/// The fixed point of rotations and zooms along an axis of n pixels: (n - 1) / 2 is the true
/// centre; Keras takes n / 2 + 1/2, one pixel further.
enum class AffineCentre { keras, exact };

/// The ranges that draws are taken from. The defaults suit sky images, which have no preferred
/// direction.
struct Augmentation {
  double rotation = 180;       ///< degrees, uniform in +- rotation
  double height_shift = 0.05;  ///< share of the height below 1, pixels from 1 on; uniform in +-
  double width_shift = 0.05;   ///< likewise
  double zoom = 0.1;           ///< rows and columns independently, uniform in 1 +- zoom; below 1
  double shear = 0;            ///< degrees, uniform in +- shear
  bool horizontal_flip = true;
  bool vertical_flip = true;
  AffineCentre centre = AffineCentre::exact;
};

/// Throws OptionError when a range is negative, not finite or too wide.
inline void check(const Augmentation& options) {
  const auto range = [](const char* name, double value) {
    detail::require_option(value >= 0 && value <= 1e4, name, "a number in [0, 10000]", value);
  };
  range("rotation", options.rotation);
  range("height_shift", options.height_shift);
  range("width_shift", options.width_shift);
  detail::require_option(options.zoom >= 0 && options.zoom < 1, "zoom", "a number in [0, 1)", options.zoom);
  detail::require_option(options.shear >= 0 && options.shear < 90, "shear", "a number in [0, 90)", options.shear);
}

/// What one sample gets in one epoch.
struct AffineDraw {
  double angle = 0;      ///< degrees
  double row_shift = 0;  ///< pixels
  double column_shift = 0;
  double shear = 0;  ///< degrees
  double row_zoom = 1;
  double column_zoom = 1;
  bool horizontal_flip = false;
  bool vertical_flip = false;
};

/// The draw of sample `index` in `epoch`: a function of its arguments only. Every random number is
/// consumed whether its range is zero or not, so that one option does not change the others' draws.
inline AffineDraw draw(const Augmentation& options, std::uint64_t seed, std::uint32_t epoch, std::uint32_t index,
                       const Shape& shape) {
  Random random(seed, {Purpose::augment, epoch, index});
  const auto around = [&](double centre, double range) { return centre + range * random.uniform(-1, 1); };
  const auto shift = [&](double range, int size) { return around(0, range) * (range < 1 ? size : 1); };
  AffineDraw d;
  d.angle = around(0, options.rotation);
  d.row_shift = shift(options.height_shift, shape.height);
  d.column_shift = shift(options.width_shift, shape.width);
  d.shear = around(0, options.shear);
  d.row_zoom = around(1, options.zoom);
  d.column_zoom = around(1, options.zoom);
  d.horizontal_flip = random.uniform() < 0.5 && options.horizontal_flip;
  d.vertical_flip = random.uniform() < 0.5 && options.vertical_flip;
  return d;
}

/// The map from output to input pixels of a draw. On (row, column) from the centre it is
/// R T S Z with R = [[c, -s], [s, c]], the translation T, S = [[1, -sin], [0, cos]] and
/// Z = diag(row_zoom, column_zoom), so a zoom above 1 shrinks the object; flips mirror the result.
inline kernels::AffineMap affine_map(const AffineDraw& d, const Shape& shape,
                                     AffineCentre centre = AffineCentre::exact) {
  const double c = std::cos(d.angle * std::numbers::pi / 180);
  const double s = std::sin(d.angle * std::numbers::pi / 180);
  const double shear_sin = std::sin(d.shear * std::numbers::pi / 180);
  const double shear_cos = std::cos(d.shear * std::numbers::pi / 180);
  kernels::AffineMap map;
  map.rr = c * d.row_zoom;
  map.rc = (-c * shear_sin - s * shear_cos) * d.column_zoom;
  map.cr = s * d.row_zoom;
  map.cc = (-s * shear_sin + c * shear_cos) * d.column_zoom;
  const double bias = centre == AffineCentre::keras ? 0.5 : -0.5;
  const double row_centre = shape.height / 2.0 + bias;
  const double column_centre = shape.width / 2.0 + bias;
  map.r0 = c * d.row_shift - s * d.column_shift + row_centre - map.rr * row_centre - map.rc * column_centre;
  map.c0 = s * d.row_shift + c * d.column_shift + column_centre - map.cr * row_centre - map.cc * column_centre;
  // Flipping the result means reading the map at size - 1 - position.
  if (d.horizontal_flip) {
    map.r0 += map.rc * (shape.width - 1);
    map.c0 += map.cc * (shape.width - 1);
    map.rc = -map.rc;
    map.cc = -map.cc;
  }
  if (d.vertical_flip) {
    map.r0 += map.rr * (shape.height - 1);
    map.c0 += map.cr * (shape.height - 1);
    map.rr = -map.rr;
    map.cr = -map.cr;
  }
  return map;
}

}  // namespace abell

#pragma once
/// The EPIC cameras of XMM-Newton: sensitivity, vignetting, chips and gaps, field of view, pixels.

#include <abell/sky/sources.hpp>
#include <algorithm>
#include <array>
#include <cmath>

namespace abell::sky {

inline constexpr double field_arcsec = 360;           ///< side of the field
inline constexpr double pixel_arcsec = 4;             ///< side of an X-ray pixel
inline constexpr int xray_side = 90;                  ///< X-ray pixels along a side
inline constexpr double field_of_view_arcmin = 14.2;  ///< radius that the mirrors light

/// How a camera is tiled: pn by two rows of six chips, MOS by a central chip and six around it.
enum class Chips { pn, mos };

/// One EPIC camera in 0.5-2 keV. Energy per count: COSMOS survey. Background: calibrated on real
/// observations of A907 (counts/s/arcmin2 = particles + sky x vignetting).
struct Camera {
  double energy_per_count;  ///< erg/cm2 of flux x time that give one count on axis
  double particles;         ///< counts/s/arcmin2
  double sky;               ///< counts/s/arcmin2 on axis
  double read_out_share;    ///< events that fall while a column is read out, spread along it
  Chips chips;
};

inline constexpr Camera pn{1.34e-12, 0.8e-3, 2.5e-3, 0.063, Chips::pn};
inline constexpr Camera mos{5.0e-12, 0.5e-3, 0.7e-3, 0, Chips::mos};
inline constexpr std::array<Camera, 3> epic{pn, mos, mos};

/// Share of the on-axis area that is left at `arcmin` off axis in 0.5-2 keV: 1 / (1 + (theta / 10.7')^2), fitted
/// to real exposure maps of pn and MOS about the point where they are symmetric.
inline double vignetting(double arcmin) { return 1 / (1 + std::pow(arcmin / 10.7, 2)); }

inline constexpr double column_width = 4.1;  ///< arcsec, of the pn camera
inline constexpr double chip_width = 254.2;  ///< 62 of 64 columns: those at the borders are flagged
inline constexpr double chip_height = 820;   ///< 200 rows
inline constexpr double chip_pitch = 269;    ///< from one of the six chips of a row to the next
inline constexpr double middle_gap = 12;     ///< between the two halves of the camera
inline constexpr Position pn_axis{110, 60};  ///< the optical axis, beside the corner where the pn quadrants join
inline constexpr double mos_width = 660;     ///< 600 pixels of 1.1 arcsec
inline constexpr double mos_gap = 5;

/// Aims the telescope so that the centre of the image lies at `off_axis` (arcsec from the optical axis).
inline void aim(Observation& observation, Position off_axis) {
  observation.off_axis = off_axis;
  const Position inside = turned(off_axis, -observation.roll);
  observation.chip = {inside.x + pn_axis.x, inside.y + pn_axis.y};
}

/// `at` in the frame of the pn chips.
inline Position on_chips(const Observation& observation, Position at) {
  const Position inside = turned(at, -observation.roll);
  return {observation.chip.x + inside.x, observation.chip.y + inside.y};
}

/// Whether a point in the frame of the pn chips (two rows of six) lies on a live pn column.
inline bool on_live_chip(const Observation& observation, Position chip) {
  const double row = std::abs(chip.y) - middle_gap / 2;
  const double column = std::abs(chip.x) - middle_gap / 2;
  if (row < 0 || row > chip_height || column < 0) return false;
  const double place = column - std::floor(column / chip_pitch) * chip_pitch;
  if (column > 3 * chip_pitch || place > chip_width) return false;
  return std::ranges::none_of(observation.bad_columns,
                              [&](double x) { return chip.x >= x && chip.x < x + column_width; });
}

/// Whether a point in the frame of the pn chips lies on a MOS chip: a column of three about the optical axis, a column
/// of two on either side.
inline bool on_mos_chip(Position chip) {
  const double across = std::abs(chip.x - pn_axis.x);
  const double along = std::abs(chip.y - pn_axis.y);
  const bool middle = across < mos_width / 2;
  if (std::abs(across - mos_width / 2) < mos_gap / 2) return false;
  return middle ? std::abs(along - mos_width / 2) > mos_gap / 2 : along > mos_gap / 2;
}

inline bool on_live_chip(const Camera& camera, const Observation& observation, Position chip) {
  return camera.chips == Chips::pn ? on_live_chip(observation, chip) : on_mos_chip(chip);
}

/// Index of the X-ray pixel that holds `at`, or -1 outside the field.
inline int pixel_of(Position at) {
  const double column = std::floor((at.x + field_arcsec / 2) / pixel_arcsec);
  const double row = std::floor((at.y + field_arcsec / 2) / pixel_arcsec);
  if (!(column >= 0 && row >= 0 && column < xray_side && row < xray_side)) return -1;
  return static_cast<int>(row) * xray_side + static_cast<int>(column);
}

}  // namespace abell::sky

#pragma once
/// A simulated candidate as an observer would get it: counts, exposure map and plate in FITS, with WCS.

#include <abell/images/fits_write.hpp>
#include <abell/images/wcs.hpp>
#include <abell/sky/simulate.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace abell::program {

/// A square image whose rows come from north to south, as FITS has them: from south to north.
template <class Value>
Image northward(const std::vector<Value>& rows, int side) {
  Image image(side, side, 1);
  const auto width = static_cast<std::ptrdiff_t>(side);
  for (std::ptrdiff_t row = 0; row < width; ++row) {
    std::transform(rows.begin() + width * (width - 1 - row), rows.begin() + width * (width - row),
                   image.pixels.begin() + width * row, [](Value value) { return static_cast<float>(value); });
  }
  return image;
}

/// The files of one candidate, north up and east left on a tangent plane: <id>_counts.fits and
/// <id>_exposure.fits at 4", <id>_optical.fits at 1.01"; `sync_folder`
/// makes them safe. Throws IoError.
inline void write_simulated_fits(const std::filesystem::path& folder, const std::string& id,
                                 const sky::Candidate& candidate, const std::string& history) {
  const SkyPosition centre = candidate.pointing;
  const auto write = [&](const char* kind, const Image& image, FitsPixels pixels, const std::string& unit,
                         double arcsec, const std::vector<FitsKey>& keys) {
    write_fits(folder / (id + "_" + kind + ".fits"), image,
               {.overwrite = true,
                .pixels = pixels,
                .unit = unit,
                .creator = "abell-simulate",
                .object = id + " (simulated)",
                .dated = false,
                .wcs = Wcs::tangent(centre, image.height, image.width, arcsec).cards(),
                .keys = keys,
                .history = {history},
                .durability = Durability::later});
  };
  const std::vector<FitsKey> exposed{{"EXPOSURE", candidate.observation.exposure, "[s] on axis"}};
  write("counts", northward(candidate.xray.counts, sky::xray_side), FitsPixels::int32, "count", sky::pixel_arcsec,
        exposed);
  write("exposure", northward(candidate.xray.exposure, sky::xray_side), FitsPixels::float32, "s", sky::pixel_arcsec,
        exposed);
  Image plate = northward(candidate.plate, sky::plate_side);
  for (float& level : plate.pixels) level = std::floor(std::clamp(level, 0.0F, 32766.0F) + 0.5F);
  write("optical", plate, FitsPixels::int16, "", sky::plate_pixel, {});
}

/// A table of these files is a set that abell-train reads.
inline const std::vector<std::string> simulated_fits_header{"id",      "class", "xray", "exposure",
                                                            "optical", "split", "ra",   "dec"};

/// `truth` begins with id, class, split, kind, ra and dec.
inline std::vector<std::string> simulated_fits_row(const std::vector<std::string>& truth) {
  const std::string stem = "fits/" + truth[0];
  return {truth[0], truth[1], stem + "_counts.fits", stem + "_exposure.fits", stem + "_optical.fits", truth[2],
          truth[4], truth[5]};
}

}  // namespace abell::program

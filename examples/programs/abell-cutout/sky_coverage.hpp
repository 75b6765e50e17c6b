#pragma once
/// The sky that mosaics cover, as a multi-order coverage map.

#include <abell/core/parallel.hpp>
#include <abell/core/version.hpp>
#include <abell/images/moc_write.hpp>
#include <abell/sky/moc.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../common/output_file.hpp"
#include "../common/program.hpp"
#include "mosaics.hpp"

namespace abell::program {

/// The map that is asked for.
struct CoverageOptions {
  std::string moc;               ///< the file to write; empty for none
  std::optional<int> moc_order;  ///< null for the finest that the pixels allow
};

inline void add_coverage(CLI::App& app, CoverageOptions& options) {
  auto* moc = app.add_option("--moc", options.moc,
                             "Multi-order coverage map (FITS) to write, of the sky that the X-ray images cover")
                  ->type_name(file_type);
  app.add_option("--moc-order", options.moc_order,
                 "Order of its finest cells, 58.6 degrees / 2^ORDER wide (default: the finest with cells of two pixels "
                 "or more: 14 for 4\")")
      ->check(within(0, sky::max_healpix_order))
      ->needs(moc);
}

/// Degrees between neighbouring pixels, the most of nine places.
inline double pixel_step(const Mosaic& mosaic) {
  double most = 0;
  for (int place = 0; place < 9; ++place) {
    const double x = (mosaic.width - 1) * (place % 3) / 2.0, y = (mosaic.height - 1) * (place / 3) / 2.0;
    const auto near = mosaic.wcs.sky(std::array<PixelPosition, 3>{{{x, y}, {x + 1, y}, {x, y + 1}}});
    for (const double step : {separation(near[0], near[1]), separation(near[0], near[2])}) {
      if (step > most) most = step;  // NaN where there is no sky
    }
  }
  return most;
}

/// The order of the map. Throws OptionError for one so fine that cells would fall between pixels.
inline int coverage_order(const CoverageOptions& options, const std::vector<Mosaic>& mosaics) {
  int finest = sky::max_healpix_order;
  std::string coarsest;
  for (const Mosaic& mosaic : mosaics) {
    const double order = std::floor(std::log2(sky::healpix_side(0) / (2 * pixel_step(mosaic))));
    if (!(order < finest)) continue;
    finest = std::max(0, static_cast<int>(order));
    coarsest = mosaic.file;
  }
  const int order = options.moc_order.value_or(finest);
  if (order > finest) {
    throw OptionError("moc_order", "expected at most " + std::to_string(finest) +
                                       ", whose cells are wider than two pixels of " + coarsest + ", found " +
                                       std::to_string(order));
  }
  return order;
}

/// The cells in which the centres of measured pixels lie, of rows `begin` to before `end`.
inline std::vector<std::uint64_t> measured_cells(const Mosaic& mosaic, const MosaicPixels& pixels, int begin, int end,
                                                 int order) {
  std::vector<PixelPosition> measured;
  for (int y = begin; y < end; ++y) {
    for (int x = 0; x < mosaic.width; ++x) {
      if (pixels.measured(pixels.image.index(y, x))) measured.push_back({double(x), double(y)});
    }
  }
  std::vector<std::uint64_t> cells;
  for (const SkyPosition& position : Wcs(mosaic.wcs).sky(measured)) {
    if (!std::isfinite(position.ra)) continue;
    const std::uint64_t cell = sky::healpix_cell(order, position);
    if (cells.empty() || cells.back() != cell) cells.push_back(cell);
  }
  return cells;
}

/// The map of all mosaics of a band.
inline sky::Moc coverage_of(Band& band, int order, int threads) {
  sky::Moc moc(order);
  const auto all = [](int) { return true; };
  band.for_each(all, [&](int, const Mosaic& mosaic, const MosaicPixels& pixels) {
    constexpr int rows = 64;  // at a time
    parallel_for((mosaic.height + rows - 1) / rows, threads, [&](int block, int) {
      if (interrupted()) return;
      const int begin = block * rows, end = std::min(mosaic.height, begin + rows);
      auto cells = measured_cells(mosaic, pixels, begin, end, order);
#pragma omp critical(abell_cutout_coverage)
      moc.add(std::move(cells));
    });
  });
  return moc;
}

/// Fails before any work when the map that is asked for could not be written: throws OptionError and IoError.
inline void check_coverage(const CoverageOptions& options, const std::vector<Mosaic>& mosaics, bool overwrite,
                           const std::vector<std::string>& inputs) {
  if (options.moc.empty()) return;
  coverage_order(options, mosaics);
  check_output_file(options.moc, overwrite, inputs);
}

/// Writes the map that is asked for, in place of an earlier one, unless the run is interrupted.
inline void write_coverage(const CoverageOptions& options, Band& band, int threads, const std::string& command) {
  if (options.moc.empty()) return;
  const sky::Moc moc = coverage_of(band, coverage_order(options, band.mosaics()), threads);
  if (interrupted()) return;
  write_moc(options.moc, moc.order(), moc.merged_cells(),
            {.overwrite = true, .creator = "abell-cutout " + std::string(version), .history = {command}});
}

}  // namespace abell::program

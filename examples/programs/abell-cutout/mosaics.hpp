#pragma once
/// Mosaics and plates of one band: which of them covers a position best, and their pixels when needed.

#include <abell/core/error.hpp>
#include <abell/core/parallel.hpp>
#include <abell/images/fits.hpp>
#include <abell/images/image.hpp>
#include <abell/images/reproject.hpp>
#include <abell/images/wcs.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../common/program.hpp"

namespace abell::program {

/// What the header of a mosaic tells; its pixels are read when they are needed.
struct Mosaic {
  std::string file;
  std::string exposure;  ///< file of the exposure map; empty without
  std::string unit;
  int height = 0;
  int width = 0;
  Wcs wcs;
};

/// The side of a grid that is as large as the cut-out and tells what share of it a mosaic covers.
inline constexpr int probe_side = 25;

/// Pixels of a mosaic.
struct MosaicPixels {
  Image image;
  std::optional<Image> exposure;
  float longest = 0;  ///< exposure

  bool measured(std::size_t at) const {
    return (image.mask.empty() || image.mask[at] == 0) && (!exposure || exposure->pixels[at] > 0);
  }
};

/// An exposure map must have the size and the sky of its image, within half a pixel at the corners.
inline void check_exposure(const Mosaic& mosaic) {
  const FitsFile map(mosaic.exposure);
  if (map.height() != mosaic.height || map.width() != mosaic.width || map.planes() != 1) {
    throw FormatError(mosaic.exposure + ": expected an exposure map of the size of " + mosaic.file + ", " +
                      std::to_string(mosaic.width) + " x " + std::to_string(mosaic.height) + ", found " +
                      std::to_string(map.width()) + " x " + std::to_string(map.height()));
  }
  const Wcs wcs(map);
  for (const PixelPosition& corner : {PixelPosition{0, 0}, PixelPosition{mosaic.width - 1.0, mosaic.height - 1.0}}) {
    const double apart = separation(wcs.sky(corner), mosaic.wcs.sky(corner)) * 3600 / mosaic.wcs.pixel_size(corner);
    if (apart > 0.5) {
      throw FormatError(mosaic.exposure + ": expected the sky of " + mosaic.file + ", found a corner " +
                        std::to_string(apart) + " pixels away");
    }
  }
}

/// Reads the headers. Throws IoError and FormatError for files that are no images of one plane with sky
/// coordinates or have more than `max_megapixels`, and for exposure maps that do not belong to their images.
inline std::vector<Mosaic> read_mosaics(const std::vector<std::string>& files,
                                        const std::vector<std::string>& exposures, double max_megapixels) {
  std::vector<Mosaic> mosaics;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const FitsFile file(files[i]);
    check_megapixels(file.height(), file.width(), max_megapixels, file.name());
    if (file.planes() != 1) {
      throw FormatError(files[i] + ": expected an image of one plane, found " + std::to_string(file.planes()));
    }
    mosaics.push_back(
        {files[i], exposures.empty() ? "" : exposures[i], file.key("BUNIT"), file.height(), file.width(), Wcs(file)});
    if (!exposures.empty()) check_exposure(mosaics.back());
  }
  return mosaics;
}

inline MosaicPixels read_pixels(const Mosaic& mosaic) {
  MosaicPixels pixels{read_fits(mosaic.file), std::nullopt};
  if (mosaic.exposure.empty()) return pixels;
  pixels.exposure = read_fits(mosaic.exposure);
  for (float& value : pixels.exposure->pixels) value = std::isfinite(value) ? value : 0;
  pixels.exposure->mask.clear();
  pixels.longest = std::ranges::max(pixels.exposure->pixels);
  if (!(pixels.longest > 0)) throw FormatError(mosaic.exposure + ": expected positive exposure, found none in the map");
  return pixels;
}

/// How well a mosaic covers a grid.
struct Cover {
  int mosaic = -1;      ///< -1: none does
  double inside = 0;    ///< share of the grid that lies on the image
  double measured = 0;  ///< share with a measurement
  double exposure = 0;  ///< mean where measured

  /// More measured pixels win; where the shares are within 1 %, the longer exposure does.
  bool better_than(const Cover& other) const {
    if (std::abs(measured - other.measured) > 0.01) return measured > other.measured;
    return measured > 0 && exposure > other.exposure * 1.001;
  }
};

/// The cover of `grid` (of `probe_side` pixels a side) by a mosaic.
inline Cover cover_of(int number, const Mosaic& mosaic, const MosaicPixels& pixels, const SkyGrid& grid) {
  Cover cover{.mosaic = number};
  const auto lattice = grid.sky();
  for (const PixelPosition& p : Wcs(mosaic.wcs).pixels(lattice)) {
    if (!(p.x >= -0.5 && p.y >= -0.5 && p.x < mosaic.width - 0.5 && p.y < mosaic.height - 0.5)) continue;
    const std::size_t at = pixels.image.index(static_cast<int>(p.y + 0.5), static_cast<int>(p.x + 0.5));
    cover.inside += 1;
    if (!pixels.measured(at)) continue;
    cover.measured += 1;
    if (pixels.exposure) cover.exposure += static_cast<double>(pixels.exposure->pixels[at]);
  }
  if (cover.measured > 0) cover.exposure /= cover.measured;
  cover.inside /= static_cast<double>(lattice.size());
  cover.measured /= static_cast<double>(lattice.size());
  return cover;
}

/// One band: its mosaics, of which one at a time has its pixels in memory.
class Band {
 public:
  Band(const std::vector<std::string>& files, const std::vector<std::string>& exposures, double max_megapixels)
      : mosaics_(read_mosaics(files, exposures, max_megapixels)) {}

  const std::vector<Mosaic>& mosaics() const { return mosaics_; }

  /// Calls visit(number, mosaic, pixels) for each mosaic that is wanted.
  template <class Wanted, class Visit>
  void for_each(const Wanted& wanted, const Visit& visit) {
    for (int number = 0; number < static_cast<int>(mosaics_.size()) && !interrupted(); ++number) {
      if (!wanted(number)) continue;
      const Mosaic& mosaic = mosaics_[static_cast<std::size_t>(number)];
      if (loaded_ != number) pixels_ = read_pixels(mosaic);
      loaded_ = number;
      visit(number, mosaic, pixels_);
    }
  }

  /// The best cover of each centre, for cut-outs of `arcmin` a side.
  std::vector<Cover> best_covers(const std::vector<SkyPosition>& centres, double arcmin, int threads) {
    std::vector<Cover> best(centres.size());
    for_each([](int) { return true; },
             [&](int number, const Mosaic& mosaic, const MosaicPixels& pixels) {
               parallel_for(static_cast<int>(centres.size()), threads, [&](int i, int) {
                 const auto at = static_cast<std::size_t>(i);
                 const SkyGrid grid{probe_side, probe_side,
                                    Wcs::tangent(centres[at], probe_side, probe_side, arcmin * 60 / probe_side)};
                 const Cover cover = cover_of(number, mosaic, pixels, grid);
                 best[at].inside = std::max(best[at].inside, cover.inside);
                 if (cover.better_than(best[at])) best[at] = cover;
               });
             });
    return best;
  }

 private:
  std::vector<Mosaic> mosaics_;
  MosaicPixels pixels_;
  int loaded_ = -1;
};

}  // namespace abell::program

#pragma once
/// Mosaics and plates of one band: which of them covers a position best, and their pixels when needed.

#include <abell/core/error.hpp>
#include <abell/core/parallel.hpp>
#include <abell/images/event_list.hpp>
#include <abell/images/fits.hpp>
#include <abell/images/fits_cards.hpp>
#include <abell/images/image.hpp>
#include <abell/images/reproject.hpp>
#include <abell/images/wcs.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <iostream>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "../common/lossy_files.hpp"
#include "../common/program.hpp"

namespace abell::program {

/// What the header of a mosaic or an exposure map tells; its pixels are read when they are needed.
struct Mosaic {
  std::string file;
  std::string unit;
  std::string origin;  ///< cards: telescope, date and so on
  int height = 0;
  int width = 0;
  bool lossy = false;
  Wcs wcs;
  std::shared_ptr<const Mosaic> exposure = nullptr;  ///< null without a map
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

/// How a band's files are read.
struct BandOptions {
  double max_megapixels = 0;
  std::string unit = {};  ///< where BUNIT is missing: "count" for counts
  double bin = 0;         ///< arcseconds of the pixels that event lists are binned to; 0 takes images only
  bool quiet = false;
};

/// Tells the user something about a file that does not end the run.
inline void tell(const BandOptions& options, const std::string& file, const std::string& what) {
  if (!options.quiet) std::cerr << file << ": " << what << std::endl;
}

/// Reads the header. Throws IoError and FormatError for files that are no images of one plane with sky coordinates or
/// have more than the megapixels.
inline Mosaic read_mosaic(const std::string& name, const BandOptions& options) {
  const auto events = options.bin > 0 ? binned_events(name, options.bin) : std::nullopt;
  if (events) {
    std::ostringstream side;
    side << events->arcsec;
    tell(options, name, "events, binned to pixels of " + side.str() + "\"");
  }
  const FitsFile file(events ? events->name : name);
  check_megapixels(file.height(), file.width(), options.max_megapixels, file.name());
  if (file.planes() != 1) {
    throw FormatError(name + ": expected an image of one plane, found " + std::to_string(file.planes()));
  }
  const std::string unit = standard_unit(file.key("BUNIT")), header = file.header();
  return {file.name(),
          unit.empty() ? options.unit : unit,
          origin_cards(header),
          file.height(),
          file.width(),
          file.is_lossy(),
          Wcs(file)};
}

/// Whether two images have the same size and, within half a pixel, the same sky in the middle and in corners that have
/// any.
inline bool same_grid(const Mosaic& a, const Mosaic& b) {
  if (a.height != b.height || a.width != b.width) return false;
  const PixelPosition last{a.width - 1.0, a.height - 1.0};
  const std::array<PixelPosition, 3> places{PixelPosition{0, 0}, {last.x / 2, last.y / 2}, last};
  return std::ranges::none_of(places, [&](const PixelPosition& at) {
    return separation(a.wcs.sky(at), b.wcs.sky(at)) * 3600 > 0.5 * a.wcs.pixel_size(at);
  });
}

/// Tells, for an image of counts, what counts cannot be.
inline void tell_odd_counts(const Mosaic& mosaic, const Image& image, const BandOptions& options) {
  if (mosaic.unit != "count") return;
  const auto odd = std::ranges::count_if(
      image.pixels, [](float value) { return std::isfinite(value) && (value < 0 || value != std::round(value)); });
  if (odd > 0) {
    tell(options, mosaic.file,
         std::to_string(odd) + " of " + std::to_string(image.pixel_count()) +
             " pixels are negative or no whole number, which counts are not");
  }
  if (mosaic.lossy) tell(options, mosaic.file, packed_with_loss);
}

/// The pixels of a mosaic with its exposure map on the same grid.
inline MosaicPixels read_pixels(const Mosaic& mosaic) {
  MosaicPixels pixels{read_fits(mosaic.file), std::nullopt};
  if (!mosaic.exposure) return pixels;
  Image map = read_fits(mosaic.exposure->file);
  for (const float value : map.pixels) pixels.longest = value > pixels.longest ? value : pixels.longest;
  if (!(pixels.longest > 0)) {
    throw FormatError(mosaic.exposure->file + ": expected positive exposure, found none in the map");
  }
  if (!same_grid(mosaic, *mosaic.exposure)) {
    map = mean_on_grid(map, mosaic.exposure->wcs, {mosaic.height, mosaic.width, mosaic.wcs});
    if (std::ranges::none_of(map.pixels, [](float value) { return value > 0; })) {
      throw FormatError(mosaic.exposure->file + ": expected positive exposure on the sky of " + mosaic.file +
                        ", found none");
    }
  }
  for (float& value : map.pixels) value = std::isfinite(value) ? value : 0;
  map.mask.clear();
  pixels.exposure = std::move(map);
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
  /// `exposures` are as many as `files`, or none.
  Band(const std::vector<std::string>& files, const std::vector<std::string>& exposures, BandOptions options)
      : options_(std::move(options)) {
    const BandOptions of_maps{options_.max_megapixels, "s"};
    for (std::size_t i = 0; i < files.size(); ++i) {
      mosaics_.push_back(read_mosaic(files[i], options_));
      if (exposures.empty()) continue;
      mosaics_[i].exposure = std::make_shared<const Mosaic>(read_mosaic(exposures[i], of_maps));
      if (same_grid(mosaics_[i], *mosaics_[i].exposure)) continue;
      tell(options_, exposures[i], "another grid than " + files[i] + "; its mean by area is taken there");
    }
  }

  const std::vector<Mosaic>& mosaics() const { return mosaics_; }

  /// Calls visit(number, mosaic, pixels) for each mosaic that is wanted.
  template <class Wanted, class Visit>
  void for_each(const Wanted& wanted, const Visit& visit) {
    for (int number = 0; number < static_cast<int>(mosaics_.size()) && !interrupted(); ++number) {
      if (!wanted(number)) continue;
      const Mosaic& mosaic = mosaics_[static_cast<std::size_t>(number)];
      if (loaded_ != number) pixels_ = read_pixels(mosaic);
      loaded_ = number;
      if (told_.insert(number).second) tell_odd_counts(mosaic, pixels_.image, options_);
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
  BandOptions options_;
  std::vector<Mosaic> mosaics_;
  std::set<int> told_;  ///< the mosaics whose odd pixels were told
  MosaicPixels pixels_;
  int loaded_ = -1;
};

}  // namespace abell::program

#pragma once
/// What happens to the pixels of each band before the network sees them.

#include <abell/core/error.hpp>
#include <abell/images/exposure.hpp>
#include <abell/images/filter.hpp>
#include <abell/images/image.hpp>
#include <abell/images/lupton.hpp>
#include <abell/images/smooth.hpp>
#include <abell/images/stretch.hpp>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// The steps of one band, in their order.
struct Band {
  Smoothing smoothing = {};
  Filter filter = Filter::identity;
  PixelInterval interval = {};
  Stretch stretch = {};
  friend bool operator==(const Band&, const Band&) = default;
};

/// The names of the bands, in the order of the network's channels.
inline constexpr std::array<const char*, 3> band_names{"third", "optical", "xray"};
inline constexpr std::size_t xray_band = 2;

/// The steps of all bands, and what joins them.
struct Bands {
  std::array<Band, 3> each = {};      ///< third, optical, X-ray
  ExposureCorrection exposure = {};   ///< of the X-ray band, before its other steps
  std::optional<Lupton> lupton = {};  ///< after all others; values of 0..1
  friend bool operator==(const Bands&, const Bands&) = default;
};

/// Takes an image of one channel from its file's values to 0..255: exposure correction and smoothing,
/// filter, interval, stretch. `weights` has the exposures, or is empty; `fits` says what
/// PixelInterval::Kind::file means, and `arcsec` the side of a pixel (0: not known). Masked pixels take no part and
/// stay masked. Throws FormatError when all pixels are masked, and for smoothing on the sky where that is not known;
/// `name` is the file.
inline void prepare_band(Image& image, const Band& band, std::span<const float> weights, bool fits,
                         const std::string& name, double arcsec = 0) {
  const Smoothing smoothing = in_pixels(band.smoothing, arcsec, name);
  const bool physical = fits || !weights.empty();
  if (!weights.empty()) {
    smooth(image, weights, smoothing);
  } else if (smoothing != Smoothing{}) {
    smooth(image, std::vector<float>(image.pixel_count(), 1.0F), smoothing);
  }
  apply_filter(image, band.filter);
  const Limits limits = band.interval.kind == PixelInterval::Kind::file && !physical
                            ? Limits{0, 255}
                            : limits_of(image.pixels, band.interval, name);
  normalise(image.pixels, limits, band.stretch);
  for (float& value : image.pixels) value *= 255;
}

/// Channel `channel` of an image, with its mask.
inline Image take_channel(const Image& image, std::size_t channel) {
  Image one(image.height, image.width, 1);
  for (std::size_t p = 0; p < image.pixel_count(); ++p) {
    one.pixels[p] = image.pixels[p * static_cast<std::size_t>(image.channels) + channel];
  }
  one.mask = image.mask;
  return one;
}

/// Puts an image of one channel of the same size into channel `channel`; the mask stays.
inline void put_channel(Image& image, std::size_t channel, const Image& one) {
  for (std::size_t p = 0; p < image.pixel_count(); ++p) {
    image.pixels[p * static_cast<std::size_t>(image.channels) + channel] = one.pixels[p];
  }
}

}  // namespace abell

#pragma once
/// What an image is like, as far as a network may depend on it without telling. Needs stb, CFITSIO and wcslib.

#include <abell/data/decode.hpp>
#include <abell/data/object.hpp>
#include <abell/images/pixel_scale.hpp>
#include <abell/images/read.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace abell {

/// The statistics of a channel's values, 0..255: the quantiles are those of 5, 50 and 95 %.
inline constexpr std::array<const char*, 5> channel_statistics{"mean", "deviation", "low", "median", "high"};
using ChannelStatistics = std::array<double, channel_statistics.size()>;

/// A channel before it comes to the network's scale.
struct ChannelTraits {
  bool present = false;   ///< whether a file has it: else it is zero, and so is all that follows
  bool physical = false;  ///< whether that file is FITS, and not of 8-bit values
  double arcsec = 0;      ///< side of a pixel on the sky; 0: not known
  ChannelStatistics statistics{};
};

struct ImageTraits {
  bool grey = false;  ///< whether one channel was copied to all
  std::vector<ChannelTraits> channels = {};
};

namespace detail {

inline ChannelStatistics statistics_of(const Image& image, std::size_t channel) {
  std::array<std::size_t, 256> counts{};
  double sum = 0, squares = 0;
  for (std::size_t at = channel; at < image.pixels.size(); at += static_cast<std::size_t>(image.channels)) {
    const double value = static_cast<double>(image.pixels[at]);
    sum += value;
    squares += value * value;
    ++counts[to_byte(image.pixels[at])];
  }
  const auto pixels = static_cast<double>(image.pixel_count());
  const auto quantile = [&](double share) {
    double below = 0;
    std::size_t value = 0;
    while (value < 255 && (below += static_cast<double>(counts[value])) < share * pixels) ++value;
    return static_cast<double>(value);
  };
  const double mean = sum / pixels, variance = squares / pixels - mean * mean;
  return {mean, std::sqrt(std::max(variance, 0.0)), quantile(0.05), quantile(0.5), quantile(0.95)};
}

}  // namespace detail

/// What a decoded image of one file is like; where it lies on the sky is not known.
inline ImageTraits traits_of(const Decoded& decoded, bool physical) {
  ImageTraits traits{.grey = decoded.grey};
  for (std::size_t c = 0; c < static_cast<std::size_t>(decoded.image.channels); ++c) {
    traits.channels.push_back(
        {.present = true, .physical = physical, .statistics = detail::statistics_of(decoded.image, c)});
  }
  return traits;
}

/// What an object's decoded image is like. Throws IoError for a file that is gone.
inline ImageTraits traits_of(const Object& object, const Decoded& decoded, const DecodeOptions& options) {
  const auto arcsec = [&](const std::filesystem::path& file) {
    const PixelScale scale = is_fits(file) ? pixel_scale(file) : PixelScale();
    return scale.arcsec * scale.width * options.crop / decoded.image.width;
  };
  if (object.files.size() == 1) {
    ImageTraits traits = traits_of(decoded, is_fits(object.files[0]));
    for (ChannelTraits& channel : traits.channels) {
      channel.arcsec = &channel == &traits.channels[0] ? arcsec(object.files[0]) : traits.channels[0].arcsec;
    }
    return traits;
  }
  ImageTraits traits;
  const std::array<std::filesystem::path, 3> files{object.third, object.files[1], object.files[0]};
  for (std::size_t band = 0; band < files.size(); ++band) {
    traits.channels.emplace_back();
    if (files[band].empty()) continue;
    traits.channels[band] = {.present = true,
                             .physical = is_fits(files[band]),
                             .arcsec = arcsec(files[band]),
                             .statistics = detail::statistics_of(decoded.image, band)};
  }
  return traits;
}

}  // namespace abell

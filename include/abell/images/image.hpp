#pragma once
/// Images as files hold them: float values with a mask of the pixels that carry no measurement.

#include <abell/core/error.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

namespace abell {

/// The longest side, in pixels, that any reader accepts.
inline constexpr long max_image_side = 20000;

/// Values in HWC order; row 0 is the first row of the file. PNG and JPEG give 0..255 exactly, FITS
/// gives physical values. `mask` has one byte a pixel, 1 where the pixel carries no measurement
/// (its values are NaN until `fill_masked`), and is empty when nothing is masked.
struct Image {
  int height = 0;
  int width = 0;
  int channels = 1;
  std::vector<float> pixels;
  std::vector<std::uint8_t> mask;

  Image() = default;
  /// All values zero, nothing masked.
  Image(int rows, int columns, int depth)
      : height(rows),
        width(columns),
        channels(depth),
        pixels(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns) * static_cast<std::size_t>(depth)) {}

  std::size_t pixel_count() const { return static_cast<std::size_t>(height) * static_cast<std::size_t>(width); }
  std::size_t index(int row, int column, int channel = 0) const {
    return (static_cast<std::size_t>(row) * static_cast<std::size_t>(width) + static_cast<std::size_t>(column)) *
               static_cast<std::size_t>(channels) +
           static_cast<std::size_t>(channel);
  }
  float& at(int row, int column, int channel = 0) { return pixels[index(row, column, channel)]; }
  float at(int row, int column, int channel = 0) const { return pixels[index(row, column, channel)]; }
};

/// The number of masked pixels.
inline std::size_t masked_count(const Image& image) {
  return static_cast<std::size_t>(std::ranges::count_if(image.mask, [](std::uint8_t m) { return m != 0; }));
}

/// Throws FormatError when a side is below 1 or above `max_image_side`; `name` is the file.
inline void check_image_size(long height, long width, const std::string& name) {
  if (height < 1 || width < 1 || height > max_image_side || width > max_image_side) {
    throw FormatError(name + ": expected sides of 1 to " + std::to_string(max_image_side) + " pixels, found " +
                      std::to_string(width) + " x " + std::to_string(height) + " (width x height)");
  }
}

/// The megapixels, unless told otherwise, that an image may have before it comes to a network's size.
inline constexpr double default_max_megapixels = 64;

/// Throws FormatError when an image has more than `limit` megapixels; `name` is the file.
inline void check_megapixels(long height, long width, double limit, const std::string& name) {
  const double found = static_cast<double>(height) * static_cast<double>(width) / 1e6;
  if (found <= limit) return;
  const auto text = [](double value) {
    std::ostringstream out;
    out << value;
    return out.str();
  };
  throw FormatError(name + ": expected at most " + text(limit) + " megapixels (", "max_megapixels",
                    "), found " + text(found) + " (" + std::to_string(width) + " x " + std::to_string(height) + ")");
}

/// What becomes of masked pixels.
enum class MaskPolicy { zero, median, error };

/// The policy called `text`. Throws OptionError for any other word.
inline MaskPolicy parse_mask_policy(const std::string& text) {
  if (text == "zero") return MaskPolicy::zero;
  if (text == "median") return MaskPolicy::median;
  if (text == "error") return MaskPolicy::error;
  throw OptionError("nan", "expected zero, median or error, found '" + text + "'");
}

/// The number of masked pixels. Throws FormatError when any is masked under MaskPolicy::error, or when
/// more than half are; `name` is the file.
inline std::size_t check_masked(const Image& image, MaskPolicy policy, const std::string& name) {
  const std::size_t masked = masked_count(image);
  const std::string found =
      std::to_string(masked) + " of " + std::to_string(image.pixel_count()) + " pixels masked (NaN or BLANK)";
  if (masked > 0 && policy == MaskPolicy::error) throw FormatError(name + ": expected no masked pixel, found " + found);
  if (2 * masked > image.pixel_count()) throw FormatError(name + ": expected at most half masked, found " + found);
  return masked;
}

/// Gives masked pixels each channel's median under MaskPolicy::median, else 0, and empties the mask.
inline void fill_masked(Image& image, MaskPolicy policy) {
  const std::size_t masked = masked_count(image);
  const auto channels = static_cast<std::size_t>(image.channels);
  for (std::size_t channel = 0; masked > 0 && channel < channels; ++channel) {
    float fill = 0;
    if (policy == MaskPolicy::median && masked < image.pixel_count()) {
      std::vector<float> good;
      good.reserve(image.pixel_count() - masked);
      for (std::size_t p = 0; p < image.pixel_count(); ++p) {
        if (image.mask[p] == 0) good.push_back(image.pixels[p * channels + channel]);
      }
      const auto middle = good.begin() + static_cast<std::ptrdiff_t>(good.size() / 2);
      std::nth_element(good.begin(), middle, good.end());
      fill = *middle;
    }
    for (std::size_t p = 0; p < image.pixel_count(); ++p) {
      if (image.mask[p] != 0) image.pixels[p * channels + channel] = fill;
    }
  }
  image.mask.clear();
}

/// The image with `channels` channels: itself when it has as many, else its only channel copied.
/// Throws FormatError for any other count; `name` is the file.
inline Image with_channels(Image image, int channels, const std::string& name) {
  if (image.channels == channels) return image;
  if (image.channels != 1) {
    throw FormatError(name + ": expected " +
                      (channels == 1 ? "1 channel" : "1 or " + std::to_string(channels) + " channels") + ", found " +
                      std::to_string(image.channels));
  }
  Image copy(image.height, image.width, channels);
  for (std::size_t p = 0; p < image.pixel_count(); ++p) {
    std::fill_n(copy.pixels.begin() + static_cast<std::ptrdiff_t>(p * static_cast<std::size_t>(channels)), channels,
                image.pixels[p]);
  }
  copy.mask = std::move(image.mask);
  return copy;
}

/// Whether all channels are equal.
inline bool is_grey(const Image& image) {
  const auto channels = static_cast<std::size_t>(image.channels);
  for (std::size_t at = 0; at < image.pixels.size(); at += channels) {
    for (std::size_t c = 1; c < channels; ++c) {
      const bool both_masked = std::isnan(image.pixels[at]) && std::isnan(image.pixels[at + c]);
      if (image.pixels[at + c] != image.pixels[at] && !both_masked) return false;
    }
  }
  return true;
}

/// The single channel of a grey image, also when it is stored as equal channels. Throws FormatError
/// when the channels differ; `name` is the file.
inline Image grey(Image image, const std::string& name) {
  if (image.channels == 1) return image;
  const auto channels = static_cast<std::size_t>(image.channels);
  Image one(image.height, image.width, 1);
  for (std::size_t p = 0; p < image.pixel_count(); ++p) {
    one.pixels[p] = image.pixels[p * channels];
    if (!image.mask.empty() && image.mask[p] != 0) continue;
    for (std::size_t c = 1; c < channels; ++c) {
      if (image.pixels[p * channels + c] != one.pixels[p]) {
        throw FormatError(name + ": expected a grey image, found " + std::to_string(channels) +
                          " channels that differ");
      }
    }
  }
  one.mask = std::move(image.mask);
  return one;
}

/// The nearest byte: rounded to nearest, clamped to 0..255.
inline std::uint8_t to_byte(float value) { return static_cast<std::uint8_t>(std::clamp(value, 0.0F, 255.0F) + 0.5F); }

}  // namespace abell

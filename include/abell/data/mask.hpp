#pragma once
/// Images that tell the class of each pixel. Needs stb and CFITSIO.

#include <abell/core/error.hpp>
#include <abell/core/shape.hpp>
#include <abell/data/decode.hpp>
#include <abell/data/object.hpp>
#include <abell/data/pixel_cache.hpp>
#include <abell/images/image.hpp>
#include <abell/images/read.hpp>
#include <abell/images/resample.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// Classes that a mask may have: with 0, not known, they are bytes.
inline constexpr int max_mask_classes = 255;

/// 1 + the class of each pixel, 0 where it is not known: what lies outside is not known either. A PNG has 8 bits and is
/// grey; if its values are only 0 and 255 these are two classes. In FITS, NaN and BLANK are not known. Throws IoError,
/// and FormatError naming the file for another kind of image and for a value that is no class.
inline Image read_mask(const std::filesystem::path& file, double max_megapixels = default_max_megapixels) {
  const std::string name = file.string();
  const auto fail = [&](const std::string& found) -> FormatError {
    return FormatError(name + ": expected a mask, the class of each pixel as a whole number from 0 to " +
                       std::to_string(max_mask_classes - 1) + ", found " + found);
  };
  const bool fits = is_fits(file);
  if (!fits && detail::is_jpeg(detail::read_bytes(file))) throw fail("a JPEG, which loses them");
  Image mask = read_image(file, max_megapixels);
  if (mask.channels != 1) throw fail(std::to_string(mask.channels) + " channels");
  const bool black_and_white =
      !fits && std::ranges::all_of(mask.pixels, [](float value) { return value == 0 || value == 255; });
  for (std::size_t i = 0; i < mask.pixels.size(); ++i) {
    float& value = mask.pixels[i];
    if (!mask.mask.empty() && mask.mask[i] != 0) {
      value = 0;
    } else if (black_and_white) {
      value = value == 0 ? 1 : 2;
    } else if (value >= 0 && value < max_mask_classes && value == std::floor(value)) {
      ++value;
    } else {
      throw fail(std::to_string(value));
    }
  }
  mask.mask.clear();
  return mask;
}

/// Classes in the masks of a set: one more than the largest number, at least two. Throws as `read_mask`.
inline int count_mask_classes(const std::vector<Object>& objects, double max_megapixels = default_max_megapixels) {
  float most = 2;
  for (const Object& object : objects) {
    most = std::max(most, std::ranges::max(read_mask(object.mask, max_megapixels).pixels));
  }
  return static_cast<int>(most);
}

namespace detail {

/// Throws FormatError unless a mask has the size of its object's image.
inline void check_mask_size(const Image& mask, const Object& object, double max_megapixels) {
  const auto file = std::ranges::find_if(object.files, [](const auto& each) { return !each.empty(); });
  if (file == object.files.end()) return;
  int height = 0, width = 0;
  if (is_fits(*file)) {
    const FitsFile image(*file);
    height = image.height();
    width = image.width();
  } else {
    const Image image = read_image(*file, max_megapixels);
    height = image.height;
    width = image.width;
  }
  if (mask.height != height || mask.width != width) {
    throw FormatError(object.mask.string() + ": expected a mask of " + std::to_string(width) + " x " +
                      std::to_string(height) + " pixels (width x height), as its image has, found " +
                      std::to_string(mask.width) + " x " + std::to_string(mask.height));
  }
}

}  // namespace detail

/// Reads the masks of all objects and brings them to height x width as `decode_object` does with their images, each
/// pixel taken from the nearest one. The cache holds what `read_mask` gives, in bytes.
inline std::shared_ptr<const PixelCache> cache_masks(const std::vector<Object>& objects, const Shape& shape,
                                                     const DecodeOptions& options = {},
                                                     const PixelCacheOptions& cache = {}) {
  const Shape one{shape.height, shape.width, 1};
  DecodeOptions nearest = options;
  if (nearest.resize == Resize::bilinear) nearest.resize = Resize::nearest;
  const auto write = [objects, one, nearest](std::size_t index, std::span<std::uint8_t> out) {
    Image mask = read_mask(objects[index].mask, nearest.max_megapixels);
    detail::check_mask_size(mask, objects[index], nearest.max_megapixels);
    mask = detail::fit_image(std::move(mask), one, nearest);
    std::ranges::transform(mask.pixels, out.begin(), [](float value) { return static_cast<std::uint8_t>(value); });
    return static_cast<std::size_t>(std::ranges::count(mask.pixels, 0.0F));
  };
  return std::make_shared<const PixelCache>(objects.size(), one, PixelCache::DecodeTo<std::uint8_t>(write), cache);
}

}  // namespace abell

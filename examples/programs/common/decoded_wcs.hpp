#pragma once
/// Sky coordinates of an object's image as a network sees it, cropped and resized.

#include <abell/data/decode.hpp>
#include <abell/images/wcs.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

namespace abell::program {

/// An axis through the central crop and the resizing of `decode_object`.
inline ResizedAxis decoded_axis(int in, int out, const DecodeOptions& options) {
  const int cropped = std::max(1, static_cast<int>(std::lround(in * options.crop)));
  ResizedAxis axis = resized_axis(cropped, out, options.resize);
  axis.start += abell::detail::crop_start(in, cropped);
  return axis;
}

/// Those of the first FITS file of the object that has some without distortions.
inline std::optional<Wcs> decoded_wcs(const Object& object, const Shape& shape, const DecodeOptions& options) {
  for (const std::filesystem::path& file : object.files) {
    if (file.empty() || !is_fits(file)) continue;
    try {
      const FitsFile image(file);
      const Wcs wcs(image);
      if (wcs.distorted()) continue;
      return wcs.resized(decoded_axis(image.width(), shape.width, options),
                         decoded_axis(image.height(), shape.height, options));
    } catch (const FormatError&) {
      // An image without sky coordinates.
    }
  }
  return std::nullopt;
}

}  // namespace abell::program

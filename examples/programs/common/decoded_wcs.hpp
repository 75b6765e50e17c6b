#pragma once
/// Sky coordinates of an object's image as a network sees it, cropped and resized.

#include <abell/data/decode.hpp>
#include <abell/images/wcs.hpp>
#include <abell/report/sky_marks.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <numbers>
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

/// How an image lies on the sky: a scale, and the directions to North and East at its centre; none where that is not
/// finite.
inline std::optional<SkyMarks> sky_marks_of(const Wcs& wcs, const Shape& shape) {
  const PixelPosition centre{(shape.width - 1) / 2.0, (shape.height - 1) / 2.0};
  const SkyPosition there = wcs.sky(centre);
  constexpr double step = 1.0 / 3600;
  const double squeeze = std::cos(there.dec * std::numbers::pi / 180);
  const auto direction = [&](const SkyPosition& position) {
    const PixelPosition pixel = wcs.pixel(position);
    const double x = pixel.x - centre.x, y = pixel.y - centre.y, length = std::hypot(x, y);
    return std::array{x / length, y / length};
  };
  const SkyMarks marks{.width = wcs.pixel_size(centre) * shape.width,
                       .north = direction({there.ra, there.dec + step}),
                       .east = direction({there.ra + step / squeeze, there.dec})};
  const bool known = std::isfinite(marks.width) && std::isfinite(marks.north[0] + marks.east[0]);
  return known ? std::optional(marks) : std::nullopt;
}

/// That of an object's image as a network sees it, where a file of the object tells it.
inline std::optional<SkyMarks> sky_marks_of(const Object& object, const Shape& shape, const DecodeOptions& options) {
  const std::optional<Wcs> wcs = decoded_wcs(object, shape, options);
  return wcs ? sky_marks_of(*wcs, shape) : std::nullopt;
}

}  // namespace abell::program

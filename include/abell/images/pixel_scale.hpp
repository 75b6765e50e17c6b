#pragma once
/// The size of an image's pixels on the sky. Needs CFITSIO and wcslib.

#include <abell/core/error.hpp>
#include <abell/images/fits.hpp>
#include <abell/images/wcs.hpp>
#include <cmath>
#include <filesystem>

namespace abell {

/// The size of an image's pixels: their side in arcseconds, and how many there are in a row.
struct PixelScale {
  double arcsec = 0;  ///< 0: not known
  int width = 0;
};

/// Of a FITS image, in its middle; not known of what is none.
inline PixelScale pixel_scale(const std::filesystem::path& path) {
  try {
    const FitsFile file(path);
    const double arcsec = Wcs(file).pixel_size({(file.width() - 1) / 2.0, (file.height() - 1) / 2.0});
    return {std::isfinite(arcsec) ? arcsec : 0, file.width()};
  } catch (const Error&) {
    return {};
  }
}

}  // namespace abell

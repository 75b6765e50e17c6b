#pragma once
/// Exposure maps: where and how long the sky was seen.

#include <abell/core/error.hpp>
#include <abell/images/image.hpp>
#include <abell/images/spec.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

namespace abell {

/// Whether counts are divided by their exposure; pixels with less than the share `cut` of the map's
/// largest exposure are masked.
struct ExposureCorrection {
  bool divide = false;
  double cut = 0;
  friend bool operator==(const ExposureCorrection&, const ExposureCorrection&) = default;
};

/// Reads "none" or "divide[:CUT]" (CUT = 0.1). Throws OptionError.
inline ExposureCorrection parse_exposure(const std::string& text) {
  const std::string option = "exposure";
  const detail::Spec spec = detail::parse_spec(text, option, 1);
  if (spec.name == "none" && spec.numbers.empty()) return {};
  if (spec.name != "divide") throw OptionError(option, "expected none or divide[:CUT], found '" + text + "'");
  const double cut = spec.number(0, 0.1);
  detail::require(cut >= 0 && cut < 1, option, "a share from 0 to below 1 of the largest exposure", text);
  return {true, cut};
}

/// The text that `parse_exposure` reads as this correction.
inline std::string to_text(const ExposureCorrection& correction) {
  return correction.divide ? detail::spec_text("divide", {correction.cut}) : "none";
}

/// The exposure of each pixel of `counts` (one channel each), with the pixels of `counts` masked whose
/// exposure is masked, not positive, or below the cut. Throws FormatError when the map has another
/// size, or no positive exposure; the names are the files'.
inline std::vector<float> exposure_weights(Image& counts, const Image& map, double cut, const std::string& counts_name,
                                           const std::string& map_name) {
  if (map.height != counts.height || map.width != counts.width) {
    throw FormatError(map_name + ": expected an exposure map of the size of " + counts_name + ", " +
                      std::to_string(counts.width) + " x " + std::to_string(counts.height) +
                      " (width x height), found " + std::to_string(map.width) + " x " + std::to_string(map.height));
  }
  float most = 0;
  for (const float exposure : map.pixels) most = std::isfinite(exposure) ? std::max(most, exposure) : most;
  if (!(most > 0)) throw FormatError(map_name + ": expected positive exposure, found none in the map");
  const float least = static_cast<float>(cut * static_cast<double>(most));
  counts.mask.resize(counts.pixel_count());
  for (std::size_t i = 0; i < counts.mask.size(); ++i) {
    const float exposure = map.pixels[i];
    if (!(exposure > 0 && exposure >= least && std::isfinite(exposure))) {
      counts.mask[i] = 1;
      counts.pixels[i] = std::nanf("");
    }
  }
  return map.pixels;
}

}  // namespace abell

#pragma once
/// Three bands as one colour image.

#include <abell/core/error.hpp>
#include <abell/images/image.hpp>
#include <abell/images/spec.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>

namespace abell {

/// Colours that do not depend on brightness (Lupton et al. 2004, PASP 116, 133), as astropy 5.2's
/// make_lupton_rgb makes them.
struct Lupton {
  double stretch = 5;  ///< the intensity, in the image's units, at which the asinh leaves its linear part
  double q = 8;        ///< the softening: how far bright parts are compressed
  friend bool operator==(const Lupton&, const Lupton&) = default;
};

/// Maps each pixel's three values (red, green, blue) to 0..255. The mean intensity I, the values less
/// `minimum`, is mapped to 25.5 asinh(Q I / stretch) / asinh(0.1 Q), every band by the same factor; a
/// pixel whose largest band is above 255 is scaled down as a whole. Throws ShapeError unless there are
/// three channels.
inline void lupton_rgb(Image& image, const Lupton& options, double minimum = 0) {
  if (image.channels != 3) {
    throw ShapeError("Lupton colours: expected 3 channels, found " + std::to_string(image.channels));
  }
  const double q = std::abs(options.q) < 1.0 / (1 << 23) ? 0.1 : std::min(options.q, 1e10);
  const double slope = 0.1 * 255 / std::asinh(0.1 * q);
  for (std::size_t p = 0; p < image.pixel_count(); ++p) {
    float* pixel = &image.pixels[3 * p];
    double band[3];
    for (int c = 0; c < 3; ++c) band[c] = static_cast<double>(pixel[c]) - minimum;
    const double intensity = (band[0] + band[1] + band[2]) / 3;
    const double factor = intensity > 0 ? std::asinh(intensity * q / options.stretch) * slope / intensity : 0;
    for (double& value : band) value = std::max(0.0, value * factor);
    const double largest = std::max({band[0], band[1], band[2]});
    const double shrink = largest > 255 ? 255 / largest : 1;
    for (int c = 0; c < 3; ++c) pixel[c] = static_cast<float>(band[c] * shrink);
  }
}

/// Reads "channels" (nothing), or "lupton[:STRETCH[:Q]]" for bands of 0..1 (0.5 and 8). Throws OptionError.
inline std::optional<Lupton> parse_combine(const std::string& text) {
  const std::string option = "combine";
  const detail::Spec spec = detail::parse_spec(text, option, 2);
  if (spec.name == "channels" && spec.numbers.empty()) return std::nullopt;
  if (spec.name != "lupton") {
    throw OptionError(option, "expected channels or lupton[:STRETCH[:Q]], found '" + text + "'");
  }
  const Lupton lupton{spec.number(0, 0.5), spec.number(1, 8)};
  detail::require(lupton.stretch > 0 && lupton.q >= 0, option, "a stretch above 0 and a Q of 0 or more", text);
  return lupton;
}

/// The text that `parse_combine` reads as this.
inline std::string to_text(const std::optional<Lupton>& lupton) {
  return lupton ? detail::spec_text("lupton", {lupton->stretch, lupton->q}) : "channels";
}

}  // namespace abell

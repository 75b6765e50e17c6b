#pragma once
/// From physical values to 0..1: an interval, then a stretch, with the definitions of
/// astropy.visualization 5.2.

#include <abell/core/error.hpp>
#include <abell/images/spec.hpp>
#include <abell/images/zscale.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <span>
#include <string>
#include <vector>

namespace abell {

/// Which values become 0 and 1; what lies outside is clipped.
/// - file: what the kind of file suggests: minimum and maximum of FITS, 0 and 255 of PNG and JPEG;
/// - minmax: the smallest and the largest value;
/// - manual: `low` and `high` themselves;
/// - percentile: the percentiles `low` and `high`, interpolated linearly;
/// - zscale: IRAF's zscale with contrast `low`.
struct PixelInterval {
  enum class Kind { file, minmax, manual, percentile, zscale };
  Kind kind = Kind::file;
  double low = 0;
  double high = 0;
  friend bool operator==(const PixelInterval&, const PixelInterval&) = default;
};

/// Reads "file", "minmax", "manual:LOW:HIGH", "percentile:KEPT" (the same share cut at both ends),
/// "percentile:LOW:HIGH", "zscale" or "zscale:CONTRAST". Throws OptionError.
inline PixelInterval parse_interval(const std::string& text) {
  const std::string option = "interval";
  const detail::Spec spec = detail::parse_spec(text, option, 2);
  const std::size_t given = spec.numbers.size();
  using Kind = PixelInterval::Kind;
  if (spec.name == "file" && given == 0) return {Kind::file};
  if (spec.name == "minmax" && given == 0) return {Kind::minmax};
  if (spec.name == "zscale" && given <= 1) {
    const double contrast = spec.number(0, Zscale{}.contrast);
    detail::require(contrast > 0 && contrast <= 1, option, "a contrast above 0 and up to 1", text);
    return {Kind::zscale, contrast};
  }
  if (spec.name == "manual" && given == 2) {
    detail::require(spec.numbers[0] < spec.numbers[1], option, "limits that rise", text);
    return {Kind::manual, spec.numbers[0], spec.numbers[1]};
  }
  if (spec.name == "percentile" && given >= 1) {
    PixelInterval interval{Kind::percentile, spec.numbers[0], spec.number(1, 0)};
    if (given == 1) interval.low = (100 - spec.numbers[0]) / 2, interval.high = 100 - interval.low;
    detail::require(interval.low >= 0 && interval.low < interval.high && interval.high <= 100, option,
                    "percentiles from 0 to 100 that rise", text);
    return interval;
  }
  throw OptionError(option,
                    "expected file, minmax, manual:LOW:HIGH, percentile:KEPT, percentile:LOW:HIGH or "
                    "zscale[:CONTRAST], found '" +
                        text + "'");
}

/// The text that `parse_interval` reads as this interval.
inline std::string to_text(const PixelInterval& interval) {
  switch (interval.kind) {
    case PixelInterval::Kind::file: break;
    case PixelInterval::Kind::minmax: return "minmax";
    case PixelInterval::Kind::manual: return detail::spec_text("manual", {interval.low, interval.high});
    case PixelInterval::Kind::percentile: return detail::spec_text("percentile", {interval.low, interval.high});
    case PixelInterval::Kind::zscale: return detail::spec_text("zscale", {interval.low});
  }
  return "file";
}

namespace detail {

/// The percentile of sorted values, interpolated linearly between the two nearest ranks.
inline double percentile(const std::vector<double>& sorted, double percent) {
  const double rank = percent / 100 * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(rank);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], rank - static_cast<double>(below));
}

}  // namespace detail

/// The limits of an interval for the finite ones of `values`, in image order. PixelInterval::Kind::file
/// counts as minmax. Throws FormatError when no value is finite; `name` is the file.
inline Limits limits_of(std::span<const float> values, const PixelInterval& interval, const std::string& name) {
  std::vector<double> good;
  good.reserve(values.size());
  std::ranges::copy_if(values, std::back_inserter(good), [](float value) { return std::isfinite(value); });
  if (good.empty()) throw FormatError(name + ": expected pixels that are not masked (NaN or BLANK), found none");
  switch (interval.kind) {
    case PixelInterval::Kind::file:
    case PixelInterval::Kind::minmax: break;
    case PixelInterval::Kind::manual: return {interval.low, interval.high};
    case PixelInterval::Kind::percentile:
      std::ranges::sort(good);
      return {detail::percentile(good, interval.low), detail::percentile(good, interval.high)};
    case PixelInterval::Kind::zscale: return zscale(good, {.contrast = interval.low});
  }
  const auto [low, high] = std::ranges::minmax(good);
  return {low, high};
}

/// A curve through (0, 0) and (1, 1):
/// - linear x;  sqrt x^(1/2);  power x^a;
/// - log ln(a x + 1) / ln(a + 1);  asinh asinh(x / a) / asinh(1 / a).
struct Stretch {
  enum class Kind { linear, sqrt, log, asinh, power };
  Kind kind = Kind::linear;
  double a = 0;
  friend bool operator==(const Stretch&, const Stretch&) = default;

  double operator()(double x) const {
    switch (kind) {
      case Kind::linear: break;
      case Kind::sqrt: return std::sqrt(x);
      case Kind::log: return std::log(a * x + 1) / std::log(a + 1);
      case Kind::asinh: return std::asinh(x / a) / std::asinh(1 / a);
      case Kind::power: return std::pow(x, a);
    }
    return x;
  }
};

/// Reads "linear", "sqrt", "log[:A]" (A = 1000), "asinh[:A]" (A = 0.1) or "power:A". Throws OptionError.
inline Stretch parse_stretch(const std::string& text) {
  const std::string option = "stretch";
  const detail::Spec spec = detail::parse_spec(text, option, 1);
  const bool plain = spec.numbers.empty();
  using Kind = Stretch::Kind;
  if (spec.name == "linear" && plain) return {Kind::linear};
  if (spec.name == "sqrt" && plain) return {Kind::sqrt};
  const auto with = [&](Kind kind, double a, double most) {
    detail::require(a > 0 && a <= most, option, most == 1 ? "a number above 0 and up to 1" : "a number above 0", text);
    return Stretch{kind, a};
  };
  if (spec.name == "log") return with(Kind::log, spec.number(0, 1000), 1e9);
  if (spec.name == "asinh") return with(Kind::asinh, spec.number(0, 0.1), 1);
  if (spec.name == "power" && !plain) return with(Kind::power, spec.numbers[0], 1e3);
  throw OptionError(option, "expected linear, sqrt, log[:A], asinh[:A] or power:A, found '" + text + "'");
}

/// The text that `parse_stretch` reads as this stretch.
inline std::string to_text(const Stretch& stretch) {
  switch (stretch.kind) {
    case Stretch::Kind::linear: break;
    case Stretch::Kind::sqrt: return "sqrt";
    case Stretch::Kind::log: return detail::spec_text("log", {stretch.a});
    case Stretch::Kind::asinh: return detail::spec_text("asinh", {stretch.a});
    case Stretch::Kind::power: return detail::spec_text("power", {stretch.a});
  }
  return "linear";
}

/// Maps values by the limits to 0..1, clips them, and applies the stretch; NaN stays NaN. Equal
/// limits count as limits one unit apart, as in astropy: a constant image becomes 0.
inline void normalise(std::span<float> values, const Limits& limits, const Stretch& stretch) {
  const double width = limits.high - limits.low;
  const double scale = width != 0 ? width : 1;
  for (float& value : values) {
    if (std::isnan(value)) continue;
    const double x = std::clamp((static_cast<double>(value) - limits.low) / scale, 0.0, 1.0);
    value = static_cast<float>(stretch(x));
  }
}

}  // namespace abell

#pragma once
/// Smoothing of X-ray counts and other images, with masks and exposure maps taken into account.

#include <abell/core/error.hpp>
#include <abell/images/image.hpp>
#include <abell/images/separable.hpp>
#include <abell/images/spec.hpp>
#include <abell/images/wavelet.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

namespace abell {

/// The largest sigma of a Gaussian, in pixels.
inline constexpr double most_sigma = 1000;

/// How an image is smoothed.
/// - gaussian: standard deviation `amount` pixels, or with `on_sky` arcseconds, cut at 4 of them;
/// - adaptive: the smallest disc of whole pixel radius that holds `amount` counts;
/// - wavelet: details below `amount` standard deviations of the Poisson noise are left out, on
///   `scales` scales of 1, 2, 4, ... pixels.
struct Smoothing {
  enum class Kind { none, gaussian, adaptive, wavelet };
  Kind kind = Kind::none;
  double amount = 0;
  int scales = 0;
  bool on_sky = false;
  friend bool operator==(const Smoothing&, const Smoothing&) = default;
};

/// Reads "none", "gaussian:SIGMA" (pixels; "gaussian:6as" arcseconds), "adaptive:COUNTS" or
/// "wavelet[:SIGMAS[:SCALES]]" (4 and 5). Throws OptionError.
inline Smoothing parse_smoothing(const std::string& text) {
  const std::string option = "smooth";
  const bool on_sky = text.starts_with("gaussian:") && text.ends_with("as");
  const detail::Spec spec = detail::parse_spec(on_sky ? text.substr(0, text.size() - 2) : text, option, 2);
  const std::size_t given = spec.numbers.size();
  using Kind = Smoothing::Kind;
  if (spec.name == "none" && given == 0) return {};
  if (spec.name == "gaussian" && given == 1) {
    detail::require(spec.numbers[0] > 0 && (on_sky || spec.numbers[0] <= most_sigma), option,
                    "a sigma above 0 and up to 1000 pixels", text);
    return {.kind = Kind::gaussian, .amount = spec.numbers[0], .on_sky = on_sky};
  }
  if (spec.name == "adaptive" && given == 1) {
    detail::require(spec.numbers[0] > 0, option, "a number of counts above 0", text);
    return {.kind = Kind::adaptive, .amount = spec.numbers[0]};
  }
  if (spec.name == "wavelet") {
    const double significance = spec.number(0, 4);
    const double scales = spec.number(1, 5);
    detail::require(significance > 0, option, "a significance above 0", text);
    detail::require(scales >= 1 && scales <= 10 && scales == std::floor(scales), option, "1 to 10 scales", text);
    return {.kind = Kind::wavelet, .amount = significance, .scales = static_cast<int>(scales)};
  }
  throw OptionError(
      option, "expected none, gaussian:SIGMA[as], adaptive:COUNTS or wavelet[:SIGMAS[:SCALES]], found '" + text + "'");
}

/// The text that `parse_smoothing` reads as this smoothing.
inline std::string to_text(const Smoothing& smoothing) {
  switch (smoothing.kind) {
    case Smoothing::Kind::none: break;
    case Smoothing::Kind::gaussian:
      return detail::spec_text("gaussian", {smoothing.amount}) + (smoothing.on_sky ? "as" : "");
    case Smoothing::Kind::adaptive: return detail::spec_text("adaptive", {smoothing.amount});
    case Smoothing::Kind::wavelet:
      return detail::spec_text("wavelet", {smoothing.amount, static_cast<double>(smoothing.scales)});
  }
  return "none";
}

/// The smoothing in pixels of that many arcseconds, 0 where that is not known. Throws FormatError naming the file.
inline Smoothing in_pixels(Smoothing smoothing, double arcsec, const std::string& name) {
  if (!smoothing.on_sky) return smoothing;
  const std::string text = " " + to_text(smoothing);
  if (!(arcsec > 0)) throw FormatError(name + ": expected sky coordinates for ", "smooth", text + ", found none");
  smoothing.amount /= arcsec;
  smoothing.on_sky = false;
  if (smoothing.amount <= most_sigma) return smoothing;
  throw FormatError(name + ": expected pixels of at least a thousandth of a sigma for ", "smooth",
                    text + ", found " + std::to_string(arcsec) + " arcsec");
}

namespace detail {

/// For each pixel, sum of counts / sum of weights in the smallest disc (radius 0, 1, 2, ...) that
/// holds `least` counts, or in the whole image when it has fewer; the negative values of interpolated
/// mosaics do not count towards them. Sums along rows come from running
/// sums, and from a pixel to its neighbour the radius changes by one at most: the disc of radius r
/// lies inside the neighbour's of radius r + 1.
inline std::vector<double> adaptive_means(const std::vector<double>& counts, const std::vector<double>& weights,
                                          int height, int width, double least) {
  const std::size_t stride = static_cast<std::size_t>(width) + 1;
  const auto running = [&](const std::vector<double>& plane) {
    std::vector<double> sums(stride * static_cast<std::size_t>(height));
    for (std::size_t row = 0; row < static_cast<std::size_t>(height); ++row) {
      for (std::size_t column = 0; column + 1 < stride; ++column) {
        sums[row * stride + column + 1] = sums[row * stride + column] + plane[row * (stride - 1) + column];
      }
    }
    return sums;
  };
  const std::vector<double> count_sums = running(counts);
  std::vector<double> positive = counts;
  for (double& value : positive) value = std::max(0.0, value);
  const std::vector<double> positive_sums = running(positive);
  const std::vector<double> weight_sums = running(weights);

  std::vector<std::vector<int>> half_widths;  // of the rows 0..radius from the centre of each disc
  const auto disc = [&](const std::vector<double>& sums, int row, int column, int radius) {
    while (half_widths.size() <= static_cast<std::size_t>(radius)) {
      const auto r = static_cast<double>(half_widths.size());
      std::vector<int>& rows = half_widths.emplace_back();
      for (double y = 0; y <= r; ++y) rows.push_back(static_cast<int>(std::sqrt(r * r - y * y)));
    }
    double sum = 0;
    for (int y = std::max(0, row - radius); y <= std::min(height - 1, row + radius); ++y) {
      const int half = half_widths[static_cast<std::size_t>(radius)][static_cast<std::size_t>(std::abs(y - row))];
      const double* line = sums.data() + static_cast<std::size_t>(y) * stride;
      sum += line[std::min(width, column + half + 1)] - line[std::max(0, column - half)];
    }
    return sum;
  };

  const int whole = static_cast<int>(std::ceil(std::hypot(height, width)));
  std::vector<double> means(counts.size());
  int first = 0;  // the radius at the start of the row
  for (int row = 0; row < height; ++row) {
    int radius = first;
    for (int column = 0; column < width; ++column) {
      radius = std::max(0, radius - 1);
      while (radius < whole && disc(positive_sums, row, column, radius) < least) ++radius;
      const double weight = disc(weight_sums, row, column, radius);
      const std::size_t at =
          static_cast<std::size_t>(row) * static_cast<std::size_t>(width) + static_cast<std::size_t>(column);
      means[at] = weight > 0 ? disc(count_sums, row, column, radius) / weight : 0;
      if (column == 0) first = radius;
    }
  }
  return means;
}

}  // namespace detail

/// Smooths an image of one channel. `weights` has the exposure of each pixel, or 1; a masked pixel
/// takes no part and stays masked; other weights are above 0. The result is (sum of filter x counts) /
/// (sum of filter x weights): a normalised convolution, with an exposure map the rate.
inline void smooth(Image& image, std::span<const float> weights, const Smoothing& smoothing) {
  std::vector<double> counts(image.pixel_count());
  std::vector<double> shares(image.pixel_count());
  const auto masked = [&](std::size_t i) { return !image.mask.empty() && image.mask[i] != 0; };
  double most = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (!masked(i)) most = std::max(most, static_cast<double>(weights[i]));
  }
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (masked(i)) continue;
    counts[i] = static_cast<double>(image.pixels[i]);
    shares[i] = static_cast<double>(weights[i]) / most;
  }
  switch (smoothing.kind) {
    case Smoothing::Kind::none: break;
    case Smoothing::Kind::gaussian: {
      const std::vector<detail::Tap> taps = detail::gaussian_taps(smoothing.amount);
      detail::filter_separably(counts, image.height, image.width, taps);
      detail::filter_separably(shares, image.height, image.width, taps);
      break;
    }
    case Smoothing::Kind::adaptive:
      counts = detail::adaptive_means(counts, shares, image.height, image.width, smoothing.amount);
      std::ranges::fill(shares, 1.0);
      break;
    case Smoothing::Kind::wavelet:
      counts =
          detail::PoissonWavelet(shares, image.height, image.width, smoothing.scales).denoise(counts, smoothing.amount);
      std::ranges::fill(shares, 1.0);
      break;
  }
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (!masked(i)) image.pixels[i] = static_cast<float>(counts[i] / (shares[i] * most));
  }
}

}  // namespace abell

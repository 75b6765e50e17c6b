#pragma once
/// IRAF's zscale.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace abell {

/// The values that are shown as black and as white.
struct Limits {
  double low = 0;
  double high = 0;
};

/// The constants of zscale, with astropy's defaults.
struct Zscale {
  std::size_t samples = 1000;  ///< at most this many of the values are looked at, evenly spaced
  double contrast = 0.25;      ///< the fitted slope is divided by it
  double max_reject = 0.5;     ///< with a larger share rejected, the limits are minimum and maximum
  std::size_t min_samples = 5;
  double rejection = 2.5;  ///< standard deviations
  int iterations = 5;
};

/// Limits around the median for an image that is mostly background: a line is fitted to the sorted
/// values, outliers are rejected, and its slope says how far the background spreads (astropy 5.2,
/// ZScaleInterval, after IRAF's display task). `values`: at least one, all finite, in image order.
inline Limits zscale(const std::vector<double>& values, const Zscale& options = {}) {
  const std::size_t stride = std::max<std::size_t>(
      1, static_cast<std::size_t>(static_cast<double>(values.size()) / static_cast<double>(options.samples)));
  std::vector<double> sorted;
  for (std::size_t i = 0; i < values.size() && sorted.size() < options.samples; i += stride) {
    sorted.push_back(values[i]);
  }
  std::ranges::sort(sorted);
  const std::size_t count = sorted.size();
  const auto n = static_cast<double>(count);
  const std::size_t least = std::max(options.min_samples, static_cast<std::size_t>(n * options.max_reject));
  const std::size_t grow = std::max<std::size_t>(1, static_cast<std::size_t>(n * 0.01));

  std::vector<char> bad(count);
  std::size_t good = count;
  std::size_t good_before = count + 1;
  double slope = 0;
  for (int pass = 0; pass < options.iterations && good < good_before && good >= least; ++pass) {
    // Least squares over the good samples, about their means.
    double mean_x = 0, mean_y = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (bad[i] == 0) mean_x += static_cast<double>(i), mean_y += sorted[i];
    }
    mean_x /= static_cast<double>(good);
    mean_y /= static_cast<double>(good);
    double xx = 0, xy = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const double x = static_cast<double>(i) - mean_x;
      if (bad[i] == 0) xx += x * x, xy += x * (sorted[i] - mean_y);
    }
    slope = xx > 0 ? xy / xx : 0;
    const auto flat = [&](std::size_t i) { return sorted[i] - mean_y - slope * (static_cast<double>(i) - mean_x); };
    double squares = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (bad[i] == 0) squares += flat(i) * flat(i);
    }
    const double threshold = options.rejection * std::sqrt(squares / static_cast<double>(good));
    for (std::size_t i = 0; i < count; ++i) {
      if (std::abs(flat(i)) > threshold) bad[i] = 1;
    }
    // Neighbours of rejected samples go too: each within a window of `grow`.
    std::vector<char> grown(count);
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t last = std::min(count - 1, i + (grow - 1) / 2);
      const std::size_t reach = grow - 1 - (grow - 1) / 2;
      for (std::size_t k = i - std::min(i, reach); k <= last; ++k) {
        if (bad[k] != 0) grown[i] = 1;
      }
    }
    bad.swap(grown);
    good_before = good;
    good = static_cast<std::size_t>(std::ranges::count(bad, 0));
  }

  Limits limits{sorted.front(), sorted.back()};
  if (good >= least) {
    if (options.contrast > 0) slope /= options.contrast;
    const double centre = static_cast<double>((count - 1) / 2);
    const double median = (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
    limits.low = std::max(limits.low, median - (centre - 1) * slope);
    limits.high = std::min(limits.high, median + (n - centre) * slope);
  }
  return limits;
}

}  // namespace abell

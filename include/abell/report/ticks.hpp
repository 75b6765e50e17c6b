#pragma once
/// Where the marks of an axis stand and what is written at them.

#include <abell/report/text.hpp>
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace abell {

/// One mark of an axis.
struct PlotTick {
  double value;
  std::string text = {};
};

/// About how many marks an axis has.
inline constexpr int tick_target = 5;

/// The range of an axis.
struct AxisRange {
  double low;
  double high;
};

/// A range that can be drawn: one that holds a single value is widened around it, by a tenth (linear) or by a
/// factor of 2 (logarithmic); an empty or unusable one becomes 0-1 or 0.1-1.
inline AxisRange drawable_range(AxisRange range, bool logarithmic = false) {
  if (!std::isfinite(range.low) || !std::isfinite(range.high) || range.low > range.high ||
      (logarithmic && range.low <= 0)) {
    return logarithmic ? AxisRange{0.1, 1} : AxisRange{0, 1};
  }
  // Nearly equal is equal: the ticks between could not be told apart.
  const double size = std::max(std::abs(range.low), std::abs(range.high));
  if (range.high - range.low > 1e-9 * size) return range;
  if (logarithmic) return {range.low / 2, range.high * 2};
  const double margin = size > 0 ? size / 10 : 0.5;
  return {range.low - margin, range.high + margin};
}

namespace detail::report {

/// A multiple of 1, 2 or 5 times a power of ten that cuts `range` into at most about `target` steps.
inline double nice_step(AxisRange range, int target) {
  const double rough = (range.high - range.low) / std::max(target, 1);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * 0.999) return factor * power;
  }
  return 10 * power;
}

}  // namespace detail::report

/// `range` widened to the marks around it, so that an axis begins and ends with one.
inline AxisRange rounded_range(AxisRange range, bool logarithmic = false, int target = tick_target) {
  range = drawable_range(range, logarithmic);
  if (!logarithmic) {
    // The wider range may ask for a wider step: the steps only grow, so this ends.
    for (double step = 0; step < detail::report::nice_step(range, target);) {
      step = detail::report::nice_step(range, target);
      range = {std::floor(range.low / step + 1e-9) * step, std::ceil(range.high / step - 1e-9) * step};
    }
    return range;
  }
  const bool decades = range.high / range.low > 1000;
  const auto power = [](double value) { return std::pow(10, std::floor(std::log10(value) + 1e-9)); };
  AxisRange wide{power(range.low), 10 * power(range.high)};
  for (const double factor : {2.0, 5.0}) {
    if (!decades && factor * power(range.low) <= range.low * (1 + 1e-9)) wide.low = factor * power(range.low);
  }
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (decades && factor > 1) continue;
    if (factor * power(range.high) >= range.high * (1 - 1e-9)) wide.high = factor * power(range.high);
  }
  return wide;
}

/// Marks at multiples of 1, 2 or 5 times a power of ten inside `range`, about `target` of them: never fewer than 2,
/// unless they are to be `whole` numbers.
inline std::vector<PlotTick> linear_ticks(AxisRange range, int target = tick_target, bool whole = false) {
  range = drawable_range(range);
  double step = detail::report::nice_step(range, target);
  if (whole) step = std::max(step, 1.0);
  const auto first = [&] { return std::ceil(range.low / step - 1e-9); };
  const auto last = [&] { return std::floor(range.high / step + 1e-9); };
  while (!whole && last() - first() < 1) step /= 2;
  const double largest = std::max(std::abs(range.low), std::abs(range.high));
  const bool scientific = largest >= 1e6 || step < 1e-4;
  // Digits that tell neighbours apart; a halved step can need one more than its magnitude says.
  int decimals = 0;
  while (decimals < 12 && std::abs(step * std::pow(10, decimals) - std::round(step * std::pow(10, decimals))) > 1e-6) {
    ++decimals;
  }
  const int digits = std::clamp(static_cast<int>(std::ceil(std::log10(largest / step))) + 1, 1, 12);
  std::vector<PlotTick> ticks;
  for (double i = first(); i <= last(); ++i) {
    const double value = i == 0 ? 0 : i * step;
    ticks.push_back({value, scientific ? number_text(value, digits) : fixed_text(value, decimals)});
  }
  return ticks;
}

/// Marks for a logarithmic axis (range above 0): powers of ten, thinned over many decades, with 2 and 5 times them
/// over few, and linear ones within a small part of a decade.
inline std::vector<PlotTick> log_ticks(AxisRange range, int target = tick_target) {
  range = drawable_range(range, true);
  const double low = std::log10(range.low);
  const double high = std::log10(range.high);
  const auto marks = [&](const std::vector<double>& factors, int stride) {
    std::vector<PlotTick> ticks;
    for (int decade = static_cast<int>(std::floor(low)); decade <= static_cast<int>(std::ceil(high)); ++decade) {
      if (decade % stride != 0) continue;
      for (const double factor : factors) {
        const double value = factor * std::pow(10, decade);
        if (value >= range.low * (1 - 1e-9) && value <= range.high * (1 + 1e-9)) {
          ticks.push_back({value, number_text(value)});
        }
      }
    }
    return ticks;
  };
  const int stride = std::max(1, static_cast<int>(std::ceil((high - low) / (target + 1))));
  std::vector<PlotTick> ticks = marks({1}, stride);
  if (ticks.size() < 3) ticks = marks({1, 2, 5}, 1);
  if (ticks.size() < 2) ticks = linear_ticks(range, target);
  return ticks;
}

}  // namespace abell

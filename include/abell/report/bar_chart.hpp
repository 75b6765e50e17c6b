#pragma once
/// Bars over categories, several series side by side.

#include <abell/core/error.hpp>
#include <abell/report/svg.hpp>
#include <abell/report/ticks.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

namespace abell {

/// One bar in each category.
struct BarSeries {
  std::string name = {};
  std::vector<double> values = {};  ///< not negative; one that is not finite has no bar
  PlotColour colour = PlotColour::first;
};

struct BarChart {
  std::string title = {};
  std::string axis_title = {};               ///< of the vertical axis
  std::vector<std::string> categories = {};  ///< short, below the bars
  std::vector<BarSeries> series = {};
  int width = 360;
  int height = 270;
};

/// The chart as SVG. Throws ShapeError when a series has not one value for each category.
inline std::string bar_chart(const BarChart& chart) {
  using namespace detail::report;
  constexpr double left = 46;
  constexpr double top = 46;
  const double right = chart.width - 4;
  const double bottom = chart.height - 24;
  double highest = 0;
  for (const BarSeries& series : chart.series) {
    if (series.values.size() != chart.categories.size()) {
      throw ShapeError("chart '" + chart.title + "', series '" + series.name + "': expected " +
                       std::to_string(chart.categories.size()) + " values, found " +
                       std::to_string(series.values.size()));
    }
    for (const double value : series.values) {
      if (std::isfinite(value)) highest = std::max(highest, value);
    }
  }
  const AxisRange range = rounded_range({0, highest}, false);
  const auto y_of = [&](double value) { return bottom - (bottom - top) * value / range.high; };

  std::string out = svg_open(chart.width, chart.height, chart.title);
  out += svg_text(0, 12, "start", "title", chart.title);
  out += svg_text(0, 32, "start", "", chart.axis_title);
  double legend = right;
  for (auto series = chart.series.rbegin(); series != chart.series.rend(); ++series) {
    legend -= text_width(series->name);
    out += svg_text(legend, 32, "start", "legend", series->name);
    out += "<rect x=\"" + pixel(legend - 14) + "\" y=\"23\" width=\"10\" height=\"10\" class=\"area " +
           colour_class(series->colour) + "\"/>\n";
    legend -= 28;
  }
  for (const PlotTick& tick : linear_ticks(range)) {
    out += svg_line(left, y_of(tick.value), right, y_of(tick.value), "grid");
    out += svg_text(left - 6, y_of(tick.value) + 4, "end", "", tick.text);
  }
  const double group = (right - left) / static_cast<double>(std::max<std::size_t>(chart.categories.size(), 1));
  const double bar = 0.8 * group / static_cast<double>(std::max<std::size_t>(chart.series.size(), 1));
  for (std::size_t i = 0; i < chart.categories.size(); ++i) {
    const double from = left + group * (static_cast<double>(i) + 0.1);
    for (std::size_t s = 0; s < chart.series.size(); ++s) {
      const double value = chart.series[s].values[i];
      if (!std::isfinite(value)) continue;
      out += "<rect x=\"" + pixel(from + bar * static_cast<double>(s)) + "\" y=\"" + pixel(y_of(value)) +
             "\" width=\"" + pixel(bar - 1) + "\" height=\"" + pixel(bottom - y_of(value)) + "\" class=\"area " +
             colour_class(chart.series[s].colour) + "\"/>\n";
    }
    out += svg_text(from + 0.4 * group, bottom + 16, "middle", "class", chart.categories[i]);
  }
  return out + svg_line(left, bottom, right, bottom, "base") + "</svg>\n";
}

}  // namespace abell

#pragma once
/// Plots of curves, points and histograms over two axes.

#include <abell/core/error.hpp>
#include <abell/report/svg.hpp>
#include <abell/report/ticks.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// How a series is drawn.
enum class PlotMark {
  line,    ///< through the points
  points,  ///< a disc at each point
  steps,   ///< bars without gaps over the edges x (one more than y), filled
};

/// One curve. Points that are not finite are left out and interrupt the line.
struct PlotSeries {
  std::string name = {};                    ///< in the legend, unless it or the series is empty
  std::vector<double> x = {}, y = {};       ///< data coordinates, of equal length (`steps`: x has one more)
  std::vector<double> low = {}, high = {};  ///< optional band around y, each as long as y
  std::vector<std::string> labels = {};     ///< optional, above each of the `steps`
  PlotMark mark = PlotMark::line;
  PlotColour colour = PlotColour::first;
  bool dashed = false;
};

/// One axis. Its range is that of the data, widened to `from` and `to` where they are given.
struct PlotAxis {
  std::string title = {};
  std::string unit = {};  ///< set in brackets after the title
  bool logarithmic = false;
  bool whole = false;  ///< marks at whole numbers only
  std::optional<double> from = {}, to = {};
};

/// A line across the whole plot, for instance at a threshold.
struct PlotGuide {
  double at;
  std::string name = {};
  bool vertical = true;
};

/// A plot of several series over common axes.
struct LinePlot {
  std::string title = {};
  PlotAxis x = {}, y = {};
  std::vector<PlotSeries> series = {};
  std::vector<PlotGuide> guides = {};
  int width = 360;
  int height = 270;
};

namespace detail::report {

/// Maps data to pixels along one axis.
class Scale {
 public:
  Scale(const PlotAxis& axis, AxisRange data, double from, double to, bool to_marks)
      : logarithmic_(axis.logarithmic), from_(from), to_(to) {
    if (axis.from) data.low = std::min(data.low, *axis.from);
    if (axis.to) data.high = std::max(data.high, *axis.to);
    range_ = to_marks ? rounded_range(data, logarithmic_) : drawable_range(data, logarithmic_);
    ticks_ = logarithmic_ ? log_ticks(range_) : linear_ticks(range_, tick_target, axis.whole);
  }

  bool holds(double value) const { return std::isfinite(value) && (!logarithmic_ || value > 0); }
  double operator()(double value) const {
    return from_ + (to_ - from_) * (at(value) - at(range_.low)) / (at(range_.high) - at(range_.low));
  }
  const std::vector<PlotTick>& ticks() const { return ticks_; }
  const AxisRange& range() const { return range_; }

 private:
  double at(double value) const { return logarithmic_ ? std::log10(value) : value; }

  bool logarithmic_;
  double from_;
  double to_;
  AxisRange range_{};
  std::vector<PlotTick> ticks_;
};

/// Throws ShapeError when the columns of a series do not fit together.
inline void check(const LinePlot& plot) {
  for (const PlotSeries& series : plot.series) {
    const std::size_t expected = series.y.size() + (series.mark == PlotMark::steps && !series.y.empty() ? 1 : 0);
    const bool band = !series.low.empty() || !series.high.empty();
    if (series.x.size() != expected ||
        (band && (series.low.size() != series.y.size() || series.high.size() != series.y.size()))) {
      throw ShapeError("plot '" + plot.title + "', series '" + series.name + "': expected " + std::to_string(expected) +
                       " values of x for " + std::to_string(series.y.size()) +
                       " of y, and a band as long as y; found x " + std::to_string(series.x.size()) + ", band " +
                       std::to_string(series.low.size()) + " and " + std::to_string(series.high.size()));
    }
  }
}

/// The finite values (above 0 on a logarithmic axis) of one coordinate of all series and guides.
inline AxisRange extent(const LinePlot& plot, bool along_x) {
  AxisRange range{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  const bool logarithmic = along_x ? plot.x.logarithmic : plot.y.logarithmic;
  const auto include = [&](const std::vector<double>& values) {
    for (const double value : values) {
      if (!std::isfinite(value) || (logarithmic && value <= 0)) continue;
      range = {std::min(range.low, value), std::max(range.high, value)};
    }
  };
  for (const PlotSeries& series : plot.series) {
    include(along_x ? series.x : series.y);
    if (!along_x) include(series.low);
    if (!along_x) include(series.high);
    if (!along_x && series.mark == PlotMark::steps) include({0.0});
  }
  for (const PlotGuide& guide : plot.guides) {
    if (guide.vertical == along_x) include({guide.at});
  }
  return range;
}

/// The unbroken stretches of a series: first index and length of each run of points that can be drawn.
struct Run {
  std::size_t first;
  std::size_t count;
};
template <class Drawable>
std::vector<Run> runs(std::size_t size, const Drawable& drawable_at) {
  std::vector<Run> found;
  bool open = false;
  for (std::size_t i = 0; i < size; ++i) {
    const bool inside = drawable_at(i);
    if (inside && !open) found.push_back({i, 0});
    if (inside) ++found.back().count;
    open = inside;
  }
  return found;
}

/// "x,y x,y ..." without points that fall on the pixel before.
class PointList {
 public:
  void add(double x, double y) {
    std::string point = pixel(x) + "," + pixel(y);
    if (point == last_) return;
    if (!text_.empty()) text_ += ' ';
    text_ += point;
    last_ = std::move(point);
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::string last_;
};

inline std::string draw(const PlotSeries& series, const Scale& x, const Scale& y) {
  const std::string colour = colour_class(series.colour);
  const auto holds = [&](std::size_t i) { return x.holds(series.x[i]) && y.holds(series.y[i]); };
  const auto dot = [&](std::size_t i) {
    return "<circle cx=\"" + pixel(x(series.x[i])) + "\" cy=\"" + pixel(y(series.y[i])) + "\" r=\"4\" class=\"dot " +
           colour + "\"/>\n";
  };
  std::string out;
  if (series.mark == PlotMark::points) {
    for (std::size_t i = 0; i < series.y.size(); ++i) {
      if (holds(i)) out += dot(i);
    }
    return out;
  }
  if (series.mark == PlotMark::steps) {
    const double floor = y(y.range().low);
    for (const Run& run : runs(series.y.size(), [&](std::size_t i) { return holds(i) && x.holds(series.x[i + 1]); })) {
      PointList outline;
      outline.add(x(series.x[run.first]), floor);
      for (std::size_t i = run.first; i < run.first + run.count; ++i) {
        outline.add(x(series.x[i]), y(series.y[i]));
        outline.add(x(series.x[i + 1]), y(series.y[i]));
      }
      outline.add(x(series.x[run.first + run.count]), floor);
      out += "<polygon points=\"" + outline.text() + "\" class=\"area " + colour + "\"/>\n";
    }
    for (std::size_t i = 0; i < std::min(series.labels.size(), series.y.size()); ++i) {
      out +=
          svg_text((x(series.x[i]) + x(series.x[i + 1])) / 2, y(series.y[i]) - 3, "middle", "small", series.labels[i]);
    }
    return out;
  }
  if (!series.low.empty()) {
    const auto band = [&](std::size_t i) {
      return x.holds(series.x[i]) && y.holds(series.low[i]) && y.holds(series.high[i]);
    };
    for (const Run& run : runs(series.y.size(), band)) {
      PointList outline;
      for (std::size_t i = run.first; i < run.first + run.count; ++i) outline.add(x(series.x[i]), y(series.high[i]));
      for (std::size_t i = run.first + run.count; i-- > run.first;) outline.add(x(series.x[i]), y(series.low[i]));
      out += "<polygon points=\"" + outline.text() + "\" class=\"band " + colour + "\"/>\n";
    }
  }
  for (const Run& run : runs(series.y.size(), holds)) {
    if (run.count == 1) {
      out += dot(run.first);
      continue;
    }
    PointList points;
    for (std::size_t i = run.first; i < run.first + run.count; ++i) points.add(x(series.x[i]), y(series.y[i]));
    out += "<polyline points=\"" + points.text() + "\" class=\"line " + (series.dashed ? "dashed " : "") + colour +
           "\"/>\n";
  }
  return out;
}

inline std::string legend_mark(const PlotSeries& series, double x, double y) {
  const std::string colour = colour_class(series.colour);
  if (series.mark == PlotMark::points) {
    return "<circle cx=\"" + pixel(x + 7) + "\" cy=\"" + pixel(y) + "\" r=\"4\" class=\"dot " + colour + "\"/>\n";
  }
  if (series.mark == PlotMark::steps) {
    return "<rect x=\"" + pixel(x + 2) + "\" y=\"" + pixel(y - 5) + "\" width=\"10\" height=\"10\" class=\"area " +
           colour + "\"/>\n";
  }
  return svg_line(x, y, x + 14, y, "line " + std::string(series.dashed ? "dashed " : "") + colour);
}

inline std::string axis_title(const PlotAxis& axis) {
  return axis.title + (axis.unit.empty() ? "" : " [" + axis.unit + "]");
}

}  // namespace detail::report

/// Draws `plot`: title, the name of the y axis above it, legend, grid, then the data. Points that are not finite are
/// skipped. Throws ShapeError when the columns of a series differ in length.
inline std::string line_plot(const LinePlot& plot) {
  using namespace detail::report;
  check(plot);
  std::string legend;
  constexpr double line_height = 17;
  double legend_x = 0;
  double legend_y = 14 + line_height;
  const auto explain = [&](const std::string& name, const auto& mark_at) {
    if (name.empty()) return;
    const double width = 20 + text_width(name);
    if (legend_x > 0 && legend_x + width > plot.width) {
      legend_x = 0;
      legend_y += line_height;
    }
    legend += mark_at(legend_x, legend_y - 4) + svg_text(legend_x + 20, legend_y, "start", "legend", name);
    legend_x += width + 14;
  };
  for (const PlotSeries& series : plot.series) {
    if (!series.y.empty())
      explain(series.name, [&](double at_x, double at_y) { return legend_mark(series, at_x, at_y); });
  }
  for (const PlotGuide& guide : plot.guides) {
    explain(guide.name, [&](double at_x, double at_y) {
      return guide.vertical ? svg_line(at_x + 7, at_y - 6, at_x + 7, at_y + 6, "guide")
                            : svg_line(at_x, at_y, at_x + 14, at_y, "guide");
    });
  }
  const double top = (legend.empty() ? 14 : legend_y) + 2 * line_height - 2;
  const double bottom = plot.height - 38;

  const Scale y(plot.y, extent(plot, false), bottom, top, true);
  double left = 0;
  for (const PlotTick& tick : y.ticks()) left = std::max(left, text_width(tick.text) + 10);
  const double right = plot.width - 8;
  const Scale x(plot.x, extent(plot, true), left, right, false);

  std::string out = svg_open(plot.width, plot.height, plot.title);
  out += svg_text(0, 12, "start", "title", plot.title) + legend;
  out += svg_text(0, top - 12, "start", "", axis_title(plot.y));
  out += svg_text(right, plot.height - 3, "end", "", axis_title(plot.x));
  for (const PlotTick& tick : y.ticks()) {
    out += svg_line(left, y(tick.value), right, y(tick.value), "grid");
    out += svg_text(left - 7, y(tick.value) + 4, "end", "", tick.text);
  }
  double free_from = -1;  // texts that would touch the one before are left out
  for (const PlotTick& tick : x.ticks()) {
    const double half = text_width(tick.text) / 2;
    out += svg_line(x(tick.value), bottom, x(tick.value), bottom + 4, "base");
    if (x(tick.value) - half < free_from) continue;
    out += svg_text(x(tick.value), bottom + 17, "middle", "", tick.text);
    free_from = x(tick.value) + half + 5;
  }
  out += svg_line(left, bottom, right, bottom, "base");
  for (const PlotGuide& guide : plot.guides) {
    if (!(guide.vertical ? x : y).holds(guide.at)) continue;
    out += guide.vertical ? svg_line(x(guide.at), top, x(guide.at), bottom, "guide")
                          : svg_line(left, y(guide.at), right, y(guide.at), "guide");
  }
  for (const PlotSeries& series : plot.series) out += draw(series, x, y);
  return out + "</svg>\n";
}

}  // namespace abell

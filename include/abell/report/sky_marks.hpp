#pragma once
/// Scale and directions drawn over a picture of the sky.

#include <abell/core/shape.hpp>
#include <abell/report/svg.hpp>
#include <array>
#include <string>
#include <utility>

namespace abell {

/// How a picture lies on the sky. Directions are unit vectors on the picture, to the right and down.
struct SkyMarks {
  double width = 0;  ///< of the picture in arcseconds
  std::array<double, 2> north = {};
  std::array<double, 2> east = {};
};

namespace detail::report {

/// The length of a scale bar: the largest round one within 40 % of the width; none where that is below 1".
struct ScaleBar {
  double arcsec = 0;
  std::string name = {};
};
inline ScaleBar scale_bar(double width) {
  constexpr double part = 0.4, minute = 60, degree = 3600;
  for (const auto& [unit, sign] : {std::pair{degree, "°"}, std::pair{minute, "′"}, std::pair{1.0, "″"}}) {
    for (const double round : {30.0, 20.0, 10.0, 5.0, 2.0, 1.0}) {
      if (round * unit <= part * width) return {round * unit, fixed_text(round, 0) + sign};
    }
  }
  return {};
}

}  // namespace detail::report

/// A scale bar, and arrows to North and East, as an SVG that covers a picture of `shape`.
inline std::string sky_overlay(const SkyMarks& marks, const Shape& shape) {
  using namespace detail::report;
  constexpr double width = 100, arrow = 9, letter = 15;
  const double height = width * shape.height / shape.width;
  std::string out = "<svg class=\"sky\" viewBox=\"0 0 100 " + pixel(height) + "\" aria-hidden=\"true\">";
  const auto line = [&](double x1, double y1, double x2, double y2) { out += svg_line(x1, y1, x2, y2, "mark"); };
  const ScaleBar bar = scale_bar(marks.width);
  if (bar.arcsec > 0) {
    line(6, height - 6, 6 + width * bar.arcsec / marks.width, height - 6);
    out += svg_text(6, height - 9, "start", "", bar.name);
  }
  const double x = width - 20, y = height - 22;
  for (const auto& [direction, name] : {std::pair{marks.north, "N"}, std::pair{marks.east, "E"}}) {
    line(x, y, x + arrow * direction[0], y + arrow * direction[1]);
    out += svg_text(x + letter * direction[0], y + letter * direction[1] + 3, "middle", "", name);
  }
  return out + "</svg>";
}

}  // namespace abell

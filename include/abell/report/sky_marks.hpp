#pragma once
/// Scale and directions drawn over a picture of the sky.

#include <abell/core/shape.hpp>
#include <abell/images/sky_position.hpp>
#include <abell/report/svg.hpp>
#include <abell/report/text.hpp>
#include <array>
#include <cmath>
#include <string>
#include <utility>

namespace abell {

/// How a picture lies on the sky. Directions are unit vectors on the picture, to the right and down.
struct SkyMarks {
  double width = 0;  ///< of the picture in arcseconds
  std::array<double, 2> north = {};
  std::array<double, 2> east = {};
};

/// A position as people read it and as programs take it: "10:00:24.0 −02:30:00 (150.1000 −2.5000)", in degrees in the
/// brackets. A dash where it is not finite.
inline std::string position_text(const SkyPosition& position) {
  if (!std::isfinite(position.ra) || !std::isfinite(position.dec)) return std::string(undefined_text);
  const auto two = [](long value) { return (value < 10 ? "0" : "") + std::to_string(value); };
  constexpr long day = 864000;  // tenths of a second
  const long time = ((std::lround(position.ra * day / 360) % day) + day) % day;
  const long angle = std::lround(std::abs(position.dec) * 3600);
  return two(time / 36000) + ":" + two(time / 600 % 60) + ":" + two(time / 10 % 60) + "." + std::to_string(time % 10) +
         (position.dec < 0 && angle > 0 ? " −" : " +") + two(angle / 3600) + ":" + two(angle / 60 % 60) + ":" +
         two(angle % 60) + " (" + fixed_text(position.ra, 4) + " " + fixed_text(position.dec, 4) + ")";
}

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

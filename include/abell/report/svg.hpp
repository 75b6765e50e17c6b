#pragma once
/// The pieces of inline SVG. Colours and fonts come from the CSS variables of the page, so that a figure follows the
/// reader's light or dark scheme.

#include <abell/report/text.hpp>
#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

namespace abell {

/// Colours of the page: grey for what is only reference, then six that can be told apart.
enum class PlotColour { reference, first, second, third, fourth, fifth, sixth };

/// The style sheet of the figures; a page has it once.
inline constexpr std::string_view svg_style = R"css(
svg.plot { display: block; width: 100%; height: auto; overflow: visible; }
svg.plot text { font-family: inherit; font-size: 11.5px; fill: var(--muted); font-variant-numeric: tabular-nums; }
svg.plot text.title { font-size: 13.5px; font-weight: 600; fill: var(--text); }
svg.plot text.legend, svg.plot text.class { fill: var(--text); }
svg.plot text.small { font-size: 9.5px; }
svg.plot text.count { font-size: 23px; font-weight: 600; fill: var(--text); }
svg.plot .grid { stroke: var(--grid); stroke-width: 1; }
svg.plot .base { stroke: var(--axis); stroke-width: 1; }
svg.plot .guide { stroke: var(--muted); stroke-width: 1; stroke-dasharray: 2 3; }
svg.plot .line { fill: none; stroke: var(--c); stroke-width: 1.8; stroke-linejoin: round; stroke-linecap: round; }
svg.plot .dashed { stroke-dasharray: 5 4; stroke-width: 1.3; }
svg.plot .dot { fill: var(--c); stroke: var(--page); stroke-width: 1.2; }
svg.plot .band { fill: var(--c); opacity: 0.16; }
svg.plot .area { fill: var(--c); fill-opacity: 0.2; stroke: var(--c); stroke-width: 1.5; stroke-linejoin: round; }
svg.plot .cell { fill: var(--c); }
.colour-0 { --c: var(--muted); } .colour-1 { --c: var(--first); } .colour-2 { --c: var(--second); }
.colour-3 { --c: var(--third); } .colour-4 { --c: var(--fourth); } .colour-5 { --c: var(--fifth); }
.colour-6 { --c: var(--sixth); }
)css";

namespace detail::report {

/// A coordinate in pixels, to a tenth, as SVG reads it.
inline std::string pixel(double value) {
  const std::string size = without_zeros(fixed_text(std::abs(value), 1));
  return (value < 0 && size != "0" ? "-" : "") + size;
}

/// About how wide `text` is in pixels at the figures' font size: SVG cannot measure before it is drawn.
inline double text_width(std::string_view text) { return 6.2 * static_cast<double>(character_count(text)); }

inline std::string svg_text(double x, double y, std::string_view anchor, std::string_view css, std::string_view text) {
  return "<text x=\"" + pixel(x) + "\" y=\"" + pixel(y) + "\" text-anchor=\"" + std::string(anchor) + "\"" +
         (css.empty() ? "" : " class=\"" + std::string(css) + "\"") + ">" + escape_html(text) + "</text>\n";
}

inline std::string svg_line(double x1, double y1, double x2, double y2, std::string_view css) {
  return "<line x1=\"" + pixel(x1) + "\" y1=\"" + pixel(y1) + "\" x2=\"" + pixel(x2) + "\" y2=\"" + pixel(y2) +
         "\" class=\"" + std::string(css) + "\"/>\n";
}

inline std::string colour_class(PlotColour colour) { return "colour-" + std::to_string(static_cast<int>(colour)); }

/// `<svg>` with its size and, for readers who do not see it, its title.
inline std::string svg_open(int width, int height, std::string_view title) {
  return "<svg class=\"plot\" viewBox=\"0 0 " + std::to_string(width) + " " + std::to_string(height) +
         "\" role=\"img\" aria-label=\"" + escape_html(title) + "\">\n";
}

}  // namespace detail::report

}  // namespace abell

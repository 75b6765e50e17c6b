#pragma once
/// Galleries of small images, embedded in the page as PNG.

#include <abell/core/error.hpp>
#include <abell/core/shape.hpp>
#include <abell/images/image.hpp>
#include <abell/images/resample.hpp>
#include <abell/images/stb.hpp>
#include <abell/report/html.hpp>
#include <abell/report/sky_marks.hpp>
#include <abell/report/text.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell {

/// An 8-bit image in HWC order with 1 (grey) or 3 channels (RGB).
struct Picture {
  Shape shape = {};
  std::vector<std::uint8_t> pixels = {};
};

/// One object of a gallery: its panels side by side, and what is written below them.
struct GalleryItem {
  std::vector<Picture> panels = {};
  std::string caption = {};
  std::optional<SkyMarks> sky = {};  ///< drawn over the first panel
};

/// Base64 (RFC 4648, section 4, with padding).
inline std::string base64(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) group = group << 8U | (i < count ? bytes[at + i] : 0U);
    for (std::size_t i = 0; i < 4; ++i) out += i <= count ? digits[group >> (18 - 6 * i) & 63U] : '=';
  }
  return out;
}

namespace detail::report {

/// Throws ShapeError unless `picture` holds the bytes of its shape in 1 or 3 channels.
inline void check(const Picture& picture) {
  const Shape& shape = picture.shape;
  if (shape.height < 1 || shape.width < 1 || (shape.channels != 1 && shape.channels != 3) ||
      picture.pixels.size() != shape.size()) {
    throw ShapeError("gallery: expected the bytes of an image with 1 or 3 channels, found " +
                     std::to_string(picture.pixels.size()) + " for " + std::to_string(shape.height) + "x" +
                     std::to_string(shape.width) + "x" + std::to_string(shape.channels));
  }
}

/// Black through violet and orange to pale yellow: faint emission stays visible, and brightness rises throughout.
inline std::array<double, 3> heat(double value) {
  constexpr std::array<std::array<double, 3>, 6> stops{
      {{0, 0, 4}, {66, 10, 104}, {147, 38, 103}, {221, 81, 58}, {252, 165, 10}, {252, 255, 164}}};
  const double place = std::clamp(value, 0.0, 1.0) * (stops.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(place), stops.size() - 2);
  const double part = place - static_cast<double>(below);
  std::array<double, 3> colour{};
  for (std::size_t c = 0; c < 3; ++c) colour[c] = stops[below][c] * (1 - part) + stops[below + 1][c] * part;
  return colour;
}

}  // namespace detail::report

/// `picture` shrunk so that its longer side has at most `side` pixels, antialiased; itself when it is small enough.
/// Throws ShapeError when the bytes do not fit the shape.
inline Picture thumbnail(const Picture& picture, int side) {
  detail::report::check(picture);
  const int longest = std::max(picture.shape.height, picture.shape.width);
  if (side < 1 || longest <= side) return picture;
  const auto shrunk = [&](int length) {
    return std::max(1, static_cast<int>(std::lround(static_cast<double>(length) * side / longest)));
  };
  Image image(picture.shape.height, picture.shape.width, picture.shape.channels);
  std::copy(picture.pixels.begin(), picture.pixels.end(), image.pixels.begin());
  const Image small = resize(image, shrunk(image.height), shrunk(image.width));
  Picture out{{small.height, small.width, small.channels}, std::vector<std::uint8_t>(small.pixels.size())};
  std::transform(small.pixels.begin(), small.pixels.end(), out.pixels.begin(), to_byte);
  return out;
}

/// The panels optical | X-ray | combined of an image whose channels are [empty, optical, X-ray], as the networks
/// read it: optical in grey, X-ray in false colours, and X-ray as violet light over the optical image (screen
/// blending, 1 - (1 - a)(1 - b)). Throws ShapeError unless there are 3 channels.
inline std::vector<Picture> sky_panels(const Picture& picture) {
  detail::report::check(picture);
  if (picture.shape.channels != 3) {
    throw ShapeError("gallery: expected the channels [empty, optical, X-ray], found an image of " +
                     to_string(picture.shape));
  }
  constexpr std::array<double, 3> light{0.72, 0.36, 1.0};
  Shape grey = picture.shape;
  grey.channels = 1;
  Picture optical{grey, std::vector<std::uint8_t>(grey.size())};
  Picture xray{picture.shape, std::vector<std::uint8_t>(picture.pixels.size())};
  Picture combined = xray;
  for (std::size_t pixel = 0; pixel < grey.size(); ++pixel) {
    const double o = picture.pixels[3 * pixel + 1] / 255.0;
    const double x = picture.pixels[3 * pixel + 2] / 255.0;
    optical.pixels[pixel] = picture.pixels[3 * pixel + 1];
    const std::array<double, 3> colour = detail::report::heat(x);
    for (std::size_t c = 0; c < 3; ++c) {
      xray.pixels[3 * pixel + c] = to_byte(static_cast<float>(colour[c]));
      combined.pixels[3 * pixel + c] = to_byte(static_cast<float>(255 * (1 - (1 - o) * (1 - light[c] * x))));
    }
  }
  std::vector<Picture> panels;
  panels.push_back(std::move(optical));
  panels.push_back(std::move(xray));
  panels.push_back(std::move(combined));
  return panels;
}

/// The picture as the `src` of an `<img>`: a PNG in base64. Throws ShapeError when the bytes do not fit the shape.
inline std::string data_uri(const Picture& picture) {
  detail::report::check(picture);
  return "data:image/png;base64," +
         base64(encode_png(picture.shape.height, picture.shape.width, picture.shape.channels, picture.pixels));
}

/// A map of one channel in false colours that rise in brightness throughout, from 0 (and below) to its largest
/// value; black where nothing is above 0. Throws NumericError for a value that is not finite.
inline Picture heat_picture(const Image& map) {
  Picture picture{{map.height, map.width, 3}, {}};
  float largest = 0;
  for (const float value : map.pixels) {
    if (!std::isfinite(value)) throw NumericError("gallery: expected a map of finite values");
    largest = std::max(largest, value);
  }
  for (const float value : map.pixels) {
    const auto share = static_cast<double>(largest > 0 ? value / largest : 0);
    for (const double part : detail::report::heat(share)) picture.pixels.push_back(to_byte(static_cast<float>(part)));
  }
  return picture;
}

/// A bar of the colours of `heat_picture`, from `low` to `high`, for `Page::html_part`.
inline std::string colour_bar(std::string_view what, std::string_view low, std::string_view high) {
  using detail::report::element;
  constexpr int steps = 10;
  std::string colours;
  for (int i = 0; i <= steps; ++i) {
    colours += ",rgb(";
    for (const double part : detail::report::heat(static_cast<double>(i) / steps)) {
      colours += fixed_text(part, 0) + " ";
    }
    colours.back() = ')';
  }
  return "<div class=\"colours\">" + element("span", "", what) + "<span class=\"scale\">" + element("span", "", low) +
         "<i style=\"background:linear-gradient(to right" + colours + ")\"></i>" + element("span", "", high) +
         "</span></div>\n";
}

/// What single colours mean, for `Page::html_part`.
using ColourName = std::pair<std::array<std::uint8_t, 3>, std::string>;
inline std::string colour_key(const std::vector<ColourName>& colours) {
  std::string out = "<div class=\"colours key\">";
  for (const auto& [colour, name] : colours) {
    out += "<i style=\"background:rgb(" + std::to_string(colour[0]) + " " + std::to_string(colour[1]) + " " +
           std::to_string(colour[2]) + ")\"></i>" + detail::report::element("span", "", name);
  }
  return out + "</div>\n";
}

/// How a gallery is drawn.
struct GalleryOptions {
  int side = 160;                             ///< longest side of an embedded image in pixels; larger ones are shrunk
  std::vector<std::string> panel_names = {};  ///< above the panels, where there are several, and for who cannot see
};

/// A grid of objects for `Page::html_part`; empty text for no objects. Throws ShapeError when the bytes of a
/// picture do not fit its shape.
inline std::string gallery(const std::vector<GalleryItem>& items, const GalleryOptions& options = {}) {
  if (items.empty()) return "";
  std::size_t panels = 0;
  for (const GalleryItem& item : items) panels = std::max(panels, item.panels.size());
  std::string out = std::string("<div class=\"gallery") + (panels > 1 ? " panels" : "") + (panels > 3 ? " wide" : "") +
                    (panels == 4 ? " four" : "") + "\">\n";
  for (const GalleryItem& item : items) {
    out += "<figure><div class=\"row\">";
    for (std::size_t i = 0; i < item.panels.size(); ++i) {
      const Picture small = thumbnail(item.panels[i], options.side);
      const std::string name = i < options.panel_names.size() ? options.panel_names[i] : "";
      out += "<div class=\"panel\">" + (panels > 1 ? detail::report::element("div", "name", name) : "") +
             "<div class=\"picture\"><img width=\"" + std::to_string(small.shape.width) + "\" height=\"" +
             std::to_string(small.shape.height) + "\" alt=\"" +
             escape_html(name + (name.empty() ? "" : ", ") + item.caption) + "\" src=\"" + data_uri(small) + "\">" +
             (i == 0 && item.sky ? sky_overlay(*item.sky, small.shape) : "") + "</div></div>";
    }
    out += "</div><figcaption>" + escape_html(item.caption) + "</figcaption></figure>\n";
  }
  return out + "</div>\n";
}

}  // namespace abell

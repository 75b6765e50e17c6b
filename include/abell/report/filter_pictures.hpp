#pragma once
/// Convolution filters as pictures, and what the four 3x3 filters of images/filter.hpp make of an image.

#include <abell/core/error.hpp>
#include <abell/images/filter.hpp>
#include <abell/images/image.hpp>
#include <abell/report/gallery.hpp>
#include <abell/report/html.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace abell {

namespace detail::report {

/// Blue for -1, white for 0, red for 1.
inline std::array<std::uint8_t, 3> signed_colour(double value) {
  constexpr std::array<double, 3> negative{33, 102, 172};
  constexpr std::array<double, 3> positive{178, 24, 43};
  const double size = std::clamp(std::abs(value), 0.0, 1.0);
  std::array<std::uint8_t, 3> colour{};
  for (std::size_t c = 0; c < 3; ++c) {
    const double end = value < 0 ? negative[c] : positive[c];
    colour[c] = to_byte(static_cast<float>(250 + (end - 250) * size));
  }
  return colour;
}

}  // namespace detail::report

/// What all filters of a convolution do with one of its input channels, one pixel a weight: blue negative, red
/// positive, to the largest weight of the layer. `kernel` is [size][size][channels][filters] (Keras's layout). Filters
/// stand in rows of `columns`. Throws ShapeError when the weights do not fit the sizes.
inline Picture filter_picture(std::span<const float> kernel, int size, int channels, int filters, int channel,
                              int columns = 16) {
  if (size < 1 || channels < 1 || filters < 1 || channel < 0 || channel >= channels || columns < 1 ||
      kernel.size() != static_cast<std::size_t>(size * size * channels * filters)) {
    throw ShapeError("filter picture: expected " + std::to_string(size) + "x" + std::to_string(size) + "x" +
                     std::to_string(channels) + "x" + std::to_string(filters) + " weights and channel " +
                     std::to_string(channel) + " among them, found " + std::to_string(kernel.size()) + " weights");
  }
  float largest = 0;
  for (const float weight : kernel) largest = std::max(largest, std::abs(weight));
  const int rows = (filters + columns - 1) / columns;
  const int across = std::min(columns, filters);
  Picture picture{{rows * (size + 1) + 1, across * (size + 1) + 1, 3}, {}};
  picture.pixels.assign(picture.shape.size(), 128);
  for (int filter = 0; filter < filters; ++filter) {
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < size; ++x) {
        const float weight = kernel[static_cast<std::size_t>(((y * size + x) * channels + channel) * filters + filter)];
        const auto colour =
            detail::report::signed_colour(largest > 0 ? static_cast<double>(weight) / static_cast<double>(largest) : 0);
        const int row = filter / columns * (size + 1) + 1 + y;
        const int column = filter % columns * (size + 1) + 1 + x;
        std::ranges::copy(colour, picture.pixels.begin() + 3 * (row * picture.shape.width + column));
      }
    }
  }
  return picture;
}

/// Pictures whose pixels are to be seen as squares, side by side; `names` stand below them.
inline std::string pixel_pictures(const std::vector<Picture>& pictures, const std::vector<std::string>& names) {
  std::string out = "<div class=\"figures\">\n";
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    out += "<figure><img class=\"pixels\" width=\"" + std::to_string(pictures[i].shape.width) + "\" height=\"" +
           std::to_string(pictures[i].shape.height) + "\" alt=\"" + escape_html(names[i]) + "\" src=\"" +
           data_uri(pictures[i]) + "\"><figcaption>" + escape_html(names[i]) + "</figcaption></figure>\n";
  }
  return out + "</div>\n";
}

/// What the four filters make of one channel of `picture`: identity, Sobel-y, edge, Sobel-x, in the slides' order.
/// Values of both signs are shown around middle grey, at half their size. Throws ShapeError
/// when the bytes do not fit the shape or there is no such channel.
inline std::vector<GalleryItem> filter_effects(const Picture& picture, int channel) {
  detail::report::check(picture);
  if (channel < 0 || channel >= picture.shape.channels) {
    throw ShapeError("filter effects: expected a channel below " + std::to_string(picture.shape.channels) + ", found " +
                     std::to_string(channel));
  }
  std::vector<GalleryItem> items;
  for (const Filter filter : {Filter::identity, Filter::sobel_y, Filter::edge, Filter::sobel_x}) {
    Image image(picture.shape.height, picture.shape.width, 1);
    for (std::size_t i = 0; i < image.pixels.size(); ++i) {
      image.pixels[i] =
          picture.pixels[i * static_cast<std::size_t>(picture.shape.channels) + static_cast<std::size_t>(channel)];
    }
    apply_filter(image, filter);
    Picture shown{{picture.shape.height, picture.shape.width, 1}, {}};
    for (const float value : image.pixels) {
      shown.pixels.push_back(to_byte(filter == Filter::identity ? value : 128 + value / 2));
    }
    std::string caption = to_text(filter);
    const std::array<float, 9> weights = weights_of(filter);
    for (std::size_t i = 0; i < 9; ++i) {
      caption += (i % 3 == 0 ? "\n" : " ") + number_text(static_cast<double>(weights[i]));
    }
    items.push_back({{std::move(shown)}, caption});
  }
  return items;
}

/// What a report shows of filters. What is empty is left out.
struct FilterPictures {
  std::vector<Picture> filters = {};  ///< the first layer's, one for each channel
  std::vector<std::string> names = {};
  std::optional<Picture> example = {};  ///< what the four 3x3 filters are shown on
};

namespace detail::report {

/// `whose`: "the first layer's filters of ...".
inline void add_filters(Page& page, const FilterPictures& pictures, bool sky_channels, const std::string& whose) {
  if (pictures.filters.empty() && !pictures.example) return;
  page.section("Filters");
  if (!pictures.filters.empty()) {
    page.remark("The first layer's filters of " + whose + ": blue negative, red positive, on one scale.");
    page.html_part(pixel_pictures(pictures.filters, pictures.names));
  }
  if (!pictures.example) return;
  page.remark("What four 3x3 filters make of the same images, values of both signs around grey:");
  const std::vector<std::pair<int, const char*>> channels =
      sky_channels ? std::vector<std::pair<int, const char*>>{{1, "Optical"}, {2, "X-ray"}}
                   : std::vector<std::pair<int, const char*>>{{0, "First channel"}};
  for (const auto& [channel, name] : channels) {
    page.subsection(name);
    page.html_part(gallery(filter_effects(*pictures.example, channel), {.side = 160}));
  }
}

}  // namespace detail::report

}  // namespace abell

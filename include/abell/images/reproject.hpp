#pragma once
/// Images on another grid of the sky.

#include <abell/core/error.hpp>
#include <abell/images/image.hpp>
#include <abell/images/wcs.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

namespace abell {

namespace detail {

/// The positions on the sky of the lattice x0 + column, y0 + row.
inline std::vector<SkyPosition> lattice_sky(const Wcs& wcs, double x0, double y0, int rows, int columns) {
  std::vector<PixelPosition> lattice;
  lattice.reserve(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns));
  for (int row = 0; row < rows; ++row) {
    for (int column = 0; column < columns; ++column) lattice.push_back({x0 + column, y0 + row});
  }
  return wcs.sky(lattice);
}

}  // namespace detail

/// A grid of pixels on the sky.
struct SkyGrid {
  int height = 0;
  int width = 0;
  Wcs wcs;

  /// The centres of its pixels, row by row.
  std::vector<SkyPosition> sky() const { return detail::lattice_sky(wcs, 0, 0, height, width); }
};

/// How values between pixels come about: bilinear, or Lanczos of order 3.
enum class Interpolation { bilinear, lanczos };

/// The method called `text`. Throws OptionError for any other word.
inline Interpolation parse_interpolation(const std::string& text) {
  if (text == "bilinear") return Interpolation::bilinear;
  if (text == "lanczos") return Interpolation::lanczos;
  throw OptionError("interpolation", "expected bilinear or lanczos, found '" + text + "'");
}

namespace detail {

/// The kernel at a distance of `t` pixels: a triangle, or sinc(t) sinc(t/3) up to 3.
inline double interpolation_weight(Interpolation method, double t) {
  t = std::abs(t);
  if (method == Interpolation::bilinear) return std::max(0.0, 1 - t);
  if (t >= 3) return 0;
  if (t < 1e-9) return 1;
  const double a = std::numbers::pi * t;
  return 3 * std::sin(a) * std::sin(a / 3) / (a * a);
}

/// A convex polygon of at most eight corners.
struct Polygon {
  std::array<PixelPosition, 8> corner{};
  std::size_t count = 0;

  double area() const {
    double twice = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const PixelPosition& a = corner[i];
      const PixelPosition& b = corner[(i + 1) % count];
      twice += a.x * b.y - b.x * a.y;
    }
    return std::abs(twice) / 2;
  }

  /// What of it lies where sign * (x or y) <= sign * limit (Sutherland and Hodgman 1974).
  Polygon clipped(bool along_x, double limit, double sign) const {
    Polygon kept;
    const auto beyond = [&](const PixelPosition& p) { return sign * ((along_x ? p.x : p.y) - limit); };
    for (std::size_t i = 0; i < count; ++i) {
      const PixelPosition& a = corner[i];
      const PixelPosition& b = corner[(i + 1) % count];
      const double from = beyond(a), to = beyond(b);
      if (from <= 0 && kept.count < kept.corner.size()) kept.corner[kept.count++] = a;
      if ((from < 0 && to > 0) || (from > 0 && to < 0)) {
        const double share = from / (from - to);
        if (kept.count < kept.corner.size()) {
          kept.corner[kept.count++] = {a.x + share * (b.x - a.x), a.y + share * (b.y - a.y)};
        }
      }
    }
    return kept;
  }
};

}  // namespace detail

/// An image on `grid`, for quantities that do not depend on the size of a pixel (surface brightness,
/// plate density): the kernel is as wide as the larger of the two pixels, so that nothing aliases. A
/// pixel is masked where the source has none, or where more than half of the kernel is masked.
inline Image interpolate(const Image& source, const Wcs& wcs, const SkyGrid& grid, Interpolation method) {
  if (source.channels != 1)
    throw ShapeError("interpolate: expected one channel, found " + std::to_string(source.channels));
  const auto targets = wcs.pixels(grid.sky());
  const PixelPosition middle = targets[targets.size() / 2 + static_cast<std::size_t>(grid.width) / 2];
  const double ratio = grid.wcs.pixel_size({grid.width / 2.0, grid.height / 2.0}) / wcs.pixel_size(middle);
  const double scale = std::isfinite(ratio) ? std::clamp(ratio, 1.0, 64.0) : 1.0;
  const double radius = scale * (method == Interpolation::bilinear ? 1 : 3);

  Image out(grid.height, grid.width, 1);
  out.mask.resize(out.pixel_count());
  const auto taps = [&](double at, int size, int& first, std::vector<double>& weights) {
    first = std::max(0, static_cast<int>(std::ceil(at - radius)));
    const int last = std::min(size - 1, static_cast<int>(std::floor(at + radius)));
    weights.clear();
    for (int i = first; i <= last; ++i) weights.push_back(detail::interpolation_weight(method, (i - at) / scale));
  };
  std::vector<double> across, down;
  for (std::size_t p = 0; p < targets.size(); ++p) {
    const auto [x, y] = targets[p];
    double sum = 0, good = 0, all = 0;
    if (x >= -0.5 && y >= -0.5 && x <= source.width - 0.5 && y <= source.height - 0.5) {
      int column = 0, row = 0;
      taps(x, source.width, column, across);
      taps(y, source.height, row, down);
      for (std::size_t j = 0; j < down.size(); ++j) {
        const std::size_t start = source.index(row + static_cast<int>(j), column);
        for (std::size_t i = 0; i < across.size(); ++i) {
          const double weight = down[j] * across[i];
          all += weight;
          if (!source.mask.empty() && source.mask[start + i] != 0) continue;
          good += weight;
          sum += weight * static_cast<double>(source.pixels[start + i]);
        }
      }
    }
    const bool bad = !(good > all / 2 && all > 0);
    out.mask[p] = bad ? 1 : 0;
    out.pixels[p] = bad ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(sum / good);
  }
  if (masked_count(out) == 0) out.mask.clear();
  return out;
}

/// Calls visit(source pixel, target pixel, share, area) for every pair of pixels that overlap: `share`
/// is the part of the source pixel and `area` the part of the target pixel that they have in common.
/// The corners of source pixels are projected onto `grid` and joined by straight lines there.
template <class Visit>
void for_each_overlap(const Image& source, const Wcs& wcs, const SkyGrid& grid, const Visit& visit) {
  // Source pixels under the border of the grid bound those that can overlap.
  std::vector<PixelPosition> border;
  for (int i = 0; i <= 32; ++i) {
    const double x = grid.width * i / 32.0 - 0.5, y = grid.height * i / 32.0 - 0.5;
    for (const PixelPosition& p : {PixelPosition{x, -0.5}, {x, grid.height - 0.5}, {-0.5, y}, {grid.width - 0.5, y}}) {
      border.push_back(p);
    }
  }
  double left = 1e9, right = -1e9, low = 1e9, high = -1e9;
  for (const PixelPosition& p : wcs.pixels(grid.wcs.sky(border))) {
    if (std::isnan(p.x)) continue;
    left = std::min(left, p.x), right = std::max(right, p.x);
    low = std::min(low, p.y), high = std::max(high, p.y);
  }
  const auto inside = [](double at, int size) { return static_cast<int>(std::clamp(at, 0.0, size - 1.0)); };
  if (right < -1 || high < -1 || left > source.width || low > source.height) return;
  const int x0 = inside(std::floor(left) - 1, source.width), x1 = inside(std::ceil(right) + 1, source.width);
  const int y0 = inside(std::floor(low) - 1, source.height), y1 = inside(std::ceil(high) + 1, source.height);
  const auto columns = static_cast<std::size_t>(x1 - x0 + 2);
  const auto corners = [&](double y) {
    return grid.wcs.pixels(detail::lattice_sky(wcs, x0 - 0.5, y, 1, static_cast<int>(columns)));
  };
  auto below = corners(y0 - 0.5);

  for (int y = y0; y <= y1; ++y) {
    const auto above = corners(y + 0.5);
    for (int x = x0; x <= x1; ++x) {
      const auto at = static_cast<std::size_t>(x - x0);
      detail::Polygon pixel;
      pixel.corner = {below[at], below[at + 1], above[at + 1], above[at]};
      pixel.count = 4;
      const double whole = pixel.area();
      if (!(whole > 0)) continue;
      const auto [west, east] =
          std::minmax({pixel.corner[0].x, pixel.corner[1].x, pixel.corner[2].x, pixel.corner[3].x});
      const auto [south, north] =
          std::minmax({pixel.corner[0].y, pixel.corner[1].y, pixel.corner[2].y, pixel.corner[3].y});
      if (east < -0.5 || north < -0.5 || west > grid.width - 0.5 || south > grid.height - 0.5) continue;
      const int c0 = inside(std::floor(west + 0.5), grid.width), c1 = inside(std::floor(east + 0.5), grid.width);
      const int r0 = inside(std::floor(south + 0.5), grid.height), r1 = inside(std::floor(north + 0.5), grid.height);
      for (int r = r0; r <= r1; ++r) {
        const detail::Polygon strip = pixel.clipped(false, r - 0.5, -1).clipped(false, r + 0.5, 1);
        for (int c = c0; c <= c1; ++c) {
          const double area = strip.clipped(true, c - 0.5, -1).clipped(true, c + 0.5, 1).area();
          if (area > 0) {
            visit(source.index(y, x),
                  static_cast<std::size_t>(r) * static_cast<std::size_t>(grid.width) + static_cast<std::size_t>(c),
                  area / whole, area);
          }
        }
      }
    }
    below = above;
  }
}

/// An exposure map on another grid: the mean by area of what lies on each pixel, 0 where nothing does.
inline Image mean_on_grid(const Image& map, const Wcs& wcs, const SkyGrid& grid) {
  if (map.channels != 1) throw ShapeError("mean_on_grid: expected one channel, found " + std::to_string(map.channels));
  Image out(grid.height, grid.width, 1);
  std::vector<float> areas(out.pixel_count());
  for_each_overlap(map, wcs, grid, [&](std::size_t from, std::size_t to, double, double area) {
    if (!map.mask.empty() && map.mask[from] != 0) return;
    out.pixels[to] += static_cast<float>(area) * map.pixels[from];
    areas[to] += static_cast<float>(area);
  });
  for (std::size_t p = 0; p < areas.size(); ++p) out.pixels[p] /= areas[p] > 0 ? areas[p] : 1;
  return out;
}

/// Counts and exposure on a grid.
struct XrayCutout {
  Image counts;        ///< zero where nothing was measured
  Image exposure;      ///< mean over the measured part of each pixel; empty without an exposure map
  double covered = 0;  ///< share of the grid that was measured: unmasked, with an exposure above zero
};

/// Counts on `grid` by shares of area, so that their sum is kept (fractions of a count arise; rounding
/// them would not keep it). `exposure` is null or has the grid of `counts`; its values are averaged.
inline XrayCutout redistribute(const Image& counts, const Image* exposure, const Wcs& wcs, const SkyGrid& grid) {
  for (const Image* image : {&counts, exposure}) {
    if (image != nullptr && (image->channels != 1 || image->height != counts.height || image->width != counts.width)) {
      throw ShapeError("redistribute: expected one channel and an exposure map of the image's size");
    }
  }
  XrayCutout out;
  out.counts = Image(grid.height, grid.width, 1);
  const std::size_t size = out.counts.pixel_count();
  std::vector<double> sum(size), seconds(size), measured(size);
  for_each_overlap(counts, wcs, grid, [&](std::size_t from, std::size_t to, double share, double area) {
    const auto good = [&](const Image& image) { return image.mask.empty() || image.mask[from] == 0; };
    if (!good(counts) || (exposure != nullptr && !good(*exposure))) return;
    sum[to] += share * static_cast<double>(counts.pixels[from]);
    const double time = exposure == nullptr ? 1.0 : static_cast<double>(exposure->pixels[from]);
    if (time > 0) measured[to] += area;
    seconds[to] += area * time;
  });
  if (exposure != nullptr) out.exposure = Image(grid.height, grid.width, 1);
  for (std::size_t p = 0; p < size; ++p) {
    out.counts.pixels[p] = static_cast<float>(sum[p]);
    out.covered += measured[p] / static_cast<double>(size);
    if (exposure != nullptr && measured[p] > 0) out.exposure.pixels[p] = static_cast<float>(seconds[p] / measured[p]);
  }
  out.covered = std::min(out.covered, 1.0);
  return out;
}

}  // namespace abell

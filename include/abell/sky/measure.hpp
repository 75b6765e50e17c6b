#pragma once
/// What is measured on simulated and real images alike: curves of growth, vignetting, grain, distances between
/// distributions.

#include <abell/images/image.hpp>
#include <abell/sky/sources.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace abell::sky {

/// The median; 0 for no values.
inline double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

/// Greatest difference between the cumulative distributions of two samples (Kolmogorov & Smirnov).
inline double ks_distance(std::vector<double> a, std::vector<double> b) {
  std::ranges::sort(a);
  std::ranges::sort(b);
  double distance = 0;
  const auto share = [](const std::vector<double>& all, double value) {
    return static_cast<double>(std::ranges::upper_bound(all, value) - all.begin()) / static_cast<double>(all.size());
  };
  for (const auto* all : {&a, &b}) {
    for (const double value : *all) distance = std::max(distance, std::abs(share(a, value) - share(b, value)));
  }
  return distance;
}

/// A source among its background in an image of counts.
struct Growth {
  std::vector<double> energy;  ///< counts within each radius over those within `whole`
  double counts = 0;           ///< within `whole`, background subtracted
};

/// Curve of growth about the centroid near `start` (pixels, centres at whole numbers); radii in arcsec. The background
/// is the mean over 60 to 90 arcsec. A pixel belongs to a circle by the share of its 5 x 5 parts within.
inline Growth curve_of_growth(const Image& counts, Position start, double pixel, std::span<const double> radii,
                              double whole = 40) {
  const auto each = [&](Position centre, double reach, const auto& visit) {
    const int half = static_cast<int>(reach / pixel) + 2;
    const int column = static_cast<int>(std::lround(centre.x));
    const int row = static_cast<int>(std::lround(centre.y));
    for (int y = std::max(row - half, 0); y <= std::min(row + half, counts.height - 1); ++y) {
      for (int x = std::max(column - half, 0); x <= std::min(column + half, counts.width - 1); ++x) {
        for (int part = 0; part < 25; ++part) {
          const Position at{x + (part % 5 - 2) / 5.0, y + (part / 5 - 2) / 5.0};
          const double radius = std::hypot(at.x - centre.x, at.y - centre.y) * pixel;
          if (radius < reach) visit(at, radius, static_cast<double>(counts.at(y, x)) / 25);
        }
      }
    }
  };
  Position centre = start;
  for (int step = 0; step < 10; ++step) {
    Position sum;
    double total = 0;
    each(centre, 13, [&](Position at, double, double share) {
      sum = {sum.x + at.x * share, sum.y + at.y * share};
      total += share;
    });
    if (total > 0) centre = {sum.x / total, sum.y / total};
  }
  double background = 0;
  double parts = 0;
  each(centre, 90, [&](Position, double radius, double share) {
    if (radius < 60) return;
    background += share;
    ++parts;
  });
  background /= std::max(parts, 1.0);
  const auto within = [&](double reach) {
    double total = 0;
    each(centre, reach, [&](Position, double, double share) { total += share - background; });
    return total;
  };
  Growth growth;
  growth.counts = within(whole);
  for (const double radius : radii) growth.energy.push_back(within(radius) / growth.counts);
  return growth;
}

/// The point about which an exposure map is round: the one whose rings, 1' wide, scatter least about their medians.
/// Looks at every fifth pixel of every fifth row, if it is above a tenth of the maximum.
inline Position axis_of(const Image& exposure, double pixel) {
  const float least = 0.1F * *std::ranges::max_element(exposure.pixels);
  std::vector<Position> places;
  std::vector<double> values;
  for (int row = 0; row < exposure.height; row += 5) {
    for (int column = 0; column < exposure.width; column += 5) {
      if (exposure.at(row, column) < least) continue;
      places.push_back({static_cast<double>(column), static_cast<double>(row)});
      values.push_back(static_cast<double>(exposure.at(row, column)));
    }
  }
  Position best;
  double least_scatter = -1;
  const auto scatter = [&](Position centre) {
    std::array<std::vector<double>, 20> rings;
    for (std::size_t i = 0; i < places.size(); ++i) {
      const double arcmin = std::hypot(places[i].x - centre.x, places[i].y - centre.y) * pixel / 60;
      if (arcmin < 20) rings[static_cast<std::size_t>(arcmin)].push_back(values[i]);
    }
    double sum = 0;
    for (const std::vector<double>& ring : rings) {
      const double middle = median(ring);
      for (const double value : ring) sum += std::abs(value - middle);
    }
    return sum;
  };
  const Position middle{(exposure.width - 1) / 2.0, (exposure.height - 1) / 2.0};
  const double reach = 180 / pixel;
  for (const double step : {reach / 4, reach / 16}) {
    const Position about = least_scatter < 0 ? middle : best;
    for (int i = -4; i <= 4; ++i) {
      for (int j = -4; j <= 4; ++j) {
        const Position centre{about.x + step * i, about.y + step * j};
        const double found = scatter(centre);
        if (least_scatter >= 0 && found >= least_scatter) continue;
        least_scatter = found;
        best = centre;
      }
    }
  }
  return best;
}

/// Noise of a plate: deviation over level, and correlation of pixels 1 to 5 apart.
struct Grain {
  double sigma = 0;
  std::array<double, 5> correlation{};
};

namespace detail {

/// Grain of one square patch after a plane is taken off and stars are clipped at 3 deviations; `clipped` tells their
/// share.
inline Grain patch_grain(const Image& plate, int top, int left, int side, double& clipped) {
  const auto n = static_cast<std::size_t>(side);
  std::vector<double> rest(n * n);
  std::vector<char> good(n * n, 1);
  const auto at = [&](int row, int column) {
    return static_cast<std::size_t>(row) * n + static_cast<std::size_t>(column);
  };
  double level = 0;
  double deviation = 0;
  for (int pass = 0; pass < 5; ++pass) {
    // The axes of a full square are orthogonal; clipped pixels are few.
    double count = 0, sum = 0, along_x = 0, along_y = 0, square = 0;
    const auto each = [&](const auto& visit) {
      for (int row = 0; row < side; ++row) {
        for (int column = 0; column < side; ++column) {
          visit(at(row, column), column - (side - 1) / 2.0, row - (side - 1) / 2.0,
                static_cast<double>(plate.at(top + row, left + column)));
        }
      }
    };
    each([&](std::size_t i, double x, double y, double value) {
      if (good[i] == 0) return;
      ++count;
      sum += value;
      along_x += x * (value - level);
      along_y += y * (value - level);
      square += x * x;
    });
    level = sum / count;
    double squares = 0;
    each([&](std::size_t i, double x, double y, double value) {
      rest[i] = value - level - (pass > 0 ? (along_x * x + along_y * y) / square : 0);
      if (good[i] != 0) squares += rest[i] * rest[i];
    });
    deviation = std::sqrt(squares / count);
    if (pass > 0)
      std::ranges::transform(rest, good.begin(), [&](double r) { return std::abs(r) < 3 * deviation ? 1 : 0; });
    clipped = 1 - static_cast<double>(std::ranges::count(good, 1)) / static_cast<double>(n * n);
  }
  Grain grain{deviation / level};
  for (int lag = 1; lag <= 5; ++lag) {
    double sum = 0;
    double pairs = 0;
    for (int row = 0; row < side; ++row) {
      for (int column = 0; column + lag < side; ++column) {
        for (const auto& [a, b] :
             {std::pair{at(row, column), at(row, column + lag)}, std::pair{at(column, row), at(column + lag, row)}}) {
          if (good[a] == 0 || good[b] == 0) continue;
          sum += rest[a] * rest[b];
          ++pairs;
        }
      }
    }
    grain.correlation[static_cast<std::size_t>(lag - 1)] = sum / pairs / (deviation * deviation);
  }
  return grain;
}

}  // namespace detail

/// Median grain of the emptiest quarter of a plate's patches of 48 x 48 pixels.
inline Grain plate_grain(const Image& plate) {
  constexpr int side = 48;
  struct Patch {
    double clipped;
    Grain grain;
  };
  std::vector<Patch> patches;
  for (int top = 0; top + side <= plate.height; top += side) {
    for (int left = 0; left + side <= plate.width; left += side) {
      Patch patch{};
      patch.grain = detail::patch_grain(plate, top, left, side, patch.clipped);
      patches.push_back(patch);
    }
  }
  std::ranges::sort(patches, {}, [](const Patch& patch) { return patch.clipped + patch.grain.sigma; });
  patches.resize((patches.size() + 3) / 4);
  const auto middle = [&](const auto& value) {
    std::vector<double> values;
    for (const Patch& patch : patches) values.push_back(value(patch.grain));
    return median(std::move(values));
  };
  Grain grain{middle([](const Grain& g) { return g.sigma; })};
  for (std::size_t lag = 0; lag < 5; ++lag) {
    grain.correlation[lag] = middle([&](const Grain& g) { return g.correlation[lag]; });
  }
  return grain;
}

}  // namespace abell::sky

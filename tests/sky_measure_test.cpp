#include <abell/core/random.hpp>
#include <abell/sky/measure.hpp>
#include <abell/sky/optical.hpp>
#include <abell/sky/xray.hpp>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "catch.hpp"

using namespace abell;
using namespace abell::sky;

namespace {

Random stream(std::uint32_t number) { return Random(12, {Purpose::user, 0, number}); }

}  // namespace

TEST_CASE("Kolmogorov-Smirnov distances of known samples", "[sky]") {
  CHECK(ks_distance({1, 2, 3, 4}, {1, 2, 3, 4}) == 0);
  CHECK(ks_distance({1, 2}, {3, 4, 5}) == 1);
  CHECK(ks_distance({1, 2, 3, 4}, {3, 4, 5, 6}) == Approx(0.5));
  CHECK(ks_distance({4, 1, 3, 2}, {2.5}) == Approx(0.5));
  CHECK(median({3, 1, 2}) == 2);
  CHECK(median({}) == 0);
}

TEST_CASE("The curve of growth finds a source and takes its background off", "[sky]") {
  constexpr double pixel = 4;
  const std::vector<double> radii{8, 16, 24};
  constexpr double sigma = 8;  // arcsec
  Image image(101, 101, 1);
  const Position centre{52.3, 48.6};
  for (int row = 0; row < 101; ++row) {
    for (int column = 0; column < 101; ++column) {
      const double r = std::hypot(column - centre.x, row - centre.y) * pixel;
      image.at(row, column) = static_cast<float>(3 + 50 * std::exp(-0.5 * r * r / (sigma * sigma)));
    }
  }
  const Growth growth = curve_of_growth(image, {51, 50}, pixel, radii);
  const double total = 50 * 2 * std::numbers::pi * sigma * sigma / (pixel * pixel);
  CHECK(growth.counts == Approx(total).epsilon(0.01));
  for (std::size_t i = 0; i < radii.size(); ++i) {
    CHECK(growth.energy[i] == Approx(1 - std::exp(-0.5 * std::pow(radii[i] / sigma, 2))).margin(0.015));
  }
}

TEST_CASE("The axis of an exposure map is found beside its centre", "[sky]") {
  constexpr double pixel = 6;
  Image map(301, 301, 1);
  const Position axis{162, 141};
  for (int row = 0; row < 301; ++row) {
    for (int column = 0; column < 301; ++column) {
      if (column % 40 == 0) continue;  // gaps
      const double arcmin = std::hypot(column - axis.x, row - axis.y) * pixel / 60;
      if (arcmin < 14) map.at(row, column) = static_cast<float>(9000 * vignetting(arcmin));
    }
  }
  const Position found = axis_of(map, pixel);
  CHECK(found.x == Approx(axis.x).margin(2));
  CHECK(found.y == Approx(axis.y).margin(2));
}

TEST_CASE("Grain is measured beside stars and on slopes", "[sky]") {
  Random random = stream(1);
  constexpr int side = 192;
  Image plate(side, side, 1);
  std::vector<double> white(std::size_t{side + 1} * side);
  for (double& value : white) value = random.normal();
  for (int row = 0; row < side; ++row) {
    for (int column = 0; column < side; ++column) {
      // The mean of a pixel and the one below: correlation 1/2 along columns, 0 along rows.
      const auto i = static_cast<std::size_t>(row * side + column);
      const double noise = 200 * (white[i] + white[i + side]) / std::sqrt(2.0);
      plate.at(row, column) = static_cast<float>(4000 + 3 * row - 2 * column + noise);
    }
  }
  for (int star = 0; star < 30; ++star) {
    const auto row = static_cast<int>(random.below(side));
    plate.at(row, static_cast<int>(random.below(side))) += 5000;
  }
  const Grain grain = plate_grain(plate);
  CHECK(grain.sigma == Approx(0.0485).epsilon(0.08));
  CHECK(grain.correlation[0] == Approx(0.25).margin(0.04));
  for (std::size_t lag = 1; lag < 5; ++lag) CHECK(std::abs(grain.correlation[lag]) < 0.05);
}

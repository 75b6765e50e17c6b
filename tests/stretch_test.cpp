/// Intervals, stretches and Lupton colours against astropy (make_stretch.py), and what they refuse.

#include <abell/images/lupton.hpp>
#include <abell/images/stretch.hpp>
#include <cmath>
#include <limits>

#include "catch.hpp"
#include "error_message.hpp"
#include "npy.hpp"

using abell::Limits;
using abell::OptionError;
using abell::PixelInterval;
using abell::Stretch;
using abell::testing::Npy;
using abell::testing::read_npy;
using Catch::Matchers::Contains;

namespace {

/// In the order of INTERVALS, STRETCHES and LUPTON of the script.
const std::vector<std::string> intervals{"minmax",        "manual:-1.5:40.25", "percentile:99.5",
                                         "percentile:50", "percentile:2:99.5", "percentile:0:100",
                                         "zscale",        "zscale:0.5",        "zscale:1"};
const std::vector<std::string> stretches{"linear",     "sqrt",    "log",     "log:10",   "asinh",
                                         "asinh:0.01", "asinh:1", "power:2", "power:0.3"};
const std::vector<std::pair<double, abell::Lupton>> colours{{0, {}}, {2, {0.5, 8}}, {0, {20, 0}}, {-3, {100, 30}}};

std::vector<float> floats(const Npy& array) { return {array.values.begin(), array.values.end()}; }
std::vector<float> image(std::size_t k) { return floats(read_npy("stretch_image_" + std::to_string(k))); }

}  // namespace

TEST_CASE("intervals are astropy's", "[images][stretch]") {
  const Npy limits = read_npy("stretch_limits");
  REQUIRE(limits.dimensions == std::vector<int>{6, static_cast<int>(intervals.size()), 2});
  for (std::size_t k = 0; k < 6; ++k) {
    for (std::size_t i = 0; i < intervals.size(); ++i) {
      INFO("image " << k << ", " << intervals[i]);
      const Limits found = limits_of(image(k), abell::parse_interval(intervals[i]), "image");
      const double* expected = limits.values.data() + (k * intervals.size() + i) * 2;
      CHECK(found.low == Approx(expected[0]).epsilon(1e-9).margin(1e-9));
      CHECK(found.high == Approx(expected[1]).epsilon(1e-9).margin(1e-9));
    }
  }
}

TEST_CASE("stretches are astropy's, and keep 0 and 1", "[images][stretch]") {
  const Npy positions = read_npy("stretch_positions"), curves = read_npy("stretch_curves");
  const std::size_t count = positions.values.size();
  REQUIRE(curves.values.size() == stretches.size() * count);
  for (std::size_t s = 0; s < stretches.size(); ++s) {
    INFO(stretches[s]);
    const Stretch stretch = abell::parse_stretch(stretches[s]);
    CHECK(stretch(0) == 0);
    CHECK(stretch(1) == Approx(1).epsilon(1e-12));
    double worst = 0;
    for (std::size_t i = 0; i < count; ++i) {
      worst = std::max(worst, std::abs(stretch(positions.values[i]) - curves.values[s * count + i]));
    }
    CHECK(worst < 1e-12);
  }
}

TEST_CASE("whole images are astropy's to 1e-6, and NaN stays NaN", "[images][stretch]") {
  const Npy golden = read_npy("stretch_normalised");
  const std::vector<std::pair<std::string, std::string>> ways{{"percentile:2:99.5", "asinh:0.05"},
                                                              {"zscale", "log:300"}};
  for (std::size_t way = 0; way < ways.size(); ++way) {
    std::vector<float> values = image(0);
    normalise(values, limits_of(values, abell::parse_interval(ways[way].first), "sky"),
              abell::parse_stretch(ways[way].second));
    std::size_t missing = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double expected = golden.values[way * values.size() + i];
      REQUIRE(std::isnan(values[i]) == std::isnan(expected));
      missing += std::isnan(expected);
      if (!std::isnan(expected)) REQUIRE(std::abs(static_cast<double>(values[i]) - expected) < 1e-6);
    }
    CHECK(missing == 11);
  }
}

TEST_CASE("limits of no width: a constant image becomes 0, counts above them 1", "[images][stretch]") {
  for (const char* interval : {"minmax", "zscale", "percentile:90"}) {
    std::vector<float> flat(40, 3.5F);
    normalise(flat, limits_of(flat, abell::parse_interval(interval), "flat"), {});
    CHECK(flat == std::vector<float>(40, 0));
  }
  std::vector<float> counts(40);
  counts[7] = 2;
  normalise(counts, limits_of(counts, abell::parse_interval("percentile:50"), "counts"), {});
  CHECK(counts[7] == 1);
  CHECK(counts[8] == 0);
  const std::vector<float> nothing(5, std::numeric_limits<float>::quiet_NaN());
  for (const char* interval : {"minmax", "zscale", "percentile:90", "manual:0:1"}) {
    CHECK_THROWS_WITH(limits_of(nothing, abell::parse_interval(interval), "dark.fits"), Contains("dark.fits"));
  }
}

TEST_CASE("Lupton colours are make_lupton_rgb's", "[images][stretch]") {
  const Npy bands = read_npy("stretch_bands"), golden = read_npy("stretch_lupton");
  const int height = bands.dimensions[1], width = bands.dimensions[2];
  for (std::size_t option = 0; option < colours.size(); ++option) {
    abell::Image rgb(height, width, 3);
    for (std::size_t p = 0; p < rgb.pixel_count(); ++p) {
      for (std::size_t c = 0; c < 3; ++c)
        rgb.pixels[3 * p + c] = static_cast<float>(bands.values[c * rgb.pixel_count() + p]);
    }
    lupton_rgb(rgb, colours[option].second, colours[option].first);
    int ties = 0;
    for (std::size_t i = 0; i < rgb.pixels.size(); ++i) {
      // astropy cuts to whole bytes: right at one, rounding decides.
      const double value = static_cast<double>(rgb.pixels[i]);
      const double expected = golden.values[option * rgb.pixels.size() + i];
      const bool tie = std::abs(value - std::round(value)) < 1e-4 && value > 0;
      ties += tie;
      if (tie) REQUIRE(std::abs(value - expected) <= 1 + 1e-4);
      if (!tie) REQUIRE(std::floor(value) == expected);
    }
    CHECK(ties < static_cast<int>(rgb.pixels.size() / 4));
  }
  abell::Image grey(2, 2, 1);
  CHECK_THROWS_AS(lupton_rgb(grey, {}), abell::ShapeError);
}

TEST_CASE("choices are written as they are read, with all their numbers", "[images][stretch]") {
  for (const std::string& text : intervals) {
    const PixelInterval interval = abell::parse_interval(text);
    CHECK(abell::parse_interval(to_text(interval)) == interval);
  }
  for (const std::string& text : stretches) {
    const Stretch stretch = abell::parse_stretch(text);
    CHECK(abell::parse_stretch(to_text(stretch)) == stretch);
  }
  CHECK(to_text(abell::parse_interval("percentile:99.5")) == "percentile:0.25:99.75");
  CHECK(to_text(abell::parse_interval("zscale")) == "zscale:0.25");
  CHECK(to_text(abell::parse_interval("file")) == "file");
  CHECK(to_text(abell::parse_stretch("asinh")) == "asinh:0.1");
  CHECK(to_text(abell::parse_combine("lupton:0.2")) == "lupton:0.2:8");
  CHECK(to_text(abell::parse_combine("channels")) == "channels");

  for (const char* text : {"", "mean", "minmax:1", "manual:3", "manual:3:3", "manual:4:3", "percentile", "percentile:0",
                           "percentile:101", "percentile:60:40", "percentile:1:2:3", "percentile:x",
                           "percentile:", "percentile:nan", "zscale:0", "zscale:2", "Zscale"}) {
    INFO(text);
    CHECK_THROWS_WITH(abell::parse_interval(text), Contains("interval: expected"));
  }
  for (const char* text : {"", "gamma", "linear:1", "sqrt:2", "log:0", "log:-1", "asinh:0", "asinh:1.5", "power",
                           "power:0", "power:1e", "asinh:0.1:2"}) {
    INFO(text);
    CHECK_THROWS_WITH(abell::parse_stretch(text), Contains("stretch: expected"));
  }
  for (const char* text : {"", "rgb", "channels:1", "lupton:0", "lupton:1:-1"}) {
    INFO(text);
    CHECK_THROWS_AS(abell::parse_combine(text), OptionError);
  }
}

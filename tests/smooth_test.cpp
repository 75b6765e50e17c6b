/// Smoothing, filters and exposure maps against their definitions written out.

#include <abell/core/random.hpp>
#include <abell/images/bands.hpp>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "catch.hpp"
#include "error_message.hpp"

using abell::FormatError;
using abell::Image;
using abell::OptionError;
using abell::Random;
using Catch::Matchers::Contains;

namespace {

constexpr float missing = std::numeric_limits<float>::quiet_NaN();

/// Poisson counts of expectation `mean(row, column)`.
template <class Mean>
Image poisson(int height, int width, std::uint64_t seed, Mean mean) {
  Image image(height, width, 1);
  Random random(seed);
  for (int row = 0; row < height; ++row) {
    for (int column = 0; column < width; ++column)
      image.at(row, column) = static_cast<float>(random.poisson(mean(row, column)));
  }
  return image;
}

void mask(Image& image, int row, int column) {
  image.mask.resize(image.pixel_count());
  image.mask[image.index(row, column)] = 1;
  image.at(row, column) = missing;
}

std::vector<float> ones(const Image& image) { return std::vector<float>(image.pixel_count(), 1.0F); }

/// Sum of kernel(distance) x counts over sum of kernel x weights, pixel by pixel.
template <class Kernel>
double naive(const Image& image, const std::vector<float>& weights, int row, int column, Kernel kernel) {
  double counts = 0, seen = 0;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const std::size_t at = image.index(y, x);
      if (!image.mask.empty() && image.mask[at] != 0) continue;
      const double k = kernel(y - row, x - column);
      counts += k * static_cast<double>(image.pixels[at]);
      seen += k * static_cast<double>(weights[at]);
    }
  }
  return counts / seen;
}

}  // namespace

TEST_CASE("Gaussian smoothing is a normalised convolution, with mask and exposure", "[images][smooth]") {
  Image image = poisson(19, 23, 1, [](int row, int) { return 1.0 + row; });
  mask(image, 0, 0);
  mask(image, 9, 11);
  std::vector<float> weights(image.pixel_count());
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = 100 + static_cast<float>(i % 7);
  Image smoothed = image;
  smooth(smoothed, weights, abell::parse_smoothing("gaussian:1.7"));
  const double cut = std::ceil(4 * 1.7);
  const auto kernel = [&](int y, int x) {
    return std::abs(y) > cut || std::abs(x) > cut ? 0.0 : std::exp(-0.5 * (y * y + x * x) / (1.7 * 1.7));
  };
  for (int row = 0; row < image.height; ++row) {
    for (int column = 0; column < image.width; ++column) {
      if (image.mask[image.index(row, column)] != 0) {
        CHECK(std::isnan(smoothed.at(row, column)));
      } else {
        CHECK(smoothed.at(row, column) == Approx(naive(image, weights, row, column, kernel)).epsilon(1e-6));
      }
    }
  }
}

TEST_CASE("adaptive smoothing takes the smallest disc with enough counts", "[images][smooth]") {
  Image image = poisson(24, 31, 2, [](int row, int column) { return row < 12 && column < 15 ? 4.0 : 0.2; });
  mask(image, 5, 5);
  std::vector<float> weights(image.pixel_count());
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = 2 + static_cast<float>(i % 5);
  for (const double least : {1.0, 25.0, 1e6}) {
    Image smoothed = image;
    smooth(smoothed, weights, {abell::Smoothing::Kind::adaptive, least, 0});
    for (int row = 0; row < image.height; ++row) {
      for (int column = 0; column < image.width; ++column) {
        if (image.mask[image.index(row, column)] != 0) continue;
        int radius = 0;
        const auto disc = [&](int y, int x) { return y * y + x * x <= radius * radius ? 1.0 : 0.0; };
        const auto counts = [&] {
          double sum = 0;
          for (int y = 0; y < image.height; ++y) {
            for (int x = 0; x < image.width; ++x) {
              if (image.mask[image.index(y, x)] == 0)
                sum += disc(y - row, x - column) * static_cast<double>(image.at(y, x));
            }
          }
          return sum;
        };
        while (radius < 60 && counts() < least) ++radius;
        const double expected = naive(image, weights, row, column, disc);
        if (!(smoothed.at(row, column) == Approx(expected).epsilon(1e-6))) {
          FAIL(least << " counts at " << row << ", " << column << ": expected " << expected << ", found "
                     << smoothed.at(row, column));
        }
      }
    }
  }
}

TEST_CASE("a constant rate stays constant under every smoothing, whatever mask and exposure", "[images][smooth]") {
  Image counts(40, 50, 1), map(40, 50, 1);
  for (int row = 0; row < 40; ++row) {
    for (int column = 0; column < 50; ++column) {
      map.at(row, column) = row == 20 ? 0 : column < 25 ? 1000 : 400 + static_cast<float>(column);
      counts.at(row, column) = 0.02F * map.at(row, column);
    }
  }
  for (const char* text : {"none", "gaussian:3", "adaptive:30", "wavelet"}) {
    INFO(text);
    Image rate = counts;
    const auto weights = abell::exposure_weights(rate, map, 0.1, "counts", "map");
    smooth(rate, weights, abell::parse_smoothing(text));
    for (int row = 0; row < 40; ++row) {
      for (int column = 0; column < 50; ++column) {
        if (row == 20) REQUIRE(std::isnan(rate.at(row, column)));
        if (row != 20) REQUIRE(rate.at(row, column) == Approx(0.02).epsilon(1e-4));
      }
    }
  }
}

TEST_CASE("the negative values of interpolated mosaics are smoothed like others", "[images][smooth]") {
  Image image(1, 5, 1);
  image.pixels = {-1, 3, 1, -0.5F, 4};
  Image smoothed = image;
  smooth(smoothed, ones(image), abell::parse_smoothing("adaptive:3"));
  CHECK(smoothed.pixels == std::vector<float>{1, 3, static_cast<float>(3.5 / 3), 1.5F, 4});
  smooth(image, ones(image), abell::parse_smoothing("wavelet:2:2"));
  CHECK(std::ranges::all_of(image.pixels, [](float value) { return value >= 0 && std::isfinite(value); }));
}

TEST_CASE("an empty sky has as many significant details as Gaussian noise, or fewer", "[images][smooth]") {
  // Above 3 standard deviations lie 0.00135 of a normal distribution.
  for (const double mean : {0.05, 0.5, 5.0}) {
    const Image sky = poisson(192, 192, 3, [&](int, int) { return mean; });
    const std::vector<double> counts(sky.pixels.begin(), sky.pixels.end());
    const abell::detail::PoissonWavelet wavelet(std::vector<double>(counts.size(), 1.0), 192, 192, 3);
    const auto found = wavelet.significant(counts, 3);
    for (std::size_t scale = 1; scale <= 3; ++scale) {
      INFO("mean " << mean << ", scale " << scale);
      const double share =
          static_cast<double>(std::ranges::count(found[scale], 1)) / static_cast<double>(counts.size());
      CHECK(share < 0.002);
      if (mean == 5) CHECK(share > 0.0003);
    }
  }
}

TEST_CASE("the wavelet keeps the counts of a source and removes its noise", "[images][smooth]") {
  // 400 counts on a faint sky.
  const auto mean = [](int row, int column) {
    const double r2 = (row - 64) * (row - 64) + (column - 60) * (column - 60);
    return 0.1 + 400 / (2 * 3.14159265 * 9) * std::exp(-r2 / 18);
  };
  const Image image = poisson(128, 128, 4, mean);
  Image clean = image;
  smooth(clean, ones(image), abell::parse_smoothing("wavelet:4:4"));
  const auto sum = [](const Image& of, int reach) {
    double all = 0;
    for (int row = 64 - reach; row <= 64 + reach; ++row) {
      for (int column = 60 - reach; column <= 60 + reach; ++column) all += static_cast<double>(of.at(row, column));
    }
    return all;
  };
  // Closer than the Poisson error of the source itself, 4.6 %.
  CHECK(sum(clean, 12) == Approx(sum(image, 12)).epsilon(0.04));
  double worst = 0, noise = 0;
  for (int row = 64 - 9; row <= 64 + 9; ++row) {
    for (int column = 60 - 9; column <= 60 + 9; ++column) {
      worst += std::pow(static_cast<double>(clean.at(row, column)) - mean(row, column), 2);
      noise += std::pow(static_cast<double>(image.at(row, column)) - mean(row, column), 2);
    }
  }
  CHECK(worst < noise / 5);
  CHECK(*std::ranges::min_element(clean.pixels) >= 0);
}

TEST_CASE("Anscombe's transform is scale 0, and the thresholds are the noise of flat fields", "[images][smooth]") {
  const auto scales = abell::detail::wavelet_scales(4);
  CHECK(scales[0].offset == Approx(3.0 / 8));
  // The standard deviation of sqrt(a_{j-1} + c) - sqrt(a_j + c') measured on a bright flat field.
  const Image sky = poisson(160, 160, 5, [](int, int) { return 40.0; });
  std::vector<double> fine(sky.pixels.begin(), sky.pixels.end()), coarse = fine;
  for (int scale = 1; scale <= 3; ++scale) {
    abell::detail::filter_separably(coarse, 160, 160, abell::detail::spline_taps(scale));
    double squares = 0;
    int count = 0;
    for (int row = 32; row < 128; ++row) {
      for (int column = 32; column < 128; ++column) {
        const std::size_t at = sky.index(row, column);
        const auto& c = scales[static_cast<std::size_t>(scale)];
        squares += std::pow(
            std::sqrt(fine[at] + scales[static_cast<std::size_t>(scale) - 1].offset) - std::sqrt(coarse[at] + c.offset),
            2);
        ++count;
      }
    }
    INFO("scale " << scale);
    CHECK(std::sqrt(squares / count) == Approx(scales[static_cast<std::size_t>(scale)].sigma).epsilon(0.1));
    fine = coarse;
  }
}

TEST_CASE("the four filters of the slides", "[images][smooth]") {
  Image image(5, 6, 1);
  for (int row = 0; row < 5; ++row) {
    for (int column = 0; column < 6; ++column) image.at(row, column) = static_cast<float>(3 * column * column - row);
  }
  const auto at = [&](const char* name, int row, int column) {
    Image filtered = image;
    apply_filter(filtered, abell::parse_filter(name));
    return filtered.at(row, column);
  };
  CHECK(at("identity", 2, 3) == image.at(2, 3));
  CHECK(at("sobel-x", 2, 3) == 4 * (image.at(2, 4) - image.at(2, 2)));
  CHECK(at("sobel-y", 2, 3) == 4 * (image.at(1, 3) - image.at(3, 3)));
  CHECK(at("edge", 2, 3) == -18);  // three times minus the second difference, 6
  // A flat image has no edge, at its borders and around a masked pixel neither.
  image.pixels.assign(30, 4);
  mask(image, 2, 2);
  for (const char* name : {"sobel-x", "sobel-y", "edge"}) {
    Image filtered = image;
    apply_filter(filtered, abell::parse_filter(name));
    for (std::size_t i = 0; i < 30; ++i) {
      if (image.mask[i] != 0) REQUIRE(std::isnan(filtered.pixels[i]));
      if (image.mask[i] == 0) REQUIRE(filtered.pixels[i] == 0);
    }
  }
}

TEST_CASE("exposure maps that do not fit, and pixels that were hardly seen", "[images][smooth]") {
  Image counts(2, 3, 1), map(2, 3, 1);
  counts.pixels = {1, 2, 3, 4, 5, 6};
  map.pixels = {100, 9, 10, missing, 0, -1};
  Image rate = counts;
  const auto weights = abell::exposure_weights(rate, map, 0.1, "c.fits", "e.fits");
  CHECK(rate.mask == std::vector<std::uint8_t>{0, 1, 0, 1, 1, 1});
  smooth(rate, weights, {});
  CHECK(rate.pixels[0] == Approx(0.01));
  CHECK(rate.pixels[2] == Approx(0.3));
  CHECK_THROWS_WITH(abell::exposure_weights(rate, Image(3, 2, 1), 0.1, "c.fits", "e.fits"),
                    Contains("e.fits") && Contains("c.fits, 3 x 2") && Contains("found 2 x 3"));
  CHECK_THROWS_WITH(abell::exposure_weights(rate, Image(2, 3, 1), 0.1, "c.fits", "e.fits"),
                    Contains("e.fits: expected positive exposure"));
}

TEST_CASE("a band goes from its file's values to 0..255", "[images][smooth]") {
  Image image(1, 4, 1);
  image.pixels = {-2, missing, 8, 3};
  image.mask = {0, 1, 0, 0};
  abell::Band band;
  Image fits = image;
  prepare_band(fits, band, {}, true, "a.fits");
  CHECK(fits.pixels[0] == 0);
  CHECK(std::isnan(fits.pixels[1]));
  CHECK(fits.pixels[2] == 255);
  CHECK(fits.pixels[3] == 127.5F);
  Image png = image;
  prepare_band(png, band, {}, false, "a.png");
  CHECK(png.pixels[2] == Approx(8));
  band.stretch = abell::parse_stretch("sqrt");
  prepare_band(image, band, {}, true, "a.fits");
  CHECK(image.pixels[3] == Approx(255 * std::sqrt(0.5)));
  Image dark(2, 2, 1);
  dark.pixels.assign(4, missing);
  dark.mask.assign(4, 1);
  for (const char* text : {"none", "gaussian:1", "adaptive:5", "wavelet"}) {
    Image copy = dark;
    band.smoothing = abell::parse_smoothing(text);
    CHECK_THROWS_WITH(prepare_band(copy, band, {}, true, "dark.fits"), Contains("dark.fits: expected pixels"));
  }
}

TEST_CASE("smoothings, filters and corrections are written as they are read", "[images][smooth]") {
  for (const char* text : {"none", "gaussian:2.5", "adaptive:25", "gaussian:6as", "wavelet:4:5", "wavelet:3:1"})
    CHECK(to_text(abell::parse_smoothing(text)) == text);
  CHECK(to_text(abell::parse_smoothing("wavelet")) == "wavelet:4:5");
  for (const char* text : {"identity", "sobel-x", "sobel-y", "edge"}) CHECK(to_text(abell::parse_filter(text)) == text);
  for (const char* text : {"none", "divide:0.25"}) CHECK(to_text(abell::parse_exposure(text)) == text);
  CHECK(to_text(abell::parse_exposure("divide")) == "divide:0.1");
  for (const char* text : {"", "gaussian", "gaussian:0", "gaussian:1:2", "adaptive", "adaptive:0", "adaptive:-3",
                           "wavelet:0", "wavelet:4:0", "wavelet:4:2.5", "wavelet:4:11", "wavelet:4:5:6", "median"}) {
    INFO(text);
    CHECK_THROWS_WITH(abell::parse_smoothing(text), Contains("smooth: expected"));
  }
  for (const char* text : {"", "divide:1", "divide:-0.1", "divide:a", "multiply", "none:1"})
    CHECK_THROWS_AS(abell::parse_exposure(text), OptionError);
  CHECK_THROWS_AS(abell::parse_filter("laplace"), OptionError);
}

#pragma once
/// The same measures on real files and on simulations of them: XMM-Newton observations of Abell 907, two plates of the
/// Digitized Sky Survey, the eFEDS and MCXC catalogues.

#include <abell/core/error.hpp>
#include <abell/core/random.hpp>
#include <abell/data/table.hpp>
#include <abell/images/fits.hpp>
#include <abell/sky/measure.hpp>
#include <abell/sky/simulate.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "../common/stopping.hpp"

namespace abell::program {

inline constexpr double real_pixel = 4.35;  ///< arcsec
inline constexpr std::array<const char*, 3> real_observations{"0201901401", "0201903501", "0404910601"};
inline constexpr std::size_t quiet_observations = 2;  ///< the third suffers from flares
inline constexpr std::array<const char*, 3> real_cameras{"pn", "mos1", "mos2"};

/// A source of the list beside an observation.
struct RealSource {
  sky::Position at;   ///< pixels from 0
  double radius = 0;  ///< arcsec, the longer one
  bool extended = false;
};

/// One camera's view of an observation.
struct RealView {
  sky::Camera camera;
  Image counts;
  Image exposure;
  double seconds = 0;  ///< greatest exposure, on axis
  sky::Position axis;  ///< pixels from 0
};

struct RealObservation {
  std::vector<RealSource> sources;
  std::vector<RealView> views;
};

/// Ellipses of a DS9 file in image coordinates, green ones extended.
inline std::vector<RealSource> read_real_sources(const std::filesystem::path& path) {
  std::ifstream file(path);
  if (!file) throw IoError(path.string() + ": cannot be read");
  std::vector<RealSource> sources;
  for (std::string line; std::getline(file, line);) {
    double x = 0, y = 0, a = 0, b = 0;
    if (std::sscanf(line.c_str(), "image ; ellipse(%lf,%lf,%lf,%lf", &x, &y, &a, &b) != 4) continue;
    const bool extended = line.find("green") != std::string::npos;
    sources.push_back({{x - 1, y - 1}, std::max(a, b) * real_pixel, extended});
  }
  if (sources.empty()) throw FormatError(path.string() + ": expected ellipses in image coordinates, found none");
  return sources;
}

inline std::vector<RealObservation> read_observations(const std::filesystem::path& folder) {
  std::vector<RealObservation> observations;
  for (const std::string id : real_observations) {
    RealObservation observation;
    observation.sources = read_real_sources(folder / (id + "_sources.reg"));
    for (const std::string name : real_cameras) {
      stop_if_interrupted();
      const auto image = [&](const char* kind) {
        return read_fits(folder / (id + "_" + name + "_exp1-0.50-2.00keV" + kind + ".fits.gz"));
      };
      RealView view{name == "pn" ? sky::pn : sky::mos, image("img"), image("expmap"), 0, {}};
      view.seconds = static_cast<double>(*std::ranges::max_element(view.exposure.pixels));
      view.axis = sky::axis_of(view.exposure, real_pixel);
      observation.views.push_back(std::move(view));
    }
    observations.push_back(std::move(observation));
  }
  return observations;
}

/// A scan of a plate.
struct RealPlate {
  std::string file;    ///< its name without folder
  std::string survey;  ///< of the sky
  Image scan;
};

/// All that the simulator is compared with.
struct RealSky {
  std::vector<RealObservation> observations;
  std::vector<RealPlate> plates;
  std::vector<double> redshifts, fluxes;  ///< of eFEDS
};

/// The positive values of a column of numbers.
inline std::vector<double> positive_column(const Table& table, const char* name) {
  const std::size_t column = table.column(name);
  std::vector<double> values;
  for (const auto& row : table.rows) {
    const double value = std::strtod(row[column].c_str(), nullptr);
    if (value > 0) values.push_back(value);
  }
  return values;
}

/// Throws IoError and FormatError.
inline RealSky read_real_sky(const std::filesystem::path& data) {
  const Table efeds = read_csv(data / "catalogues" / "efeds_xray_cluster_candidates.csv");
  RealSky real{{}, {}, positive_column(efeds, "z"), positive_column(efeds, "F_500kpc")};
  for (const auto& [file, survey] : {std::pair{"HorseHead.fits", "DSS2"}, std::pair{"M6707HH.fits", "POSS-I"}}) {
    real.plates.push_back({file, survey, read_fits(data / "dss_plates" / file)});
  }
  real.observations = read_observations(data / "xga_xmm_clusters");
  return real;
}

/// Exposure `arcmin` off axis over that at 0.5': medians over rings 0.5' wide, far from gaps.
inline double real_vignetting(const RealView& view, double arcmin) {
  const Image& map = view.exposure;
  std::vector<double> ring;
  std::vector<double> middle;
  for (int row = 2; row < map.height - 2; ++row) {
    for (int column = 2; column < map.width - 2; ++column) {
      const double radius = std::hypot(column - view.axis.x, row - view.axis.y) * real_pixel / 60;
      const bool in_ring = std::abs(radius - arcmin) < 0.25;
      const bool in_middle = std::abs(radius - 0.5) < 0.25;
      if (!in_ring && !in_middle) continue;
      bool live = true;
      for (int i = 0; i < 25; ++i) {
        live = live && static_cast<double>(map.at(row + i / 5 - 2, column + i % 5 - 2)) > 0.1 * view.seconds;
      }
      if (live && in_ring) ring.push_back(static_cast<double>(map.at(row, column)));
      if (live && in_middle) middle.push_back(static_cast<double>(map.at(row, column)));
    }
  }
  return sky::median(std::move(ring)) / sky::median(std::move(middle));
}

/// Share of the area within 10' of the axis that gaps and bad columns leave dark.
inline double real_dark_share(const RealView& view) {
  double dark = 0;
  double all = 0;
  for (int row = 0; row < view.exposure.height; ++row) {
    for (int column = 0; column < view.exposure.width; ++column) {
      if (std::hypot(column - view.axis.x, row - view.axis.y) * real_pixel > 600) continue;
      ++all;
      dark += static_cast<double>(view.exposure.at(row, column)) < 0.05 * view.seconds ? 1 : 0;
    }
  }
  return dark / all;
}

/// The same over simulated observations.
inline double simulated_dark_share(std::uint64_t seed, const sky::Camera& camera) {
  Random random(seed, {Purpose::user, 3, 0});
  int dark = 0;
  constexpr int observations = 20;
  constexpr int points = 2000;
  for (int i = 0; i < observations; ++i) {
    sky::Observation observation = sky::draw_observation(random);
    sky::aim(observation, {});
    for (int point = 0; point < points; ++point) {
      const double radius = 600 * std::sqrt(random.uniform());
      const sky::Position at = sky::detail::polar(radius, sky::detail::any_angle(random));
      dark += sky::on_live_chip(camera, observation, sky::on_chips(observation, at)) ? 0 : 1;
    }
  }
  return dark / static_cast<double>(observations * points);
}

struct Background {
  double rate = 0;        ///< counts/s/arcmin2
  double dispersion = 0;  ///< variance over mean of the counts of a pixel, 1 for Poisson noise

  /// Of the sums over `pixels` of counts and of their squares.
  static Background of(double counts, double squares, double pixels, double pixel, double seconds) {
    const double mean = counts / pixels;
    return {mean / (pixel * pixel / 3600 * seconds), (squares / pixels - mean * mean) / mean};
  }
};

/// Background in the ring between two distances from the axis in arcmin, sources left out.
inline Background real_background(const RealObservation& observation, const RealView& view, double from, double to) {
  double counts = 0;
  double squares = 0;
  double pixels = 0;
  for (int row = 0; row < view.counts.height; ++row) {
    for (int column = 0; column < view.counts.width; ++column) {
      const double radius = std::hypot(column - view.axis.x, row - view.axis.y) * real_pixel / 60;
      if (radius < from || radius > to || static_cast<double>(view.exposure.at(row, column)) < 0.05 * view.seconds) {
        continue;
      }
      const bool free = std::ranges::none_of(observation.sources, [&](const RealSource& source) {
        const double apart = std::hypot(column - source.at.x, row - source.at.y) * real_pixel;
        return apart < (source.extended ? source.radius + 120 : 35);
      });
      if (!free) continue;
      const auto value = static_cast<double>(view.counts.at(row, column));
      counts += value;
      squares += value * value;
      ++pixels;
    }
  }
  return Background::of(counts, squares, pixels, real_pixel, view.seconds);
}

/// The same in simulated fields at the middle of the ring, without nuclei that the source lists would hold.
inline Background simulated_background(std::uint64_t seed, const sky::Camera& camera, double arcmin) {
  constexpr double listed = 6e-15;  // erg/cm2/s: about 20 counts in 8 ks of the three cameras off axis
  double counts = 0;
  double squares = 0;
  double pixels = 0;
  for (std::uint32_t field = 0; field < 24; ++field) {
    stop_if_interrupted();
    Random random(seed, {Purpose::user, 1, field});
    sky::Observation observation;
    observation.exposure = 8e3;
    observation.roll = sky::detail::any_angle(random);
    sky::aim(observation, sky::detail::polar(60 * arcmin, sky::detail::any_angle(random)));
    const std::vector<sky::XraySource> nuclei = sky::draw_nuclei(random);
    const sky::XrayImage image = sky::observe(random, observation, {}, nuclei, {&camera, 1});
    for (std::size_t pixel = 0; pixel < image.counts.size(); ++pixel) {
      const sky::Position at{
          (static_cast<double>(pixel % sky::xray_side) + 0.5) * sky::pixel_arcsec - sky::field_arcsec / 2,
          (static_cast<double>(pixel / sky::xray_side) + 0.5) * sky::pixel_arcsec - sky::field_arcsec / 2};
      const double off_axis = sky::off_axis_arcmin(observation, at);
      if (std::abs(off_axis - arcmin) > 1) continue;
      const double live =
          static_cast<double>(image.exposure[pixel]) / (sky::vignetting(off_axis) * observation.exposure);
      if (live < 0.99) continue;
      const bool free = std::ranges::none_of(nuclei, [&](const sky::XraySource& nucleus) {
        return nucleus.flux > listed && std::hypot(nucleus.at.x - at.x, nucleus.at.y - at.y) < 35;
      });
      if (!free) continue;
      const double value = image.counts[pixel];
      counts += value;
      squares += value * value;
      ++pixels;
    }
  }
  return Background::of(counts, squares, pixels, sky::pixel_arcsec, 8e3);
}

inline constexpr std::array<double, 5> growth_radii{6.5, 8.7, 13, 17.4, 26};

/// Mean curves of growth of real sources in all views, and of the same sources simulated.
struct GrowthPair {
  std::array<double, growth_radii.size()> real{};
  std::array<double, growth_radii.size()> simulated{};
  double counts = 0;  ///< real ones, all views
};

/// The isolated point sources of each observation by falling counts, from number `first` to `last`; weights are counts.
inline GrowthPair compare_growth(const std::vector<RealObservation>& observations, std::size_t first,
                                 std::size_t last) {
  GrowthPair pair;
  for (const RealObservation& observation : observations) {
    struct Bright {
      double counts;
      const RealSource* source;
    };
    std::vector<Bright> brights;
    for (const RealSource& source : observation.sources) {
      const bool lonely = std::ranges::none_of(observation.sources, [&](const RealSource& other) {
        const double apart = std::hypot(source.at.x - other.at.x, source.at.y - other.at.y) * real_pixel;
        return &other != &source && apart < (other.extended ? other.radius + 90 : 60);
      });
      if (source.extended || !lonely) continue;
      double counts = 0;
      for (const RealView& view : observation.views) {
        counts += sky::curve_of_growth(view.counts, source.at, real_pixel, {}).counts;
      }
      brights.push_back({counts, &source});
    }
    std::ranges::sort(brights, std::ranges::greater{}, &Bright::counts);
    for (std::size_t rank = first; rank <= last && rank < brights.size(); ++rank) {
      stop_if_interrupted();
      const sky::Position at = brights[rank].source->at;
      for (const RealView& view : observation.views) {
        const sky::Growth real = sky::curve_of_growth(view.counts, at, real_pixel, growth_radii);
        if (real.counts <= 0) continue;
        sky::Observation seen;
        seen.off_axis = {(at.x - view.axis.x) * real_pixel, (at.y - view.axis.y) * real_pixel};
        Image stamp(101, 101, 1);
        Random random(1, {Purpose::user, 2, static_cast<std::uint32_t>(rank)});
        constexpr int photons = 40000;
        for (int photon = 0; photon < photons; ++photon) {
          const sky::Position end = sky::scattered(random, seen, {});
          const auto column = static_cast<int>(std::floor(end.x / real_pixel + 50.5 + at.x - std::round(at.x)));
          const auto row = static_cast<int>(std::floor(end.y / real_pixel + 50.5 + at.y - std::round(at.y)));
          if (column >= 0 && row >= 0 && column < 101 && row < 101) ++stamp.at(row, column);
        }
        const sky::Growth simulated = sky::curve_of_growth(stamp, {50, 50}, real_pixel, growth_radii);
        for (std::size_t i = 0; i < growth_radii.size(); ++i) {
          pair.real[i] += real.energy[i] * real.counts;
          pair.simulated[i] += simulated.energy[i] * real.counts;
        }
        pair.counts += real.counts;
      }
    }
  }
  for (double& value : pair.real) value /= pair.counts;
  for (double& value : pair.simulated) value /= pair.counts;
  return pair;
}

}  // namespace abell::program

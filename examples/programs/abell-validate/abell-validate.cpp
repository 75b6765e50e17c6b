/// Holds the simulator against real data, and against numbers that would make its classes trivial to tell apart.

#include <abell/core/parallel.hpp>
#include <abell/metrics/roc.hpp>
#include <abell/report/gallery.hpp>
#include <abell/report/html.hpp>
#include <abell/report/line_plot.hpp>
#include <cstdio>
#include <limits>
#include <numeric>
#include <optional>

#include "../common/program.hpp"
#include "real_sky.hpp"

namespace {

namespace fs = std::filesystem;
using abell::sky::Candidate;

struct Options {
  fs::path real;
  fs::path out;
  int objects = 1000;
};

/// One line of the table. `real` is NaN for figures of the simulated set alone.
struct Comparison {
  std::string figure;
  double real;
  double simulated;
  double limit;  ///< of the difference, NaN where none is set
  bool relative = false;

  double difference() const {
    return std::isnan(real) ? simulated : simulated / (relative ? real : 1) - (relative ? 1 : real);
  }
  std::string verdict() const {
    if (std::isnan(limit)) return "";
    return std::abs(difference()) <= limit ? "within" : "MISSED";
  }
};

constexpr double none = std::numeric_limits<double>::quiet_NaN();

std::string text(const char* format, double value) {
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), format, value);
  return buffer.data();
}

/// Candidates of one seed without plates.
std::vector<Candidate> draw_set(int objects, const abell::program::CommonOptions& common) {
  std::vector<Candidate> set(static_cast<std::size_t>(objects));
  abell::program::ProgressBar bar("candidates", objects, common.quiet);
  int done = 0;
  abell::parallel_for(objects, abell::thread_count(common.threads), [&](int object, int) {
    if (abell::program::interrupted()) return;
    set[static_cast<std::size_t>(object)] = abell::sky::draw_candidate(common.seed, static_cast<std::uint32_t>(object));
#pragma omp critical(abell_validate_progress)
    bar.update(++done);
  });
  return set;
}

/// Areas under the ROC of single numbers, folded above 0.5.
void add_classifiers(const std::vector<Candidate>& set, std::vector<Comparison>& table) {
  std::vector<int> labels;
  for (const Candidate& candidate : set) labels.push_back(abell::sky::is_cluster(candidate.role.category) ? 1 : 0);
  const auto add = [&](const char* name, const auto& number) {
    std::vector<float> values;
    for (const Candidate& candidate : set) values.push_back(static_cast<float>(number(candidate)));
    const double area = abell::auc(values, labels).value_or(none);
    table.push_back({std::string("AUC of ") + name, none, std::max(area, 1 - area), 0.90});
  };
  add("total counts",
      [](const Candidate& c) { return std::accumulate(c.xray.counts.begin(), c.xray.counts.end(), 0L); });
  add("detection likelihood", [](const Candidate& c) { return c.detection.detection_likelihood; });
  add("fitted extent", [](const Candidate& c) { return c.detection.extent; });
  add("extent likelihood", [](const Candidate& c) { return c.detection.extent_likelihood; });
  add("number of galaxies", [](const Candidate& c) { return c.catalogue.visible_galaxies; });
  add("number of galaxies within 1'", [](const Candidate& c) {
    return std::ranges::count_if(c.catalogue.galaxies, [](const abell::sky::Galaxy& galaxy) {
      return galaxy.magnitude < abell::sky::plate_limit && std::hypot(galaxy.at.x, galaxy.at.y) < 60;
    });
  });
}

void add_surveys(const std::vector<Candidate>& set, const abell::program::RealSky& real,
                 std::vector<Comparison>& table) {
  std::vector<double> redshifts;
  std::vector<double> fluxes;
  for (const Candidate& candidate : set) {
    if (!abell::sky::is_cluster(candidate.role.category)) continue;
    redshifts.push_back(candidate.target.redshift);
    fluxes.push_back(candidate.target.flux);
  }
  table.push_back({"KS distance, redshift of detected clusters from eFEDS", none,
                   abell::sky::ks_distance(redshifts, real.redshifts), 0.15});
  table.push_back(
      {"KS distance, flux of detected clusters from eFEDS", none, abell::sky::ks_distance(fluxes, real.fluxes), 0.15});
}

/// The brightest isolated sources of each observation; returns plots of their profiles.
std::string add_growth(const std::vector<abell::program::RealObservation>& real, std::vector<Comparison>& table) {
  using namespace abell::program;
  std::string plot;
  const auto add = [&](const std::string& what, const GrowthPair& pair, double limit) {
    abell::PlotSeries measured{.name = "Abell 907"};
    abell::PlotSeries simulated{.name = "simulated"};
    for (std::size_t i = 0; i < growth_radii.size(); ++i) {
      table.push_back({"energy within " + text("%.1f", growth_radii[i]) + "\" of 40\", " + what, pair.real[i],
                       pair.simulated[i], limit});
      const double inner = i == 0 ? 0 : growth_radii[i - 1];
      const double area = std::numbers::pi * (growth_radii[i] * growth_radii[i] - inner * inner);
      measured.x.push_back((inner + growth_radii[i]) / 2);
      measured.y.push_back((pair.real[i] - (i == 0 ? 0 : pair.real[i - 1])) / area);
      simulated.x.push_back(measured.x.back());
      simulated.y.push_back((pair.simulated[i] - (i == 0 ? 0 : pair.simulated[i - 1])) / area);
    }
    plot += abell::line_plot({.title = "Radial profile, " + what,
                              .x = {.title = "radius", .unit = "arcsec"},
                              .y = {.title = "energy", .unit = "1/arcsec²", .logarithmic = true},
                              .series = {measured, simulated}});
  };
  const GrowthPair all = compare_growth(real, 0, 4);
  add("five sources (" + text("%.0f", all.counts) + " counts)", all, 0.03);
  const GrowthPair fainter = compare_growth(real, 1, 4);
  add("four fainter (" + text("%.0f", fainter.counts) + " counts)", fainter, none);
  return plot;
}

void add_detector(const std::vector<abell::program::RealObservation>& real, std::uint64_t seed,
                  std::vector<Comparison>& table) {
  using namespace abell::program;
  const auto views = static_cast<double>(real.size());
  for (std::size_t camera = 0; camera < real_cameras.size(); ++camera) {
    for (double arcmin = 2.5; arcmin < 15; arcmin += 2) {
      double mean = 0;
      for (const RealObservation& observation : real)
        mean += real_vignetting(observation.views[camera], arcmin) / views;
      // The last ring lies beyond the simulated field of view.
      table.push_back({std::string("vignetting at ") + text("%.1f", arcmin) + "', " + real_cameras[camera], mean,
                       abell::sky::vignetting(arcmin) / abell::sky::vignetting(0.5),
                       arcmin < abell::sky::field_of_view_arcmin ? 0.05 : none, true});
    }
  }
  for (std::size_t camera = 0; camera < real_cameras.size(); ++camera) {
    double dark = 0;
    for (const RealObservation& observation : real) dark += real_dark_share(observation.views[camera]) / views;
    table.push_back({std::string("% of the area within 10' on gaps and bad columns, ") + real_cameras[camera],
                     100 * dark, 100 * simulated_dark_share(seed, real[0].views[camera].camera), none});
  }
  for (std::size_t camera = 0; camera < real_cameras.size(); ++camera) {
    Background quiet;
    Background simulated;
    double flared = 0;
    constexpr std::array<double, 3> rings{9, 11, 13};
    const auto add = [](Background& mean, const Background& part, double share) {
      mean = {mean.rate + share * part.rate, mean.dispersion + share * part.dispersion};
    };
    for (const double arcmin : rings) {
      for (std::size_t i = 0; i < real.size(); ++i) {
        const Background found = real_background(real[i], real[i].views[camera], arcmin - 1, arcmin + 1);
        if (i < quiet_observations) add(quiet, found, 1.0 / (rings.size() * quiet_observations));
        if (i >= quiet_observations) flared += found.rate / rings.size();
      }
      add(simulated, simulated_background(seed, real[0].views[camera].camera, arcmin), 1.0 / rings.size());
    }
    const std::string name = std::string("background at 8-14', counts/ks/arcmin2, ") + real_cameras[camera];
    table.push_back({name, 1e3 * quiet.rate, 1e3 * simulated.rate, 0.3, true});
    table.push_back({name + ", with flares", 1e3 * flared, none, none});
    table.push_back({std::string("variance over mean of background pixels, ") + real_cameras[camera], quiet.dispersion,
                     simulated.dispersion, none});
  }
}

void add_plates(const std::vector<Candidate>& painted, const std::vector<abell::program::RealPlate>& plates,
                std::vector<Comparison>& table) {
  abell::sky::Grain simulated{};
  for (const Candidate& candidate : painted) {
    abell::Image plate(abell::sky::plate_side, abell::sky::plate_side, 1);
    plate.pixels = candidate.plate;
    const abell::sky::Grain grain = abell::sky::plate_grain(plate);
    const auto share = static_cast<double>(painted.size());
    simulated.sigma += grain.sigma / share;
    for (std::size_t lag = 0; lag < 5; ++lag) simulated.correlation[lag] += grain.correlation[lag] / share;
  }
  for (const abell::program::RealPlate& plate : plates) {
    const abell::sky::Grain real = abell::sky::plate_grain(plate.scan);
    table.push_back({"plate noise, % of level, " + plate.survey, 100 * real.sigma, 100 * simulated.sigma, 1.5});
    for (std::size_t lag = 0; lag < 5; ++lag) {
      table.push_back({"correlation of pixels " + std::to_string(lag + 1) + " apart, " + plate.survey,
                       real.correlation[lag], simulated.correlation[lag], 0.15});
    }
  }
}

/// X-ray cut-outs of Abell 907 in the simulator's grid and stretch, and windows of the plates.
std::vector<abell::GalleryItem> real_gallery(const abell::program::RealSky& real) {
  using namespace abell;
  std::vector<GalleryItem> items;
  for (const program::RealObservation& observation : real.observations) {
    const program::RealView& view = observation.views[0];
    int points = 0;
    for (const program::RealSource& source : observation.sources) {
      if (!source.extended && ++points > 4) continue;
      sky::XrayImage cut{std::vector<int>(sky::xray_side * sky::xray_side), {}, {}};
      cut.background.resize(cut.counts.size());
      for (std::size_t pixel = 0; pixel < cut.counts.size(); ++pixel) {
        const auto offset = [&](std::size_t index) {
          return (static_cast<double>(index) + 0.5 - sky::xray_side / 2.0) * sky::pixel_arcsec / program::real_pixel;
        };
        const auto column = static_cast<int>(std::lround(source.at.x + offset(pixel % sky::xray_side)));
        const auto row = static_cast<int>(std::lround(source.at.y - offset(pixel / sky::xray_side)));
        if (column < 0 || row < 0 || column >= view.counts.width || row >= view.counts.height) continue;
        cut.counts[pixel] = static_cast<int>(view.counts.at(row, column));
        cut.background[pixel] = view.exposure.at(row, column);
      }
      const Picture picture{{sky::xray_side, sky::xray_side, 1}, sky::stretched(cut)};
      items.push_back({{picture}, source.extended ? "Abell 907 field, extended (pn)" : "Abell 907 field, point (pn)"});
    }
  }
  for (const program::RealPlate& real_plate : real.plates) {
    const Image& plate = real_plate.scan;
    for (const double along : {0.1, 0.6}) {
      std::vector<float> levels;
      const int top = static_cast<int>((plate.height - sky::plate_side) * along);
      for (int row = sky::plate_side - 1; row >= 0; --row) {
        for (int column = 0; column < sky::plate_side; ++column) levels.push_back(plate.at(top + row, top + column));
      }
      sky::Plate scan;
      scan.sky = sky::median(std::vector<double>(levels.begin(), levels.end()));
      items.push_back(
          {{Picture{{sky::plate_side, sky::plate_side, 1}, sky::stretched(scan, levels)}}, real_plate.file});
    }
  }
  return items;
}

/// One picture: plates above, X-rays below; two kinds of each class, in the order of the classes.
void write_picture(const fs::path& path, const std::vector<Candidate>& painted) {
  constexpr int side = 120;
  std::vector<const Candidate*> columns;
  for (std::size_t category = 0; category < abell::sky::category_names.size(); ++category) {
    std::vector<std::string_view> kinds;
    for (const Candidate& candidate : painted) {
      const bool known = std::ranges::find(kinds, candidate.target.kind) != kinds.end();
      if (candidate.role.category != static_cast<abell::sky::Category>(category) || known || kinds.size() == 2)
        continue;
      kinds.push_back(candidate.target.kind);
      columns.push_back(&candidate);
    }
  }
  abell::Image sheet(2 * side, static_cast<int>(columns.size()) * side, 1);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const abell::Picture small = abell::thumbnail({abell::sky::image_shape, columns[i]->pixels}, side);
    for (int row = 0; row < side; ++row) {
      for (int column = 0; column < side; ++column) {
        const auto pixel = static_cast<std::size_t>(3 * (row * side + column));
        const int x = static_cast<int>(i) * side + column;
        sheet.at(row, x) = small.pixels[pixel + 1];
        sheet.at(side + row, x) = small.pixels[pixel + 2];
      }
    }
  }
  abell::write_png(path, sheet);
}

int validate(const Options& options, const abell::program::CommonOptions& common, bool overwrite) {
  using namespace abell::program;
  const OutputFolder folder = prepare_output(options.out, overwrite);
  std::optional<RealSky> real;
  if (!options.real.empty()) real = read_real_sky(options.real);
  const std::vector<Candidate> set = draw_set(options.objects, common);
  stop_if_interrupted();
  constexpr int shown = 30;
  std::vector<Candidate> painted(shown);
  abell::parallel_for(shown, abell::thread_count(common.threads), [&](int object, int) {
    if (interrupted()) return;
    painted[static_cast<std::size_t>(object)] = abell::sky::simulate(common.seed, static_cast<std::uint32_t>(object));
  });
  stop_if_interrupted();

  std::vector<Comparison> table;
  std::vector<abell::GalleryItem> real_items;
  std::string profiles;
  if (real) {
    profiles = add_growth(real->observations, table);
    add_detector(real->observations, common.seed, table);
    add_plates(painted, real->plates, table);
    add_surveys(set, *real, table);
    real_items = real_gallery(*real);
  }
  add_classifiers(set, table);

  const std::vector<std::string> header{"figure", "real", "simulated", "difference", "limit", "verdict"};
  std::vector<std::vector<std::string>> rows;
  const auto cell = [](const char* format, double value) {
    return std::isnan(value) ? std::string() : text(format, value);
  };
  for (const Comparison& line : table) {
    rows.push_back({line.figure, cell("%.3f", line.real), cell("%.3f", line.simulated),
                    std::isnan(line.real) || std::isnan(line.simulated) ? ""
                    : line.relative                                     ? cell("%+.1f %%", 100 * line.difference())
                                                                        : cell("%+.3f", line.difference()),
                    line.relative ? cell("%.0f %%", 100 * line.limit) : cell("%g", line.limit), line.verdict()});
  }
  for (const auto& row : rows) {
    std::printf("%-64s %8s %8s %9s %6s %s\n", row[0].c_str(), row[1].c_str(), row[2].c_str(), row[3].c_str(),
                row[4].c_str(), row[5].c_str());
  }
  abell::write_csv(options.out / "figures.csv", header, rows);

  std::vector<abell::GalleryItem> items;
  for (const Candidate& candidate : painted) {
    std::vector<abell::Picture> panels = abell::sky_panels({abell::sky::image_shape, candidate.pixels});
    panels.pop_back();
    items.push_back({std::move(panels), std::string(abell::sky::name_of(candidate.role.category)) + ", " +
                                            std::string(candidate.target.kind)});
  }
  abell::Page page("The simulator and the sky", std::to_string(options.objects) + " simulated candidates");
  page.section("Figures").table({.head = header, .rows = rows});
  if (!profiles.empty()) page.figures({{profiles, ""}});
  page.section("Simulated").html_part(abell::gallery(items));
  if (!real_items.empty()) page.section("Real").html_part(abell::gallery(real_items));
  page.write(options.out / "gallery.html");
  write_picture(options.out / "simulated.png", painted);
  return exit_ok;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Compares simulated candidates with real data, and prints how well single numbers separate clusters\n"
      "from the rest. Writes figures.csv, gallery.html and simulated.png.",
      "abell-validate");
  Options options;
  abell::program::CommonOptions common;
  bool overwrite = false;
  app.add_option("--out", options.out, "Folder to write")->required()->type_name(abell::program::folder_type);
  app.add_option("--real", options.real, "Folder of real data: xga_xmm_clusters, dss_plates, catalogues")
      ->type_name(abell::program::folder_type);
  app.add_option("--objects", options.objects, "Simulated candidates")
      ->check(abell::program::within(20, 100000))
      ->capture_default_str();
  app.add_flag("--overwrite", overwrite, "Write into a folder that is not empty");
  abell::program::add_common(app, common);
  app.footer("Example:\n  abell-validate --real data --out validation");
  return abell::program::run(app, argc, argv, [&] { return validate(options, common, overwrite); });
}

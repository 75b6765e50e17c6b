/// Writes a simulated set of galaxy-cluster candidates in the layout of Kosiba et al. (2020).

#include <abell/core/parallel.hpp>
#include <abell/data/table.hpp>
#include <abell/images/stb.hpp>
#include <abell/sky/simulate.hpp>
#include <array>
#include <cstdio>
#include <filesystem>
#include <numeric>
#include <string>
#include <vector>

#include "../common/program.hpp"
#include "simulated_fits.hpp"
#include "simulated_votes.hpp"

namespace {

namespace fs = std::filesystem;
using abell::sky::Candidate;

struct Options {
  int objects = 0;
  fs::path out;
  bool fits = false;
  std::string cameras = "pn";
  bool overwrite = false;
  bool votes = false;
};

/// What the tables tell of a candidate; its pixels are not kept.
struct Row {
  bool test = false;
  std::vector<std::string> truth;  ///< fields of truth.csv in the order of truth_header; empty when not simulated
};

/// Right ascension and declination in degrees (ICRS), flux in erg/cm2/s (0.5-2 keV), counts of the target in the image
/// and of all, background in counts an arcmin2; members and galaxies in the field that the plate shows.
const std::vector<std::string> truth_header{"id",
                                            "class",
                                            "split",
                                            "kind",
                                            "ra",
                                            "dec",
                                            "z",
                                            "m500_msun",
                                            "flux",
                                            "counts",
                                            "total_counts",
                                            "rc_arcsec",
                                            "axis_ratio",
                                            "exposure_s",
                                            "off_axis_arcmin",
                                            "background_arcmin2",
                                            "detection_like",
                                            "extent_like",
                                            "extent_arcsec",
                                            "attempts",
                                            "richness",
                                            "members",
                                            "galaxies",
                                            "magnitude_r"};

std::string id_of(int object) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "sim%06d", object);
  return text.data();
}

std::string number(double value, int digits = 6) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.*g", digits, value);
  return text.data();
}

Row describe(const std::string& id, const Candidate& candidate) {
  const abell::sky::Role& role = candidate.role;
  const abell::sky::Target& target = candidate.target;
  const abell::sky::Catalogue& catalogue = candidate.catalogue;
  const abell::sky::XrayImage& xray = candidate.xray;
  const double background = std::accumulate(xray.background.begin(), xray.background.end(), 0.0);
  constexpr double field_arcmin2 = 36;
  return {role.test,
          {id,
           std::string(abell::sky::name_of(role.category)),
           role.test ? "test" : "train",
           std::string(target.kind),
           number(candidate.pointing.ra, 9),
           number(candidate.pointing.dec, 9),
           number(target.redshift),
           number(target.mass),
           number(target.flux),
           std::to_string(xray.target_counts),
           std::to_string(std::accumulate(xray.counts.begin(), xray.counts.end(), 0L)),
           number(target.core_radius),
           number(target.axis_ratio),
           number(candidate.observation.exposure),
           number(abell::sky::off_axis_arcmin(candidate.observation, {})),
           number(background / field_arcmin2),
           number(candidate.detection.detection_likelihood),
           number(candidate.detection.extent_likelihood),
           number(candidate.detection.extent),
           std::to_string(candidate.attempts),
           number(catalogue.richness),
           std::to_string(catalogue.visible_members),
           std::to_string(catalogue.visible_galaxies),
           number(catalogue.magnitude)}};
}

/// Removes the tables and images of an earlier simulated set, and nothing else.
void remove_old(const fs::path& out) {
  for (const char* table : {"train.csv", "test.csv", "truth.csv", "fits.csv", "classifications.csv", "consensus.csv"}) {
    fs::remove(out / table);
  }
  for (const char* folder : {"train_images", "test_images", "fits"}) {
    if (!fs::is_directory(out / folder)) continue;
    std::vector<fs::path> old;
    for (const auto& entry : fs::directory_iterator(out / folder)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("sim") && (name.ends_with(".png") || name.ends_with(".fits"))) old.push_back(entry.path());
    }
    for (const fs::path& path : old) fs::remove(path);
    abell::remove_leftovers(out / folder);
  }
}

int simulate(const Options& options, const abell::program::CommonOptions& common) {
  using namespace abell::program;
  const OutputFolder folder = prepare_output(options.out, options.overwrite);
  remove_old(options.out);
  for (const char* images : {"train_images", "test_images"}) make_folder(options.out / images);
  if (options.fits) make_folder(options.out / "fits");
  abell::sky::SimulationOptions physics;
  if (options.cameras == "epic") physics.cameras.assign(abell::sky::epic.begin(), abell::sky::epic.end());

  std::vector<Row> rows(static_cast<std::size_t>(options.objects));
  ProgressBar bar("images", options.objects, common.quiet);
  int done = 0;
  abell::parallel_for(options.objects, abell::thread_count(common.threads), [&](int object, int) {
    if (interrupted()) return;
    const std::string id = id_of(object);
    const Candidate candidate = abell::sky::simulate(common.seed, static_cast<std::uint32_t>(object), physics);
    const fs::path images = options.out / (candidate.role.test ? "test_images" : "train_images");
    const abell::Shape shape = abell::sky::image_shape;
    abell::write_png(images / (id + ".png"), shape.height, shape.width, shape.channels, candidate.pixels,
                     abell::Durability::later);
    if (options.fits) {
      const std::string history = "Simulated: seed " + std::to_string(common.seed) + ", cameras " + options.cameras;
      write_simulated_fits(options.out / "fits", id, candidate, history);
    }
    rows[static_cast<std::size_t>(object)] = describe(id, candidate);
#pragma omp critical(abell_simulate_progress)
    bar.update(++done);
  });

  // The tables name the images that exist, also after an interruption.
  abell::sync_folder(options.out);
  const std::vector<std::string> set_header{"image_id", "class"};
  std::vector<std::vector<std::string>> train;
  std::vector<std::vector<std::string>> test;
  std::vector<std::vector<std::string>> truth;
  std::vector<std::vector<std::string>> files;
  for (const Row& row : rows) {
    if (row.truth.empty()) continue;
    (row.test ? test : train).push_back({row.truth[0], row.truth[1]});
    truth.push_back(row.truth);
    files.push_back(simulated_fits_row(row.truth));
  }
  if (options.fits) abell::write_csv(options.out / "fits.csv", simulated_fits_header, files);
  abell::write_csv(options.out / "truth.csv", truth_header, truth);
  abell::write_csv(options.out / "test.csv", set_header, test);
  abell::write_csv(options.out / "train.csv", set_header, train);
  if (options.votes) write_simulated_votes(options.out, truth, common.seed);
  if (common.verbose) std::cout << options.out.string() << ": " << done << " images\n";
  return interrupted() ? exit_stopped() : exit_ok;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Simulates XMM-Newton and Digitized Sky Survey images of galaxy-cluster candidates: train.csv, test.csv,\n"
      "train_images/, test_images/ (356x356 PNG: empty, optical, X-ray) and truth.csv, one tenth of it for testing.",
      "abell-simulate");
  Options options;
  abell::program::CommonOptions common;
  app.add_option("--objects", options.objects, "Number of candidates")
      ->required()
      ->check(abell::program::within(1, 999999));
  app.add_option("--out", options.out, "Folder to write")->required()->type_name(abell::program::folder_type);
  app.add_flag("--fits", options.fits,
               "Also write fits/<id>_{counts,exposure,optical}.fits with WCS, and fits.csv, a set of them");
  app.add_option("--cameras", options.cameras, "pn alone, as in the public set, or the sum of pn and both MOS")
      ->transform(abell::program::one_of({"pn", "epic"}))
      ->capture_default_str();
  app.add_flag("--overwrite", options.overwrite, "Write into a folder that is not empty");
  app.add_flag("--votes", options.votes, "Also simulate volunteers: classifications.csv and consensus.csv");
  abell::program::add_common(app, common);
  app.footer(
      "Examples:\n  abell-simulate --objects 1700 --seed 1 --out simulated\n"
      "  abell-simulate --objects 20 --cameras epic --fits --out observed");
  return abell::program::run(app, argc, argv, [&] { return simulate(options, common); });
}

/// Writes a simulated set of galaxy-cluster candidates in the layout of Kosiba et al. (2020).

#include <abell/core/parallel.hpp>
#include <abell/data/table.hpp>
#include <abell/images/stb.hpp>
#include <abell/sky/simulate.hpp>
#include <array>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "program.hpp"
#include "simulated_votes.hpp"

namespace {

namespace fs = std::filesystem;
using abell::sky::Candidate;

struct Options {
  int objects = 0;
  fs::path out;
  bool overwrite = false;
  bool votes = false;
};

/// What the tables tell of a candidate; its pixels are not kept.
struct Row {
  bool test = false;
  std::vector<std::string> truth;  ///< fields of truth.csv in the order of truth_header; empty when not simulated
};

/// Flux in erg/cm2/s (0.5-2 keV), counts of the target in the image, background in counts an arcmin2.
const std::vector<std::string> truth_header{"image_id",
                                            "class",
                                            "split",
                                            "kind",
                                            "z",
                                            "m500_msun",
                                            "flux",
                                            "counts",
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
                                            "magnitude_r"};

std::string id_of(int object) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "sim%06d", object);
  return text.data();
}

std::string number(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", value);
  return text.data();
}

Row describe(const std::string& id, const Candidate& candidate) {
  const auto& [role, target, observation, detection, catalogue, xray, attempts, pixels] = candidate;
  double background = 0;
  for (const float expected : xray.background) background += static_cast<double>(expected);
  constexpr double field_arcmin2 = 36;
  return {role.test,
          {id,
           std::string(abell::sky::name_of(role.category)),
           role.test ? "test" : "train",
           std::string(target.kind),
           number(target.redshift),
           number(target.mass),
           number(target.flux),
           std::to_string(xray.target_counts),
           number(target.core_radius),
           number(target.axis_ratio),
           number(observation.exposure),
           number(abell::sky::off_axis_arcmin(observation, {})),
           number(background / field_arcmin2),
           number(detection.detection_likelihood),
           number(detection.extent_likelihood),
           number(detection.extent),
           std::to_string(attempts),
           number(catalogue.richness),
           std::to_string(catalogue.visible_members),
           number(catalogue.magnitude)}};
}

/// Removes the tables and images of an earlier simulated set, and nothing else.
void remove_old(const fs::path& out) {
  for (const char* table : {"train.csv", "test.csv", "truth.csv", "classifications.csv", "consensus.csv"})
    fs::remove(out / table);
  for (const char* folder : {"train_images", "test_images"}) {
    if (!fs::is_directory(out / folder)) continue;
    std::vector<fs::path> old;
    for (const auto& entry : fs::directory_iterator(out / folder)) {
      const std::string name = entry.path().filename().string();
      if (name.starts_with("sim") && name.ends_with(".png")) old.push_back(entry.path());
    }
    for (const fs::path& path : old) fs::remove(path);
  }
}

int simulate(const Options& options, const abell::program::CommonOptions& common) {
  using namespace abell::program;
  prepare_output(options.out, options.overwrite);
  remove_old(options.out);
  for (const char* folder : {"train_images", "test_images"}) prepare_output(options.out / folder, true);

  std::vector<Row> rows(static_cast<std::size_t>(options.objects));
  ProgressBar bar("images", options.objects, common.quiet);
  int done = 0;
  abell::parallel_for(options.objects, abell::thread_count(common.threads), [&](int object, int) {
    if (interrupted()) return;
    const std::string id = id_of(object);
    const Candidate candidate = abell::sky::simulate(common.seed, static_cast<std::uint32_t>(object));
    const fs::path folder = options.out / (candidate.role.test ? "test_images" : "train_images");
    const abell::Shape shape = abell::sky::image_shape;
    abell::write_png(folder / (id + ".png"), shape.height, shape.width, shape.channels, candidate.pixels);
    rows[static_cast<std::size_t>(object)] = describe(id, candidate);
#pragma omp critical(abell_simulate_progress)
    bar.update(++done);
  });

  // The tables name the images that exist, also after an interruption.
  const std::vector<std::string> set_header{"image_id", "class"};
  std::vector<std::vector<std::string>> train;
  std::vector<std::vector<std::string>> test;
  std::vector<std::vector<std::string>> truth;
  for (const Row& row : rows) {
    if (row.truth.empty()) continue;
    (row.test ? test : train).push_back({row.truth[0], row.truth[1]});
    truth.push_back(row.truth);
  }
  abell::write_csv(options.out / "truth.csv", truth_header, truth);
  abell::write_csv(options.out / "test.csv", set_header, test);
  abell::write_csv(options.out / "train.csv", set_header, train);
  if (options.votes) write_simulated_votes(options.out, truth, common.seed);
  if (common.verbose) std::cout << options.out.string() << ": " << done << " images\n";
  return interrupted() ? exit_interrupted : exit_ok;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Simulates XMM-Newton and Digitized Sky Survey images of galaxy-cluster candidates: train.csv, test.csv,\n"
      "train_images/, test_images/ (356x356 PNG: empty, optical, X-ray) and truth.csv, one tenth of it for testing.",
      "abell-simulate");
  Options options;
  abell::program::CommonOptions common;
  app.add_option("--objects", options.objects, "Number of candidates")->required()->check(CLI::Range(1, 999999));
  app.add_option("--out", options.out, "Folder to write")->required();
  app.add_flag("--overwrite", options.overwrite, "Write into a folder that is not empty");
  app.add_flag("--votes", options.votes, "Also simulate volunteers: classifications.csv and consensus.csv");
  abell::program::add_common(app, common);
  app.footer("Example:\n  abell-simulate --objects 1700 --seed 1 --out simulated");
  return abell::program::run(app, argc, argv, [&] { return simulate(options, common); });
}

/// Writes a simulated set of galaxy-cluster candidates in the layout of Kosiba et al. (2020).

#include <abell/core/atomic_file.hpp>
#include <abell/core/parallel.hpp>
#include <abell/images/stb.hpp>
#include <abell/sky/simulate.hpp>
#include <array>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "program.hpp"

namespace {

namespace fs = std::filesystem;
using abell::sky::Candidate;

struct Options {
  int objects = 0;
  fs::path out;
  bool overwrite = false;
};

/// What the tables tell of a candidate; its pixels are not kept.
struct Row {
  bool test;
  std::string set;    ///< line of train.csv or test.csv
  std::string truth;  ///< line of truth.csv
};

constexpr const char* truth_header =
    "image_id,class,split,kind,z,m500_msun,flux_erg_cm2_s,counts,rc_arcsec,axis_ratio,exposure_s,off_axis_arcmin,"
    "background_counts_arcmin2,detection_likelihood,extent_likelihood,extent_arcsec,attempts,richness,members_visible,"
    "magnitude_r\n";

std::string id_of(int object) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "sim%06d", object);
  return text.data();
}

Row describe(const std::string& id, const Candidate& candidate) {
  const auto& [role, target, observation, detection, catalogue, xray, attempts, pixels] = candidate;
  const std::string name(abell::sky::name_of(role.category));
  double background = 0;
  for (const float expected : xray.background) background += static_cast<double>(expected);
  std::array<char, 512> text{};
  std::snprintf(text.data(), text.size(), "%s,%s,%s,%s,%.4f,%.4g,%.4g,%ld,%.2f,%.3f,%.0f,%.2f,%.2f,%.1f,%.1f,%.0f,%d,%.1f,%d,%.2f\n",
                id.c_str(), name.c_str(), role.test ? "test" : "train", std::string(target.kind).c_str(),
                target.redshift, target.mass, target.flux, xray.target_counts, target.core_radius, target.axis_ratio,
                observation.exposure, abell::sky::off_axis_arcmin(observation, {}), background / 36,
                detection.detection_likelihood, detection.extent_likelihood, detection.extent, attempts,
                catalogue.richness, catalogue.visible_members, catalogue.magnitude);
  return {role.test, id + "," + name + "\n", text.data()};
}

/// Removes the tables and images of an earlier simulated set, and nothing else.
void remove_old(const fs::path& out) {
  for (const char* table : {"train.csv", "test.csv", "truth.csv"}) fs::remove(out / table);
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

void write_table(const fs::path& path, const std::string& text) {
  abell::AtomicFile file(path);
  file.stream() << text;
  file.commit();
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
  std::string train = "image_id,class\n";
  std::string test = train;
  std::string truth = truth_header;
  for (const Row& row : rows) {
    (row.test ? test : train) += row.set;
    truth += row.truth;
  }
  write_table(options.out / "truth.csv", truth);
  write_table(options.out / "test.csv", test);
  write_table(options.out / "train.csv", train);
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
  abell::program::add_common(app, common);
  app.footer("Example:\n  abell-simulate --objects 1700 --seed 1 --out simulated");
  return abell::program::run(app, argc, argv, [&] { return simulate(options, common); });
}

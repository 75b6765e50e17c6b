#pragma once
/// The rows of the paper's table of results, and the options of abell-experiment.

#include <abell/report/experiment.hpp>
#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "../training/train_options.hpp"

namespace abell::program {

struct ExperimentOptions {
  TrainOptions train;  ///< of every run; a row decides about network, channels and augmentation
  int runs = 10;
  std::vector<std::string> networks;  ///< files .json, .keras, .h5 or .onnx, each with a row of its own
  std::vector<std::string> rows;
  std::string labels_z;
  bool quick = false;
  bool tta = false;
  int mc_dropout = 0;           ///< passes with dropout on; 0: none
  Json given = Json::object();  ///< the options as typed, for config.json
};

/// The eight rows of Kosiba et al. (2020), mean and standard deviation of 10 runs, in its order.
inline std::vector<ExperimentRow> paper_rows() {
  const auto row = [](const char* slug, const char* title, const char* network, const char* channels,
                      const char* labels, bool augment, std::array<double, 4> mean, std::array<double, 4> deviation) {
    ExperimentRow made;
    made.slug = slug;
    made.title = title;
    made.network = network;
    made.channels = channels;
    made.labels = labels;
    made.augment = augment;
    made.paper = mean;
    made.paper_deviation = deviation;
    return made;
  };
  return {
      row("CN-E", "CN-E", "custom", "both", "experts", true, {.90, .89, .91, .96}, {.03, .05, .03, .01}),
      row("MN-E", "MN-E", "mobilenet", "both", "experts", true, {.88, .87, .91, .94}, {.02, .03, .03, .01}),
      row("CN-E-optical", "CN-E solo optical", "custom", "optical", "experts", true, {.68, .64, .85, .77},
          {.02, .02, .04, .02}),
      row("CN-E-xray", "CN-E solo x-ray", "custom", "xray", "experts", true, {.81, .78, .86, .89},
          {.01, .03, .04, .01}),
      row("CN-Z", "CN-Z", "custom", "both", "volunteers", true, {.82, .96, .67, .91}, {.01, .01, .02, .01}),
      row("MN-Z", "MN-Z", "mobilenet", "both", "volunteers", true, {.79, .96, .62, .86}, {.02, .03, .03, .02}),
      row("CN-E-noaug", "CN-E no augm.", "custom", "both", "experts", false, {.75, .70, .87, .87},
          {.02, .02, .03, .01}),
      row("MN-E-noaug", "MN-E no augm.", "mobilenet", "both", "experts", false, {.81, .75, .91, .90},
          {.01, .02, .01, .02}),
  };
}

/// What records and reports call the network of a row: the paper's by name, one of your own as its row.
inline const std::string& network_name(const ExperimentRow& row) {
  return is_architecture_file(row.network) ? row.slug : row.network;
}

/// The row NAME-E of the network in NAME.json: trained as CN-E is, without a value of the paper's.
inline ExperimentRow row_of_network(const std::string& file) {
  if (!is_architecture_file(file)) throw OptionError("--network: expected files .json, .keras, .h5 or .onnx, found " + file);
  ExperimentRow row;
  row.slug = row.title = network_title(file) + "-E";
  row.network = absolute_path(file);
  row.channels = "both";
  row.labels = "experts";
  row.augment = true;
  row.paper.fill(std::numeric_limits<double>::quiet_NaN());
  row.paper_deviation = row.paper;
  return row;
}

/// The rows that --rows names, all when it names none: the paper's in its order, then those of --network. Throws
/// OptionError for the name of no row, and for one of two rows.
inline std::vector<ExperimentRow> chosen_rows(const ExperimentOptions& options) {
  const std::vector<std::string>& slugs = options.rows;
  std::vector<ExperimentRow> rows = paper_rows();
  for (const std::string& file : options.networks) {
    const ExperimentRow made = row_of_network(file);
    for (const ExperimentRow& row : rows) {
      if (row.slug == made.slug) throw OptionError("--network: expected another name than that of the row " + row.slug);
    }
    rows.push_back(made);
  }
  const auto named = [](const ExperimentRow& row, const std::string& slug) {
    return lower_case(row.slug) == lower_case(slug);
  };
  std::string known;
  for (const ExperimentRow& row : rows) known += (known.empty() ? "" : ", ") + row.slug;
  for (const std::string& slug : slugs) {
    if (std::ranges::none_of(rows, [&](const ExperimentRow& row) { return named(row, slug); })) {
      throw OptionError("--rows: expected some of " + known + ", found '" + slug + "'");
    }
  }
  if (!slugs.empty()) {
    std::erase_if(rows, [&](const ExperimentRow& row) {
      return std::ranges::none_of(slugs, [&](const std::string& slug) { return named(row, slug); });
    });
  }
  return rows;
}

/// The seed of each run: --seed and those after it.
inline std::vector<std::uint64_t> run_seeds(const ExperimentOptions& options) {
  const auto runs = static_cast<std::uint64_t>(options.runs);
  if (options.train.common.seed > std::numeric_limits<std::uint64_t>::max() - runs) {
    throw OptionError("--seed: expected room for " + std::to_string(runs) + " seeds after it");
  }
  std::vector<std::uint64_t> seeds;
  for (std::uint64_t i = 0; i < runs; ++i) seeds.push_back(options.train.common.seed + i);
  return seeds;
}

/// DIR/<slug>/seed-<n>, an ordinary folder of abell-train.
inline std::filesystem::path run_folder(const ExperimentOptions& options, const ExperimentRow& row,
                                        std::uint64_t seed) {
  return std::filesystem::path(options.train.out) / row.slug / ("seed-" + std::to_string(seed));
}

/// The options that abell-train has not, or has for one run only.
inline constexpr std::array experiment_only{"runs", "rows", "labels-z", "quick", "tta", "mc-dropout"};

/// What --quick gives where nothing else is said.
inline Json quick_options() { return {{"runs", 2}, {"epochs", 2}, {"optimizer", "adam"}, {"scale", "standard"}}; }

/// The options of an experiment with what a row decides.
inline TrainOptions row_options(const ExperimentOptions& options, const ExperimentRow& row) {
  TrainOptions of_row = options.train;
  of_row.network = row.network;
  of_row.preprocessing.channels = row.channels;
  of_row.no_augment = !row.augment;
  return of_row;
}

/// What abell-train would get for one run, with the defaults of the row's network.
inline TrainOptions run_options(const ExperimentOptions& options, const ExperimentRow& row, std::uint64_t seed) {
  TrainOptions run = row_options(options, row);
  run.common.seed = seed;
  run.out = run_folder(options, row, seed).string();
  // What abell-train needs to go on with the run by itself.
  for (const char* name : experiment_only) run.given.erase(name);
  for (const DependentOption& option : run.dependent_options()) {
    if (!option.used) run.given.erase(option.name);
  }
  run.given["network"] = row.network;
  run.given["channels"] = row.channels;
  run.given["no-augment"] = run.no_augment;
  run.given["seed"] = seed;
  run.resolve();
  return run;
}

/// What every output of a quick look says.
inline std::string quick_note(const ExperimentOptions& options) {
  const TrainOptions& train = options.train;
  const std::string length = train.epochs ? counted_text(static_cast<std::size_t>(*train.epochs), "epoch")
                                          : counted_text(train.iterations.value_or(0), "iteration");
  return "Quick look (--quick): " + counted_text(static_cast<std::size_t>(options.runs), "run") + " of " + length +
         (train.optimizer ? " with the optimizer " + *train.optimizer : "") + ", far from the training of the paper.";
}

}  // namespace abell::program

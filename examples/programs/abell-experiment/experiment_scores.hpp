#pragma once
/// What an experiment asks of a run besides its folder: DIR/<slug>/seed-<n>.scores.csv with the probabilities of its
/// validation split and, where asked for, averaged ones and the deviation with dropout on.

#include <abell/data/table.hpp>
#include <abell/inference/dihedral.hpp>
#include <abell/inference/dropout_spread.hpp>
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "../common/networks.hpp"
#include "../training/training_resume.hpp"
#include "../training/training_run.hpp"
#include "experiment_rows.hpp"

namespace abell::program {

inline const std::vector<std::string> score_columns{"split", "id", "label", "p_cluster", "p_averaged", "dropout_sd"};

inline std::filesystem::path scores_file(const ExperimentOptions& options, const ExperimentRow& row,
                                         std::uint64_t seed) {
  std::filesystem::path path = run_folder(options, row, seed);
  path += ".scores.csv";
  return path;
}

/// Throws OptionError when --mc-dropout is given and the run's network has no dropout.
inline void check_mc_dropout(const ExperimentOptions& options, const TrainOptions& run) {
  if (options.mc_dropout == 0) return;
  const Architecture<> made = architecture_of(run.choice(2));
  if (has_dropout(inspect(made.layers, made.input))) return;
  throw OptionError("--mc-dropout: expected networks with dropout, found " + network_title(run.network));
}

/// Whether the file has all that the options ask for.
inline bool has_scores(const ExperimentOptions& options, const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) return false;
  const Table table = read_csv(path);
  const auto filled = [&](const char* name) {
    const std::size_t column = table.column(name);
    return std::ranges::all_of(table.rows, [&](const auto& row) { return row[0] != "test" || !row[column].empty(); });
  };
  return (!options.tta || filled("p_averaged")) && (options.mc_dropout == 0 || filled("dropout_sd"));
}

/// Scores validation and test split with the network's weights as they are and writes `path`.
inline void write_scores(const ExperimentOptions& options, const TrainOptions& run, const Data& data,
                         const Network<float>& network, const std::filesystem::path& path) {
  std::vector<std::vector<std::string>> rows;
  const auto add = [&](const std::string& split, const std::vector<std::size_t>& objects, bool test) {
    if (objects.empty()) return;
    const Scored plain = score(network, run, data, objects);
    const Scored averaged = test && options.tta ? score(DihedralMean(network), run, data, objects) : Scored{};
    DropoutSpread dropout;
    if (test && options.mc_dropout > 0) {
      const CachedSamples samples(data.cache, data.labels, objects, run.preprocessing.samples());
      dropout = dropout_spread(network, samples, options.mc_dropout, run.common.seed, 1, 4, run.common.threads);
    }
    for (std::size_t i = 0; i < objects.size(); ++i) {
      rows.push_back({split, data.set.objects[objects[i]].id, std::to_string(plain.labels[i]),
                      number(plain.probabilities[i]), averaged.objects.empty() ? "" : number(averaged.probabilities[i]),
                      dropout.deviation.empty() ? "" : number(dropout.deviation[i])});
    }
  };
  add("validation", data.validation, false);
  add("test", data.test, true);
  write_csv(path, score_columns, rows);
}

}  // namespace abell::program

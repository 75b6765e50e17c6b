#pragma once
/// The runs of an experiment: which are to be done, how long that takes, and doing them.

#include <abell/report/text.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../common/networks.hpp"
#include "experiment_labels.hpp"
#include "experiment_scores.hpp"

namespace abell::program {

/// What the runs of a network share of `Data`, decoded once.
struct SharedPixels {
  std::shared_ptr<const PixelCache> cache;
  std::vector<std::size_t> masked;
  std::vector<ImageTraits> traits;
};

/// What the runs of an experiment have in common.
struct Laboratory {
  const ExperimentOptions& options;
  std::string command;
  std::optional<VolunteerLabels> volunteers = {};
  std::filesystem::path volunteers_source = {};
  std::map<std::string, SharedPixels> pixels = {};  ///< of each network
};

/// One run that is not complete.
struct Job {
  const ExperimentRow* row;
  std::uint64_t seed;
  bool trained = false;         ///< only its scores are missing
  std::uint64_t steps = 0;      ///< that are left
  std::size_t evaluations = 0;  ///< images that are left to be predicted
};

/// The data of a run, without pixels.
inline Data run_data(const Laboratory& lab, const ExperimentRow& row, const TrainOptions& run) {
  Data data = read_data(run);
  if (row.labels == "volunteers") use_labels(data, *lab.volunteers, lab.volunteers_source);
  return data;
}

/// Images that the scores of a run predict.
inline std::size_t scored_images(const ExperimentOptions& options, const Data& data) {
  const auto extra = static_cast<std::size_t>((options.tta ? 8 : 0) + options.mc_dropout);
  return data.validation.size() + (1 + extra) * data.test.size();
}

/// Images that a run predicts when it is trained: the last and the best weights' test, the threshold's validation, and
/// the maps of its report's examples.
inline std::size_t reported_images(const Data& data) {
  return 2 * data.test.size() + data.validation.size() +
         example_predictions * std::min(4 * outcome_examples, data.test.size());
}

/// What is left of a run; nothing when it is complete. Throws as `take_up`.
inline std::optional<Job> job_of(const Laboratory& lab, const ExperimentRow& row, std::uint64_t seed) {
  const TrainOptions run = run_options(lab.options, row, seed);
  Network<float> network = make_network(run.choice(2), seed);
  const Data data = run_data(lab, row, run);
  const FitOptions fit_options = run.fit_options();
  const std::uint64_t batches = fit_options.batches(data.train.size());
  const std::uint64_t steps = fit_options.steps(data.train.size());
  const std::uint64_t epochs = (steps + batches - 1) / batches;
  const std::size_t after = reported_images(data) + scored_images(lab.options, data);
  Job job{&row, seed, false, steps, epochs * data.validation.size() + after};
  const Json config = run_config(run, data);
  if (is_complete(run)) {
    check_same_run(run, config);
    if (has_scores(lab.options, scores_file(lab.options, row, seed))) return std::nullopt;
    job.trained = true;
    job.steps = 0;
    job.evaluations = scored_images(lab.options, data);
  } else if (TrainingState<float> state; take_up(run, data, config, network, state)) {
    job.steps -= state.optimizer.updates;
    job.evaluations -= state.history.size() * data.validation.size();
  }
  return job;
}

/// What the results depend on besides the rows and their labels, which the runs tell themselves.
inline Json experiment_record(const ExperimentOptions& options, const Data& data) {
  Json record{{"version", version},
              {"seed", options.train.common.seed},
              {"quick", options.quick},
              {"mc_dropout", options.mc_dropout},
              {"positive", data.set.positive},
              {"set", digest(data.set)}};
  const auto record_of = [&](std::string_view network) {
    TrainOptions run = options.train;
    run.network = network;
    run.resolve();
    Json of_network = run.record();
    for (const char* decided : {"version", "seed", "network"}) of_network.erase(decided);
    return of_network;
  };
  for (const std::string_view network : network_names) record[network] = record_of(network);
  record["network"] = Json::object();
  for (const std::string& file : options.networks) record["network"][row_of_network(file).slug] = record_of(file);
  return record;
}

/// Throws FormatError when the experiment in --out has other options, or another set. Passes with dropout may be
/// asked for later, and networks of your own may join.
inline void check_same_experiment(const std::filesystem::path& config, Json record) {
  Json before = fixed_part(read_json(config));
  if (before.value("mc_dropout", 0) == 0) before["mc_dropout"] = record["mc_dropout"];
  const Json known = before.value("network", Json::object());
  before["network"] = Json::object();
  for (const auto& [name, now] : record["network"].items()) before["network"][name] = known.value(name, now);
  check_same_run(config, before, record);
}

/// Gives `data` its pixels, decoded at the first call for this network.
inline void share_pixels(Laboratory& lab, const TrainOptions& run, const Shape& shape, Data& data) {
  auto& [cache, masked, traits] = lab.pixels[run.network];
  if (!cache) {
    TrainOptions all = run;
    all.out = lab.options.train.out;
    decode(all, shape, data);
    cache = data.cache;
    masked = data.masked;
    traits = data.traits;
  }
  data.cache = cache;
  data.masked = masked;
  data.traits = traits;
  set_profile(data);
}

/// Seconds that a step of training and the evaluation of an image take.
struct Pace {
  double step = 0;
  double image = 0;
};

/// Measures a few steps after a first one, and the evaluation of a few images; `network` is spoilt.
inline Pace measure_pace(const TrainOptions& run, const Data& data, Network<float>& network) {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
  };
  CachedSamplesOptions augmented = run.preprocessing.samples();
  augmented.augmentation = run.draws();
  const CachedSamples training(data.cache, data.labels, data.train, augmented);
  constexpr int measured = 4;
  FitOptions options = run.fit_options();
  options.iterations = measured + 1;
  options.early_stopping.reset();
  std::vector<Clock::time_point> times;
  Callback callback;
  callback.on_step = [&](const StepReport&) { times.push_back(Clock::now()); };
  options.callbacks.push_back(callback);
  TrainingState<float> state;
  fit(network, training, std::nullopt, options, state);
  std::vector<std::size_t> some = data.test;
  some.resize(std::min<std::size_t>(some.size(), 8));
  const auto start = Clock::now();
  score(network, run, data, some);
  return {seconds(times.front(), times.back()) / measured,
          seconds(start, Clock::now()) / static_cast<double>(some.size())};
}

/// Trains and scores one run, or what is left of it. Returns false when interrupted.
inline bool do_run(Laboratory& lab, const Job& job) {
  const TrainOptions run = run_options(lab.options, *job.row, job.seed);
  const std::filesystem::path scores = scores_file(lab.options, *job.row, job.seed);
  Network<float> network = make_network(run.choice(2), job.seed);
  Data data = run_data(lab, *job.row, run);
  share_pixels(lab, run, network.input(), data);
  if (job.trained) {
    load_model(std::filesystem::path(run.out) / "model.safetensors", network);
  } else {
    const Json config = run_config(run, data);
    TrainingState<float> state;
    const bool goes_on = take_up(run, data, config, network, state);
    if (!goes_on && !run.weights.empty()) load_weights(run.weights, network);
    make_folder(run.out);
    std::filesystem::remove(scores);
    const Json shown = begin_run(run, config, goes_on, lab.command);
    if (!train_and_evaluate(run, data, config, shown, network, state)) return false;
  }
  write_scores(lab.options, run, data, network, scores);
  return true;
}

/// The runs that are left, one of every row after the other, so that a table of few runs has all rows. Throws as
/// `take_up`.
inline std::vector<Job> plan(const Laboratory& lab, const std::vector<ExperimentRow>& rows) {
  const ExperimentOptions& options = lab.options;
  std::vector<Job> jobs;
  for (const std::uint64_t seed : run_seeds(options)) {
    for (const ExperimentRow& row : rows) {
      if (!row.missing.empty()) continue;
      if (const auto job = job_of(lab, row, seed)) jobs.push_back(*job);
    }
  }
  return jobs;
}

/// Prints how long `jobs` will take, of rows that can be had.
inline void print_estimate(Laboratory& lab, const std::vector<ExperimentRow>& rows, const std::vector<Job>& jobs) {
  const ExperimentOptions& options = lab.options;
  const auto had = std::ranges::count_if(rows, [](const ExperimentRow& row) { return row.missing.empty(); });
  const std::size_t all = static_cast<std::size_t>(had) * run_seeds(options).size();
  std::map<std::string, Pace> paces;
  double seconds = 0;
  std::string measured;
  for (const Job& job : jobs) {
    const TrainOptions run = run_options(options, *job.row, job.seed);
    if (!paces.contains(run.network)) {
      Network<float> network = make_network(run.choice(2), job.seed);
      Data data = run_data(lab, *job.row, run);
      share_pixels(lab, run, network.input(), data);
      paces[run.network] = measure_pace(run, data, network);
      measured += (measured.empty() ? "" : ", ") + network_name(*job.row) + " " +
                  fixed_text(1000 * paces[run.network].step, 1) + " ms a step of " + std::to_string(run.batch.value()) +
                  " images";
    }
    const Pace& pace = paces[run.network];
    seconds += static_cast<double>(job.steps) * pace.step + static_cast<double>(job.evaluations) * pace.image;
  }
  if (!options.train.common.quiet) {
    std::cout << counted_text(all, "run") << ", " << all - jobs.size() << " of them done; the others take about "
              << duration_text(seconds) << " (" << measured << ", measured)" << std::endl;
  }
}

}  // namespace abell::program

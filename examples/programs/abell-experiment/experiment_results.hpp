#pragma once
/// From the folders of an experiment's runs to its tables and its page.

#include <abell/report/experiment_report.hpp>
#include <abell/report/experiment_table.hpp>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "experiment_runs.hpp"

namespace abell::program {

/// A number of a table; NaN for an empty field. Throws FormatError naming file and line.
inline double table_number(const Table& table, std::size_t row, std::size_t column) {
  const std::string& text = table.rows[row][column];
  double value = std::numeric_limits<double>::quiet_NaN();
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!text.empty() && (error != std::errc() || end != text.data() + text.size())) {
    throw FormatError(table.where(row) + ": expected a number as " + table.header[column] + ", found '" + text + "'");
  }
  return value;
}

/// The objects of the test split, with flux and redshift where DATA/truth.csv has them.
inline std::vector<ExperimentObject> test_objects(const std::filesystem::path& source, const Data& data) {
  std::map<std::string, std::pair<double, double>> truth;
  if (std::filesystem::exists(source / "truth.csv")) {
    const Table table = read_csv(source / "truth.csv");
    const auto id = table.find("id") ? table.find("id") : table.find("image_id");
    const auto flux = table.find("flux");
    const auto redshift = table.find("z");
    for (std::size_t row = 0; id && flux && redshift && row < table.rows.size(); ++row) {
      truth[table.rows[row][*id]] = {table_number(table, row, *flux), table_number(table, row, *redshift)};
    }
  }
  std::vector<ExperimentObject> objects;
  for (const std::size_t i : data.test) {
    const Object& object = data.set.objects[i];
    ExperimentObject made{object.id, data.set.classes[static_cast<std::size_t>(object.label)],
                          data.set.binary_label(object)};
    if (const auto known = truth.find(object.id); known != truth.end()) {
      std::tie(made.flux, made.redshift) = known->second;
    }
    objects.push_back(std::move(made));
  }
  return objects;
}

/// Reads what a complete run left behind. Throws FormatError when it is of other objects.
inline ExperimentRun read_run(const std::filesystem::path& folder, const std::filesystem::path& scores,
                              std::uint64_t seed, const std::vector<ExperimentObject>& objects) {
  ExperimentRun run;
  run.seed = seed;
  const Json config = read_json(folder / "config.json");
  run.best_epoch = read_json(folder / "metrics.json").at("best_epoch").get<int>();
  const Table history = read_csv(folder / "history.csv");
  const std::array columns{history.column("loss"),         history.column("accuracy"),      history.column("val_loss"),
                           history.column("val_accuracy"), history.column("learning_rate"), history.column("seconds")};
  run.seconds = 0;
  for (std::size_t row = 0; row < history.rows.size(); ++row) {
    const auto value = [&](std::size_t column) { return table_number(history, row, columns[column]); };
    run.history.push_back({static_cast<int>(row) + 1, value(0), value(1), value(2), value(3), value(4), value(5)});
    run.seconds += value(5);
  }
  run.images_per_second = training_rate(config, run.history.size(), run.seconds);
  const Table table = read_csv(scores);
  const std::array wanted{table.column("split"),     table.column("id"),         table.column("label"),
                          table.column("p_cluster"), table.column("p_averaged"), table.column("dropout_sd")};
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const auto value = [&](std::size_t column) { return static_cast<float>(table_number(table, row, wanted[column])); };
    if (table.rows[row][wanted[0]] == "validation") {
      run.validation.push_back(value(3));
      run.validation_labels.push_back(static_cast<int>(value(2)));
      continue;
    }
    if (run.test.size() == objects.size() || objects[run.test.size()].id != table.rows[row][wanted[1]]) {
      throw FormatError(table.where(row) + ": expected the objects of the set's test split, found '" +
                        table.rows[row][wanted[1]] + "'");
    }
    run.test.push_back(value(3));
    if (!table.rows[row][wanted[4]].empty()) run.averaged.push_back(value(4));
    if (!table.rows[row][wanted[5]].empty()) run.dropout.push_back(value(5));
  }
  if (run.test.size() != objects.size()) {
    throw FormatError(scores.string() + ": expected " + std::to_string(objects.size()) + " test objects, found " +
                      std::to_string(run.test.size()));
  }
  return run;
}

/// The experiment as far as it is done.
inline Experiment read_experiment(const Laboratory& lab, const Data& data, std::vector<ExperimentRow> rows) {
  const ExperimentOptions& options = lab.options;
  const std::filesystem::path source = std::filesystem::path(options.train.data).lexically_normal();
  Experiment experiment;
  experiment.subtitle = (source.has_filename() ? source : source.parent_path()).filename().string() + ", " +
                        counted_text(static_cast<std::size_t>(options.runs), "run") + " a row";
  experiment.quick = options.quick;
  experiment.classes = output_names(data.set);
  experiment.objects = test_objects(source, data);
  if (options.quick) experiment.notes.push_back(quick_note(options));
  if (is_simulated(source)) experiment.notes.emplace_back(simulated_note);
  std::size_t done = 0;
  std::size_t all = 0;
  for (ExperimentRow& row : rows) {
    for (const std::uint64_t seed : run_seeds(options)) {
      if (!row.missing.empty()) break;
      ++all;
      const std::filesystem::path folder = run_folder(options, row, seed);
      const std::filesystem::path scores = scores_file(options, row, seed);
      if (!is_complete(run_options(options, row, seed)) || !std::filesystem::exists(scores)) continue;
      row.runs.push_back(read_run(folder, scores, seed, experiment.objects));
      ++done;
    }
  }
  if (done < all) {
    experiment.notes.push_back("Incomplete: " + std::to_string(done) + " of " + std::to_string(all) +
                               " runs are done; --resume continues.");
  }
  experiment.rows = std::move(rows);
  return experiment;
}

/// The pictures of the examples with what `network` looks at, and one for the filters.
inline void add_pictures(ExperimentReport& report, const TrainOptions& run, const Network<float>& network,
                         const Data& data) {
  const std::vector<float> scores = ensemble(report.experiment.rows[report.shown]);
  std::vector<ReportPrediction> predictions;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const ExperimentObject& object = report.experiment.objects[i];
    predictions.push_back({object.id, object.class_name, object.label, scores[i]});
  }
  std::vector<std::size_t> chosen = choose_examples(predictions);
  std::erase_if(chosen, [&](std::size_t i) { return outcome_of(predictions[i]) == Outcome::true_negative; });
  Data part;
  std::vector<std::size_t> indices;
  for (const std::size_t i : chosen) {
    part.set.objects.push_back(data.set.objects[data.test[i]]);
    indices.push_back(indices.size());
  }
  if (chosen.empty()) return;
  part.decoding = run.preprocessing.decode();
  part.cache = cache_pixels(part.set, network.input(), part.decoding, {.threads = run.common.threads});
  const CachedSamples samples(part.cache, std::vector<int>(indices.size(), -1), indices, run.preprocessing.samples());
  Tensor<float> image(1, network.input());
  ProgressBar bar("examples explained", static_cast<long>(indices.size()), run.common.quiet);
  for (const std::size_t i : indices) {
    samples.read(i, 0, image.span());
    add_example(report, network, image, is_positive(scores[chosen[i]]), chosen[i], part, i, run.common.threads);
    bar.update(static_cast<long>(i + 1));
  }
}

/// Adds the options of a run of the network `name`; of a further network only what differs from the `common` ones of
/// the first.
inline void add_record(ExperimentReport& report, const std::string& name, const TrainOptions& run, Json& common) {
  Json record{{"data", run.data}};
  record.update(run.record());
  record.update(run_length(run));
  for (const char* decided : {"network", "seed", "augment"}) record.erase(decided);
  for (const auto& [key, value] : record.items()) {
    if (!common.is_null() && common.value(key, Json()) == value) continue;
    add_setting(report.configuration, (common.is_null() ? "" : name + ": ") + key, value);
  }
  if (common.is_null()) common = record;
}

/// Writes results.csv, results.md, results.tex, times.csv and report.html.
inline Experiment write_results(const Laboratory& lab, const Data& data, const std::vector<ExperimentRow>& rows) {
  const ExperimentOptions& options = lab.options;
  const std::filesystem::path out = options.train.out;
  ExperimentReport report;
  report.experiment = read_experiment(lab, data, rows);
  report.command = lab.command;
  report.total_seconds = 0;
  std::string seeds;
  for (const std::uint64_t seed : run_seeds(options)) seeds += (seeds.empty() ? "" : ", ") + std::to_string(seed);
  report.title = run_title(out) + ": the paper's experiment";
  report.machine = machine_values(thread_count(options.train.common.threads));
  report.configuration = {{"seeds", seeds}, {"compiler", __VERSION__}};
  if (lab.volunteers) report.configuration.emplace_back("labels-z", lab.volunteers_source.filename().string());
  Json common;
  bool shown = false;
  std::vector<std::string> described;
  for (std::size_t i = 0; i < report.experiment.rows.size(); ++i) {
    const ExperimentRow& row = report.experiment.rows[i];
    if (row.runs.empty()) continue;
    for (const ExperimentRun& run : row.runs) report.total_seconds += run.seconds;
    const bool first = !shown;
    const bool describe = std::ranges::find(described, row.network) == described.end();
    if (!first && !describe) continue;
    const TrainOptions run = run_options(options, row, row.runs.front().seed);
    Network<float> network = make_network(run.choice(2), 1);
    if (describe) {
      described.push_back(row.network);
      add_record(report, network_name(row), run, common);
      const auto lines = summary_rows(network.layers());
      report.networks.emplace_back(
          network_name(row), TextTable{.head = lines.front(), .rows = {lines.begin() + 1, lines.end()}, .total = true});
    }
    if (!first) continue;
    shown = true;
    report.shown = i;
    load_model(std::filesystem::path(run.out) / "model.safetensors", network);
    add_pictures(report, run, network, data);
    add_filter_pictures(report.filters, network, report.sky_channels);
  }
  write_results_csv(out / "results.csv", report.experiment);
  write_results_markdown(out / "results.md", report.experiment);
  write_results_tex(out / "results.tex", report.experiment);
  write_times_csv(out / "times.csv", report.experiment);
  experiment_page(report).write(out / "report.html");
  return std::move(report.experiment);
}

}  // namespace abell::program

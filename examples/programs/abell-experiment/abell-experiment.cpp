/// Reproduces the table of results of Kosiba et al. (2020): eight rows of networks trained with several seeds.

#include <iostream>

#include "../training/train_command_line.hpp"
#include "../training/training_memory.hpp"
#include "experiment_results.hpp"

namespace {

using namespace abell;
using namespace abell::program;
namespace fs = std::filesystem;

/// Finds the volunteers' labels and marks the rows that cannot be had.
void find_missing(Laboratory& lab, const DataSet& set, std::vector<ExperimentRow>& rows) {
  fs::path source = lab.options.labels_z;
  const fs::path own = fs::path(lab.options.train.data) / "consensus.csv";
  std::error_code error;
  if (source.empty() && fs::exists(own, error)) source = own;
  if (!source.empty()) {
    lab.volunteers = read_volunteer_labels(source, set);
    lab.volunteers_source = source;
  }
  for (ExperimentRow& row : rows) {
    if (row.labels == "volunteers" && !lab.volunteers) row.missing = "no labels";
  }
}

void print(const Experiment& experiment, const fs::path& out) {
  for (const std::string& note : experiment.notes) std::cout << note << "\n";
  std::cout << to_text(results_table(experiment)) << "report: " << (out / "report.html").string() << std::endl;
}

int experiment(const ExperimentOptions& options, const std::string& command) {
  const TrainOptions& train = options.train;
  std::vector<ExperimentRow> rows = chosen_rows(options);
  const std::uint64_t seed = run_seeds(options).front();
  for (const ExperimentRow& row : rows) {
    const TrainOptions of_row = run_options(options, row, seed);
    if (const auto draws = of_row.draws()) check(*draws);
    of_row.preprocessing.samples();
    of_row.make_optimizer().check();
    check_training_memory(of_row);
    check_mc_dropout(options, of_row);
    if (!of_row.weights.empty()) {
      Network<float> network = make_network(of_row.choice(2), seed);
      load_weights(of_row.weights, network);
    }
  }

  const Data data = read_data(train);
  print_notes(data.set.notes, train.common.quiet);
  tell_lossy_files(data.set, train.common.quiet);
  if (data.test.empty()) throw FormatError(train.data + ": expected a test split, found none");
  Laboratory lab{options, command};
  find_missing(lab, data.set, rows);
  const fs::path out = train.out;
  const bool started = train.resume && fs::exists(out / "config.json");
  const OutputFolder folder = prepare_output(out, started || train.overwrite);
  if (train.overwrite) {
    for (const ExperimentRow& row : rows) fs::remove_all(out / row.slug);
  }
  Json config = experiment_record(options, data);
  if (started) check_same_experiment(out / "config.json", config);
  if (options.quick && !train.common.quiet) std::cout << quick_note(options) << std::endl;

  const std::vector<Job> jobs = plan(lab, rows);
  if (started && jobs.empty() && fs::exists(out / "report.html") &&
      read_json(out / "config.json").value("options", Json()) == options.given) {
    if (!train.common.quiet) print(read_experiment(lab, data, rows), out);
    return exit_ok;
  }
  // A report that is there tells that nothing is left to do.
  fs::remove(out / "report.html");
  config["command"] = command;
  config["options"] = options.given;
  write_json(out / "config.json", config);
  if (!jobs.empty()) prepare_run(out, started, [&] { print_estimate(lab, rows, jobs); });
  bool stopped = interrupted();
  for (std::size_t i = 0; i < jobs.size() && !stopped; ++i) {
    if (!train.common.quiet) {
      std::cerr << "run " << i + 1 << " of " << jobs.size() << ": " << jobs[i].row->title << ", seed " << jobs[i].seed
                << std::endl;
    }
    stopped = !do_run(lab, jobs[i]);
    stopped = stopped || interrupted();
  }
  const Experiment done = write_results(lab, data, rows);
  if (!train.common.quiet) print(done, train.out);
  if (stopped && !train.common.quiet) std::cerr << "interrupted: go on with --resume" << std::endl;
  return stopped ? exit_stopped() : exit_ok;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Reproduces the table of results of Kosiba et al. (2020): eight rows, several seeds each.",
               "abell-experiment");
  ExperimentOptions options;
  add_train_options(app, options.train);
  // What a row decides, or what makes no sense for many runs. (--network is another option here.)
  for (const char* name : {"--network", "--alpha", "--no-augment", "--channels", "--preview", "--tta"}) {
    app.remove_option(app.get_option(name));
  }
  app.get_option("--out")->description("Folder of the experiment");
  app.get_option("--resume")->description("Continue the experiment in --out, or start it; needs no other option");
  app.get_option("--overwrite")->description("Start again in --out, deleting the runs of these rows");
  app.get_option("--seed")->description("Seed of the first run; the others have those after it");
  app.option_defaults()->group("Experiment");
  app.add_option("--runs", options.runs, "Runs of each row (--quick: 2)")
      ->check(within(1, 1000))
      ->capture_default_str();
  app.add_option("--network", options.networks,
                 "Also a row NAME-E for each NAME.json, a network of your own (see examples/networks)")
      ->type_name(file_type)
      ->delimiter(',');
  app.add_option(
         "--rows", options.rows,
         "Rows, A,B (default: all): CN-E MN-E CN-E-optical CN-E-xray CN-Z MN-Z CN-E-noaug MN-E-noaug, and those "
         "of --network")
      ->delimiter(',');
  app.add_option("--labels-z", options.labels_z,
                 "Volunteers' labels of the -Z rows: a table of id and class (default: DATA/consensus.csv)")
      ->type_name(file_type);
  app.add_flag("--quick", options.quick,
               "A quick look: 2 runs of 2 epochs with Adam and standardised images, unless you say otherwise");
  app.add_flag("--tta", options.tta, "Also average each test image over its 8 flips and quarter turns");
  app.add_option("--mc-dropout", options.mc_dropout,
                 "Also predict the test images this many times with dropout on, for the standard deviation")
      ->check(within(2, 100000));
  app.footer(
      "Examples:\n"
      "  abell-experiment Kosiba2020 --out experiment\n"
      "  abell-experiment simulated --out look --quick\n"
      "  abell-experiment Kosiba2020 --out experiment --rows CN-E,CN-E-noaug --runs 5 --epochs 100 --tta\n"
      "  abell-experiment Kosiba2020 --out mine --network net.json --rows CN-E,net-E\n"
      "Every run is an ordinary folder of abell-train, OUT/<row>/seed-<n>. Ctrl-C finishes the step, saves and exits\n"
      "with 130; --resume continues with the options in OUT/config.json, and does not repeat runs that are done.\n" +
      std::string(may_change) + " More --runs, --rows, --network, --labels-z and --mc-dropout can be added.");
  const std::string command = command_line(app.get_name(), argc, argv);
  return run(app, argc, argv, [&] {
    complete_options(app, options.train);
    if (options.quick) fill_options(app, quick_options(), "--quick");
    options.train.given = given_train_options(app, options.train);
    std::vector<TrainOptions> of_rows;
    for (const ExperimentRow& row : chosen_rows(options)) of_rows.push_back(row_options(options, row));
    refuse_unused(app, options.train, of_rows);
    options.given = options.train.given;
    return experiment(options, command);
  });
}

/// Trains a network on a labelled set of images and evaluates it on the set's test split.

#include "../common/networks.hpp"
#include "../common/weight_files.hpp"
#include "../training/metrics_table.hpp"
#include "../training/train_command_line.hpp"
#include "../training/training_memory.hpp"
#include "../training/training_resume.hpp"
#include "../training/training_run.hpp"
#include "previews.hpp"

namespace {

using namespace abell;
using namespace abell::program;
namespace fs = std::filesystem;

/// Writes pictures of some objects in place of training, of sets without classes too.
int show(const TrainOptions& options) {
  const DataSet set = read_data_set(options.data, {.need_class = false,
                                                   .need_train = false,
                                                   .need_set = false,
                                                   .several_classes = options.task.task() == Task::multilabel,
                                                   .channels = parse_channels(options.preprocessing.channels)});
  print_notes(set.notes, options.common.quiet);
  const OutputFolder folder = prepare_output(options.out, options.overwrite);
  const Shape input = architecture_of(options.choice(2)).input;
  write_previews(set, input, options.preprocessing.decode(), static_cast<std::size_t>(options.preview),
                 fs::path(options.out) / "previews", options.common.quiet);
  return interrupted() ? exit_stopped() : exit_ok;
}

int train(const TrainOptions& options, const std::string& command) {
  if (const auto draws = options.draws()) check(*draws);
  options.preprocessing.samples();
  options.make_optimizer().check();
  if (options.preview > 0) return show(options);
  check_training_memory(options);

  Data data = read_data(options);
  print_notes(data.set.notes, options.common.quiet);
  Network<float> network = make_network(options.choice(static_cast<int>(data.outputs.size())), options.common.seed);
  const fs::path out = options.out;
  const bool quiet = options.common.quiet;
  const bool started = options.resume && (fs::exists(out / "config.json") || fs::exists(out / "last.checkpoint"));
  if (!options.weights.empty() && !(options.resume && fs::exists(out / "last.checkpoint"))) {
    load_start(options.weights, network, quiet);
  }
  const Json config = run_config(options, data);
  // Wrong options and sets without images leave no folder behind.
  const OutputFolder folder = prepare_output(out, started || options.overwrite);
  if (started && is_complete(options)) {
    check_same_run(options, config);
    if (!quiet) print_results(read_json(out / "metrics.json"), out);
    return exit_ok;
  }
  TrainingState<float> state;
  const bool goes_on = started && take_up(options, data, config, network, state);
  const Json shown = begin_run(options, config, goes_on, command);
  if (!quiet) {
    std::cout << summary(network) << "\n";
    print_overview(options, data);
  }
  prepare_run(out, goes_on, [&] { decode(options, network.input(), data); });
  tell_lossy_files(data.set, quiet);
  const std::optional<Json> metrics = train_and_evaluate(options, data, config, shown, network, state);
  if (!quiet && !metrics) std::cerr << "\ninterrupted: go on with --resume" << std::endl;
  if (!quiet && metrics) print_results(*metrics, out);
  return metrics ? exit_ok : exit_stopped();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains the networks of Kosiba et al. (2020) on a set of labelled images.", "abell-train");
  TrainOptions options;
  add_train_options(app, options);
  add_task_options(app, options.task);
  const std::string command = command_line(app.get_name(), argc, argv);
  return run(app, argc, argv, [&] {
    complete_options(app, options);
    refuse_unused(app, options, {options});
    options.resolve();
    return train(options, command);
  });
}

/// Trains a network on a labelled set of images and evaluates it on the set's test split.

#include "networks.hpp"
#include "previews.hpp"
#include "training_memory.hpp"
#include "training_run.hpp"
#include "weight_files.hpp"

namespace {

using namespace abell;
using namespace abell::program;
namespace fs = std::filesystem;

/// Writes pictures of some objects in place of training.
int show(const TrainOptions& options) {
  const DataSet set = read_data_set(options.data, {.positive = options.positive});
  prepare_output(options.out, options.overwrite);
  const Shape input = with_description(options.network, 0, [](const auto&, const Shape& shape) { return shape; });
  write_previews(set, input, options.preprocessing.decode(), static_cast<std::size_t>(options.preview),
                 fs::path(options.out) / "previews", options.common.quiet);
  return interrupted() ? exit_interrupted : exit_ok;
}

int train(const TrainOptions& options, const std::string& command) {
  if (const auto draws = options.draws()) check(*draws);
  options.preprocessing.samples();
  std::visit([](const auto& optimizer) { check(optimizer); }, options.make_optimizer());
  if (options.preview > 0) return show(options);
  check_training_memory(options);
  const fs::path checkpoint = fs::path(options.out) / "last.checkpoint";
  if (options.resume && !fs::exists(checkpoint)) throw IoError(checkpoint.string() + ": no run to resume");

  return with_network(options.network, options.dropout, options.common.seed, [&](auto& network) {
    if (!options.resume && !options.weights.empty()) load_start(options.weights, network, options.common.quiet);
    Data data = read_data(options);
    // Wrong options and sets without images leave no folder behind.
    prepare_output(options.out, options.resume || options.overwrite);
    decode(options, network.input(), data);
    const bool quiet = options.common.quiet;
    if (!quiet) std::cout << summary(network) << from_scratch(options) << std::endl;
    const std::optional<Json> metrics = train_and_evaluate(options, data, network, command);
    if (!quiet && !metrics) std::cerr << "\ninterrupted: go on with --resume" << std::endl;
    if (!quiet && metrics) {
      std::cout << metrics->dump(2) << "\nreport: " << (fs::path(options.out) / "report.html").string() << std::endl;
    }
    return metrics ? exit_ok : exit_interrupted;
  });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains the networks of Kosiba et al. (2020) on a set of labelled images.", "abell-train");
  TrainOptions options;
  add_train_options(app, options);
  const std::string command = command_line(app.get_name(), argc, argv);
  return run(app, argc, argv, [&] {
    options.resolve();
    return train(options, command);
  });
}

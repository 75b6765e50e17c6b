/// Defaults of abell-train by network, as parsed, resolved and recorded.

#include <abell/data/augment.hpp>

#include "catch.hpp"

#if __has_include(<CLI/CLI.hpp>)
#include "../examples/train_options.hpp"

using namespace abell;
using namespace abell::program;
using Catch::Matchers::Contains;

namespace {

/// As abell-train reads a command line; the network is set apart from it.
TrainOptions parsed(const std::string& network, const std::string& line = "") {
  CLI::App app("test", "abell-train");
  TrainOptions options;
  add_train_options(app, options);
  app.parse("data --out run " + line);
  options.network = network;
  options.resolve();
  return options;
}

}  // namespace

TEST_CASE("a rate counts the images that were trained on", "[programs]") {
  Json config = {{"objects", {{"train", 25}}}, {"batch", 10}, {"iterations", nullptr}};
  CHECK(training_rate(config, 2, 10) == 5);
  config["iterations"] = 4;  // batches of 10, 10, 5 and 10
  CHECK(training_rate(config, 2, 10) == 3.5);
  config["iterations"] = 153000;  // stopped early
  CHECK(training_rate(config, 2, 10) == 5);
}

TEST_CASE("a report shows the options that lie within others one by one", "[programs]") {
  std::vector<std::pair<std::string, std::string>> settings;
  add_setting(settings, "bands", {{"xray", {{"smooth", "none"}}}, {"combine", "channels"}});
  add_setting(settings, "classes", {"low-z", "hi-z"});
  add_setting(settings, "epochs", nullptr);
  CHECK(settings == std::vector<std::pair<std::string, std::string>>{{"bands xray smooth", "none"},
                                                                     {"bands combine", "channels"},
                                                                     {"classes", "low-z, hi-z"},
                                                                     {"epochs", "null"}});
}

TEST_CASE("defaults of the custom network are Table 4's", "[programs]") {
  const TrainOptions options = parsed("custom");
  const FitOptions fit = options.fit_options({});
  const Sgd& sgd = std::get<Sgd>(fit.optimizer);
  CHECK((sgd.learning_rate == 1e-4 && sgd.momentum == 0.9 && sgd.nesterov && sgd.decay == 1e-6));
  CHECK((fit.batch == 10 && fit.iterations == 153000));
  CHECK((fit.plateau->patience == 14 && fit.plateau->factor == 0.75 && fit.plateau->min_rate == 1e-4));
  CHECK(options.preprocessing.scale == "unit");
  const Json record = options.record();
  CHECK((record["optimizer"] == "sgd" && record["momentum"] == 0.9 && !record.contains("rho")));
  CHECK((record["batch"] == 10 && record["plateau_min_rate"] == 1e-4 && record["preprocessing"]["scale"] == "unit"));
}

TEST_CASE("defaults of MobileNet are Table 4's", "[programs]") {
  const TrainOptions options = parsed("mobilenet");
  const FitOptions fit = options.fit_options({});
  const Adadelta& adadelta = std::get<Adadelta>(fit.optimizer);
  CHECK((adadelta.learning_rate == 1 && adadelta.rho == 0.95 && adadelta.decay == 0.95 && adadelta.epsilon == 1e-7));
  CHECK((fit.batch == 20 && fit.iterations == 3825));
  CHECK((fit.plateau->patience == 4 && fit.plateau->factor == 0.85 && fit.plateau->min_rate == 0.01));
  CHECK(options.preprocessing.scale == "symmetric");
  const Json record = options.record();
  CHECK((record["optimizer"] == "adadelta" && record["rho"] == 0.95 && record["decay"] == 0.95));
  CHECK((record["learning_rate"] == 1 && !record.contains("momentum") && !record.contains("weight_decay")));
  CHECK((record["batch"] == 20 && record["plateau_patience"] == 4 && record["plateau_factor"] == 0.85));
  CHECK((record["plateau_min_rate"] == 0.01 && record["preprocessing"]["scale"] == "symmetric"));
}

TEST_CASE("what the user gives stays, on either network", "[programs]") {
  for (const std::string network : {"custom", "mobilenet"}) {
    INFO(network);
    const TrainOptions options =
        parsed(network,
               "--batch 7 --epochs 3 --optimizer adamw --learning-rate 0.5 --weight-decay 0.25 --decay 0 --patience 9 "
               "--factor 0.5 --min-rate 0.125 --scale standard");
    const FitOptions fit = options.fit_options({});
    const AdamW& adamw = std::get<AdamW>(fit.optimizer);
    CHECK((adamw.learning_rate == 0.5 && adamw.weight_decay == 0.25 && adamw.decay == 0));
    CHECK((fit.batch == 7 && fit.iterations == 0 && fit.epochs == 3));
    CHECK((fit.plateau->patience == 9 && fit.plateau->factor == 0.5 && fit.plateau->min_rate == 0.125));
    CHECK((options.preprocessing.scale == "standard" && options.record()["weight_decay"] == 0.25));
  }
  // A rate of one optimizer means nothing to another: the defaults of an optimizer go with it.
  CHECK(std::get<Sgd>(parsed("mobilenet", "--optimizer sgd").make_optimizer()).learning_rate == 1e-4);
  CHECK(std::get<Sgd>(parsed("mobilenet", "--optimizer sgd").make_optimizer()).decay == 1e-6);
  CHECK(parsed("mobilenet", "--optimizer adam").fit_options({}).plateau->min_rate == 1e-4);
  CHECK(std::get<Adam>(parsed("custom", "--optimizer adam").make_optimizer()).learning_rate == 1e-3);
  const auto adadelta =
      std::get<Adadelta>(parsed("custom", "--optimizer adadelta --rho 0.5 --decay 0").make_optimizer());
  CHECK((adadelta.learning_rate == 1 && adadelta.rho == 0.5 && adadelta.decay == 0));
  CHECK(parsed("mobilenet", "--iterations 5").fit_options({}).iterations == 5);
  // One command line for both networks: each gets its own.
  CLI::App app("test", "abell-train");
  TrainOptions both;
  add_train_options(app, both);
  app.parse("data --out run --batch 3");
  TrainOptions custom = both, mobilenet = both;
  mobilenet.network = "mobilenet";
  custom.resolve();
  mobilenet.resolve();
  CHECK((custom.batch == 3 && mobilenet.batch == 3 && custom.patience == 14 && mobilenet.patience == 4));
}

TEST_CASE("the help text tells the defaults of both networks", "[programs]") {
  CLI::App app("test", "abell-train");
  TrainOptions options;
  add_train_options(app, options);
  const std::string help = app.help();
  for (const char* text : {"custom 153000, mobilenet 3825", "custom 10, mobilenet 20", "custom sgd, mobilenet adadelta",
                           "custom unit, mobilenet symmetric", "custom 14, mobilenet 4", "custom 0.75, mobilenet 0.85",
                           "sgd 0.0001, adam 0.001, adamw 0.001, adadelta 1", "adadelta 0.95", "adadelta 0.01"}) {
    CHECK_THAT(help, Contains(text));
  }
}
#endif

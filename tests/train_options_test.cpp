/// Defaults of abell-train by network, as parsed, resolved and recorded.

#include <abell/data/augment.hpp>

#include "catch.hpp"

#if __has_include(<CLI/CLI.hpp>)
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "../examples/programs/training/train_command_line.hpp"
#include "../examples/programs/training/training_resume.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"

using namespace abell;
using namespace abell::program;

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

ReduceOnPlateau plateau_of(const FitOptions& fit) { return std::get<ReduceOnPlateau>(fit.schedule); }

TEST_CASE("defaults of the custom network are Table 4's", "[programs]") {
  const TrainOptions options = parsed("custom");
  const FitOptions fit = options.fit_options({});
  const Sgd& sgd = *fit.optimizer.as<Sgd>();
  CHECK((sgd.learning_rate == 1e-4 && sgd.momentum == 0.9 && sgd.nesterov && sgd.decay == 1e-6));
  CHECK((fit.batch == 10 && fit.iterations == 153000));
  CHECK((plateau_of(fit).patience == 14 && plateau_of(fit).factor == 0.75 && plateau_of(fit).min_rate == 1e-4));
  CHECK(options.preprocessing.scale == "unit");
  const Json record = options.record();
  CHECK((record["optimizer"] == "sgd" && record["momentum"] == 0.9 && !record.contains("rho")));
  CHECK((record["batch"] == 10 && record["plateau_min_rate"] == 1e-4 && record["preprocessing"]["scale"] == "unit"));
}

TEST_CASE("defaults of MobileNet are Table 4's", "[programs]") {
  const TrainOptions options = parsed("mobilenet");
  const FitOptions fit = options.fit_options({});
  const Adadelta& adadelta = *fit.optimizer.as<Adadelta>();
  CHECK((adadelta.learning_rate == 1 && adadelta.rho == 0.95 && adadelta.decay == 0.95 && adadelta.epsilon == 1e-7));
  CHECK((fit.batch == 20 && fit.iterations == 3825));
  CHECK((plateau_of(fit).patience == 4 && plateau_of(fit).factor == 0.85 && plateau_of(fit).min_rate == 0.01));
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
    const AdamW& adamw = *fit.optimizer.as<AdamW>();
    CHECK((adamw.learning_rate == 0.5 && adamw.weight_decay == 0.25 && adamw.decay == 0));
    CHECK((fit.batch == 7 && fit.iterations == 0 && fit.epochs == 3));
    CHECK((plateau_of(fit).patience == 9 && plateau_of(fit).factor == 0.5 && plateau_of(fit).min_rate == 0.125));
    CHECK((options.preprocessing.scale == "standard" && options.record()["weight_decay"] == 0.25));
  }
  // A rate of one optimizer means nothing to another: the defaults of an optimizer go with it.
  CHECK(parsed("mobilenet", "--optimizer sgd").make_optimizer().as<Sgd>()->learning_rate == 1e-4);
  CHECK(parsed("mobilenet", "--optimizer sgd").make_optimizer().as<Sgd>()->decay == 1e-6);
  CHECK(plateau_of(parsed("mobilenet", "--optimizer adam").fit_options({})).min_rate == 1e-4);
  CHECK(parsed("custom", "--optimizer adam").make_optimizer().as<Adam>()->learning_rate == 1e-3);
  const auto adadelta = *parsed("custom", "--optimizer adadelta --rho 0.5 --decay 0").make_optimizer().as<Adadelta>();
  CHECK((adadelta.learning_rate == 1 && adadelta.rho == 0.5 && adadelta.decay == 0));
  CHECK(parsed("mobilenet", "--iterations 5").fit_options({}).iterations == 5);
  // One command line for both networks: each gets its own.
  CLI::App app("test", "abell-train");
  TrainOptions both;
  add_train_options(app, both);
  app.parse("data --out run --batch 3");
  TrainOptions first = both, second = both;
  second.network = "mobilenet";
  first.resolve();
  second.resolve();
  CHECK((first.batch == 3 && second.batch == 3 && first.patience == 14 && second.patience == 4));
}

TEST_CASE("the help text tells the defaults of both networks", "[programs]") {
  CLI::App app("test", "abell-train");
  TrainOptions options;
  add_train_options(app, options);
  std::istringstream words(app.help());  // whatever lines they stand in
  std::string help;
  for (std::string word; words >> word;) help += word + " ";
  for (const char* text : {"custom 153000, mobilenet 3825", "custom 10, mobilenet 20", "custom sgd, mobilenet adadelta",
                           "custom unit, mobilenet symmetric", "custom 14, mobilenet 4", "custom 0.75, mobilenet 0.85",
                           "sgd 0.0001, adam 0.001, adamw 0.001, adadelta 1", "adadelta 0.95", "adadelta 0.01"}) {
    CHECK_THAT(help, Contains(text));
  }
}

namespace {

/// The options that a command line gives, as config.json has them, and the record that they lead to.
struct Told {
  Json given, record;
  TrainOptions options;
};

/// As abell-train reads a command line, with the options of a run that is to go on.
Told told(const std::string& line, const Json& before = Json::object()) {
  CLI::App app("test", "abell-train");
  Told told;
  add_train_options(app, told.options);
  app.parse(line);
  fill_options(app, before, "config.json");
  told.given = given_train_options(app, told.options);
  told.options.resolve();
  told.record = told.options.record();
  return told;
}

}  // namespace

TEST_CASE("options go into config.json and come back as if typed", "[programs]") {
  const std::string line =
      "set --out run --batch 7 --learning-rate 1e-4 --decay 0.5 --positive a,b --shift 0.1,0.2 --flips none --seed "
      "18446744073709551615 --smooth xray=gaussian:1.5 --interval xray=percentile:99.5,optical=zscale "
      "--threads 2 --weights w.h5 --epochs 3 --tta --cache ram --checkpoint-minutes 0.5 -q --resume";
  const Told first = told(line);
  CHECK(first.given["batch"] == 7);
  CHECK(first.given["positive"] == Json({"a", "b"}));
  CHECK(first.given["seed"] == 18446744073709551615u);
  CHECK(first.given["tta"] == true);
  CHECK(first.given["DATA"] == std::filesystem::absolute("set").string());
  CHECK(first.given["weights"] == std::filesystem::absolute("w.h5").string());
  for (const char* name : {"out", "resume", "overwrite", "quiet", "verbose", "preview", "help"}) {
    CHECK_FALSE(first.given.contains(name));
  }
  const Told again = told("--out run", Json::parse(first.given.dump()));
  CHECK(again.given == first.given);
  CHECK(again.record == first.record);
  CHECK((again.options.common.threads == 2 && again.options.epochs == 3 && !again.options.iterations &&
         again.options.tta));
  CHECK((again.options.cache == "ram" && again.options.checkpoint_minutes == 0.5 && !again.options.common.quiet));
  // What is typed comes first, and takes the place of what it excludes.
  const Told other = told("--out run --batch 8 --iterations 5 --tta=false", first.given);
  CHECK((other.options.batch == 8 && other.options.iterations == 5u && !other.options.epochs && !other.options.tta));
  CHECK((other.options.positive == std::vector<std::string>{"a", "b"} && other.options.shift.back() == 0.2));
  CHECK(told("set --out run --cache scratch").given["cache"] == std::filesystem::absolute("scratch").string());
  // A text that is a number to JSON in another form stays as it was typed.
  CHECK(told("set --out run --positive 1e2,true").given["positive"] == Json({"1e2", true}));
  CHECK(told("--out run", {{"positive", {"1e2", true}}}).options.positive == std::vector<std::string>{"1e2", "true"});
}

TEST_CASE("a config.json that is not ours is refused", "[programs]") {
  const auto refused = [](const Json& options) {
    return message_of<FormatError>([&] { told("set --out run", options); });
  };
  CHECK_THAT(refused({{"bath", 7}}), Contains("config.json: unknown option 'bath' (did you mean batch?)"));
  CHECK_THAT(refused({{"config", "elsewhere"}}), Contains("config.json: unknown option 'config'"));
  CHECK_THAT(refused({{"batch", 0}}), Contains("config.json: --batch"));
  CHECK_THAT(refused({{"batch", "ten"}}), Contains("config.json: --batch"));
  CHECK_THAT(refused({{"batch", {{"a", 1}}}}), Contains("config.json: --batch"));
  CHECK_THAT(refused({{"smooth", "much"}}), Contains("config.json: "));
  CHECK_THAT(refused(Json::array({1})), Contains("config.json: expected options as a JSON object"));
}

TEST_CASE("all differences between two runs are told at once", "[programs]") {
  const Json before = told("set --out run --momentum 0.8").record;
  CHECK_NOTHROW(check_same_run("here", before, told("other --out elsewhere --momentum 0.8 --threads 3").record));
  Json now = told("set --out run --seed 5 --stretch xray=asinh --no-augment").record;
  CHECK_THAT(message_of<FormatError>([&] { check_same_run("here", before, now); }),
             Contains("here: the run to resume has seed 1 (this command 5)") &&
                 Contains("momentum 0.8 (this command 0.9)") && Contains("augment true (this command false)") &&
                 Contains("preprocessing bands xray stretch \"linear\" (this command \"asinh:0.1\")"));
  Json older = told("set --out run --ema-decay 0.9").record;
  older["average"] = older["ema_decay"];
  older.erase("ema_decay");
  CHECK_NOTHROW(check_same_run("here", older, told("set --out run", {{"average", 0.9}}).record));
  CHECK_THAT(message_of<FormatError>([&] { check_same_run("here", older, before); }),
             Contains("ema_decay 0.9 (this command 0.0)"));
  now = before;
  now["set"] = "another";
  CHECK_THAT(message_of<FormatError>([&] { check_same_run("here", before, now); }),
             Contains("here: the set has changed since the run began"));
}

TEST_CASE("a digest tells ids, classes, splits and sizes of a set", "[programs]") {
  const TempFolder folder;
  const auto write = [&](const char* name, const char* text) { std::ofstream(folder / name) << text; };
  write("a.png", "four");
  write("b.fits", "eight...");
  DataSet set;
  set.objects = {{.id = "a", .files = {folder / "a.png"}, .label = 0},
                 {.id = "b", .files = {"", folder / "b.fits[1]"}, .label = 1}};
  const std::string before = digest(set);
  CHECK(before.size() == 64);
  CHECK(digest(set) == before);
  const auto differs = [&](const auto& change) {
    DataSet other = set;
    change(other.objects[1]);
    CHECK(digest(other) != before);
  };
  differs([](Object& o) { o.id = "c"; });
  differs([](Object& o) { o.label = 0; });
  differs([](Object& o) { o.split = Split::test; });
  differs([](Object& o) { std::swap(o.files[0], o.files[1]); });
  differs([&](Object& o) { o.third = folder / "a.png"; });
  differs([&](Object& o) { o.exposure = folder / "a.png"; });
  write("b.fits", "nine.....");
  CHECK(digest(set) != before);
}
#endif

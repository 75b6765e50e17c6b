/// Options of abell-train by task and schedule: what they become, what goes into the record, what is refused.

#include <abell/data/augment.hpp>

#include "catch.hpp"

#if __has_include(<CLI/CLI.hpp>)
#include <string>
#include <variant>

#include "../examples/programs/training/task_targets.hpp"
#include "../examples/programs/training/train_command_line.hpp"
#include "error_message.hpp"

using namespace abell;
using namespace abell::program;

namespace {

/// As abell-train reads a command line.
TrainOptions parsed(const std::string& line) {
  CLI::App app("test", "abell-train");
  TrainOptions options;
  add_train_options(app, options);
  add_task_options(app, options.task);
  app.parse("data --out run " + line);
  complete_options(app, options);
  refuse_unused(app, options, {options});
  options.resolve();
  return options;
}

std::string refused(const std::string& line) {
  return message_of<OptionError>([&] { parsed(line); });
}

}  // namespace

TEST_CASE("a plain run has the record that it always had", "[programs]") {
  const Json record = parsed("").record();
  for (const char* name : {"task", "targets", "loss", "size", "schedule", "warm_up", "clip_norm", "label_smoothing"}) {
    CHECK(!record.contains(name));
  }
  CHECK(record["plateau_patience"] == 14);
}

TEST_CASE("a schedule is chosen by name and recorded in place of the plateau", "[programs]") {
  CHECK(std::holds_alternative<ReduceOnPlateau>(parsed("").fit_options().schedule));
  const TrainOptions constant = parsed("--schedule constant --clip-norm 2.5");
  CHECK(std::holds_alternative<ConstantRate>(constant.fit_options().schedule));
  CHECK(constant.fit_options().clip_norm == 2.5);
  CHECK((constant.record()["schedule"] == "constant" && constant.record()["clip_norm"] == 2.5));
  CHECK((!constant.record().contains("plateau_patience") && !constant.record().contains("warm_up")));
  const TrainOptions cosine = parsed("--schedule cosine --warm-up 7 --epochs 3 --batch 4");
  CHECK(std::get<WarmUpCosine>(cosine.fit_options().schedule).warm_up == 7);
  CHECK(cosine.record()["warm_up"] == 7);
  CHECK(cosine.fit_options().steps(9) == 9);
  CHECK(parsed("--schedule cosine --iterations 11").fit_options().steps(9) == 11);
  CHECK(parsed("--schedule cosine").record()["warm_up"] == WarmUpCosine{}.warm_up);
  CHECK_THAT(refused("--warm-up 5"), Contains("--warm-up: expected --schedule cosine, found plateau"));
  CHECK_THAT(refused("--schedule constant --factor 0.5"), Contains("expected --schedule plateau, found constant"));
}

TEST_CASE("a task decides the network and the loss", "[programs]") {
  const Loss loss = parsed("--label-smoothing 0.1").fit_options().loss;
  const auto* smooth = loss.as<SoftmaxCrossEntropy>();
  CHECK((smooth != nullptr && smooth->label_smoothing == 0.1));
  const TrainOptions numbers = parsed("--task regress --target z,mass --network mobilenet");
  CHECK(numbers.fit_options().loss.as<MeanSquaredError>() != nullptr);
  CHECK((numbers.record()["targets"] == Json{"z", "mass"} && numbers.record()["loss"] == "mse"));
  CHECK(parsed("--task regress --target z --loss huber").fit_options().loss.as<Huber>()->delta == 1);
  CHECK(parsed("--task multilabel").fit_options().loss.as<SigmoidCrossEntropy>() != nullptr);
  const TrainOptions maps = parsed("--task segment --size 64");
  CHECK((maps.network == "unet" && maps.choice(3).size == 64 && *maps.optimizer == "adam"));
  CHECK(maps.record()["size"] == 64);
  CHECK(parsed("--task segment").record()["size"] == 256);
}

TEST_CASE("the networks of all tasks have as many outputs as asked for", "[programs]") {
  const auto output = [](const NetworkChoice& choice) {
    const Architecture<> made = architecture_of(choice);
    return inspect(made.layers, made.input).back().output;
  };
  for (const char* name : {"custom", "mobilenet"}) {
    CHECK(output({.name = name}) == Shape{1, 1, 2});
    CHECK(output({.name = name, .task = Task::multilabel, .outputs = 5}) == Shape{1, 1, 5});
    CHECK(output({.name = name, .task = Task::regress, .outputs = 1}) == Shape{1, 1, 1});
  }
  CHECK(output({.name = "unet", .task = Task::segment, .outputs = 4, .size = 64}) == Shape{64, 64, 4});
}

TEST_CASE("options of another task are refused in one line", "[programs]") {
  CHECK_THAT(refused("--task regress"), Contains("--target: expected columns of numbers for --task regress"));
  CHECK_THAT(refused("--target z"), Contains("--target: expected --task regress, found classify"));
  CHECK_THAT(refused("--task regress --target z,z"), Contains("expected different columns, found 'z'"));
  CHECK_THAT(refused("--task multilabel --loss huber"), Contains("--loss: expected --task regress, found multilabel"));
  CHECK_THAT(refused("--size 64"), Contains("--size: expected --task segment, found classify"));
  CHECK_THAT(refused("--task segment --size 60"), Contains("--size: expected a multiple of 8, found 60"));
  CHECK_THAT(refused("--network unet"),
             Contains("expected custom or mobilenet, or a file .json, .keras, .h5 or .onnx, for --task classify, found unet"));
  CHECK_THAT(refused("--task segment --network custom"),
             Contains("expected unet, or a file .json, .keras, .h5 or .onnx, for --task segment, found custom"));
  for (const char* option : {"--positive x", "--class-weights balanced", "--label-smoothing 0.1", "--tta"}) {
    CHECK_THAT(refused("--task multilabel " + std::string(option)),
               Contains("expected --task classify, found multilabel"));
  }
}

TEST_CASE("numbers are learnt with mean 0 and variance 1 over what is known of the training split", "[programs]") {
  const float unknown = std::nanf("");
  DataSet set;
  for (const auto& values : {std::vector{1.0F, 5.0F}, {3.0F, 5.0F}, {unknown, 5.0F}, {100.0F, 7.0F}}) {
    set.objects.push_back({.id = std::to_string(set.objects.size()), .files = {}, .targets = values});
  }
  const Standard standard = standard_of(set, {0, 1, 2}, {"a", "b"});  // the last is of another split
  CHECK(standard.mean == std::vector<double>{2, 5});
  CHECK(standard.deviation == std::vector<double>{1, 1});  // of b, which is constant, 1 in place of 0
  const CachedTargets targets = number_targets(set, standard);
  CHECK((targets.at(0)[0] == -1 && targets.at(1)[0] == 1 && std::isnan(targets.at(2)[0]) && targets.at(3)[0] == 98));
  CHECK(standard.in_units(0, targets.at(3)[0]) == 100);
  CHECK(targets.at(3)[1] == 2);
  CHECK_THAT(message_of<FormatError>([&] {
               standard_of(set, {2}, {"a", "b"});
             }),
             Contains("expected numbers in column 'a' of the training split, found none"));
}

TEST_CASE("each class of an object is a target of 1, the others are 0", "[programs]") {
  DataSet set;
  set.classes = {"a", "b", "c"};
  set.objects.push_back({.id = "x", .files = {}, .labels = {0, 2}});
  set.objects.push_back({.id = "y", .files = {}});
  const CachedTargets targets = class_targets(set);
  CHECK(std::ranges::equal(targets.at(0), std::vector<float>{1, 0, 1}));
  CHECK(std::ranges::equal(targets.at(1), std::vector<float>{0, 0, 0}));
}
#endif

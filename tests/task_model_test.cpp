/// Model files of networks that do more than tell two classes apart.

#include <abell/weights/model.hpp>
#include <string>

#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"
#include "weights_tools.hpp"

using namespace abell;

namespace {

constexpr auto numbers_net = describe(Flatten{}, Dense{.units = 2});
constexpr auto map_net = describe(Conv2d{.filters = 3, .kernel_size = 1}, Softmax{});

}  // namespace

TEST_CASE("a model of another task than to classify tells it with the names of its outputs", "[weights]") {
  const TempFolder folder;
  const auto numbers = build<float>(numbers_net, {2, 2, 1});
  save_model(folder / "n", numbers,
             {.preprocessing = {{"target_mean", {0.5, 2}}}, .task = "regress", .targets = {"z", "mass"}});
  const ModelInfo info = read_model_info(folder / "n");
  CHECK((info.task == "regress" && info.classes.empty() && info.positive.empty()));
  CHECK(info.targets == std::vector<std::string>{"z", "mass"});
  CHECK(info.preprocessing["target_mean"][1] == 2);

  const auto maps = build<float>(map_net, {4, 4, 1});
  save_model(folder / "m", maps, {.classes = {"0", "1", "2"}, .task = "segment"});
  CHECK(read_model_info(folder / "m").task == "segment");
  auto again = build<float>(map_net, {4, 4, 1}, 2);
  load_model(folder / "m", again);
  CHECK(std::ranges::equal(again.parameters(), maps.parameters()));

  save_model(folder / "l", numbers, {.classes = {"a", "b"}, .task = "multilabel"});
  CHECK(read_model_info(folder / "l").classes == std::vector<std::string>{"a", "b"});

  // What classifies has the bytes that it always had.
  save_model(folder / "c", build<float>(small_net, small_input), small_info());
  const std::string text = read_safetensors_metadata(folder / "c").at("abell");
  CHECK_THAT(text, !Contains("\"task\"") && !Contains("\"targets\""));
}

TEST_CASE("names that do not fit a model's task are refused", "[weights]") {
  const TempFolder folder;
  const auto numbers = build<float>(numbers_net, {2, 2, 1});
  const auto refused = [&](const ModelInfo& info) {
    return message_of<OptionError>([&] { save_model(folder / "x", numbers, info); });
  };
  CHECK_THAT(refused({.task = "regress", .targets = {"z"}}), Contains("expected 2 targets, found 1"));
  CHECK_THAT(refused({.task = "regress", .targets = {"z", "z"}}), Contains("targets of different names"));
  CHECK_THAT(refused({.classes = {"a"}, .task = "multilabel"}), Contains("expected 2 classes, found 1"));
  CHECK_THAT(refused({.classes = {"a", "b"}, .task = "rank"}),
             Contains("expected the task classify, multilabel, regress or segment, found \"rank\""));
  save_model(folder / "n", numbers, {.task = "regress", .targets = {"z", "mass"}});
  const auto found = [&](const char* key, const nlohmann::json& value) {
    changed(folder / "n", folder / "changed", [&](TensorFile& file) {
      auto json = nlohmann::json::parse(file.metadata.at("abell"));
      json[key] = value;
      file.metadata["abell"] = json.dump();
    });
    return message_of<FormatError>([&] { read_model_info(folder / "changed"); });
  };
  CHECK_THAT(found("task", "rank"), Contains("found \"rank\""));
  CHECK_THAT(found("task", 3), Contains("expected text under \"task\", found 3"));
  CHECK_THAT(found("task", "segment"), Contains("expected a map of 2x2 pixels as the output"));
  CHECK_THAT(found("targets", {"z"}), Contains("expected 2 targets, found 1"));
}

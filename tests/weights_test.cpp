#include <abell/weights/model.hpp>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "full_disk.hpp"
#include "temp_folder.hpp"
#include "weights_tools.hpp"

using namespace abell;

TEST_CASE("A full disk leaves the old file and nothing else", "[weights]") {
  const TempFolder folder;
  const auto network = build<float>(small_net, small_input);
  save_model(folder / "m", network, small_info());
  const std::string before = slurp(folder / "m");
  const auto other = build<float>(small_net, small_input, 2);
  std::string message;
  {
    const FullDisk full(1000);
    message = message_of<IoError>([&] { save_model(folder / "m", other, small_info()); });
  }
  REQUIRE_THAT(message, Contains((folder / "m").string()) && Contains("cannot be written"));
  REQUIRE(slurp(folder / "m") == before);
  REQUIRE(files_in(folder.path()) == 1);
}

TEST_CASE("A model file gives back the weights bit by bit and all that classification needs", "[weights]") {
  const TempFolder folder;
  const auto network = build<float>(small_net, small_input, 7);
  save_model(folder / "m", network, small_info());

  const ModelInfo info = read_model_info(folder / "m");
  REQUIRE(info.network == "custom");
  REQUIRE(info.input == small_input);
  REQUIRE(info.layers == model_layers(network.layers()));
  REQUIRE(info.layers.size() == 9);
  REQUIRE(info.layers[0] == ModelLayer{"Conv2d", "conv2d_1", {8, 8, 4}});
  REQUIRE(info.classes == small_info().classes);
  REQUIRE(info.positive == small_info().positive);
  REQUIRE(info.preprocessing == small_info().preprocessing);

  auto fresh = build<float>(small_net, info.input, 8);
  REQUIRE(copy_of(fresh) != copy_of(network));
  load_weights(folder / "m", fresh);
  REQUIRE(same_bits(std::as_const(fresh).parameters(), network.parameters()));
  auto other = build<float>(small_net, info.input, 9);
  REQUIRE(load_model(folder / "m", other).classes == info.classes);
  REQUIRE(same_bits(std::as_const(other).parameters(), network.parameters()));

  save_model(folder / "again", fresh, info);
  REQUIRE(slurp(folder / "again") == slurp(folder / "m"));
}

TEST_CASE("A model file can hold other parameters than the network's present ones", "[weights]") {
  const TempFolder folder;
  auto network = build<float>(small_net, small_input, 1);
  const std::vector<float> best = copy_of(build<float>(small_net, small_input, 2));
  save_model(folder / "best", network, best, small_info());
  load_weights(folder / "best", network);
  REQUIRE(copy_of(network) == best);
  REQUIRE_THROWS_AS(save_model(folder / "short", network, std::span(best).first(5), small_info()), ShapeError);
}

TEST_CASE("Weights change between float and double, and none that does not fit", "[weights]") {
  const TempFolder folder;
  auto single = build<float>(small_net, small_input, 1);
  auto twice = build<double>(small_net, small_input, 2);
  save_model(folder / "d", twice, small_info());
  load_weights(folder / "d", single);
  for (std::size_t i = 0; i < single.parameters().size(); ++i) {
    REQUIRE(single.parameters()[i] == static_cast<float>(twice.parameters()[i]));
  }
  save_model(folder / "f", single, small_info());
  load_weights(folder / "f", twice);
  for (std::size_t i = 0; i < single.parameters().size(); ++i) {
    REQUIRE(twice.parameters()[i] == static_cast<double>(single.parameters()[i]));
  }
  twice.parameters()[3] = 1e300;
  save_model(folder / "d", twice, small_info());
  const std::vector<float> before = copy_of(single);
  REQUIRE_THAT(message_of<NumericError>([&] { load_weights(folder / "d", single); }),
               Contains("conv2d_1/kernel") && Contains("index 3"));
  REQUIRE(copy_of(single) == before);
}

TEST_CASE("NaN and infinite weights are neither saved nor loaded", "[weights]") {
  const TempFolder folder;
  auto network = build<float>(small_net, small_input);
  save_model(folder / "m", network, small_info());
  const std::vector<float> before = copy_of(network);
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const auto path = changed(folder / "m", folder / "nan", [&](TensorFile& file) {
      std::memcpy(named(file, "dense_2/bias").bytes.data() + 4, &bad, 4);
    });
    const std::string message = message_of<NumericError>([&] { load_weights(path, network); });
    REQUIRE_THAT(message, Contains(path.string()) && Contains("dense_2/bias") && Contains("index 1"));
    REQUIRE(copy_of(network) == before);
    std::vector<float> broken = before;
    broken[0] = bad;
    REQUIRE_THROWS_AS(save_model(folder / "bad", network, broken, small_info()), NumericError);
    REQUIRE_FALSE(std::filesystem::exists(folder / "bad"));
  }
}

TEST_CASE("Weights of another network are refused with a list, and the network stays as it was", "[weights]") {
  const TempFolder folder;
  auto network = build<float>(small_net, small_input);
  const std::vector<float> before = copy_of(network);
  const auto message = [&](const std::filesystem::path& path) {
    const std::string text = message_of<ShapeError>([&] { load_weights(path, network); });
    REQUIRE_THAT(text, Contains(path.string() + ": weights of another network: "));
    REQUIRE(copy_of(network) == before);
    return text;
  };
  const auto wider = build<float>(
      describe(Conv2d{.filters = 5}, Relu{}, MaxPool2d{}, Flatten{}, Dense{.units = 8}, Dense{.units = 2}, Softmax{}),
      small_input);
  save_model(folder / "wider", wider, small_info());
  REQUIRE_THAT(message(folder / "wider"), Contains("expected \"conv2d_1/kernel\" [3, 3, 3, 4], found [3, 3, 3, 5]") &&
                                              Contains("expected \"conv2d_1/bias\" [4], found [5]") &&
                                              Contains("dense_1/kernel"));
  const auto deeper = build<float>(describe(Conv2d{.filters = 4, .name = "first"}, Relu{}, MaxPool2d{}, Flatten{},
                                            Dense{.units = 8}, Relu{}, Dense{.units = 2}, Dense{.units = 2}, Softmax{}),
                                   small_input);
  save_model(folder / "deeper", deeper, small_info());
  REQUIRE_THAT(message(folder / "deeper"), Contains("expected \"conv2d_1/kernel\" [3, 3, 3, 4], found none") &&
                                               Contains("found unexpected \"first/kernel\" [3, 3, 3, 4]") &&
                                               Contains("; and 1 more"));
  save_model(folder / "m", network, small_info());
  REQUIRE_THAT(message(changed(folder / "m", folder / "transposed",
                               [](TensorFile& file) {
                                 auto& shape = named(file, "dense_1/kernel").shape;
                                 std::swap(shape[0], shape[1]);
                               })),
               Contains("expected \"dense_1/kernel\" [64, 8], found [8, 64]"));
  const auto path = changed(folder / "m", folder / "bytes", [](TensorFile& file) {
    StoredTensor& bias = named(file, "dense_2/bias");
    bias.dtype = DType::u8;
    bias.bytes.resize(2);
  });
  REQUIRE_THAT(message_of<FormatError>([&] { load_weights(path, network); }),
               Contains("expected F64, F32, F16 or BF16, found U8"));
  REQUIRE(copy_of(network) == before);
}

TEST_CASE("A model's input and layers must be the network's", "[weights]") {
  const TempFolder folder;
  auto network = build<float>(small_net, small_input);
  save_model(folder / "m", network, small_info());

  auto seven = build<float>(small_net, {7, 7, 3});
  const std::vector<float> before = copy_of(seven);
  REQUIRE_NOTHROW(load_weights(folder / "m", seven));
  std::ranges::copy(before, seven.parameters().begin());
  REQUIRE_THAT(message_of<ShapeError>([&] { load_model(folder / "m", seven); }),
               Contains("expected an input of 7x7x3, found 8x8x3"));
  REQUIRE(copy_of(seven) == before);

  auto bare = build<float>(describe(Conv2d{.filters = 4}, Relu{}, MaxPool2d{}, Flatten{}, Dense{.units = 8}, Relu{},
                                    Dense{.units = 2}, Softmax{}),
                           small_input);
  REQUIRE_NOTHROW(load_weights(folder / "m", bare));
  REQUIRE_THAT(message_of<ShapeError>([&] { load_model(folder / "m", bare); }),
               Contains("expected layer 7 to be {\"kind\":\"Dense\",\"units\":2}, found {\"kind\":\"Dropout\"}"));
}

TEST_CASE("Model information that does not fit is refused on the way out and on the way in", "[weights]") {
  const TempFolder folder;
  const auto network = build<float>(small_net, small_input);
  const auto refused = [&](const auto& change) {
    ModelInfo info = small_info();
    change(info);
    const std::string text = message_of<OptionError>([&] { save_model(folder / "x", network, info); });
    REQUIRE_FALSE(std::filesystem::exists(folder / "x"));
    return text;
  };
  REQUIRE_THAT(refused([](ModelInfo& i) { i.classes.pop_back(); }), Contains("expected 2 classes, found 1"));
  REQUIRE_THAT(refused([](ModelInfo& i) { i.classes[1] = "cluster"; }), Contains("one name twice"));
  REQUIRE_THAT(refused([](ModelInfo& i) { i.positive = {}; }), Contains("at least one positive class"));
  REQUIRE_THAT(refused([](ModelInfo& i) { i.positive = {"hi-z"}; }), Contains("found \"hi-z\""));
  REQUIRE_THAT(refused([](ModelInfo& i) { i.preprocessing = 3; }), Contains("as an object, found 3"));
  ModelInfo latin = small_info();
  latin.classes[1] = "\xe9";
  REQUIRE_THROWS_AS(save_model(folder / "x", network, latin), FormatError);

  save_model(folder / "m", network, small_info());
  const auto found = [&](const auto& change) {
    const auto path = changed(folder / "m", folder / "changed", [&](TensorFile& file) {
      auto json = nlohmann::json::parse(file.metadata.at("abell"));
      change(json);
      file.metadata["abell"] = json.dump();
    });
    return message_of<FormatError>([&] { read_model_info(path); });
  };
  using nlohmann::json;
  REQUIRE(found([](json&) {}).empty());
  REQUIRE_THAT(found([](json& j) { j["format_version"] = 3; }), Contains("expected format version 1 or 2, found 3"));
  REQUIRE_THAT(found([](json& j) { j["format_version"] = "1"; }), Contains("expected a number"));
  REQUIRE_THAT(found([](json& j) { j = json::array(); }), Contains("expected an object"));
  for (const char* key :
       {"format_version", "network", "input", "description", "classes", "positive", "preprocessing"}) {
    REQUIRE_THAT(found([&](json& j) { j.erase(key); }), Contains(std::string("under \"") + key + "\", found none"));
    REQUIRE_THAT(found([&](json& j) { j[key] = true; }), Contains(std::string("under \"") + key + "\", found true"));
  }
  REQUIRE_THAT(found([](json& j) { j["input"] = {8, 8}; }), Contains("height, width and channels"));
  REQUIRE_THAT(found([](json& j) { j["input"] = {8, 8, 0}; }), Contains("found [8, 8, 0]"));
  REQUIRE_THAT(found([](json& j) { j["input"] = {8, 8, 1ull << 32}; }), Contains("height, width and channels"));
  REQUIRE_THAT(found([](json& j) { j["input"] = {8, 8, -3}; }), Contains("found -3"));
  REQUIRE_THAT(found([](json& j) { j["description"] = json::array(); }), Contains("at least one layer"));
  REQUIRE_THAT(found([](json& j) { j["description"][0] = 1; }), Contains("layer 1: expected an object, found 1"));
  REQUIRE_THAT(found([](json& j) { j["description"][0].erase("kind"); }), Contains("layer 1: expected a kind"));
  REQUIRE_THAT(found([](json& j) { j["self_test"] = {0.5, "x"}; }), Contains("numbers under \"self_test\""));
  REQUIRE_THAT(found([](json& j) { j["classes"] = {"cluster", 2}; }), Contains("names under \"classes\", found 2"));
  REQUIRE_THAT(found([](json& j) { j["classes"] = {"cluster"}; }), Contains("expected 2 classes, found 1"));
  REQUIRE_THAT(found([](json& j) { j["positive"] = {"hi-z"}; }), Contains("found \"hi-z\""));

  write_safetensors(folder / "none", {});
  REQUIRE_THAT(message_of<FormatError>([&] { read_model_info(folder / "none"); }), Contains("expected a model"));
  write_safetensors(folder / "none", {{}, {{"abell", "{"}}});
  REQUIRE_THAT(message_of<FormatError>([&] { read_model_info(folder / "none"); }), Contains("expected JSON"));
}

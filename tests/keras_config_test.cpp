/// The config of whole Keras models: read as an architecture, held against a network, and the order of layers in it.

#include <abell/models/mobilenet.hpp>
#include <abell/weights/keras_h5.hpp>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "keras_config.hpp"
#include "keras_file.hpp"
#include "temp_folder.hpp"
#include "weights_tools.hpp"

using namespace abell;
using namespace keras_config;

namespace {

Architecture<> architecture(const Json& config) { return detail::keras_architecture(config.dump(), "m"); }
std::string fault(const Json& config) {
  return message_of<FormatError>([&] { architecture(config); });
}
/// The layers that a config gives, as JSON.
Json layers(const Json& config) { return detail::layers_json(architecture(config).layers); }

std::string refusal(const std::filesystem::path& path) {
  Described<> network(tiny_net, tiny_input);
  const std::string message = message_of<ShapeError>([&] { load_keras_weights(path, network); });
  for (const float value : network.parameters()) REQUIRE(value == 0);
  return message;
}

}  // namespace

TEST_CASE("A Keras config becomes a network", "[weights]") {
  const Architecture<> tiny = architecture(tiny_config());
  REQUIRE(tiny.input == tiny_input);
  std::vector<std::string> kinds;
  for (const auto& layer : tiny.layers) kinds.emplace_back(layer.kind());
  REQUIRE(kinds == std::vector<std::string>{"Conv2d", "BatchNorm", "Relu6", "DepthwiseConv2d", "GlobalAveragePool2d",
                                            "Dropout", "Dense", "Dense", "Softmax"});
  REQUIRE(inspect(tiny.layers, tiny.input).front().name == "c");

  // Keras 3's form of the same, and Keras 2.2's, whose Sequential is a list.
  Json three = tiny_config();
  for (Json& each : three["config"]["layers"]) each["module"] = "keras.layers", each["registered_name"] = nullptr;
  Json& first = three["config"]["layers"][0]["config"];
  first["batch_shape"] = first["batch_input_shape"];
  first.erase("batch_input_shape");
  REQUIRE(layers(three) == layers(tiny_config()));
  Json two = tiny_config();
  two["config"] = two["config"]["layers"];
  REQUIRE(layers(two) == layers(tiny_config()));
  // True and false as 1 and 0; the input's shape where Keras keeps it for models without an InputLayer.
  Json numbers = tiny_config({{"scale", 1}, {"center", 1}});
  numbers["config"]["layers"][4]["config"]["use_bias"] = 0;
  numbers["config"]["layers"][5]["config"]["keepdims"] = 0;
  REQUIRE(layers(numbers) == layers(tiny_config()));
  Json built = sequential(tiny_layers());
  built["config"]["build_input_shape"] = {nullptr, 6, 6, 3};
  REQUIRE(layers(built) == layers(tiny_config()));
  built["config"].erase("build_input_shape");
  built["config"]["layers"][0]["build_config"] = {{"input_shape", {nullptr, 6, 6, 3}}};
  REQUIRE(layers(built) == layers(tiny_config()));
  // A model within the model.
  const Json within = sequential({input_layer({6, 6, 3}), sequential(tiny_layers({{"axis", -1}}), "inner")});
  REQUIRE(layers(within) == layers(tiny_config()));
}

TEST_CASE("A Keras model of vectors becomes a network", "[weights]") {
  const TempFolder folder;
  const auto dense = [](const Json& options) { return layer("Dense", "d", options); };
  const std::vector<Json> rest{
      layer("BatchNormalization", "n", {{"axis", {1}}}), layer("Reshape", "r", {{"target_shape", {2, 3, 2}}}),
      layer("Reshape", "f", {{"target_shape", {-1}}}), layer("Dense", "e", {{"units", 2}, {"use_bias", 1}})};
  const auto net = describe(Dense{.units = 12}, BatchNorm{}, Reshape{.shape = {2, 3, 2}}, Flatten{}, Dense{.units = 2});
  Described<> numbered(net, {1, 1, 5}), network = numbered;
  numbered.number();
  std::vector<Json> two{dense({{"units", 12}, {"batch_input_shape", {nullptr, 5}}})},
      three{layer("InputLayer", "i", {{"batch_shape", {nullptr, 5}}}), dense({{"units", 12}})};
  for (std::vector<Json>* all : {&two, &three}) {
    all->insert(all->end(), rest.begin(), rest.end());
    RawFile raw("model_weights");
    for (const auto& [theirs, ours] : {std::pair{"d", "dense_1"}, {"n", "batch_norm_1"}, {"e", "dense_2"}}) {
      raw.layer(theirs, weights_of(numbered, ours, std::string(theirs) + "/"));
    }
    add_config(raw, sequential(*all));
    const auto path = raw.write(folder / "m.h5");
    const Architecture<> read = read_keras_architecture(path);
    REQUIRE(read.input == Shape{1, 1, 5});
    REQUIRE(read.layers.size() == 5);
    load_keras_weights(path, network);
    REQUIRE(copy_of(network) == copy_of(numbered));
  }
  Json open = sequential(three);
  open["config"]["layers"][3]["config"]["target_shape"] = {2, -1, 2};
  REQUIRE_THAT(fault(open), Contains("layer \"r\" (Reshape): expected a target_shape of 1 or 3 sizes"));
}

TEST_CASE("Paths that meet again in a Keras model become branches", "[weights]") {
  const Json conv{{"filters", 3}, {"kernel_size", 3}, {"padding", "same"}};
  const std::vector<Json> block{input_layer({8, 8, 3}),
                                layer("Conv2D", "a", conv, {"input_1"}),
                                layer("Conv2D", "b", conv, {"a"}),
                                layer("Activation", "r", {{"activation", "relu"}}, {"b"}),
                                layer("Add", "s", Json::object(), {"a", "r"}),
                                layer("MaxPooling2D", "p", {{"pool_size", {2, 2}}}, {"s"}),
                                layer("UpSampling2D", "u", {{"size", {2, 2}}}, {"p"}),
                                layer("Concatenate", "cat", {{"axis", -1}}, {"u", "s"})};
  const Json found = layers(functional(block, "input_1", "cat"));
  REQUIRE(found.size() == 3);
  REQUIRE(found[1]["kind"] == "Residual");
  REQUIRE(found[1]["branches"][0].size() == 2);
  REQUIRE(found[1]["branches"][1].empty());
  REQUIRE(found[2]["branches"][0][0]["padding"] == "valid");
  REQUIRE(found[2]["branches"][1].empty());
  // Keras 3 tells the inputs by their history.
  Json three = functional(block, "input_1", "cat");
  three["config"]["input_layers"] = {"input_1", 0, 0};
  for (Json& each : three["config"]["layers"]) {
    if (each["inbound_nodes"].empty()) continue;
    Json tensors = Json::array();
    for (const Json& input : each["inbound_nodes"][0]) {
      tensors.push_back({{"class_name", "__keras_tensor__"}, {"config", {{"keras_history", {input[0], 0, 0}}}}});
    }
    Json node{{"args", Json::array({tensors})}, {"kwargs", Json::object()}};
    each["inbound_nodes"] = Json::array({std::move(node)});
  }
  REQUIRE(layers(three) == found);

  auto shared = block;
  shared.back() = layer("Add", "cat", Json::object(), {"b", "s"});
  REQUIRE_THAT(fault(functional(shared, "input_1", "cat")), Contains("expected paths that share no layer"));
  auto cycle = block;
  cycle[1] = layer("Conv2D", "a", conv, {"b"});
  REQUIRE_THAT(fault(functional(cycle, "input_1", "cat")), Contains("expected a graph without cycles, found a cycle"));
  REQUIRE_THAT(fault(functional(block, "input_1", "none")), Contains("layer \"none\": expected a layer of the model"));
}

TEST_CASE("What a Keras config has and we have not is refused by name", "[weights]") {
  const auto with = [](const Json& each) { return sequential({input_layer({8, 8, 3}), each}); };
  const std::string classes = "expected one of the classes Activation, AveragePooling2D,";
  REQUIRE_THAT(fault(with(layer("Lambda", "mine"))), Contains("m: config: layer \"mine\" (Lambda): " + classes));
  REQUIRE_THAT(fault(with(layer("Swirl", "x"))), Contains("layer \"x\" (Swirl): ") && Contains("found \"Swirl\""));
  Json custom = layer("Conv2D", "x", {{"filters", 2}, {"kernel_size", 3}});
  custom["registered_name"] = "Custom>Conv2D";
  REQUIRE_THAT(fault(with(custom)), Contains("layer \"x\": expected a class of Keras's own, found \"Custom>Conv2D\""));
  const auto conv = [&](const char* key, const Json& value) {
    Json made = layer("Conv2D", "c", {{"filters", 2}, {"kernel_size", 3}});
    made["config"][key] = value;
    return fault(with(made));
  };
  REQUIRE_THAT(conv("data_format", "channels_first"), Contains("(Conv2D): expected data_format \"channels_last\""));
  REQUIRE_THAT(conv("dilation_rate", {2, 2}), Contains("expected dilation_rate 1, found \"[2,2]\""));
  REQUIRE_THAT(conv("groups", 3), Contains("expected groups 1"));
  REQUIRE_THAT(conv("use_bias", 2), Contains("expected true or false as use_bias, found \"2\""));
  REQUIRE_THAT(conv("padding", "causal"), Contains("expected padding same or valid, found \"causal\""));
  REQUIRE_THAT(conv("activation", "gelu"), Contains("expected the activation linear,") && Contains("found \"gelu\""));
  REQUIRE_THAT(conv("filters", 1e9), Contains("expected \"filters\" to be a whole number"));
  REQUIRE_THAT(fault(with(layer("BatchNormalization", "n", {{"axis", 1}}))),
               Contains("expected axis -1, that of the channels, found \"1\""));
  REQUIRE_THAT(fault(with(layer("BatchNormalization", "n", {{"scale", false}}))),
               Contains("expected scale true, found \"false\""));
  REQUIRE_THAT(fault(with(layer("ZeroPadding2D", "z", {{"padding", {1, 1}}}))),
               Contains("layer \"z\": expected a Conv2D or DepthwiseConv2D after the zero padding"));
  REQUIRE_THAT(fault(sequential({layer("Flatten", "f")})), Contains("expected an input of [batch, height, width"));
  REQUIRE_THAT(fault(sequential({input_layer({nullptr, nullptr, 3}), layer("Flatten", "f")})), Contains("with sizes"));
  REQUIRE_THAT(fault({{"class_name", "Mine"}}), Contains("Sequential or Functional model, found \"Mine\""));
  REQUIRE_THAT(fault(sequential({})), Contains("expected a list of layers, found none"));
  REQUIRE_THAT(fault(Json::array()), Contains("Sequential or Functional model"));
}

TEST_CASE("keras-applications' MobileNet is read from its config", "[weights]") {
  std::vector<Json> all{input_layer({44, 44, 3})};
  const auto convolution = [&](const std::string& name, const std::string& pad, Json options, const char* kind) {
    const bool halves = options["strides"] == 2;
    if (halves) all.push_back(layer("ZeroPadding2D", pad, {{"padding", {{0, 1}, {0, 1}}}}));
    options["padding"] = halves ? "valid" : "same";
    options["use_bias"] = false;
    all.push_back(layer(kind, name, options));
    all.push_back(layer("BatchNormalization", name + "_bn", {{"axis", -1}, {"momentum", 0.99}, {"epsilon", 0.001}}));
    all.push_back(layer("ReLU", name + "_relu", {{"max_value", 6.0}}));
  };
  convolution("conv1", "conv1_pad", {{"filters", 8}, {"kernel_size", {3, 3}}, {"strides", 2}}, "Conv2D");
  int number = 0;
  for (const detail::SeparableBlock& block : detail::mobilenet_blocks) {
    const std::string suffix = std::to_string(++number);
    convolution("conv_dw_" + suffix, "conv_pad_" + suffix, {{"kernel_size", {3, 3}}, {"strides", block.stride}},
                "DepthwiseConv2D");
    convolution("conv_pw_" + suffix, "", {{"filters", block.filters / 4}, {"kernel_size", {1, 1}}, {"strides", 1}},
                "Conv2D");
  }
  const Architecture<> read = architecture(sequential(all));
  const LayerList<float> ours = list_of<float>(MobileNet{{.alpha = 0.25}, MobileNetHead::none});
  REQUIRE(detail::layers_json(read.layers) == detail::layers_json(ours));
}

TEST_CASE("A whole model's config pairs its layers with the network's", "[weights]") {
  const TempFolder folder;
  Described<> network(tiny_net, tiny_input);
  const auto path = write_model(folder / "m.h5", tiny_config());
  REQUIRE_FALSE(load_keras_weights(path, network).in_order);
  REQUIRE(copy_of(network) == copy_of(numbered_tiny()));
  const Architecture<> read = read_keras_architecture(path);
  REQUIRE(detail::layers_json(read.layers) == layers(tiny_config()));

  // Frozen layers of a model within the model stand behind the others there.
  const auto nested = [&](const std::string& name, const std::vector<std::string>& theirs, bool config) {
    const std::vector<std::string> ours{"conv2d_1", "conv2d_2", "conv2d_3", "conv2d_4"};
    constexpr Conv2d conv{.filters = 3};
    const auto net = describe(conv, conv, conv, conv);
    Described<> four(net, {5, 5, 3});
    four.number();
    RawFile raw("model_weights");
    std::vector<std::pair<std::string, StoredTensor>> weights;
    for (const std::size_t i : {2U, 3U, 0U, 1U}) {
      for (auto& weight : weights_of(four, ours[i], theirs[i] + "/")) weights.push_back(std::move(weight));
    }
    raw.layer("model", weights);
    std::vector<Json> inner{input_layer({5, 5, 3})};
    for (const std::string& each : theirs) {
      inner.push_back(layer("Conv2D", each, {{"filters", 3}, {"kernel_size", {3, 3}}, {"padding", "same"}}));
    }
    if (config) add_config(raw, sequential({sequential(inner, "model")}));
    raw.write(folder / name);
    Described<> read_back(net, {5, 5, 3});
    load_keras_weights(folder / name, read_back);
    REQUIRE(copy_of(read_back) == copy_of(four));
  };
  nested("config.h5", {"one", "two", "a", "b"}, true);
  nested("numbers.h5", {"conv2d", "conv2d_5", "conv2d_9", "conv2d_10"}, false);
  REQUIRE_THAT(message_of<FormatError>([&] {
                 nested("refused.h5", {"one", "two", "a", "b"}, false);
               }),
               Contains("expected layers with the network's names, with numbers that tell their order"));
}

TEST_CASE("A config that differs from the network is refused with what differs", "[weights]") {
  const TempFolder folder;
  const auto with = [&](std::size_t i, const char* key, const Json& value) {
    Json config = tiny_config();
    config["config"]["layers"][i]["config"][key] = value;
    return refusal(write_model(folder / "x.h5", config));
  };
  REQUIRE_THAT(with(2, "epsilon", 1e-5),
               Contains("weights of another network: layer \"n\" (BatchNorm): expected epsilon 0.001, found 1e-05"));
  REQUIRE_THAT(with(2, "momentum", 0.9), Contains("expected momentum 0.99, found 0.9"));
  REQUIRE_THAT(with(1, "padding", "valid"),
               Contains("layer \"c\" (Conv2d): expected padding \"same\", found \"valid\""));
  REQUIRE_THAT(with(1, "strides", {2, 2}), Contains("expected stride 1, found 2"));
  REQUIRE_THAT(with(4, "use_bias", true), Contains("expected no bias, found one"));
  REQUIRE_THAT(with(7, "activation", "tanh"),
               Contains("expected \"dense_2\" (Dense) as the next layer, found \"tanh_1\" (Tanh)"));
  REQUIRE_THAT(with(8, "activation", "sigmoid"), Contains("expected \"softmax_1\" (Softmax) as the next layer, found"));
  REQUIRE_THAT(with(3, "max_value", nullptr), Contains("expected \"relu6_1\" (Relu6) as the next layer, found \"r\""));

  // In single precision, and with paddings of another name that come to the same.
  Json config = tiny_config({{"epsilon", 0.0010000000474974513}});
  Described<> network(tiny_net, tiny_input);
  load_keras_weights(write_model(folder / "y.h5", config), network);
  REQUIRE(copy_of(network) == copy_of(numbered_tiny()));

  // Another head, where the options allow it.
  config["config"]["layers"].back()["config"]["units"] = 7;
  const auto path = write_model(folder / "head.h5", config);
  REQUIRE_THAT(refusal(path), Contains("layer \"d2\" (Dense): expected units 2, found 7"));
  Described<> other(tiny_net, tiny_input);
  const LoadedWeights loaded = load_keras_weights(path, other, {.missing = {"dense_2"}, .unused = {"d2"}});
  REQUIRE(loaded.missing == std::vector<std::string>{"dense_2"});
  REQUIRE(loaded.unused == std::vector<std::string>{"d2"});
  REQUIRE(other["dense_1/bias"][2] == Described<>::numbered("dense_1/bias", 2));
}

/// Networks as data: layers as JSON, models that rebuild their network.

#include <abell/inference/load_network.hpp>
#include <abell/weights/architecture.hpp>
#include <string>

#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"
#include "weights_tools.hpp"

using namespace abell;
using nlohmann::json;

namespace {

/// Every kind of layer, with options that are no defaults.
constexpr auto all_kinds = describe(
    Conv2d{.filters = 6, .kernel_size = {3, 5}, .stride = {1, 2}, .padding = Padding::symmetric, .bias = false},
    BatchNorm{.momentum = 0.9, .epsilon = 1e-5, .moving_variance = MovingVariance::unbiased, .name = "norm"}, Relu6{},
    DepthwiseConv2d{.kernel_size = 3, .depth_multiplier = 2, .trainable = false}, LeakyRelu{.negative_slope = 0.1},
    Residual{describe(Conv2d{.filters = 12}, Tanh{}), describe(Conv2d{.filters = 12, .kernel_size = 1})},
    Concatenate{describe(MaxPool2d{.pool_size = 3, .stride = 2}, UpSample2d{.size = 2}), describe()},
    AveragePool2d{.pool_size = {2, 3}, .padding = Padding::valid}, UpSample2d{.interpolation = UpSampling::bilinear},
    Conv2dTranspose{.filters = 3, .kernel_size = 2}, Dropout{.rate = 0.25}, Sigmoid{}, Residual{describe(Relu{})},
    Flatten{}, Dense{.units = 12, .trainable = false}, Reshape{.shape = {2, 2, 3}}, GlobalMaxPool2d{},
    Reshape{.shape = {1, 1, 3}}, GlobalAveragePool2d{}, Dense{.units = 2}, Softmax{});
constexpr Shape input{8, 8, 3};

Architecture<> read(const TempFolder& folder, const json& value) {
  return read_architecture(folder.write("net.json", value.dump()));
}

/// The message for a network with one layer of this kind.
std::string fault(const TempFolder& folder, const json& layer) {
  return message_of<FormatError>([&] { read(folder, {{"input", {8, 8, 3}}, {"layers", json::array({layer})}}); });
}

void check_same_answer(const Network<float>& a, const Network<float>& b) {
  const Tensor<float> image = self_test_image<float>(input);
  const Tensor<float> of_a = a.predict(image), of_b = b.predict(image);
  CHECK(same_bits(of_a.span(), of_b.span()));
}

/// A layer from outside.
struct Shift {
  double by = 1;
  Extent size = 1;
  std::string_view name = {};
  static constexpr std::string_view kind = "Shift";
  static constexpr auto options = std::tuple(Option{"by", &Shift::by}, Option{"size", &Shift::size});
  template <class T>
  class Stage {
   public:
    Stage(const Place& place, const Shift& layer) : values_(place.input.size()), by_(static_cast<T>(layer.by)) {}
    void forward(const Pass<T>& pass, const T* x, T* y) const {
      for (std::size_t i = 0; i < values_ * static_cast<std::size_t>(pass.batch); ++i) y[i] = x[i] + by_;
    }
    void backward(const Pass<T>& pass, const T*, const T* dy, T* dx) const {
      if (dx != nullptr) std::copy_n(dy, values_ * static_cast<std::size_t>(pass.batch), dx);
    }

   private:
    std::size_t values_;
    T by_;
  };
};

/// Changes what stands in a model's metadata.
template <class Change>
void change_metadata(const std::filesystem::path& from, const std::filesystem::path& to, const Change& change) {
  changed(from, to, [&](TensorFile& file) {
    json metadata = json::parse(file.metadata.at("abell"));
    change(metadata);
    file.metadata["abell"] = metadata.dump();
  });
}

}  // namespace

TEST_CASE("layers of every kind come out of JSON as they went in", "[weights]") {
  const TempFolder folder;
  const auto list = list_of<float>(all_kinds);
  const json layers = abell::detail::layers_json(list);
  const auto again = read(folder, {{"input", {8, 8, 3}}, {"layers", layers}});
  CHECK(abell::detail::layers_json(again.layers) == layers);
  const auto expected = build<float>(list, input, 3), found = build<float>(again.layers, again.input, 3);
  CHECK(model_layers(found.layers()) == model_layers(expected.layers()));
  CHECK(found.stage_count() == expected.stage_count());
  CHECK(same_bits(found.parameters(), expected.parameters()));
  CHECK(found.trainable().size() == expected.trainable().size());
  check_same_answer(found, expected);
}

TEST_CASE("what a file of layers leaves out has its default", "[weights]") {
  const TempFolder folder;
  const auto short_form = read(folder, {{"input", {8, 8, 1}},
                                        {"layers",
                                         {{{"kind", "Conv2d"}, {"kernel_size", {3, 3}}, {"stride", 1}},
                                          {{"kind", "Residual"}, {"branches", {json::array()}}}}}});
  const auto layers = abell::detail::layers_json(short_form.layers);
  CHECK(layers == abell::detail::layers_json(list_of<float>(describe(Conv2d{}, Residual{describe()}))));
}

TEST_CASE("a file of layers that does not fit is refused naming the layer", "[weights]") {
  const TempFolder folder;
  CHECK_THAT(fault(folder, 3), Contains("net.json: layer 1: expected an object, found 3"));
  CHECK_THAT(fault(folder, {{"units", 3}}), Contains("layer 1: expected a kind (\"kind\": \"Conv2d\"), found none"));
  CHECK_THAT(fault(folder, {{"kind", "Conv3d"}}),
             Contains("expected one of the kinds AveragePool2d,") && Contains("found \"Conv3d\""));
  CHECK_THAT(fault(folder, {{"kind", "Dense"}, {"filters", 3}}),
             Contains("layer 1 (Dense): expected only kind, name, trainable, units, found \"filters\""));
  CHECK_THAT(fault(folder, {{"kind", "Conv2d"}, {"filters", "many"}}),
             Contains("(Conv2d): expected \"filters\" to be a whole number of at most 1000000, found \"many\""));
  CHECK_THAT(fault(folder, {{"kind", "Conv2d"}, {"filters", 2000000000}}), Contains("found 2000000000"));
  CHECK_THAT(fault(folder, {{"kind", "Conv2d"}, {"filters", -1}}), Contains("found -1"));
  CHECK_THAT(fault(folder, {{"kind", "Conv2d"}, {"kernel_size", {3}}}), Contains("a number, or height and width"));
  CHECK_THAT(fault(folder, {{"kind", "Conv2d"}, {"padding", "full"}}),
             Contains("expected \"padding\" to be same, valid, symmetric or after, found \"full\""));
  CHECK_THAT(fault(folder, {{"kind", "Dropout"}, {"rate", "half"}}), Contains("to be a number, found \"half\""));
  CHECK_THAT(fault(folder, {{"kind", "Conv2d"}, {"bias", 1}}), Contains("to be true or false, found 1"));
  CHECK_THAT(fault(folder, {{"kind", "Relu"}, {"name", "a/b"}}), Contains("of one line without /, found \"a/b\""));
  CHECK_THAT(fault(folder, {{"kind", "Residual"}}),
             Contains("expected 1 to 2 lists of layers as \"branches\", found none"));
  CHECK_THAT(fault(folder, {{"kind", "Concatenate"}, {"branches", {json::array({1})}}}),
             Contains("layer 1 (Concatenate): branch 1: layer 1: expected an object, found 1"));
  CHECK_THAT(message_of<ShapeError>([&] {
               read(folder, {{"input", {8, 8, 3}}, {"layers", {{{"kind", "Dense"}}}}});
             }),
             Contains("net.json: layer dense_1 (Dense): expected a vector"));
  CHECK_THAT(message_of<FormatError>([&] {
               read(folder, {{"layers", json::array()}});
             }),
             Contains("expected an object with \"input\" and \"layers\""));
  CHECK_THAT(message_of<IoError>([&] { read_architecture(folder / "none.json"); }),
             Contains("none.json: no such file"));
}

TEST_CASE("sizes of a file of layers are bounded before anything is taken", "[weights]") {
  const TempFolder folder;
  const json twice = {{"kind", "UpSample2d"}, {"size", 1000}};
  CHECK_THAT(message_of<ShapeError>([&] {
               read(folder, {{"input", {8, 8, 3}}, {"layers", {twice, twice, twice}}});
             }),
             Contains("layer up_sample2d_2 (UpSample2d): expected an output of at most 2^20 x 2^20 pixels"));
  const json wide = {{"kind", "DepthwiseConv2d"}, {"depth_multiplier", 1000000}};
  CHECK_THAT(message_of<FormatError>([&] {
               read(folder, {{"input", {8, 8, 1000000}}, {"layers", {wide, wide}}});
             }),
             Contains("layer depthwise_conv2d_1 (DepthwiseConv2d): expected sizes of at most 2^30"));
}

TEST_CASE("a model file alone gives its network back", "[weights]") {
  const TempFolder folder;
  const auto network = build<float>(all_kinds, input, 5);
  save_model(folder / "model.safetensors", network,
             {.network = "mine", .classes = {"no", "yes"}, .positive = {"yes"}, .preprocessing = json::object()});
  for (const auto& from : {folder.path(), folder / "model.safetensors"}) {
    const Network<float> found = load_network(from);
    CHECK(same_bits(found.parameters(), network.parameters()));
    CHECK(model_layers(found.layers()) == model_layers(network.layers()));
    check_same_answer(found, network);
  }
  CHECK_THAT(message_of<FormatError>([&] { load_network(folder.path(), {.max_memory = 1000}); }),
             Contains("expected to need at most 1000 bytes"));
}

TEST_CASE("a model whose layers have other options than it was saved with fails its self-test", "[weights]") {
  const TempFolder folder;
  constexpr auto net = describe(Conv2d{.filters = 4}, LeakyRelu{}, Flatten{}, Dense{.units = 2}, Softmax{});
  save_model(folder / "m", build<float>(net, input), small_info());
  CHECK_NOTHROW(load_network(folder / "m"));
  change_metadata(folder / "m", folder / "n", [](json& j) { j["description"][1]["negative_slope"] = -0.5; });
  CHECK_THAT(message_of<FormatError>([&] { load_network(folder / "n"); }), Contains("self-test: expected the outputs"));
  change_metadata(folder / "m", folder / "n", [](json& j) { j.erase("self_test"); });
  CHECK_NOTHROW(load_network(folder / "n"));
}

TEST_CASE("a model with a layer of one's own is read by who knows its kind", "[weights]") {
  const TempFolder folder;
  constexpr auto net = describe(Shift{.by = -0.25, .size = {1, 2}}, Flatten{}, Dense{.units = 2}, Softmax{});
  const auto network = build<float>(net, input);
  save_model(folder / "m", network, small_info());
  CHECK_THAT(message_of<FormatError>([&] { load_network(folder / "m"); }), Contains("found \"Shift\""));
  LoadOptions options;
  options.kinds.add<Shift>();
  const Network<float> found = load_network(folder / "m", options);
  CHECK(found.description().front().as<Shift>()->by == -0.25);
  CHECK(found.description().front().as<Shift>()->size == Extent{1, 2});
}

TEST_CASE("a model file of version 1 is still read, and keeps its grid", "[weights]") {
  const TempFolder folder;
  const auto check = [&](const Network<float>& network, const std::string& name) {
    save_model(folder / "m", network, small_info());
    change_metadata(folder / "m", folder / "old", [&](json& j) {
      j["format_version"] = 1;
      j["network"] = name;
      j.erase("self_test");
      j["description"] = json::array();
      for (const LayerInfo& layer : network.layers()) {
        j["description"].push_back({{"kind", layer.kind},
                                    {"name", layer.name},
                                    {"output", {layer.output.height, layer.output.width, layer.output.channels}}});
      }
    });
    const Network<float> found = load_network(folder / "old");
    CHECK(same_bits(found.parameters(), network.parameters()));
    CHECK(detail::layers_json(found.description()) == detail::layers_json(network.description()));
  };
  check(build<float>(cluster_net, {64, 64, 3}), "custom");
  check(build<float>(make_mobilenet({.padding = Padding::same}), {44, 44, 3}), "mobilenet");
  change_metadata(folder / "old", folder / "other", [](json& j) { j["network"] = "mine"; });
  CHECK_THAT(message_of<FormatError>([&] { load_network(folder / "other"); }), Contains("found version 1 of \"mine\""));
}

#include <abell/models/mobilenet.hpp>
#include <abell/weights/keras_h5.hpp>
#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "keras_file.hpp"
#include "reduced.hpp"
#include "temp_folder.hpp"
#include "weights_tools.hpp"

using namespace abell;

TEST_CASE("A Keras file gives back the weights bit by bit, and is written to the same bytes", "[weights]") {
  const TempFolder folder;
  const auto network = build<float>(small_net, small_input, 7);
  save_keras_weights(folder / "a.h5", network);
  auto fresh = build<float>(small_net, small_input, 8);
  const LoadedWeights loaded = load_keras_weights(folder / "a.h5", fresh);
  REQUIRE(loaded.missing.empty());
  REQUIRE(loaded.unused.empty());
  REQUIRE_FALSE(loaded.in_order);
  REQUIRE(same_bits(std::as_const(fresh).parameters(), network.parameters()));
  save_keras_weights(folder / "b.h5", fresh);
  REQUIRE(slurp(folder / "a.h5") == slurp(folder / "b.h5"));
  REQUIRE(files_in(folder.path()) == 2);

  auto twice = build<double>(small_net, small_input, 9);
  load_keras_weights(folder / "a.h5", twice);
  twice.parameters()[0] = 0.1;
  save_keras_weights(folder / "c.h5", twice);
  auto again = build<double>(small_net, small_input, 1);
  load_keras_weights(folder / "c.h5", again);
  REQUIRE(same_bits(std::as_const(again).parameters(), std::as_const(twice).parameters()));
  load_keras_weights(folder / "c.h5", fresh);
  REQUIRE(fresh.parameters()[0] == 0.1f);
}

TEST_CASE("MobileNet's weights have Keras's names, shapes and places", "[weights]") {
  const TempFolder folder;
  Described<> network(make_mobilenet_imagenet(), mobilenet_input);
  REQUIRE(network.parameters().size() == 4'253'864);
  network.number();
  save_keras_weights(folder / "m.h5", network);
  const hdf5::Handle file = hdf5::open(folder / "m.h5");
  for (const auto& [path, shape] : std::vector<std::pair<std::string, std::vector<std::uint64_t>>>{
           {"conv1/conv1/kernel:0", {3, 3, 3, 32}},
           {"conv1_bn/conv1_bn/moving_variance:0", {32}},
           {"conv_dw_1/conv_dw_1/depthwise_kernel:0", {3, 3, 32, 1}},
           {"conv_pw_1/conv_pw_1/kernel:0", {1, 1, 32, 64}},
           {"conv_preds/conv_preds/kernel:0", {1, 1, 1024, 1000}},
           {"conv_preds/conv_preds/bias:0", {1000}}}) {
    REQUIRE(hdf5::dataset(file, path, "m.h5").tensor.shape == shape);
  }
  const hdf5::Handle norm(H5Gopen2(file, "conv_pw_13_bn", H5P_DEFAULT), H5Gclose);
  REQUIRE(hdf5::texts(norm, "weight_names", "") ==
          std::vector<std::string>{"conv_pw_13_bn/gamma:0", "conv_pw_13_bn/beta:0", "conv_pw_13_bn/moving_mean:0",
                                   "conv_pw_13_bn/moving_variance:0"});
  REQUIRE(hdf5::texts(file, "backend", "") == std::vector<std::string>{"tensorflow"});
  REQUIRE(hdf5::texts(file, "keras_version", "") == std::vector<std::string>{"2.2.4"});
  Described<> fresh(make_mobilenet_imagenet(), mobilenet_input);
  load_keras_weights(folder / "m.h5", fresh);
  REQUIRE(copy_of(fresh) == copy_of(network));
}

TEST_CASE("Layers without a name are called by Keras's words, unless another has that name", "[weights]") {
  const TempFolder folder;
  constexpr auto net =
      describe(Conv2d{.filters = 2}, LeakyRelu{}, BatchNorm{},
               Residual{describe(BatchNorm{}, Relu{}), describe(Conv2d{.filters = 2, .name = "re_lu_1"})},
               Concatenate{describe(AveragePool2d{}, Conv2dTranspose{.filters = 5, .kernel_size = {3, 2}}),
                           describe(MaxPool2d{}, UpSample2d{})},
               Reshape{.shape = {3, 8, 7}}, GlobalMaxPool2d{}, Dense{.units = 3});
  constexpr Shape input{6, 4, 3};
  Described<> network(net, input);
  network.number();
  save_keras_weights(folder / "a.h5", network);
  const hdf5::Handle file = hdf5::open(folder / "a.h5");
  REQUIRE(hdf5::texts(file, "layer_names", "") ==
          std::vector<std::string>{"conv2d_1", "leaky_re_lu_1", "batch_normalization_1", "batch_normalization_2",
                                   "relu_1", "re_lu_1", "add_1", "average_pooling2d_1", "max_pooling2d_1",
                                   "conv2d_transpose_1", "up_sampling2d_1", "concatenate_1", "reshape_1",
                                   "global_max_pooling2d_1", "dense_1"});
  const auto shape = [&](const std::string& path) { return hdf5::dataset(file, path, "a.h5").tensor.shape; };
  using Sizes = std::vector<std::uint64_t>;
  REQUIRE(shape("conv2d_transpose_1/conv2d_transpose_1/kernel:0") == Sizes{3, 2, 5, 2});
  REQUIRE(shape("conv2d_transpose_1/conv2d_transpose_1/bias:0") == Sizes{5});
  REQUIRE(shape("batch_normalization_2/batch_normalization_2/moving_variance:0") == Sizes{2});
  REQUIRE(shape("re_lu_1/re_lu_1/kernel:0") == Sizes{3, 3, 2, 2});

  Described<> fresh(net, input);
  REQUIRE_FALSE(load_keras_weights(folder / "a.h5", fresh, {.match = KerasMatch::by_name}).in_order);
  REQUIRE(copy_of(fresh) == copy_of(network));
  // Another head: the others are still found by Keras's words.
  Described<> other(join(net, describe(Dense{.units = 2})), input);
  const LoadedWeights loaded = load_keras_weights(folder / "a.h5", other, {.missing = {"dense_2"}});
  REQUIRE_FALSE(loaded.in_order);
  REQUIRE(other["batch_norm_2/gamma"][1] == Described<>::numbered("batch_norm_2/gamma", 1));
}

TEST_CASE("A file without a head or with another one fits when the layers are named, and only then", "[weights]") {
  const TempFolder folder;
  Described<> base(MobileNet{{.alpha = 0.25}, MobileNetHead::none}, {64, 64, 3});
  base.number();
  save_keras_weights(folder / "no_top.h5", base);
  Described<> published(make_mobilenet_imagenet({.alpha = 0.25, .classes = 1000}), {64, 64, 3});
  published.number();
  save_keras_weights(folder / "top.h5", published);

  Described<> network(make_mobilenet({.alpha = 0.25}), {64, 64, 3});
  std::ranges::fill(network.parameters(), 3.0f);
  const std::vector<float> before = copy_of(network);
  REQUIRE_THAT(message_of<ShapeError>([&] { load_keras_weights(folder / "no_top.h5", network); }),
               Contains("weights of another network: expected \"dense_1/kernel\" [256, 2], found none; "
                        "expected \"dense_1/bias\" [2], found none"));
  REQUIRE(copy_of(network) == before);
  for (const char* file : {"no_top.h5", "top.h5"}) {
    std::ranges::copy(before, network.parameters().begin());
    const LoadedWeights loaded =
        load_keras_weights(folder / file, network, {.missing = {"dense_1"}, .unused = {"conv_preds"}});
    REQUIRE(loaded.missing == std::vector<std::string>{"dense_1"});
    REQUIRE(loaded.unused.size() == (file == std::string("top.h5") ? 1u : 0u));
    REQUIRE(network["dense_1/kernel"][511] == 3);
    REQUIRE(network["conv_pw_13_bn/moving_mean"][5] == Described<>::numbered("conv_pw_13_bn/moving_mean", 5));
  }
  REQUIRE_THAT(
      message_of<ShapeError>([&] { load_keras_weights(folder / "top.h5", network, {.missing = {"dense_1"}}); }),
      Contains("found unexpected \"conv_preds/kernel\" [1, 1, 256, 1000]"));
  REQUIRE_THAT(
      message_of<OptionError>([&] { load_keras_weights(folder / "no_top.h5", network, {.missing = {"dense_9"}}); }),
      Contains("\"dense_9\""));
}

TEST_CASE("Safetensors files may lack a head too", "[weights]") {
  const TempFolder folder;
  const auto file_of = [&](const Described<>& network) {
    write_safetensors(folder / "w", {detail::stored_parameters({}, network, network.parameters()), {}});
    return folder / "w";
  };
  Described<> base(MobileNet{{.alpha = 0.25}, MobileNetHead::none}, {64, 64, 3}),
      network(make_mobilenet({.alpha = 0.25}), {64, 64, 3});
  base.number();
  REQUIRE_THROWS_AS(load_weights(file_of(base), network), ShapeError);
  REQUIRE(load_weights(file_of(base), network, {.missing = {"dense_1"}}).missing.size() == 1);
  REQUIRE(network["conv1_bn/moving_variance"][7] == Described<>::numbered("conv1_bn/moving_variance", 7));
  Described<> whole(make_mobilenet({.alpha = 0.25}), {64, 64, 3});
  whole.number();
  REQUIRE(load_weights(file_of(whole), network, {.missing = {"dense_1"}}).missing.empty());
  REQUIRE(copy_of(network) == copy_of(whole));
}

TEST_CASE("Layers are taken in order when their names are others", "[weights]") {
  const TempFolder folder;
  const Described<> tiny = numbered_tiny();
  // tf.keras counts from "dense" and "dense_1": the latter is our dense_2.
  const std::vector<std::pair<std::string, std::string>> names{{"conv2d", "conv2d_1"},
                                                               {"batch_normalization", "batch_norm_1"},
                                                               {"depthwise_conv2d", "depthwise_conv2d_1"},
                                                               {"dense", "dense_1"},
                                                               {"dense_1", "dense_2"}};
  RawFile raw("model_weights");
  raw.layer("input_1", {});
  for (const auto& [theirs, ours] : names) raw.layer(theirs, weights_of(tiny, ours, theirs + "/"));
  const auto path = raw.write(folder / "order.h5");
  Described<> network(tiny_net, tiny_input);
  REQUIRE(load_keras_weights(path, network).in_order);
  REQUIRE(copy_of(network) == copy_of(tiny));
  REQUIRE(load_keras_weights(path, network, {.match = KerasMatch::in_order}).in_order);
  REQUIRE_THAT(message_of<ShapeError>([&] { load_keras_weights(path, network, {.match = KerasMatch::by_name}); }),
               Contains("expected \"conv2d_1/kernel\" [3, 3, 3, 2], found none"));
  REQUIRE(copy_of(network) == copy_of(tiny));

  RawFile fewer;
  for (std::size_t i = 0; i + 1 < names.size(); ++i) {
    fewer.layer(names[i].first, weights_of(tiny, names[i].second, names[i].first + "/"));
  }
  fewer.write(folder / "fewer.h5");
  REQUIRE_THAT(message_of<ShapeError>(
                   [&] { load_keras_weights(folder / "fewer.h5", network, {.match = KerasMatch::in_order}); }),
               Contains("expected 5 layers with weights, found 4"));
  REQUIRE_THROWS_AS(load_keras_weights(folder / "fewer.h5", network), ShapeError);
  Described<> headless(tiny_net, tiny_input);
  const LoadedWeights loaded = load_keras_weights(folder / "fewer.h5", headless, {.missing = {"dense_2"}});
  REQUIRE(loaded.in_order);
  REQUIRE(loaded.missing == std::vector<std::string>{"dense_2"});
  REQUIRE(headless["dense_1/bias"][2] == Described<>::numbered("dense_1/bias", 2));
  REQUIRE(headless["dense_2/bias"][1] == 0);
}

TEST_CASE("Names of TensorFlow 2, of Keras 3 and of a model within a model are understood", "[weights]") {
  const TempFolder folder;
  const Described<> tiny = numbered_tiny();
  const std::vector<std::string> layers = layers_with_weights(tiny);
  RawFile prefixed, keras3;
  for (const std::string& layer : layers) {
    prefixed.layer(layer, weights_of(tiny, layer, "model/" + layer + "/"));
    auto weights = weights_of(tiny, layer, "", "");
    if (weights[0].first == "depthwise_kernel") weights[0].first = "kernel";
    keras3.layer(layer, weights);
  }
  RawFile nested;
  std::vector<std::pair<std::string, StoredTensor>> inner;
  for (std::size_t i = 0; i < 3; ++i) {
    for (auto& weight : weights_of(tiny, layers[i], layers[i] + "/")) inner.push_back(std::move(weight));
  }
  std::swap(inner[1], inner[4]);  // Keras puts moving averages behind all that is trainable
  nested.layer("mobilenet_1.00_224", inner);
  for (std::size_t i = 3; i < 5; ++i) nested.layer(layers[i], weights_of(tiny, layers[i], layers[i] + "/"));
  for (RawFile* raw : {&prefixed, &keras3, &nested}) {
    raw->write(folder / "x.h5");
    Described<> network(tiny_net, tiny_input);
    REQUIRE_FALSE(load_keras_weights(folder / "x.h5", network).in_order);
    REQUIRE(copy_of(network) == copy_of(tiny));
  }
}

TEST_CASE("A list of names too long for one attribute is split and put together again", "[weights]") {
  const TempFolder folder;
  std::vector<LayerInfo> layers;
  for (int i = 0; i < 3000; ++i) {
    LayerInfo layer;
    layer.name = "a_layer_with_a_rather_long_name_" + std::to_string(i);
    if (i % 500 == 0) layer.parameters = {{"kernel", {i + 1, 1}}};
    layers.push_back(layer);
  }
  Described<> network(layers);
  network.number();
  save_keras_weights(folder / "long.h5", network);
  const hdf5::Handle file = hdf5::open(folder / "long.h5");
  REQUIRE_FALSE(hdf5::texts(file, "layer_names", ""));
  REQUIRE(hdf5::texts(file, "layer_names0", "")->size() + hdf5::texts(file, "layer_names1", "")->size() +
              hdf5::texts(file, "layer_names2", "").value_or(std::vector<std::string>()).size() ==
          3000);
  Described<> fresh(layers);
  load_keras_weights(folder / "long.h5", fresh);
  REQUIRE(copy_of(fresh) == copy_of(network));
}

TEST_CASE("Keras weights of another network are refused with a list, and the network stays as it was", "[weights]") {
  const TempFolder folder;
  const Described<> tiny = numbered_tiny();
  RawFile raw;
  for (const std::string& layer : layers_with_weights(tiny)) {
    auto weights = weights_of(tiny, layer, layer + "/");
    if (layer == "conv2d_1") weights[0].second.shape = {3, 3, 2, 3};
    if (layer == "batch_norm_1") weights.pop_back();
    if (layer == "dense_1") weights[0].first = "dense_1/weights:0";
    raw.layer(layer, weights);
  }
  raw.write(folder / "x.h5");
  Described<> network(tiny_net, tiny_input);
  const std::string message = message_of<ShapeError>([&] { load_keras_weights(folder / "x.h5", network); });
  REQUIRE_THAT(message, Contains((folder / "x.h5").string() + ": weights of another network: "));
  for (const char* fault :
       {"expected \"conv2d_1/kernel\" [3, 3, 3, 2], found [3, 3, 2, 3]",
        "expected \"batch_norm_1/moving_variance\" [2], found none", "expected \"dense_1/kernel\" [2, 3], found none",
        "found unexpected \"dense_1/weights\" [2, 3]"}) {
    REQUIRE_THAT(message, Contains(fault));
  }
  for (const float value : network.parameters()) REQUIRE(value == 0);
}

TEST_CASE("NaN and infinite weights are neither written to nor read from Keras files", "[weights]") {
  const TempFolder folder;
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Described<> tiny = numbered_tiny();
    tiny["dense_2/bias"][1] = bad;
    REQUIRE_THROWS_AS(save_keras_weights(folder / "x.h5", tiny), NumericError);
    REQUIRE(files_in(folder.path()) == 0);
    tiny = numbered_tiny();
    RawFile raw;
    for (const std::string& layer : layers_with_weights(tiny)) {
      auto weights = weights_of(tiny, layer, layer + "/");
      if (layer == "dense_2") std::memcpy(weights[1].second.bytes.data() + 4, &bad, 4);
      raw.layer(layer, weights);
    }
    raw.write(folder / "x.h5");
    Described<> network(tiny_net, tiny_input);
    REQUIRE_THAT(message_of<NumericError>([&] { load_keras_weights(folder / "x.h5", network); }),
                 Contains("dense_2/bias") && Contains("index 1"));
    for (const float value : network.parameters()) REQUIRE(value == 0);
    std::filesystem::remove(folder / "x.h5");
  }
  Described<double> wide(tiny_net, tiny_input);
  wide["dense_1/bias"][0] = 1e300;
  save_keras_weights(folder / "wide.h5", wide);
  Described<> network(tiny_net, tiny_input);
  REQUIRE_THAT(message_of<NumericError>([&] { load_keras_weights(folder / "wide.h5", network); }),
               Contains("dense_1/bias"));
}

TEST_CASE("Files that are no Keras weights are refused in one line", "[weights]") {
  const TempFolder folder;
  Described<> network(tiny_net, tiny_input);
  const auto format = [&](const std::filesystem::path& path) {
    const std::string message = message_of<FormatError>([&] { load_keras_weights(path, network); });
    REQUIRE_THAT(message, Contains(path.string()));
    REQUIRE(message.find('\n') == std::string::npos);
    return message;
  };
  for (const std::filesystem::path& path : {folder / "none", folder.path(), std::filesystem::path("/dev/zero")}) {
    REQUIRE_THAT(message_of<IoError>([&] { load_keras_weights(path, network); }), Contains(path.string()));
  }
  REQUIRE_THAT(format(folder.write("text.h5", "no HDF5")), Contains("expected an HDF5 file"));
  REQUIRE_THAT(format(folder.write("empty.h5", "")), Contains("expected an HDF5 file"));
  REQUIRE_THAT(format(folder.write("head.h5", "\x89HDF\r\n\x1a\n")), Contains("damaged or truncated"));
  {
    const RawFile raw;
    hdf5::write(folder / "bare.h5", raw.file());
    REQUIRE_THAT(format(folder / "bare.h5"), Contains("or a group \"layers\"), found none"));
    RawFile::group_at(raw.root(), "layers");
    hdf5::write(folder / "three.h5", raw.file());
    REQUIRE_THAT(message_of<ShapeError>([&] { load_keras_weights(folder / "three.h5", network); }),
                 Contains("expected \"conv2d_1/kernel\" [3, 3, 3, 2], found none"));
  }
  const auto with_names = [&](const std::vector<std::string>& names, const auto& change) {
    const RawFile raw;
    hdf5::write_texts(raw.root(), "layer_names", names, {});
    change(raw);
    hdf5::write(folder / "x.h5", raw.file());
    return format(folder / "x.h5");
  };
  const std::vector<std::string> a{"a"}, w{"a/kernel:0"}, twice{"a/kernel:0", "b/a/kernel:0", "c/kernel:0"};
  REQUIRE_THAT(with_names(a, [](const RawFile&) {}), Contains("layer \"a\": expected a group, found none"));
  REQUIRE_THAT(with_names({""}, [](const RawFile&) {}), Contains("layer \"\": expected a group, found none"));
  REQUIRE_THAT(with_names(a, [](const RawFile& raw) { RawFile::group_at(raw.root(), "a"); }),
               Contains("expected an attribute \"weight_names\", found none"));
  REQUIRE_THAT(
      with_names(
          a, [&](const RawFile& raw) { hdf5::write_texts(RawFile::group_at(raw.root(), "a"), "weight_names", w, {}); }),
      Contains("dataset \"a/kernel:0\" of floating-point numbers, found none"));
  REQUIRE_THAT(with_names(a,
                          [&](const RawFile& raw) {
                            const hdf5::Handle group = RawFile::group_at(raw.root(), "a");
                            hdf5::write_texts(group, "weight_names", w, {});
                            const hdf5::Handle inner = RawFile::group_at(group, "a");
                            const hdf5::Handle data = RawFile::group_at(inner, "kernel:0");
                          }),
               Contains("found a group or damage"));
  REQUIRE_THAT(with_names(a,
                          [&](const RawFile& raw) {
                            const hdf5::Handle group = RawFile::group_at(raw.root(), "a");
                            hdf5::write_texts(group, "weight_names", twice, {});
                            for (const std::string& name : twice) {
                              const std::vector<float> one{1};
                              hdf5::write_dataset(group, name, stored("", {1}, std::span(one)), {});
                            }
                          }),
               Contains("found \"a/kernel\" twice"));
  {
    const RawFile raw;
    const hdf5::Handle space(H5Screate(H5S_SCALAR), H5Sclose);
    const hdf5::Handle attribute(H5Acreate2(raw.root(), "layer_names", H5T_NATIVE_INT, space, H5P_DEFAULT, H5P_DEFAULT),
                                 H5Aclose);
    const int value = 1;
    H5Awrite(attribute, H5T_NATIVE_INT, &value);
    hdf5::write(folder / "number.h5", raw.file());
  }
  REQUIRE_THAT(format(folder / "number.h5"), Contains("attribute \"layer_names\": expected text"));
}

TEST_CASE("A Keras file cut anywhere is refused, and the network stays as it was", "[weights]") {
  const TempFolder folder;
  save_keras_weights(folder / "m.h5", numbered_tiny());
  const std::string bytes = slurp(folder / "m.h5");
  const std::size_t step = testing::reduced() ? 311 : 97;
  for (std::size_t size = 0; size < bytes.size(); size += step) {
    Described<> network(tiny_net, tiny_input);
    INFO(size);
    REQUIRE_THROWS_AS(load_keras_weights(folder.write("cut.h5", bytes.substr(0, size)), network), FormatError);
    for (const float value : network.parameters()) REQUIRE(value == 0);
  }
}

/// Files of Keras 3: .weights.h5 and .keras.

#include <abell/weights/keras_h5.hpp>
#include <string>
#include <utility>
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

/// A layer's group as Keras 3 writes it; without a name as before 3.3.
void add_layer(const hdf5::Handle& layers, const std::string& group, const std::string& ours,
               const std::string& name = {}) {
  const hdf5::Handle made = hdf5::new_group(layers, group, {}), arrays = hdf5::new_group(made, "vars", {});
  if (!name.empty()) hdf5::write_text(arrays, "name", name, {});
  int number = 0;
  for (const auto& [parameter, tensor] : weights_of(numbered_tiny(), ours, "", "")) {
    hdf5::write_dataset(arrays, std::to_string(number++), tensor, {});
  }
}

/// Groups of the tiny network's layers.
const std::vector<std::pair<std::string, std::string>> groups{{"batch_normalization", "batch_norm_1"},
                                                              {"conv2d", "conv2d_1"},
                                                              {"dense", "dense_1"},
                                                              {"dense_1", "dense_2"},
                                                              {"depthwise_conv2d", "depthwise_conv2d_1"}};

/// The bytes of such a file; `change` may add to it.
template <class Change>
std::string weights_file(const TempFolder& folder, const std::vector<std::pair<std::string, std::string>>& all,
                         const Change& change) {
  const hdf5::Handle file = hdf5::create(), layers = hdf5::new_group(file, "layers", {});
  for (const auto& [group, ours] : all) add_layer(layers, group, ours);
  change(layers);
  hdf5::write(folder / "made.weights.h5", file);
  return slurp(folder / "made.weights.h5");
}
std::string weights_file(const TempFolder& folder) {
  return weights_file(folder, groups, [](const hdf5::Handle&) {});
}

void require_loads(const std::filesystem::path& path, bool in_order) {
  Described<> network(tiny_net, tiny_input);
  REQUIRE(load_keras_weights(path, network).in_order == in_order);
  REQUIRE(copy_of(network) == copy_of(numbered_tiny()));
}

std::string refusal(const std::filesystem::path& path) {
  Described<> network(tiny_net, tiny_input);
  const auto message = [&](bool in_child) {
    return message_of<FormatError>([&] { load_keras_weights(path, network, {.in_child = in_child}); });
  };
  const std::string text = message(true);
  REQUIRE(message(false) == text);
  REQUIRE_THAT(text, Contains(path.string() + ": "));
  for (const float value : network.parameters()) REQUIRE(value == 0);
  return text;
}

}  // namespace

TEST_CASE("Keras 3's weights are written and read, by name and by number", "[weights]") {
  const TempFolder folder;
  save_keras_weights(folder / "a.weights.h5", numbered_tiny());
  require_loads(folder / "a.weights.h5", false);
  save_keras_weights(folder / "b.weights.h5", numbered_tiny());
  REQUIRE(slurp(folder / "a.weights.h5") == slurp(folder / "b.weights.h5"));
  const hdf5::Handle file = hdf5::open(folder / "a.weights.h5");
  using Sizes = std::vector<std::uint64_t>;
  REQUIRE(hdf5::dataset(file, "layers/dense_1/vars/0", "").tensor.shape == Sizes{3, 2});
  REQUIRE(hdf5::dataset(file, "layers/batch_normalization/vars/3", "").tensor.shape == Sizes{2});
  REQUIRE(hdf5::dataset(file, "layers/depthwise_conv2d/vars/0", "").tensor.shape == Sizes{3, 3, 2, 1});
  REQUIRE(hdf5::texts(hdf5::group(file, "layers/dense_1/vars", ""), "name", "") == std::vector<std::string>{"dense_2"});
  REQUIRE(bool(hdf5::group(file, "layers/softmax/vars", "")));

  weights_file(folder);
  require_loads(folder / "made.weights.h5", true);
  const std::vector<std::pair<std::string, std::string>> others(groups.begin(), groups.end() - 1);
  weights_file(folder, others, [](const hdf5::Handle& layers) { add_layer(layers, "swirl", "depthwise_conv2d_1"); });
  REQUIRE_THAT(refusal(folder / "made.weights.h5"), Contains("with numbers that tell their order"));
  // Dropout's state of random numbers is no weight.
  weights_file(folder, groups, [](const hdf5::Handle& layers) {
    const hdf5::Handle dropout = hdf5::new_group(layers, "dropout", {});
    const hdf5::Handle seed = hdf5::new_group(dropout, "seed_generator", {}), state = hdf5::new_group(seed, "vars", {});
    hdf5::write_dataset(state, "0", weights_of(numbered_tiny(), "dense_2", "")[1].second, {});
  });
  require_loads(folder / "made.weights.h5", true);
}

TEST_CASE("Layers on two ways stand in Keras's order", "[weights]") {
  const TempFolder folder;
  constexpr Conv2d conv{.filters = 2};
  const auto net = describe(conv, Residual{describe(conv, Relu{}, conv), describe(conv)}, conv);
  constexpr Shape input{4, 4, 2};
  Described<> network(net, input);
  std::vector<std::string> names;
  for (const auto& layer : detail::keras_layers_of(network)) names.push_back(layer.name);
  REQUIRE(names ==
          std::vector<std::string>{"conv2d_1", "conv2d_2", "relu_1", "conv2d_3", "conv2d_4", "residual_1", "conv2d_5"});
  network.number();
  for (const char* name : {"a.h5", "a.weights.h5"}) {
    save_keras_weights(folder / name, network);
    for (const KerasMatch match : {KerasMatch::by_name, KerasMatch::in_order}) {
      Described<> fresh(net, input);
      load_keras_weights(folder / name, fresh, {.match = match});
      REQUIRE(copy_of(fresh) == copy_of(network));
    }
  }
}

TEST_CASE("A .keras archive gives its weights and its architecture", "[weights]") {
  const TempFolder folder;
  const std::string weights = weights_file(folder), config = tiny_config().dump();
  for (const bool packed : {false, true}) {
    const auto path = write_archive(
        folder / "m.keras", {{"metadata.json", "{}"}, {"config.json", config}, {"model.weights.h5", weights}}, packed);
    require_loads(path, false);
    const Architecture<> read = read_keras_architecture(path);
    REQUIRE(read.input == tiny_input);
    REQUIRE(read.layers.size() == 9);
  }
  // tf.keras 2.13 called the group of layers otherwise.
  const hdf5::Handle older = hdf5::create(), named = hdf5::new_group(older, "_layer_checkpoint_dependencies", {});
  for (const auto& [group, ours] : groups) add_layer(named, group, ours);
  hdf5::write(folder / "o.weights.h5", older);
  require_loads(folder / "o.weights.h5", true);
  require_loads(write_archive(folder / "o.keras",
                              {{"config.json", config}, {"model.weights.h5", slurp(folder / "o.weights.h5")}}),
                false);
  // Of a model within the model the layers stand one group deeper.
  const hdf5::Handle file = hdf5::create(), layers = hdf5::new_group(file, "layers", {});
  const hdf5::Handle inner = hdf5::new_group(layers, "sequential", {}), deeper = hdf5::new_group(inner, "layers", {});
  for (const auto& [group, ours] : groups) {
    add_layer(ours == "dense_2" ? layers : deeper, ours == "dense_2" ? "dense" : group, ours, "x");
  }
  hdf5::write(folder / "n.weights.h5", file);
  std::vector<Json> first = tiny_layers();
  const Json last = first.back();
  first.pop_back();
  const Json nested = sequential({input_layer({6, 6, 3}), sequential(first, "inner"), last});
  require_loads(write_archive(folder / "n.keras",
                              {{"config.json", nested.dump()}, {"model.weights.h5", slurp(folder / "n.weights.h5")}}),
                false);
}

TEST_CASE("Damaged and hostile archives are refused in one line", "[weights]") {
  const TempFolder folder;
  const std::string weights = weights_file(folder), config = tiny_config().dump();
  const auto archive = [&](const std::vector<std::pair<std::string, std::string>>& files, bool packed = false) {
    return refusal(write_archive(folder / "x.keras", files, packed));
  };
  REQUIRE_THAT(archive({{"config.json", config}}),
               Contains("expected a file model.weights.h5 in the archive, found none"));
  REQUIRE_THAT(archive({{"model.weights.h5", weights}}), Contains("expected a file config.json in the archive"));
  REQUIRE_THAT(archive({{"config.json", config}, {"model.weights.h5", "no HDF5"}}), Contains("expected an HDF5 file"));
  REQUIRE_THAT(archive({{"config.json", "{"}, {"model.weights.h5", weights}}), Contains("config: expected JSON"));
  REQUIRE_THAT(archive({{"config.json", std::string(1000, '[')}, {"model.weights.h5", weights}}),
               Contains("config: expected JSON of at most 64 levels"));
  // What unpacks to far more than the archive.
  const std::string large(std::size_t{1} << 24, ' ');
  REQUIRE_THAT(archive({{"config.json", large}, {"model.weights.h5", weights}}, true),
               Contains("expected a file config.json in the archive, found one of 16777216 bytes, more than"));
  Json lambda = tiny_config();
  lambda["config"]["layers"][3] = layer("Lambda", "mine");
  REQUIRE_THAT(archive({{"config.json", lambda.dump()}, {"model.weights.h5", weights}}),
               Contains("layer \"mine\" (Lambda): expected one of the classes"));
  REQUIRE_THAT(message_of<FormatError>([&] { read_keras_architecture(folder / "made.weights.h5"); }),
               Contains("expected a whole model with a config, found weights alone"));

  write_archive(folder / "whole.keras", {{"config.json", config}, {"model.weights.h5", weights}});
  const std::string bytes = slurp(folder / "whole.keras");
  for (std::size_t size = 4; size < bytes.size(); size += 997) {
    INFO(size);
    REQUIRE_THAT(refusal(folder.write("cut.keras", bytes.substr(0, size))), Contains("expected "));
  }
  std::string wrong = bytes;
  wrong[wrong.find("Dropout")] = 'd';  // the checksum knows
  REQUIRE_THAT(refusal(folder.write("wrong.keras", wrong)), Contains("config.json in the archive, found damage"));
}

TEST_CASE("Links and cycles in Keras 3's files lead nowhere", "[weights]") {
  const TempFolder folder;
  const auto with = [&](const auto& change) {
    weights_file(folder, groups, change);
    return refusal(folder / "made.weights.h5");
  };
  REQUIRE_THAT(with([&](const hdf5::Handle& layers) {
                 H5Lcreate_external((folder / "other.h5").c_str(), "/", layers, "away", H5P_DEFAULT, H5P_DEFAULT);
               }),
               Contains("found a link to another file"));
  REQUIRE_THAT(
      with([](const hdf5::Handle& layers) { H5Lcreate_hard(layers, ".", layers, "again", H5P_DEFAULT, H5P_DEFAULT); }),
      Contains("found more, or a cycle"));
  REQUIRE_THAT(
      with([](const hdf5::Handle& layers) { H5Lcreate_soft("/layers", layers, "again", H5P_DEFAULT, H5P_DEFAULT); }),
      Contains("found more, or a cycle"));
  // Arrays are numbered.
  REQUIRE_THAT(with([](const hdf5::Handle& layers) {
                 const hdf5::Handle odd = hdf5::new_group(layers, "odd", {}), arrays = hdf5::new_group(odd, "vars", {});
                 hdf5::write_dataset(arrays, "kernel", weights_of(numbered_tiny(), "dense_2", "")[1].second, {});
               }),
               Contains("expected a dataset \"0\" of floating-point numbers, found none"));
}

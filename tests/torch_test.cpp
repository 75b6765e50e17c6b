/// State dicts of PyTorch.

#include <abell/weights/torch.hpp>
#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <vector>

#include "catch.hpp"
#include "described.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"
#include "weights_tools.hpp"

using namespace abell;

namespace {

constexpr Shape input{6, 6, 3};
const auto net = describe(
    Conv2d{.filters = 4}, BatchNorm{}, Relu6{}, DepthwiseConv2d{.stride = 2, .depth_multiplier = 2, .bias = false},
    Residual{describe(Conv2d{.filters = 8}, BatchNorm{}), describe()}, Conv2dTranspose{.filters = 2}, MaxPool2d{},
    Flatten{}, BatchNorm{}, Dense{.units = 5}, Relu{}, Dense{.units = 2}, Softmax{});

Described<> numbered() {
  Described<> network(net, input);
  network.number();
  return network;
}

/// Tensors of a file, changed and written anew.
template <class Change>
std::filesystem::path changed_file(const TempFolder& folder, const Change& change) {
  save_torch_weights(folder / "a", numbered());
  return changed(folder / "a", folder / "b", change);
}

std::string refusal(const std::filesystem::path& path, const TorchOptions& options = {}) {
  Described<> network(net, input);
  const std::string text = message_of<ShapeError>([&] { load_torch_weights(path, network, options); });
  REQUIRE_THAT(text, Contains(path.string() + ": "));
  for (const float value : network.parameters()) REQUIRE(value == 0);
  return text;
}

std::vector<std::byte> bytes_of(const std::vector<std::uint16_t>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

TEST_CASE("A state dict has PyTorch's names, dimensions and order of values", "[weights]") {
  const TempFolder folder;
  const Described<> network = numbered();
  save_torch_weights(folder / "a", network);
  REQUIRE(is_torch_file(folder / "a"));
  const TensorFile file = read_safetensors(folder / "a");
  using Sizes = std::vector<std::uint64_t>;
  const auto shape = [&](const char* name) { return file.find(name)->shape; };
  const auto value = [&](const char* name, std::size_t i) { return values_of<float>(*file.find(name)).value()[i]; };
  const auto ours = [](const std::string& name, std::size_t i) { return Described<>::numbered(name, i); };
  REQUIRE(shape("0.weight") == Sizes{4, 3, 3, 3});
  REQUIRE(value("0.weight", ((2 * 3 + 1) * 3 + 0) * 3 + 2) == ours("conv2d_1/kernel", ((0 * 3 + 2) * 3 + 1) * 4 + 2));
  REQUIRE(shape("1.running_var") == Sizes{4});
  REQUIRE(value("1.running_var", 3) == ours("batch_norm_1/moving_variance", 3));
  REQUIRE(shape("1.num_batches_tracked").empty());
  REQUIRE(file.find("1.num_batches_tracked")->dtype == DType::i64);
  REQUIRE(shape("3.weight") == Sizes{8, 1, 3, 3});
  REQUIRE(value("3.weight", (5 * 3 + 1) * 3 + 2) ==
          ours("depthwise_conv2d_1/depthwise_kernel", ((1 * 3 + 2) * 4 + 2) * 2 + 1));
  REQUIRE(shape("4.branches.0.0.weight") == Sizes{8, 8, 3, 3});
  REQUIRE(shape("5.weight") == Sizes{8, 2, 3, 3});
  REQUIRE(value("5.weight", ((6 * 2 + 1) * 3 + 2) * 3 + 0) ==
          ours("conv2d_transpose_1/kernel", ((2 * 3 + 0) * 2 + 1) * 8 + 6));
  // Behind Flatten values stand channel by channel: value 10 of 2 x 3 x 3 is channel 1, row 0, column 1.
  REQUIRE(shape("9.weight") == Sizes{5, 18});
  REQUIRE(value("9.weight", 4 * 18 + 10) == ours("dense_1/kernel", (1 * 2 + 1) * 5 + 4));
  REQUIRE(value("8.weight", 10) == ours("batch_norm_3/gamma", 1 * 2 + 1));
  REQUIRE(shape("11.weight") == Sizes{2, 5});
  REQUIRE(value("11.weight", 5 + 3) == ours("dense_2/kernel", 3 * 2 + 1));

  Described<> fresh(net, input);
  REQUIRE(load_torch_weights(folder / "a", fresh).in_order);
  REQUIRE(copy_of(fresh) == copy_of(network));
  save_torch_weights(folder / "again", fresh);
  REQUIRE(slurp(folder / "a") == slurp(folder / "again"));
}

TEST_CASE("Vectors and maps that a Reshape makes of each other have PyTorch's order", "[weights]") {
  const TempFolder folder;
  const auto reshaping = describe(Dense{.units = 12}, BatchNorm{}, Relu{}, Dropout{}, Reshape{.shape = {2, 3, 2}},
                                  Conv2d{.filters = 4}, Reshape{.shape = {3, 2, 4}}, Reshape{.shape = {1, 1, 24}},
                                  Tanh{}, BatchNorm{}, Dense{.units = 2}, Reshape{.shape = {2, 1, 1}});
  Described<> network(reshaping, {1, 1, 3}), fresh = network;
  network.number();
  save_torch_weights(folder / "a", network);
  const TensorFile file = read_safetensors(folder / "a");
  const auto value = [&](const char* name, std::size_t i) { return values_of<float>(*file.find(name)).value()[i]; };
  const auto ours = [](const std::string& name, std::size_t i) { return Described<>::numbered(name, i); };
  // Value 7 of 2 x 2 x 3 is channel 1, row 0, column 1, our value 3.
  REQUIRE(value("0.weight", 7 * 3 + 2) == ours("dense_1/kernel", 2 * 12 + 3));
  REQUIRE(value("0.bias", 7) == ours("dense_1/bias", 3));
  REQUIRE(value("1.running_mean", 7) == ours("batch_norm_1/moving_mean", 3));
  // Value 15 of 4 x 3 x 2 is channel 2, row 1, column 1, our value 14.
  REQUIRE(value("9.weight", 15) == ours("batch_norm_2/gamma", 14));
  REQUIRE(value("10.weight", 24 + 15) == ours("dense_2/kernel", 14 * 2 + 1));
  REQUIRE(value("10.bias", 1) == ours("dense_2/bias", 1));
  load_torch_weights(folder / "a", fresh);
  REQUIRE(copy_of(fresh) == copy_of(network));

  // Where no weights can make up for it.
  const auto refused = [&](const auto& description, Shape from) {
    const Described<> odd(description, from);
    return message_of<FormatError>([&] { save_torch_weights(folder / "x", odd); });
  };
  const std::string dense = "expected a Dense after Flatten, or what keeps the order of values (PyTorch's values stand";
  const Reshape map{.shape = {2, 3, 2}};
  REQUIRE_THAT(refused(describe(map, Conv2d{}), {1, 1, 12}),
               Contains("x: layer reshape_1 (Reshape): expected a Dense before the vector becomes a map"));
  REQUIRE_THAT(refused(describe(Dense{.units = 12}, Residual{describe(map, Flatten{})}), {1, 1, 3}),
               Contains("layer reshape_1 (Reshape): expected a Dense before"));
  REQUIRE_THAT(refused(describe(Conv2d{.filters = 3}, map), {2, 2, 3}),
               Contains("expected as many channels as before"));
  REQUIRE_THAT(refused(describe(Flatten{}, Relu{}, map), {2, 2, 3}), Contains("expected as many channels as before"));
  REQUIRE_THAT(refused(describe(Flatten{}, Conv2d{}), {2, 2, 3}), Contains("layer conv2d_1 (Conv2d): " + dense));
  REQUIRE_THAT(refused(describe(Flatten{}, UpSample2d{}), {2, 2, 3}), Contains("(UpSample2d): " + dense));
  REQUIRE_THAT(refused(describe(Flatten{}, Softmax{}), {2, 2, 3}), Contains("expected a Dense after Flatten ("));
}

TEST_CASE("Modules are given to layers by a mapping", "[weights]") {
  const TempFolder folder;
  const std::map<std::string, std::string> modules{
      {"conv2d_1", "stem.conv"},  {"batch_norm_1", "stem.norm"}, {"depthwise_conv2d_1", "deep"},
      {"conv2d_2", "block.conv"}, {"batch_norm_2", "block.bn"},  {"conv2d_transpose_1", "up"},
      {"batch_norm_3", "head.0"}, {"dense_1", "head.1"},         {"dense_2", "head.3"}};
  save_torch_weights(folder / "m", numbered(), {.modules = modules});
  REQUIRE(read_safetensors(folder / "m").find("block.bn.running_mean") != nullptr);
  Described<> network(net, input);
  REQUIRE_FALSE(load_torch_weights(folder / "m", network, {.modules = modules}).in_order);
  REQUIRE(copy_of(network) == copy_of(numbered()));
  REQUIRE_THAT(message_of<FormatError>([&] { load_torch_weights(folder / "m", network); }),
               Contains("expected modules in the order of numbers") && Contains("found \""));
  auto fewer = modules;
  fewer.erase("dense_2");
  REQUIRE_THAT(refusal(folder / "m", {.modules = fewer}), Contains("found unexpected \"head.3.weight\" [2, 5]"));
  REQUIRE_THAT(refusal(folder / "m", {.modules = fewer, .others = true}),
               Contains("expected \"dense_2/kernel\" [5, 2], found none"));
  Described<> headless(net, input);
  const LoadedWeights loaded =
      load_torch_weights(folder / "m", headless, {.modules = fewer, .missing = {"dense_2"}, .others = true});
  REQUIRE(loaded.missing == std::vector<std::string>{"dense_2"});
  REQUIRE(headless["dense_1/bias"][3] == Described<>::numbered("dense_1/bias", 3));
  REQUIRE_THROWS_AS(save_torch_weights(folder / "x", numbered(), {.modules = fewer}), OptionError);
  REQUIRE_THROWS_AS(load_torch_weights(folder / "m", network, {.modules = {{"none", "up"}}}), OptionError);
}

TEST_CASE("Half, bfloat16 and double weights are converted, and an odd tensor is named when it is needed",
          "[weights]") {
  const TempFolder folder;
  const std::vector<std::uint16_t> half{0x3C00, 0xC100}, brain{0x3F80, 0xC020};  // 1 and -2.5
  for (const auto& [dtype, bits] : {std::pair{DType::f16, half}, {DType::bf16, brain}}) {
    const auto path = changed_file(folder, [&, dtype = dtype, bits = bits](TensorFile& file) {
      named(file, "11.bias") = {"11.bias", dtype, {2}, bytes_of(bits)};
    });
    Described<> network(net, input);
    load_torch_weights(path, network);
    REQUIRE(network["dense_2/bias"][0] == 1);
    REQUIRE(network["dense_2/bias"][1] == -2.5F);
  }
  REQUIRE(detail::from_half(0x0001) == 0x1p-24F);
  REQUIRE(detail::from_half(0x8400) == -0x1p-14F);
  REQUIRE(detail::from_half(0x7BFF) == 65504);
  REQUIRE(std::isinf(detail::from_half(0xFC00)));
  REQUIRE(std::isnan(detail::from_half(0x7E00)));

  const std::array<double, 2> doubles{0.5, 1e300};
  const auto wide = changed_file(folder, [&](TensorFile& file) {
    named(file, "11.bias") = stored("11.bias", {2}, std::span<const double>(doubles));
  });
  Described<> network(net, input);
  REQUIRE_THAT(message_of<NumericError>([&] { load_torch_weights(wide, network); }), Contains("11.bias"));

  const std::array<std::int64_t, 2> whole{1, 2};
  const auto needed = changed_file(folder, [&](TensorFile& file) {
    named(file, "11.bias") = stored("11.bias", {2}, std::span<const std::int64_t>(whole));
  });
  REQUIRE_THAT(message_of<FormatError>([&] { load_torch_weights(needed, network); }),
               Contains("tensor \"11.bias\": expected F64, F32, F16 or BF16, found I64"));
  std::map<std::string, std::string> modules;
  const Described<> described = numbered();
  for (const auto& layer : detail::torch_layers("", described)) modules[layer.info->name] = layer.place;
  const auto beside = changed_file(folder, [&](TensorFile& file) {
    file.tensors.push_back({"12.table", DType::f8_e4m3, {2}, {std::byte{1}, std::byte{2}}});
    file.tensors.push_back({"12.packed", DType::f4, {3}, {std::byte{1}, std::byte{2}}});
    file.tensors.push_back({"12.pair", DType::c64, {1}, std::vector<std::byte>(8)});
  });
  load_torch_weights(beside, network, {.modules = modules, .others = true});
  REQUIRE(copy_of(network) == copy_of(numbered()));
}

TEST_CASE("State dicts of another network are refused", "[weights]") {
  const TempFolder folder;
  REQUIRE_THAT(refusal(changed_file(folder,
                                    [](TensorFile& file) {
                                      std::erase_if(file.tensors,
                                                    [](const auto& each) { return each.name == "0.weight"; });
                                    })),
               Contains("expected \"0.weight\" [4, 3, 3, 3] for layer \"conv2d_1\", found none"));
  REQUIRE_THAT(refusal(changed_file(folder, [](TensorFile& file) { named(file, "0.weight").name = "0.kernel"; })),
               Contains("found unexpected \"0.kernel\" [4, 3, 3, 3]"));
  REQUIRE_THAT(refusal(changed_file(folder,
                                    [](TensorFile& file) {
                                      named(file, "5.weight").shape = {2, 8, 3, 3};
                                    })),
               Contains("expected \"5.weight\" [8, 2, 3, 3] for layer \"conv2d_transpose_1\", found [2, 8, 3, 3]"));
  REQUIRE_THAT(refusal(changed_file(folder, [](TensorFile& file) { named(file, "11.bias").name = "12.bias"; })),
               Contains("expected 9 modules with weights, found 10"));
  Described<> odd(describe(Flatten{}, Residual{describe(Dense{.units = 108})}), input);
  REQUIRE_THAT(message_of<FormatError>([&] { save_torch_weights(folder / "x", odd); }),
               Contains("expected no layers within layers between Flatten and Dense"));
}

/// Configs of Keras models: what is accepted is a network whose layers, written as JSON, are read as the same.

#include <abell/weights/keras_architecture.hpp>
#include <fstream>
#include <string>

#include "../keras_config.hpp"
#include "target.hpp"

namespace {

using namespace abell;
using namespace keras_config;

/// A residual block, a concatenation and a model within the model.
Json branched() {
  const Json conv{{"filters", 3}, {"kernel_size", {3, 3}}, {"padding", "same"}, {"activation", "relu"}};
  return functional(
      {input_layer({8, 8, 3}), layer("Conv2D", "a", conv, {"input_1"}),
       layer("ZeroPadding2D", "z", {{"padding", {{1, 1}, {1, 1}}}}, {"a"}),
       layer("Conv2D", "b", {{"filters", 3}, {"kernel_size", 3}}, {"z"}), layer("Add", "s", Json::object(), {"a", "b"}),
       layer("Conv2DTranspose", "t", conv, {"s"}), layer("Concatenate", "cat", {{"axis", -1}}, {"t", "s"}),
       layer("AveragePooling2D", "p", {{"pool_size", {2, 2}}}, {"cat"})},
      "input_1", "p");
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  return make_seeds([](const std::filesystem::path& folder) {
    std::ofstream(folder / "tiny") << tiny_config().dump();
    std::ofstream(folder / "branched") << branched().dump();
    std::ofstream(folder / "nested") << sequential({tiny_config(), layer("Dense", "d", {{"units", 2}})}).dump();
  });
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const Architecture<> read = detail::keras_architecture(text_of(data, size), "fuzz");
    require(!read.layers.empty() && read.input.size() > 0);
    const Json layers = detail::layers_json(read.layers);
    require(detail::layers_json(LayerKinds<float>().read("fuzz", layers)) == layers);
  } catch (const Error& error) {
    require(std::string(error.what()).starts_with("fuzz: "));
  }
  return 0;
}

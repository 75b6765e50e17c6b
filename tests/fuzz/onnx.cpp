/// ONNX models: what is accepted is a network with finite weights, whose layers, written as JSON, are read as the same.

#include <abell/inference/load_onnx.hpp>
#include <abell/weights/onnx.hpp>
#include <algorithm>
#include <cmath>
#include <string>

#include "target.hpp"

namespace {

using namespace abell;

constexpr auto plain = describe(Conv2d{.filters = 2, .stride = 2}, BatchNorm{}, Relu6{}, MaxPool2d{}, Flatten{},
                                Dense{.units = 2}, Softmax{});
constexpr auto branched =
    describe(Residual{describe(DepthwiseConv2d{}, LeakyRelu{})},
             Concatenate{describe(AveragePool2d{}, Conv2dTranspose{.filters = 1}), describe()},
             UpSample2d{.interpolation = UpSampling::bilinear}, Reshape{.shape = {4, 8, 6}}, GlobalMaxPool2d{});

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  return make_seeds([](const std::filesystem::path& folder) {
    save_onnx(folder / "plain", build<float>(plain, {5, 6, 1}, 1));
    save_onnx(folder / "branched", build<float>(branched, {4, 4, 2}, 1));
  });
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const LoadOptions options{.max_memory = 1e8};
    const Network<float> network = detail::network_of(detail::parse_onnx(text_of(data, size), "fuzz"), "fuzz", options);
    require(std::ranges::all_of(network.parameters(), [](float value) { return std::isfinite(value); }));
    const detail::Json layers = detail::layers_json(network.description());
    require(detail::layers_json(LayerKinds<float>().read("fuzz", layers)) == layers);
  } catch (const Error& error) {
    require(std::string(error.what()).starts_with("fuzz: "));
  }
  return 0;
}

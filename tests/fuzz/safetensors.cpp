/// Safetensors files and the models in their metadata: what is accepted is written to a file that gives it back, and a
/// network filled from it, by our names or PyTorch's, has finite weights.

#include <abell/weights/model.hpp>
#include <abell/weights/torch.hpp>
#include <cmath>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "../described.hpp"
#include "target.hpp"

namespace {

using namespace abell;

constexpr auto net = describe(Conv2d{.filters = 2}, BatchNorm{}, Relu6{}, Flatten{}, Dense{.units = 2}, Softmax{});
constexpr Shape input{2, 2, 1};

/// A network with the members that `save_model` asks for.
class Model : public Described<> {
 public:
  Model() : Described(net, ::input) {}
  Shape input() const { return ::input; }
  Shape output() const { return layers().back().output; }
};

TensorFile read(const std::string& bytes) {
  std::istringstream in(bytes);
  return detail::read_tensors(in, bytes.size(), "fuzz");
}

bool same(const TensorFile& a, const TensorFile& b) {
  const auto equal = [](const StoredTensor& x, const StoredTensor& y) {
    return x.name == y.name && x.dtype == y.dtype && x.shape == y.shape && x.bytes == y.bytes;
  };
  return a.metadata == b.metadata && std::ranges::equal(a.tensors, b.tensors, equal);
}

/// What stands in the metadata of a model is of one piece.
void check(const ModelInfo& info) {
  require(!info.layers.empty() && (info.description.is_null() || !info.list.empty()));
  require(!info.positive.empty() && info.positive.size() <= info.classes.size());
  require(info.input.size() > 0 && info.preprocessing.is_object());
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  return make_seeds([](const std::filesystem::path& folder) {
    Model model;
    model.number();
    const ModelInfo info{
        .classes = {"cluster", "other"}, .positive = {"cluster"}, .preprocessing = {{"resize", "bilinear"}}};
    save_model(folder / "model", model, info);
    const std::vector<double> doubles{0.5, -1};
    const std::vector<std::int64_t> counts{3};
    TensorFile file;
    file.metadata = {{"a", "b \"c\" \n"}};
    file.tensors = {stored("x/y", {2, 1}, std::span(doubles)), stored("n", {}, std::span(counts)),
                    stored("none", {0, 7}, std::span<const float>())};
    write_safetensors(folder / "mixed", file);
    write_safetensors(folder / "empty", {});
    save_torch_weights(folder / "torch", model);
  });
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    TensorFile file = read(text_of(data, size));
    std::ostringstream out;
    detail::write_tensors(out, file, "fuzz");
    require(same(read(std::move(out).str()), file));

    static const Model fresh;
    Model model = fresh;
    try {
      static const LayerKinds<float> kinds;
      const ModelInfo info = detail::parse_info("fuzz", file.metadata, &kinds);
      check(info);
      detail::require_same_layers("fuzz", info, model);
    } catch (const Error&) {
    }
    try {
      TensorFile ours = file;
      detail::reconcile("fuzz", ours, detail::expected_parameters(model), {.missing = {"dense_1"}});
      detail::fill("fuzz", ours, model);
      for (const float weight : model.parameters()) require(std::isfinite(weight));
    } catch (const Error&) {
      require(std::ranges::equal(model.parameters(), fresh.parameters()));
    }
    try {
      detail::load_torch("fuzz", std::move(file), model, {.missing = {"dense_1"}});
      for (const float weight : model.parameters()) require(std::isfinite(weight));
    } catch (const Error& error) {
      require(std::string(error.what()).starts_with("fuzz: "));
    }
  } catch (const Error& error) {
    require(std::string(error.what()).starts_with("fuzz: "));
  }
  return 0;
}

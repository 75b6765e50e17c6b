/// No kernel forms a pointer before its buffer. A buffer at the lowest address that a process may use has nothing
/// before it: a pointer more than 64 KiB before it wraps around, which the checks of pointers report (preset
/// ubsan-gcc). Rows and pixels are therefore long, images small; results are those of buffers elsewhere.

#include <sys/mman.h>

#include <abell/kernels/conv2d_relu_pool.hpp>
#include <abell/layers/normalized_chain.hpp>
#include <algorithm>
#include <span>

#include "catch.hpp"
#include "kernel_tools.hpp"

using namespace abell;
using namespace abell::testing;
using kernels::Conv2dGeometry;

namespace {

/// Two MiB from the lowest address on.
class LowMemory {
 public:
  LowMemory()
      : memory_(::mmap(reinterpret_cast<void*>(lowest), size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0)) {}
  LowMemory(const LowMemory&) = delete;
  LowMemory& operator=(const LowMemory&) = delete;
  ~LowMemory() {
    if (given()) ::munmap(memory_, size);
  }

  bool given() const { return memory_ == reinterpret_cast<void*>(lowest); }
  template <class T>
  std::span<T> span(std::size_t count) const {
    REQUIRE(count * sizeof(T) <= size);
    return {static_cast<T*>(memory_), count};
  }

 private:
  static constexpr std::uintptr_t lowest = 1 << 16;
  static constexpr std::size_t size = 2 << 20;
  void* memory_;
};

/// Small integers, quickly.
std::vector<float> values_of(std::size_t count, int period) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(static_cast<int>(i) % period - period / 2);
  return values;
}

/// What the fused stage works on, one array of it in low memory; its scratch is too large for that.
struct Fused {
  static constexpr int arrays = 6;
  kernels::Backend<float> backend;
  Conv2dGeometry g;
  const LowMemory& low;
  int lowered;
  std::vector<std::vector<float>> elsewhere = std::vector<std::vector<float>>(arrays);
  std::vector<unsigned char> argmax = {};

  std::span<float> array(int number, const std::vector<float>& values) {
    auto& own = elsewhere[static_cast<std::size_t>(number)];
    own = values;
    if (number != lowered) return own;
    const auto there = low.span<float>(values.size());
    std::ranges::copy(values, there.begin());
    return there;
  }
  std::span<unsigned char> positions() {
    argmax.resize(g.pooled_size());
    return lowered == arrays ? low.span<unsigned char>(argmax.size()) : std::span(argmax);
  }

  /// Outputs and gradients.
  std::vector<float> results() {
    const std::vector<float> b(static_cast<std::size_t>(g.filters));
    const auto x = array(0, values_of(g.input_size(), 7));
    const auto w = array(1, values_of(g.weight_size(), 5));
    const auto dp = array(2, values_of(g.pooled_size(), 3));
    const auto pooled = array(3, std::vector<float>(g.pooled_size()));
    const auto dx = array(4, std::vector<float>(g.input_size()));
    const auto dw = array(5, std::vector<float>(g.weight_size()));
    std::vector<float> db(b.size());
    Buffer<float> scratch(
        std::max({conv2d_relu_pool_forward_scratch(backend, g), conv2d_relu_pool_input_gradient_scratch(backend, g),
                  conv2d_relu_pool_weight_gradient_scratch(backend, g)}));
    const auto at = positions();
    conv2d_relu_pool_forward(backend, g, 1, x.data(), w.data(), b.data(), pooled.data(), at.data(), scratch.data());
    conv2d_relu_pool_weight_gradient(backend, g, 1, x.data(), dp.data(), at.data(), dw.data(), db.data(),
                                     scratch.data());
    conv2d_relu_pool_input_gradient(backend, g, 1, w.data(), dp.data(), at.data(), dx.data(), scratch.data());
    std::vector<float> all;
    for (const auto& part : {pooled, dx, dw}) all.insert(all.end(), part.begin(), part.end());
    return all;
  }
};

}  // namespace

TEST_CASE("the fused stage forms no pointer before its buffers", "[kernels][fused][pointers]") {
  const LowMemory low;
  if (!low.given()) {
    WARN("left out: the lowest addresses are not given to this process");
    return;
  }
  // Of 64 KiB and more: a pixel, a pooled pixel, a row of few channels.
  for (const Conv2dGeometry& g : {geometry(3, 4, 16500, 1), geometry(3, 4, 2, 16500), geometry(3, 6000, 3, 1)}) {
    for (const Isa isa : supported_isas()) {
      const kernels::Backend<float> backend{&kernels::kernels_for<float>(isa), 1};
      const auto expected = Fused{backend, g, low, -1}.results();
      for (int lowered = 0; lowered <= Fused::arrays; ++lowered) {
        INFO(name_of(isa) << ", " << g.width << "x" << g.channels << " -> " << g.filters << ", array " << lowered);
        CHECK(Fused{backend, g, low, lowered}.results() == expected);
      }
    }
  }
}

TEST_CASE("the prediction of a chain forms no pointer before its scratch", "[normalized][pointers]") {
  const LowMemory low;
  if (!low.given()) {
    WARN("left out: the lowest addresses are not given to this process");
    return;
  }
  const Shape shape{64, 8, 64};
  const std::vector<NormalizedLink> units{
      {Place{shape, {}}, DepthwiseConv2d{}, BatchNorm{}, 0},
      {Place{shape, {}}, Conv2d{.filters = 1, .kernel_size = 1}, BatchNorm{}, 1000}};
  constexpr int batch = 4;
  const auto x = values_of(shape.size() * batch, 7);
  const std::vector<float> parameters(2000, 1);
  for (const Isa isa : supported_isas()) {
    INFO(name_of(isa));
    const kernels::Backend<float> backend{&kernels::kernels_for<float>(isa), 1};
    const detail::NormalizedPrediction<float> chain(units, backend, batch);
    std::vector<float> packed(chain.memory().packed_values), scratch(chain.memory().scratch_values);
    const auto predict = [&](float* memory) {
      std::vector<float> y(units.back().geometry.output_size() * batch);
      const Pass<float> pass{.backend = backend,
                             .batch = batch,
                             .parameters = parameters.data(),
                             .scratch = memory,
                             .packed = packed.data()};
      chain.pack(pass);
      chain.run(pass, x.data(), y.data());
      return y;
    };
    CHECK(predict(low.span<float>(scratch.size()).data()) == predict(scratch.data()));
  }
}

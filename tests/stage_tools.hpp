#pragma once
/// One training step of a list of layers by itself, on any instruction set and number of threads, against a reference
/// in double.

#include <abell/layers/layers.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "kernel_tools.hpp"

namespace abell::testing {

using Values = std::vector<double>;

/// What a step gives: the output as trained and as predicted, the gradients of the input and of the parameters.
template <class T>
struct Step {
  std::vector<T> y, predicted, dx, gradients;
  bool operator==(const Step&) const = default;
};

/// Memory starts as NaN; what is written stands between guards.
template <class T, Fusion fusion = Fusion::on, class Description>
Step<T> step(const Description& list, Shape input, int batch, const Values& parameters, const Values& x,
             const Values& dy, Isa isa, int threads) {
  const std::vector<LayerInfo> layers = inspect(list, input);
  const SequenceStage<T> stages(list_of<T>(list), layers, input, fusion);
  const kernels::Backend<T> backend{&kernels::kernels_for<T>(isa), threads};
  const std::vector<T> weights = cast<T>(parameters), images = cast<T>(x), gradient = cast<T>(dy);
  REQUIRE(weights.size() == parameter_count(layers));
  REQUIRE(gradient.size() == static_cast<std::size_t>(batch) * stages.output().size());
  Guarded<T> y(gradient.size()), predicted(gradient.size()), dx(images.size()), gradients(weights.size());
  for (const Mode mode : {Mode::predict, Mode::train}) {
    const StageMemory memory = stages.memory(backend, batch, mode);
    Buffer<T> scratch(memory.scratch_values), packed(mode == Mode::train ? 0 : memory.packed_values);
    Buffer<std::byte> saved(memory.saved_bytes);
    std::ranges::fill(scratch.span(), std::numeric_limits<T>::quiet_NaN());
    std::ranges::fill(saved.span(), std::byte{0xFF});
    const Pass<T> pass{.backend = backend,
                       .batch = batch,
                       .mode = mode,
                       .parameters = weights.data(),
                       .gradients = gradients.data(),
                       .saved = saved.data(),
                       .scratch = scratch.data(),
                       .packed = mode == Mode::train ? nullptr : packed.data()};
    stages.forward(pass, images.data(), mode == Mode::train ? y.data() : predicted.data());
    if (mode == Mode::train) stages.backward(pass, images.data(), gradient.data(), dx.data());
  }
  CHECK((y.guards_intact() && predicted.guards_intact() && dx.guards_intact() && gradients.guards_intact()));
  const auto values = [](Guarded<T>& from, std::size_t size) {
    return std::vector<T>(from.data(), from.data() + size);
  };
  return {values(y, gradient.size()), values(predicted, gradient.size()), values(dx, images.size()),
          values(gradients, weights.size())};
}

/// Compares float with double, exactly or to `tolerance`; NaN is nowhere.
inline void require_close(const std::vector<float>& found, const Values& expected, double tolerance) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (std::abs(static_cast<double>(found[i]) - expected[i]) <= tolerance) continue;
    FAIL("value " << i << ": expected " << expected[i] << ", found " << found[i]);
  }
}

/// A step in float, on every instruction set: the outputs against `reference(image)` for each image, the gradients
/// against those in double, which gradcheck compares with differences; 1 to 4 threads give the same bits. Weights,
/// images and the output's gradient are small integers.
template <class Description, class Reference>
void check_step(const Description& list, Shape input, double tolerance, const Reference& reference) {
  constexpr int batch = 3;
  const std::vector<LayerInfo> layers = inspect(list, input);
  const std::size_t output = output_of(layers, input).size();
  const Values x = integers(batch * input.size(), 11), weights = integers(parameter_count(layers), 12),
               dy = integers(batch * output, 13);
  Values expected;
  for (int n = 0; n < batch; ++n) {
    const Values y = reference(image_of(x, input.size(), n), weights);
    expected.insert(expected.end(), y.begin(), y.end());
  }
  const auto wide = step<double, Fusion::off>(list, input, batch, weights, x, dy, Isa::baseline, 1);
  for (const Isa isa : supported_isas()) {
    INFO(name_of(isa) << ", " << to_string(input));
    const auto alone = step<float>(list, input, batch, weights, x, dy, isa, 1);
    require_close(alone.y, expected, tolerance);
    require_close(alone.predicted, expected, tolerance);
    require_close(alone.dx, wide.dx, tolerance);
    require_close(alone.gradients, wide.gradients, tolerance);
    for (const int threads : {2, 3, 4}) {
      CHECK(step<float>(list, input, batch, weights, x, dy, isa, threads) == alone);
    }
  }
}

}  // namespace abell::testing

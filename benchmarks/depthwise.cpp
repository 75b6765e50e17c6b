/// Every depthwise convolution of MobileNet by itself.

#include <abell/kernels/depthwise.hpp>
#include <abell/models/mobilenet.hpp>
#include <algorithm>
#include <memory>

#include "harness.hpp"
#include "inputs.hpp"
#include "lines.hpp"

namespace abell::bench {
namespace {

constexpr int batch = 20;

std::size_t in_batch(std::size_t size) { return batch * size; }

struct Depthwise {
  kernels::Conv2dGeometry geometry;
  kernels::Backend<float> backend;
  Buffer<float> x, y, weights, scratch;

  Depthwise(const kernels::Conv2dGeometry& g, int threads)
      : geometry(g),
        backend{&kernels::kernels_for<float>(active_isa()), threads},
        x(normal_values(in_batch(g.input_size()), 1)),
        y(normal_values(in_batch(g.output_size()), 4)),
        weights(normal_values(weight_size(), 2)),
        scratch(std::max({kernels::depthwise_forward_scratch(backend, g),
                          kernels::depthwise_input_gradient_scratch(backend, g),
                          kernels::depthwise_weight_gradient_scratch(backend, g)})) {}

  std::size_t weight_size() const {
    return static_cast<std::size_t>(geometry.kernel_height * geometry.kernel_width * geometry.filters);
  }
  /// As MobileNet's, without a bias.
  void forward() {
    kernels::depthwise_forward<float>(backend, geometry, batch, x.data(), weights.data(), nullptr, y.data(),
                                      scratch.data());
  }
  void backward_data() {
    kernels::depthwise_input_gradient(backend, geometry, batch, weights.data(), y.data(), x.data(), scratch.data());
  }
  void backward_weights() {
    kernels::depthwise_weight_gradient<float>(backend, geometry, batch, x.data(), y.data(), weights.data(), nullptr,
                                              scratch.data());
  }
  /// All three: a multiply-add for each weight and output.
  double flops() const {
    return 2.0 * geometry.kernel_height * geometry.kernel_width * static_cast<double>(in_batch(geometry.output_size()));
  }
  /// All three read two of the operands once and write the third.
  double bytes() const {
    return sizeof(float) *
           static_cast<double>(in_batch(geometry.input_size() + geometry.output_size()) + weight_size());
  }
};

/// "112x112x64->64/stride:2".
std::string name_of(const kernels::Conv2dGeometry& g) {
  std::string name = to_string(Shape{g.height, g.width, g.channels}) + "->" + std::to_string(g.filters);
  if (g.stride_height != 1) name += "/stride:" + std::to_string(g.stride_height);
  return name;
}

}  // namespace

void add_depthwise() {
  for (const int threads : thread_counts()) {
    for (const ConvolutionShape& shape : convolutions_of<DepthwiseConv2d>(mobilenet, mobilenet_input)) {
      const auto add_line = [&](const std::string& what, void (Depthwise::*method)()) {
        add("depthwise_" + what + "/" + name_of(shape.geometry), batch, threads, [=] {
          const auto operands = std::make_shared<Depthwise>(shape.geometry, threads);
          return Work{.run = [=] { ((*operands).*method)(); },
                      .flops = operands->flops(),
                      .bytes = operands->bytes(),
                      .images = batch};
        });
      };
      add_line("forward", &Depthwise::forward);
      add_line("backward_data", &Depthwise::backward_data);
      add_line("backward_weights", &Depthwise::backward_weights);
    }
  }
}

}  // namespace abell::bench

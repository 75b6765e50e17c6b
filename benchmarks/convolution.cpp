/// Every convolution of the networks and one with a stride: the plain kernels, and those fused with ReLU and max-pool.

#include <abell/kernels/conv2d_relu_pool.hpp>
#include <abell/models/cluster_net.hpp>
#include <algorithm>
#include <memory>

#include "harness.hpp"
#include "inputs.hpp"
#include "lines.hpp"

namespace abell::bench {
namespace {

constexpr int batch = 10;

kernels::Backend<float> backend_of(int threads) { return {&kernels::kernels_for<float>(active_isa()), threads}; }

/// The weights, Glorot-like in size, and what they make of N(0, 1) images.
struct Operands {
  ConvolutionShape shape;
  kernels::Backend<float> backend;
  Buffer<float> x, weights, bias, weight_gradient, bias_gradient, input_gradient;

  Operands(const ConvolutionShape& s, int threads)
      : shape(s),
        backend(backend_of(threads)),
        x(normal_values(batch * s.geometry.input_size(), 1)),
        weights(normal_values(s.geometry.weight_size(), 2)),
        bias(normal_values(static_cast<std::size_t>(s.geometry.filters), 3)),
        weight_gradient(weights.size()),
        bias_gradient(bias.size()),
        input_gradient(s.first ? 0 : x.size()) {
    for (float& w : weights.span()) w /= std::sqrt(static_cast<float>(s.geometry.depth()));
    for (float& b : bias.span()) b = 0;
  }
};

struct Plain : Operands {
  Buffer<float> y, scratch;

  Plain(const ConvolutionShape& s, int threads)
      : Operands(s, threads),
        y(normal_values(batch * s.geometry.output_size(), 4)),
        scratch(std::max({kernels::conv2d_forward_scratch(backend, s.built(), batch),
                          kernels::conv2d_weight_gradient_scratch(backend, s.built()),
                          kernels::conv2d_input_gradient_scratch(backend, s.built(), batch)})) {}

  void forward() {
    kernels::conv2d_forward(backend, shape.built(), batch, x.data(), weights.data(), bias.data(), y.data(),
                            scratch.data());
  }
  void take_weight_gradient() {
    kernels::conv2d_weight_gradient(backend, shape.built(), batch, x.data(), y.data(), weight_gradient.data(),
                                    bias_gradient.data(), scratch.data());
  }
  void take_input_gradient() {
    kernels::conv2d_input_gradient(backend, shape.built(), batch, weights.data(), y.data(), input_gradient.data(),
                                   scratch.data());
  }
  std::vector<std::pair<std::string, double>> counters() const { return {}; }
  double forward_left() const { return 0; }
  double gradient_left() const { return 0; }
};

struct Fused : Operands {
  Buffer<float> pooled, pooled_gradient, scratch;
  Buffer<unsigned char> argmax;

  Fused(const ConvolutionShape& s, int threads)
      : Operands(s, threads),
        pooled(batch * s.geometry.pooled_size()),
        pooled_gradient(normal_values(pooled.size(), 4)),
        scratch(std::max({kernels::conv2d_relu_pool_forward_scratch(backend, s.geometry),
                          kernels::conv2d_relu_pool_weight_gradient_scratch(backend, s.geometry),
                          kernels::conv2d_relu_pool_input_gradient_scratch(backend, s.geometry)})),
        argmax(pooled.size()) {
    forward();
  }

  void forward() {
    kernels::conv2d_relu_pool_forward(backend, shape.geometry, batch, x.data(), weights.data(), bias.data(),
                                      pooled.data(), argmax.data(), scratch.data());
  }
  void take_weight_gradient() {
    kernels::conv2d_relu_pool_weight_gradient(backend, shape.geometry, batch, x.data(), pooled_gradient.data(),
                                              argmax.data(), weight_gradient.data(), bias_gradient.data(),
                                              scratch.data());
  }
  void take_input_gradient() {
    kernels::conv2d_relu_pool_input_gradient(backend, shape.geometry, batch, weights.data(), pooled_gradient.data(),
                                             argmax.data(), input_gradient.data(), scratch.data());
  }
  /// The share of pooled values that ReLU let through: the gradients' work depends on it.
  double live_share() const {
    const auto live = std::ranges::count_if(pooled.span(), [](float value) { return value > 0; });
    return static_cast<double>(live) / static_cast<double>(pooled.size());
  }
  std::vector<std::pair<std::string, double>> counters() const { return {{"live_share", live_share()}}; }
  /// Winograd's products: 24 for the 72 of 2x4 outputs where the channels are few, else 36 for the 144 of 4x4.
  double forward_left() const {
    const double share = shape.geometry.channels < backend.table->lanes ? 24.0 / 72 : 36.0 / 144;
    return share * shape.flops(batch);
  }
  /// One of four positions, where it lives.
  double gradient_left() const { return live_share() / 4 * shape.flops(batch); }
};

/// FLOPS counts what a dense kernel would do: gradients that skip what ReLU cut may exceed the peak.
template <class Kind>
void add_lines(const std::string& kind, const ConvolutionShape& shape, int threads) {
  const auto add_line = [&](const std::string& what, void (Kind::*method)(), double (Kind::*left)() const) {
    add(kind + what + "/" + shape.name(), batch, threads, [=] {
      const auto operands = std::make_shared<Kind>(shape, threads);
      return Work{.run = [=] { ((*operands).*method)(); },
                  .flops = shape.flops(batch),
                  .left = ((*operands).*left)(),
                  .images = batch,
                  .counters = operands->counters()};
    });
  };
  add_line("_forward", &Kind::forward, &Kind::forward_left);
  add_line("_weight_gradient", &Kind::take_weight_gradient, &Kind::gradient_left);
  if (!shape.first) add_line("_input_gradient", &Kind::take_input_gradient, &Kind::gradient_left);
}

}  // namespace

void add_convolutions() {
  for (const int threads : thread_counts()) {
    for (const ConvolutionShape& shape : convolutions_of(cluster_net, cluster_net_input)) {
      add_lines<Fused>("conv2d_relu_pool", shape, threads);
      add_lines<Plain>("conv2d", shape, threads);
    }
    for (const ConvolutionShape& shape : mobilenet_convolutions()) add_lines<Plain>("conv2d", shape, threads);
    add_lines<Plain>("conv2d", strided_convolution(), threads);
  }
}

}  // namespace abell::bench

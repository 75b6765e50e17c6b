/// abell-peer-onednn: oneDNN's best chains for the networks, and the custom one's convolutions one by one.
/// Float32 arithmetic. A network's chain is the fastest of three: the direct and the automatic algorithm in
/// oneDNN's own choice of layouts (format any), where reorders are counted only where its primitives disagree,
/// and the direct one in NHWC. Single convolutions are direct, in oneDNN's layouts.

#include <omp.h>

#include "onednn_network.hpp"

#include <benchmark/benchmark.h>

namespace abell::bench::onednn {
namespace {

/// One block by itself.
template <bool relu_pool>
class Convolution {
 public:
  Convolution(const ConvolutionShape& shape, int batch, int threads) : threads_(threads) {
    omp_set_num_threads(threads);
    block_ = std::make_unique<Block>(shape.geometry, BlockOptions{.batch = batch, .relu_pool = relu_pool});
    Block& block = *block_;
    fill(block.source(), 1);
    const Buffer<float> weights = normal_values(shape.geometry.weight_size(), 2);
    block.weights().set(weights.data());
    block.add_forward(forward_);
    const memory gradient(block.output().get_desc(), cpu());
    fill(gradient, 4);
    block.add_unpool(weight_gradient_, gradient);
    block.add_weight_gradient(weight_gradient_);
    if (!shape.first) {
      block.add_unpool(input_gradient_, gradient);
      block.add_input_gradient(input_gradient_);
    }
    forward_.run();
  }
  void forward() { run(forward_); }
  void weight_gradient() { run(weight_gradient_); }
  void input_gradient() { run(input_gradient_); }

 private:
  static void fill(const memory& m, std::uint32_t stream) {
    const Buffer<float> values = normal_values(values_in(m), stream);
    std::ranges::copy(values.span(), values_of(m));
  }
  void run(const Program& program) {
    omp_set_num_threads(threads_);
    program.run();
  }
  int threads_;
  std::unique_ptr<Block> block_;
  Program forward_, weight_gradient_, input_gradient_;
};

void add_product(int n, int threads) {
  const std::string side = std::to_string(n);
  add("peer_onednn/gemm/" + side + "x" + side + "x" + side, 1, threads, [=] {
    const auto size = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
    const auto a = std::make_shared<Buffer<float>>(normal_values(size, 1));
    const auto b = std::make_shared<Buffer<float>>(normal_values(size, 2));
    const auto c = std::make_shared<Buffer<float>>(size);
    return Work{.run =
                    [=] {
                      omp_set_num_threads(threads);
                      dnnl::sgemm('N', 'N', n, n, n, 1.0F, a->data(), n, b->data(), n, 0.0F, c->data(), n);
                    },
                .flops = 2.0 * n * n * n};
  });
}

void add_lines() {
  const dnnl_version_t& v = *dnnl::version();
  benchmark::AddCustomContext("onednn",
                              std::to_string(v.major) + "." + std::to_string(v.minor) + "." + std::to_string(v.patch));
  constexpr int batch = 10;
  for (const int threads : thread_counts()) {
    for (const int n : {256, 512, 1024}) add_product(n, threads);
    for (const ConvolutionShape& shape : convolutions_of(cluster_net, cluster_net_input)) {
      add_peer_convolution<Convolution<true>>("peer_onednn", "conv2d_relu_pool", shape, batch, threads);
      add_peer_convolution<Convolution<false>>("peer_onednn", "conv2d", shape, batch, threads);
    }
    add_peer_network<ClusterNetModel, Training<Chain>, Prediction<Chain>>("peer_onednn", threads);
    add_training_memory<Chain, ClusterNetModel>(threads);
    add_mobilenet_lines(threads);
  }
}

}  // namespace
}  // namespace abell::bench::onednn

int main(int argc, char** argv) { return abell::bench::run_program(argc, argv, abell::bench::onednn::add_lines); }

/// abell-peer-onednn: oneDNN's best chain for the custom network, and its convolutions one by one.
/// Float32 arithmetic. The network's chain is the fastest of three: the direct and the automatic algorithm in
/// oneDNN's own choice of layouts (format any), where reorders are counted only where its primitives disagree,
/// and the direct one in NHWC. Single convolutions are direct, in oneDNN's layouts.

#include <omp.h>

#include <chrono>

#include "onednn_network.hpp"

#include <benchmark/benchmark.h>

namespace abell::bench::onednn {
namespace {

/// The fastest of the chains that this machine has, by the better of two runs each after a first.
template <class Run>
std::unique_ptr<Chain> fastest(const Task& task, bool training, const Run& run) {
  omp_set_num_threads(task.threads);
  Choice best{algorithm::convolution_direct, Tag::any};
  double least = HUGE_VAL;
  for (const Choice choice :
       {best, Choice{algorithm::convolution_auto, Tag::any}, Choice{algorithm::convolution_direct, Tag::nhwc}}) {
    try {
      Chain chain(task, training, choice);
      run(chain);
      for (int i = 0; i < 2; ++i) {
        const auto start = std::chrono::steady_clock::now();
        run(chain);
        const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        if (seconds < least) least = seconds, best = choice;
      }
    } catch (const dnnl::error&) {
      // not every algorithm exists in every direction and layout
    }
  }
  return std::make_unique<Chain>(task, training, best);
}

struct Training {
  explicit Training(const Task& task) : chain(fastest(task, true, [](Chain& c) { c.step(); })), threads(task.threads) {}
  void step() {
    omp_set_num_threads(threads);
    chain->step();
  }
  std::vector<float> gradients() { return chain->gradients(); }
  std::unique_ptr<Chain> chain;
  int threads;
};

struct Prediction {
  explicit Prediction(const Task& task)
      : chain(fastest(task, false, [](Chain& c) { c.predict(); })), threads(task.threads) {}
  void run() {
    omp_set_num_threads(threads);
    chain->predict();
  }
  const std::vector<float>& probabilities() const { return chain->probabilities(); }
  std::unique_ptr<Chain> chain;
  int threads;
};

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
    add_peer_network<Training, Prediction>("peer_onednn", threads);
  }
}

}  // namespace
}  // namespace abell::bench::onednn

int main(int argc, char** argv) { return abell::bench::run_program(argc, argv, abell::bench::onednn::add_lines); }

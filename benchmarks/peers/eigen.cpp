/// abell-peer-eigen: convolutions as im2col and Eigen's matrix product. Compiled for the machine that
/// builds it (-march=native), because Eigen chooses its instructions at compile time.

#include "eigen_network.hpp"

#include <benchmark/benchmark.h>

namespace abell::bench::eigen {
namespace {

/// The plain convolution of one shape over N(0, 1) values.
class Shape {
 public:
  Shape(const ConvolutionShape& shape, int batch, int threads)
      : convolution_(shape.geometry, batch, threads),
        x_(normal_values(static_cast<std::size_t>(batch) * shape.geometry.input_size(), 1)),
        y_(normal_values(static_cast<std::size_t>(batch) * shape.geometry.output_size(), 4)),
        weights_(normal_values(shape.geometry.weight_size(), 2)),
        bias_(normal_values(static_cast<std::size_t>(shape.geometry.filters), 3)) {
    Eigen::setNbThreads(1);  // the threads share rows instead
  }
  void forward() { convolution_.forward(x_.data(), weights_.data(), bias_.data(), y_.data()); }
  void weight_gradient() { convolution_.weight_gradient(x_.data(), y_.data(), weights_.data(), bias_.data()); }
  void input_gradient() { convolution_.input_gradient(weights_.data(), y_.data(), x_.data()); }

 private:
  Convolution convolution_;
  Buffer<float> x_, y_, weights_, bias_;
};

struct Training : Chain {
  explicit Training(const Task& task) : Chain(task, true) { Eigen::setNbThreads(task.threads); }
};
struct Prediction : Chain {
  explicit Prediction(const Task& task) : Chain(task, false) { Eigen::setNbThreads(task.threads); }
};

void add_product(int n, int threads) {
  const std::string side = std::to_string(n);
  add("peer_eigen/gemm/" + side + "x" + side + "x" + side, 1, threads, [=] {
    const auto size = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
    const auto a = std::make_shared<Buffer<float>>(normal_values(size, 1));
    const auto b = std::make_shared<Buffer<float>>(normal_values(size, 2));
    const auto c = std::make_shared<Buffer<float>>(size);
    Eigen::setNbThreads(threads);
    return Work{.run = [=] { Map(c->data(), n, n).noalias() = ConstMap(a->data(), n, n) * ConstMap(b->data(), n, n); },
                .flops = 2.0 * n * n * n};
  });
}

void add_lines() {
  benchmark::AddCustomContext("eigen", std::to_string(EIGEN_WORLD_VERSION) + "." + std::to_string(EIGEN_MAJOR_VERSION) +
                                           "." + std::to_string(EIGEN_MINOR_VERSION));
  for (const int threads : thread_counts()) {
    for (const int n : {256, 512, 1024}) add_product(n, threads);
    for (const ConvolutionShape& shape : convolutions_of(cluster_net, cluster_net_input)) {
      add_peer_convolution<Shape>("peer_eigen", "conv2d", shape, 10, threads);
    }
    add_peer_network<ClusterNetModel, Training, Prediction>("peer_eigen", threads);
  }
}

}  // namespace
}  // namespace abell::bench::eigen

int main(int argc, char** argv) { return abell::bench::run_program(argc, argv, abell::bench::eigen::add_lines); }

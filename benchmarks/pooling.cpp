/// Max-pooling by itself, over the activations of Table 3.

#include <abell/core/tensor.hpp>
#include <abell/kernels/pool.hpp>
#include <abell/models/cluster_net.hpp>
#include <memory>

#include "harness.hpp"
#include "inputs.hpp"
#include "lines.hpp"

namespace abell::bench {
namespace {

constexpr int batch = 10;

struct Pool {
  kernels::PoolGeometry geometry;
  int threads;
  Buffer<float> x, y;
  Buffer<unsigned char> argmax;

  Pool(const kernels::PoolGeometry& g, int thread_count)
      : geometry(g),
        threads(thread_count),
        x(normal_values(batch * g.input_size(), 1)),
        y(batch * g.output_size()),
        argmax(y.size()) {
    forward();
  }
  void forward() { kernels::max_pool_forward(threads, geometry, batch, false, x.data(), y.data(), argmax.data()); }
  void backward() { kernels::max_pool_backward(threads, geometry, batch, y.data(), argmax.data(), x.data()); }
};

kernels::PoolGeometry geometry_of(const Shape& shape) {
  return {.height = shape.height,
          .width = shape.width,
          .channels = shape.channels,
          .window_height = 2,
          .window_width = 2,
          .stride_height = 2,
          .stride_width = 2,
          .pad_top = 0,
          .pad_left = 0,
          .out_height = (shape.height + 1) / 2,
          .out_width = (shape.width + 1) / 2};
}

}  // namespace

void add_pooling() {
  for (const int threads : thread_counts()) {
    for (const ConvolutionShape& shape : convolutions_of(cluster_net, cluster_net_input)) {
      const auto& g = shape.geometry;
      const Shape activation{g.out_height, g.out_width, g.filters};
      const kernels::PoolGeometry pool = geometry_of(activation);
      const double bytes =
          batch * (4.0 * static_cast<double>(pool.input_size()) + 5.0 * static_cast<double>(pool.output_size()));
      const auto add_line = [&](const std::string& what, void (Pool::*method)()) {
        add(what + to_string(activation), batch, threads, [=] {
          const auto operands = std::make_shared<Pool>(pool, threads);
          return Work{.run = [=] { ((*operands).*method)(); }, .bytes = bytes, .images = batch};
        });
      };
      add_line("max_pool_forward/", &Pool::forward);
      add_line("max_pool_backward/", &Pool::backward);
    }
  }
}

}  // namespace abell::bench

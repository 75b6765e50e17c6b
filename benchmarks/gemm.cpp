/// Matrix products: squares, and the dense layer of Table 3 in its three directions.

#include <abell/kernels/gemm.hpp>
#include <array>
#include <memory>

#include "harness.hpp"
#include "inputs.hpp"
#include "lines.hpp"

namespace abell::bench {
namespace {

/// C [rows][columns] = A [rows][depth] B [depth][columns].
struct Product {
  int rows, columns, depth;
  double flops() const { return 2.0 * rows * columns * depth; }
};

enum class Form { plain, b_transposed, a_transposed };

struct Operands {
  Product product;
  kernels::Backend<float> backend;
  Buffer<float> a, b, c, scratch;

  Operands(const Product& p, int threads)
      : product(p),
        backend{&kernels::kernels_for<float>(active_isa()), threads},
        a(normal_values(size(p.rows, p.depth), 1)),
        b(normal_values(size(p.depth, p.columns), 2)),
        c(size(p.rows, p.columns)),
        scratch(std::max(kernels::gemm_scratch(backend, p.rows, p.columns, p.depth),
                         kernels::gemm_transposed_scratch(backend, p.rows, p.columns, p.depth))) {}

  void multiply(Form form) {
    const Product& p = product;
    if (form == Form::a_transposed) {
      kernels::gemm_transposed(backend, {p.rows, p.columns, p.depth, {a.data(), p.rows}, {c.data(), p.columns}},
                               {b.data(), p.columns}, nullptr, scratch.data());
    } else {
      kernels::gemm(backend, {p.rows, p.columns, p.depth, {a.data(), p.depth}, {c.data(), p.columns}}, b.data(),
                    form == Form::b_transposed, nullptr, scratch.data());
    }
  }

 private:
  static std::size_t size(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }
};

void add_product(const std::string& name, int batch, int threads, const Product& product, Form form) {
  add(name, batch, threads, [=] {
    const auto operands = std::make_shared<Operands>(product, threads);
    return Work{.run = [=] { operands->multiply(form); }, .flops = product.flops()};
  });
}

}  // namespace

void add_matrix_products() {
  for (const int threads : thread_counts()) {
    for (const int n : {256, 512, 1024}) {
      const std::string side = std::to_string(n);
      add_product("gemm/" + side + "x" + side + "x" + side, 1, threads, {n, n, n}, Form::plain);
    }
    constexpr std::array<std::array<int, 2>, 1> dense{{{1152, 256}}};  // inputs, units
    constexpr int batch = 10;
    for (const auto& [inputs, units] : dense) {
      const std::string shape = "/" + std::to_string(inputs) + "->" + std::to_string(units);
      add_product("dense_forward" + shape, batch, threads, {batch, units, inputs}, Form::plain);
      add_product("dense_weight_gradient" + shape, batch, threads, {inputs, units, batch}, Form::a_transposed);
      add_product("dense_input_gradient" + shape, batch, threads, {batch, inputs, units}, Form::b_transposed);
    }
  }
}

}  // namespace abell::bench

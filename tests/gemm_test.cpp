/// Matrix products against the double reference, exactly, on odd shapes with every instruction set.

#include <abell/kernels/gemm.hpp>
#include <abell/kernels/reference.hpp>
#include <algorithm>
#include <cmath>
#include <string>

#include "catch.hpp"
#include "kernel_tools.hpp"

using namespace abell;
using namespace abell::testing;
using kernels::reference::Values;

namespace {

std::size_t area(int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

/// [rows][columns] -> [columns][rows].
Values transpose(int rows, int columns, const Values& a) {
  Values t(a.size());
  for (int m = 0; m < rows; ++m) {
    for (int n = 0; n < columns; ++n)
      t[area(n, rows) + static_cast<std::size_t>(m)] = a[area(m, columns) + static_cast<std::size_t>(n)];
  }
  return t;
}

template <class T>
void check_gemm(int rows, int columns, int depth) {
  const Values a = integers(area(rows, depth), 21), b = integers(area(depth, columns), 22);
  const Values bias = integers(static_cast<std::size_t>(columns), 23);
  const Values product = kernels::reference::gemm(rows, columns, depth, a, b);
  Values with_bias = product, column_sums(bias.size());
  for (std::size_t i = 0; i < b.size(); ++i) column_sums[i % bias.size()] += b[i];
  for (std::size_t i = 0; i < with_bias.size(); ++i) with_bias[i] += bias[i % bias.size()];
  const auto at = cast<T>(a), bt = cast<T>(b), b_transposed = cast<T>(transpose(depth, columns, b)),
             a_transposed = cast<T>(transpose(rows, depth, a)), bias_t = cast<T>(bias);
  for (const Isa isa : supported_isas()) {
    for (const int threads : {1, 2, 3, 5}) {
      INFO(rows << " x " << columns << " x " << depth << ", " << name_of(isa) << ", " << threads << " threads");
      const kernels::Backend<T> backend{&kernels::kernels_for<T>(isa), threads};
      Guarded<T> plain(product.size()), biased(product.size()), transposed(product.size()), left(product.size());
      Guarded<T> sums(static_cast<std::size_t>(columns));
      Guarded<T> scratch(std::max(gemm_scratch(backend, rows, columns, depth),
                                  gemm_transposed_scratch(backend, rows, columns, depth)));
      const auto to = [&](Guarded<T>& c) {
        return kernels::Product<T>{rows, columns, depth, {at.data(), depth}, {c.data(), columns}};
      };
      gemm(backend, to(plain), bt.data(), false, nullptr, scratch.data());
      gemm(backend, to(biased), bt.data(), false, bias_t.data(), scratch.data());
      gemm(backend, to(transposed), b_transposed.data(), true, bias_t.data(), scratch.data());
      gemm_transposed(backend, {rows, columns, depth, {a_transposed.data(), rows}, {left.data(), columns}},
                      {bt.data(), columns}, sums.data(), scratch.data());
      CHECK(plain.first_difference(product) == -1);
      CHECK(biased.first_difference(with_bias) == -1);
      CHECK(transposed.first_difference(with_bias) == -1);
      CHECK(left.first_difference(product) == -1);
      CHECK(sums.first_difference(column_sums) == -1);
      CHECK((plain.guards_intact() && biased.guards_intact() && transposed.guards_intact() && left.guards_intact() &&
             sums.guards_intact() && scratch.guards_intact()));
    }
  }
}

}  // namespace

TEST_CASE("matrix products equal the reference on odd shapes", "[kernels][gemm]") {
  const std::vector<int> sides =
      reduced() ? std::vector{1, 7, 33} : std::vector{1, 2, 3, 5, 7, 8, 13, 16, 17, 31, 33, 64};
  for (const int rows : sides) {
    for (const int columns : sides) {
      for (const int depth : {1, 2, 9, 31}) {
        check_gemm<float>(rows, columns, depth);
        if ((rows + columns + depth) % 3 == 0) check_gemm<double>(rows, columns, depth);
      }
    }
  }
}

TEST_CASE("matrix products equal the reference across the borders of their chunks", "[kernels][gemm]") {
  constexpr int chunk = kernels::gemm_chunk_rows;
  for (const int more : {-1, 0, 1}) {
    check_gemm<float>(chunk + more, 5, 17);
    check_gemm<float>(7, 64 + more, 17);
    check_gemm<float>(kernels::gemm_few_rows + more, 70, 9);
    if (reduced()) continue;
    check_gemm<float>(2 * chunk + more, 128 + more, 5);
    check_gemm<float>(chunk + 1, 512 + more, 3);
    check_gemm<double>(chunk + more, 64 - more, 9);
    check_gemm<float>(kernels::transposed_chunk_rows + more, kernels::transposed_chunk_columns + more, 40);
    check_gemm<double>(kernels::transposed_chunk_rows + more, kernels::transposed_chunk_columns + more, 40);
    check_gemm<float>(3, 5, 3 * 256 + more);  // the sum in chunks
  }
  if (!reduced()) check_gemm<float>(40 * chunk + 5, 17, 33);  // longer chunks
  check_gemm<float>(3, 256, 1152);                            // the custom network's first dense layer, in three images
  check_gemm<float>(1, 2, 256);
  check_gemm<float>(5, 9, 4099);  // deeper than one pass over a tile of weights
  check_gemm<double>(13, 20, 2050);
}

TEST_CASE("matrix products equal the reference where rows lie whole pages apart", "[kernels][gemm]") {
  // The columns end between tiles of weights, at one, and within a vector; the rows between four tiles and at them.
  for (const int columns : {17, 33, 64, 75}) check_gemm<float>(60, columns, 1024);
  for (const int rows : {1, 15, 56, 113}) check_gemm<float>(rows, 40, 2048);
  check_gemm<double>(31, 35, 512);
  check_gemm<double>(57, 16, 1024);
}

TEST_CASE("a matrix product does not depend on the number of threads, bit for bit", "[kernels][gemm]") {
  const int rows = 200, columns = 150, depth = 300;
  Random random(3);
  std::vector<float> a(area(rows, depth)), b(area(depth, columns));
  for (float& value : a) value = static_cast<float>(random.normal());
  for (float& value : b) value = static_cast<float>(random.normal());
  for (const Isa isa : supported_isas()) {
    std::vector<std::vector<float>> all;
    for (const int threads : {1, 2, 3, 4}) {
      const kernels::Backend<float> backend{&kernels::kernels_for<float>(isa), threads};
      std::vector<float> scratch(gemm_scratch(backend, rows, columns, depth)), c(area(rows, columns));
      gemm(backend, {rows, columns, depth, {a.data(), depth}, {c.data(), columns}}, b.data(), false, nullptr,
           scratch.data());
      std::vector<float> product(900), sums(30), more(gemm_transposed_scratch(backend, 30, 30, 1000));
      // A and B as [1000][30] and [1000][30]: the sum is taken in chunks.
      gemm_transposed(backend, {30, 30, 1000, {a.data(), 30}, {product.data(), 30}}, {b.data(), 30}, sums.data(),
                      more.data());
      c.insert(c.end(), product.begin(), product.end());
      c.insert(c.end(), sums.begin(), sums.end());
      all.push_back(c);
    }
    INFO(name_of(isa));
    for (const auto& c : all) CHECK(c == all.front());
  }
}

TEST_CASE("a matrix product larger than the cache is streamed past it unchanged", "[kernels][gemm]") {
  // Aligned results of more than streamed_bytes are streamed; one value further on they are not.
  const int rows = 17000, columns = 64, depth = 5;
  REQUIRE(area(rows, columns) * sizeof(float) >= kernels::streamed_bytes);
  const Values a = integers(area(rows, depth), 31), b = integers(area(depth, columns), 32);
  const Values expected = kernels::reference::gemm(rows, columns, depth, a, b);
  const auto at = cast<float>(a), bt = cast<float>(b);
  for (const Isa isa : supported_isas()) {
    INFO(name_of(isa));
    const kernels::Backend<float> backend{&kernels::kernels_for<float>(isa), 2};
    Guarded<float> scratch(gemm_scratch(backend, rows, columns, depth));
    for (const std::size_t shift : {std::size_t{0}, std::size_t{1}}) {
      Buffer<float> c(expected.size() + shift);
      std::ranges::fill(c.span(), std::nanf(""));
      gemm(backend, {rows, columns, depth, {at.data(), depth}, {c.data() + shift, columns}}, bt.data(), false, nullptr,
           scratch.data());
      CHECK(std::equal(expected.begin(), expected.end(), c.span().begin() + static_cast<std::ptrdiff_t>(shift)));
      CHECK(scratch.guards_intact());
    }
  }
}

/// ReLU, softmax and dropout value by value.

#include <abell/kernels/elementwise.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "kernel_tools.hpp"

using namespace abell;
using namespace abell::testing;

TEST_CASE("ReLU equals max(0, x) for any size and number of threads", "[kernels][elementwise]") {
  for (const std::size_t size : {std::size_t{1}, std::size_t{7}, std::size_t{1} << 15, (std::size_t{1} << 16) + 3}) {
    const auto x = integers(size, 41), dy = integers(size, 42);
    std::vector<double> y(size), dx(size);
    for (std::size_t i = 0; i < size; ++i) y[i] = x[i] > 0 ? x[i] : 0, dx[i] = x[i] > 0 ? dy[i] : 0;
    const auto xt = cast<float>(x), dyt = cast<float>(dy);
    for (const int threads : {1, 2, 4}) {
      Guarded<float> out(size), grad(size);
      kernels::map_forward(threads, size, kernels::functions::Relu<float>{}, xt.data(), out.data());
      kernels::map_backward(threads, size, kernels::functions::Relu<float>{}, xt.data(), dyt.data(), grad.data());
      CHECK(out.first_difference(y) == -1);
      CHECK(grad.first_difference(dx) == -1);
      CHECK((out.guards_intact() && grad.guards_intact()));
      auto in_place = xt;
      kernels::map_backward(threads, size, kernels::functions::Relu<float>{}, in_place.data(), dyt.data(),
                            in_place.data());
      CHECK(in_place == std::vector<float>(grad.data(), grad.data() + size));
    }
  }
}

TEST_CASE("ReLU keeps NaN, passes infinity and maps -0 to 0", "[kernels][elementwise]") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> x{std::nanf(""), infinity, -infinity, -0.0F, 0.0F};
  std::vector<float> y(5);
  kernels::map_forward(1, 5, kernels::functions::Relu<float>{}, x.data(), y.data());
  CHECK(std::isnan(y[0]));
  CHECK(y[1] == infinity);
  CHECK(y[2] == 0);
  CHECK((y[3] == 0 && !std::signbit(y[3])));
  const std::vector<float> dy{1, 2, 3, 4, 5};
  std::vector<float> dx(5);
  kernels::map_backward(1, 5, kernels::functions::Relu<float>{}, x.data(), dy.data(), dx.data());
  CHECK(dx == std::vector<float>{0, 2, 0, 0, 0});
}

TEST_CASE("softmax does not change when all inputs are shifted", "[kernels][elementwise]") {
  const std::vector<double> x{0.375, -1.25, 2.5, 0, 7.75, -3};
  std::vector<double> y(6);
  kernels::softmax(2, 3, x.data(), y.data());
  for (std::size_t row = 0; row < 2; ++row) {
    double sum = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      double total = 0;
      for (std::size_t j = 0; j < 3; ++j) total += std::exp(x[row * 3 + j] - x[row * 3 + i]);
      CHECK(y[row * 3 + i] == Approx(1 / total).epsilon(1e-14));
      sum += y[row * 3 + i];
    }
    CHECK(sum == Approx(1).epsilon(1e-15));
  }
  for (const double shift : {-512.0, 1024.0}) {  // exact in binary: the same bits
    auto shifted = x;
    for (double& value : shifted) value += shift;
    std::vector<double> moved(6);
    kernels::softmax(2, 3, shifted.data(), moved.data());
    CHECK(moved == y);
  }
}

TEST_CASE("softmax stays finite at extreme logits and passes NaN on", "[kernels][elementwise]") {
  const std::vector<float> x{1e4F, -1e4F,         -1e4F, 1e4F, 1e4F,         1e4F, std::numeric_limits<float>::max(),
                             0,    std::nanf(""), 0,     0,    std::nanf("")};
  std::vector<float> y(12);
  kernels::softmax(6, 2, x.data(), y.data());
  CHECK(std::vector<float>(y.begin(), y.begin() + 8) == std::vector<float>{1, 0, 0, 1, 0.5F, 0.5F, 1, 0});
  for (std::size_t i = 8; i < 12; ++i) CHECK(std::isnan(y[i]));
}

TEST_CASE("dropout keeps 1 - rate of the values and scales them", "[kernels][elementwise]") {
  const std::size_t size = 200001;
  const std::vector<double> x(size, 3.0);
  std::vector<double> y(size);
  for (const double rate : {0.0, 0.1, 0.5, 0.65, 0.99}) {
    kernels::dropout(size, rate, 5, 6, 7, x.data(), y.data());
    double kept = 0;
    std::size_t runs = 0;
    for (std::size_t i = 0; i < size; ++i) {
      if (y[i] == 0) continue;
      if (!(std::abs(y[i] - 3 / (1 - rate)) < 1e-12)) FAIL("value " << i << " is " << y[i]);
      ++kept;
      if (i > 0 && y[i - 1] != 0) ++runs;
    }
    const double keep = 1 - rate, n = static_cast<double>(size);
    INFO("rate " << rate);
    CHECK(std::abs(kept / n - keep) <= 5 * std::sqrt(keep * rate / n));  // five deviations
    // Neighbours are independent of each other.
    CHECK(std::abs(static_cast<double>(runs) / n - keep * keep) <=
          5 * std::sqrt(keep * keep / n) * (rate > 0 ? 1 : 1e3));
  }
}

TEST_CASE("a dropout mask is a function of seed, step and layer alone", "[kernels][elementwise]") {
  const std::size_t size = 1003;
  const std::vector<float> x(size, 1.0F);
  const auto mask = [&](std::uint64_t seed, std::uint32_t step, std::uint32_t layer) {
    std::vector<float> y(size);
    kernels::dropout(size, 0.5, seed, step, layer, x.data(), y.data());
    return y;
  };
  const auto first = mask(1, 2, 3);
  CHECK(mask(1, 2, 3) == first);
  CHECK(mask(2, 2, 3) != first);
  CHECK(mask(1, 3, 3) != first);
  CHECK(mask(1, 2, 4) != first);
  // A longer array begins with the same mask.
  std::vector<float> some(10);
  kernels::dropout(10, 0.5, 1, 2, 3, x.data(), some.data());
  CHECK(std::equal(some.begin(), some.end(), first.begin()));
}

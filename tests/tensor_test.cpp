#include <abell/core/eigen.hpp>
#include <abell/core/tensor.hpp>
#include <numeric>

#include "catch.hpp"

using namespace abell;

TEST_CASE("a view is an Eigen matrix of pixels and channels", "[tensor]") {
  Tensor<float> images(2, {.height = 2, .width = 3, .channels = 4});
  std::iota(images.span().begin(), images.span().end(), 0.0F);
  auto matrix = as_matrix(images.view());
  REQUIRE(matrix.rows() == 12);
  REQUIRE(matrix.cols() == 4);
  CHECK(matrix(7, 2) == images.view()(1, 0, 1, 2));
  matrix(11, 3) = -1;  // the very values
  CHECK(images.span().back() == -1);
  matrix.row(0).setConstant(5);
  CHECK(images.data()[3] == 5);
  CHECK(images.data()[4] == 4);

  const Tensor<float>& constant = images;
  CHECK(as_matrix(constant.view().slice(1, 1)).col(0).sum() == Approx(24 + 28 + 32 + 36 + 40 + 44));
}

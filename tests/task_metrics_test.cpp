/// Errors of predicted numbers, and of the classes of pixels.

#include <abell/metrics/regression.hpp>
#include <abell/metrics/segmentation.hpp>
#include <limits>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"

using namespace abell;

TEST_CASE("errors of numbers are those of the known ones", "[metrics]") {
  const double unknown = std::numeric_limits<double>::quiet_NaN();
  const std::vector<double> predicted{1, 5, 3, 100}, truth{2, 4, 6, unknown};
  const RegressionErrors errors = regression_errors(predicted, truth);  // -1, 1, -3
  CHECK(errors.objects == 3);
  CHECK(*errors.mae == Approx(5.0 / 3));
  CHECK(*errors.rmse == Approx(std::sqrt(11.0 / 3)));
  CHECK(*errors.bias == Approx(-1));
  CHECK(*errors.r2 == Approx(1 - 11.0 / 8));
  const RegressionErrors same = regression_errors(std::vector<double>{1, 2}, std::vector<double>{4, 4});
  CHECK((same.mae.has_value() && !same.r2.has_value()));
  const RegressionErrors none = regression_errors(std::vector<double>{1}, std::vector<double>{unknown});
  CHECK((none.objects == 0 && !none.mae && !none.rmse && !none.bias && !none.r2));
}

TEST_CASE("pixels are counted by true and given class", "[metrics]") {
  PixelConfusion counts(3);
  CHECK((!counts.accuracy() && !counts.iou(0) && !counts.mean_iou()));
  for (int i = 0; i < 6; ++i) counts.add(0, 0);
  for (int i = 0; i < 2; ++i) counts.add(0, 1);
  for (int i = 0; i < 3; ++i) counts.add(1, 1);
  counts.add(1, 0);
  counts.add(-1, 2);  // not known
  CHECK(counts.pixels() == 12);
  CHECK(*counts.accuracy() == Approx(9.0 / 12));
  CHECK(*counts.iou(0) == Approx(6.0 / 9));
  CHECK(*counts.iou(1) == Approx(3.0 / 6));
  CHECK(!counts.iou(2));
  CHECK(*counts.mean_iou() == Approx((6.0 / 9 + 3.0 / 6) / 2));
  PixelConfusion more(3);
  more.add(2, 2);
  more += counts;
  CHECK((more.pixels() == 13 && *more.iou(2) == 1));
  CHECK_THROWS_AS(counts.add(3, 0), ShapeError);
  CHECK_THROWS_AS(counts.add(-2, 0), ShapeError);
  CHECK_THROWS_AS(counts.add(0, 3), ShapeError);
}

TEST_CASE("the class of a pixel is the first of the largest", "[metrics]") {
  CHECK(largest(std::vector<float>{0.2F, 0.5F, 0.5F}) == 1);
  CHECK(largest(std::vector<float>{1}) == 0);
}

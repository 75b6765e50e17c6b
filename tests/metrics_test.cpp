#include <abell/core/random.hpp>
#include <abell/metrics/confusion.hpp>
#include <abell/metrics/roc.hpp>
#include <abell/metrics/statistics.hpp>
#include <cmath>
#include <cstddef>
#include <limits>
#include <set>
#include <vector>

#include "catch.hpp"

namespace {

using abell::Confusion;

/// The definition: all pairs of a positive and a negative, ties counting half.
double mann_whitney(const std::vector<float>& probabilities, const std::vector<int>& labels) {
  double wins = 0;
  double pairs = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    for (std::size_t j = 0; j < labels.size(); ++j) {
      if (labels[i] != 1 || labels[j] != 0) continue;
      pairs += 1;
      if (probabilities[i] > probabilities[j]) wins += 1;
      if (probabilities[i] == probabilities[j]) wins += 0.5;
    }
  }
  return wins / pairs;
}

struct Predictions {
  std::vector<float> probabilities;
  std::vector<int> labels;
};

/// Random probabilities on a grid of `levels` values, so that a small number makes many ties.
Predictions draw(std::uint64_t seed, std::size_t count, std::uint32_t levels) {
  abell::Random random(seed);
  Predictions drawn;
  for (std::size_t i = 0; i < count; ++i) {
    const int label = random.below(3) == 0 ? 1 : 0;
    const std::uint32_t level = random.below(levels);
    drawn.labels.push_back(label);
    drawn.probabilities.push_back(static_cast<float>(level + static_cast<std::uint32_t>(label)) /
                                  static_cast<float>(levels + 1));
  }
  return drawn;
}

const float not_a_number = std::numeric_limits<float>::quiet_NaN();
const float infinity = std::numeric_limits<float>::infinity();

}  // namespace

TEST_CASE("Confusion counts each decision once", "[metrics]") {
  const std::vector<float> p{0.9F, 0.8F, 0.3F, 0.6F, 0.2F, 0.1F, 0.4F};
  const std::vector<int> y{1, 1, 1, 0, 0, 0, 0};
  CHECK(abell::confusion(p, y) == Confusion{.tp = 2, .fp = 1, .tn = 3, .fn = 1});
  CHECK(abell::confusion(p, y, 0.25F) == Confusion{.tp = 3, .fp = 2, .tn = 2, .fn = 0});
  CHECK(abell::confusion(p, y, 0.95F) == Confusion{.tp = 0, .fp = 0, .tn = 4, .fn = 3});
}

TEST_CASE("A tie of the two outputs goes to the negative class", "[metrics]") {
  CHECK_FALSE(abell::is_positive(0.5F));
  CHECK(abell::is_positive(std::nextafter(0.5F, 1.0F)));
  CHECK(abell::confusion(std::vector{0.5F, 0.5F}, std::vector{1, 0}) == Confusion{.tp = 0, .fp = 0, .tn = 1, .fn = 1});
  // A probability that prints like the threshold is the threshold.
  CHECK_FALSE(abell::is_positive(0.1F, 0.1F));
}

TEST_CASE("Ratios agree with the volunteers' published counts", "[metrics]") {
  const Confusion weighted{.tp = 55, .fp = 1, .tn = 84, .fn = 30};
  CHECK(weighted.objects() == 170);
  CHECK(*weighted.accuracy() == Approx(0.818).margin(5e-4));
  CHECK(*weighted.precision() == Approx(0.982).margin(5e-4));
  CHECK(*weighted.recall() == Approx(0.647).margin(5e-4));
}

TEST_CASE("F1, specificity and MCC have their textbook values", "[metrics]") {
  const Confusion c{.tp = 6, .fp = 2, .tn = 10, .fn = 4};
  CHECK(*c.f1() == Approx(12.0 / 18.0));
  CHECK(*c.specificity() == Approx(10.0 / 12.0));
  CHECK(*c.mcc() == Approx((60.0 - 8.0) / std::sqrt(8.0 * 10.0 * 12.0 * 14.0)));
  CHECK(*Confusion{.tp = 3, .fp = 0, .tn = 5, .fn = 0}.mcc() == Approx(1));
  CHECK(*Confusion{.tp = 0, .fp = 5, .tn = 0, .fn = 3}.mcc() == Approx(-1));
}

TEST_CASE("A ratio without a denominator is undefined, not zero", "[metrics]") {
  const Confusion none;
  CHECK_FALSE(none.accuracy());
  CHECK_FALSE(none.f1());
  const Confusion all_negative{.tp = 0, .fp = 0, .tn = 4, .fn = 3};
  CHECK_FALSE(all_negative.precision());
  CHECK_FALSE(all_negative.mcc());
  CHECK(*all_negative.recall() == 0);
  CHECK(*all_negative.f1() == 0);
  const Confusion no_positives{.tp = 0, .fp = 1, .tn = 4, .fn = 0};
  CHECK_FALSE(no_positives.recall());
  CHECK(*no_positives.precision() == 0);
  CHECK_FALSE(Confusion{.tp = 2, .fp = 0, .tn = 0, .fn = 1}.specificity());
}

TEST_CASE("Bad predictions are typed errors that name the row", "[metrics]") {
  const std::vector<int> y{0, 1, 1};
  CHECK_THROWS_AS(abell::confusion(std::vector{0.1F, not_a_number, 0.2F}, y), abell::NumericError);
  CHECK_THROWS_WITH(abell::confusion(std::vector{0.1F, not_a_number, 0.2F}, y),
                    "metrics: expected a finite probability, found nan in row 1");
  CHECK_THROWS_AS(abell::auc(std::vector{0.1F, 0.2F, not_a_number}, y), abell::NumericError);
  CHECK_THROWS_AS(abell::roc_curve(std::vector{0.1F, infinity, 0.2F}, y), abell::NumericError);
  CHECK_THROWS_AS(abell::precision_recall_curve(std::vector{not_a_number, 0.1F, 0.2F}, y), abell::NumericError);
  CHECK_THROWS_AS(abell::confusion(std::vector{0.1F}, y), abell::ShapeError);
  CHECK_THROWS_AS(abell::auc(std::vector{0.1F, 0.2F, 0.3F}, std::vector{0, 1, 2}), abell::OptionError);
  CHECK_THROWS_AS(abell::confusion(std::vector{0.1F, 0.2F, 0.3F}, y, not_a_number), abell::NumericError);
}

TEST_CASE("The area under the ROC has hand-computed values", "[metrics]") {
  CHECK(*abell::auc(std::vector{0.1F, 0.4F, 0.35F, 0.8F}, std::vector{0, 0, 1, 1}) == 0.75);
  CHECK(*abell::auc(std::vector{0.1F, 0.2F, 0.8F, 0.9F}, std::vector{0, 0, 1, 1}) == 1.0);
  CHECK(*abell::auc(std::vector{0.9F, 0.8F, 0.2F, 0.1F}, std::vector{0, 0, 1, 1}) == 0.0);
  CHECK(*abell::auc(std::vector{0.5F, 0.5F, 0.5F}, std::vector{0, 1, 1}) == 0.5);
  // One tie of three pairs: (1 + 1 + 1/2) / 3.
  CHECK(*abell::auc(std::vector{0.7F, 0.9F, 0.8F, 0.7F}, std::vector{0, 1, 1, 1}) == Approx(2.5 / 3));
}

TEST_CASE("The area is the Mann-Whitney statistic, with and without ties", "[metrics]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    for (const std::uint32_t levels : {2U, 7U, 100000U}) {
      const Predictions drawn = draw(seed, 60, levels);
      CHECK(*abell::auc(drawn.probabilities, drawn.labels) ==
            Approx(mann_whitney(drawn.probabilities, drawn.labels)).epsilon(1e-14));
    }
  }
}

TEST_CASE("The area does not change under a rising map, nor with the order of the rows", "[metrics]") {
  const Predictions drawn = draw(3, 200, 20);
  Predictions mapped = drawn;
  for (float& p : mapped.probabilities) p = p * p * p;
  CHECK(*abell::auc(mapped.probabilities, mapped.labels) == *abell::auc(drawn.probabilities, drawn.labels));
  const Predictions reversed{{drawn.probabilities.rbegin(), drawn.probabilities.rend()},
                             {drawn.labels.rbegin(), drawn.labels.rend()}};
  CHECK(*abell::auc(reversed.probabilities, reversed.labels) == *abell::auc(drawn.probabilities, drawn.labels));
  for (float& p : mapped.probabilities) p = -p;
  CHECK(*abell::auc(mapped.probabilities, mapped.labels) ==
        Approx(1 - *abell::auc(drawn.probabilities, drawn.labels)).epsilon(1e-14));
}

TEST_CASE("The ROC runs from corner to corner and encloses the area", "[metrics]") {
  const Predictions drawn = draw(5, 90, 12);
  const auto curve = abell::roc_curve(drawn.probabilities, drawn.labels);
  REQUIRE(curve.size() == std::set(drawn.probabilities.begin(), drawn.probabilities.end()).size() + 1);
  CHECK(curve.front().false_positive_rate == 0);
  CHECK(curve.front().true_positive_rate == 0);
  CHECK(curve.back().false_positive_rate == 1);
  CHECK(curve.back().true_positive_rate == 1);
  double area = 0;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    CHECK(curve[i].threshold < curve[i - 1].threshold);
    area += (curve[i].false_positive_rate - curve[i - 1].false_positive_rate) *
            (curve[i].true_positive_rate + curve[i - 1].true_positive_rate) / 2;
  }
  CHECK(area == Approx(*abell::auc(drawn.probabilities, drawn.labels)));
}

TEST_CASE("Each point of the curves is what its threshold gives", "[metrics]") {
  const Predictions drawn = draw(6, 80, 9);
  for (const abell::RocPoint& point : abell::roc_curve(drawn.probabilities, drawn.labels)) {
    const Confusion counts = abell::confusion(drawn.probabilities, drawn.labels, point.threshold);
    CHECK(point.true_positive_rate == *counts.recall());
    CHECK(point.false_positive_rate == Approx(1 - *counts.specificity()).margin(1e-15));
  }
  for (const abell::PrecisionRecallPoint& point : abell::precision_recall_curve(drawn.probabilities, drawn.labels)) {
    const Confusion counts = abell::confusion(drawn.probabilities, drawn.labels, point.threshold);
    CHECK(point.recall == *counts.recall());
    CHECK(point.precision == *counts.precision());
  }
}

TEST_CASE("Average precision is the stepwise area", "[metrics]") {
  // Sorted: 1, 0, 1, 0, so 1/2 * 1 + 1/2 * 2/3.
  CHECK(*abell::average_precision(std::vector{0.1F, 0.4F, 0.35F, 0.8F}, std::vector{0, 0, 1, 1}) == Approx(5.0 / 6));
  CHECK(*abell::average_precision(std::vector{0.5F, 0.5F, 0.5F, 0.5F}, std::vector{0, 0, 0, 1}) == Approx(0.25));
}

TEST_CASE("An empty class leaves the curves empty and the area undefined", "[metrics]") {
  const std::vector<float> p{0.2F, 0.7F};
  for (const int label : {0, 1}) {
    CHECK(abell::roc_curve(p, std::vector{label, label}).empty());
    CHECK_FALSE(abell::auc(p, std::vector{label, label}));
  }
  CHECK(abell::precision_recall_curve(p, std::vector{0, 0}).empty());
  CHECK_FALSE(abell::average_precision(p, std::vector{0, 0}));
  CHECK(*abell::average_precision(p, std::vector{1, 1}) == 1.0);
  CHECK_FALSE(abell::auc({}, {}));
  CHECK(abell::roc_curve({}, {}).empty());
  CHECK(abell::confusion({}, {}).objects() == 0);
}

TEST_CASE("Mean, median and sample standard deviation", "[metrics]") {
  const std::vector<double> values{2, 4, 4, 4, 5, 5, 7, 9};
  CHECK(*abell::mean(values) == 5);
  CHECK(*abell::standard_deviation(values) == Approx(std::sqrt(32.0 / 7)));
  CHECK(*abell::standard_deviation(std::vector{1e9 + 1, 1e9 + 2, 1e9 + 3}) == Approx(1));
  CHECK_FALSE(abell::standard_deviation(std::vector{3.5}));
  CHECK(*abell::median(values) == 4.5);
  CHECK(*abell::median(std::vector<double>{7, 1, 3}) == 3);
  CHECK_FALSE(abell::median({}));
  CHECK_FALSE(abell::mean({}));
  CHECK_FALSE(abell::standard_deviation({}));
  CHECK(std::isnan(*abell::mean(std::vector<double>{1, std::nan("")})));
}

TEST_CASE("Wilson's interval has published values and stays in its range", "[metrics]") {
  const auto paper = abell::wilson_interval(153, 170);
  CHECK(paper->low == Approx(0.846).margin(5e-4));
  CHECK(paper->high == Approx(0.937).margin(5e-4));
  // Newcombe (1998), table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
  CHECK(abell::wilson_interval(81, 263)->low == Approx(0.2553).margin(5e-5));
  CHECK(abell::wilson_interval(81, 263)->high == Approx(0.3662).margin(5e-5));
  CHECK(abell::wilson_interval(15, 148)->low == Approx(0.0624).margin(5e-5));
  CHECK(abell::wilson_interval(15, 148)->high == Approx(0.1605).margin(5e-5));
  CHECK(abell::wilson_interval(0, 20)->low == 0);
  CHECK(abell::wilson_interval(0, 20)->high == Approx(0.1611).margin(5e-5));
  CHECK(abell::wilson_interval(1, 29)->low == Approx(0.0061).margin(5e-5));
  CHECK(abell::wilson_interval(1, 29)->high == Approx(0.1718).margin(5e-5));
  CHECK(abell::wilson_interval(7, 7)->high == 1);
  CHECK_FALSE(abell::wilson_interval(0, 0));
  CHECK_THROWS_AS(abell::wilson_interval(3, 2), abell::OptionError);
}

TEST_CASE("The interval of the area is one standard error wide at its own ends", "[metrics]") {
  // At t = 1/2 with P = N = 1 the variance is 1/4, so 1/2 + z/2 must have the bound 1/2 below it.
  const double z = 0.5;
  CHECK(abell::auc_interval(0.75, 1, 1, z)->low == Approx(0.5));
  CHECK(abell::auc_interval(0.25, 1, 1, z)->high == Approx(0.5));
  // P = 3, N = 1, t = 1/2: 1/4 (1 + 2/3) / 3 = 5/36.
  CHECK(abell::auc_interval(0.5 + std::sqrt(5.0) / 6 * z, 3, 1, z)->low == Approx(0.5));
  const auto wide = abell::auc_interval(0.96, 85, 85);
  CHECK(wide->low > 0.90);
  CHECK(wide->low < 0.94);
  CHECK(wide->high > 0.97);
  CHECK(wide->high < 0.99);
  const auto perfect = abell::auc_interval(1, 85, 85);
  CHECK(perfect->high == 1);
  CHECK(perfect->low < 0.99);
  CHECK_FALSE(abell::auc_interval(0.5, 0, 3));
  CHECK_THROWS_AS(abell::auc_interval(std::nan(""), 3, 3), abell::OptionError);
}

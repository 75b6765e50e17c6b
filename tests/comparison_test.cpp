#include <abell/core/random.hpp>
#include <abell/metrics/calibration.hpp>
#include <abell/metrics/comparison.hpp>
#include <abell/metrics/roc.hpp>
#include <abell/metrics/threshold.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "catch.hpp"

namespace {

struct Pair {
  std::vector<float> a;
  std::vector<float> b;
  std::vector<int> labels;
};

/// Two related classifiers on a grid, so that there are ties.
Pair draw(std::uint64_t seed, std::size_t count) {
  abell::Random random(seed);
  Pair drawn;
  for (std::size_t i = 0; i < count; ++i) {
    const int label = random.below(2) == 0 ? 1 : 0;
    const double common = 0.25 * label + 0.5 * random.uniform();
    drawn.labels.push_back(label);
    drawn.a.push_back(static_cast<float>(std::round(20 * (common + 0.25 * random.uniform())) / 20));
    drawn.b.push_back(static_cast<float>(std::round(20 * (common + 0.25 * random.uniform())) / 20));
  }
  return drawn;
}

/// The definition of DeLong et al. (1988), equations 3-5: every pair looked at.
double variance_by_pairs(const Pair& data) {
  const auto component = [&](const std::vector<float>& p, std::size_t object) {
    double sum = 0;
    double others = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
      if (data.labels[i] == data.labels[object]) continue;
      const float above = data.labels[object] == 1 ? p[object] : p[i];
      const float below = data.labels[object] == 1 ? p[i] : p[object];
      sum += above > below ? 1 : above == below ? 0.5 : 0;
      ++others;
    }
    return sum / others;
  };
  double variance = 0;
  for (const int label : {0, 1}) {
    std::vector<double> differences;
    for (std::size_t i = 0; i < data.labels.size(); ++i) {
      if (data.labels[i] == label) differences.push_back(component(data.a, i) - component(data.b, i));
    }
    double mean = 0;
    for (const double d : differences) mean += d / static_cast<double>(differences.size());
    double squares = 0;
    for (const double d : differences) squares += (d - mean) * (d - mean);
    variance += squares / static_cast<double>(differences.size() - 1) / static_cast<double>(differences.size());
  }
  return variance;
}

}  // namespace

TEST_CASE("McNemar's exact test has the binomial's values", "[metrics]") {
  // 2 (C(10,0) + C(10,1)) / 2^10
  CHECK(abell::mcnemar({.first_only = 1, .second_only = 9}) == Approx(22.0 / 1024).epsilon(1e-12));
  CHECK(abell::mcnemar({.first_only = 9, .second_only = 1}) == Approx(22.0 / 1024).epsilon(1e-12));
  CHECK(abell::mcnemar({.first_only = 5, .second_only = 15}) == Approx(0.04138946533203125).epsilon(1e-12));
  // Sum of fractions in exact arithmetic.
  CHECK(abell::mcnemar({.first_only = 59, .second_only = 121}) == Approx(4.434449263755176e-06).epsilon(1e-10));
  CHECK(abell::mcnemar({.first_only = 0, .second_only = 6}) == Approx(2.0 / 64).epsilon(1e-12));
  CHECK(abell::mcnemar({.first_only = 3, .second_only = 3}) == 1);
  CHECK(abell::mcnemar({}) == 1);
  CHECK(abell::mcnemar({.first_only = 4, .second_only = 5}) <= 1);
}

TEST_CASE("Discordant objects are those that one classifier alone gets right", "[metrics]") {
  const std::vector<float> a{0.9F, 0.9F, 0.1F, 0.2F, 0.8F, 0.5F};
  const std::vector<float> b{0.9F, 0.1F, 0.8F, 0.9F, 0.9F, 0.9F};
  const std::vector<int> labels{1, 1, 1, 0, 0, 0};
  const abell::Discordant found = abell::discordant(a, b, labels);
  CHECK(found.first_only == 3);
  CHECK(found.second_only == 1);
  CHECK(abell::discordant(a, b, labels, 0.5F, 0.95F).second_only == 1);
  CHECK_THROWS_AS(abell::discordant(a, std::vector<float>(5), labels), abell::ShapeError);
}

TEST_CASE("DeLong's test agrees with a small case by hand", "[metrics]") {
  // Components of a: positives 1, 1, 1/2, negatives 2/3, 1; of b: 1, 0, 3/4 and 2/3, 1/2. The differences
  // 0, 1, -1/4 and 0, 1/2 have variances 7/16 and 1/8, so that of the difference of areas is 7/48 + 1/16 = 5/24.
  const auto found = abell::delong(std::vector{9.F, 8.F, 3.F, 5.F, 1.F}, std::vector{6.F, 2.F, 5.F, 4.F, 5.F},
                                   std::vector{1, 1, 1, 0, 0});
  REQUIRE(found);
  CHECK(found->first == Approx(5.0 / 6));
  CHECK(found->second == Approx(7.0 / 12));
  CHECK(found->standard_error == Approx(std::sqrt(5.0 / 24)));
  CHECK(found->z == Approx(std::sqrt(0.3)));
  CHECK(found->p == Approx(0.5838824207703652));
}

TEST_CASE("DeLong's test by ranks equals the definition by pairs, ties included", "[metrics]") {
  for (const std::uint64_t seed : {1U, 2U, 3U, 4U}) {
    const Pair data = draw(seed, 60);
    const auto found = abell::delong(data.a, data.b, data.labels);
    REQUIRE(found);
    CHECK(found->first == Approx(*abell::auc(data.a, data.labels)).epsilon(1e-12));
    CHECK(found->second == Approx(*abell::auc(data.b, data.labels)).epsilon(1e-12));
    CHECK(found->standard_error * found->standard_error == Approx(variance_by_pairs(data)).epsilon(1e-10));
    const auto turned = abell::delong(data.b, data.a, data.labels);
    CHECK(turned->z == Approx(-found->z));
    CHECK(turned->p == Approx(found->p));
  }
}

TEST_CASE("DeLong's test of equal areas, and of too few objects", "[metrics]") {
  const std::vector<float> p{0.9F, 0.3F, 0.4F, 0.1F};
  const auto same = abell::delong(p, p, std::vector{1, 1, 0, 0});
  REQUIRE(same);
  CHECK(same->z == 0);
  CHECK(same->p == 1);
  CHECK_FALSE(abell::delong(p, p, std::vector{1, 0, 0, 0}));
  CHECK_FALSE(abell::delong(p, p, std::vector{1, 1, 1, 0}));
}

TEST_CASE("DeLong's test has no answer where different areas have no standard error", "[metrics]") {
  const auto found =
      abell::delong(std::vector{0.9F, 0.8F, 0.2F, 0.1F}, std::vector{0.1F, 0.2F, 0.8F, 0.9F}, std::vector{1, 1, 0, 0});
  REQUIRE(found);
  CHECK(found->first == 1);
  CHECK(found->second == 0);
  CHECK(found->standard_error == 0);
  CHECK(std::isnan(found->p));
}

TEST_CASE("Reliability counts each object in its interval", "[metrics]") {
  const std::vector<float> p{0.0F, 0.05F, 0.5F, 0.55F, 1.0F, 0.95F};
  const std::vector<int> y{0, 1, 0, 1, 1, 1};
  const auto bins = abell::reliability(p, y, 2);
  REQUIRE(bins.size() == 2);
  CHECK(bins[0].objects == 3);  // 0.5 is in (0, 0.5]
  CHECK(bins[0].positives == 1);
  CHECK(*bins[0].probability() == Approx(0.55 / 3));
  CHECK(*bins[1].share() == 1);
  // (|1 - 0.55| + |3 - 2.5|) / 6
  CHECK(*abell::calibration_error(p, y, 2) == Approx(0.95 / 6));
  CHECK_FALSE(abell::reliability(p, y, 5)[1].probability());
  CHECK_FALSE(abell::calibration_error({}, {}));
  CHECK_THROWS_AS(abell::reliability(std::vector{1.5F}, std::vector{1}), abell::OptionError);
  CHECK_THROWS_AS(abell::reliability(p, y, 0), abell::OptionError);
}

TEST_CASE("Brier's score is the mean square", "[metrics]") {
  CHECK(*abell::brier_score(std::vector{0.8F, 0.4F}, std::vector{1, 0}) == Approx(0.1));
  CHECK(*abell::brier_score(std::vector{0.5F}, std::vector{0}) == 0.25);
}

TEST_CASE("Temperature scaling finds how much too sure the probabilities are", "[metrics]") {
  // Three of four are right where 0.9 is claimed: ln 9 / T = ln 3.
  const std::vector<float> p{0.9F, 0.9F, 0.9F, 0.9F, 0.1F, 0.1F, 0.1F, 0.1F};
  const std::vector<int> y{1, 1, 1, 0, 0, 0, 0, 1};
  CHECK(*abell::fit_temperature(p, y) == Approx(2).epsilon(1e-5));
  CHECK(abell::with_temperature(0.9F, 2) == Approx(0.75F));
  CHECK(abell::with_temperature(0.9F, 1) == Approx(0.9F));
  CHECK(abell::with_temperature(0.5F, 3) == 0.5F);
  CHECK(*abell::calibration_error(p, y) == Approx(0.15));
  std::vector<float> scaled;
  for (const float value : p) scaled.push_back(abell::with_temperature(value, 2));
  CHECK(*abell::calibration_error(scaled, y) == Approx(0).margin(1e-6));
  // Separable and hopeless data end at the limits.
  CHECK(*abell::fit_temperature(std::vector{0.6F, 0.4F}, std::vector{1, 0}) == abell::lowest_temperature);
  CHECK(*abell::fit_temperature(std::vector{0.6F, 0.4F}, std::vector{0, 1}) == abell::highest_temperature);
  CHECK((abell::at_bound(0.05) && abell::at_bound(20) && !abell::at_bound(19.9)));
  CHECK_FALSE(abell::fit_temperature({}, {}));
}

TEST_CASE("The best threshold has the most right decisions and lies nearest to one half", "[metrics]") {
  const std::vector<float> p{0.1F, 0.2F, 0.25F, 0.35F, 0.9F};
  CHECK(*abell::best_threshold(p, std::vector{0, 0, 1, 1, 1}) == Approx(0.225));
  CHECK(*abell::best_threshold(p, std::vector{0, 0, 0, 0, 1}) == 0.5F);
  CHECK(*abell::best_threshold(p, std::vector{0, 0, 0, 0, 0}) > 0.9F);
  CHECK(*abell::best_threshold(p, std::vector{1, 1, 1, 1, 1}) < 0.1F);
  // 0.225 and 0.5 are both right four times.
  CHECK(*abell::best_threshold(p, std::vector{0, 0, 1, 0, 1}) == 0.5F);
  CHECK(*abell::best_threshold(std::vector{0.0F, 1.0F}, std::vector{0, 1}) == 0.5F);
  CHECK_FALSE(abell::best_threshold({}, {}));
  // What it promises is what it gives, whatever the ties.
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const Pair data = draw(seed, 40);
    const float chosen = *abell::best_threshold(data.a, data.labels);
    const double reached = *abell::confusion(data.a, data.labels, chosen).accuracy();
    for (int step = 0; step <= 100; ++step) {
      CHECK(*abell::confusion(data.a, data.labels, static_cast<float>(step) / 100).accuracy() <= reached);
    }
  }
}

/// How golden values are compared.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include "catch.hpp"

namespace abell::testing {

/// The largest difference over the largest expected value; NaN where a found value is NaN.
template <class Found>
double relative(const Found& found, std::span<const double> expected) {
  REQUIRE(found.size() == expected.size());
  double difference = 0, largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double gap = std::abs(static_cast<double>(found[i]) - expected[i]);
    difference = gap <= difference ? difference : gap;  // NaN is taken over
    largest = std::max(largest, std::abs(expected[i]));
  }
  REQUIRE(largest > 0);
  return difference / largest;
}

}  // namespace abell::testing

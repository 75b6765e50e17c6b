/// The gradient check of one stage.
#pragma once

#include <abell/testing/gradcheck.hpp>

#include "catch.hpp"

/// Checks a stage with the tolerance of the suite; some values must have been compared.
#define CHECK_STAGE(...)                       \
  do {                                         \
    const GradcheckResult found = __VA_ARGS__; \
    INFO(to_string(found));                    \
    CHECK(found.passed(1e-7));                 \
  } while (false)

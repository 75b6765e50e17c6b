#pragma once

#include <cstdlib>

namespace abell::testing {

/// True when the reduced grids are asked for (sanitizers, second compiler).
inline bool reduced() {
  const char* value = std::getenv("ABELL_TEST_REDUCED");
  return value != nullptr && *value != '\0' && *value != '0';
}

}  // namespace abell::testing

#pragma once
/// What a call throws, and the matcher for its words.

#include <string>

#include "catch.hpp"

#if __has_include(<catch2/catch_test_macros.hpp>)
inline auto Contains(const std::string& text) { return Catch::Matchers::ContainsSubstring(text); }
#else
using Catch::Contains;
#endif

/// The message of the `Error` that `call` throws; empty when it throws none. Other errors pass.
template <class Error, class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

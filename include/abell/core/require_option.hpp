#pragma once
/// A check of an option of numbers.

#include <abell/core/error.hpp>
#include <string>
#include <string_view>

namespace abell::detail {

/// Throws OptionError "momentum: expected a number in [0, 1), found 1.000000" unless `holds`.
template <class Number>
void require_option(bool holds, std::string_view option, const char* expected, Number found) {
  if (!holds) throw OptionError(option, std::string("expected ") + expected + ", found " + std::to_string(found));
}

}  // namespace abell::detail

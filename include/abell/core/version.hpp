#pragma once
/// The version of the library and of every program built from it.

#include <string_view>

namespace abell {

inline constexpr std::string_view version = "0.1.0";

}  // namespace abell

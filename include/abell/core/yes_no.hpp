#pragma once
/// Yes and no, as tables and spreadsheets write them.

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace abell {

/// yes, true, t, y and 1, or no, false, f, n and 0, in upper or lower case; nothing at all is no. No value for any
/// other text.
inline std::optional<bool> yes_or_no(std::string_view text) {
  constexpr std::array<std::string_view, 5> yes{"yes", "true", "t", "y", "1"};
  constexpr std::array<std::string_view, 6> no{"no", "false", "f", "n", "0", ""};
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  if (std::ranges::find(yes, lower) != yes.end()) return true;
  if (std::ranges::find(no, lower) != no.end()) return false;
  return std::nullopt;
}

}  // namespace abell

#pragma once
/// Names that were probably meant.

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace abell::program {

/// ASCII letters in lower case.
inline std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// Letters to insert, remove or replace to make one text of the other (Levenshtein).
inline std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

/// " (did you mean NAME?)" with the nearest of `names`; empty when a third of the letters or more differ.
inline std::string did_you_mean(const std::string& word, const std::vector<std::string>& names) {
  const auto apart = [&](const std::string& name) { return edit_distance(lower_case(word), lower_case(name)); };
  const auto nearest = std::ranges::min_element(names, {}, apart);
  if (nearest == names.end() || 3 * apart(*nearest) >= std::max(word.size(), nearest->size())) return {};
  return " (did you mean " + *nearest + "?)";
}

}  // namespace abell::program

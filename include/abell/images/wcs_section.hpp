#pragma once
/// The sky coordinates of a section of an image.

#include <abell/images/fits_cards.hpp>
#include <abell/images/resample.hpp>
#include <abell/images/wcs_forms.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace abell::detail {

/// Where the pixels of a section such as "101:200:2,-*" lie in an image of these sides.
inline std::vector<ResizedAxis> section_axes(std::string text, const std::vector<long>& sides) {
  std::erase(text, ' ');
  std::vector<ResizedAxis> axes;
  std::size_t at = 0;
  for (const long side : sides) {
    const std::string part = at <= text.size() ? text.substr(at, text.find(',', at) - at) : "*";
    at += part.size() + 1;
    const bool all = part.starts_with('*') || part.starts_with("-*");
    std::vector<long> numbers;
    for (std::size_t digit = part.find_first_of("0123456789"); digit < part.size();) {
      long number = 0;
      const char* stop = std::from_chars(part.data() + digit, part.data() + part.size(), number).ptr;
      numbers.push_back(number);
      digit = static_cast<std::size_t>(stop - part.data()) + 1;
    }
    if (all) numbers.insert(numbers.begin(), {part.starts_with('-') ? side : 1, part.starts_with('-') ? 1 : side});
    const auto step = static_cast<double>(numbers.size() > 2 ? numbers[2] : 1);
    axes.push_back({numbers[0] > numbers[1] ? -step : step, static_cast<double>(numbers[0] - 1)});
  }
  return axes;
}

/// What a number of a header is for a section, of which pixels of axis i + 1 lie at section[i] of the whole image.
/// `scaled` are the alternatives whose CDELT is all that scales them.
inline double cut_number(const NumberedKeyword& keyword, double value, std::span<const ResizedAxis> section,
                         const std::set<std::string>& scaled) {
  const auto is_polynomial = [&](const char* name) { return keyword.is(name, 2) && section.size() >= 2; };
  const bool along_x = is_polynomial("A_") || is_polynomial("AP_");
  if (along_x || is_polynomial("B_") || is_polynomial("BP_")) {
    const double powers = std::pow(section[0].step, keyword.numbers[0]) * std::pow(section[1].step, keyword.numbers[1]);
    return value * powers / section[along_x ? 0 : 1].step;
  }
  const bool physical = keyword.is("LTM", 2) || keyword.is("LTV", 1);  // both count pixels by their first number
  const int axis = physical ? keyword.numbers.front() : keyword.numbers.back();
  if (axis < 1 || axis > static_cast<int>(section.size())) return value;
  const ResizedAxis& cut = section[static_cast<std::size_t>(axis - 1)];
  if (keyword.is("LTM", 2)) return value / cut.step;
  if (keyword.is("CRPIX", 1) || keyword.is("LTV", 1)) return (value - 1 - cut.start) / cut.step + 1;
  const bool scales = keyword.is("CDELT", 1) && scaled.contains(std::string(keyword.alternative));
  return scales || keyword.is("CD", 2) || keyword.is("PC", 2) ? value * cut.step : value;
}

/// The header of a section, in which CFITSIO would leave polynomials as they are, and scale CDELT where PC turns.
inline std::string section_header(const std::string& whole, std::span<const ResizedAxis> section) {
  FitsCards cards(whole);
  if (cards.number("CROTA2").value_or(0) != 0) fold_into_pc(cards);
  std::set<std::string> alternatives, scaled;
  cards.for_each([&](const std::string& card) {
    const NumberedKeyword keyword(card_keyword(card));
    if (keyword.is("CRPIX", 1)) alternatives.emplace(keyword.alternative);
  });
  const auto give = [&](const std::string& keyword, double standard) {
    if (!cards.number(keyword)) cards.set(number_card(keyword, standard));
  };
  for (int axis = 1; axis <= static_cast<int>(section.size()); ++axis) {
    give(axis_keyword("LTV", axis), 0);
    give(matrix_keyword("LTM", axis, axis), 1);
  }
  for (const std::string& alternative : alternatives) {
    const bool pc = cards.any(in_matrix("PC", alternative));
    if (!pc && !cards.any(in_matrix("CD", alternative))) scaled.insert(alternative);
    for (int axis = 1; axis <= static_cast<int>(section.size()); ++axis) {
      give(axis_keyword("CRPIX", axis) + alternative, 0);
      if (pc) give(matrix_keyword("PC", axis, axis) + alternative, 1);
    }
  }
  cards.for_each([&](std::string& card) {
    const NumberedKeyword keyword(card_keyword(card));
    const auto value = card_double(card);
    if (!value || keyword.numbers.empty()) return;
    const double changed = cut_number(keyword, *value, section, scaled);
    if (std::isfinite(changed) && changed != *value) card = number_card(card_keyword(card), changed);
  });
  return cards.header();
}

}  // namespace abell::detail

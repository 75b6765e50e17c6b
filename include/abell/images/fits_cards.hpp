#pragma once
/// The cards of a FITS header as text: looked up and changed by keyword.

#include <abell/images/fits_tiles.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace abell::detail {

/// A card with a value; the others (COMMENT, HISTORY, CONTINUE) have none.
inline bool has_value(std::string_view card) { return card.size() == 80 && card.substr(8, 2) == "= "; }

/// The keyword of a card.
inline std::string_view card_keyword(std::string_view card) {
  const std::string_view keyword = card.substr(0, 8);
  return keyword.substr(0, keyword.find_last_not_of(' ') + 1);
}

/// The number of a card; null for any other value.
inline std::optional<double> card_double(std::string_view card) {
  std::string text(card_value(card));
  std::ranges::replace(text, 'D', 'E');  // FORTRAN's exponents
  const char* first = text.data() + (text.starts_with('+') ? 1 : 0);
  const char* end = text.data() + text.size();
  double value = 0;
  const auto [stop, error] = std::from_chars(first, end, value);
  const bool number = error == std::errc{} && stop == end && std::isfinite(value);
  return number ? std::optional(value) : std::nullopt;
}

/// The text of a card without its outer quotes and the blanks behind it; empty for any other value and without an end.
inline std::string card_text(std::string_view card) {
  const std::string_view value = card_value(card);
  const bool closed = value.size() >= 2 && value.back() == '\'' && std::ranges::count(value, '\'') % 2 == 0;
  if (!closed || value.front() != '\'') return {};
  const std::string_view text = value.substr(1, value.size() - 2);
  return std::string(text.substr(0, text.find_last_not_of(' ') + 1));
}

inline std::string value_card(std::string_view keyword, const std::string& value) {
  std::string card(keyword);
  card.resize(8, ' ');
  card += "= " + value;
  card.resize(80, ' ');
  return card;
}

inline std::string number_card(std::string_view keyword, double value) {
  std::array<char, 40> digits{};
  std::snprintf(digits.data(), digits.size(), "%.17G", value);
  std::string text = digits.data();
  if (text.find_first_of(".E") == std::string::npos) text += ".0";
  return value_card(keyword, text);
}

/// A header, of which the last card of a keyword counts.
class FitsCards {
 public:
  explicit FitsCards(const std::string& header) {
    for (std::size_t at = 0; at + 80 <= header.size(); at += 80) cards_.push_back(header.substr(at, 80));
  }

  std::string header() const {
    std::string all;
    for (const std::string& card : cards_) all += card;
    return all;
  }

  std::optional<double> number(std::string_view keyword) const {
    const std::string* card = find(keyword);
    return card == nullptr ? std::nullopt : card_double(*card);
  }
  std::string text(std::string_view keyword) const {
    const std::string* card = find(keyword);
    return card == nullptr ? "" : card_text(*card);
  }

  /// Whether a card with a value has a keyword that `wanted` takes.
  template <class Wanted>
  bool any(const Wanted& wanted) const {
    return std::ranges::any_of(cards_,
                               [&](const std::string& card) { return has_value(card) && wanted(card_keyword(card)); });
  }

  template <class Wanted>
  void drop(const Wanted& unwanted) {
    std::erase_if(cards_, [&](const std::string& card) { return has_value(card) && unwanted(card_keyword(card)); });
  }

  /// Replaces the keyword's cards by this one.
  void set(const std::string& card) {
    drop([&](std::string_view keyword) { return keyword == card_keyword(card); });
    cards_.push_back(card);
  }

  /// Gives every card with a value to change(card).
  template <class Change>
  void for_each(const Change& change) {
    for (std::string& card : cards_) {
      if (has_value(card)) change(card);
    }
  }

 private:
  const std::string* find(std::string_view keyword) const {
    const auto found = std::find_if(cards_.rbegin(), cards_.rend(), [&](const std::string& card) {
      return has_value(card) && card_keyword(card) == keyword;
    });
    return found == cards_.rend() ? nullptr : &*found;
  }

  std::vector<std::string> cards_;
};

}  // namespace abell::detail

namespace abell {

/// The cards of a header that tell where an image comes from: telescope, instrument, observation, object, exposure,
/// date and filter.
inline std::string origin_cards(const std::string& header) {
  constexpr std::array<std::string_view, 7> keywords{"TELESCOP", "INSTRUME", "OBS_ID", "OBJECT",
                                                     "EXPOSURE", "DATE-OBS", "FILTER"};
  const detail::FitsCards cards(header);
  std::string kept;
  for (const std::string_view keyword : keywords) {
    const std::string text = cards.text(keyword);
    const auto number = cards.number(keyword);
    if (number) kept += detail::number_card(keyword, *number);
    if (!text.empty()) kept += detail::value_card(keyword, "'" + text + "'");
  }
  return kept;
}

/// The standard's name for a unit of counts or seconds; any other one as it is, without double quotes around it.
inline std::string standard_unit(std::string unit) {
  if (unit.size() >= 2 && unit.front() == '"' && unit.back() == '"') unit = unit.substr(1, unit.size() - 2);
  std::string lower = unit;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower == "count" || lower == "counts" || lower == "cts") return "count";
  if (lower == "s" || lower == "sec" || lower == "second" || lower == "seconds") return "s";
  return unit;
}

}  // namespace abell

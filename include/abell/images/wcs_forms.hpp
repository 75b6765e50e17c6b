#pragma once
/// Sky coordinates in headers: their cards, in forms that wcslib 7.12 reads as they are meant.

#include <abell/images/fits_cards.hpp>
#include <abell/images/fits_library.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace abell {

namespace detail {

/// Whether a keyword is part of the solution of a scanned plate.
inline bool is_plate_keyword(std::string_view keyword) {
  constexpr std::array<std::string_view, 10> starts{"AMDX",   "AMDY",   "PPO",    "CNPIX",   "PLTRAH",
                                                    "PLTRAM", "PLTRAS", "PLTDEC", "XPIXELS", "YPIXELS"};
  return std::ranges::any_of(starts, [&](std::string_view start) { return keyword.starts_with(start); });
}

/// Whether a card tells sky coordinates: one of the WCS papers, SIP or TPV, the reference system, or a plate solution;
/// or physical ones.
inline bool is_wcs_card(std::string card) {
  constexpr std::array<std::string_view, 10> more{"A_",     "B_",      "AP_",     "BP_", "PLTSCA",
                                                  "PLATER", "PLATEDE", "WCSNAME", "LTV", "LTM"};
  const int kind = fits_get_keyclass(card.data());
  const bool known = std::ranges::any_of(more, [&](std::string_view start) { return card.starts_with(start); });
  return kind == TYP_WCS_KEY || kind == TYP_REFSYS_KEY || ((known || is_plate_keyword(card)) && card.find('=') == 8);
}

}  // namespace detail

/// The cards of a header that tell sky coordinates.
inline std::string wcs_cards(const std::string& header) {
  std::string kept;
  for (std::size_t at = 0; at + 80 <= header.size(); at += 80) {
    const std::string card = header.substr(at, 80);
    if (detail::is_wcs_card(card)) kept += card;
  }
  return kept;
}

namespace detail {

/// A keyword with numbers such as CRPIX1, CD1_2, A_2_0 or PC1_1P: its name, the numbers, the letter of an alternative.
struct NumberedKeyword {
  std::string_view name, alternative;
  std::vector<int> numbers;

  explicit NumberedKeyword(std::string_view keyword) {
    constexpr std::string_view digits = "0123456789";
    const std::size_t first = std::min(keyword.find_first_of(digits), keyword.size());
    const std::size_t behind = first == keyword.size() ? first : keyword.find_last_of(digits) + 1;
    name = keyword.substr(0, first);
    alternative = keyword.substr(behind);
    for (std::size_t at = first; at < behind;) {
      int number = 0;
      const auto [stop, error] = std::from_chars(keyword.data() + at, keyword.data() + behind, number);
      if (error != std::errc{}) break;
      numbers.push_back(number);
      at = static_cast<std::size_t>(stop - keyword.data()) + 1;
    }
  }

  bool is(std::string_view wanted, std::size_t count) const { return name == wanted && numbers.size() == count; }
};

inline std::string axis_keyword(const char* name, int axis) { return name + std::to_string(axis); }
inline std::string matrix_keyword(const char* name, int row, int column) {
  return axis_keyword(name, row) + "_" + std::to_string(column);
}

/// Whether a keyword belongs to the matrix `name` (CD or PC) of an alternative.
inline auto in_matrix(const char* name, std::string_view alternative = "") {
  return [=](std::string_view text) {
    const NumberedKeyword keyword(text);
    return keyword.is(name, 2) && keyword.alternative == alternative;
  };
}

/// Puts PC alone in the place of CDELT with PC or CROTA2 on axes 1 and 2. CD stays.
inline void fold_into_pc(FitsCards& cards) {
  if (cards.any(in_matrix("CD"))) return;
  const bool turned = !cards.any(in_matrix("PC"));
  const double turn = turned ? cards.number("CROTA2").value_or(0) * std::numbers::pi / 180 : 0;
  const std::array<double, 2> scale{cards.number("CDELT1").value_or(1), cards.number("CDELT2").value_or(1)};
  // CROTA2 turns pixels that are scaled already.
  const std::array<double, 4> turning{scale[0] * std::cos(turn), -scale[1] * std::sin(turn),  //
                                      scale[0] * std::sin(turn), scale[1] * std::cos(turn)};
  for (std::size_t i = 0; i < 4; ++i) {
    const int row = static_cast<int>(i / 2), column = static_cast<int>(i % 2);
    const std::string keyword = matrix_keyword("PC", row + 1, column + 1);
    const double part = cards.number(keyword).value_or(row == column ? 1 : 0);
    cards.set(number_card(keyword, turned ? turning[i] : scale[i / 2] * part));
  }
  cards.drop([](std::string_view k) { return k == "CDELT1" || k == "CDELT2" || k == "CROTA1" || k == "CROTA2"; });
}

/// TAN with polynomials (SCAMP 1) is TPV: TAN itself has no PV on the axis of latitude, and up to PV_4 on the other.
/// Zeros are no polynomials.
inline void name_tpv(FitsCards& cards) {
  const std::array<std::string, 2> types{cards.text("CTYPE1"), cards.text("CTYPE2")};
  const auto tangent = [](const std::string& type) { return type.size() == 8 && type.ends_with("-TAN"); };
  if (!tangent(types[0]) || !tangent(types[1])) return;
  const bool latitude_first = types[0].starts_with("DEC-") || types[0].starts_with("GLAT-");
  const int latitude = latitude_first ? 1 : 2;
  const bool polynomials = cards.any([&](std::string_view text) {
    const NumberedKeyword keyword(text);
    return keyword.is("PV", 2) && keyword.alternative.empty() &&
           (keyword.numbers[0] == latitude || keyword.numbers[1] > 4);
  });
  const bool linear = cards.number(matrix_keyword("PV", latitude, 1)).value_or(1) != 0;
  if (!polynomials || !linear) return;
  for (int i = 0; i < 2; ++i) {
    const std::string& type = types[static_cast<std::size_t>(i)];
    cards.set(value_card(axis_keyword("CTYPE", i + 1), "'" + type.substr(0, 5) + "TPV'"));
  }
}

/// Events that CFITSIO binned lie in pixels X and Y where the sky of these columns stands in REFX... and REFY... alone.
inline void name_event_axes(FitsCards& cards) {
  for (const int axis : {1, 2}) {
    const std::string letter = axis == 1 ? "X" : "Y", type = cards.text("REF" + letter + "CTYP");
    const auto number = [&](const std::string& keyword) { return cards.number(keyword); };
    const auto pixel = number("REF" + letter + "CRPX"), value = number("REF" + letter + "CRVL"),
               size = number("REF" + letter + "CDLT");
    const auto from = number(axis_keyword("CRPIX", axis)), at = number(axis_keyword("CRVAL", axis)),
               step = number(axis_keyword("CDELT", axis));
    const std::string column = cards.text(axis_keyword("CTYPE", axis));
    if ((column != letter && column != (axis == 1 ? "x" : "y")) || type.empty()) return;
    if (!pixel || !value || !size || !from || !at || !step) return;
    cards.set(value_card(axis_keyword("CTYPE", axis), "'" + type + "'"));
    cards.set(number_card(axis_keyword("CRPIX", axis), *from + (*pixel - *at) / *step));
    cards.set(number_card(axis_keyword("CRVAL", axis), *value));
    cards.set(number_card(axis_keyword("CDELT", axis), *size * *step));
  }
}

/// Angles are degrees where an event list says that its pixels are pixels.
inline void drop_pixel_units(FitsCards& cards) {
  for (const int axis : {1, 2}) {
    const std::string unit = cards.text(axis_keyword("CUNIT", axis));
    const bool angle = cards.text(axis_keyword("CTYPE", axis)).find('-') != std::string::npos;
    if (!angle || !(unit.starts_with("pixel") || unit.starts_with("PIXEL"))) continue;
    cards.drop([&](std::string_view keyword) { return keyword == axis_keyword("CUNIT", axis); });
  }
}

/// The header in forms that wcslib reads as they are meant.
inline std::string meant_header(const std::string& header) {
  FitsCards cards(header);
  // The size of a plate's pixels beside other coordinates makes wcslib look for a plate solution.
  if (!cards.any([](std::string_view keyword) { return keyword == "AMDX1"; })) cards.drop(is_plate_keyword);
  name_event_axes(cards);
  drop_pixel_units(cards);
  name_tpv(cards);
  // wcslib evaluates the polynomials wrongly with CDELT.
  if (cards.text("CTYPE1").ends_with("-TPV")) fold_into_pc(cards);
  return cards.header();
}

}  // namespace detail

}  // namespace abell

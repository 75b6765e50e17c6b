#pragma once
/// Catalogues as DS9 regions.

#include <abell/core/angle.hpp>
#include <abell/core/csv.hpp>
#include <abell/core/error.hpp>
#include <abell/core/lower_case.hpp>
#include <abell/data/catalogue_writer.hpp>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <utility>
#include <variant>

namespace abell {

/// A circle of 1' around each position (pos.eq.ra and pos.eq.dec), with its id (meta.id) and, where there is one, its
/// probability (stat.probability), which colours it from blue (0) over yellow to red (1).
class RegionCatalogue final : public TypedCatalogue {
 public:
  RegionCatalogue(std::ostream& out, CatalogueHeader told)
      : TypedCatalogue(std::move(told)),
        out_(out),
        id_(column("meta.id")),
        ra_(column("pos.eq.ra")),
        dec_(column("pos.eq.dec")),
        probability_(header().find_ucd("stat.probability")) {
    out_ << "# Region file format: DS9 version 4.1\n";
    for (const CatalogueKey& key : header().keys) {
      const auto* text = std::get_if<std::string>(&key.value);
      out_ << "# " << key.keyword << ": " << (text ? *text : csv_number(std::get<double>(key.value))) << '\n';
    }
    out_ << "global width=2 font=\"helvetica 10 normal roman\"\n" << lower_case(header().frame) << '\n';
  }

 private:
  void write(std::span<const std::string> cells) override {
    std::string text = cells[id_];
    for (char& c : text) c = c == '{' ? '(' : c == '}' ? ')' : c;  // a brace would end it
    out_ << "circle(" << csv_number(degrees(cells, ra_)) << ',' << csv_number(degrees(cells, dec_)) << ",60\") #";
    const auto p = probability_ ? detail::plain_number(cells[*probability_]) : std::nullopt;
    if (p) {
      out_ << " color=" << colour(*p);
      std::array<char, 16> rounded{};
      std::snprintf(rounded.data(), rounded.size(), " %.3f", *p);
      text += rounded.data();
    }
    out_ << " text={" << text << "}\n";
  }

  std::size_t column(const char* ucd) const {
    if (const auto found = header().find_ucd(ucd)) return *found;
    throw FormatError(header().file + ": expected a column of the UCD " + std::string(ucd) +
                      ", which regions need, found none");
  }

  double degrees(std::span<const std::string> cells, std::size_t column) const {
    if (const auto found = detail::plain_number(cells[column])) return *found;
    throw FormatError(header().file + ": column '" + columns()[column].name + "': expected degrees for '" + cells[id_] +
                      "', which regions need, found none");
  }

  static std::string colour(double p) {
    constexpr std::array<std::array<double, 3>, 3> stops{{{68, 119, 255}, {255, 221, 68}, {255, 51, 34}}};
    const std::size_t first = p < 0.5 ? 0 : 1;
    const double share = 2 * p - static_cast<double>(first);
    std::array<int, 3> rgb{};
    for (std::size_t c = 0; c < 3; ++c) {
      rgb[c] = static_cast<int>(std::lround(stops[first][c] + share * (stops[first + 1][c] - stops[first][c])));
    }
    std::array<char, 8> text{};
    std::snprintf(text.data(), text.size(), "#%02x%02x%02x", static_cast<unsigned>(rgb[0] & 255),
                  static_cast<unsigned>(rgb[1] & 255), static_cast<unsigned>(rgb[2] & 255));
    return text.data();
  }

  std::ostream& out_;
  std::size_t id_, ra_, dec_;
  std::optional<std::size_t> probability_;
};

}  // namespace abell

#pragma once
/// Columns of angles: known by their plain names, read in their units.

#include <abell/core/angle.hpp>
#include <abell/core/lower_case.hpp>
#include <abell/data/table.hpp>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace abell::detail {

/// The letters and digits of a column's name in lower case: `raj2000` of "_RAJ2000" and "RA_J2000". A unit in brackets
/// is none of the name: "RA (deg)" is `ra`. The minus at the end of VizieR's sign "DE-" stays.
struct PlainName {
  explicit PlainName(std::string_view name) {
    const std::size_t open = name.find_first_of("([");
    if (open != std::string_view::npos && parse_angle_unit(name.substr(open))) {
      unit = name.substr(open);
      name = name.substr(0, open);
    }
    for (const char c : lower_case(name)) {
      if (std::isalnum(static_cast<unsigned char>(c)) != 0) text += c;
    }
    if (name.ends_with('-')) text += '-';
  }

  std::string text;
  std::string unit;
};

/// The first column that has one of these plain names; those before in the list win.
inline std::optional<std::size_t> find_named(const TableHeader& table, std::string_view names) {
  while (!names.empty()) {
    const std::size_t end = std::min(names.find(' '), names.size());
    for (std::size_t i = 0; i < table.header.size(); ++i) {
      if (PlainName(table.header[i]).text == names.substr(0, end)) return i;
    }
    names.remove_prefix(std::min(end + 1, names.size()));
  }
  return std::nullopt;
}

/// Longitudes or latitudes: a column, or those of VizieR: hours or degrees (RAh, DEd) with the minutes, the seconds and
/// the sign (DE-).
struct AngleColumns {
  AngleColumns() = default;
  AngleColumns(const TableHeader& table, std::size_t column) : numbers{column}, unit_text(table.unit(column)) {
    const PlainName plain(table.header[column]);
    if (unit_text.find_first_not_of(' ') == std::string::npos) unit_text = plain.unit;
    if (plain.text == "rah" || plain.text == "ded") add_sixtieths(table, plain.text);
    if (sign) name = table.header[*sign] + " ";
    for (const std::size_t number : numbers) name += (number == column ? "" : " ") + table.header[number];
  }

  std::vector<std::size_t> numbers = {};
  std::optional<std::size_t> sign = {};
  std::string name = {};
  std::string unit_text = {};  ///< as the table has it
  std::string kind = {};       ///< "a right ascension", "a declination", ...
  double most = 0;             ///< degrees
  bool hours = false;          ///< whether texts without a unit count hours
  std::optional<AngleUnit> unit = {};

  /// Degrees, longitudes from 0 to 360; nothing for an empty or another text.
  std::optional<double> read(const std::vector<std::string>& fields) const {
    const std::string& first = fields[numbers[0]];
    const auto value = sign || numbers.size() > 1 ? sum(fields)
                       : unit                     ? parse_angle(first, *unit)
                                                  : parse_angle(first, hours);
    if (!value || !(*value >= -most && *value <= most)) return std::nullopt;
    return most == 360 && *value < 0 ? *value + 360 : *value;
  }

  /// What a row has, for errors.
  std::string text(const std::vector<std::string>& fields) const {
    std::string all = sign ? fields[*sign] : "";
    for (const std::size_t number : numbers) all += (all.empty() ? "" : " ") + fields[number];
    return all;
  }

 private:
  /// The columns beside RAh or DEd, whose names tell their units.
  void add_sixtieths(const TableHeader& table, std::string plain) {
    unit_text = plain == "rah" ? "h" : "deg";
    if (plain == "ded") sign = find_named(table, "de-");
    for (const char part : {'m', 's'}) {
      plain.back() = part;
      const auto found = find_named(table, plain);
      if (!found) return;
      numbers.push_back(*found);
    }
  }

  /// Degrees of a number of `unit`, its sixtieths and theirs.
  std::optional<double> sum(const std::vector<std::string>& fields) const {
    const std::string mark = sign ? fields[*sign] : "";
    if (!mark.empty() && mark != "+" && mark != "-") return std::nullopt;
    double value = 0, size = unit->degrees;
    for (const std::size_t number : numbers) {
      const auto part = parse_angle(fields[number], AngleUnit{size});
      if (!part || (number != numbers[0] && !(*part >= 0 && *part < 60 * size))) return std::nullopt;
      value += std::abs(*part);
      size /= 60;
    }
    return mark == "-" || fields[numbers[0]].starts_with('-') ? -value : value;
  }
};

}  // namespace abell::detail

#pragma once
/// The forms of tables in text, told by how they begin.

#include <abell/core/angle.hpp>
#include <abell/core/csv.hpp>
#include <abell/core/error.hpp>
#include <abell/data/ipac_columns.hpp>
#include <algorithm>
#include <cstddef>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace abell::detail {

inline constexpr std::string_view ecsv_mark = "# %ECSV ";

/// The form of a table in text.
struct TextForm {
  CsvForm csv = {.trimmed = true};
  bool ipac = false;
  bool header_in_comment = false;  ///< whether the last line of the comments at the beginning names the columns
  bool units_row = false;          ///< whether a row of units and a row of dashes stand behind the names (VizieR)
};

/// The first records of a text in some form, as many as asked for; fewer where it ends before or is not of the form.
inline std::vector<std::vector<std::string>> first_records(std::string_view start, const CsvForm& form,
                                                           std::size_t count) {
  std::istringstream in{std::string(start)};
  CsvReader csv(in, "", form);
  std::vector<std::vector<std::string>> records;
  try {
    while (records.size() < count && csv.next()) {
      records.emplace_back();
      for (std::size_t i = 0; i < csv.size(); ++i) records.back().emplace_back(csv[i]);
    }
  } catch (const FormatError&) {  // told when it is read
  }
  return records;
}

/// The last of the lines with # at the beginning of a text, without the #.
inline std::string last_comment(std::string_view start) {
  std::string_view last;
  while (start.starts_with('#')) {
    const std::size_t end = std::min(start.find_first_of("\r\n"), start.size());
    last = start.substr(1, end - 1);
    start.remove_prefix(std::min(start.find_first_not_of("\r\n", end), start.size()));
  }
  return std::string(last);
}

/// The UCDs of columns in the comments of VizieR: `#Column NAME (FORM) DESCRIPTION [ucd=UCD]` with tabs between.
inline std::vector<std::string> vizier_ucds(std::string_view start, const std::vector<std::string>& header) {
  std::vector<std::string> ucds(header.size());
  for (const auto& line : first_records(start, {.separator = '\0', .quotes = false}, start.size())) {
    const std::string_view text = line[0];
    const std::size_t open = text.rfind("[ucd=");
    if (!text.starts_with("#Column\t") || open == text.npos || !text.ends_with(']')) continue;
    const std::string_view name = text.substr(8, text.find('\t', 8) - 8);
    const auto at = std::ranges::find(header, name);
    if (at != header.end()) {
      ucds[static_cast<std::size_t>(at - header.begin())] = text.substr(open + 5, text.size() - open - 6);
    }
  }
  return ucds;
}

/// Whether the records behind the names are units and dashes.
inline bool has_units_row(const std::vector<std::vector<std::string>>& records) {
  return records.size() == 3 && std::ranges::all_of(records[2], [](const std::string& field) {
           return !field.empty() && field.find_first_not_of('-') == std::string::npos;
         });
}

/// Commas, tabs or semicolons, or blanks behind comments (ECSV, TOPCAT's ASCII): the first of them that gives the first
/// two records equally many fields, more than one.
inline TextForm text_form(std::string_view start) {
  TextForm form;
  form.csv.comments = start.starts_with('#');
  form.csv.guarded = !start.starts_with(ecsv_mark);
  if (IpacColumns::in_header(start)) {
    form.ipac = true;
    form.csv = {.separator = '\0', .quotes = false};
    return form;
  }
  const std::string_view separators = form.csv.comments ? ",\t; " : ",\t;";
  for (const char separator : separators) {
    TextForm tried = form;
    tried.csv.separator = separator;
    auto records = first_records(start, tried.csv, 3);
    if (records.empty() || records[0].size() < 2) continue;
    if (records.size() > 1 && records[1].size() != records[0].size()) continue;
    tried.units_row = separator != ',' && has_units_row(records);
    if (tried.units_row) tried.csv.quotes = false;
    const auto named = first_records(last_comment(start), {.separator = separator, .trimmed = true}, 1);
    tried.header_in_comment =
        !named.empty() && named[0].size() == records[0].size() &&
        std::ranges::any_of(records[0], [](const auto& text) { return bool(plain_number(text)); });
    return tried;
  }
  return form;
}

}  // namespace abell::detail

#pragma once
/// Tables of text, and how they look on a terminal.

#include <abell/core/error.hpp>
#include <abell/report/text.hpp>
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace abell {

/// A table of text. A column whose cells are all numbers (or empty, or a dash) is set to the right.
struct TextTable {
  std::string caption = {};
  std::vector<std::string> head = {};
  std::vector<std::vector<std::string>> rows = {};  ///< each as long as `head`
  bool total = false;                               ///< the last row is a sum
};

namespace detail::report {

/// Whether `cell` reads as a number, perhaps with a sign, a unit, an error or a percent sign after it.
inline bool numeric(std::string_view cell) {
  for (const std::string_view sign : {"−", "-", "+", "±"}) {
    if (cell.starts_with(sign)) cell.remove_prefix(sign.size());
  }
  return cell.empty() || cell == undefined_text || (cell.front() >= '0' && cell.front() <= '9');
}

/// Which columns are set to the right. Throws ShapeError when a row is not as long as the head.
inline std::vector<bool> right_columns(const TextTable& table) {
  std::vector<bool> right(table.head.size(), !table.rows.empty());
  for (const std::vector<std::string>& row : table.rows) {
    if (row.size() != table.head.size()) {
      throw ShapeError("table '" + table.caption + "': expected " + std::to_string(table.head.size()) +
                       " cells in each row, found " + std::to_string(row.size()));
    }
    for (std::size_t i = 0; i < row.size(); ++i) right[i] = right[i] && numeric(row[i]);
  }
  return right;
}

}  // namespace detail::report

/// The table in lines of text, its columns aligned. Throws as `to_html`.
inline std::string to_text(const TextTable& table) {
  const std::vector<bool> right = detail::report::right_columns(table);
  std::vector<std::vector<std::string>> lines{table.head};
  lines.insert(lines.end(), table.rows.begin(), table.rows.end());
  std::vector<std::size_t> widths(table.head.size());
  for (const auto& line : lines) {
    for (std::size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], character_count(line[i]));
  }
  std::string out = table.caption.empty() ? "" : table.caption + "\n";
  for (const auto& line : lines) {
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
      const std::string space(widths[i] - character_count(line[i]), ' ');
      text += (i == 0 ? "" : "  ") + (right[i] ? space + line[i] : line[i] + space);
    }
    out += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

}  // namespace abell

#pragma once
/// metrics.json for the eye.

#include <abell/report/text.hpp>
#include <abell/report/text_table.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../common/run_folder.hpp"

namespace abell::program {

/// A figure of metrics.json: counts whole, shares to three decimals, and three digits of what has a unit.
inline std::string figure_text(const Json& value, bool in_units) {
  if (value.is_null()) return std::string(undefined_text);
  if (value.is_number_unsigned()) return grouped_text(value.get<std::size_t>());
  return in_units ? number_text(value.get<double>()) : fixed_text(value.get<double>(), 3);
}

/// What the table calls a figure: abbreviations in capitals, others in words.
inline std::string figure_name(std::string key) {
  constexpr std::array<std::string_view, 7> abbreviations{"auc", "tp", "fp", "tn", "fn", "mae", "rmse"};
  if (key == "r2") return "R²";
  if (std::ranges::find(abbreviations, key) == abbreviations.end()) return in_words(std::move(key));
  std::ranges::transform(key, key.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
  return key;
}

/// Adds a row for each figure of `last`, and the same of the other columns; `name` stands before the figure's.
inline void add_figures(TextTable& table, const std::vector<const Json*>& columns, const std::string& name,
                        bool in_units) {
  for (const auto& [key, value] : columns.back()->items()) {
    if (key == "threshold") continue;
    std::vector<const Json*> inner;
    for (const Json* column : columns) inner.push_back(&column->at(key));
    const bool group = key == "classes" || key == "targets";
    const std::string below = group ? name : name.empty() ? figure_name(key) : name + ", " + figure_name(key);
    if (value.is_object()) {
      add_figures(table, inner, below, in_units || key == "targets");
      continue;
    }
    table.rows.push_back({below});
    for (const Json* figure : inner) table.rows.back().push_back(figure_text(*figure, in_units && key != "r2"));
  }
}

/// The figures of the kept and of the last weights side by side.
inline TextTable metrics_table(const Json& metrics) {
  TextTable table{.caption = "Results on the " + metrics.at("split").get<std::string>() + " split",
                  .head = {"", "best (epoch " + std::to_string(metrics.at("best_epoch").get<int>()) + ")"}};
  std::vector<const Json*> columns{&metrics};
  if (metrics.contains("without_tta")) {
    columns.push_back(&metrics.at("without_tta"));
    table.head.emplace_back("best without --tta");
  }
  columns.push_back(&metrics.at("last"));
  table.head.emplace_back("last");
  add_figures(table, columns, "", false);
  return table;
}

/// Prints them, and where the report is.
inline void print_results(const Json& metrics, const std::filesystem::path& out) {
  std::cout << to_text(metrics_table(metrics)) << "report: " << (out / "report.html").string() << std::endl;
}

}  // namespace abell::program

#pragma once
/// Table 1 of Kosiba et al. (2020): what the volunteers decided against what experts say, as CSV, Markdown and LaTeX.

#include <abell/core/atomic_file.hpp>
#include <abell/core/csv.hpp>
#include <abell/metrics/confusion.hpp>
#include <abell/report/html.hpp>
#include <abell/report/text.hpp>
#include <array>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace abell {

/// One row: which objects, how their votes were weighed, what came of it.
struct Table1Row {
  std::string objects;
  std::string scheme;
  Confusion counts;
};

/// The table as text, ratios to three decimals as in the paper.
inline TextTable table1(const std::vector<Table1Row>& rows) {
  TextTable table{.head = {"objects", "n", "votes", "TP", "TN", "FP", "FN", "accuracy", "precision", "recall"}};
  const auto ratio = [](const std::optional<double>& value) {
    return fixed_text(value.value_or(std::numeric_limits<double>::quiet_NaN()), 3);
  };
  for (const Table1Row& row : rows) {
    const Confusion& c = row.counts;
    table.rows.push_back({row.objects, std::to_string(c.objects()), row.scheme, std::to_string(c.tp),
                          std::to_string(c.tn), std::to_string(c.fp), std::to_string(c.fn), ratio(c.accuracy()),
                          ratio(c.precision()), ratio(c.recall())});
  }
  return table;
}

namespace detail::report {

template <class Escape>
void write_joined(std::ostream& out, const std::vector<std::string>& cells, const Escape& escape,
                  std::string_view before, std::string_view between, std::string_view after) {
  out << before;
  for (std::size_t i = 0; i < cells.size(); ++i) out << (i > 0 ? between : "") << escape(cells[i]);
  out << after << '\n';
}

}  // namespace detail::report

/// The table in Markdown.
inline void write_markdown(std::ostream& out, const TextTable& table) {
  using detail::report::write_joined;
  write_joined(out, table.head, escape_markdown, "| ", " | ", " |");
  write_joined(out, std::vector<std::string>(table.head.size(), "---"), escape_markdown, "|", "|", "|");
  for (const std::vector<std::string>& row : table.rows) write_joined(out, row, escape_markdown, "| ", " | ", " |");
}

/// The table as a LaTeX tabular.
inline void write_latex(std::ostream& out, const TextTable& table) {
  using detail::report::write_joined;
  out << "\\begin{tabular}{lrl" << std::string(table.head.size() - 3, 'r') << "}\n\\hline\n";
  write_joined(out, table.head, escape_tex, "", " & ", " \\\\");
  out << "\\hline\n";
  for (std::vector<std::string> row : table.rows) {
    for (std::string& cell : row) {
      if (cell == undefined_text) cell = "--";
    }
    write_joined(out, row, escape_tex, "", " & ", " \\\\");
  }
  out << "\\hline\n\\end{tabular}\n";
}

/// Writes table1.csv, table1.md and table1.tex into `folder`. Throws IoError.
inline void write_table1(const std::filesystem::path& folder, const std::vector<Table1Row>& rows) {
  const TextTable table = table1(rows);
  AtomicFile csv(folder / "table1.csv");
  write_csv_row(csv.stream(), table.head);
  for (std::vector<std::string> row : table.rows) {
    for (std::string& cell : row) {
      if (cell == undefined_text) cell.clear();
    }
    write_csv_row(csv.stream(), row);
  }
  AtomicFile markdown(folder / "table1.md");
  write_markdown(markdown.stream(), table);
  AtomicFile latex(folder / "table1.tex");
  write_latex(latex.stream(), table);
  for (AtomicFile* file : {&csv, &markdown, &latex}) file->commit();
}

}  // namespace abell

#pragma once
/// The results table as CSV, Markdown and LaTeX.

#include <abell/core/atomic_file.hpp>
#include <abell/core/csv.hpp>
#include <abell/report/experiment.hpp>
#include <abell/report/text_table.hpp>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell {

namespace detail::report {

/// Mean and standard deviation as two columns, empty where they are not there.
inline void add_spread(std::vector<std::pair<std::string, std::string>>& fields, const std::string& name,
                       const Spread& spread) {
  fields.emplace_back(name, spread.mean ? csv_number(*spread.mean) : "");
  fields.emplace_back(name + "_sd", spread.deviation ? csv_number(*spread.deviation) : "");
}

}  // namespace detail::report

/// One line of results.csv as column and text, in order; numbers that are not there are empty.
inline std::vector<std::pair<std::string, std::string>> result_fields(const Experiment& experiment,
                                                                      const ExperimentRow& row) {
  const RowSummary summary = summarise(row, experiment.labels());
  const std::filesystem::path file = row.network;
  const std::string network = file.extension() == ".json" ? file.stem().string() : row.network;
  std::vector<std::pair<std::string, std::string>> fields{{"row", row.slug},
                                                          {"title", row.title},
                                                          {"network", network},
                                                          {"channels", row.channels},
                                                          {"labels", row.labels},
                                                          {"augmentation", row.augment ? "yes" : "no"},
                                                          {"quick", experiment.quick ? "yes" : "no"},
                                                          {"status", row.missing.empty() ? "ok" : row.missing},
                                                          {"runs", std::to_string(row.runs.size())},
                                                          {"objects", std::to_string(experiment.objects.size())}};
  const auto add = [&](const std::string& name, const Spread& spread) {
    detail::report::add_spread(fields, name, spread);
  };
  const auto add_all = [&](const std::string& before, const MeasureSpreads& spreads) {
    for (std::size_t i = 0; i < spreads.size(); ++i) add(before + measure_names[i], spreads[i]);
  };
  add_all("", summary.plain);
  for (std::size_t i = 0; i < measure_names.size(); ++i) {
    fields.emplace_back(std::string("paper_") + measure_names[i], csv_number(row.paper[i]));
    fields.emplace_back(std::string("paper_") + measure_names[i] + "_sd", csv_number(row.paper_deviation[i]));
  }
  for (std::size_t i = 0; i < measure_names.size(); ++i) {
    fields.emplace_back(std::string("ensemble_") + measure_names[i], csv_number(summary.ensemble[i]));
  }
  add("threshold", summary.threshold);
  add_all("threshold_", summary.chosen);
  add("calibration_error", summary.calibration);
  add("temperature", summary.temperature);
  fields.emplace_back("temperature_median", summary.median_temperature ? csv_number(*summary.median_temperature) : "");
  fields.emplace_back("temperatures_at_bound", std::to_string(summary.bounded_temperatures));
  add("scaled_calibration_error", summary.calibrated);
  add_all("tta_", summary.averaged);
  add("dropout_sd", summary.dropout);
  return fields;
}

/// One line of times.csv in the same form: what the clock says, apart from the results, which are the same each time.
inline std::vector<std::pair<std::string, std::string>> time_fields(const Experiment& experiment,
                                                                    const ExperimentRow& row) {
  const RowSummary summary = summarise(row, experiment.labels());
  std::vector<std::pair<std::string, std::string>> fields{{"row", row.slug}, {"runs", std::to_string(row.runs.size())}};
  detail::report::add_spread(fields, "seconds", summary.seconds);
  detail::report::add_spread(fields, "images_per_second", summary.images_per_second);
  return fields;
}

inline constexpr std::array<std::string_view, 4> measure_letters{"A", "P", "R", "AUC"};

/// The published values of a row.
inline Spread paper_spread(const ExperimentRow& row, std::size_t measure) {
  if (!std::isfinite(row.paper[measure])) return {};
  return {row.paper[measure], row.paper_deviation[measure], 10, 10};
}

namespace detail::report {

/// The cells of a row of the short table: title, ours, the paper's, runs; `escape` takes text, `cell` writes a number.
template <class Escape, class Cell>
std::vector<std::string> short_row(const Experiment& experiment, const ExperimentRow& row, const Escape& escape,
                                   const Cell& cell) {
  std::vector<std::string> cells{escape(row.title)};
  const RowSummary summary = summarise(row, experiment.labels());
  for (std::size_t i = 0; i < measure_letters.size(); ++i) {
    cells.push_back(!row.missing.empty() && i == 0 ? escape(row.missing) : cell(summary.plain[i], 3));
  }
  for (std::size_t i = 0; i < measure_letters.size(); ++i) cells.push_back(cell(paper_spread(row, i), 2));
  cells.push_back(std::to_string(row.runs.size()));
  return cells;
}

inline std::vector<std::string> short_head() {
  std::vector<std::string> head{"Row"};
  for (const std::string_view letter : measure_letters) head.emplace_back(letter);
  for (const std::string_view letter : measure_letters) head.push_back("paper " + std::string(letter));
  head.emplace_back("runs");
  return head;
}

inline std::string joined(const std::vector<std::string>& cells, std::string_view between) {
  std::string out;
  for (const std::string& cell : cells) out += (out.empty() ? "" : std::string(between)) + cell;
  return out;
}

}  // namespace detail::report

/// The results for a terminal: ours, below each row the paper's.
inline TextTable results_table(const Experiment& experiment) {
  TextTable table{.head = {"Row", "A", "P", "R", "AUC", "Runs"}};
  for (const ExperimentRow& row : experiment.rows) {
    const RowSummary summary = summarise(row, experiment.labels());
    std::vector<std::string> ours{row.title}, papers{"  paper"};
    for (std::size_t i = 0; i < measure_letters.size(); ++i) {
      ours.push_back(!row.missing.empty() && i == 0 ? row.missing : spread_text(summary.plain[i]));
      papers.push_back(spread_text(paper_spread(row, i), 2));
    }
    ours.push_back(std::to_string(row.runs.size()));
    papers.emplace_back();
    table.rows.push_back(std::move(ours));
    if (paper_spread(row, 0).mean) table.rows.push_back(std::move(papers));
  }
  return table;
}

namespace detail::report {

inline std::string objects_text(const Experiment& experiment) {
  return "Mean ± sample standard deviation (n − 1) over the n runs of a row, " +
         std::to_string(experiment.objects.size()) + " objects of the " + experiment.split + " split, threshold 0.5.";
}

}  // namespace detail::report

namespace detail::report {

/// A table with a line of `fields_of` for each row.
template <class Fields>
void write_rows(const std::filesystem::path& path, const Experiment& experiment, const Fields& fields_of) {
  AtomicFile file(path);
  bool first = true;
  for (const ExperimentRow& row : experiment.rows) {
    std::vector<std::string> names;
    std::vector<std::string> values;
    for (const auto& [name, value] : fields_of(experiment, row)) {
      names.push_back(name);
      values.push_back(value);
    }
    if (first) write_csv_row(file.stream(), names);
    first = false;
    write_csv_row(file.stream(), values);
  }
  file.commit();
}

}  // namespace detail::report

/// results.csv: one line a row. Throws IoError.
inline void write_results_csv(const std::filesystem::path& path, const Experiment& experiment) {
  detail::report::write_rows(path, experiment, result_fields);
}

/// times.csv: one line a row. Throws IoError.
inline void write_times_csv(const std::filesystem::path& path, const Experiment& experiment) {
  detail::report::write_rows(path, experiment, time_fields);
}

/// results.md: ours beside the paper's. Throws IoError.
inline void write_results_markdown(const std::filesystem::path& path, const Experiment& experiment) {
  using namespace detail::report;
  AtomicFile file(path);
  const std::vector<std::string> head = short_head();
  file.stream() << "# " << escape_markdown(experiment.subtitle) << "\n\n";
  for (const std::string& note : experiment.notes) file.stream() << "> " << escape_markdown(note) << "\n\n";
  file.stream() << "| " << joined(head, " | ") << " |\n|---|";
  for (std::size_t i = 1; i < head.size(); ++i) file.stream() << "---:|";
  file.stream() << "\n";
  for (const ExperimentRow& row : experiment.rows) {
    const auto cell = [](const Spread& spread, int decimals) { return spread_text(spread, decimals); };
    file.stream() << "| " << joined(short_row(experiment, row, escape_markdown, cell), " | ") << " |\n";
  }
  file.stream() << "\n" << escape_markdown(objects_text(experiment)) << "\n";
  file.commit();
}

/// results.tex: the same as a `tabular`. Throws IoError.
inline void write_results_tex(const std::filesystem::path& path, const Experiment& experiment) {
  using namespace detail::report;
  AtomicFile file(path);
  file.stream() << "% " << printable(experiment.subtitle) << "\n";
  for (const std::string& note : experiment.notes) file.stream() << "% " << printable(note) << "\n";
  file.stream() << "% " << printable(objects_text(experiment)) << "\n\\begin{tabular}{lccccccccr}\n\\hline\n";
  const std::vector<std::string> head = short_head();
  file.stream() << joined(head, " & ") << " \\\\\n\\hline\n";
  for (const ExperimentRow& row : experiment.rows) {
    const auto cell = [](const Spread& spread, int decimals) {
      if (!spread.mean) return std::string("--");
      const std::string deviation = spread.deviation ? " \\pm " + fixed_text(*spread.deviation, decimals) : "";
      return "$" + fixed_text(*spread.mean, decimals) + deviation + "$" + missing_text(spread);
    };
    file.stream() << joined(short_row(experiment, row, escape_tex, cell), " & ") << " \\\\\n";
  }
  file.stream() << "\\hline\n\\end{tabular}\n";
  file.commit();
}

}  // namespace abell

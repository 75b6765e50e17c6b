#pragma once
/// The tables of an experiment's page.

#include <abell/metrics/comparison.hpp>
#include <abell/report/experiment.hpp>
#include <abell/report/experiment_table.hpp>
#include <abell/report/html.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// The rows that have runs.
inline std::vector<const ExperimentRow*> rows_with_runs(const Experiment& experiment) {
  std::vector<const ExperimentRow*> rows;
  for (const ExperimentRow& row : experiment.rows) {
    if (!row.runs.empty()) rows.push_back(&row);
  }
  return rows;
}

namespace detail::report {

/// A spread in HTML whose deviation goes to a line of its own on a phone.
inline std::string spread_html(const Spread& spread, int decimals) {
  const std::string text = spread_text(spread, decimals);
  const std::size_t sign = std::min(text.find(" ±"), text.find(" ("));
  if (sign == std::string::npos) return escape_html(text);
  return text.substr(0, sign) + "<span>" + text.substr(sign) + "</span>";
}

}  // namespace detail::report

/// The results as HTML: ours, below each number the paper's in small type.
inline std::string results_html(const Experiment& experiment) {
  using detail::report::element;
  std::string out = "<div class=\"scroll\"><table class=\"results\">\n<thead><tr><th>Row</th>";
  for (const std::string_view letter : measure_letters) out += element("th", "right", letter);
  out += "<th class=\"right\">Runs</th></tr></thead>\n<tbody>\n";
  for (const ExperimentRow& row : experiment.rows) {
    const RowSummary summary = summarise(row, experiment.labels());
    out += "<tr><td>" + escape_html(row.title) + "<small>paper</small></td>";
    for (std::size_t i = 0; i < measure_letters.size(); ++i) {
      const bool missing = !row.missing.empty() && i == 0;
      out += "<td class=\"right\">";
      out += missing ? escape_html(row.missing) : detail::report::spread_html(summary.plain[i], 3);
      out += "<small>" + detail::report::spread_html(paper_spread(row, i), 2) + "</small></td>";
    }
    out += element("td", "right", std::to_string(row.runs.size())) + "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

namespace detail::report {

/// A p-value: three decimals, below that a power of ten.
inline std::string p_text(double p) { return p < 0.001 && p > 0 ? number_text(p, 2) : fixed_text(p, 3); }

}  // namespace detail::report

/// What goes beyond the paper for one measure, accuracy (0) or area (3): the runs' threshold, their ensemble,
/// test-time averaging, and beside the accuracy the deviation with dropout on.
inline TextTable beyond_table(const Experiment& experiment, std::size_t measure) {
  const std::string letter(measure_letters[measure]);
  const bool decides = measure == 0;  // areas know no threshold
  std::vector<std::pair<const ExperimentRow*, RowSummary>> rows;
  bool averaged = false;
  bool dropout = false;
  for (const ExperimentRow* row : rows_with_runs(experiment)) {
    rows.emplace_back(row, summarise(*row, experiment.labels()));
    averaged = averaged || rows.back().second.averaged[measure].mean;
    dropout = dropout || (decides && rows.back().second.dropout.mean);
  }
  TextTable table{.head = {"Row", letter, letter + " of the ensemble"}};
  if (averaged) table.head.push_back(letter + " averaged");
  if (decides) table.head.insert(table.head.end(), {letter + " at the threshold", "Threshold"});
  if (dropout) table.head.emplace_back("Dropout deviation");
  for (const auto& [row, summary] : rows) {
    std::vector<std::string> cells{row->title, spread_text(summary.plain[measure]),
                                   fixed_text(summary.ensemble[measure], 3)};
    if (averaged) cells.push_back(spread_text(summary.averaged[measure]));
    if (decides) {
      cells.push_back(spread_text(summary.chosen[measure]));
      cells.push_back(spread_text(summary.threshold, 2));
    }
    if (dropout) cells.push_back(spread_text(summary.dropout));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

inline TextTable calibration_table(const Experiment& experiment) {
  TextTable table{.head = {"Row", "Error", "Temperature", "Median", "At a bound", "Error at it"}};
  for (const ExperimentRow* row : rows_with_runs(experiment)) {
    const RowSummary summary = summarise(*row, experiment.labels());
    const std::size_t bounded = summary.bounded_temperatures;
    table.rows.push_back(
        {row->title, spread_text(summary.calibration), spread_text(summary.temperature, 2),
         summary.median_temperature ? fixed_text(*summary.median_temperature, 2) : std::string(undefined_text),
         bounded == 0 ? "0" : std::to_string(bounded) + " of " + counted_text(summary.temperature.runs, "run"),
         spread_text(summary.calibrated)});
  }
  return table;
}

/// p-values of all pairs of rows, each row as the ensemble of its runs: McNemar's test above the diagonal, DeLong's
/// below.
inline TextTable comparison_table(const Experiment& experiment) {
  const std::vector<const ExperimentRow*> rows = rows_with_runs(experiment);
  const std::vector<int> labels = experiment.labels();
  TextTable table{.head = {"DeLong \\ McNemar"}};
  std::vector<std::vector<float>> scores;
  for (const ExperimentRow* row : rows) {
    table.head.push_back(row->title);
    scores.push_back(ensemble(*row));
  }
  for (std::size_t a = 0; a < rows.size(); ++a) {
    std::vector<std::string> cells{rows[a]->title};
    for (std::size_t b = 0; b < rows.size(); ++b) {
      if (a == b) {
        cells.emplace_back("");
      } else if (b > a) {
        cells.push_back(detail::report::p_text(mcnemar(discordant(scores[a], scores[b], labels))));
      } else {
        const auto test = delong(scores[a], scores[b], labels);
        cells.push_back(test ? detail::report::p_text(test->p) : std::string(undefined_text));
      }
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

namespace detail::report {

/// Share of right decisions over the runs of a row on some of the objects.
inline Spread right_share(const ExperimentRow& row, const Experiment& experiment,
                          const std::vector<std::size_t>& objects) {
  std::vector<double> shares;
  for (const ExperimentRun& run : row.runs) {
    double right = 0;
    for (const std::size_t i : objects) right += is_positive(run.test[i]) == (experiment.objects[i].label == 1) ? 1 : 0;
    shares.push_back(right / static_cast<double>(objects.size()));
  }
  return spread_of(shares);
}

/// Some of the objects under a name.
struct Group {
  std::string name;
  std::vector<std::size_t> objects;
};

/// Right shares: a line for each row with runs, a column for each group; no lines without groups.
inline TextTable group_table(const Experiment& experiment, const std::vector<Group>& groups) {
  TextTable table{.head = {"Row"}};
  for (const Group& group : groups) {
    table.head.push_back(group.name + " (" + std::to_string(group.objects.size()) + ")");
  }
  for (const ExperimentRow* row : rows_with_runs(experiment)) {
    if (groups.empty()) break;
    std::vector<std::string> cells{row->title};
    for (const Group& group : groups) cells.push_back(spread_text(right_share(*row, experiment, group.objects), 2));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

}  // namespace detail::report

/// Share of right decisions by the class in the set's own words.
inline TextTable class_table(const Experiment& experiment) {
  std::set<std::string> classes;
  for (const ExperimentObject& object : experiment.objects) classes.insert(object.class_name);
  std::vector<detail::report::Group> groups;
  for (const std::string& name : classes) {
    groups.push_back({name, {}});
    for (std::size_t i = 0; i < experiment.objects.size(); ++i) {
      if (experiment.objects[i].class_name == name) groups.back().objects.push_back(i);
    }
  }
  return detail::report::group_table(experiment, groups);
}

/// Recall in four groups, as equal as can be, of positives by flux or redshift; no lines when less than eight
/// positives have one.
inline TextTable quartile_table(const Experiment& experiment, double ExperimentObject::*property) {
  std::vector<std::size_t> known;
  for (std::size_t i = 0; i < experiment.objects.size(); ++i) {
    const ExperimentObject& object = experiment.objects[i];
    if (object.label == 1 && std::isfinite(object.*property) && object.*property > 0) known.push_back(i);
  }
  std::ranges::stable_sort(known, [&](std::size_t a, std::size_t b) {
    return experiment.objects[a].*property < experiment.objects[b].*property;
  });
  constexpr std::size_t parts = 4;
  std::vector<detail::report::Group> groups;
  for (std::size_t part = 0; part < parts && known.size() >= 2 * parts; ++part) {
    const auto from = static_cast<std::ptrdiff_t>(part * known.size() / parts);
    const auto end = static_cast<std::ptrdiff_t>((part + 1) * known.size() / parts);
    const std::vector<std::size_t> members(known.begin() + from, known.begin() + end);
    const auto at = [&](std::size_t i) { return number_text(experiment.objects[i].*property, 2); };
    groups.push_back({at(members.front()) + " to " + at(members.back()), members});
  }
  return detail::report::group_table(experiment, groups);
}

/// 95 % intervals of the first run's measures: what one run alone tells.
inline TextTable interval_table(const Experiment& experiment) {
  using namespace detail::report;
  TextTable table{.head = {"Row, first run", "A", "P", "R", "AUC"}};
  const std::vector<int> labels = experiment.labels();
  for (const ExperimentRow* row : rows_with_runs(experiment)) {
    const std::vector<float>& scores = row->runs.front().test;
    std::vector<std::string> cells{row->title + ", seed " + std::to_string(row->runs.front().seed)};
    const std::vector<Measured> all = measures_of({scores, labels, confusion(scores, labels)});
    for (std::size_t i = 0; i < 4; ++i) {
      const std::string interval = interval_text(all[i].interval);
      cells.push_back(value_text(all[i].value) + (interval.empty() ? "" : " (" + interval + ")"));
    }
    table.rows.push_back(std::move(cells));
  }
  return table;
}

/// Seed, best epoch, measures and time of every run.
inline TextTable runs_table(const Experiment& experiment) {
  TextTable table{.head = {"Row", "Seed", "Epochs", "Best epoch", "A", "P", "R", "AUC", "Images/s", "Time"}};
  const std::vector<int> labels = experiment.labels();
  for (const ExperimentRow* row : rows_with_runs(experiment)) {
    for (const ExperimentRun& run : row->runs) {
      const Measures values = measures(run.test, labels);
      std::vector<std::string> cells{row->title, std::to_string(run.seed), std::to_string(run.history.size()),
                                     std::to_string(run.best_epoch)};
      for (const double value : values) cells.push_back(fixed_text(value, 3));
      cells.push_back(number_text(run.images_per_second));
      cells.push_back(duration_text(run.seconds));
      table.rows.push_back(std::move(cells));
    }
  }
  return table;
}

}  // namespace abell

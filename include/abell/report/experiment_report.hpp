#pragma once
/// report.html of an experiment.

#include <abell/report/examples.hpp>
#include <abell/report/experiment_figures.hpp>
#include <abell/report/experiment_parts.hpp>
#include <abell/report/filter_pictures.hpp>
#include <abell/report/html.hpp>
#include <array>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// All that the page shows. What is empty is left out.
struct ExperimentReport {
  std::string title = "The paper's experiment";
  Experiment experiment = {};
  std::string command = {};
  KeyValues configuration = {};  ///< options, versions, seeds
  KeyValues machine = {};        ///< date, processor and the like
  double total_seconds = std::numeric_limits<double>::quiet_NaN();
  std::vector<std::pair<std::string, TextTable>> networks = {};  ///< by name
  std::size_t shown = 0;                                         ///< the row whose ensemble the examples are from
  std::vector<ReportExample> examples = {};  ///< `prediction` is a position in the experiment's objects
  bool sky_channels = false;                 ///< the images' channels are [empty, optical, X-ray]
  FilterPictures filters = {};
};

namespace detail::report {

using RowFigure = std::string (*)(const ExperimentRow&, std::span<const int>);

/// The same figure for every row.
inline void add_row_figures(Page& page, const Experiment& experiment, RowFigure figure) {
  const std::vector<int> labels = experiment.labels();
  std::vector<Figure> figures;
  for (const ExperimentRow* row : rows_with_runs(experiment)) figures.push_back({figure(*row, labels), ""});
  page.figures(figures);
}

inline void add_training(Page& page, const Experiment& experiment) {
  page.section("Training");
  page.remark("Mean over the runs with a band of one sample standard deviation. " + std::string(training_text));
  std::vector<Figure> losses;
  std::vector<Figure> accuracies;
  std::vector<const ExperimentRow*> networks;  // the first row of each network
  for (const ExperimentRow* row : rows_with_runs(experiment)) {
    losses.push_back(
        {training_figure(*row, &EpochRecord::loss, &EpochRecord::validation_loss, {.title = "loss (cross-entropy)"})});
    accuracies.push_back(
        {training_figure(*row, &EpochRecord::metric, &EpochRecord::validation_metric, {.title = "accuracy"})});
    const auto same = [&](const ExperimentRow* other) { return other->network == row->network; };
    if (std::ranges::none_of(networks, same)) networks.push_back(row);
  }
  page.subsection("Loss").figures(losses);
  page.subsection("Accuracy").figures(accuracies);
  page.subsection("Learning rate").figures({{learning_rate_figure(networks), "First run of the rows named."}});
}

inline void add_groups(Page& page, const Experiment& experiment) {
  page.section("By class, flux and redshift");
  page.remark(
      "Accuracy, mean ± sample standard deviation (n − 1) over the runs; in brackets the number of "
      "objects.");
  page.table(class_table(experiment));
  const auto add = [&](double ExperimentObject::*property, const std::string& name) {
    const TextTable table = quartile_table(experiment, property);
    if (table.rows.empty()) return;
    page.remark("Recall of " + experiment.classes.positive + "s by " + name + ":");
    page.table(table);
  };
  add(&ExperimentObject::flux, "flux in erg/cm²/s");
  add(&ExperimentObject::redshift, "redshift");
}

inline void add_decisions(Page& page, const Experiment& experiment) {
  page.section("Receiver operating characteristic");
  page.remark(
      "Bands: one sample standard deviation over the runs. The paper's point follows from its precision and recall.");
  add_row_figures(page, experiment, roc_figure);
  page.section("Precision and recall");
  add_row_figures(page, experiment, precision_recall_figure);
  page.section("Confusion matrices");
  page.remark("Decisions of all runs together.");
  std::vector<Figure> figures;
  const std::vector<int> labels = experiment.labels();
  for (const ExperimentRow* row : rows_with_runs(experiment)) {
    figures.push_back({confusion_figure(pooled(*row, labels), experiment.classes, row->title), ""});
  }
  page.figures(figures);
  page.section("Reliability");
  page.remark(
      "Ten equal intervals of probability, all runs together, with 95 % intervals of Wilson; the bars count the "
      "objects in each. Error: expected calibration error. The temperature is fitted on each run's validation split, "
      "from " +
      number_text(lowest_temperature) + " to " + number_text(highest_temperature) +
      ": at these bounds it says no more than lower or higher, and the median is the better guide.");
  page.table(calibration_table(experiment));
  add_row_figures(page, experiment, reliability_figure);
}

/// True positives, false positives and false negatives of one row's ensemble.
inline void add_galleries(Page& page, const ExperimentReport& report) {
  const Experiment& experiment = report.experiment;
  const ExperimentRow& row = experiment.rows[report.shown];
  const std::vector<float> scores = ensemble(row);
  page.section("Examples");
  const ExamplePanels panels(report.examples, report.sky_channels);
  page.remark("Each object: " + panels.text("the first run's answer") + ". Below it: probability of " +
              experiment.classes.positive + " (" + row.title + ", mean of its runs), true class, name.");
  page.html_part(panels.colours());
  const std::array<std::pair<Outcome, const char*>, 3> groups{{{Outcome::true_positive, "True positives"},
                                                               {Outcome::false_positive, "False positives"},
                                                               {Outcome::false_negative, "False negatives"}}};
  for (const auto& [outcome, title] : groups) {
    std::vector<GalleryItem> items;
    for (const ReportExample& example : report.examples) {
      const ExperimentObject& object = experiment.objects.at(example.prediction);
      const ReportPrediction prediction{object.id, object.class_name, object.label, scores.at(example.prediction)};
      if (outcome_of(prediction) == outcome) items.push_back(panels.item(example, prediction));
    }
    page.subsection(title);
    if (items.empty()) page.remark("None.");
    page.html_part(gallery(items, panels.options()));
  }
}

}  // namespace detail::report

/// Builds the page. Errors as `confusion`; ShapeError for a picture whose bytes do not fit its shape.
inline Page experiment_page(const ExperimentReport& report) {
  using namespace detail::report;
  const Experiment& experiment = report.experiment;
  Page page(report.title, experiment.subtitle);
  for (const std::string& note : experiment.notes) page.note(note);
  page.section("Results");
  page.html_part(results_html(experiment));
  page.remark(objects_text(experiment) + " In small type the paper's values, on its own data.");
  if (!rows_with_runs(experiment).empty()) {
    page.section("Beyond the paper");
    page.remark(
        "The threshold is the one with the most correct decisions on each run's validation split. An ensemble is the "
        "mean "
        "probability of a row's runs.");
    page.table(beyond_table(experiment, 0)).table(beyond_table(experiment, 3));
    page.remark("What a single run can say: values with 95 % intervals (Wilson; Hanley and McNeil).");
    page.table(interval_table(experiment));
    if (rows_with_runs(experiment).size() > 1) {
      page.remark(
          "p-values between rows, as ensembles, on the same objects: above the diagonal McNemar's exact test of the "
          "decisions, below it DeLong's test of the areas. Not corrected for the number of tests.");
      page.table(comparison_table(experiment));
    }
    add_groups(page, experiment);
    add_training(page, experiment);
    add_decisions(page, experiment);
    if (!report.examples.empty()) add_galleries(page, report);
    add_filters(page, report.filters, report.sky_channels, experiment.rows[report.shown].title + ", first run");
    page.section("Runs, time and machine");
    KeyValues timings = report.machine;
    if (std::isfinite(report.total_seconds)) {
      timings.emplace_back("Training time of all runs", duration_text(report.total_seconds));
    }
    page.key_values(timings);
    page.table(runs_table(experiment));
  }
  for (const auto& [name, table] : report.networks) page.section("Network: " + name).table(table);
  if (!report.configuration.empty()) page.section("Configuration").key_values(report.configuration);
  if (!report.command.empty()) page.section("Command").code(report.command);
  return page;
}

}  // namespace abell

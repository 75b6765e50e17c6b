#pragma once
/// report.html of a training run.

#include <abell/metrics/confusion.hpp>
#include <abell/metrics/history.hpp>
#include <abell/report/examples.hpp>
#include <abell/report/figures.hpp>
#include <abell/report/filter_pictures.hpp>
#include <abell/report/html.hpp>
#include <abell/report/measures.hpp>
#include <abell/report/text.hpp>
#include <abell/report/training_curves.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// What a network that does more than tell two classes apart did on the evaluated split.
struct TaskReport {
  std::vector<SummaryTile> tiles = {};
  std::string remark = {};
  TextTable table = {};
  std::vector<Figure> figures = {};
  std::vector<GalleryItem> examples = {};
  std::vector<std::string> gallery_names = {};  ///< of an example's panels
  std::string gallery_remark = {};
  std::vector<ColourName> gallery_colours = {};
};

/// All that a report shows. What is empty or NaN is left out, so a run without a test split has a report too.
struct TrainingReport {
  std::string title = "Training report";
  std::string subtitle = {};            ///< data set and network, for instance
  std::vector<std::string> notes = {};  ///< such as "Simulated data."
  std::string command = {};             ///< the command line
  KeyValues configuration = {};         ///< every option
  TextTable splits = {};                ///< objects of each class in each split
  std::string splits_remark = {};       ///< where the splits come from
  TextTable network = {};               ///< layer, output shape, parameters, multiply-adds
  History history = {};
  std::string loss = "cross-entropy";  ///< what the history's loss is
  std::string metric = "accuracy";     ///< likewise; empty: none
  std::optional<int> best_epoch = {};  ///< the epoch whose weights were kept
  std::string test_name = "test";      ///< what the evaluated split is called
  std::vector<ReportPrediction> predictions = {};
  float threshold = default_threshold;
  std::optional<float> best_threshold = {};  ///< on the validation split
  ClassNames classes = {};
  TaskReport task = {};  ///< in place of predictions and examples
  std::vector<ReportExample> examples = {};
  bool sky_channels = false;    ///< the images' channels are [empty, optical, X-ray]
  FilterPictures filters = {};  ///< of the kept weights
  double images_per_second = std::numeric_limits<double>::quiet_NaN();
  double total_seconds = std::numeric_limits<double>::quiet_NaN();
  KeyValues machine = {};  ///< date, processor and the like
  KeyValues timings = {};  ///< further times, such as the time spent waiting for data
};

namespace detail::report {

inline Scores scores_of(const TrainingReport& report) {
  Scores scores;
  for (const ReportPrediction& prediction : report.predictions) {
    scores.probabilities.push_back(prediction.p_cluster);
    scores.labels.push_back(prediction.label);
  }
  scores.counts = confusion(scores.probabilities, scores.labels, report.threshold);
  return scores;
}

inline void add_summary(Page& page, const TrainingReport& report, const Scores& scores,
                        const std::vector<Measured>& measures) {
  const Confusion& c = scores.counts;
  std::vector<SummaryTile> tiles;
  for (std::size_t i = 0; i < 4; ++i) {
    const std::string interval = interval_text(measures[i].interval);
    tiles.push_back({measures[i].name, value_text(measures[i].value),
                     measures[i].counts + (interval.empty() ? "" : "\n95 %: " + interval)});
  }
  page.tiles(tiles);
  page.remark(grouped_text(c.objects()) + " objects of the " + report.test_name +
              " split: " + grouped_text(c.positives()) + " " + report.classes.positive + ", " +
              grouped_text(c.negatives()) + " " + report.classes.negative + ". Called " + report.classes.positive +
              " when the probability is above " + number_text(report.threshold) + "." +
              (report.best_threshold ? " The threshold with the most correct decisions on the validation split is " +
                                           number_text(*report.best_threshold) + "."
                                     : ""));
}

/// How the objects of each class in the set's own words were called.
inline TextTable called_by_class(const TrainingReport& report) {
  struct Count {
    std::size_t objects = 0, positive = 0, right = 0;
  };
  std::map<std::string, Count> classes;
  for (const ReportPrediction& prediction : report.predictions) {
    Count& count = classes[prediction.class_name];
    const bool positive = is_positive(prediction.p_cluster, report.threshold);
    ++count.objects;
    count.positive += positive ? 1 : 0;
    count.right += positive == (prediction.label == 1) ? 1 : 0;
  }
  TextTable table{
      .head = {"Class", "Objects", "Called " + report.classes.positive, "Correct", "Accuracy", "95 % interval"}};
  for (const auto& [name, count] : classes) {
    const Measured share = proportion(name, count.right, count.objects);
    table.rows.push_back({name, grouped_text(count.objects), grouped_text(count.positive), grouped_text(count.right),
                          value_text(share.value), interval_text(share.interval)});
  }
  return table;
}

inline void add_test(Page& page, const TrainingReport& report, const Scores& scores,
                     const std::vector<Measured>& measures) {
  const Confusion& c = scores.counts;
  page.section("Decisions on the " + report.test_name + " split");
  TextTable table{.head = {"Measure", "Value", "95 % interval", "Counts"}};
  for (const Measured& measured : measures) {
    table.rows.push_back(
        {measured.name, value_text(measured.value), interval_text(measured.interval), measured.counts});
  }
  page.figures(
      {{confusion_figure(c, report.classes)},
       {roc_figure(scores.probabilities, scores.labels, report.threshold)},
       {precision_recall_figure(scores.probabilities, scores.labels, report.threshold)},
       {probability_figure(scores.probabilities, scores.labels, report.threshold, report.classes)},
       {reliability_figure(
           "Reliability", reliability_counts(scores.probabilities, scores.labels),
           {reliability_curve(scores.probabilities, scores.labels, "as trained", PlotColour::first, true)})},
       {.content = to_html(table),
        .caption = "Intervals: Wilson's, and for the area the score interval with Hanley and McNeil's variance.",
        .wide = true}});
  page.subsection("By class").table(called_by_class(report));
}

inline void add_task(Page& page, const TrainingReport& report) {
  const TaskReport& task = report.task;
  if (!task.table.head.empty()) {
    page.section("Results on the " + report.test_name + " split").table(task.table);
    if (!task.figures.empty()) page.figures(task.figures);
  }
  if (task.examples.empty()) return;
  page.section("Examples").remark(task.gallery_remark);
  if (!task.gallery_colours.empty()) page.html_part(colour_key(task.gallery_colours));
  page.html_part(gallery(task.examples, {.panel_names = task.gallery_names}));
}

inline void add_examples(Page& page, const TrainingReport& report, const Confusion& c) {
  page.section("Examples");
  const ExamplePanels panels(report.examples, report.sky_channels);
  page.remark("Each object: " + panels.text() + ". Below it: probability of " + report.classes.positive +
              ", true class, name.");
  page.html_part(panels.colours());
  const std::string& yes = report.classes.positive;
  const std::string& no = report.classes.negative;
  struct Group {
    Outcome outcome;
    std::string title;
    std::string meaning;
    std::size_t count;
  };
  for (const Group& group : {Group{Outcome::true_positive, "True positives", yes + ", called " + yes, c.tp},
                             Group{Outcome::false_positive, "False positives", no + ", called " + yes, c.fp},
                             Group{Outcome::false_negative, "False negatives", yes + ", called " + no, c.fn},
                             Group{Outcome::true_negative, "True negatives", no + ", called " + no, c.tn}}) {
    std::vector<GalleryItem> items;
    for (const ReportExample& example : report.examples) {
      if (example.prediction >= report.predictions.size()) {
        throw OptionError("training report: expected an example among " + std::to_string(report.predictions.size()) +
                          " predictions, found number " + std::to_string(example.prediction));
      }
      const ReportPrediction& prediction = report.predictions[example.prediction];
      if (outcome_of(prediction, report.threshold) != group.outcome) continue;
      items.push_back(panels.item(example, prediction));
    }
    page.subsection(group.title);
    page.remark(group.meaning + ": " + grouped_text(group.count) +
                (items.size() < group.count ? ", " + std::to_string(items.size()) + " shown" : ""));
    page.html_part(gallery(items, panels.options()));
  }
}

}  // namespace detail::report

/// Builds the page. The metrics are computed from the predictions by the functions of metrics/, so they agree with
/// metrics.json. Throws NumericError for a probability that is not finite, OptionError for a label other than 0 and
/// 1 or an example without its prediction, ShapeError for a picture whose bytes do not fit its shape.
inline Page training_page(const TrainingReport& report) {
  Page page(report.title, report.subtitle);
  for (const std::string& note : report.notes) page.note(note);
  const detail::report::Scores scores = detail::report::scores_of(report);
  const std::vector<detail::report::Measured> measures = detail::report::measures_of(scores);
  if (!report.predictions.empty()) detail::report::add_summary(page, report, scores, measures);
  if (!report.task.tiles.empty()) page.tiles(report.task.tiles);
  if (!report.task.remark.empty()) page.remark(report.task.remark);
  if (!report.splits.head.empty()) page.section("Data").table(report.splits).remark(report.splits_remark);
  if (!report.history.empty()) {
    detail::report::add_curves(page, report.history, report.loss, report.metric, report.best_epoch);
  }
  detail::report::add_task(page, report);
  if (!report.predictions.empty()) detail::report::add_test(page, report, scores, measures);
  if (!report.examples.empty()) detail::report::add_examples(page, report, scores.counts);
  detail::report::add_filters(page, report.filters, report.sky_channels, "the kept weights");

  KeyValues timings = report.machine;
  if (std::isfinite(report.total_seconds)) {
    const double epochs = static_cast<double>(report.history.size());
    timings.emplace_back("Training time", duration_text(report.total_seconds));
    if (epochs > 0) timings.emplace_back("Time of an epoch", duration_text(report.total_seconds / epochs));
  }
  if (!report.history.empty()) timings.emplace_back("Epochs", grouped_text(report.history.size()));
  if (std::isfinite(report.images_per_second)) {
    timings.emplace_back("Images per second", number_text(report.images_per_second));
  }
  timings.insert(timings.end(), report.timings.begin(), report.timings.end());
  if (!timings.empty()) page.section("Time and machine").key_values(timings);
  if (!report.network.head.empty()) page.section("Network").table(report.network);
  if (!report.configuration.empty()) page.section("Configuration").key_values(report.configuration);
  if (!report.command.empty()) page.section("Command").code(report.command);
  return page;
}

/// Writes `training_page(report)` to `path`, complete or not at all. Throws IoError naming the file, and as above.
inline void write_training_report(const TrainingReport& report, const std::filesystem::path& path) {
  training_page(report).write(path);
}

}  // namespace abell

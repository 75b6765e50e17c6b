#pragma once
/// report.html of a training run.

#include <abell/metrics/confusion.hpp>
#include <abell/metrics/history.hpp>
#include <abell/metrics/roc.hpp>
#include <abell/metrics/statistics.hpp>
#include <abell/report/examples.hpp>
#include <abell/report/figures.hpp>
#include <abell/report/filter_pictures.hpp>
#include <abell/report/html.hpp>
#include <abell/report/text.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
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
};

/// All that a report shows. What is empty or NaN is left out, so a run without a test split has a report too.
struct TrainingReport {
  std::string title = "Training report";
  std::string subtitle = {};            ///< data set and network, for instance
  std::vector<std::string> notes = {};  ///< such as "Simulated data."
  std::string command = {};             ///< the command line
  KeyValues configuration = {};         ///< every option
  TextTable network = {};               ///< layer, output shape, parameters, multiply-adds
  History history = {};
  std::string loss = "cross-entropy";  ///< what the history's loss is
  std::string metric = "accuracy";     ///< likewise; empty: none
  std::optional<int> best_epoch = {};  ///< the epoch whose weights were kept
  std::string test_name = "test";      ///< what the evaluated split is called
  std::vector<ReportPrediction> predictions = {};
  float threshold = default_threshold;
  ClassNames classes = {};
  TaskReport task = {};  ///< in place of predictions and examples
  std::vector<ReportExample> examples = {};
  bool sky_channels = false;    ///< the images' channels are [empty, optical, X-ray]
  FilterPictures filters = {};  ///< of the kept weights
  double images_per_second = std::numeric_limits<double>::quiet_NaN();
  double total_seconds = std::numeric_limits<double>::quiet_NaN();
  KeyValues timings = {};  ///< further ones, such as the time spent waiting for data
};

namespace detail::report {

/// A measured proportion or area with its 95 % interval.
struct Measured {
  std::string name = {};
  std::optional<double> value = {};
  std::optional<Interval> interval = {};
  std::string counts = {};  ///< "154 of 170"
};

inline std::string interval_text(const std::optional<Interval>& interval) {
  return interval ? fixed_text(interval->low, 3) + "–" + fixed_text(interval->high, 3) : "";
}

inline std::string value_text(const std::optional<double>& value) {
  return fixed_text(value.value_or(std::numeric_limits<double>::quiet_NaN()), 3);
}

inline Measured proportion(std::string name, std::size_t part, std::size_t whole) {
  std::optional<double> value;
  if (whole > 0) value = static_cast<double>(part) / static_cast<double>(whole);
  return {std::move(name), value, wilson_interval(part, whole), grouped_text(part) + " of " + grouped_text(whole)};
}

/// The predictions of a report as the metrics read them.
struct Scores {
  std::vector<float> probabilities = {};
  std::vector<int> labels = {};
  Confusion counts;
};

inline Scores scores_of(const TrainingReport& report) {
  Scores scores;
  for (const ReportPrediction& prediction : report.predictions) {
    scores.probabilities.push_back(prediction.p_cluster);
    scores.labels.push_back(prediction.label);
  }
  scores.counts = confusion(scores.probabilities, scores.labels, report.threshold);
  return scores;
}

/// All measures; the first four stand at the top of the page.
inline std::vector<Measured> measures_of(const Scores& scores) {
  const Confusion& c = scores.counts;
  const std::optional<double> area = auc(scores.probabilities, scores.labels);
  return {proportion("Accuracy", c.tp + c.tn, c.objects()),
          proportion("Precision", c.tp, c.tp + c.fp),
          proportion("Recall", c.tp, c.positives()),
          {"AUC", area, area ? auc_interval(*area, c.positives(), c.negatives()) : std::nullopt,
           grouped_text(c.positives() * c.negatives()) + " pairs"},
          proportion("Specificity", c.tn, c.negatives()),
          {"F1", c.f1(), std::nullopt, ""},
          {"Matthews' correlation", c.mcc(), std::nullopt, ""},
          {"Average precision", average_precision(scores.probabilities, scores.labels), std::nullopt, ""}};
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
              " when the probability is above " + number_text(report.threshold) + ".");
}

inline std::string capitalised(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

inline void add_curves(Page& page, const TrainingReport& report) {
  const auto curve = [&](double EpochRecord::*column, std::string name, PlotColour colour) {
    PlotSeries series{.name = std::move(name), .colour = colour};
    for (const EpochRecord& epoch : report.history) {
      series.x.push_back(epoch.epoch);
      series.y.push_back(epoch.*column);
    }
    return series;
  };
  const auto known = [](const PlotSeries& series) {
    return std::any_of(series.y.begin(), series.y.end(), [](double y) { return std::isfinite(y); });
  };
  const auto figure = [&](std::string title, PlotAxis y, std::vector<PlotSeries> curves) {
    std::erase_if(curves, [&](const PlotSeries& series) { return !known(series); });
    LinePlot plot{.title = std::move(title),
                  .x = {.title = "epoch", .from = 0, .to = 5},
                  .y = std::move(y),
                  .series = std::move(curves)};
    if (report.best_epoch) plot.guides.push_back({.at = static_cast<double>(*report.best_epoch), .name = "best"});
    return Figure{line_plot(plot), ""};
  };
  page.section("Training");
  std::vector<Figure> figures{figure("Loss", {.title = report.loss},
                                     {curve(&EpochRecord::loss, "training", PlotColour::first),
                                      curve(&EpochRecord::validation_loss, "validation", PlotColour::second)})};
  const bool shares = report.metric == "accuracy";
  const std::string metric = in_words(report.metric);
  if (!metric.empty()) {
    figures.push_back(figure(capitalised(metric), {.title = shares ? "share of right decisions" : metric},
                             {curve(&EpochRecord::metric, "training", PlotColour::first),
                              curve(&EpochRecord::validation_metric, "validation", PlotColour::second)}));
  }
  figures.push_back(figure("Learning rate", {.title = "step size", .logarithmic = true},
                           {curve(&EpochRecord::learning_rate, "", PlotColour::first)}));
  page.figures(figures);

  TextTable table{.head = {"", "Epoch", "Loss", "Validation loss"}};
  if (!metric.empty()) table.head.insert(table.head.end(), {capitalised(metric), "Validation " + metric});
  const auto add_row = [&](const std::string& name, const EpochRecord& epoch) {
    table.rows.push_back(
        {name, std::to_string(epoch.epoch), fixed_text(epoch.loss, 4), fixed_text(epoch.validation_loss, 4)});
    if (metric.empty()) return;
    for (const double value : {epoch.metric, epoch.validation_metric})
      table.rows.back().push_back(fixed_text(value, 3));
  };
  for (const EpochRecord& epoch : report.history) {
    if (report.best_epoch && epoch.epoch == *report.best_epoch) add_row("Best", epoch);
  }
  add_row("Last", report.history.back());
  page.table(table);
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
       {reliability_figure("Reliability", {reliability_curve(scores.probabilities, scores.labels, "as trained",
                                                             PlotColour::first, true)})},
       {.content = to_html(table),
        .caption = "Intervals: Wilson's, and for the area the score interval with Hanley and McNeil's variance.",
        .wide = true}});
}

inline void add_task(Page& page, const TrainingReport& report) {
  const TaskReport& task = report.task;
  if (!task.table.head.empty()) {
    page.section("Results on the " + report.test_name + " split").table(task.table);
    if (!task.figures.empty()) page.figures(task.figures);
  }
  if (task.examples.empty()) return;
  page.section("Examples").remark(task.gallery_remark);
  page.html_part(gallery(task.examples, {.panel_names = task.gallery_names}));
}

inline void add_examples(Page& page, const TrainingReport& report, const Confusion& c) {
  page.section("Examples");
  const ExamplePanels panels(report.examples, report.sky_channels);
  page.remark("Each object: " + panels.text() + ". Below it: probability of " + report.classes.positive +
              ", true class, name.");
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
  if (!report.history.empty()) detail::report::add_curves(page, report);
  detail::report::add_task(page, report);
  if (!report.predictions.empty()) detail::report::add_test(page, report, scores, measures);
  if (!report.examples.empty()) detail::report::add_examples(page, report, scores.counts);
  detail::report::add_filters(page, report.filters, report.sky_channels, "the kept weights");

  KeyValues timings;
  if (std::isfinite(report.total_seconds)) timings.emplace_back("Training time", duration_text(report.total_seconds));
  if (!report.history.empty()) timings.emplace_back("Epochs", grouped_text(report.history.size()));
  if (std::isfinite(report.images_per_second)) {
    timings.emplace_back("Images per second", number_text(report.images_per_second));
  }
  timings.insert(timings.end(), report.timings.begin(), report.timings.end());
  if (!timings.empty()) page.section("Time").key_values(timings);
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

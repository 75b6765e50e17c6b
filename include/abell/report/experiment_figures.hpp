#pragma once
/// The figures of an experiment's rows: curves over the runs with their spread.

#include <abell/report/experiment.hpp>
#include <abell/report/line_plot.hpp>
#include <abell/report/training_curves.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace abell {

namespace detail::report {

/// The colours of series after each other.
inline PlotColour colour_of(std::size_t index) { return static_cast<PlotColour>(1 + index % 6); }

/// The mean of `curves` at each position, with a band of one standard deviation within [low, high]. Curves may end
/// before others; what is NaN is left out.
inline PlotSeries mean_curve(PlotSeries series, const std::vector<std::vector<double>>& curves,
                             double low = -std::numeric_limits<double>::infinity(),
                             double high = std::numeric_limits<double>::infinity()) {
  const bool band = curves.size() > 1;
  for (std::size_t i = 0; i < series.x.size(); ++i) {
    std::vector<double> values;
    for (const std::vector<double>& curve : curves) {
      if (i < curve.size()) values.push_back(curve[i]);
    }
    const Spread spread = spread_of(values);
    const double mean = spread.mean.value_or(std::numeric_limits<double>::quiet_NaN());
    series.y.push_back(mean);
    if (!band) continue;
    series.low.push_back(std::max(low, mean - spread.deviation.value_or(0)));
    series.high.push_back(std::min(high, mean + spread.deviation.value_or(0)));
  }
  return series;
}

/// `count` + 1 equal steps from 0 to 1.
inline std::vector<double> unit_steps(std::size_t count) {
  std::vector<double> steps;
  for (std::size_t i = 0; i <= count; ++i) steps.push_back(static_cast<double>(i) / static_cast<double>(count));
  return steps;
}

/// The true positive rate of a ROC at each rate of `x`, between points on their straight line, at a vertical step its
/// upper end ("vertical averaging", Fawcett 2006).
inline std::vector<double> roc_at(const std::vector<RocPoint>& curve, const std::vector<double>& x) {
  std::vector<double> y;
  std::size_t next = 0;
  for (const double rate : x) {
    while (next < curve.size() && curve[next].false_positive_rate <= rate) ++next;
    if (next == 0 || next == curve.size()) {
      y.push_back(next == 0 ? std::numeric_limits<double>::quiet_NaN() : curve.back().true_positive_rate);
      continue;
    }
    const RocPoint& a = curve[next - 1];
    const RocPoint& b = curve[next];
    const double part = (rate - a.false_positive_rate) / (b.false_positive_rate - a.false_positive_rate);
    y.push_back(a.true_positive_rate + part * (b.true_positive_rate - a.true_positive_rate));
  }
  return y;
}

/// The precision at the highest threshold that reaches each recall of `x`.
inline std::vector<double> precision_at(const std::vector<PrecisionRecallPoint>& curve, const std::vector<double>& x) {
  std::vector<double> y;
  std::size_t at = 0;
  for (const double recall : x) {
    while (at < curve.size() && curve[at].recall < recall - 1e-12) ++at;
    y.push_back(at < curve.size() ? curve[at].precision : std::numeric_limits<double>::quiet_NaN());
  }
  return y;
}

}  // namespace detail::report

/// One column of the runs' histories by epoch.
inline PlotSeries history_series(const ExperimentRow& row, double EpochRecord::*column, std::string name,
                                 PlotColour colour) {
  PlotSeries series{.name = std::move(name), .colour = colour};
  std::vector<std::vector<double>> curves;
  for (const ExperimentRun& run : row.runs) {
    std::vector<double> curve;
    for (const EpochRecord& epoch : run.history) curve.push_back(epoch.*column);
    while (series.x.size() < curve.size()) series.x.push_back(static_cast<double>(series.x.size() + 1));
    curves.push_back(std::move(curve));
  }
  return detail::report::mean_curve(std::move(series), curves);
}

/// Loss or accuracy of a row in training and validation.
inline std::string training_figure(const ExperimentRow& row, double EpochRecord::*training,
                                   double EpochRecord::*validation, const PlotAxis& y) {
  LinePlot plot{.title = row.title, .x = detail::report::epoch_axis(), .y = y};
  plot.series.push_back(history_series(row, training, "training", PlotColour::first));
  PlotSeries held = history_series(row, validation, "validation", PlotColour::second);
  if (std::ranges::any_of(held.y, [](double value) { return std::isfinite(value); })) {
    plot.series.push_back(std::move(held));
  }
  return line_plot(plot);
}

/// The mean ROC of a row's runs, and the point that the paper's precision and recall stand for when both classes are
/// as large (as in its test set).
inline std::string roc_figure(const ExperimentRow& row, std::span<const int> labels) {
  using namespace detail::report;
  PlotSeries mean{.name = "mean of " + counted_text(row.runs.size(), "run"), .x = unit_steps(100)};
  std::vector<std::vector<double>> curves;
  for (const ExperimentRun& run : row.runs) curves.push_back(roc_at(roc_curve(run.test, labels), mean.x));
  PlotSeries paper{.name = "paper", .mark = PlotMark::points, .colour = PlotColour::second};
  if (std::isfinite(row.paper[1])) {
    paper.x = {row.paper[2] * (1 - row.paper[1]) / row.paper[1]};
    paper.y = {row.paper[2]};
  }
  const PlotSeries chance{.name = "chance", .x = {0, 1}, .y = {0, 1}, .colour = PlotColour::reference, .dashed = true};
  return line_plot({.title = row.title,
                    .x = {.title = "false positive rate", .from = 0, .to = 1},
                    .y = {.title = "true positive rate (recall)", .from = 0, .to = 1},
                    .series = {chance, mean_curve(std::move(mean), curves, 0, 1), paper},
                    .height = 330});
}

/// The mean precision of a row's runs at each recall, and the paper's point.
inline std::string precision_recall_figure(const ExperimentRow& row, std::span<const int> labels) {
  using namespace detail::report;
  PlotSeries mean{.name = "mean of " + counted_text(row.runs.size(), "run"), .x = unit_steps(100)};
  mean.x.erase(mean.x.begin());
  std::vector<std::vector<double>> curves;
  for (const ExperimentRun& run : row.runs) {
    curves.push_back(precision_at(precision_recall_curve(run.test, labels), mean.x));
  }
  PlotSeries paper{.name = "paper", .mark = PlotMark::points, .colour = PlotColour::second};
  if (std::isfinite(row.paper[1])) {
    paper.x = {row.paper[2]};
    paper.y = {row.paper[1]};
  }
  return line_plot({.title = row.title,
                    .x = {.title = "recall (completeness)", .from = 0, .to = 1},
                    .y = {.title = "precision (purity)", .from = 0, .to = 1},
                    .series = {mean_curve(std::move(mean), curves, 0, 1), paper},
                    .height = 330});
}

/// The decisions of all runs of a row together.
inline Confusion pooled(const ExperimentRow& row, std::span<const int> labels) {
  Confusion all;
  for (const ExperimentRun& run : row.runs) {
    const Confusion counts = confusion(run.test, labels);
    all.tp += counts.tp;
    all.fp += counts.fp;
    all.tn += counts.tn;
    all.fn += counts.fn;
  }
  return all;
}

/// The reliability of all runs of a row together, with Wilson's intervals, as they are and with each run's
/// temperature.
inline std::string reliability_figure(const ExperimentRow& row, std::span<const int> labels) {
  std::vector<float> plain;
  std::vector<float> scaled;
  std::vector<int> truth;
  for (const ExperimentRun& run : row.runs) {
    const auto temperature = fit_temperature(run.validation, run.validation_labels);
    for (std::size_t i = 0; i < labels.size(); ++i) {
      plain.push_back(run.test[i]);
      if (temperature) scaled.push_back(with_temperature(run.test[i], *temperature));
      truth.push_back(labels[i]);
    }
  }
  std::vector<PlotSeries> curves{reliability_curve(plain, truth, "as trained", PlotColour::first, true)};
  if (scaled.size() == plain.size()) {
    curves.push_back(reliability_curve(scaled, truth, "at its temperature", PlotColour::third, false));
  }
  return reliability_figure(row.title, reliability_counts(plain, truth), std::move(curves));
}

/// The learning rate by epoch of the first run of each of `rows`, before decay.
inline std::string learning_rate_figure(const std::vector<const ExperimentRow*>& rows) {
  LinePlot plot{.title = "Learning rate",
                .x = detail::report::epoch_axis(),
                .y = {.title = "before decay", .logarithmic = true},
                .series = {}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    PlotSeries series{.name = rows[i]->title, .colour = detail::report::colour_of(i)};
    for (const EpochRecord& epoch : rows[i]->runs.front().history) {
      series.x.push_back(epoch.epoch);
      series.y.push_back(epoch.learning_rate);
    }
    plot.series.push_back(std::move(series));
  }
  return line_plot(plot);
}

}  // namespace abell

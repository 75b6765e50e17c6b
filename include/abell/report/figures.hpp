#pragma once
/// The figures of a binary classifier: confusion matrix, ROC, precision against recall, histogram of probabilities.

#include <abell/metrics/calibration.hpp>
#include <abell/metrics/confusion.hpp>
#include <abell/metrics/roc.hpp>
#include <abell/metrics/statistics.hpp>
#include <abell/report/line_plot.hpp>
#include <abell/report/svg.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// What the two classes are called.
struct ClassNames {
  std::string positive = "cluster";
  std::string negative = "non-cluster";
};

/// The confusion matrix: rows are the true class, columns the decision; each cell has its count and its share of the
/// row, and is tinted by that share: right decisions in the first colour, wrong ones in the second.
inline std::string confusion_figure(const Confusion& counts, const ClassNames& names = {},
                                    const std::string& title = "Confusion matrix") {
  using namespace detail::report;
  constexpr int width = 360;
  constexpr int height = 330;
  constexpr double left = 84;
  constexpr double top = 48;
  constexpr double cell_width = (width - 8 - left) / 2;
  constexpr double cell_height = (height - 18 - top) / 2;
  struct Cell {
    int row;
    int column;
    std::size_t count;
    std::size_t total;
  };
  const std::array<Cell, 4> cells{{{0, 0, counts.tp, counts.positives()},
                                   {0, 1, counts.fn, counts.positives()},
                                   {1, 0, counts.fp, counts.negatives()},
                                   {1, 1, counts.tn, counts.negatives()}}};
  const std::array<std::string, 2> classes{shorten(names.positive, 13), shorten(names.negative, 13)};

  std::string out = svg_open(width, height, title);
  out += svg_text(0, 12, "start", "title", title);
  out += svg_text(0, top - 10, "start", "", "true class");
  for (const Cell& cell : cells) {
    const double x = left + cell.column * cell_width;
    const double y = top + cell.row * cell_height;
    const double share = cell.total == 0 ? 0 : static_cast<double>(cell.count) / static_cast<double>(cell.total);
    out += "<rect x=\"" + pixel(x + 1.5) + "\" y=\"" + pixel(y + 1.5) + "\" width=\"" + pixel(cell_width - 3) +
           "\" height=\"" + pixel(cell_height - 3) + "\" rx=\"4\" fill-opacity=\"" +
           without_zeros(fixed_text(0.06 + 0.34 * share, 3)) + "\" class=\"cell " +
           colour_class(cell.row == cell.column ? PlotColour::first : PlotColour::second) + "\"/>\n";
    out += svg_text(x + cell_width / 2, y + cell_height / 2 + 3, "middle", "count", grouped_text(cell.count));
    out += svg_text(x + cell_width / 2, y + cell_height / 2 + 23, "middle", "",
                    cell.total == 0 ? std::string(undefined_text) : fixed_text(100 * share, 1) + " %");
  }
  for (std::size_t i = 0; i < 2; ++i) {
    const auto offset = static_cast<double>(i);
    out += svg_text(left + (offset + 0.5) * cell_width, top - 10, "middle", "class", "called " + classes[i]);
    out += svg_text(0, top + (offset + 0.5) * cell_height + 4, "start", "class", classes[i]);
  }
  return out + "</svg>\n";
}

/// The ROC with the point of the threshold in use. Errors as `roc_curve`.
inline std::string roc_figure(std::span<const float> probabilities, std::span<const int> labels,
                              float threshold = default_threshold) {
  PlotSeries curve{.name = "ROC"};
  for (const RocPoint& point : roc_curve(probabilities, labels)) {
    curve.x.push_back(point.false_positive_rate);
    curve.y.push_back(point.true_positive_rate);
  }
  const Confusion counts = confusion(probabilities, labels, threshold);
  PlotSeries used{
      .name = "threshold " + number_text(threshold), .mark = PlotMark::points, .colour = PlotColour::second};
  if (counts.specificity() && counts.recall()) {
    used.x = {1 - *counts.specificity()};
    used.y = {*counts.recall()};
  }
  const PlotSeries chance{.name = "chance", .x = {0, 1}, .y = {0, 1}, .colour = PlotColour::reference, .dashed = true};
  return line_plot({.title = "Receiver operating characteristic",
                    .x = {.title = "false positive rate", .from = 0, .to = 1},
                    .y = {.title = "true positive rate (recall)", .from = 0, .to = 1},
                    .series = {chance, curve, used},
                    .height = 330});
}

/// Precision against recall with the point of the threshold in use. Errors as `precision_recall_curve`.
inline std::string precision_recall_figure(std::span<const float> probabilities, std::span<const int> labels,
                                           float threshold = default_threshold) {
  PlotSeries curve{.name = "precision"};
  for (const PrecisionRecallPoint& point : precision_recall_curve(probabilities, labels)) {
    curve.x.push_back(point.recall);
    curve.y.push_back(point.precision);
  }
  const Confusion counts = confusion(probabilities, labels, threshold);
  PlotSeries used{
      .name = "threshold " + number_text(threshold), .mark = PlotMark::points, .colour = PlotColour::second};
  if (counts.precision() && counts.recall()) {
    used.x = {*counts.recall()};
    used.y = {*counts.precision()};
  }
  PlotSeries chance{.name = "chance", .colour = PlotColour::reference, .dashed = true};
  if (counts.objects() > 0) {
    const double share = static_cast<double>(counts.positives()) / static_cast<double>(counts.objects());
    chance.x = {0, 1};
    chance.y = {share, share};
  }
  return line_plot({.title = "Precision and recall",
                    .x = {.title = "recall (completeness)", .from = 0, .to = 1},
                    .y = {.title = "precision (purity)", .from = 0, .to = 1},
                    .series = {chance, curve, used},
                    .height = 330});
}

/// How many objects of each class have a probability in each of `bins` equal intervals of [0, 1]; 1 counts in the
/// last, values outside are left out. Errors as `confusion`.
inline std::string probability_figure(std::span<const float> probabilities, std::span<const int> labels,
                                      float threshold = default_threshold, const ClassNames& names = {},
                                      int bins = 20) {
  if (bins < 1) throw OptionError("probability_figure: expected at least 1 bin, found " + std::to_string(bins));
  detail::check_predictions(probabilities, labels);
  const auto count = static_cast<std::size_t>(bins);
  std::vector<double> edges(count + 1);
  for (std::size_t i = 0; i <= count; ++i) edges[i] = static_cast<double>(i) / static_cast<double>(count);
  PlotSeries negative{.name = names.negative, .x = edges, .mark = PlotMark::steps, .colour = PlotColour::second};
  PlotSeries positive{.name = names.positive, .x = edges, .mark = PlotMark::steps, .colour = PlotColour::first};
  negative.y.resize(count);
  positive.y.resize(count);
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const float probability = probabilities[row];
    if (probability < 0 || probability > 1) continue;
    const auto bin = std::min(static_cast<std::size_t>(probability * static_cast<float>(bins)), count - 1);
    (labels[row] == 1 ? positive : negative).y[bin] += 1;
  }
  return line_plot({.title = "Probabilities by true class",
                    .x = {.title = "probability of " + names.positive, .from = 0, .to = 1},
                    .y = {.title = "objects", .whole = true, .from = 0, .to = 1},
                    .series = {negative, positive},
                    .guides = {{.at = threshold, .name = "threshold"}},
                    .height = 330});
}

/// The share of positives in ten equal intervals of probability, with Wilson's intervals where `band` is set. Errors
/// as `reliability`.
inline PlotSeries reliability_curve(std::span<const float> probabilities, std::span<const int> labels, std::string name,
                                    PlotColour colour, bool band) {
  PlotSeries series{.name = std::move(name), .colour = colour};
  for (const ReliabilityBin& bin : reliability(probabilities, labels)) {
    if (bin.objects == 0) continue;
    series.x.push_back(*bin.probability());
    series.y.push_back(*bin.share());
    if (!band) continue;
    const Interval interval = *wilson_interval(bin.positives, bin.objects);
    series.low.push_back(interval.low);
    series.high.push_back(interval.high);
  }
  return series;
}

/// How many objects have a probability in each interval of a reliability curve: bars up to a quarter of the plot, with
/// the counts above them. Errors as `reliability`.
inline PlotSeries reliability_counts(std::span<const float> probabilities, std::span<const int> labels) {
  PlotSeries bars{.name = "objects", .mark = PlotMark::steps, .colour = PlotColour::reference};
  const std::vector<ReliabilityBin> bins = reliability(probabilities, labels);
  std::size_t most = 1;
  for (const ReliabilityBin& bin : bins) most = std::max(most, bin.objects);
  for (const ReliabilityBin& bin : bins) {
    bars.x.push_back(bin.low);
    bars.y.push_back(0.25 * static_cast<double>(bin.objects) / static_cast<double>(most));
    bars.labels.push_back(bin.objects == 0 ? "" : std::to_string(bin.objects));
  }
  bars.x.push_back(bins.back().high);
  return bars;
}

/// Reliability curves beside the ideal, over the `counts` of their objects.
inline std::string reliability_figure(std::string title, PlotSeries counts, std::vector<PlotSeries> curves) {
  curves.insert(curves.begin(),
                {std::move(counts),
                 {.name = "ideal", .x = {0, 1}, .y = {0, 1}, .colour = PlotColour::reference, .dashed = true}});
  return line_plot({.title = std::move(title),
                    .x = {.title = "mean probability", .from = 0, .to = 1},
                    .y = {.title = "share of positives", .from = 0, .to = 1},
                    .series = std::move(curves),
                    .height = 330});
}

}  // namespace abell

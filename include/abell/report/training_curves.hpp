#pragma once
/// How a training went, epoch by epoch.

#include <abell/metrics/history.hpp>
#include <abell/report/html.hpp>
#include <abell/report/line_plot.hpp>
#include <abell/report/text.hpp>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace abell::detail::report {

/// Why the two curves of a training differ.
inline constexpr std::string_view training_text =
    "Training values are means over the steps of an epoch, with the run's augmentation and dropout on and the weights "
    "still moving; validation values are measured after the epoch, with both off. So validation may well look better "
    "than training.";

/// Whole numbers from 1.
inline PlotAxis epoch_axis() { return {.title = "epoch", .whole = true, .from = 1, .to = 2}; }

inline std::string capitalised(std::string text) {
  if (!text.empty()) text[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(text[0])));
  return text;
}

/// Loss, metric (empty: none) and learning rate by epoch, and the figures of the best and the last one.
inline void add_curves(Page& page, const History& history, const std::string& loss, const std::string& metric_name,
                       std::optional<int> best_epoch) {
  const auto curve = [&](double EpochRecord::*column, std::string name, PlotColour colour) {
    PlotSeries series{.name = std::move(name), .colour = colour};
    for (const EpochRecord& epoch : history) {
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
    LinePlot plot{.title = std::move(title), .x = epoch_axis(), .y = std::move(y), .series = std::move(curves)};
    if (best_epoch) plot.guides.push_back({.at = static_cast<double>(*best_epoch), .name = "best"});
    return Figure{line_plot(plot), ""};
  };
  page.section("Training");
  std::vector<Figure> figures{figure("Loss", {.title = loss},
                                     {curve(&EpochRecord::loss, "training", PlotColour::first),
                                      curve(&EpochRecord::validation_loss, "validation", PlotColour::second)})};
  const bool shares = metric_name == "accuracy";
  const std::string metric = in_words(metric_name);
  if (!metric.empty()) {
    figures.push_back(figure(capitalised(metric), {.title = shares ? "share classified correctly" : metric},
                             {curve(&EpochRecord::metric, "training", PlotColour::first),
                              curve(&EpochRecord::validation_metric, "validation", PlotColour::second)}));
  }
  figures.push_back(figure("Learning rate", {.title = "step size", .logarithmic = true},
                           {curve(&EpochRecord::learning_rate, "", PlotColour::first)}));
  page.figures(figures);
  page.remark(training_text);

  TextTable table{.head = {"", "Epoch", "Loss", "Validation loss"}};
  if (!metric.empty()) table.head.insert(table.head.end(), {capitalised(metric), "Validation " + metric});
  const auto add_row = [&](const std::string& name, const EpochRecord& epoch) {
    table.rows.push_back(
        {name, std::to_string(epoch.epoch), fixed_text(epoch.loss, 4), fixed_text(epoch.validation_loss, 4)});
    if (metric.empty()) return;
    for (const double value : {epoch.metric, epoch.validation_metric})
      table.rows.back().push_back(fixed_text(value, 3));
  };
  for (const EpochRecord& epoch : history) {
    if (best_epoch && epoch.epoch == *best_epoch) add_row("Best", epoch);
  }
  add_row("Last", history.back());
  page.table(table);
}

}  // namespace abell::detail::report

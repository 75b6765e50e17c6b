#pragma once
/// Results of --task regress, in the units of the targets.

#include <abell/metrics/regression.hpp>
#include <abell/report/line_plot.hpp>

#include "task_results.hpp"

namespace abell::program {

class RegressionResults final : public TaskResults {
 public:
  explicit RegressionResults(const Data& of_run)
      : TaskResults(of_run), predicted_(outputs().size()), truth_(outputs().size()) {}

  Json metrics() const override {
    Json targets = Json::object();
    for (std::size_t t = 0; t < outputs().size(); ++t) {
      const RegressionErrors e = errors(t);
      targets[outputs()[t]] = {{"mae", json_of(e.mae)},
                               {"rmse", json_of(e.rmse)},
                               {"bias", json_of(e.bias)},
                               {"r2", json_of(e.r2)},
                               {"objects", e.objects}};
    }
    return {{"targets", targets}, {"objects", size()}};
  }

  std::vector<std::string> columns() const override {
    std::vector<std::string> names;
    for (const std::string& name : outputs()) names.insert(names.end(), {"predicted_" + name, "true_" + name});
    return names;
  }
  std::vector<std::string> row(std::size_t at) const override {
    std::vector<std::string> fields;
    for (std::size_t t = 0; t < outputs().size(); ++t) {
      // The true value with its own digits, in single precision as it was read.
      fields.insert(fields.end(), {number(static_cast<float>(predicted_[t][at])), number(object(at).targets[t])});
    }
    return fields;
  }

  TaskReport report() const override {
    TaskReport report;
    report.remark =
        "Error: predicted minus true, in the units of each target; objects whose truth is known. Loss and error during "
        "training are those of standardised targets: in their standard deviations.";
    report.table = {.head = {"Target", "Objects", "Mean absolute error", "RMSE", "Bias", "R²"}};
    const auto significant = [](const std::optional<double>& value) {
      return value ? number_text(*value) : std::string(undefined_text);
    };
    for (std::size_t t = 0; t < outputs().size(); ++t) {
      const RegressionErrors e = errors(t);
      const std::string& name = outputs()[t];
      report.table.rows.push_back(
          {name, grouped_text(e.objects), significant(e.mae), significant(e.rmse), significant(e.bias), shown(e.r2)});
      if (t < 4) report.tiles.push_back({name, shown(e.r2), "R²\nmean absolute error " + significant(e.mae)});
      if (e.objects > 0) report.figures.push_back({scatter(t), ""});
    }
    return report;
  }

 private:
  void add_one(View<const float> prediction, View<const float>) override {
    for (std::size_t t = 0; t < outputs().size(); ++t) {
      predicted_[t].push_back(data().standard.in_units(t, prediction.data[t]));
      truth_[t].push_back(static_cast<double>(data().set.objects[last_object()].targets[t]));
    }
  }
  RegressionErrors errors(std::size_t t) const { return regression_errors(predicted_[t], truth_[t]); }

  std::string scatter(std::size_t t) const {
    PlotSeries points{.name = "objects", .mark = PlotMark::points};
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (std::size_t i = 0; i < size(); ++i) {
      if (std::isnan(truth_[t][i])) continue;
      points.x.push_back(truth_[t][i]);
      points.y.push_back(predicted_[t][i]);
      low = std::min({low, truth_[t][i], predicted_[t][i]});
      high = std::max({high, truth_[t][i], predicted_[t][i]});
    }
    const PlotSeries equal{
        .name = "equal", .x = {low, high}, .y = {low, high}, .colour = PlotColour::reference, .dashed = true};
    return line_plot(
        {.title = outputs()[t], .x = {.title = "true"}, .y = {.title = "predicted"}, .series = {equal, points}});
  }

  std::vector<std::vector<double>> predicted_, truth_;  ///< [target][object]
};

}  // namespace abell::program

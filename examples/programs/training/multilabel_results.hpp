#pragma once
/// Results of --task multilabel: each class by itself.

#include <abell/metrics/confusion.hpp>
#include <abell/metrics/roc.hpp>
#include <utility>

#include "task_results.hpp"

namespace abell::program {

class MultilabelResults final : public TaskResults {
 public:
  explicit MultilabelResults(const Data& of_run)
      : TaskResults(of_run), probabilities_(outputs().size()), labels_(outputs().size()) {}

  Json metrics() const override {
    Json classes = Json::object();
    for (std::size_t k = 0; k < outputs().size(); ++k) {
      const OfClass c = of_class(k);
      classes[outputs()[k]] = {{"accuracy", json_of(c.counts.accuracy())},
                               {"precision", json_of(c.counts.precision())},
                               {"recall", json_of(c.counts.recall())},
                               {"auc", json_of(c.area)},
                               {"positives", c.counts.positives()}};
    }
    return {{"accuracy", json_of(mean(&Confusion::accuracy))},
            {"precision", json_of(mean(&Confusion::precision))},
            {"recall", json_of(mean(&Confusion::recall))},
            {"auc", json_of(mean_area())},
            {"classes", classes},
            {"threshold", default_threshold},
            {"objects", size()}};
  }

  std::vector<std::string> columns() const override {
    std::vector<std::string> names{"class"};
    for (const std::string& name : outputs()) names.push_back("p_" + name);
    return names;
  }
  std::vector<std::string> row(std::size_t at) const override {
    std::vector<std::string> fields{object(at).class_text};
    for (const auto& of_class : probabilities_) fields.push_back(number(of_class[at]));
    return fields;
  }

  TaskReport report() const override {
    TaskReport report;
    report.tiles = {{"Accuracy", shown(mean(&Confusion::accuracy)), "mean over classes"},
                    {"Precision", shown(mean(&Confusion::precision)), "mean over classes"},
                    {"Recall", shown(mean(&Confusion::recall)), "mean over classes"},
                    {"AUC", shown(mean_area()), "mean over classes"}};
    report.remark = "An object is said to be of a class when its probability is above " + number(default_threshold) +
                    "; " + grouped_text(size()) + " objects, " + grouped_text(outputs().size()) + " classes.";
    report.table = {.head = {"Class", "Objects", "Accuracy", "Precision", "Recall", "AUC"}};
    for (std::size_t k = 0; k < outputs().size(); ++k) {
      const OfClass c = of_class(k);
      report.table.rows.push_back({outputs()[k], grouped_text(c.counts.positives()), shown(c.counts.accuracy()),
                                   shown(c.counts.precision()), shown(c.counts.recall()), shown(c.area)});
      if (c.area) report.figures.push_back({roc_figure(probabilities_[k], labels_[k]), outputs()[k]});
    }
    return report;
  }

 private:
  struct OfClass {
    Confusion counts;
    std::optional<double> area;
  };

  void add_one(View<const float> prediction, View<const float> target) override {
    for (std::size_t k = 0; k < outputs().size(); ++k) {
      probabilities_[k].push_back(prediction.data[k]);
      labels_[k].push_back(static_cast<int>(target.data[k]));
    }
  }
  OfClass of_class(std::size_t k) const {
    return {confusion(probabilities_[k], labels_[k]), auc(probabilities_[k], labels_[k])};
  }
  std::optional<double> mean(std::optional<double> (Confusion::*measure)() const) const {
    std::vector<std::optional<double>> values;
    for (std::size_t k = 0; k < outputs().size(); ++k) values.push_back((of_class(k).counts.*measure)());
    return mean_of(values);
  }
  std::optional<double> mean_area() const {
    std::vector<std::optional<double>> values;
    for (std::size_t k = 0; k < outputs().size(); ++k) values.push_back(of_class(k).area);
    return mean_of(values);
  }

  std::vector<std::vector<float>> probabilities_;  ///< [class][object]
  std::vector<std::vector<int>> labels_;
};

}  // namespace abell::program

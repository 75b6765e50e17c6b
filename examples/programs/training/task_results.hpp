#pragma once
/// What a network says of an evaluated split, gathered batch by batch: figures, tables and pictures by task.

#include <abell/core/tensor.hpp>
#include <abell/report/training_report.hpp>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "training_data.hpp"

namespace abell::program {

/// Told how many images more were predicted; may be empty.
using Predicted = std::function<void(std::size_t)>;

/// What a run writes down.
class Results {
 public:
  Results() = default;
  Results(const Results&) = delete;
  Results& operator=(const Results&) = delete;
  virtual ~Results() = default;

  /// Figures; null where one is not defined.
  virtual Json metrics() const = 0;
  /// Adds what metrics.json has besides.
  virtual void add_metrics(Json&, const Predicted&) const {}
  /// predictions.csv.
  virtual void write_predictions(const std::filesystem::path& path) const = 0;
  /// Adds the evaluated objects.
  virtual void add_to(TrainingReport& report) const = 0;
};

/// Results that need no more of a network than its outputs and the targets.
class TaskResults : public Results {
 public:
  explicit TaskResults(const Data& data) : data_(data) {}

  /// Takes the predictions for some objects with their targets, image by image.
  void add(std::span<const std::size_t> objects, View<const float> predictions, View<const float> targets) {
    for (std::size_t n = 0; n < objects.size(); ++n) {
      objects_.push_back(objects[n]);
      add_one(predictions.slice(static_cast<int>(n), 1), targets.slice(static_cast<int>(n), 1));
    }
  }

  void add_to(TrainingReport& report) const override { report.task = this->report(); }

  /// predictions.csv: what stands between id and masked_pixels.
  virtual std::vector<std::string> columns() const = 0;
  virtual std::vector<std::string> row(std::size_t at) const = 0;
  virtual TaskReport report() const = 0;

  void write_predictions(const std::filesystem::path& path) const override {
    std::vector<std::string> header = columns();
    header.insert(header.begin(), "id");
    header.push_back("masked_pixels");
    std::vector<std::vector<std::string>> rows;
    for (std::size_t at = 0; at < objects_.size(); ++at) {
      rows.push_back(row(at));
      rows.back().insert(rows.back().begin(), object(at).id);
      rows.back().push_back(std::to_string(data_.masked[objects_[at]]));
    }
    write_csv(path, header, rows);
  }

 protected:
  virtual void add_one(View<const float> prediction, View<const float> target) = 0;

  const Data& data() const { return data_; }
  const std::vector<std::string>& outputs() const { return data_.outputs; }
  std::size_t size() const { return objects_.size(); }
  std::size_t last_object() const { return objects_.back(); }
  const Object& object(std::size_t at) const { return data_.set.objects[objects_[at]]; }

 private:
  const Data& data_;
  std::vector<std::size_t> objects_;
};

inline Json json_of(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }
inline std::string text_of(const std::optional<double>& value) { return value ? number(*value) : std::string(); }
/// For a page: "0.873", or a dash.
inline std::string shown(const std::optional<double>& value) {
  return fixed_text(value.value_or(std::numeric_limits<double>::quiet_NaN()), 3);
}

/// The mean of what is defined.
inline std::optional<double> mean_of(const std::vector<std::optional<double>>& values) {
  double sum = 0;
  std::size_t known = 0;
  for (const auto& value : values) {
    sum += value.value_or(0);
    known += value.has_value();
  }
  if (known == 0) return std::nullopt;
  return sum / static_cast<double>(known);
}

}  // namespace abell::program

#pragma once
/// The files of a training run's folder: config.json, history.csv, predictions.csv, metrics.json and
/// report.html. model.safetensors and last.checkpoint are written through weights/.

#include <abell/data/dataset.hpp>
#include <abell/data/table.hpp>
#include <abell/metrics/confusion.hpp>
#include <abell/metrics/history.hpp>
#include <abell/metrics/roc.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "json_file.hpp"

namespace abell::program {

/// The shortest text that reads back as the same number; empty for NaN.
template <class Number>
std::string number(Number value) {
  if (std::isnan(static_cast<double>(value))) return {};
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

/// Images of a set of `images` that `steps` steps train on; each epoch's last batch may be smaller.
inline std::uint64_t images_after(std::uint64_t steps, std::uint64_t images, std::uint64_t batch) {
  const std::uint64_t batches = (images + batch - 1) / batch;
  return steps / batches * images + std::min(steps % batches * batch, images);
}

/// Images a second of a run with this config.json: --iterations may cut the last of its epochs short.
inline double training_rate(const Json& config, std::size_t epochs, double seconds) {
  const auto images = config.at("objects").at("train").get<std::uint64_t>();
  std::uint64_t trained = images * epochs;
  if (const Json& steps = config.at("iterations"); !steps.is_null()) {
    trained =
        std::min(trained, images_after(steps.get<std::uint64_t>(), images, config.at("batch").get<std::uint64_t>()));
  }
  return static_cast<double>(trained) / seconds;
}

/// Adds a value of config.json to what a report shows, one line for each value of an object.
inline void add_setting(std::vector<std::pair<std::string, std::string>>& settings, const std::string& name,
                        const Json& value) {
  if (value.is_object()) {
    for (const auto& [key, part] : value.items()) add_setting(settings, name + " " + key, part);
  } else if (value.is_array() && std::ranges::all_of(value, [](const Json& part) { return part.is_string(); })) {
    std::string list;
    for (const Json& part : value) list += (list.empty() ? "" : ", ") + part.get<std::string>();
    settings.emplace_back(name, list);
  } else {
    settings.emplace_back(name, value.is_string() ? value.get<std::string>() : value.dump());
  }
}

/// The columns of the metric have its name.
inline void write_history(const std::filesystem::path& path, const History& history, const std::string& metric) {
  std::vector<std::vector<std::string>> rows;
  for (const EpochRecord& e : history) {
    rows.push_back({std::to_string(e.epoch), number(e.loss), number(e.metric), number(e.validation_loss),
                    number(e.validation_metric), number(e.learning_rate), number(e.seconds), number(e.waited_seconds)});
  }
  write_csv(path, {"epoch", "loss", metric, "val_loss", "val_" + metric, "learning_rate", "seconds", "waited_seconds"},
            rows);
}

/// p(positive) for some objects of a set.
struct Scored {
  std::vector<std::size_t> objects;  ///< positions in the set
  std::vector<float> probabilities;
  std::vector<int> labels;  ///< 1 positive, 0 negative, -1 not known
};

/// Accuracy, precision, recall, AUC and counts as JSON; undefined ratios are null.
inline Json metrics_json(std::span<const float> probabilities, std::span<const int> labels,
                         float threshold = default_threshold) {
  const Confusion counts = confusion(probabilities, labels, threshold);
  const auto value = [](const std::optional<double>& v) { return v ? Json(*v) : Json(nullptr); };
  return {{"accuracy", value(counts.accuracy())},
          {"precision", value(counts.precision())},
          {"recall", value(counts.recall())},
          {"auc", value(auc(probabilities, labels))},
          {"tp", counts.tp},
          {"fp", counts.fp},
          {"tn", counts.tn},
          {"fn", counts.fn},
          {"threshold", threshold},
          {"objects", counts.objects()}};
}

inline const std::vector<std::string> prediction_columns{"id", "class", "p_cluster", "predicted", "masked_pixels"};

/// The row of an object: predicted is 1 for positive, class is empty where it is not known.
inline std::vector<std::string> prediction_row(const Object& object, float probability, std::size_t masked,
                                               float threshold = default_threshold) {
  return {object.id, object.class_text, number(probability), is_positive(probability, threshold) ? "1" : "0",
          std::to_string(masked)};
}

inline std::vector<std::vector<std::string>> prediction_rows(const DataSet& set, const Scored& scored,
                                                             std::span<const std::size_t> masked) {
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < scored.objects.size(); ++i) {
    const std::size_t at = scored.objects[i];
    rows.push_back(prediction_row(set.objects[at], scored.probabilities[i], masked[at]));
  }
  return rows;
}

}  // namespace abell::program

#pragma once
/// What a run learns from and what its reader should know, told before the first step and in its report.

#include <abell/report/text.hpp>
#include <abell/report/text_table.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "training_data.hpp"

namespace abell::program {

/// How many objects of each class, or with each target, the splits have.
inline TextTable split_table(const TrainOptions& options, const Data& data) {
  const Task task = options.task.task();
  TextTable table{.head = {"", "Training", "Validation", "Test"}, .total = true};
  const auto add = [&](std::string name, const std::function<bool(std::size_t)>& counts) {
    table.rows.push_back({std::move(name)});
    for (const auto* split : {&data.train, &data.validation, &data.test}) {
      table.rows.back().push_back(grouped_text(static_cast<std::size_t>(std::ranges::count_if(*split, counts))));
    }
  };
  const auto object = [&](std::size_t i) -> const Object& { return data.set.objects[i]; };
  for (std::size_t k = 0; k < data.set.classes.size(); ++k) {
    const auto label = static_cast<int>(k);
    add(data.set.classes[k], [&, label](std::size_t i) {
      return object(i).label == label || std::ranges::find(object(i).labels, label) != object(i).labels.end();
    });
  }
  if (task == Task::classify && data.set.classes.size() > 2) {
    std::string positive;
    for (const std::string& name : data.set.positive) positive += (positive.empty() ? "" : ", ") + name;
    add(data.outputs[1] + " (" + positive + ")", [&](std::size_t i) { return data.labels[i] == 1; });
    add(data.outputs[0], [&](std::size_t i) { return data.labels[i] == 0; });
  }
  for (std::size_t t = 0; task == Task::regress && t < data.outputs.size(); ++t) {
    add("with " + data.outputs[t], [&, t](std::size_t i) { return !std::isnan(object(i).targets[t]); });
  }
  add("All objects", [](std::size_t) { return true; });
  return table;
}

/// Where the validation and the test split come from.
inline std::string splits_text(const TrainOptions& options, const Data& data) {
  std::string text;
  if (data.held_out && !data.validation.empty()) {
    text = "The validation split is held out of the training split, by class: " + grouped_text(data.validation.size()) +
           " of " + grouped_text(data.validation.size() + data.train.size()) + " objects (--validation-fraction " +
           number(options.validation_fraction) + ", --seed " + std::to_string(options.common.seed) + ").";
  } else {
    text = data.validation.empty() ? "There is no validation split." : "The validation split is the set's own.";
  }
  return text + (data.test.empty() ? "" : "\nThe test split is looked at after the training only.");
}

/// What a MobileNet is that began from scratch; empty for other runs.
inline std::string from_scratch(const TrainOptions& options) {
  if (options.network != "mobilenet" || !options.weights.empty()) return {};
  return "MobileNet from scratch: this is not the paper's MN-E, which most likely began with weights pretrained on "
         "ImageNet (--weights FILE.h5). With a decay of 0.95 it hardly moves; --decay 0 lets it learn.";
}

/// Whether the set, a folder or a table in it, is one of abell-simulate.
inline bool is_simulated(const std::filesystem::path& data) {
  return std::filesystem::exists((std::filesystem::is_directory(data) ? data : data.parent_path()) / "truth.csv");
}
inline constexpr std::string_view simulated_note = "Simulated data: these figures are not the paper's.";

/// What no reader of the results should miss.
inline std::vector<std::string> run_notes(const TrainOptions& options, const Data& data) {
  std::vector<std::string> notes;
  if (is_simulated(options.data)) notes.emplace_back(simulated_note);
  if (const std::string note = from_scratch(options); !note.empty()) notes.push_back(note);
  if (data.validation.empty()) {
    notes.emplace_back("Without a validation split the weights of the least training loss are kept.");
  } else if (data.test.empty()) {
    notes.emplace_back(
        "Without a test split the results are those of the validation split, by which the weights were chosen: new "
        "objects will fare worse.");
  }
  if (options.task.task() != Task::classify) return notes;
  const auto count = [&](const std::vector<std::size_t>& split, int label) {
    return std::ranges::count_if(split, [&](std::size_t i) { return data.labels[i] == label; });
  };
  for (const auto& [name, split] : {std::pair{"validation", &data.validation}, std::pair{"test", &data.test}}) {
    for (const int label : {0, 1}) {
      if (split->empty() || count(*split, label) > 0) continue;
      notes.push_back("The " + std::string(name) + " split has no " + data.outputs[static_cast<std::size_t>(label)] +
                      ".");
    }
  }
  constexpr double unequal = 5;
  const std::array counts{static_cast<double>(count(data.train, 0)), static_cast<double>(count(data.train, 1))};
  const std::size_t rare = counts[1] < counts[0] ? 1 : 0;
  const double ratio = counts[1 - rare] / counts[rare];
  if (options.class_weights == "none" && ratio >= unequal) {
    notes.push_back("The training split has " + number_text(ratio, 2) + " times as many " + data.outputs[1 - rare] +
                    "s as " + data.outputs[rare] + "s: --class-weights balanced gives both the same weight.");
  }
  return notes;
}

/// Prints all of it.
inline void print_overview(const TrainOptions& options, const Data& data) {
  std::cout << to_text(split_table(options, data)) << splits_text(options, data) << "\n";
  for (const std::string& note : run_notes(options, data)) std::cout << "Note: " << note << "\n";
  std::cout << std::flush;
}

}  // namespace abell::program

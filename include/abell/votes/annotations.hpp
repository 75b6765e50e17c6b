#pragma once
/// The column `annotations` of a Panoptes export: from JSON to numbered sets of answers.

#include <abell/votes/export.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell::votes {

/// Numbers the answers of question tasks, single and multiple. Answers of other kinds (drawings, surveys, free text)
/// are only counted, so that memory follows the distinct answers and not the bytes of the file.
class AnswerReader {
 public:
  /// A task with more distinct answers than this is no question but free text.
  static constexpr std::size_t most_texts = 64;
  /// Nor is a longer answer one of a question.
  static constexpr std::size_t longest_text = 1000;

  /// `free_text` names tasks that are known to be free text. With `pairs` all that was ticked in a multiple question
  /// is one answer, joined by '+' in sorted order (as panoptes_aggregation's option of that name).
  explicit AnswerReader(std::set<std::string> free_text = {}, bool pairs = false)
      : free_(std::move(free_text)), pairs_(pairs) {
    sets_[{}] = 0;
  }

  /// The number of the set of answers in `annotations`; no value when it is no JSON list of tasks and values.
  std::optional<std::uint16_t> read(std::string_view annotations) {
    const Json list = Json::parse(annotations.begin(), annotations.end(), nullptr, false);
    if (!list.is_array()) return std::nullopt;
    found_.clear();
    for (const Json& annotation : list) {
      if (!add_annotation(annotation)) return std::nullopt;
    }
    if (sets_.size() > UINT16_MAX && !sets_.contains(found_)) {
      ++untold_["combinations beyond 65536"];
      return std::uint16_t{0};
    }
    return sets_.try_emplace(found_, static_cast<std::uint16_t>(sets_.size())).first->second;
  }

  /// Moves what was found into `into`, without the answers of tasks that turned out to be free text.
  void finish(Export& into) {
    into.answers.resize(answers_.size());
    for (const auto& [answer, number] : answers_) into.answers[number] = {answer.first, answer.second};
    into.answer_sets.resize(sets_.size());
    for (const auto& [set, number] : sets_) {
      AnswerSet& kept = into.answer_sets[number];
      std::ranges::copy_if(set, std::back_inserter(kept),
                           [&](std::uint16_t answer) { return !free_.contains(into.answers[answer].task); });
    }
    into.untold = std::move(untold_);
  }

 private:
  using Json = nlohmann::json;

  bool add_annotation(const Json& annotation) {
    if (!annotation.is_object()) return false;
    const auto task = annotation.find("task");
    const auto value = annotation.find("value");
    if (task == annotation.end() || !task->is_string() || value == annotation.end()) return false;
    add_value(task->get_ref<const std::string&>(), *value);
    return true;
  }

  void add_value(const std::string& task, const Json& value) {
    if (!value.is_array()) return add_answer(task, value);
    if (!value.empty() && value[0].is_object() && value[0].contains("task")) {  // a combination of tasks
      for (const Json& part : value) {
        if (!add_annotation(part)) ++untold_[task + " (combo)"];
      }
      return;
    }
    const bool texts = std::ranges::all_of(value, [](const Json& v) { return !v.is_structured(); });
    if (pairs_ && texts && !value.empty()) {
      std::vector<std::string> ticked;
      for (const Json& answer : value) ticked.push_back(text_of(answer));
      std::ranges::sort(ticked);
      std::string joined;
      for (const std::string& answer : ticked) joined += (joined.empty() ? "" : "+") + answer;
      return add_text(task, joined);
    }
    for (const Json& answer : value) add_answer(task, answer);
  }

  void add_answer(const std::string& task, const Json& answer) {
    if (answer.is_structured()) {
      ++untold_[task + " (" + kind_of(answer) + ")"];
    } else {
      add_text(task, text_of(answer));
    }
  }

  void add_text(const std::string& task, const std::string& text) {
    if (!free_.contains(task) && text.size() <= longest_text) {
      if (const auto known = answers_.find({task, text}); known != answers_.end()) {
        found_.push_back(known->second);
        return;
      }
      if (answers_.size() <= UINT16_MAX && ++texts_of_[task] <= most_texts) {
        const auto number = static_cast<std::uint16_t>(answers_.size());
        answers_.emplace(std::pair{task, text}, number);
        found_.push_back(number);
        return;
      }
      free_.insert(task);
    }
    ++untold_[task + " (free text)"];
  }

  /// As Python's str() shows it, which panoptes_aggregation takes for values that are no text.
  static std::string text_of(const Json& value) {
    if (value.is_null()) return "None";
    if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
    if (!value.is_string()) return value.dump();
    const auto& text = value.get_ref<const std::string&>();
    constexpr std::string_view space = " \t\r\n";
    const std::size_t first = text.find_first_not_of(space);
    return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(space) - first + 1);
  }

  static std::string kind_of(const Json& value) {
    if (value.is_array()) return "nested list";
    if (value.contains("tool")) return "drawing";
    if (value.contains("choice")) return "survey";
    if (value.contains("option")) return "dropdown";
    return "unknown kind";
  }

  std::set<std::string> free_;
  bool pairs_;
  std::map<std::pair<std::string, std::string>, std::uint16_t> answers_;  // (task, text)
  std::map<std::string, std::size_t> texts_of_;                           // task -> distinct answers
  std::map<AnswerSet, std::uint16_t> sets_;
  std::map<std::string, std::size_t> untold_;
  AnswerSet found_;
};

}  // namespace abell::votes

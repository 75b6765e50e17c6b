#pragma once
/// The column `annotations` of a Panoptes export: from JSON to numbered sets of answers.

#include <abell/votes/export.hpp>
#include <abell/votes/keys.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace abell::votes {

/// Numbers the answers of question tasks, single and multiple, and of dropdown tasks. Answers of other kinds (drawings,
/// surveys, free text) are only counted, so that memory follows the distinct answers and not the bytes of the file.
///
/// Of a task that is answered twice in a row the last answer counts: the volunteer corrected herself.
class AnswerReader {
 public:
  /// A task with more distinct answers than this is no question but free text.
  static constexpr std::size_t most_texts = 64;
  /// Nor is a longer answer one of a question.
  static constexpr std::size_t longest_text = 1000;
  static constexpr std::size_t most_answers = 65536;
  static constexpr std::size_t most_sets = 1000000;

  /// `free_text` are tasks that are known to be free text. With `pairs` all that was ticked in a multiple question
  /// is one answer, joined by '+' in sorted order (as panoptes_aggregation's option of that name).
  explicit AnswerReader(std::set<TaskVersion> free_text = {}, bool pairs = false)
      : free_text_(std::move(free_text)), pairs_(pairs) {}

  /// The number of the set of answers in `annotations` of a row of `workflow`, which is the one of number `number`; no
  /// value when it is no JSON list of tasks and values.
  std::optional<std::uint32_t> read(std::string_view annotations, const WorkflowRows& workflow, std::uint16_t number) {
    const Json list = Json::parse(annotations.begin(), annotations.end(), nullptr, false);
    if (!list.is_array()) return std::nullopt;
    if (tasks_ == nullptr || found_.workflow != number) tasks_ = &tasks_of_workflows_[workflow.id];
    workflow_ = &workflow;
    found_.workflow = number;
    found_.answers.clear();
    for (const Json& annotation : list) {
      if (!add_annotation(annotation, false)) return std::nullopt;
    }
    if (sets_.size() >= most_sets && !sets_.contains(found_)) {
      tell("combinations beyond " + std::to_string(most_sets));
      found_.answers.clear();
    }
    return sets_.try_emplace(found_, static_cast<std::uint32_t>(sets_.size())).first->second;
  }

  /// The same for `decoded()`, which `raw` stands for: most volunteers say what others said before them in the same
  /// words, and those are read once.
  template <class Decoded>
  std::optional<std::uint32_t> read(std::string_view raw, const Decoded& decoded, const WorkflowRows& workflow,
                                    std::uint16_t number) {
    if (known_.size() <= number) known_.resize(number + std::size_t{1});
    if (const auto at = known_[number].find(raw); at != known_[number].end()) return at->second;
    const std::size_t told = told_;
    std::string kept(raw.size() <= longest_known ? raw : std::string_view());  // decoding may write over it
    const std::optional<std::uint32_t> set = read(decoded(), workflow, number);
    if (!set || told_ != told || kept.empty()) return set;  // what is told is counted each time
    if (++known_count_ > most_known) forget();
    known_[number].emplace(std::move(kept), *set);
    return set;
  }

  /// Moves what was found into `into`, whose votes are read. The answers of tasks that turned out to be free text are
  /// counted, all of them, and taken out of the sets.
  void finish(Export& into) {
    std::vector<std::size_t> uses(sets_.size());
    for (const Vote& vote : into.votes) ++uses[vote.answers];
    into.answer_sets.resize(sets_.size());
    for (const auto& [set, number] : sets_) {
      AnswerSet& kept = into.answer_sets[number];
      kept.workflow = set.workflow;
      for (const std::uint16_t answer : set.answers) {
        if (tasks_of_answers_[answer]->free_text) {
          untold_[{set.workflow, answers_[answer].task + " (free text)"}] += uses[number];
        } else {
          kept.answers.push_back(answer);
        }
      }
    }
    into.answers = std::move(answers_);
    into.untold = std::move(untold_);
  }

 private:
  using Json = nlohmann::json;

  struct Task {
    std::map<std::string, std::uint16_t, std::less<>> answers = {};
    std::optional<std::uint16_t> null = {};
    std::set<std::string, std::less<>> texts = {};  ///< as they were ticked or typed, one by one
    bool free_text = false;
  };

  struct BySet {
    bool operator()(const AnswerSet& a, const AnswerSet& b) const {
      return std::tie(a.workflow, a.answers) < std::tie(b.workflow, b.answers);
    }
  };

  /// False when it is no annotation of a task. The parts of a combination are annotations, too.
  bool add_annotation(const Json& annotation, bool in_combination) {
    if (!annotation.is_object()) return false;
    const Json* task = nullptr;
    const Json* value = nullptr;
    bool error = false;
    bool of_mark = false;  // a question about a mark that was drawn
    for (auto member = annotation.begin(); member != annotation.end(); ++member) {
      const std::string_view key = member.key();
      if (key == "task" && member->is_string()) task = &*member;
      if (key == "value") value = &*member;
      error = error || key == "error";
      of_mark = of_mark || key == "markIndex";
    }
    if (error || (task != nullptr && value == nullptr)) {
      tell(task != nullptr ? task->get_ref<const std::string&>() : "a task", "not exported");
      return true;
    }
    if (task == nullptr) return false;
    const auto& name = task->get_ref<const std::string&>();
    if (of_mark) {
      tell(name, "drawing");
    } else if (is_combination(*value)) {
      for (const Json& part : *value) {
        if (in_combination || !add_annotation(part, true)) tell(name, "combo");
      }
    } else if (!free_text_.empty() && free_text_.contains({workflow_->id, workflow_->version.major, name})) {
      tell(name, "free text");
    } else {
      add_value(name, *value);
    }
    return true;
  }

  static bool is_combination(const Json& value) {
    return value.is_array() && std::ranges::any_of(value, [](const Json& part) {
             return part.is_object() && (part.contains("task") || part.contains("error"));
           });
  }

  void add_value(const std::string& name, const Json& value) {
    Task& task = (*tasks_)[name];
    const auto of_task = [&](std::uint16_t answer) { return tasks_of_answers_[answer] == &task; };
    std::vector<std::uint16_t>& found = found_.answers;
    if (value.is_null() && std::ranges::any_of(found, of_task)) return;  // takes no answer back
    std::erase_if(found, of_task);
    const auto before = static_cast<std::ptrdiff_t>(found.size());
    if (!value.is_array()) {
      add_answer(task, name, value, false);
    } else if (pairs_ && !value.empty() && std::ranges::none_of(value, &Json::is_structured)) {
      add_joined(task, name, value);
    } else {
      for (const Json& answer : value) add_answer(task, name, answer, value.size() > 1);
    }
    std::sort(found.begin() + before, found.end());  // in whichever order it was ticked
    found.erase(std::unique(found.begin() + before, found.end()), found.end());
  }

  /// `of_several`: the answer is one of a list.
  void add_answer(Task& task, const std::string& name, const Json& answer, bool of_several) {
    if (answer.is_null()) {
      if (!task.null) task.null = new_answer(task, {workflow_->id, name, "None", true});
      return add_number(task.null, name);
    }
    if (answer.is_structured()) {
      const std::string label = dropdown_label(answer, of_several);
      return label.empty() ? tell(name, kind_of(answer)) : add_number(number_of(task, name, label), name);
    }
    const std::string text = text_of(answer);
    if (!is_question(task, text)) return tell(name, "free text");
    add_number(number_of(task, name, text), name);
  }

  void add_joined(Task& task, const std::string& name, const Json& ticked) {
    std::vector<std::string> texts;
    for (const Json& answer : ticked) texts.push_back(text_of(answer));
    std::ranges::sort(texts);
    std::string joined;
    for (const std::string& text : texts) {
      if (!is_question(task, text)) return tell(name, "free text");
      joined += (joined.empty() ? "" : "+") + text;
    }
    add_number(number_of(task, name, joined), name);
  }

  void add_number(std::optional<std::uint16_t> answer, const std::string& name) {
    answer ? found_.answers.push_back(*answer) : tell(name, "answers beyond " + std::to_string(most_answers));
  }

  /// Whether the task can still be a question when this, too, is one of its answers.
  bool is_question(Task& task, const std::string& text) {
    if (task.free_text || task.texts.contains(text)) return !task.free_text;
    task.free_text = task.texts.size() >= most_texts || text.size() > longest_text;
    task.free_text ? forget() : void(task.texts.insert(text));
    return !task.free_text;
  }

  /// What was read before may mean something else from now on.
  void forget() {
    for (auto& texts : known_) texts.clear();
    known_count_ = 1;
  }

  std::optional<std::uint16_t> number_of(Task& task, const std::string& name, const std::string& text) {
    if (const auto known = task.answers.find(text); known != task.answers.end()) return known->second;
    const auto number = new_answer(task, {workflow_->id, name, text, false});
    if (number) task.answers.emplace(text, *number);
    return number;
  }

  std::optional<std::uint16_t> new_answer(const Task& task, Answer answer) {
    if (answers_.size() >= most_answers) return std::nullopt;
    answers_.push_back(std::move(answer));
    tasks_of_answers_.push_back(&task);
    return static_cast<std::uint16_t>(answers_.size() - 1);
  }

  void tell(const std::string& what) {
    ++told_;
    ++untold_[{found_.workflow, what}];
  }
  void tell(const std::string& task, const std::string& kind) { tell(task + " (" + kind + ")"); }

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

  /// What was chosen from a list that drops down, with the list's name where there are several; empty for other
  /// answers.
  static std::string dropdown_label(const Json& answer, bool of_several) {
    const auto text = [&](const char* name) {
      const auto value = answer.find(name);
      return value != answer.end() && value->is_string() ? text_of(*value) : std::string();
    };
    if (!answer.is_object() || !answer.contains("option")) return {};
    const std::string label = text("label");
    if (label.size() > longest_text) return {};
    return of_several && !label.empty() ? text("select_label") + ": " + label : label;
  }

  static std::string kind_of(const Json& value) {
    if (value.is_array()) return "nested list";
    for (const char* const key : {"tool", "toolIndex", "toolType", "tool_index"}) {
      if (value.contains(key)) return "drawing";
    }
    if (value.contains("choice")) return "survey";
    if (value.contains("option") || value.contains("select_label")) return "dropdown";
    return "unknown kind";
  }

  struct TextHash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using KnownTexts = std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>>;
  static constexpr std::size_t most_known = 1024;
  static constexpr std::size_t longest_known = 4096;

  std::set<TaskVersion> free_text_;
  bool pairs_;
  std::vector<KnownTexts> known_;  ///< of each workflow: sets of answers by the texts they were read from
  std::size_t known_count_ = 0;
  std::size_t told_ = 0;
  std::map<std::string, std::map<std::string, Task>> tasks_of_workflows_;  ///< by id and name
  std::vector<Answer> answers_;
  std::vector<const Task*> tasks_of_answers_;
  std::map<AnswerSet, std::uint32_t, BySet> sets_;
  std::map<std::pair<std::uint16_t, std::string>, std::size_t> untold_;
  const WorkflowRows* workflow_ = nullptr;        ///< of the row
  std::map<std::string, Task>* tasks_ = nullptr;  ///< of its workflow
  AnswerSet found_;                               ///< in the row
};

}  // namespace abell::votes

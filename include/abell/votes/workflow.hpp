#pragma once
/// Panoptes workflow exports: the questions that were asked.

#include <abell/core/csv.hpp>
#include <abell/core/error.hpp>
#include <abell/votes/keys.hpp>
#include <abell/votes/workflow_version.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace abell::votes {

struct TaskAnswer {
  std::string label;
  std::string next;  ///< the task that it leads to; empty: none, or the task's own `next`
};

struct Task {
  std::string name;  ///< "T0"
  std::string type;  ///< as Panoptes has it: "single", "multiple", "text", "drawing", ...
  std::string question;
  std::string next;
  std::vector<TaskAnswer> answers;
};

/// One version of a workflow.
struct Workflow {
  std::string id;
  std::string name;
  WorkflowVersion version = {};
  std::string first_task;
  std::vector<Task> tasks;
};

namespace detail {

/// One row of a workflow export. Texts stand in `strings` by their key, or, in old exports, in the tasks themselves.
inline std::vector<Task> read_tasks(const nlohmann::json& tasks, const nlohmann::json& strings) {
  using Json = nlohmann::json;
  const auto text = [&](const Json& object, const char* name) -> std::string {
    const auto value = object.find(name);
    if (value == object.end() || !value->is_string()) return {};
    const std::string key = value->get<std::string>();
    const auto found = strings.is_object() ? strings.find(key) : strings.end();
    return found != strings.end() && found->is_string() ? found->get<std::string>() : key;
  };
  std::vector<Task> read;
  for (const auto& [name, json] : tasks.items()) {
    if (!json.is_object()) continue;
    Task task{name, text(json, "type"), text(json, "question"), text(json, "next"), {}};
    if (task.question.empty()) task.question = text(json, "instruction");
    if (const auto answers = json.find("answers"); answers != json.end() && answers->is_array()) {
      for (const Json& answer : *answers) {
        if (answer.is_object()) task.answers.push_back({text(answer, "label"), text(answer, "next")});
      }
    }
    read.push_back(std::move(task));
  }
  return read;
}

}  // namespace detail

/// Reads a workflow export (CSV), every version in it. Throws IoError, and FormatError naming line and column.
inline std::vector<Workflow> read_workflows(const std::filesystem::path& path) {
  using Json = nlohmann::json;
  enum Column : std::size_t { id, name, version, minor, first, tasks, strings, column_count };
  constexpr std::array<std::string_view, column_count> names{"workflow_id", "display_name", "version", "minor_version",
                                                             "first_task",  "tasks",        "strings"};
  std::ifstream file = open_csv(path);
  CsvReader csv(file, path.string());
  if (!csv.next()) throw FormatError(path.string() + ": expected a Panoptes workflow export, found an empty file");
  const std::size_t columns = csv.size();
  std::array<std::size_t, column_count> at{};
  for (std::size_t wanted = 0; wanted < column_count; ++wanted) {
    while (at[wanted] < columns && csv[at[wanted]] != names[wanted]) ++at[wanted];
    if (at[wanted] == columns) {
      throw FormatError(path.string() + ": expected a Panoptes workflow export with a column '" +
                        std::string(names[wanted]) + "', found none");
    }
  }
  std::vector<Workflow> workflows;
  while (csv.next()) {
    const auto fail = [&](Column column, const std::string& expected) {
      throw FormatError(csv.where() + ": " + std::string(names[column]) + ": expected " + expected);
    };
    if (csv.size() != columns) {
      throw FormatError(csv.where() + ": expected " + std::to_string(columns) + " fields, found " +
                        std::to_string(csv.size()));
    }
    const auto number = [&](Column column) {
      const std::string_view text = csv[at[column]];
      int value = 0;
      if (text.empty()) return value;
      const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
      if (error != std::errc() || rest != text.data() + text.size())
        fail(column, "a number, found '" + std::string(text) + "'");
      return value;
    };
    const auto json = [&](Column column) {
      const std::string_view text = csv[at[column]];
      const Json value = Json::parse(text.begin(), text.end(), nullptr, false);
      if (!value.is_object()) fail(column, "a JSON object, found something else");
      return value;
    };
    workflows.push_back({std::string(csv[at[id]]),
                         std::string(csv[at[name]]),
                         {number(version), number(minor)},
                         std::string(csv[at[first]]),
                         detail::read_tasks(json(tasks), json(strings))});
  }
  return workflows;
}

/// The newest of these versions of workflow `id`; null when there is none.
inline const Workflow* find_workflow(const std::vector<Workflow>& workflows, std::string_view id,
                                     const VersionRange& versions = {}) {
  const Workflow* best = nullptr;
  for (const Workflow& w : workflows) {
    if (w.id != id || !versions.contains(w.version)) continue;
    if (best == nullptr || w.version > best->version) best = &w;
  }
  return best;
}

/// All tasks that are free text.
inline std::set<TaskVersion> free_text_tasks(const std::vector<Workflow>& workflows) {
  std::set<TaskVersion> found;
  for (const Workflow& workflow : workflows) {
    for (const Task& task : workflow.tasks) {
      if (task.type == "text") found.insert({workflow.id, workflow.version.major, task.name});
    }
  }
  return found;
}

}  // namespace abell::votes

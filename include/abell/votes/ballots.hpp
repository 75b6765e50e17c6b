#pragma once
/// The votes that count: of the chosen workflows, one a volunteer and object, as codes.

#include <abell/core/error.hpp>
#include <abell/votes/export.hpp>
#include <abell/votes/mapping.hpp>
#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace abell::votes {

/// Votes sorted by subject, and by time within a subject.
struct Ballots {
  std::vector<Vote> votes = {};
  std::vector<int> codes = {};  ///< the code of each set of answers, or no_code
  std::size_t subjects = 0;
  std::size_t users = 0;
  std::size_t duplicates = 0;       ///< further votes of a volunteer on a subject
  std::size_t other_workflows = 0;  ///< votes of workflows and versions that were not chosen

  int code(const Vote& vote) const { return codes[vote.answers]; }

  /// Calls body(first, last) for the votes of each subject that has any.
  template <class Body>
  void for_each_subject(const Body& body) const {
    for (auto first = votes.begin(); first != votes.end();) {
      const auto last = std::find_if(first, votes.end(), [&](const Vote& v) { return v.subject != first->subject; });
      body(first, last);
      first = last;
    }
  }
};

/// Which workflows count, and which of their versions.
struct Choice {
  std::vector<std::string> workflows = {};  ///< their ids; empty: see `choose_workflow`
  VersionRange versions = {};

  bool counts(const WorkflowRows& workflow) const {
    return std::ranges::find(workflows, workflow.id) != workflows.end() && versions.contains(workflow.version);
  }
};

/// Workflows as they are told: by major versions, or by whole ones where the choice takes a part of a major version.
struct WorkflowGroup {
  std::string id;
  std::string name;
  std::string version;
  std::size_t rows = 0;
  bool counted = false;
};

inline std::vector<WorkflowGroup> workflow_groups(const Export& from, const Choice& choice) {
  std::vector<WorkflowGroup> groups;
  for (const WorkflowRows& workflow : from.workflows) {
    if (workflow.rows == 0) continue;
    std::string version = std::to_string(workflow.version.major);
    if (choice.versions.by_minor()) version += "." + std::to_string(workflow.version.minor);
    auto group = std::ranges::find_if(
        groups, [&](const WorkflowGroup& g) { return g.id == workflow.id && g.version == version; });
    if (group == groups.end()) {
      groups.push_back({workflow.id, workflow.name, version, 0, choice.counts(workflow)});
      group = groups.end() - 1;
    }
    group->rows += workflow.rows;
  }
  return groups;
}

/// The code of a set of answers, no_code where it is undecided. The last task that has an answer with a code decides,
/// when all its answers with a code have the same; the order in which they were ticked means nothing.
inline int code_of(const Export& from, const AnswerSet& set, const Mapping& mapping) {
  int code = no_code;
  bool decided = true;
  const std::string* task = nullptr;  // that decides
  for (const std::uint16_t number : set.answers) {
    const Answer& answer = from.answers[number];
    const int said = mapping.find(answer.task, answer.text).value_or(no_code);
    if (said == no_code) continue;
    const bool same_task = task != nullptr && *task == answer.task;
    decided = !same_task || (decided && said == code);
    code = said;
    task = &answer.task;
  }
  return decided ? code : no_code;
}

/// Whether an answer of the set stands for a code.
inline bool has_code(const Export& from, const AnswerSet& set, const Mapping& mapping) {
  return std::ranges::any_of(set.answers, [&](std::uint16_t answer) {
    return mapping.has_code(from.answers[answer].task, from.answers[answer].text);
  });
}

/// Whether a set of answers says anything: more than null, and than answers that only lead on to a question.
inline bool says_something(const Export& from, const AnswerSet& set, const Mapping& mapping) {
  return std::ranges::any_of(set.answers, [&](std::uint16_t number) {
    const Answer& answer = from.answers[number];
    const std::optional<int> code = mapping.find(answer.task, answer.text);
    return code ? *code != no_code : !answer.null;
  });
}

/// The workflow with most votes that the mapping knows, or with most rows when it knows none. Empty without votes.
inline std::string choose_workflow(const Export& from, const Mapping& mapping) {
  struct Count {
    std::size_t mapped = 0, rows = 0;
    auto operator<=>(const Count&) const = default;
  };
  std::vector<std::size_t> votes(from.answer_sets.size());
  for (const Vote& vote : from.votes) ++votes[vote.answers];
  std::map<std::string, Count> counts;
  for (std::size_t i = 0; i < votes.size(); ++i) {
    const AnswerSet& set = from.answer_sets[i];
    Count& count = counts[from.workflows[set.workflow].id];
    count.rows += votes[i];
    if (has_code(from, set, mapping)) count.mapped += votes[i];
  }
  std::string best;
  for (const WorkflowRows& workflow : from.workflows) {  // of equal ones the first
    if (counts[workflow.id] > counts[best]) best = workflow.id;
  }
  return best;
}

/// Answers of other kinds than questions, in the workflows that count: "T0 (drawing)" -> how many.
inline std::map<std::string, std::size_t> untold_answers(const Export& from, const Choice& choice) {
  std::map<std::string, std::size_t> found;
  for (const auto& [key, count] : from.untold) {
    if (choice.counts(from.workflows[key.first])) found[key.second] += count;
  }
  return found;
}

/// Votes that count and have answers with codes, but different ones.
inline std::size_t undecided_votes(const Export& from, const Ballots& ballots, const Mapping& mapping) {
  std::vector<bool> undecided;
  for (std::size_t set = 0; set < from.answer_sets.size(); ++set) {
    undecided.push_back(ballots.codes[set] == no_code && has_code(from, from.answer_sets[set], mapping));
  }
  return static_cast<std::size_t>(
      std::ranges::count_if(ballots.votes, [&](const Vote& v) { return undecided[v.answers]; }));
}

/// Takes the votes out of `from` and keeps those that count; of several by one volunteer on one subject the first that
/// says something. Throws FormatError naming the workflows and versions that there are when a chosen one is none of
/// them.
inline Ballots count_votes(Export& from, const Mapping& mapping, Choice choice = {}) {
  if (choice.workflows.empty()) choice.workflows = {choose_workflow(from, mapping)};
  const std::vector<WorkflowGroup> groups = workflow_groups(from, choice);
  for (const std::string& id : choice.workflows) {
    if (groups.empty() || std::ranges::any_of(groups, [&](const auto& g) { return g.counted && g.id == id; })) continue;
    std::string have;
    for (const WorkflowGroup& g : groups) have += (have.empty() ? "" : ", ") + g.id + " version " + g.version;
    throw FormatError(from.name + ": expected workflow " + id + shown_range(choice.versions) + ", found: " + have);
  }
  Ballots ballots{.subjects = from.objects.size(), .users = from.users.size()};
  std::vector<bool> counts;
  std::vector<bool> silent;
  for (const AnswerSet& set : from.answer_sets) {
    counts.push_back(choice.counts(from.workflows[set.workflow]));
    ballots.codes.push_back(counts.back() ? code_of(from, set, mapping) : no_code);
    silent.push_back(counts.back() && !says_something(from, set, mapping));
  }
  std::vector<Vote>& votes = ballots.votes = std::move(from.votes);
  ballots.other_workflows = std::erase_if(votes, [&](const Vote& v) { return !counts[v.answers]; });
  std::ranges::sort(votes, {},
                    [&](const Vote& v) { return std::tuple(v.subject, v.user, silent[v.answers], v.order); });
  const auto repeated = std::unique(votes.begin(), votes.end(), [](const Vote& a, const Vote& b) {
    return a.subject == b.subject && a.user == b.user;
  });
  ballots.duplicates = static_cast<std::size_t>(votes.end() - repeated);
  votes.erase(repeated, votes.end());
  std::ranges::sort(votes, {}, [](const Vote& v) { return std::tuple(v.subject, v.order); });
  return ballots;
}

}  // namespace abell::votes

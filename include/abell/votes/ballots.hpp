#pragma once
/// The votes that count: of one workflow, one a volunteer and subject, as codes.

#include <abell/core/error.hpp>
#include <abell/votes/export.hpp>
#include <abell/votes/mapping.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace abell::votes {

/// Votes sorted by subject, and by row within a subject.
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

/// Which rows count.
struct Choice {
  std::string workflow = {};      ///< its id; empty: see `choose_workflow`
  std::optional<int> major = {};  ///< its major version; none: all
};

/// The code of each set of answers: that of the last answer that has one.
inline std::vector<int> codes_of(const Export& from, const Mapping& mapping) {
  std::vector<int> codes(from.answer_sets.size(), no_code);
  for (std::size_t set = 0; set < codes.size(); ++set) {
    for (const std::uint16_t answer : from.answer_sets[set]) {
      const int code = mapping.find(from.answers[answer].task, from.answers[answer].text).value_or(no_code);
      if (code != no_code) codes[set] = code;
    }
  }
  return codes;
}

/// The workflow with most votes that the mapping knows, or with most rows when it knows none. Empty without votes.
inline std::string choose_workflow(const Export& from, const std::vector<int>& codes) {
  struct Count {
    std::string id;
    std::size_t mapped = 0, rows = 0;
  };
  std::vector<Count> counts;
  std::vector<std::size_t> place;  // of each workflow and version
  for (const WorkflowRows& workflow : from.workflows) {
    const auto at = std::ranges::find(counts, workflow.id, &Count::id);
    place.push_back(static_cast<std::size_t>(at - counts.begin()));
    if (at == counts.end()) counts.push_back({workflow.id});
  }
  for (const Vote& vote : from.votes) {
    Count& count = counts[place[vote.workflow]];
    ++count.rows;
    if (codes[vote.answers] != no_code) ++count.mapped;
  }
  const auto best = std::ranges::max_element(counts, [](const Count& a, const Count& b) {
    return a.mapped != b.mapped ? a.mapped < b.mapped : a.rows < b.rows;
  });
  return best == counts.end() ? "" : best->id;
}

/// Takes the votes out of `from` and keeps those that count; of several by one volunteer on one subject the first.
/// Throws FormatError naming the workflows and versions that there are when the one asked for is not among them.
inline Ballots count_votes(Export& from, const Mapping& mapping, Choice choice = {}) {
  Ballots ballots{.codes = codes_of(from, mapping), .subjects = from.objects.size(), .users = from.users.size()};
  if (choice.workflow.empty()) choice.workflow = choose_workflow(from, ballots.codes);
  const auto chosen = [&](const WorkflowRows& workflow) {
    return workflow.id == choice.workflow && (!choice.major || workflow.major == *choice.major);
  };
  if (!from.votes.empty() && std::ranges::none_of(from.workflows, chosen)) {
    std::string have;
    for (const WorkflowRows& w : from.workflows) {
      have += (have.empty() ? "" : ", ") + w.id + " version " + std::to_string(w.major);
    }
    throw FormatError(from.name + ": expected workflow " + choice.workflow +
                      (choice.major ? " version " + std::to_string(*choice.major) : "") + ", found: " + have);
  }
  std::vector<Vote>& votes = ballots.votes = std::move(from.votes);
  ballots.other_workflows = std::erase_if(votes, [&](const Vote& v) { return !chosen(from.workflows[v.workflow]); });
  const auto by = [](auto... members) {
    return [=](const Vote& a, const Vote& b) { return std::tie(a.*members...) < std::tie(b.*members...); };
  };
  std::ranges::sort(votes, by(&Vote::subject, &Vote::user, &Vote::row));
  const auto repeated = std::unique(votes.begin(), votes.end(), [](const Vote& a, const Vote& b) {
    return a.subject == b.subject && a.user == b.user;
  });
  ballots.duplicates = static_cast<std::size_t>(votes.end() - repeated);
  votes.erase(repeated, votes.end());
  std::ranges::sort(votes, by(&Vote::subject, &Vote::row));
  return ballots;
}

}  // namespace abell::votes

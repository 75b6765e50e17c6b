#pragma once
/// What abell-votes count tells of the rows and answers that it did not count, or not as one might think.

#include <abell/core/printable.hpp>
#include <abell/report/votes_report.hpp>
#include <abell/votes/ballots.hpp>
#include <abell/votes/output.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

namespace abell::program::detail {

inline TextTable workflow_table(const std::vector<votes::WorkflowGroup>& groups) {
  TextTable table{.caption = "Workflows in the export", .head = {"id", "version", "name", "rows"}};
  for (const votes::WorkflowGroup& g : groups) {
    table.rows.push_back({g.id, g.version, g.name, grouped_text(g.rows)});
  }
  return table;
}

/// The rows that each choice left out; empty when no choice was made.
inline TextTable left_out_table(const votes::Export& from, const votes::RowChoice& rows) {
  TextTable table{.caption = "Rows that were not chosen", .head = {"choice", "rows left out"}};
  const auto made = votes::chosen(rows);
  for (std::size_t part = 0; part < made.size(); ++part) {
    if (!made[part]) continue;
    table.rows.push_back({"--" + std::string(votes::row_choice_names[part]), grouped_text(from.left_out[part])});
  }
  return table;
}

/// Answers that stand for no code under their own text, and those that are no question's.
inline TextTable other_answers(const votes::Export& from, const votes::Ballots& ballots, const votes::Mapping& mapping,
                               const votes::Choice& choice) {
  TextTable table{.caption = "Answers without a code", .head = {"task", "answer", "votes"}};
  std::vector<std::size_t> counts(from.answers.size());
  for (const votes::Vote& vote : ballots.votes) {
    for (const std::uint16_t answer : from.answer_sets[vote.answers].answers) ++counts[answer];
  }
  for (const std::uint16_t answer : votes::unmapped_answers(from, ballots, mapping)) {
    table.rows.push_back({from.answers[answer].task, from.answers[answer].text, grouped_text(counts[answer])});
  }
  for (const auto& [kind, count] : votes::untold_answers(from, choice)) {
    table.rows.push_back({kind, "not counted", grouped_text(count)});
  }
  return table;
}

/// Workflows and rows that were left out, answers without code, votes without a subject or time of their own.
inline void tell(const votes::Export& from, const votes::Ballots& ballots, const votes::Mapping& mapping,
                 const std::vector<votes::WorkflowGroup>& groups, const VotesReport& report) {
  for (const votes::WorkflowGroup& g : groups) {
    std::cout << (g.counted ? "counted" : "left out") << ": workflow " << printable(g.id + " '" + g.name)
              << "' version " << g.version << ", " << g.rows << " rows\n";
  }
  for (const auto& row : report.left_out.rows) std::cout << "left out: " << row[0] << ", " << row[1] << " rows\n";
  if (from.several_subjects > 0) {
    std::cout << "several subjects: " << from.several_subjects << " rows, each about an object 'A;B'\n";
  }
  if (from.untimed > 0) {
    std::cout << "no created_at: " << from.untimed << " rows, in time as the row before\n";
  }
  const std::vector<std::vector<std::string>>& other = report.other_answers.rows;
  constexpr std::size_t most = 20;
  for (std::size_t i = 0; i < std::min(most, other.size()); ++i) {
    std::cout << "no code: " << printable(other[i][0] + ": " + other[i][1]) << ", " << other[i][2] << "\n";
  }
  if (other.size() > most) std::cout << "no code: " << other.size() - most << " more answers\n";
  if (const std::size_t count = votes::undecided_votes(from, ballots, mapping); count > 0) {
    std::cout << "undecided: " << count << " votes that ticked answers of several codes\n";
  }
  const bool mapped = std::ranges::any_of(ballots.votes, [&](const votes::Vote& v) { return ballots.code(v) >= 0; });
  if (!mapped && !ballots.votes.empty()) {
    std::cout << "no answer stands for a code (--mapping): p_cluster is empty\n";
  }
}

}  // namespace abell::program::detail

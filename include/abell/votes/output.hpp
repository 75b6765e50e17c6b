#pragma once
/// consensus.csv and volunteers.csv.

#include <abell/core/atomic_file.hpp>
#include <abell/core/csv.hpp>
#include <abell/votes/ballots.hpp>
#include <abell/votes/codes.hpp>
#include <abell/votes/consensus.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace abell::votes {

/// Decision on a subject: a cluster when p_cluster is above `threshold`.
inline std::string class_of(const SubjectConsensus& subject, double threshold) {
  if (std::isnan(subject.p_cluster)) return "";
  return subject.p_cluster > threshold ? "cluster" : "non-cluster";
}

/// "T0: Yes" of an answer, with its workflow in front where several count.
inline std::string title_of(const Answer& answer, bool several_workflows) {
  return (several_workflows ? answer.workflow + "/" : "") + answer.task + ": " + answer.text;
}

/// The answers of counted votes that the mapping does not know, as positions in `from.answers`.
inline std::vector<std::uint16_t> unmapped_answers(const Export& from, const Ballots& ballots, const Mapping& mapping) {
  std::vector<bool> used(from.answer_sets.size());
  for (const Vote& vote : ballots.votes) used[vote.answers] = true;
  std::vector<bool> unmapped(from.answers.size());
  for (std::size_t set = 0; set < used.size(); ++set) {
    if (!used[set]) continue;
    for (const std::uint16_t answer : from.answer_sets[set].answers) {
      if (!mapping.find(from.answers[answer].task, from.answers[answer].text)) unmapped[answer] = true;
    }
  }
  std::vector<std::uint16_t> found;
  for (std::size_t i = 0; i < unmapped.size(); ++i) {
    if (unmapped[i]) found.push_back(static_cast<std::uint16_t>(i));
  }
  return found;
}

/// Writes consensus.csv: id, class (cluster or non-cluster), p_cluster, code, agreement, votes, one column a code with
/// its votes, and one for each answer that is not mapped, named "T0: its text" ("7/T0: its text" where those of several
/// workflows count). Throws IoError.
inline void write_consensus(const std::filesystem::path& path, const Export& from, const Ballots& ballots,
                            const Mapping& mapping, const Consensus& consensus, double threshold) {
  const std::vector<std::uint16_t> own = unmapped_answers(from, ballots, mapping);
  const bool several = std::ranges::any_of(
      own, [&](std::uint16_t answer) { return from.answers[answer].workflow != from.answers[own[0]].workflow; });
  std::vector<std::size_t> column(from.answers.size(), own.size());
  std::vector<std::string> row{"id", "class", "p_cluster", "code", "agreement", "votes"};
  for (int code = 0; code < static_cast<int>(code_count); ++code) row.emplace_back(1, letter_of(code));
  for (std::size_t i = 0; i < own.size(); ++i) {
    column[own[i]] = i;
    row.push_back(title_of(from.answers[own[i]], several));
  }
  AtomicFile file(path);
  write_csv_row(file.stream(), row);
  std::vector<std::size_t> counts(own.size() + 1);  // the last one takes the answers that are mapped
  ballots.for_each_subject([&](auto first, auto last) {
    const SubjectConsensus& subject = consensus.subjects[first->subject];
    row = {from.objects[first->subject],  class_of(subject, threshold),
           csv_number(subject.p_cluster), subject.code == no_code ? "" : std::string(1, letter_of(subject.code)),
           csv_number(subject.agreement), std::to_string(subject.votes)};
    for (const std::size_t count : subject.counts) row.push_back(std::to_string(count));
    std::ranges::fill(counts, 0U);
    for (auto vote = first; vote != last; ++vote) {
      for (const std::uint16_t answer : from.answer_sets[vote->answers].answers) ++counts[column[answer]];
    }
    for (std::size_t i = 0; i < own.size(); ++i) row.push_back(std::to_string(counts[i]));
    write_csv_row(file.stream(), row);
  });
  file.commit();
}

/// Writes volunteers.csv: user, votes, gold (votes on objects that the experts know), agreed (those that agree with
/// them), skill, weight; only volunteers whose votes count. Throws IoError.
inline void write_volunteers(const std::filesystem::path& path, const Export& from, const Consensus& consensus) {
  AtomicFile file(path);
  write_csv_row(file.stream(), std::vector<std::string>{"user", "votes", "gold", "agreed", "skill", "weight"});
  for (std::size_t i = 0; i < consensus.volunteers.size(); ++i) {
    const Volunteer& v = consensus.volunteers[i];
    if (v.votes == 0) continue;
    write_csv_row(file.stream(),
                  std::vector<std::string>{from.users[i], std::to_string(v.votes), std::to_string(v.gold),
                                           std::to_string(v.agreed), csv_number(v.skill), csv_number(v.weight)});
  }
  file.commit();
}

}  // namespace abell::votes

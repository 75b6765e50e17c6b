#pragma once
/// Small classification exports and ballots for the tests of votes.

#include <abell/core/csv.hpp>
#include <abell/votes/ballots.hpp>
#include <abell/votes/panoptes.hpp>
#include <cstddef>
#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

/// One row; what a test does not care about has a default.
struct ExportRow {
  std::string user = "u";
  std::string user_id = {};
  std::string subject = "1";
  std::string annotations = "[]";
  std::string workflow = "7";
  std::string version = "1.1";
  std::string data = "{}";
  std::string metadata = "{\"user_agent\":\"A \\\"quoted\\\" one,\nwith a line break\"}";
  std::string created = "2015-01-01 00:00:00 UTC";
  std::string gold = {};
};

inline std::string export_text(const std::vector<ExportRow>& rows) {
  std::ostringstream out;
  out << "classification_id,user_name,user_id,user_ip,workflow_id,workflow_name,workflow_version,created_at,gold_"
         "standard,"
         "expert,metadata,annotations,subject_data,subject_ids\n";
  for (const ExportRow& row : rows) {
    abell::write_csv_row(
        out, std::vector<std::string>{"1", row.user, row.user_id, "", row.workflow, "Flow", row.version, row.created,
                                      row.gold, "", row.metadata, row.annotations, row.data, row.subject});
  }
  return out.str();
}

inline abell::votes::Export read_text(const std::string& text, const abell::votes::ExportOptions& options = {}) {
  std::istringstream in(text);
  return abell::votes::read_export(in, "e.csv", options);
}

/// The texts of the answers of each vote, joined by '|'.
inline std::vector<std::string> answers_of(const abell::votes::Export& from) {
  std::vector<std::string> all;
  for (const abell::votes::Vote& vote : from.votes) {
    std::string text;
    for (const auto answer : from.answer_sets[vote.answers].answers) {
      text += (text.empty() ? "" : "|") + from.answers[answer].task + "=" + from.answers[answer].text;
    }
    all.push_back(text);
  }
  return all;
}

/// Answers of other kinds than questions, of all workflows.
inline std::map<std::string, std::size_t> untold_of(const abell::votes::Export& from) {
  std::map<std::string, std::size_t> all;
  for (const auto& [key, count] : from.untold) all[key.second] += count;
  return all;
}

/// The annotations of an answer to one task.
inline std::string answered(const std::string& json, const std::string& task = "T0") {
  return R"([{"task":")" + task + R"(","task_label":"?","value":)" + json + "}]";
}

/// One vote: subject, user, code.
struct Cast {
  std::uint32_t subject;
  std::uint32_t user;
  int code;
};

/// Ballots of these votes, in this order.
inline abell::votes::Ballots ballots_of(const std::vector<Cast>& casts, std::size_t subjects, std::size_t users) {
  abell::votes::Ballots ballots{.codes = {0, 1, 2, 3, 4, 5, 6}, .subjects = subjects, .users = users};
  for (std::uint32_t row = 0; row < casts.size(); ++row) {
    ballots.votes.push_back({row, casts[row].subject, casts[row].user, static_cast<std::uint32_t>(casts[row].code)});
  }
  std::ranges::stable_sort(ballots.votes, {}, &abell::votes::Vote::subject);
  return ballots;
}

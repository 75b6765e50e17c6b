#pragma once
/// Panoptes classification exports of the Hunt's workflow, written row by row.

#include <abell/core/csv.hpp>
#include <abell/votes/codes.hpp>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

namespace abell::votes {

/// One vote, as its row tells it.
struct ExportRow {
  std::string id;  ///< of the classification
  std::string user_name;
  std::string user_id;  ///< empty: not logged in
  std::string workflow_name;
  std::string created_at;
  nlohmann::ordered_json metadata;
  int code = no_code;
  std::string subject_id;
  std::string image_id;
};

namespace detail {

/// The answers that lead to a code, as (question, answer).
inline std::vector<std::pair<const HuntQuestion*, const HuntAnswer*>> path_to(int code, int from = 0) {
  const HuntQuestion& question = hunt_questions[static_cast<std::size_t>(from)];
  for (const HuntAnswer& answer : question.answers) {
    if (answer.next < 0 && answer.code != code) continue;
    auto rest = answer.next < 0 ? decltype(path_to(code)){} : path_to(code, answer.next);
    if (answer.next >= 0 && rest.empty()) continue;
    rest.insert(rest.begin(), {&question, &answer});
    return rest;
  }
  return {};
}

}  // namespace detail

/// The names of the columns.
inline void write_export_header(std::ostream& out) {
  write_csv_row(out, std::vector<std::string>{"classification_id", "user_name", "user_id", "user_ip", "workflow_id",
                                              "workflow_name", "workflow_version", "created_at", "gold_standard",
                                              "expert", "metadata", "annotations", "subject_data", "subject_ids"});
}

inline void write_export_row(std::ostream& out, const ExportRow& row) {
  using Json = nlohmann::ordered_json;
  Json annotations = Json::array();
  for (const auto& [question, answer] : detail::path_to(row.code)) {
    annotations.push_back({{"task", question->task}, {"task_label", question->text}, {"value", answer->label}});
  }
  const Json data{{row.subject_id, {{"retired", nullptr}, {"image_id", row.image_id}}}};
  const auto text = [](const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); };
  write_csv_row(out, std::vector<std::string>{row.id, row.user_name, row.user_id, "", "1", row.workflow_name, "1.1",
                                              row.created_at, "", "", text(row.metadata), text(annotations), text(data),
                                              row.subject_id});
}

}  // namespace abell::votes

#pragma once
/// What names an object, a volunteer and a task. Rows that have the same key mean the same one, in whichever of the
/// joined exports they stand:
///
/// - object: the image id in its subject's metadata, or else the id that Panoptes gave the subject. A row that shows
///   several subjects is about an object of its own, named by all of them: "a;b".
/// - volunteer: the user_id (names may change), or else the user_name. Who is not logged in is called after the
/// address,
///   which many may share and which is hashed anew for each export; see `Anonymous`.
/// - task: the workflow's id and the task's name; T0 of another workflow is another question.

#include <abell/core/formula.hpp>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

namespace abell::votes {

/// A subject's metadata `key`, which may be hidden from volunteers by '#', '!' or '//' before its name. Ids came to
/// Panoptes in a manifest in CSV, and may still have that file's guard.
inline std::optional<std::string> image_id(const nlohmann::json& subject, const std::string& key) {
  if (!subject.is_object()) return std::nullopt;
  for (const char* const hidden : {"", "#", "!", "//"}) {
    const auto value = subject.find(hidden + key);
    if (value == subject.end() || value->is_structured() || value->is_null()) continue;
    return value->is_string() ? std::string(unguarded(value->get_ref<const std::string&>())) : value->dump();
  }
  return std::nullopt;
}

/// Of the object that a row is about, by its `subject_ids` ("11", or "11;12") and its `subject_data`.
inline std::string object_name(std::string_view subject_ids, const nlohmann::json& subject_data,
                               const std::string& key) {
  if (subject_ids.find(';') == std::string_view::npos) {
    for (const nlohmann::json& subject : subject_data) {
      if (const auto id = image_id(subject, key)) return *id;
    }
    return std::string(subject_ids);
  }
  std::string name;
  for (std::size_t at = 0; at <= subject_ids.size();) {
    const std::string id(subject_ids.substr(at, subject_ids.find(';', at) - at));
    const auto subject = subject_data.find(id);
    name += (at > 0 ? ";" : "") + (subject == subject_data.end() ? id : image_id(*subject, key).value_or(id));
    at += id.size() + 1;
  }
  return name;
}

/// What makes two rows by someone who is not logged in those of one volunteer.
enum class Anonymous {
  session,  ///< the same session of a browser
  ip,       ///< the same (hashed) address
  each      ///< nothing: each row is a volunteer's of its own
};

/// What a row tells of its volunteer, and where it stands.
struct VoterColumns {
  std::string_view user_name;
  std::string_view user_id;
  std::string_view session = {};
  std::size_t source = 0;  ///< number of the export among the joined ones
  std::size_t row = 0;

  bool anonymous() const { return user_id.empty() && user_name.starts_with("not-logged-in"); }
  /// Who saved the Hunt's page without a name, when pages did not give ids: an expert of that page.
  bool nameless() const { return user_id.empty() && user_name == "expert"; }
};

struct Voter {
  std::string key;
  std::string suffix;  ///< tells namesakes apart where the volunteer's name is shown
};

/// Writes into `voter`, whose memory is used again.
inline void identify(const VoterColumns& columns, Anonymous anonymous, Voter& voter) {
  voter.suffix.clear();
  if (columns.nameless() && columns.source > 0) voter.suffix = std::to_string(columns.source + 1);
  if (columns.anonymous() && anonymous == Anonymous::each) voter.suffix = std::to_string(columns.row + 1);
  if (columns.anonymous() && anonymous == Anonymous::session && !columns.session.empty()) {
    voter.key.assign("session ").append(columns.session);
    voter.suffix = columns.session.substr(0, 8);
  } else {
    voter.key.assign(columns.user_id.empty() ? "name " : "id ");
    voter.key.append(columns.user_id.empty() ? columns.user_name : columns.user_id).append("/").append(voter.suffix);
  }
}

/// A task of one major version of a workflow: what it asks may change with the version.
struct TaskVersion {
  std::string workflow;
  int major = 0;
  std::string task;

  friend bool operator<(const TaskVersion& a, const TaskVersion& b) {
    return std::tie(a.workflow, a.major, a.task) < std::tie(b.workflow, b.major, b.task);
  }
};

}  // namespace abell::votes

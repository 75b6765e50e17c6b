#pragma once
/// Panoptes classification exports (CSV with JSON in some columns), as a stream.

#include <abell/core/csv.hpp>
#include <abell/core/error.hpp>
#include <abell/votes/annotations.hpp>
#include <abell/votes/export.hpp>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <istream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace abell::votes {

struct ExportOptions {
  bool strict = false;                                      ///< stop at the first bad row
  bool pairs = false;                                       ///< see `AnswerReader`
  std::string id = "image_id";                              ///< the subjects' metadata that names the object
  std::set<std::string> free_text = {};                     ///< tasks that are free text
  std::function<void(const std::string&)> on_bad_row = {};  ///< told of each row that is skipped
  std::function<bool(std::uint64_t)> on_progress = {};      ///< told of the bytes read so far; false stops
};

namespace detail {

/// Reads one export; keeps what is needed between its rows.
class ExportReader {
 public:
  ExportReader(std::istream& in, const std::string& name, const ExportOptions& options)
      : options_(options), csv_(in, name), answers_(options.free_text, options.pairs) {
    export_.name = name;
  }

  Export read() {
    read_header();
    while (csv_.next()) {
      if (options_.on_progress && export_.rows % 1024 == 0 && !options_.on_progress(csv_.bytes())) break;
      if (const std::string problem = read_row(); !problem.empty()) skip_row(problem);
      ++export_.rows;
    }
    if (options_.on_progress) options_.on_progress(csv_.bytes());
    answers_.finish(export_);
    return std::move(export_);
  }

 private:
  using Json = nlohmann::json;
  enum Column : std::size_t {
    user_name,
    user_id,
    workflow_id,
    workflow_name,
    workflow_version,
    annotations,
    subject_data,
    subject_ids,
    column_count
  };

  struct Subject {
    std::uint32_t object;
    std::size_t data;  ///< hash of its data, which stands again in each of its rows
  };

  void read_header() {
    constexpr std::array<std::string_view, column_count> names{"user_name",     "user_id",          "workflow_id",
                                                               "workflow_name", "workflow_version", "annotations",
                                                               "subject_data",  "subject_ids"};
    if (!csv_.next())
      throw FormatError(export_.name + ": expected a Panoptes classification export, found an empty file");
    columns_ = csv_.size();
    for (std::size_t wanted = 0; wanted < column_count; ++wanted) {
      std::string have;
      std::size_t at = 0;
      for (; at < columns_ && csv_[at] != names[wanted]; ++at) have += (at > 0 ? ", " : "") + std::string(csv_[at]);
      if (at == columns_) {
        throw FormatError(export_.name + ": expected a Panoptes classification export with a column '" +
                          std::string(names[wanted]) +
                          "', found: " + (have.size() > 200 ? have.substr(0, 200) + "..." : have));
      }
      at_[wanted] = at;
    }
  }

  void skip_row(const std::string& problem) {
    const std::string message = csv_.where() + ": " + problem;
    if (options_.strict) throw FormatError(message);
    ++export_.bad;
    if (options_.on_bad_row) options_.on_bad_row(message);
  }

  /// What is wrong with the row; empty when it became a vote.
  std::string read_row() {
    if (csv_.size() != columns_) {
      const std::string problem =
          "expected " + std::to_string(columns_) + " fields, found " + std::to_string(csv_.size());
      if (!csv_.complete()) throw FormatError(csv_.where() + ": " + problem + ": the file is cut short");
      return problem;
    }
    const std::string_view user = csv_[at_[user_name]];
    const std::string_view id = csv_[at_[user_id]];
    if (user.empty() && id.empty()) return "expected a user_name or user_id, found neither";
    const std::string_view subject_id = csv_[at_[subject_ids]];
    if (subject_id.empty()) return "expected subject_ids, found none";
    const std::optional<int> major = major_of(csv_[at_[workflow_version]]);
    if (!major) return "workflow_version: expected a number, found '" + shown(csv_[at_[workflow_version]]) + "'";
    const std::optional<std::uint32_t> subject = subject_of(subject_id, csv_[at_[subject_data]]);
    if (!subject) return "subject_data: expected a JSON object, found '" + shown(csv_[at_[subject_data]]) + "'";
    const std::optional<std::uint16_t> answers = answers_.read(csv_[at_[annotations]]);
    if (!answers)
      return "annotations: expected a JSON list of tasks and values, found '" + shown(csv_[at_[annotations]]) + "'";
    if (export_.rows >= std::numeric_limits<std::uint32_t>::max()) {
      throw FormatError(export_.name + ": expected less than 2^32 rows");
    }
    const std::uint16_t workflow = workflow_of(csv_[at_[workflow_id]], *major);
    export_.votes.push_back(
        {static_cast<std::uint32_t>(export_.rows), *subject, user_of(user, id), workflow, *answers});
    return {};
  }

  static std::string shown(std::string_view text) {
    constexpr std::size_t most = 60;
    return std::string(text.substr(0, most)) + (text.size() > most ? "..." : "");
  }

  /// 16 of "16.55".
  static std::optional<int> major_of(std::string_view version) {
    int major = 0;
    const auto [rest, error] = std::from_chars(version.data(), version.data() + version.size(), major);
    if (error != std::errc() || (rest != version.data() + version.size() && *rest != '.')) return std::nullopt;
    return major;
  }

  /// A registered user is known by the id (names may change), an anonymous one by the name.
  std::uint32_t user_of(std::string_view user, std::string_view id) {
    key_.assign(id.empty() ? "name " : "id ").append(id.empty() ? user : id);
    const std::uint32_t number = user_keys_.add(key_);
    if (number == export_.users.size()) export_.users.emplace_back(user.empty() ? id : user);
    return number;
  }

  std::uint16_t workflow_of(std::string_view id, int major) {
    std::vector<WorkflowRows>& known = export_.workflows;
    std::size_t at = 0;
    while (at < known.size() && (known[at].major != major || known[at].id != id)) ++at;
    if (at == known.size()) {
      if (at > UINT16_MAX)
        throw FormatError(csv_.where() + ": expected at most 65536 workflows and versions, found more");
      known.push_back({std::string(id), std::string(csv_[at_[workflow_name]]), major, 0});
    }
    ++known[at].rows;
    return static_cast<std::uint16_t>(at);
  }

  /// The number of the object that a subject shows; no value when its data is no JSON object.
  std::optional<std::uint32_t> subject_of(std::string_view id, std::string_view data) {
    const std::size_t hash = std::hash<std::string_view>()(data);
    const std::uint32_t number = subject_ids_.add(id);
    if (number < subjects_.size() && subjects_[number].data == hash) return subjects_[number].object;
    const Json json = Json::parse(data.begin(), data.end(), nullptr, false);
    const bool known = number < subjects_.size();
    if (!known) subjects_.push_back({no_object, 0});
    if (!json.is_object()) return std::nullopt;
    Subject& subject = subjects_[number];
    if (subject.object == no_object) subject.object = export_.objects.add(object_id(json).value_or(std::string(id)));
    subject.data = hash;
    return subject.object;
  }

  /// The subject's metadata `options_.id`, which may be hidden from volunteers by '#', '!' or '//' before its name.
  /// Ids came to Panoptes in a manifest in CSV, and may still have that file's guard.
  std::optional<std::string> object_id(const Json& data) const {
    for (const Json& subject : data) {
      if (!subject.is_object()) continue;
      for (const char* const hidden : {"", "#", "!", "//"}) {
        const auto value = subject.find(hidden + options_.id);
        if (value == subject.end() || value->is_structured() || value->is_null()) continue;
        return value->is_string() ? std::string(unguarded(value->get_ref<const std::string&>())) : value->dump();
      }
    }
    return std::nullopt;
  }

  static constexpr std::uint32_t no_object = std::numeric_limits<std::uint32_t>::max();

  const ExportOptions& options_;
  CsvReader csv_;
  AnswerReader answers_;
  Export export_;
  std::size_t columns_ = 0;
  std::array<std::size_t, column_count> at_{};
  Names user_keys_;
  Names subject_ids_;
  std::vector<Subject> subjects_;
  std::string key_;
};

}  // namespace detail

/// Reads the classification export in `in`; `name` is used in errors. A row whose JSON is broken or that lacks fields
/// is skipped and counted, or thrown as FormatError when `strict`. Throws FormatError for missing columns and for a
/// file that is no CSV or that is cut short, naming file and line.
inline Export read_export(std::istream& in, const std::string& name, const ExportOptions& options = {}) {
  return detail::ExportReader(in, name, options).read();
}

/// The same for a file. Throws also IoError.
inline Export read_export(const std::filesystem::path& path, const ExportOptions& options = {}) {
  std::ifstream file = open_csv(path);
  return read_export(file, path.string(), options);
}

}  // namespace abell::votes

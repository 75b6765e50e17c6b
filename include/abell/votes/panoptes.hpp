#pragma once
/// Panoptes classification exports (CSV with JSON in some columns), as a stream, and several of them joined.

#include <abell/core/csv.hpp>
#include <abell/core/error.hpp>
#include <abell/core/yes_no.hpp>
#include <abell/votes/annotations.hpp>
#include <abell/votes/export.hpp>
#include <abell/votes/keys.hpp>
#include <abell/votes/rows.hpp>
#include <abell/votes/time.hpp>
#include <abell/votes/workflow_version.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <istream>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell::votes {

struct ExportOptions {
  bool strict = false;                                      ///< stop at the first bad row
  bool pairs = false;                                       ///< see `AnswerReader`
  std::string id = "image_id";                              ///< the subjects' metadata that names the object
  std::set<TaskVersion> free_text = {};                     ///< tasks that are free text
  RowChoice rows = {};                                      ///< which rows are read
  Anonymous anonymous = Anonymous::ip;                      ///< who is not logged in
  std::function<void(const std::string&)> on_bad_row = {};  ///< told of each row that is skipped
  std::function<bool(std::uint64_t)> on_progress = {};      ///< told of the bytes read so far; false stops
};

namespace detail {

/// Reads exports one after the other; keeps what is needed between their rows.
class ExportReader {
 public:
  explicit ExportReader(const ExportOptions& options) : options_(options), answers_(options.free_text, options.pairs) {}

  void read(std::istream& in, const std::string& name) {
    if (stopped_) return;
    export_.name += (export_.name.empty() ? "" : ", ") + name;
    csv_.emplace(in, name);
    read_header(name);
    while (csv_->next()) {
      if (export_.rows % 1024 == 0 && stop(csv_->bytes())) return;
      if (const std::string problem = read_row(); !problem.empty()) skip_row(problem);
      ++export_.rows;
    }
    stop(csv_->bytes());
    bytes_ += csv_->bytes();
    ++source_;
  }

  Export finish() {
    answers_.finish(export_);
    order_by_time();
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
    created_at,  // from here on only where it is asked for
    gold_standard,
    metadata,
    column_count
  };

  struct Subject {
    std::uint32_t object;
    std::size_t data;  ///< hash of its data, which stands again in each of its rows
  };

  bool stop(std::uint64_t bytes) {
    stopped_ = stopped_ || (options_.on_progress && !options_.on_progress(bytes_ + bytes));
    return stopped_;
  }

  bool needs_metadata() const {
    return options_.rows.live_only || options_.rows.no_seen || options_.anonymous == Anonymous::session;
  }
  bool needs(Column column) const {
    if (column == created_at) return options_.rows.from || options_.rows.to;
    if (column == gold_standard) return options_.rows.no_gold;
    return column != metadata || needs_metadata();
  }

  void read_header(const std::string& name) {
    constexpr std::array<std::string_view, column_count> names{
        "user_name",    "user_id",     "workflow_id", "workflow_name", "workflow_version", "annotations",
        "subject_data", "subject_ids", "created_at",  "gold_standard", "metadata"};
    if (!csv_->next()) throw FormatError(name + ": expected a Panoptes classification export, found an empty file");
    columns_ = csv_->size();
    for (std::size_t wanted = 0; wanted < column_count; ++wanted) {
      std::string have;
      std::size_t at = 0;
      for (; at < columns_ && (*csv_)[at] != names[wanted]; ++at)
        have += (at > 0 ? ", " : "") + std::string((*csv_)[at]);
      if (at == columns_ && needs(static_cast<Column>(wanted))) {
        throw FormatError(name + ": expected a Panoptes classification export with a column '" +
                          std::string(names[wanted]) +
                          "', found: " + (have.size() > 200 ? have.substr(0, 200) + "..." : have));
      }
      at_[wanted] = at;
    }
  }

  /// Of the row; empty where the export has no such column.
  std::string_view field(Column column) { return at_[column] == columns_ ? std::string_view() : (*csv_)[at_[column]]; }

  void skip_row(const std::string& problem) {
    const std::string message = csv_->where() + ": " + problem;
    if (options_.strict) throw FormatError(message);
    ++export_.bad;
    if (options_.on_bad_row) options_.on_bad_row(message);
  }

  /// What is wrong with the row; empty when it became a vote, or was not chosen.
  std::string read_row() {
    if (csv_->size() != columns_) {
      const std::string problem =
          "expected " + std::to_string(columns_) + " fields, found " + std::to_string(csv_->size());
      if (!csv_->complete()) throw FormatError(csv_->where() + ": " + problem + ": the file is cut short");
      return problem;
    }
    if (export_.rows >= std::numeric_limits<std::uint32_t>::max()) {
      throw FormatError(export_.name + ": expected less than 2^32 rows");
    }
    VoterColumns voter{
        .user_name = field(user_name), .user_id = field(user_id), .source = source_, .row = export_.rows};
    if (voter.user_name.empty() && voter.user_id.empty()) return "expected a user_name or user_id, found neither";
    const std::string_view ids = field(subject_ids);
    if (ids.empty()) return "expected subject_ids, found none";
    const std::optional<WorkflowVersion> version = version_of(field(workflow_version));
    if (!version) return "workflow_version: expected a number, found '" + shown(field(workflow_version)) + "'";

    const std::optional<std::int64_t> time = time_of(field(created_at));
    if (!time && needs(created_at)) return "created_at: expected a time, found '" + shown(field(created_at)) + "'";
    RowMetadata about;
    if (needs_metadata()) {
      std::optional<RowMetadata> read = read_metadata(field(metadata));
      if (!read) return "metadata: expected a JSON object, found '" + shown(field(metadata)) + "'";
      about = std::move(*read);
    }
    const auto left_out =
        left_out_by(options_.rows, {.time = time.value_or(0),
                                    .live = about.live,
                                    .gold = needs(gold_standard) && yes_or_no(field(gold_standard)).value_or(true),
                                    .seen = about.seen,
                                    .anonymous = voter.anonymous()});
    if (left_out) {
      ++export_.left_out[*left_out];
      return {};
    }
    const std::optional<std::uint32_t> subject = subject_of(ids);
    if (!subject) return "subject_data: expected a JSON object, found '" + shown(field(subject_data)) + "'";
    const std::uint16_t workflow = workflow_of(field(workflow_id), *version);
    const std::optional<std::uint32_t> answers = answers_.read(
        csv_->raw(at_[annotations]), [&] { return field(annotations); }, export_.workflows[workflow], workflow);
    if (!answers)
      return "annotations: expected a JSON list of tasks and values, found '" + shown(field(annotations)) + "'";

    voter.session = about.session;
    ++export_.workflows[workflow].rows;
    if (ids.find(';') != std::string_view::npos) ++export_.several_subjects;
    export_.votes.push_back({clock(time), *subject, user_of(voter), *answers});
    return {};
  }

  static std::string shown(std::string_view text) {
    constexpr std::size_t most = 60;
    return std::string(text.substr(0, most)) + (text.size() > most ? "..." : "");
  }

  /// The time in seconds, which stands in for the vote's order until all are read; that of the row before where there
  /// is none.
  std::uint32_t clock(std::optional<std::int64_t> time) {
    if (time && *time >= 0 && *time <= std::numeric_limits<std::uint32_t>::max()) {
      seconds_ = static_cast<std::uint32_t>(*time);
    } else {
      ++export_.untimed;
    }
    return seconds_;
  }

  void order_by_time() {
    std::vector<Vote>& votes = export_.votes;
    if (!std::ranges::is_sorted(votes, {}, &Vote::order)) std::ranges::stable_sort(votes, {}, &Vote::order);
    for (std::size_t i = 0; i < votes.size(); ++i) votes[i].order = static_cast<std::uint32_t>(i);
  }

  std::uint32_t user_of(const VoterColumns& columns) {
    identify(columns, options_.anonymous, voter_);
    const std::uint32_t number = user_keys_.add(voter_.key);
    if (number == export_.users.size()) {
      std::string& shown = export_.users.emplace_back(columns.user_name.empty() ? columns.user_id : columns.user_name);
      if (!voter_.suffix.empty()) shown += "/" + voter_.suffix;
    }
    return number;
  }

  std::uint16_t workflow_of(std::string_view id, const WorkflowVersion& version) {
    std::vector<WorkflowRows>& known = export_.workflows;
    const auto is = [&](const WorkflowRows& workflow) { return workflow.version == version && workflow.id == id; };
    if (last_workflow_ < known.size() && is(known[last_workflow_])) return last_workflow_;
    const auto at = std::ranges::find_if(known, is);
    if (at - known.begin() > UINT16_MAX) {
      throw FormatError(csv_->where() + ": expected at most 65536 workflows and versions, found more");
    }
    last_workflow_ = static_cast<std::uint16_t>(at - known.begin());
    if (at == known.end()) known.push_back({std::string(id), std::string(field(workflow_name)), version});
    return last_workflow_;
  }

  /// The number of the object that a row is about; no value when its data is no JSON object.
  std::optional<std::uint32_t> subject_of(std::string_view ids) {
    const std::size_t hash = std::hash<std::string_view>()(csv_->raw(at_[subject_data]));
    const std::uint32_t number = subject_ids_.add(ids);
    const bool known = number < subjects_.size();
    if (known && subjects_[number].data == hash && subjects_[number].object != no_object)
      return subjects_[number].object;
    if (!known) subjects_.push_back({no_object, 0});
    const std::string_view data = field(subject_data);
    const Json json = Json::parse(data.begin(), data.end(), nullptr, false);
    if (!json.is_object()) return std::nullopt;
    subjects_[number] = {export_.objects.add(object_name(ids, json, options_.id)), hash};
    return subjects_[number].object;
  }

  static constexpr std::uint32_t no_object = std::numeric_limits<std::uint32_t>::max();

  const ExportOptions& options_;
  std::optional<CsvReader> csv_;
  AnswerReader answers_;
  Export export_;
  std::size_t source_ = 0;   ///< number of the export
  std::uint64_t bytes_ = 0;  ///< of the exports before
  bool stopped_ = false;
  std::size_t columns_ = 0;
  std::array<std::size_t, column_count> at_{};
  Names user_keys_;
  Names subject_ids_;
  std::vector<Subject> subjects_;
  std::uint16_t last_workflow_ = 0;
  std::uint32_t seconds_ = 0;
  Voter voter_;
};

}  // namespace detail

/// Reads the classification export in `in`; `name` is used in errors. A row whose JSON is broken or that lacks fields
/// is skipped and counted, or thrown as FormatError when `strict`. Throws FormatError for missing columns and for a
/// file that is no CSV or that is cut short, naming file and line.
inline Export read_export(std::istream& in, const std::string& name, const ExportOptions& options = {}) {
  detail::ExportReader reader(options);
  reader.read(in, name);
  return reader.finish();
}

/// The same for files, which are joined: who and what stands in several of them is one (see keys.hpp). Throws also
/// IoError.
inline Export read_exports(std::span<const std::filesystem::path> paths, const ExportOptions& options = {}) {
  detail::ExportReader reader(options);
  for (const std::filesystem::path& path : paths) {
    std::ifstream file = open_csv(path);
    reader.read(file, path.string());
  }
  return reader.finish();
}

/// The same for one file.
inline Export read_export(const std::filesystem::path& path, const ExportOptions& options = {}) {
  return read_exports(std::span(&path, 1), options);
}

}  // namespace abell::votes

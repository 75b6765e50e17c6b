#pragma once
/// Which rows of an export are read: by time, and by what Panoptes notes beside the answers.

#include <abell/core/yes_no.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace abell::votes {

struct RowChoice {
  std::optional<std::int64_t> from = {};  ///< created at that time or later, in seconds since 1970
  std::optional<std::int64_t> to = {};    ///< created at that time or before
  bool live_only = false;                 ///< while the project was live, by the metadata's `live_project`
  bool no_gold = false;                   ///< not as a gold standard, by the column `gold_standard`
  bool no_seen = false;                   ///< by someone who had not seen the subject, by the metadata
  bool logged_in_only = false;            ///< not by an anonymous volunteer

  friend bool operator==(const RowChoice&, const RowChoice&) = default;
};

/// The parts of a choice, as options name them, in the order in which they are looked at.
inline constexpr std::array<std::string_view, 6> row_choice_names{"from",    "to",      "live-only",
                                                                  "no-gold", "no-seen", "logged-in-only"};

/// Which of `row_choice_names` were chosen.
inline std::array<bool, row_choice_names.size()> chosen(const RowChoice& choice) {
  return {choice.from.has_value(), choice.to.has_value(), choice.live_only,
          choice.no_gold,          choice.no_seen,        choice.logged_in_only};
}

/// What the choice looks at in a row.
struct RowFacts {
  std::int64_t time = 0;
  bool live = false;
  bool gold = false;
  bool seen = false;
  bool anonymous = false;
};

/// The first part of the choice that leaves the row out, as a position in `row_choice_names`; no value when none does.
inline std::optional<std::size_t> left_out_by(const RowChoice& choice, const RowFacts& row) {
  const std::array<bool, row_choice_names.size()> out{choice.from && row.time < *choice.from,
                                                      choice.to && row.time > *choice.to,
                                                      choice.live_only && !row.live,
                                                      choice.no_gold && row.gold,
                                                      choice.no_seen && row.seen,
                                                      choice.logged_in_only && row.anonymous};
  for (std::size_t part = 0; part < out.size(); ++part) {
    if (out[part]) return part;
  }
  return std::nullopt;
}

/// What is used of the column `metadata`.
struct RowMetadata {
  bool live = false;
  bool seen = false;
  std::string session = {};
};

/// No value when it is no JSON object.
inline std::optional<RowMetadata> read_metadata(std::string_view text) {
  using Json = nlohmann::json;
  const Json json = Json::parse(text.begin(), text.end(), nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const auto yes = [](const Json& object, const char* name) {
    const auto value = object.find(name);
    if (value == object.end()) return false;
    if (value->is_string()) return yes_or_no(value->get_ref<const std::string&>()).value_or(false);
    return value->is_boolean() && value->get<bool>();
  };
  RowMetadata read{.live = yes(json, "live_project"), .seen = yes(json, "seen_before")};
  if (const auto selection = json.find("subject_selection_state"); selection != json.end() && selection->is_object()) {
    read.seen = read.seen || yes(*selection, "already_seen");
  }
  if (const auto session = json.find("session"); session != json.end() && session->is_string()) {
    read.session = session->get<std::string>();
  }
  return read;
}

}  // namespace abell::votes

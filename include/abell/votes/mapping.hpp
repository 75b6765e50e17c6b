#pragma once
/// Which answers stand for which of the seven codes.

#include <abell/core/error.hpp>
#include <abell/votes/codes.hpp>
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell::votes {

/// Lower case, with one '-' for all that is no letter or digit and nothing for the comma of "1,000": answers are
/// compared as panoptes_aggregation compares them, whatever their punctuation and Markdown. Accents are kept.
inline std::string slug(std::string_view text) {
  const auto digit = [&](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool upper = c >= 'A' && c <= 'Z';
    const bool kept = upper || (c >= 'a' && c <= 'z') || digit(at) || (static_cast<unsigned char>(c) & 0x80U);
    if (kept) {
      out += upper ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (c == ',' && at > 0 && digit(at - 1) && digit(at + 1)) {
      continue;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  if (out.ends_with('-')) out.pop_back();
  return out;
}

/// From (task, answer) to a code, or to `no_code` for an answer that only leads on to another question. The exact text
/// counts, and else the `slug`, where those who share it do not have different codes ("< 5" and "> 5").
class Mapping {
 public:
  /// Stands for every task.
  static constexpr std::string_view any_task = "*";

  /// `name` is used in errors.
  explicit Mapping(std::string name = "mapping") : name_(std::move(name)) {}

  void add(std::string_view task, std::string_view answer, int code) {
    const Line line{std::string(answer), code};
    exact_[{std::string(task), line.answer}] = {line};
    if (const std::string key = slug(answer); !key.empty()) similar_[{std::string(task), key}].push_back(line);
  }

  /// No value for an answer that is not mapped. Throws FormatError for one that could be either of two that are mapped.
  std::optional<int> find(const std::string& task, const std::string& answer) const {
    const std::vector<Line>* const lines = find_lines(task, answer);
    if (lines == nullptr) return std::nullopt;
    const Line& first = (*lines)[0];
    for (const Line& line : *lines) {
      if (line.code == first.code) continue;
      throw FormatError(name_ + ": expected a line for '" + answer + "' in task '" + task + "', which may be '" +
                        first.answer + "' or '" + line.answer + "'");
    }
    return first.code;
  }

  /// Whether the answer stands for a code, if not a certain one.
  bool has_code(const std::string& task, const std::string& answer) const {
    const std::vector<Line>* const lines = find_lines(task, answer);
    return lines != nullptr && std::ranges::any_of(*lines, [](const Line& line) { return line.code != no_code; });
  }

 private:
  struct Line {
    std::string answer;
    int code;
  };
  using Lines = std::map<std::pair<std::string, std::string>, std::vector<Line>>;  ///< by task and answer

  const std::vector<Line>* find_lines(const std::string& task, const std::string& answer) const {
    const std::string key = slug(answer);
    for (const std::string& name : {task, std::string(any_task)}) {
      if (const auto at = exact_.find({name, answer}); at != exact_.end()) return &at->second;
      if (const auto at = similar_.find({name, key}); at != similar_.end()) return &at->second;
    }
    return nullptr;
  }

  std::string name_;
  Lines exact_;
  Lines similar_;  ///< by the answer's slug
};

/// The Hunt's own answers, in whatever task they stand.
inline Mapping hunt_mapping() {
  Mapping mapping("the Hunt's answers");
  for (const HuntQuestion& question : hunt_questions) {
    for (const HuntAnswer& answer : question.answers) mapping.add(Mapping::any_task, answer.label, answer.code);
  }
  return mapping;
}

namespace detail {

/// For the parser of JSON: puts the first key that stands twice in one object into `repeated`.
inline nlohmann::json::parser_callback_t watch_keys(std::string& repeated) {
  using Json = nlohmann::json;
  using Event = Json::parse_event_t;
  return [&repeated, open = std::vector<std::set<std::string>>()](int, Event event, Json& parsed) mutable {
    if (event == Event::object_start) open.emplace_back();
    if (event == Event::object_end) open.pop_back();
    if (event != Event::key) return true;
    const auto& key = parsed.get_ref<const std::string&>();
    if (!open.back().insert(key).second && repeated.empty()) repeated = key;
    return true;
  };
}

}  // namespace detail

/// The mapping in JSON text; `name` is used in errors.
///
///     {"answers": {"T0": {"Nothing there": "a", "Something": null}, "*": {"A galaxy": "d"}}}
///
/// Tasks ("*" stands for all), their answers, and a code each: "a" to "g", its name, or null for an answer that leads
/// on to another question. Throws FormatError, also for an answer that stands there twice.
inline Mapping parse_mapping(std::string_view text, const std::string& name) {
  using Json = nlohmann::json;
  std::string repeated;
  const Json json = Json::parse(text, detail::watch_keys(repeated), false);
  const auto fail = [&](const std::string& what) { throw FormatError(name + ": expected " + what); };
  // To dump what is nested would go as deep as the file says.
  const auto shown = [](const Json& value) {
    return value.is_structured() ? std::string("an ") + value.type_name() : value.dump();
  };
  if (!json.is_object() || !json.contains("answers") || !json["answers"].is_object()) {
    fail(R"(a JSON object like {"answers": {"T0": {"Yes": "f", "No": "a"}}}, found )" +
         std::string(json.is_discarded() ? "no JSON" : "another one"));
  }
  if (!repeated.empty()) fail("'" + repeated + "' once, found it twice");
  Mapping mapping(name);
  for (const auto& [task, answers] : json["answers"].items()) {
    if (!answers.is_object()) fail("an object of answers for task '" + task + "', found " + shown(answers));
    for (const auto& [answer, value] : answers.items()) {
      if (value.is_null()) {
        mapping.add(task, answer, no_code);
        continue;
      }
      const std::optional<int> code = value.is_string() ? code_of(value.get<std::string>()) : std::nullopt;
      if (!code) fail("a code, a to g or null, for '" + answer + "' in task '" + task + "', found " + shown(value));
      mapping.add(task, answer, *code);
    }
  }
  return mapping;
}

/// The mapping in a JSON file. Throws IoError (cannot be read) and the errors of `parse_mapping`.
inline Mapping read_mapping(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw IoError(path.string() + ": cannot be opened for reading");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return parse_mapping(text, path.string());
}

}  // namespace abell::votes

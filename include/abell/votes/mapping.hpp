#pragma once
/// Which answers stand for which of the seven codes.

#include <abell/core/error.hpp>
#include <abell/votes/codes.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace abell::votes {

/// Lower case, with one '-' for all that is no letter or digit: answers are compared as panoptes_aggregation compares
/// them, whatever their punctuation and Markdown.
inline std::string slug(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool kept =
        upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (static_cast<unsigned char>(c) & 0x80U);
    if (kept) {
      out += upper ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  if (out.ends_with('-')) out.pop_back();
  return out;
}

/// From (task, answer) to a code, or to `no_code` for an answer that only leads on to another question.
class Mapping {
 public:
  /// Stands for every task.
  static constexpr std::string_view any_task = "*";

  void add(std::string_view task, std::string_view answer, int code) {
    codes_[{std::string(task), slug(answer)}] = code;
  }
  /// No value for an answer that is not mapped.
  std::optional<int> find(const std::string& task, std::string_view answer) const {
    const std::string key = slug(answer);
    for (const std::string& name : {task, std::string(any_task)}) {
      if (const auto at = codes_.find({name, key}); at != codes_.end()) return at->second;
    }
    return std::nullopt;
  }

 private:
  std::map<std::pair<std::string, std::string>, int> codes_;
};

/// The Hunt's own answers, in whatever task they stand.
inline Mapping hunt_mapping() {
  Mapping mapping;
  for (const HuntQuestion& question : hunt_questions) {
    for (const HuntAnswer& answer : question.answers) mapping.add(Mapping::any_task, answer.label, answer.code);
  }
  return mapping;
}

/// The mapping in JSON text; `name` is used in errors.
///
///     {"answers": {"T0": {"Nothing there": "a", "Something": null}, "*": {"A galaxy": "d"}}}
///
/// Tasks ("*" stands for all), their answers, and a code each: "a" to "g", its name, or null for an answer that leads
/// on to another question. Throws FormatError.
inline Mapping parse_mapping(std::string_view text, const std::string& name) {
  using Json = nlohmann::json;
  const Json json = Json::parse(text, nullptr, false);
  const auto fail = [&](const std::string& what) { throw FormatError(name + ": expected " + what); };
  // To dump what is nested would go as deep as the file says.
  const auto shown = [](const Json& value) {
    return value.is_structured() ? std::string("an ") + value.type_name() : value.dump();
  };
  if (!json.is_object() || !json.contains("answers") || !json["answers"].is_object()) {
    fail(R"(a JSON object like {"answers": {"T0": {"Yes": "f", "No": "a"}}}, found )" +
         std::string(json.is_discarded() ? "no JSON" : "another one"));
  }
  Mapping mapping;
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

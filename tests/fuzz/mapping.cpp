/// A mapping of answers (JSON): each answer of an accepted one stands for a code.

#include <abell/votes/mapping.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace abell;
  const std::string text = text_of(data, size);
  const auto code_of = [](const votes::Mapping& mapping, const std::string& task, const std::string& answer) {
    try {
      return mapping.find(task, answer);
    } catch (const FormatError&) {  // may be either of two
      return std::optional<int>(votes::no_code);
    }
  };
  try {
    const votes::Mapping mapping = votes::parse_mapping(text, "fuzz.json");
    const nlohmann::json json = nlohmann::json::parse(text);
    for (const auto& [task, answers] : json["answers"].items()) {
      for (const auto& [answer, value] : answers.items()) {
        const std::optional<int> code = mapping.find(task, answer);
        require(code && *code >= votes::no_code && *code < static_cast<int>(votes::code_count));
        require(votes::slug(answer).empty() || code_of(mapping, task, votes::slug(answer)).has_value());
      }
    }
  } catch (const FormatError& error) {
    require(std::string(error.what()).starts_with("fuzz.json: expected "));
  }
  return 0;
}

#pragma once
/// JSON out of files nobody has vouched for: what nlohmann-json lets pass and a file format must not.

#include <abell/core/error.hpp>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace abell::detail {

using Json = nlohmann::json;

/// Text from a file as it stands in a message: quoted, on one line, not too long.
inline std::string in_quotes(std::string_view text) {
  constexpr std::size_t most = 80;
  return Json(std::string(text.substr(0, most))).dump(-1, ' ', false, Json::error_handler_t::replace) +
         (text.size() > most ? "..." : "");
}

/// A JSON value as it stands in a message.
inline std::string shown(const Json& value) {
  if (value.is_string()) return in_quotes(value.get_ref<const std::string&>());
  if (value.is_structured()) return value.is_array() ? "an array" : "an object";
  return value.dump();
}

/// Parses `text`; `where` opens the message. Besides what is no JSON (trailing bytes included, and a
/// zero byte, at which nlohmann-json would stop reading), a key used twice in one object and nesting
/// deeper than `most_levels` throw FormatError.
inline Json parse_json(std::string_view text, const std::string& where, std::size_t most_levels = 32) {
  if (text.find('\0') != std::string_view::npos) throw FormatError(where + ": expected JSON, found a zero byte");
  std::vector<std::set<std::string>> keys;  // one set for each open object or array
  const auto check = [&](int, Json::parse_event_t event, Json& parsed) {
    switch (event) {
      case Json::parse_event_t::object_start:
      case Json::parse_event_t::array_start:
        keys.emplace_back();
        if (keys.size() > most_levels) {
          throw FormatError(where + ": expected JSON of at most " + std::to_string(most_levels) +
                            " levels, found more");
        }
        break;
      case Json::parse_event_t::object_end:
      case Json::parse_event_t::array_end: keys.pop_back(); break;
      case Json::parse_event_t::key:
        if (!keys.back().insert(parsed.get<std::string>()).second) {
          throw FormatError(where + ": expected each key once, found " + shown(parsed) + " twice");
        }
        break;
      case Json::parse_event_t::value: break;
    }
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), check);
  } catch (const Json::exception& error) {
    throw FormatError(where + ": expected JSON, found " + in_quotes(std::string_view(error.what())));
  }
}

}  // namespace abell::detail

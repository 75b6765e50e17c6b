#pragma once
/// The options of a command line as JSON and back: what config.json keeps so that --resume needs no other option.

#include <CLI/CLI.hpp>
#include <abell/core/error.hpp>
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "run_folder.hpp"

namespace abell::program {

/// The type name of options that are files or folders: their record does not depend on the current folder.
inline constexpr const char* path_type = "PATH";

inline std::string absolute_path(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

/// The text of an option's value; numbers and truth values as such where they keep the text.
inline Json option_value(const CLI::Option& option, const std::string& text) {
  if (option.get_type_name() == path_type) return absolute_path(text);
  const Json value = Json::parse(text, nullptr, false);
  return (value.is_number() || value.is_boolean()) && value.dump() == text ? value : Json(text);
}

/// What was given, by the options' names without dashes, several values as an array. Options that are not
/// `configurable` (--out, --resume) are left out.
inline Json given_options(const CLI::App& app) {
  Json given = Json::object();
  for (const CLI::Option* option : app.get_options()) {
    if (option->count() == 0 || !option->get_configurable()) continue;
    Json values = Json::array();
    for (const std::string& text : option->results()) values.push_back(option_value(*option, text));
    given[option->get_single_name()] = values.size() == 1 ? values.front() : values;
  }
  return given;
}

/// Gives each option that was not given, nor one that excludes it, its value in `options`, as if it had been typed. An
/// older name of an option counts.
/// Throws FormatError, beginning with `where`, for unknown options and wrong values.
inline void fill_options(CLI::App& app, const Json& options, const std::string& where) {
  if (!options.is_object()) throw FormatError(where + ": expected options as a JSON object, found " + options.dump());
  const auto text_of = [](const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); };
  const auto given = [](const CLI::Option* option) { return option->count() > 0; };
  for (const auto& [name, value] : options.items()) {
    const std::vector<CLI::Option*> all = app.get_options([&, wanted = name](const CLI::Option* option) {
      return option->get_configurable() && (option->get_single_name() == wanted || option->check_lname(wanted));
    });
    if (all.empty()) throw FormatError(where + ": unknown option '" + name + "'");
    CLI::Option& option = *all.front();
    if (given(&option) || std::ranges::any_of(option.get_excludes(), given)) continue;
    std::vector<std::string> texts;
    if (!value.is_array()) texts.push_back(text_of(value));
    for (std::size_t i = 0; value.is_array() && i < value.size(); ++i) texts.push_back(text_of(value[i]));
    try {
      option.add_result(texts);
      option.run_callback();
    } catch (const CLI::Error& error) {
      throw FormatError(where + ": " + error.what());
    }
  }
}

/// Fills what was not given from the config.json of the folder `out`, if it is there.
inline void fill_from_run(CLI::App& app, const std::filesystem::path& out) {
  const std::filesystem::path config = out / "config.json";
  if (std::filesystem::exists(config)) {
    fill_options(app, read_json(config).value("options", Json::object()), config.string());
  }
}

}  // namespace abell::program

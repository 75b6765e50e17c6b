#pragma once
/// The options of a command line as JSON and back: what config.json keeps, so that --resume needs no other option and
/// --config makes another run like it.

#include <CLI/CLI.hpp>
#include <abell/core/error.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "json_file.hpp"
#include "near_name.hpp"

namespace abell::program {

/// The type names of options that are files, folders, or either: their record does not depend on the current folder.
inline constexpr const char* file_type = "FILE";
inline constexpr const char* folder_type = "DIR";
inline constexpr const char* path_type = "PATH";

inline std::string absolute_path(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal().string();
}

/// Options that say where and how a run is done, not what it is.
inline constexpr std::array<std::string_view, 7> not_recorded{"out",   "resume",  "overwrite", "preview",
                                                              "quiet", "verbose", "config"};

/// The text of an option's value; numbers and truth values as such where they keep the text.
inline Json option_value(const CLI::Option& option, const std::string& text) {
  const std::string type = option.get_type_name();
  if (type == file_type || type == folder_type || type == path_type) return absolute_path(text);
  const Json value = Json::parse(text, nullptr, false);
  return (value.is_number() || value.is_boolean()) && value.dump() == text ? value : Json(text);
}

/// What was given, but for `not_recorded`, by the options' names without dashes, several values as an array.
inline Json given_options(const CLI::App& app) {
  Json given = Json::object();
  for (const CLI::Option* option : app.get_options()) {
    const std::string name = option->get_single_name();
    if (option->count() == 0 || std::ranges::find(not_recorded, name) != not_recorded.end()) continue;
    Json values = Json::array();
    for (const std::string& text : option->results()) values.push_back(option_value(*option, text));
    given[name] = values.size() == 1 ? values.front() : values;
  }
  return given;
}

/// The program and the command of it that runs, if there is one.
inline std::vector<CLI::App*> running_parts(CLI::App& app) {
  std::vector<CLI::App*> parts{&app};
  for (CLI::App* command : app.get_subcommands()) parts.push_back(command);
  return parts;
}

/// The names of their options: --epochs, DATA.
inline std::vector<std::string> option_names(CLI::App& app) {
  std::vector<std::string> names;
  for (CLI::App* part : running_parts(app)) {
    for (const CLI::Option* option : part->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
      if (option->get_positional()) names.push_back(option->get_name(true));
    }
  }
  return names;
}

/// Throws FormatError for unknown options.
inline CLI::Option& find_option(CLI::App& app, const std::string& name, const std::string& where) {
  for (CLI::App* part : running_parts(app)) {
    for (const std::string& spelling : {"--" + name, name}) {
      CLI::Option* option = part->get_option_no_throw(spelling);
      if (option != nullptr && option->get_configurable()) return *option;
    }
  }
  std::vector<std::string> names = option_names(app);
  for (std::string& known : names) known.erase(0, known.find_first_not_of('-'));
  throw FormatError(where + ": unknown option '" + name + "'" + did_you_mean(name, names));
}

/// Gives each option that was not given, nor one that excludes it, its value in `options`, as if it had been typed. An
/// older name of an option counts.
/// Throws FormatError, beginning with `where`, for unknown options and wrong values.
inline void fill_options(CLI::App& app, const Json& options, const std::string& where) {
  if (!options.is_object()) throw FormatError(where + ": expected options as a JSON object, found " + options.dump());
  const auto text_of = [](const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); };
  const auto given = [](const CLI::Option* option) { return option->count() > 0; };
  for (const auto& [name, value] : options.items()) {
    CLI::Option& option = find_option(app, name, where);
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

#pragma once
/// What help, manual and completion say of the options: one text for all of them.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

namespace abell::program {

/// The heading of the options that all programs have.
inline constexpr const char* common_heading = "All programs";

/// One option in words.
struct OptionText {
  std::string names;        ///< "-q, --quiet", or "DATA"
  std::string value;        ///< "NUMBER"; empty for flags
  std::string description;  ///< with what the value may be and what it is otherwise
};

/// Options under one heading.
struct OptionGroup {
  std::string heading;
  std::vector<OptionText> options;
};

/// "NUMBER", "FILE", ...: the type without what validators say.
inline std::string value_name(const CLI::Option& option) {
  if (option.get_type_size() == 0) return {};
  const std::string type = option.get_type_name();
  std::string name = type.substr(0, type.find(':'));
  if (name == "TEXT" && name != type) name = "CHOICE";
  const bool number = name == "INT" || name == "UINT" || name == "FLOAT";
  const bool several = option.get_expected_max() > 1;
  return (number ? "NUMBER" : name) + (several && !option.get_positional() ? "..." : "");
}

inline OptionText text_of(const CLI::Option& option) {
  OptionText text{option.get_name(option.get_positional(), true), value_name(option), option.get_description()};
  if (option.get_positional()) text.value.clear();
  std::ranges::replace(text.description, '\n', ' ');
  for (std::size_t at = 0; (at = text.names.find(',', at)) != std::string::npos; ++at) text.names.insert(at + 1, " ");
  std::string otherwise = option.get_default_str();
  if (!otherwise.empty()) otherwise = "default: " + otherwise;
  const std::size_t told = text.description.rfind(" (default: ");
  if (told != std::string::npos && text.description.ends_with(')')) {
    otherwise = text.description.substr(told + 2, text.description.size() - told - 3);
    text.description.resize(told);
  }
  std::string remark;
  const auto add = [&](const std::string& part) {
    if (!part.empty()) remark += (remark.empty() ? "" : "; ") + part;
  };
  const std::string type = option.get_type_name();
  if (const std::size_t allowed = type.find(':'); allowed != std::string::npos) add(type.substr(allowed + 1));
  if (option.get_required()) add("required");
  add(otherwise);
  if (!remark.empty()) text.description += " (" + remark + ")";
  return text;
}

/// The options of a program or a command, in the order in which they were added, those of all programs last. Hidden
/// ones have no heading, and --help is the program's.
inline std::vector<OptionGroup> option_groups(const CLI::App& app) {
  std::vector<OptionGroup> groups;
  for (const CLI::Option* option : app.get_options()) {
    const bool of_program = app.get_parent() != nullptr && option == app.get_help_ptr();
    if (option->get_group().empty() || of_program) continue;
    const std::string heading = option->get_positional() ? "Arguments" : option->get_group();
    auto group = std::ranges::find(groups, heading, &OptionGroup::heading);
    if (group == groups.end()) group = groups.insert(groups.end(), {heading, {}});
    group->options.push_back(text_of(*option));
  }
  const auto place = [](const OptionGroup& g) {
    return g.heading == "Arguments" ? 0 : g.heading != common_heading ? 1 : 2;
  };
  std::stable_sort(groups.begin(), groups.end(),
                   [&](const OptionGroup& a, const OptionGroup& b) { return place(a) < place(b); });
  return groups;
}

/// The commands of a program, of which there may be none.
inline std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* command) { return !command->get_name().empty(); });
}

/// "abell-train [OPTIONS] DATA".
inline std::string usage_of(const CLI::App& app, const std::string& name) {
  std::string usage = name;
  if (!commands_of(app).empty()) usage += " COMMAND";
  usage += " [OPTIONS]";
  for (const CLI::Option* option : app.get_options()) {
    if (!option->get_positional()) continue;
    const std::string argument = option->get_name(true) + (option->get_expected_max() > 1 ? "..." : "");
    usage += option->get_required() ? " " + argument : " [" + argument + "]";
  }
  return usage;
}

}  // namespace abell::program

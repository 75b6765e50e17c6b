#pragma once
/// --help within 80 columns.

#include <CLI/CLI.hpp>
#include <cstddef>
#include <sstream>
#include <string>

#include "option_text.hpp"

namespace abell::program {

inline constexpr std::size_t help_width = 80;

/// Words put into lines of up to `help_width`, the first of which begins at column `at`, the others at `indent`. `end`
/// stands at the end of all lines but the last.
inline std::string wrapped(const std::string& text, std::size_t at, std::size_t indent, const std::string& end = "") {
  std::istringstream words(text);
  std::string lines;
  bool first = true;
  for (std::string word; words >> word; first = false) {
    if (!first && at + 1 + word.size() + end.size() > help_width) {
      lines += end + '\n' + std::string(indent, ' ');
      at = indent;
    } else if (!first) {
      lines += ' ';
      ++at;
    }
    lines += word;
    at += word.size();
  }
  return lines;
}

/// Paragraphs put into lines. Indented lines are commands, which the shell puts together again if they are too long;
/// what ends in a colon is a heading.
inline std::string wrapped_paragraphs(const std::string& text) {
  std::istringstream lines(text);
  std::string out, paragraph;
  const auto flush = [&] {
    if (!paragraph.empty()) out += wrapped(paragraph, 0, 0) + '\n';
    paragraph.clear();
  };
  for (std::string line; std::getline(lines, line);) {
    const bool command = line.starts_with(' ');
    if (command || line.empty()) flush();
    if (command) {
      out += (line.size() > help_width ? "  " + wrapped(line, 2, 6, " \\") : line) + '\n';
    } else if (line.empty()) {
      out += '\n';
    } else {
      paragraph += line + '\n';
    }
    if (line.ends_with(':')) flush();
  }
  flush();
  return out;
}

class HelpFormatter final : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode) const override {
    std::string help = wrapped_paragraphs(app->get_description()) + "\n";
    help += "Usage: " + wrapped(usage_of(*app, name.empty() ? app->get_name() : name), 7, 9) + "\n";
    help += groups(*app);
    if (app->get_parent() != nullptr) help += groups(*app->get_parent());
    for (const CLI::App* command : commands_of(*app)) {
      help += "\n" + app->get_name() + " " + command->get_name() + ": " + command->get_description() + "\n";
      help += groups(*command);
    }
    if (!app->get_footer().empty()) help += "\n" + wrapped_paragraphs(app->get_footer());
    return help;
  }

 private:
  static std::string groups(const CLI::App& app) {
    std::string text;
    for (const OptionGroup& group : option_groups(app)) {
      text += "\n" + group.heading + ":\n";
      for (const OptionText& option : group.options) text += line(option);
    }
    return text;
  }

  static std::string line(const OptionText& option) {
    constexpr std::size_t column = 28;
    std::string text = "  " + option.names + (option.value.empty() ? "" : " " + option.value);
    text += text.size() + 2 > column ? '\n' + std::string(column, ' ') : std::string(column - text.size(), ' ');
    return text + wrapped(option.description, column, column) + '\n';
  }
};

}  // namespace abell::program

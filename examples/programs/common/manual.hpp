#pragma once
/// Manual pages and completion of the command line, from the same definitions as --help.

#include <CLI/CLI.hpp>
#include <abell/core/version.hpp>
#include <algorithm>
#include <cctype>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "choices.hpp"
#include "option_text.hpp"

namespace abell::program {

namespace detail {

/// Text of a manual page: no character of it is a request of roff.
inline std::string roff(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if ((c == '.' || c == '\'') && (out.empty() || out.back() == '\n')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

inline void write_roff_groups(std::ostream& out, const CLI::App& app) {
  for (const OptionGroup& group : option_groups(app)) {
    out << ".SS " << roff(group.heading) << '\n';
    for (const OptionText& option : group.options) {
      out << ".TP\n\\fB" << roff(option.names) << "\\fR";
      if (!option.value.empty()) out << " \\fI" << roff(option.value) << "\\fR";
      out << '\n' << roff(option.description) << '\n';
    }
  }
}

}  // namespace detail

/// The page for man(1).
inline void write_manual(std::ostream& out, const CLI::App& app) {
  using detail::roff;
  std::string title = app.get_name();
  std::ranges::transform(title, title.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const std::string description = app.get_description();
  out << ".TH " << title << " 1 \"\" \"abell " << version << "\"\n";
  out << ".SH NAME\n" << app.get_name() << " \\- " << roff(description.substr(0, description.find_first_of(".:\n")));
  out << "\n.SH SYNOPSIS\n" << roff(usage_of(app, app.get_name()));
  out << "\n.SH DESCRIPTION\n" << roff(description) << "\n.SH OPTIONS\n";
  detail::write_roff_groups(out, app);
  for (const CLI::App* command : commands_of(app)) {
    out << ".SH COMMAND " << command->get_name() << '\n' << roff(command->get_description()) << '\n';
    detail::write_roff_groups(out, *command);
  }
  out << ".SH EXIT STATUS\n0, 1 after an error, 2 for wrong options, and 128 plus the signal when asked to stop.\n";
  if (!app.get_footer().empty()) out << ".SH NOTES\n.nf\n" << roff(app.get_footer()) << "\n.fi\n";
}

/// A function for bash and what it completes: names of options, choices, files and folders.
inline void write_bash_completion(std::ostream& out, CLI::App& app) {
  std::string function = "_" + app.get_name();
  std::ranges::replace(function, '-', '_');
  std::vector<CLI::App*> parts{&app};
  std::string words;
  for (CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    parts.push_back(command);
    words += command->get_name() + " ";
  }
  out << function << "() {\n  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
      << "  case $before in\n";
  for (CLI::App* part : parts) {
    for (CLI::Option* option : part->get_options()) {
      if (option->get_group().empty() || option->get_lnames().empty()) continue;
      const std::string name = "--" + option->get_lnames().front();
      if (words.find(name + " ") != std::string::npos) continue;  // of an earlier command
      words += name + " ";
      const std::string choices = choices_of(*option), value = value_name(*option);
      if (!choices.empty()) {
        out << "    " << name << ") COMPREPLY=($(compgen -W '" << choices << "' -- \"$word\")); return ;;\n";
      } else if (value == "DIR") {
        out << "    " << name << ") COMPREPLY=($(compgen -d -- \"$word\")); return ;;\n";
      }
    }
  }
  out << "  esac\n  [[ $COMP_CWORD -eq 1 || $word == -* ]] && COMPREPLY=($(compgen -W '" << words
      << "' -- \"$word\"))\n}\ncomplete -o default -F " << function << " " << app.get_name() << "\n";
}

/// The hidden option --generate man|bash, which the installation uses.
inline void add_generate(CLI::App& app) {
  app.add_option_function<std::string>("--generate",
                                       [&app](const std::string& what) {
                                         if (what == "man") {
                                           write_manual(std::cout, app);
                                         } else {
                                           write_bash_completion(std::cout, app);
                                         }
                                         throw CLI::Success();
                                       })
      ->transform(one_of({"man", "bash"}))
      ->configurable(false)
      ->group("");
}

}  // namespace abell::program

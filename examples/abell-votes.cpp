/// Counts the votes of volunteers, and prepares what they vote on.

#include <string>
#include <vector>

#include "program.hpp"
#include "votes_count.hpp"

int main(int argc, char** argv) {
  using namespace abell::program;
  CLI::App app("Turns Zooniverse (Panoptes) exports into labels, and prepares subjects to vote on.", "abell-votes");
  CommonOptions common;
  add_common(app, common);
  app.require_subcommand(1);
  app.fallthrough();

  CountOptions count;
  CLI::App* const count_command = app.add_subcommand("count", "Consensus of the votes in an export (the default)");
  add_count_options(*count_command, count);

  app.footer(
      "Examples:\n"
      "  abell-votes hunt-classifications.csv --out votes\n"
      "  abell-votes hunt-classifications.csv --experts experts.csv --scheme swap --out votes\n"
      "  abell-votes count other.csv --mapping codes.json --workflow 1234 --workflow-version 5 --out votes\n"
      "abell-votes count --help tells all options of a command.");
  const std::string command = command_line(app.get_name(), argc, argv);

  // Without the name of a command the first argument is an export, or an option of `count`.
  std::vector<std::string> words(argv, argv + argc);
  const auto is_any = [&](std::initializer_list<std::string> names) {
    return std::ranges::find(names, words[1]) != names.end();
  };
  if (argc > 1 && !is_any({"count", "subjects", "page", "--help", "-h", "--version"})) {
    words.insert(words.begin() + 1, "count");
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());

  return run(app, static_cast<int>(arguments.size()), arguments.data(),
             [&] { return run_count(count, common, command); });
}

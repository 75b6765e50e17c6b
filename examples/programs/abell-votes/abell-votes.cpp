/// Counts the votes of volunteers, and prepares what they vote on.

#include <string>
#include <vector>

#include "../common/max_megapixels.hpp"
#include "../common/program.hpp"
#include "votes_count.hpp"
#include "votes_subjects.hpp"
#ifdef ABELL_LIVE_HUNT
#include "live/serve.hpp"
#endif

int main(int argc, char** argv) {
  using namespace abell::program;
  CLI::App app("Turns Zooniverse (Panoptes) exports into labels, and prepares subjects to vote on.", "abell-votes");
  CommonOptions common;
  add_common(app, common);
  app.require_subcommand(1);
  app.fallthrough();

  CountOptions count;
  add_count_options(*app.add_subcommand("count", "Consensus of the votes in an export (the default)"), count);

  SubjectsOptions candidates;
  const auto add_candidates = [&](CLI::App* to, const char* out, const char* out_type) {
    to->add_option("DATA", candidates.source, "A set as abell-train reads it, images, or a folder of images")
        ->required();
    to->add_option("--out", candidates.out, out)->required()->type_name(out_type);
    add_max_megapixels(*to, candidates.max_megapixels);
    to->add_flag("--overwrite", candidates.overwrite, "Replace what is there");
    to->add_flag("--allow-outside", candidates.allow_outside,
                 "Publish also images that lie outside the set's folder, by a table or a link");
    return to;
  };
  const CLI::App* const subjects_command =
      add_candidates(app.add_subcommand("subjects", "Images and manifest.csv, for an upload to Panoptes"),
                     "Folder to write", folder_type);
  CLI::App* const page_command =
      add_candidates(app.add_subcommand("page", "A page (HTML) that asks the Hunt's questions"),
                     "Folder to write: index.html and its images", folder_type);
  page_command->add_flag("--single-file", candidates.single_file,
                         "Write --out as one file with the images in it, for small sets");
#ifdef ABELL_LIVE_HUNT
  ServeOptions serve;
  CLI::App* const serve_command = app.add_subcommand("serve", "A live hunt: volunteers vote through their browsers");
  add_serve_options(*serve_command, serve);
  LiveExportOptions live_export;
  CLI::App* const export_command = app.add_subcommand("export", "The votes of a live hunt as a Panoptes export");
  add_live_export_options(*export_command, live_export);
#endif
  app.footer(
      "Examples:\n"
      "  abell-votes hunt-classifications.csv --out votes\n"
      "  abell-votes hunt-classifications.csv --experts experts.csv --scheme swap --out votes\n"
      "  abell-votes count other.csv --mapping codes.json --workflow 1234 --workflow-version 5 --out votes\n"
      "  abell-votes subjects Kosiba2020 --out upload\n"
      "  abell-votes page Kosiba2020 --out hunt\n"
#ifdef ABELL_LIVE_HUNT
      "  abell-votes serve live --set Kosiba2020 --retire 30\n"
      "  abell-votes export live --out classifications.csv\n"
#endif
      "count is the command where none is named.");
  const std::string command = command_line(app.get_name(), argc, argv);

  // Without the name of a command the first argument is an export, or an option of `count`.
  std::vector<std::string> words(argv, argv + argc);
  const auto is_any = [&](std::initializer_list<std::string> names) {
    return std::ranges::find(names, words[1]) != names.end();
  };
  if (argc > 1 && !is_any({"count", "subjects", "page", "serve", "export", "--help", "-h", "--version"})) {
    words.insert(words.begin() + 1, "count");
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());

  return run(app, static_cast<int>(arguments.size()), arguments.data(), [&] {
    if (subjects_command->parsed()) return run_subjects(candidates, common);
    if (page_command->parsed()) return run_page(candidates, common);
#ifdef ABELL_LIVE_HUNT
    if (serve_command->parsed()) return run_serve(serve, common);
    if (export_command->parsed()) return run_live_export(live_export, common);
#endif
    return run_count(count, common, command);
  });
}

#pragma once
/// abell-votes serve and export: a hunt for one's own volunteers.

#include <abell/votes/simulate.hpp>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

#include "../../common/output_file.hpp"
#include "../../common/program.hpp"
#include "../votes_subjects.hpp"
#include "hunt_server.hpp"
#include "live_hunt.hpp"

namespace abell::program {

struct ServeOptions {
  SubjectsOptions candidates = {};  ///< its `out` is the hunt's folder
  std::string address = "127.0.0.1";
  int port = 8000;
  std::size_t retire = 30;
};

struct LiveExportOptions {
  std::filesystem::path folder;
  std::filesystem::path out;
  bool overwrite = false;
};

inline void add_serve_options(CLI::App& app, ServeOptions& o) {
  app.add_option("DIR", o.candidates.out, "Folder of the hunt, made at the first start")->required();
  app.option_defaults()->group("Candidates");
  app.add_option("--set", o.candidates.source,
                 "The candidates: a set as abell-train reads it, images, or a folder of images");
  add_max_megapixels(app, o.candidates.max_megapixels);
  app.add_flag("--allow-outside", o.candidates.allow_outside,
               "Show also images that lie outside the set's folder, by a table or a link");
  app.add_option("--retire", o.retire, "A candidate is complete with this many votes")
      ->check(within(1, 1000000))
      ->capture_default_str();
  app.option_defaults()->group("Server");
  app.add_option("--address", o.address, "Address to listen on; another than this machine's own asks for a join code")
      ->capture_default_str();
  app.add_option("--port", o.port, "Port to listen on (0: any that is free)")
      ->check(within(0, 65535))
      ->capture_default_str();
}

inline void add_live_export_options(CLI::App& app, LiveExportOptions& o) {
  app.add_option("DIR", o.folder, "Folder of a hunt (abell-votes serve)")->required();
  app.add_option("--out", o.out, "Panoptes classification export (CSV) to write")->required()->type_name(file_type);
  app.add_flag("--overwrite", o.overwrite, "Write there although something is there");
}

namespace detail {

/// Writes the images and then the list of candidates; false when interrupted.
inline bool prepare_hunt(const HuntDatabase& database, const ServeOptions& options, const CommonOptions& common) {
  const SubjectsOptions& candidates = options.candidates;
  if (candidates.source.empty()) throw OptionError("--set: expected the candidates of a new hunt");
  const DataSet set = read_candidates(candidates, common);
  if (set.objects.empty()) throw FormatError(candidates.source + ": expected candidates, found none");
  std::vector<std::string> ids;
  for (const Object& object : set.objects) ids.push_back(object.id);
  write_images(set, candidates.out, 2, candidates, common);
  if (interrupted()) return false;
  database.set("title", hunt_title(candidates.source));
  database.set("id", random_letters(12));
  database.set("code", random_letters(8));
  database.add_subjects(ids);
  return true;
}

/// Throws FormatError unless the hunt is about that set.
inline void check_same_set(const std::vector<std::string>& ids, const ServeOptions& options,
                           const CommonOptions& common) {
  const DataSet set = read_candidates(options.candidates, common);
  std::vector<std::string> asked;
  for (const Object& object : set.objects) asked.push_back(object.id);
  std::vector<std::string> known = ids;
  std::ranges::sort(asked);
  std::ranges::sort(known);
  if (asked == known) return;
  throw FormatError(options.candidates.out.string() + ": expected a hunt of the " + std::to_string(asked.size()) +
                    " candidates of " + options.candidates.source + ", found one of " + std::to_string(ids.size()) +
                    " others");
}

}  // namespace detail

inline int run_serve(const ServeOptions& options, const CommonOptions& common) {
  const std::filesystem::path& folder = options.candidates.out;
  std::error_code error;
  const bool begun = std::filesystem::exists(folder / HuntDatabase::file_name, error);
  if (!begun && options.candidates.source.empty()) throw OptionError("--set: expected the candidates of a new hunt");
  if (!begun) (void)read_candidates(options.candidates, {.quiet = true});  // fails before anything is made
  const OutputFolder lock = prepare_output(folder, begun);
  const HuntDatabase database(folder, true);
  const std::vector<std::string> ids = database.subjects();
  if (ids.empty()) {
    if (!detail::prepare_hunt(database, options, common)) return exit_stopped();
  } else if (!options.candidates.source.empty()) {
    detail::check_same_set(ids, options, common);
  }
  LiveHunt hunt(database, options.retire);
  const bool asks = !is_loopback(options.address);
  HuntServer server(hunt, database.setting("id"),
                    {.folder = folder,
                     .title = database.setting("title"),
                     .address = options.address,
                     .port = options.port,
                     .code = asks ? database.setting("code") : ""});
  const int port = server.bind();
  const bool brackets = options.address.find(':') != std::string::npos;
  std::cout << "The hunt is at http://" << (brackets ? "[" + options.address + "]" : options.address) << ":" << port
            << "/ (and its statistics at /statistics)" << std::endl;
  if (asks) {
    std::cout << "join code: " << database.setting("code") << std::endl;
    std::cerr << "Names and answers travel as plain HTTP: for a network that you trust" << std::endl;
  }
  server.serve([] { return interrupted(); });
  return exit_stopped();
}

inline int run_live_export(const LiveExportOptions& options, const CommonOptions& common) {
  const HuntDatabase database(options.folder, false);
  check_output_file(options.out, options.overwrite);
  const std::size_t votes = write_live_export(options.out, database);
  if (!common.quiet) std::cout << options.out.string() << ": " << votes << " votes\n";
  return exit_ok;
}

}  // namespace abell::program

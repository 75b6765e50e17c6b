#pragma once
/// The options of abell-votes count.

#include <abell/core/error.hpp>
#include <abell/votes/keys.hpp>
#include <abell/votes/rows.hpp>
#include <abell/votes/time.hpp>
#include <abell/votes/workflow_version.hpp>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "../common/program.hpp"

namespace abell::program {

struct CountOptions {
  std::vector<std::filesystem::path> sources;
  std::filesystem::path out;
  bool overwrite = false;
  std::string experts;
  std::vector<std::string> positive;
  std::string scheme;  ///< empty: agreement with experts, unweighted without
  std::string swap;    ///< empty: the paper's form
  double threshold = 0.5;
  int folds = 10;
  std::string mapping;
  std::vector<std::string> workflow;
  std::string workflow_version;
  std::string workflows;  ///< a workflow export
  std::string id = "image_id";
  std::string from;
  std::string to;
  votes::RowChoice rows = {};  ///< without from and to
  std::string anonymous = "ip";
  bool pairs = false;
  bool strict = false;
};

inline void add_count_options(CLI::App& app, CountOptions& o) {
  app.add_option("EXPORT", o.sources, "Classification exports of Panoptes (CSV); several are joined")->required();
  app.add_option("--out", o.out, "Folder to write")->required()->type_name(folder_type);
  app.add_flag("--overwrite", o.overwrite, "Write into --out even if it is not empty");
  app.option_defaults()->group("Weights of votes");
  auto* experts = app.add_option("--experts", o.experts,
                                 "Table (CSV) with id (or image_id) and class; optional: spectroscopic, or split")
                      ->type_name(file_type);
  app.add_option("--positive", o.positive, "Experts' classes that are clusters, A,B (default: as abell-train)")
      ->delimiter(',')
      ->needs(experts);
  app.add_option("--scheme", o.scheme, "How votes are weighted (default: agreement with --experts, else unweighted)")
      ->transform(one_of({"unweighted", "agreement", "zooniverse", "swap", "dawid-skene"}));
  app.add_option("--swap", o.swap,
                 "SWAP in the paper's form (the default) or as Space Warps ships it: skepticism 2, PL and PD from 0.01 "
                 "to 0.99, posteriors from 2e-8 on")
      ->transform(one_of({"paper", "space-warps"}));
  app.add_option("--threshold", o.threshold, "A subject is a cluster when p_cluster is above this")
      ->check(within(0, 1))
      ->capture_default_str();
  app.add_option("--folds", o.folds,
                 "Parts of the experts' objects; each is scored by weights learnt on the others (1: by all)")
      ->needs(experts)
      ->check(within(1, 1000))
      ->capture_default_str();
  app.option_defaults()->group("Answers and workflows");
  app.add_option("--mapping", o.mapping, "Which answers stand for which code (JSON; default: the Hunt's)")
      ->type_name(file_type);
  app.add_option("--workflow", o.workflow,
                 "Ids of the workflows to count, A,B (default: the one that the mapping fits best)")
      ->delimiter(',')
      ->allow_extra_args(false);
  app.add_option("--workflow-version", o.workflow_version,
                 "Their versions: 10, 10.9, 9..10 or 10.9..10.11 (default: all)");
  app.add_option("--workflows", o.workflows, "Workflow export of Panoptes (CSV): the questions, for the report")
      ->type_name(file_type);
  app.add_option("--id-key", o.id, "Subject metadata that names the object")->capture_default_str();
  app.add_flag("--pairs", o.pairs, "What is ticked together in a multiple question is one answer");
  app.option_defaults()->group("Rows");
  app.add_option("--from", o.from, "Only rows created then or later: 2015-06-01, or '2015-06-01 12:00:00' (UTC)");
  app.add_option("--to", o.to, "Only rows created then or before; a day counts to its end");
  app.add_flag("--live-only", o.rows.live_only, "Only rows from when the project was live (metadata live_project)");
  app.add_flag("--no-gold", o.rows.no_gold, "No rows that are a gold standard (column gold_standard)");
  app.add_flag("--no-seen", o.rows.no_seen, "No rows by who had seen the subject before (metadata)");
  app.add_flag("--logged-in-only", o.rows.logged_in_only, "No rows by anonymous volunteers");
  app.add_option("--anonymous", o.anonymous,
                 "Rows by one anonymous volunteer: those of a browser's session, of an address (ip), or each its own")
      ->transform(one_of({"session", "ip", "each"}))
      ->capture_default_str();
  app.add_flag("--strict", o.strict, "Stop at the first row that cannot be read");
}

/// With --from and --to. Throws OptionError.
inline votes::RowChoice row_choice(const CountOptions& options) {
  votes::RowChoice rows = options.rows;
  const auto read = [](const std::string& option, const std::string& text, std::int64_t of_day) {
    std::optional<std::int64_t> time;
    if (text.empty()) return time;
    if (const auto day = votes::day_of(text)) {
      time = *day + of_day;
    } else {
      time = votes::time_of(text);
    }
    if (!time) throw OptionError(option + ": expected 2015-06-01 or '2015-06-01 12:00:00', found '" + text + "'");
    return time;
  };
  rows.from = read("--from", options.from, 0);
  rows.to = read("--to", options.to, votes::day_seconds - 1);
  if (rows.from && rows.to && *rows.to < *rows.from) {
    throw OptionError("--to: expected a time after --from " + options.from + ", found '" + options.to + "'");
  }
  return rows;
}

inline votes::Anonymous anonymous(const CountOptions& options) {
  if (options.anonymous == "session") return votes::Anonymous::session;
  return options.anonymous == "each" ? votes::Anonymous::each : votes::Anonymous::ip;
}

/// The versions asked for. Throws OptionError.
inline votes::VersionRange version_range(const CountOptions& options) {
  if (options.workflow_version.empty()) return {};
  const auto versions = votes::versions_of(options.workflow_version);
  if (!versions) {
    throw OptionError("--workflow-version: expected 10, 10.9, 9..10 or 10.9..10.11, found '" +
                      options.workflow_version + "'");
  }
  return *versions;
}

}  // namespace abell::program

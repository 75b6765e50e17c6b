#pragma once
/// abell-votes count: from an export to labels, and the comparison with experts.

#include <abell/report/votes_report.hpp>
#include <abell/votes/dawid_skene.hpp>
#include <abell/votes/output.hpp>
#include <abell/votes/panoptes.hpp>
#include <abell/votes/swap.hpp>
#include <abell/votes/workflow.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "../common/program.hpp"
#include "votes_experts.hpp"

namespace abell::program {

struct CountOptions {
  std::string source;
  std::filesystem::path out;
  bool overwrite = false;
  std::string experts;
  std::vector<std::string> positive;
  std::string scheme;  ///< empty: agreement with experts, unweighted without
  double threshold = 0.5;
  int folds = 10;
  std::string mapping;
  std::string workflow;
  std::optional<int> workflow_version;
  std::string workflows;  ///< a workflow export
  std::string id = "image_id";
  bool pairs = false;
  bool strict = false;
};

inline void add_count_options(CLI::App& app, CountOptions& o) {
  app.add_option("EXPORT", o.source, "Classification export of Panoptes (CSV)")->required();
  app.add_option("--out", o.out, "Folder to write")->required()->type_name(folder_type);
  app.add_flag("--overwrite", o.overwrite, "Write into --out although it is not empty");
  auto* experts =
      app.add_option("--experts", o.experts, "Table (CSV) with image_id and class; optional: spectroscopic, or split")
          ->type_name(file_type);
  app.add_option("--positive", o.positive, "Experts' classes that are clusters, A,B (default: as abell-train)")
      ->delimiter(',')
      ->needs(experts);
  app.add_option("--scheme", o.scheme, "How votes are weighted (default: agreement with --experts, else unweighted)")
      ->transform(one_of({"unweighted", "agreement", "zooniverse", "swap", "dawid-skene"}));
  app.add_option("--threshold", o.threshold, "A subject is a cluster when p_cluster is above this")
      ->check(within(0, 1))
      ->capture_default_str();
  app.add_option("--folds", o.folds,
                 "Parts of the experts' objects; each is scored by weights learnt on the others (1: by all)")
      ->needs(experts)
      ->check(within(1, 1000))
      ->capture_default_str();
  app.add_option("--mapping", o.mapping, "Which answers stand for which code (JSON; default: the Hunt's)")
      ->type_name(file_type);
  app.add_option("--workflow", o.workflow, "Id of the workflow to count (default: the one that the mapping fits best)");
  app.add_option("--workflow-version", o.workflow_version, "Its major version (default: all)")
      ->check(within(0, 1000000000));
  app.add_option("--workflows", o.workflows, "Workflow export of Panoptes (CSV): the questions, for the report")
      ->type_name(file_type);
  app.add_option("--id-key", o.id, "Subject metadata that names the object")->capture_default_str();
  app.add_flag("--pairs", o.pairs, "What is ticked together in a multiple question is one answer");
  app.add_flag("--strict", o.strict, "Stop at the first row that cannot be read");
}

namespace detail {

inline votes::Consensus consensus_of(const std::string& scheme, const votes::Ballots& ballots,
                                     const std::vector<votes::Truth>& truth, const votes::GoldOptions& gold) {
  if (scheme == "agreement") return votes::agreement_weighted(ballots, truth, gold);
  if (scheme == "zooniverse") return votes::zooniverse_weighted(ballots, truth, gold);
  if (scheme == "swap") return votes::swap_consensus(ballots, truth, gold);
  if (scheme == "dawid-skene") return votes::dawid_skene(ballots, truth).consensus;
  return votes::unweighted(ballots, truth);
}

/// Reads the export; bad rows are named on standard error, the first ones.
inline votes::Export read_votes(const CountOptions& options, const std::vector<votes::Workflow>& workflows,
                                const CommonOptions& common) {
  constexpr std::size_t most_named = 20;
  std::size_t bad = 0;
  std::error_code error;
  const auto size = std::filesystem::file_size(options.source, error);
  constexpr double megabyte = 1e6;
  ProgressBar bar("MB", error ? 0 : static_cast<long>(static_cast<double>(size) / megabyte),
                  common.quiet || size < 50000000);
  votes::Export from = votes::read_export(std::filesystem::path(options.source),
                                          {.strict = options.strict,
                                           .pairs = options.pairs,
                                           .id = options.id,
                                           .free_text = votes::free_text_tasks(workflows),
                                           .on_bad_row =
                                               [&](const std::string& message) {
                                                 if (++bad <= most_named)
                                                   std::cerr << "skipped: " << printable(message) << std::endl;
                                               },
                                           .on_progress =
                                               [&](std::uint64_t bytes) {
                                                 bar.update(static_cast<long>(static_cast<double>(bytes) / megabyte));
                                                 return !interrupted();
                                               }});
  if (bad > most_named) std::cerr << "skipped: " << bad - most_named << " more rows" << std::endl;
  return from;
}

inline std::vector<Table1Row> table1_rows(const CountOptions& options, const Experts& experts,
                                          const votes::Ballots& ballots, const votes::Consensus& consensus,
                                          std::uint64_t seed) {
  std::vector<Table1Row> rows;
  const std::vector<std::size_t> all = overlap(experts, consensus);
  const votes::Consensus plain = votes::unweighted(ballots);
  const auto add = [&](const std::string& objects, const std::vector<std::size_t>& members) {
    rows.push_back({objects, "unweighted", decisions(experts, plain, members, options.threshold)});
    if (options.scheme == "unweighted") return;
    rows.push_back({objects, options.scheme, decisions(experts, consensus, members, options.threshold)});
  };
  add("all overlapping", all);
  if (!experts.spectroscopic.empty()) add("balanced spectroscopic", balanced(experts, all, seed));
  return rows;
}

inline TextTable workflow_table(const votes::Export& from) {
  TextTable table{.caption = "Workflows in the export", .head = {"id", "version", "name", "rows"}};
  for (const votes::WorkflowRows& w : from.workflows) {
    table.rows.push_back({w.id, std::to_string(w.major), w.name, grouped_text(w.rows)});
  }
  return table;
}

/// Answers that stand for no code under their own text, and those that are no question's.
inline TextTable other_answers(const votes::Export& from, const votes::Ballots& ballots,
                               const votes::Mapping& mapping) {
  TextTable table{.caption = "Answers without a code", .head = {"task", "answer", "votes"}};
  std::vector<std::size_t> counts(from.answers.size());
  for (const votes::Vote& vote : ballots.votes) {
    for (const std::uint16_t answer : from.answer_sets[vote.answers]) ++counts[answer];
  }
  for (const std::uint16_t answer : votes::unmapped_answers(from, ballots, mapping)) {
    table.rows.push_back({from.answers[answer].task, from.answers[answer].text, grouped_text(counts[answer])});
  }
  for (const auto& [kind, count] : from.untold) table.rows.push_back({kind, "not counted", grouped_text(count)});
  return table;
}

/// What a reader of the counts should know: workflows that were left out, answers without code, experts without votes.
inline void tell(const votes::Export& from, const votes::Ballots& ballots, const CountOptions& options,
                 const TextTable& other) {
  for (const votes::WorkflowRows& w : from.workflows) {
    const bool counted =
        w.id == options.workflow && (!options.workflow_version || w.major == *options.workflow_version);
    std::cout << (counted ? "counted" : "left out") << ": workflow " << printable(w.id + " '" + w.name) << "' version "
              << w.major << ", " << w.rows << " rows\n";
  }
  constexpr std::size_t most = 20;
  for (std::size_t i = 0; i < std::min(most, other.rows.size()); ++i) {
    std::cout << "no code: " << printable(other.rows[i][0] + ": " + other.rows[i][1]) << ", " << other.rows[i][2]
              << "\n";
  }
  if (other.rows.size() > most) std::cout << "no code: " << other.rows.size() - most << " more answers\n";
  const bool mapped = std::ranges::any_of(ballots.votes, [&](const votes::Vote& v) { return ballots.code(v) >= 0; });
  if (!mapped && !ballots.votes.empty()) {
    std::cout << "no answer stands for a code (--mapping): p_cluster is empty\n";
  }
}

}  // namespace detail

inline int run_count(CountOptions options, const CommonOptions& common, const std::string& command) {
  if (options.scheme.empty()) options.scheme = options.experts.empty() ? "unweighted" : "agreement";
  if (options.experts.empty() && options.scheme != "unweighted" && options.scheme != "dawid-skene") {
    throw OptionError("--scheme " + options.scheme + ": learns from experts, expected --experts");
  }
  const votes::Mapping mapping = options.mapping.empty() ? votes::hunt_mapping() : votes::read_mapping(options.mapping);
  const auto workflows =
      options.workflows.empty() ? std::vector<votes::Workflow>() : votes::read_workflows(options.workflows);
  std::optional<ExpertTable> expert_table;
  if (!options.experts.empty()) expert_table = read_experts(options.experts, options.positive);
  const OutputFolder folder = prepare_output(options.out, options.overwrite);
  votes::Export from = detail::read_votes(options, workflows, common);
  if (interrupted()) return exit_stopped();
  if (options.workflow.empty()) options.workflow = votes::choose_workflow(from, votes::codes_of(from, mapping));
  const votes::Ballots ballots = votes::count_votes(from, mapping, {options.workflow, options.workflow_version});

  Experts experts;
  if (expert_table) experts = experts_on(*expert_table, from.objects);
  const votes::Consensus consensus =
      detail::consensus_of(options.scheme, ballots, experts.truth, {.folds = options.folds, .seed = common.seed});
  if (interrupted()) return exit_stopped();
  VotesReport report;
  report.subtitle = std::filesystem::path(options.source).filename().string() + ", scheme " + options.scheme;
  report.ballots = &ballots;
  report.consensus = &consensus;
  report.scheme = options.scheme;
  report.threshold = options.threshold;
  report.workflows = detail::workflow_table(from);
  report.other_answers = detail::other_answers(from, ballots, mapping);
  report.workflow = votes::find_workflow(workflows, options.workflow, options.workflow_version.value_or(-1));
  report.command = command;
  for (const votes::WorkflowRows& w : from.workflows) {
    if (w.id == options.workflow && w.name.find("(simulated)") != std::string::npos && report.notes.empty()) {
      report.notes.emplace_back("Simulated volunteers.");
    }
  }
  report.configuration = {{"scheme", options.scheme},
                          {"threshold", number_text(options.threshold)},
                          {"folds", std::to_string(options.folds)},
                          {"seed", std::to_string(common.seed)},
                          {"rows", grouped_text(from.rows)},
                          {"used", grouped_text(ballots.votes.size())},
                          {"duplicates", grouped_text(ballots.duplicates)},
                          {"other workflows", grouped_text(ballots.other_workflows)},
                          {"bad", grouped_text(from.bad)}};

  votes::write_consensus(options.out / "consensus.csv", from, ballots, mapping, consensus, options.threshold);
  votes::write_volunteers(options.out / "volunteers.csv", from, consensus);
  if (!options.experts.empty()) {
    report.truth = experts.truth;
    report.table1 = detail::table1_rows(options, experts, ballots, consensus, common.seed);
    write_table1(options.out, report.table1);
  }
  votes_report(report).write(options.out / "report.html");

  if (common.quiet) return exit_ok;
  detail::tell(from, ballots, options, report.other_answers);
  if (!options.experts.empty()) {
    std::cout << "experts: " << experts.matched << " of " << experts.rows << " objects were voted on";
    if (!experts.unmatched.empty()) std::cout << " (the first that was not: '" << printable(experts.unmatched) << "')";
    std::cout << "\n\n";
    write_markdown(std::cout, table1(report.table1));
    std::cout << "\n";
  }
  std::cout << "read " << from.rows << " rows, used " << ballots.votes.size() << ", duplicates " << ballots.duplicates
            << ", other workflows " << ballots.other_workflows << ", bad " << from.bad << std::endl;
  return exit_ok;
}

}  // namespace abell::program

#pragma once
/// abell-votes count: from exports to labels, and the comparison with experts.

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
#include <numeric>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "../common/program.hpp"
#include "votes_experts.hpp"
#include "votes_options.hpp"
#include "votes_told.hpp"

namespace abell::program {

namespace detail {

/// What a scheme says, and how it was set.
struct SchemeResult {
  votes::Consensus consensus;
  std::string settings = {};  ///< empty: there is nothing to set
};

inline SchemeResult swap_result(const CountOptions& options, const votes::Ballots& ballots,
                                const std::vector<votes::Truth>& truth, const votes::GoldOptions& gold) {
  const bool shipped = options.swap == "space-warps";
  votes::SwapOptions swap = shipped ? votes::space_warps : votes::SwapOptions{};
  swap.prior = votes::gold_share(truth);
  return {votes::swap_consensus(ballots, truth, gold, swap),
          (shipped ? "Space Warps' configuration: skepticism " : "the paper's form: skepticism ") +
              number_text(swap.skepticism) + ", PL and PD from " + number_text(swap.least) + " to " +
              number_text(swap.most) + ", posteriors from " + csv_number(swap.floor) + " on, prior " +
              number_text(*swap.prior) + " (share of clusters among the experts' objects)"};
}

inline SchemeResult scheme_result(const CountOptions& options, const votes::Ballots& ballots,
                                  const std::vector<votes::Truth>& truth, const votes::GoldOptions& gold) {
  if (options.scheme == "agreement") return {votes::agreement_weighted(ballots, truth, gold)};
  if (options.scheme == "zooniverse") return {votes::zooniverse_weighted(ballots, truth, gold)};
  if (options.scheme == "swap") return swap_result(options, ballots, truth, gold);
  if (options.scheme == "dawid-skene") {
    const votes::DawidSkeneOptions em;
    votes::DawidSkene fit = votes::dawid_skene(ballots, truth, em);
    return {std::move(fit.consensus), "smoothing " + number_text(em.smoothing) +
                                          " (votes that each volunteer is taken to have given with each true code), " +
                                          std::to_string(fit.iterations) + " iterations"};
  }
  return {votes::unweighted(ballots, truth)};
}

/// Reads the exports; bad rows are named on standard error, the first ones.
inline votes::Export read_votes(const CountOptions& options, const votes::RowChoice& rows,
                                const std::vector<votes::Workflow>& workflows, const CommonOptions& common) {
  constexpr std::size_t most_named = 20;
  std::size_t bad = 0;
  std::uintmax_t size = 0;
  for (const std::filesystem::path& source : options.sources) {
    std::error_code error;
    const std::uintmax_t bytes = std::filesystem::file_size(source, error);
    size += error ? 0 : bytes;
  }
  constexpr double megabyte = 1e6;
  ProgressBar bar("MB", static_cast<long>(static_cast<double>(size) / megabyte), common.quiet || size < 50000000);
  votes::Export from =
      votes::read_exports(options.sources, {.strict = options.strict,
                                            .pairs = options.pairs,
                                            .id = options.id,
                                            .free_text = votes::free_text_tasks(workflows),
                                            .rows = rows,
                                            .anonymous = anonymous(options),
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

}  // namespace detail

inline int run_count(CountOptions options, const CommonOptions& common, const std::string& command) {
  if (options.scheme.empty()) options.scheme = options.experts.empty() ? "unweighted" : "agreement";
  if (options.experts.empty() && options.scheme != "unweighted" && options.scheme != "dawid-skene") {
    throw OptionError("--scheme " + options.scheme + ": learns from experts, expected --experts");
  }
  if (!options.swap.empty() && options.scheme != "swap") throw OptionError("--swap: expected --scheme swap");
  votes::Choice choice{options.workflow, version_range(options)};
  const votes::RowChoice rows = row_choice(options);
  const votes::Mapping mapping = options.mapping.empty() ? votes::hunt_mapping() : votes::read_mapping(options.mapping);
  const auto workflows =
      options.workflows.empty() ? std::vector<votes::Workflow>() : votes::read_workflows(options.workflows);
  std::optional<ExpertTable> expert_table;
  if (!options.experts.empty()) expert_table = read_experts(options.experts, options.positive);
  const OutputFolder folder = prepare_output(options.out, options.overwrite);
  votes::Export from = detail::read_votes(options, rows, workflows, common);
  if (interrupted()) return exit_stopped();
  if (choice.workflows.empty()) choice.workflows = {votes::choose_workflow(from, mapping)};
  const votes::Ballots ballots = votes::count_votes(from, mapping, choice);

  Experts experts;
  if (expert_table) experts = experts_on(*expert_table, from.objects);
  const detail::SchemeResult result =
      detail::scheme_result(options, ballots, experts.truth, {.folds = options.folds, .seed = common.seed});
  const votes::Consensus& consensus = result.consensus;
  if (interrupted()) return exit_stopped();
  const std::vector<votes::WorkflowGroup> groups = votes::workflow_groups(from, choice);
  VotesReport report;
  for (const std::filesystem::path& source : options.sources) report.subtitle += source.filename().string() + ", ";
  report.subtitle += "scheme " + options.scheme;
  report.ballots = &ballots;
  report.consensus = &consensus;
  report.scheme = options.scheme;
  report.threshold = options.threshold;
  report.workflows = detail::workflow_table(groups);
  report.left_out = detail::left_out_table(from, rows);
  report.other_answers = detail::other_answers(from, ballots, mapping, choice);
  report.workflow = votes::find_workflow(workflows, choice.workflows[0], choice.versions);
  report.command = command;
  if (std::ranges::any_of(groups, [](const auto& g) { return g.counted && g.name.ends_with("(simulated)"); })) {
    report.notes.emplace_back("Simulated volunteers.");
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
  if (!result.settings.empty())
    report.configuration.insert(report.configuration.begin() + 1, {"set to", result.settings});

  votes::write_consensus(options.out / "consensus.csv", from, ballots, mapping, consensus, options.threshold);
  votes::write_volunteers(options.out / "volunteers.csv", from, consensus);
  if (!options.experts.empty()) {
    report.truth = experts.truth;
    report.table1 = detail::table1_rows(options, experts, ballots, consensus, common.seed);
    write_table1(options.out, report.table1);
  }
  votes_report(report).write(options.out / "report.html");

  if (common.quiet) return exit_ok;
  detail::tell(from, ballots, mapping, groups, report);
  if (!result.settings.empty()) std::cout << options.scheme << ": " << result.settings << "\n";
  if (!options.experts.empty()) {
    std::cout << "experts: " << experts.matched << " of " << experts.rows << " objects were voted on";
    if (!experts.unmatched.empty()) std::cout << " (the first that was not: '" << printable(experts.unmatched) << "')";
    std::cout << "\n\n";
    write_markdown(std::cout, table1(report.table1));
    std::cout << "\n";
  }
  std::cout << "read " << from.rows << " rows, used " << ballots.votes.size() << ", duplicates " << ballots.duplicates
            << ", other workflows " << ballots.other_workflows << ", bad " << from.bad;
  if (rows != votes::RowChoice{}) {
    std::cout << ", not chosen " << std::accumulate(from.left_out.begin(), from.left_out.end(), std::size_t{0});
  }
  std::cout << std::endl;
  return exit_ok;
}

}  // namespace abell::program

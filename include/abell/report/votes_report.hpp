#pragma once
/// report.html of a count of volunteers' votes.

#include <abell/metrics/statistics.hpp>
#include <abell/report/bar_chart.hpp>
#include <abell/report/figures.hpp>
#include <abell/report/html.hpp>
#include <abell/report/line_plot.hpp>
#include <abell/report/table1.hpp>
#include <abell/votes/consensus.hpp>
#include <abell/votes/statistics.hpp>
#include <abell/votes/workflow.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// All that the report shows. What is empty is left out.
struct VotesReport {
  std::string title = "Volunteers' votes";
  std::string subtitle = {};
  std::vector<std::string> notes = {};
  std::string command = {};
  KeyValues configuration = {};
  std::string scheme = {};
  double threshold = 0.5;
  const votes::Ballots* ballots = nullptr;
  const votes::Consensus* consensus = nullptr;
  std::span<const votes::Truth> truth = {};  ///< one a subject; empty without experts
  std::vector<Table1Row> table1 = {};
  const votes::Workflow* workflow = nullptr;  ///< the questions, when they are known
  TextTable workflows = {};                   ///< those in the export
  TextTable left_out = {};                    ///< rows that were not chosen
  TextTable other_answers = {};               ///< answers without a code
};

namespace detail::report {

/// A histogram of `values` over `bins` equal parts of [0, 1]; NaN is left out.
inline PlotSeries unit_histogram(const std::vector<double>& values, std::size_t bins, PlotColour colour) {
  PlotSeries series{.y = std::vector<double>(bins), .mark = PlotMark::steps, .colour = colour};
  for (std::size_t i = 0; i <= bins; ++i) series.x.push_back(static_cast<double>(i) / static_cast<double>(bins));
  for (const double value : values) {
    if (!(value >= 0 && value <= 1)) continue;
    series.y[std::min(bins - 1, static_cast<std::size_t>(value * static_cast<double>(bins)))] += 1;
  }
  return series;
}

/// Volunteers by number of votes, in steps of a factor of two.
inline std::string activity_figure(const votes::Consensus& consensus) {
  PlotSeries series{.mark = PlotMark::steps};
  for (const votes::Volunteer& v : consensus.volunteers) {
    if (v.votes == 0) continue;
    const auto bin = static_cast<std::size_t>(std::log2(static_cast<double>(v.votes)));
    if (series.y.size() <= bin) series.y.resize(bin + 1);
    series.y[bin] += 1;
  }
  for (std::size_t i = 0; i <= series.y.size(); ++i) series.x.push_back(std::exp2(static_cast<double>(i)));
  if (series.y.empty()) series.x.clear();
  return line_plot({.title = "Votes per volunteer",
                    .x = {.title = "votes", .logarithmic = true},
                    .y = {.title = "volunteers", .from = 0},
                    .series = {series}});
}

/// What the skill is that a scheme gives.
inline std::string skill_caption(const std::string& scheme) {
  if (scheme == "swap") return "Bits that one vote is expected to tell about cluster or not.";
  if (scheme == "dawid-skene") return "Chance of the right code, by the volunteer's confusion matrix.";
  return "Share of votes that agree with experts, with one right and one wrong vote added.";
}

inline std::string skill_figure(const votes::Consensus& consensus) {
  std::vector<double> skills;
  for (const votes::Volunteer& v : consensus.volunteers) {
    if (v.votes > 0) skills.push_back(v.skill);
  }
  return line_plot({.title = "Skill of the volunteers",
                    .x = {.title = "skill", .from = 0, .to = 1},
                    .y = {.title = "volunteers", .from = 0},
                    .series = {unit_histogram(skills, 20, PlotColour::third)}});
}

/// Agreement with the experts as volunteers go on, with 95 % Wilson intervals.
inline std::string learning_figure(const std::vector<votes::Experience>& steps) {
  PlotSeries series{.colour = PlotColour::fourth};
  for (const votes::Experience& step : steps) {
    series.x.push_back(static_cast<double>(step.first));
    series.y.push_back(static_cast<double>(step.votes.agreed) / static_cast<double>(step.votes.all));
    const Interval interval = *wilson_interval(step.votes.agreed, step.votes.all);
    series.low.push_back(interval.low);
    series.high.push_back(interval.high);
  }
  return line_plot({.title = "Learning with experience",
                    .x = {.title = "from which vote of the volunteer on", .logarithmic = true},
                    .y = {.title = "share that agrees with experts", .to = 1},
                    .series = {series}});
}

/// Figure 4.1: answers in agreement with the experts against all answers, by code.
inline std::string code_figure(const std::array<votes::Agreement, votes::code_count>& counts) {
  BarChart chart{.title = "Answers on objects that the experts know", .y_title = "votes"};
  BarSeries all{.name = "all", .colour = PlotColour::reference};
  BarSeries agreed{.name = "in agreement with experts", .colour = PlotColour::first};
  for (std::size_t code = 0; code < votes::code_count; ++code) {
    chart.categories.emplace_back(1, votes::letter_of(static_cast<int>(code)));
    all.values.push_back(static_cast<double>(counts[code].all));
    agreed.values.push_back(static_cast<double>(counts[code].agreed));
  }
  chart.series = {all, agreed};
  return bar_chart(chart);
}

inline TextTable code_table(const votes::Consensus& consensus) {
  TextTable table{.head = {"code", "answer", "votes", "consensus of subjects"}, .total = true};
  std::array<std::size_t, votes::code_count> votes{};
  std::array<std::size_t, votes::code_count> subjects{};
  for (const votes::SubjectConsensus& subject : consensus.subjects) {
    for (std::size_t code = 0; code < votes::code_count; ++code) votes[code] += subject.counts[code];
    if (subject.code != votes::no_code) ++subjects[static_cast<std::size_t>(subject.code)];
  }
  std::size_t all_votes = 0;
  std::size_t all_subjects = 0;
  for (std::size_t code = 0; code < votes::code_count; ++code) {
    table.rows.push_back({std::string(1, votes::letter_of(static_cast<int>(code))),
                          std::string(votes::code_names[code]), grouped_text(votes[code]),
                          grouped_text(subjects[code])});
    all_votes += votes[code];
    all_subjects += subjects[code];
  }
  table.rows.push_back({"", "all", grouped_text(all_votes), grouped_text(all_subjects)});
  return table;
}

/// The questions with their answers and where these lead.
inline TextTable question_table(const votes::Workflow& workflow) {
  TextTable table{.head = {"task", "kind", "question", "answer", "leads to"}};
  for (const votes::Task& task : workflow.tasks) {
    if (task.answers.empty()) table.rows.push_back({task.name, task.type, task.question, "", task.next});
    for (std::size_t i = 0; i < task.answers.size(); ++i) {
      const votes::TaskAnswer& answer = task.answers[i];
      table.rows.push_back({i == 0 ? task.name : "", i == 0 ? task.type : "", i == 0 ? task.question : "", answer.label,
                            answer.next.empty() ? task.next : answer.next});
    }
  }
  return table;
}

/// The probabilities and classes of the objects that the experts know, for the figures of a classifier.
inline std::string expert_probability_figure(const VotesReport& report) {
  std::vector<float> probabilities;
  std::vector<int> labels;
  for (std::size_t i = 0; i < report.truth.size(); ++i) {
    const double p = report.consensus->subjects[i].p_cluster;
    if (report.truth[i] == votes::Truth::unknown || std::isnan(p)) continue;
    probabilities.push_back(static_cast<float>(p));
    labels.push_back(report.truth[i] == votes::Truth::cluster ? 1 : 0);
  }
  return probability_figure(probabilities, labels, static_cast<float>(report.threshold));
}

inline std::vector<SummaryTile> votes_tiles(const VotesReport& report) {
  std::vector<double> active;
  for (const votes::Volunteer& v : report.consensus->volunteers) {
    if (v.votes > 0) active.push_back(static_cast<double>(v.votes));
  }
  std::ranges::sort(active);
  std::size_t subjects = 0;
  std::size_t decided = 0;
  std::size_t clusters = 0;
  for (const votes::SubjectConsensus& subject : report.consensus->subjects) {
    if (subject.votes > 0) ++subjects;
    if (std::isnan(subject.p_cluster)) continue;
    ++decided;
    if (subject.p_cluster > report.threshold) ++clusters;
  }
  const std::size_t votes = report.ballots->votes.size();
  const auto per = [&](std::size_t count) {
    return count == 0 ? std::string(undefined_text)
                      : number_text(static_cast<double>(votes) / static_cast<double>(count));
  };
  return {{"Votes", grouped_text(votes), grouped_text(report.ballots->duplicates) + " duplicates left out"},
          {"Volunteers", grouped_text(active.size()),
           per(active.size()) + " votes each\nmedian " +
               (active.empty() ? std::string(undefined_text) : number_text(active[active.size() / 2]))},
          {"Subjects", grouped_text(subjects), per(subjects) + " votes each"},
          {"Called cluster", decided == 0 ? std::string(undefined_text) : grouped_text(clusters),
           decided == 0 ? "no answer has a code" : "of " + grouped_text(decided) + ", " + report.scheme}};
}

}  // namespace detail::report

/// The whole page.
inline Page votes_report(const VotesReport& report) {
  using namespace detail::report;
  Page page(report.title, report.subtitle);
  for (const std::string& note : report.notes) page.note(note);
  page.tiles(votes_tiles(report));
  const bool mapped = std::ranges::any_of(report.consensus->subjects,
                                          [](const votes::SubjectConsensus& s) { return s.code != votes::no_code; });
  if (!report.truth.empty()) {
    page.section("Against the experts");
    page.table(table1(report.table1));
    page.figures({{code_figure(agreement_by_code(*report.ballots, report.truth)),
                   "After Figure 4.1 of the thesis: a vote agrees when it is right about cluster (f, g) or not."},
                  {expert_probability_figure(report), "p_cluster of the scheme " + report.scheme + "."}});
  }
  page.section("Volunteers");
  std::vector<Figure> figures{{activity_figure(*report.consensus), ""}};
  if (std::ranges::any_of(report.consensus->volunteers,
                          [](const votes::Volunteer& v) { return std::isfinite(v.skill); })) {
    figures.push_back({skill_figure(*report.consensus), skill_caption(report.scheme)});
  }
  if (!report.truth.empty()) {
    figures.push_back({learning_figure(votes::learning(*report.ballots, report.truth)),
                       "With 95 % intervals. Who gives many votes may have been better from the start."});
  }
  page.figures(figures);
  page.section("Answers");
  if (mapped) {
    std::vector<double> probabilities;
    std::vector<double> agreements;
    for (const votes::SubjectConsensus& subject : report.consensus->subjects) {
      probabilities.push_back(subject.p_cluster);
      agreements.push_back(subject.agreement);
    }
    page.table(code_table(*report.consensus));
    page.figures({{line_plot({.title = "Probability of being a cluster",
                              .x = {.title = "p_cluster", .from = 0, .to = 1},
                              .y = {.title = "subjects", .from = 0},
                              .series = {unit_histogram(probabilities, 20, PlotColour::first)},
                              .guides = {{.at = report.threshold, .name = "threshold"}}}),
                   ""},
                  {line_plot({.title = "Agreement on the consensus code",
                              .x = {.title = "share of the votes", .from = 0, .to = 1},
                              .y = {.title = "subjects", .from = 0},
                              .series = {unit_histogram(agreements, 20, PlotColour::fifth)}}),
                   ""}});
  }
  if (!report.other_answers.rows.empty()) page.table(report.other_answers);
  if (report.workflow != nullptr) {
    page.section("Questions").paragraph(report.workflow->name).table(question_table(*report.workflow));
  }
  page.section("This count").table(report.workflows);
  if (!report.left_out.rows.empty()) page.table(report.left_out);
  page.key_values(report.configuration);
  page.code(report.command);
  return page;
}

}  // namespace abell

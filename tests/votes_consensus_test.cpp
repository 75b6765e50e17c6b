#include <abell/core/random.hpp>
#include <abell/report/bar_chart.hpp>
#include <abell/report/table1.hpp>
#include <abell/votes/consensus.hpp>
#include <abell/votes/dawid_skene.hpp>
#include <abell/votes/simulate.hpp>
#include <abell/votes/statistics.hpp>
#include <abell/votes/swap.hpp>
#include <abell/votes/tally.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "markup.hpp"
#include "temp_folder.hpp"
#include "votes_tools.hpp"

using namespace abell;
using votes::Truth;

namespace {

votes::Tally<std::string> tally_of(const std::vector<std::string>& extracts, bool pairs) {
  std::vector<ExportRow> rows;
  for (const std::string& ticked : extracts) rows.push_back({.annotations = answered(ticked)});
  const votes::Export from = read_text(export_text(rows), {.pairs = pairs});
  votes::Tally<std::string> tally;
  for (const votes::Vote& vote : from.votes) {
    for (const auto answer : from.answer_sets[vote.answers].answers) tally.add(from.answers[answer].text);
  }
  return tally;
}

std::map<std::string, double> counts_of(const votes::Tally<std::string>& tally) {
  std::map<std::string, double> counts;
  for (const auto& entry : tally.entries()) counts[entry.answer] = entry.votes;
  return counts;
}

}  // namespace

// panoptes_aggregation/tests/reducer_tests/test_question_reducer.py and test_question_consensus_reducer.py
TEST_CASE("panoptes_aggregation's reducers give the same on its own vectors", "[votes]") {
  const std::vector<std::string> question{R"(["a","b"])", R"(["a"])", R"(["b","c"])", R"(["b","a"])"};
  using Counts = std::map<std::string, double>;
  REQUIRE(counts_of(tally_of(question, false)) == Counts{{"a", 3}, {"b", 3}, {"c", 1}});
  REQUIRE(counts_of(tally_of(question, true)) == Counts{{"a+b", 2}, {"a", 1}, {"b+c", 1}});

  const std::vector<std::string> consensus{R"(["a","b"])", R"(["a"])", R"(["d","a"])", R"(["b","c"])", R"(["b","a"])"};
  const auto most = tally_of(consensus, false).most_likely();
  REQUIRE(most->answer == "a");
  REQUIRE(most->votes == 4);
  REQUIRE(most->agreement == 4.0 / 9);
  const auto pair = tally_of(consensus, true).most_likely();
  REQUIRE(pair->answer == "a+b");
  REQUIRE(pair->votes == 2);
  REQUIRE(pair->agreement == 2.0 / 5);
  REQUIRE_FALSE(tally_of({}, false).most_likely());
  REQUIRE(tally_of({R"("x")", R"("y")"}, false).most_likely()->answer == "x");  // a tie: the first
}

TEST_CASE("plain counts", "[votes]") {
  const votes::Ballots ballots = ballots_of({{0, 0, 5}, {0, 1, 6}, {0, 2, 2}, {0, 3, 6}, {1, 0, 2}}, 3, 4);
  const std::vector<Truth> truth{Truth::cluster, Truth::unknown, Truth::other};
  const votes::Consensus consensus = votes::unweighted(ballots, truth);
  REQUIRE(consensus.subjects[0].p_cluster == 0.75);
  REQUIRE(consensus.subjects[0].code == 6);
  REQUIRE(consensus.subjects[0].agreement == 0.5);
  REQUIRE(consensus.subjects[0].counts == std::array<std::size_t, 7>{0, 0, 1, 0, 0, 1, 2});
  REQUIRE(consensus.subjects[1].p_cluster == 0);
  REQUIRE(std::isnan(consensus.subjects[2].p_cluster));
  REQUIRE(consensus.volunteers[0].votes == 2);
  REQUIRE(consensus.volunteers[0].gold == 1);
  REQUIRE(consensus.volunteers[0].agreed == 1);
  REQUIRE(consensus.volunteers[2].agreed == 0);
}

TEST_CASE("votes weigh by agreement with the experts", "[votes]") {
  // User 0 is right on three gold objects, user 1 wrong on them; user 2 has none of them. They differ on subject 3.
  std::vector<Cast> casts;
  for (const std::uint32_t s : {0U, 1U, 2U}) {
    casts.push_back({s, 0, 5});
    casts.push_back({s, 1, 2});
  }
  casts.insert(casts.end(), {{3, 0, 6}, {3, 1, 2}, {3, 2, 2}});
  const votes::Ballots ballots = ballots_of(casts, 4, 3);
  const std::vector<Truth> truth{Truth::cluster, Truth::cluster, Truth::cluster, Truth::unknown};
  const votes::Consensus all = votes::agreement_weighted(ballots, truth, {.folds = 1});
  REQUIRE(all.volunteers[0].weight == Approx(4.0 / 5));
  REQUIRE(all.volunteers[1].weight == Approx(1.0 / 5));
  REQUIRE(all.volunteers[2].weight == Approx(4.0 / 8));  // what all do together
  REQUIRE(all.subjects[3].p_cluster == Approx(0.8 / (0.8 + 0.2 + 0.5)));
  REQUIRE(all.subjects[0].p_cluster == Approx(0.8));
  const votes::Consensus folds = votes::agreement_weighted(ballots, truth, {.folds = 3});
  REQUIRE(folds.subjects[0].p_cluster == Approx(0.75));  // weights 3/4 and 1/4, learnt on two objects
  REQUIRE(folds.subjects[3].p_cluster == all.subjects[3].p_cluster);
}

TEST_CASE("no object is scored by weights that were learnt on it", "[votes]") {
  Random random(5);
  std::vector<Cast> casts;
  for (std::uint32_t s = 0; s < 24; ++s) {
    for (std::uint32_t u = 0; u < 9; ++u) casts.push_back({s, u, static_cast<int>(random.below(7))});
  }
  const votes::Ballots ballots = ballots_of(casts, 24, 9);
  std::vector<Truth> truth(24);
  for (std::size_t s = 0; s < 24; ++s)
    truth[s] = s % 4 == 3 ? Truth::unknown : s % 2 == 0 ? Truth::cluster : Truth::other;
  const auto schemes = {+[](const votes::Ballots& b, std::span<const Truth> t, const votes::GoldOptions& o) {
                          return votes::agreement_weighted(b, t, o);
                        },
                        +[](const votes::Ballots& b, std::span<const Truth> t, const votes::GoldOptions& o) {
                          return votes::zooniverse_weighted(b, t, o);
                        },
                        +[](const votes::Ballots& b, std::span<const Truth> t, const votes::GoldOptions& o) {
                          return votes::swap_consensus(b, t, o, {.prior = 0.3});
                        }};
  for (const auto scheme : schemes) {
    for (const std::size_t s : {0U, 5U, 13U}) {
      std::vector<Truth> other = truth;
      other[s] = truth[s] == Truth::cluster ? Truth::other : Truth::cluster;
      const auto p = [&](const std::vector<Truth>& t, int folds, std::size_t at) {
        return scheme(ballots, t, {.folds = folds}).subjects[at].p_cluster;
      };
      REQUIRE(p(truth, 5, s) == p(other, 5, s));
      REQUIRE(p(truth, 1, s) != p(other, 1, s));
      REQUIRE(p(truth, 5, 3) != p(other, 5, 3));  // but it teaches about others
    }
  }
}

TEST_CASE("Zooniverse's published weights", "[votes]") {
  REQUIRE(votes::zooniverse_weight(0, 0) == 0.5);
  REQUIRE(votes::zooniverse_weight(1, 1) == 0.5);
  REQUIRE(votes::zooniverse_weight(10, 10) == Approx(1));
  REQUIRE(votes::zooniverse_weight(100, 100) == Approx(1.5));
  REQUIRE(votes::zooniverse_weight(0, 10) == Approx(0.5 * std::pow(2, -0.01)));
  REQUIRE(votes::zooniverse_weight(5, 10) == Approx(0.5 * std::pow(2, 0.495)));
  const votes::Ballots ballots = ballots_of({{0, 0, 5}, {0, 1, 2}, {1, 0, 5}}, 2, 2);
  const votes::Consensus c = votes::zooniverse_weighted(ballots, std::vector<Truth>{Truth::cluster, Truth::cluster});
  REQUIRE(2 * c.volunteers[0].weight + c.volunteers[1].weight == Approx(3));  // as many as votes
}

TEST_CASE("Dawid and Skene's EM recovers the confusion matrices of a simulated population", "[votes]") {
  constexpr std::size_t users = 20;
  constexpr std::size_t subjects = 1500;
  Random random(11);
  std::vector<votes::ConfusionMatrix> truth(users);
  for (votes::ConfusionMatrix& matrix : truth) {
    const double skill = random.uniform(0.4, 0.9);
    for (std::size_t t = 0; t < votes::code_count; ++t) {
      double sum = 0;
      for (std::size_t a = 0; a < votes::code_count; ++a) sum += matrix[t][a] = a == t ? 0 : random.uniform();
      for (std::size_t a = 0; a < votes::code_count; ++a)
        matrix[t][a] = a == t ? skill : (1 - skill) * matrix[t][a] / sum;
    }
  }
  std::vector<int> codes(subjects);
  std::vector<Cast> casts;
  for (std::size_t s = 0; s < subjects; ++s) {
    codes[s] = static_cast<int>(random.below(votes::code_count));
    for (std::size_t u = 0; u < users; ++u) {
      double chance = random.uniform();
      int answer = 0;
      while (answer < 6 &&
             (chance -= truth[u][static_cast<std::size_t>(codes[s])][static_cast<std::size_t>(answer)]) > 0)
        ++answer;
      casts.push_back({static_cast<std::uint32_t>(s), static_cast<std::uint32_t>(u), answer});
    }
  }
  const votes::DawidSkene fit = votes::dawid_skene(ballots_of(casts, subjects, users), {}, {.smoothing = 0});
  std::size_t right = 0;
  for (std::size_t s = 0; s < subjects; ++s) right += fit.consensus.subjects[s].code == codes[s] ? 1 : 0;
  REQUIRE(right >= subjects * 99 / 100);
  // 214 votes a row: a share of 0.5 has a standard error of 0.034; the largest of 980 entries may be 4.5 of them off.
  double largest = 0;
  double squares = 0;
  for (std::size_t u = 0; u < users; ++u) {
    for (std::size_t t = 0; t < votes::code_count; ++t) {
      for (std::size_t a = 0; a < votes::code_count; ++a) {
        const double error = std::abs(fit.confusions[u][t][a] - truth[u][t][a]);
        largest = std::max(largest, error);
        squares += error * error;
      }
    }
  }
  REQUIRE(largest < 0.16);
  REQUIRE(std::sqrt(squares / (users * 49)) < 0.025);
  for (const double share : fit.classes) REQUIRE(share == Approx(1.0 / 7).margin(0.03));
}

TEST_CASE("the simulated crowd has the bias of Table 1", "[votes]") {
  constexpr std::array<const char*, 6> classes{"low-z", "hi-z", "galaxy", "point", "other", "low-z"};
  std::vector<votes::SimulatedSubject> subjects;
  for (std::size_t i = 0; i < 300; ++i) {
    subjects.push_back(
        {"sim" + std::to_string(i), votes::simulated_code(classes[i % 6], static_cast<double>(i % 7) / 7)});
  }
  std::stringstream file;
  votes::write_export(file, subjects, votes::simulate_votes(subjects));
  votes::Export from = votes::read_export(file, "simulated.csv");
  REQUIRE(from.bad == 0);
  const votes::Ballots ballots = votes::count_votes(from, votes::hunt_mapping());
  REQUIRE(ballots.votes.size() == 300 * 30);
  REQUIRE(ballots.duplicates > 0);
  REQUIRE(std::ranges::none_of(ballots.votes, [&](const votes::Vote& v) { return ballots.code(v) == votes::no_code; }));
  std::vector<Truth> truth(300);
  for (const auto& subject : subjects) {
    truth[*from.objects.find(subject.image_id)] = votes::is_cluster(subject.code) ? Truth::cluster : Truth::other;
  }
  const auto decided = [&](const votes::Consensus& consensus) {
    Confusion counts;
    for (std::size_t i = 0; i < 300; ++i) counts.add(consensus.subjects[i].p_cluster > 0.5, truth[i] == Truth::cluster);
    return counts;
  };
  const Confusion plain = decided(votes::unweighted(ballots));
  const Confusion weighted = decided(votes::agreement_weighted(ballots, truth));
  REQUIRE(*plain.precision() > 0.95);
  REQUIRE(*plain.recall() < 0.45);
  REQUIRE(*weighted.recall() > *plain.recall());
  const auto by_code = votes::agreement_by_code(ballots, truth);
  std::size_t all = 0;
  for (const votes::Agreement& code : by_code) all += code.all;
  REQUIRE(all == ballots.votes.size());
  REQUIRE(by_code[5].agreed > by_code[5].all * 8 / 10);  // who says cluster is right
  REQUIRE(by_code[3].agreed < by_code[3].all * 8 / 10);  // many galaxies are clusters
  const auto steps = votes::learning(ballots, truth);
  REQUIRE(steps.front().first == 1);
  std::size_t total = 0;
  for (const votes::Experience& step : steps) total += step.votes.all;
  REQUIRE(total == ballots.votes.size());
}

TEST_CASE("the paper's Table 1 follows from its counts", "[votes][report]") {
  const TempFolder folder;
  write_table1(folder.path(), {{"all overlapping", "unweighted", {.tp = 69, .fp = 0, .tn = 150, .fn = 185}},
                               {"all overlapping", "weighted", {.tp = 102, .fp = 1, .tn = 149, .fn = 152}},
                               {"balanced spectroscopic", "weighted", {.tp = 55, .fp = 1, .tn = 84, .fn = 30}},
                               {"none", "weighted", {}}});
  REQUIRE(slurp(folder / "table1.csv") ==
          "objects,n,votes,TP,TN,FP,FN,accuracy,precision,recall\n"
          "all overlapping,404,unweighted,69,150,0,185,0.542,1.000,0.272\n"
          "all overlapping,404,weighted,102,149,1,152,0.621,0.990,0.402\n"
          "balanced spectroscopic,170,weighted,55,84,1,30,0.818,0.982,0.647\n"
          "none,0,weighted,0,0,0,0,,,\n");
  REQUIRE_THAT(slurp(folder / "table1.md"),
               Contains("| all overlapping | 404 | weighted | 102 | 149 | 1 | 152 | 0.621 | 0.990 | 0.402 |"));
  REQUIRE_THAT(slurp(folder / "table1.tex"),
               Contains("balanced spectroscopic & 170 & weighted & 55 & 84 & 1 & 30 & 0.818 & 0.982 & 0.647 \\\\"));
  REQUIRE_THAT(slurp(folder / "table1.tex"), Contains("none & 0 & weighted & 0 & 0 & 0 & 0 & -- & -- & -- \\\\"));
  write_table1(folder.path(), {{"a|b & c\n", "un_weighted", {}}});
  REQUIRE_THAT(slurp(folder / "table1.md"), Contains("\n| a\\|b & c\\\\x0a | 0 | un\\_weighted |"));
  REQUIRE_THAT(slurp(folder / "table1.tex"), Contains("\na|b \\& c\\textbackslash{}x0a & 0 & un\\_weighted &"));
}

TEST_CASE("bar charts", "[report]") {
  const std::string svg =
      bar_chart({.title = "A < B",
                 .categories = {"a", "b"},
                 .series = {{.name = "all", .values = {10, 0}}, {.name = "some", .values = {5, NAN}}}});
  REQUIRE(tag_error(svg).empty());
  REQUIRE(count(svg, "<rect") == 3 + 2);  // no bar where there is no number; two in the legend
  REQUIRE(contains(svg, "A &lt; B"));
  REQUIRE_THROWS_AS(bar_chart({.categories = {"a"}, .series = {{.values = {1, 2}}}}), ShapeError);
  REQUIRE(tag_error(bar_chart({})).empty());
}

/// SWAP, in the paper's form and as Space Warps ships it.

#include <abell/votes/swap.hpp>
#include <vector>

#include "catch.hpp"
#include "votes_tools.hpp"

using namespace abell;
using votes::Truth;

// Marshall et al. 2016, equations 2 to 5, worked by hand.
TEST_CASE("SWAP's formulae", "[votes]") {
  const votes::Agent agent{.p_cluster = 0.9, .p_other = 0.8};
  REQUIRE(votes::swap_update(2e-4, agent, true) == Approx(0.9 * 2e-4 / (0.9 * 2e-4 + 0.2 * 0.9998)));
  REQUIRE(votes::swap_update(2e-4, agent, false) == Approx(0.1 * 2e-4 / (0.1 * 2e-4 + 0.8 * 0.9998)));
  REQUIRE(votes::swap_update(0.5, agent, true) == Approx(0.9 / 1.1));
  REQUIRE(votes::swap_update(0.3, votes::Agent{}, true) == Approx(0.3));  // a coin tells nothing
  REQUIRE(votes::expected_information({1, 1}) == Approx(1));
  REQUIRE(votes::expected_information({0, 0}) == Approx(1));  // always wrong tells as much
  REQUIRE(votes::expected_information({0.5, 0.5}) == Approx(0).margin(1e-12));
  REQUIRE(votes::expected_information({0.8, 0.8}) == Approx(0.2780719));
  REQUIRE(votes::Agent::of({.clusters = 3, .clusters_right = 3}).p_cluster == Approx(4.0 / 5));
  REQUIRE(votes::Agent::of({}).p_other == 0.5);

  // User 0 learns PL = 3/4 on two clusters, PD = 2/3 on another object; users 1 has no gold.
  const votes::Ballots ballots = ballots_of({{0, 0, 5}, {1, 0, 6}, {2, 0, 2}, {3, 0, 5}, {3, 1, 5}, {4, 0, 2}}, 5, 2);
  const std::vector<Truth> truth{Truth::cluster, Truth::cluster, Truth::other, Truth::unknown, Truth::unknown};
  const votes::Consensus c = votes::swap_consensus(ballots, truth, {.folds = 1});
  constexpr double prior = 2.0 / 3;
  REQUIRE(c.subjects[3].p_cluster == Approx(0.75 * prior / (0.75 * prior + 1.0 / 3 * (1 - prior))));
  REQUIRE(c.subjects[4].p_cluster == Approx(0.25 * prior / (0.25 * prior + 2.0 / 3 * (1 - prior))));
}

// swap/agent.py and swap/subject.py of Space Warps: NL = ND = 2 + skepticism, PL and PD clipped, P at least pmin.
TEST_CASE("SWAP as Space Warps ships it", "[votes]") {
  const auto p_cluster = [](std::size_t all, std::size_t right) {
    return votes::Agent::of({.clusters = all, .clusters_right = right}, votes::space_warps).p_cluster;
  };
  REQUIRE(p_cluster(0, 0) == 0.5);
  REQUIRE(p_cluster(3, 3) == Approx(5.0 / 7));
  REQUIRE(p_cluster(1000, 1000) == 0.99);
  REQUIRE(p_cluster(1000, 0) == 0.01);

  // User 0 is right on gold cluster 0 and on 199 other objects, so PL = 3/5 and PD = 0.99; 40 alike call object 200
  // none.
  std::vector<Cast> casts;
  std::vector<Truth> truth(201, Truth::other);
  truth[0] = Truth::cluster;
  truth[200] = Truth::unknown;
  for (std::uint32_t user = 0; user < 40; ++user) {
    casts.push_back({0, user, 5});
    for (std::uint32_t subject = 1; subject < 201; ++subject) casts.push_back({subject, user, 2});
  }
  casts.push_back({200, 40, 5});  // a newcomer's vote means nothing
  const votes::Ballots ballots = ballots_of(casts, 201, 41);
  votes::SwapOptions shipped = votes::space_warps;
  shipped.prior = 0.5;
  const auto posterior = [&](const votes::SwapOptions& options) {
    return votes::swap_consensus(ballots, truth, {.folds = 1}, options).subjects[200].p_cluster;
  };
  REQUIRE(posterior(shipped) == Approx(2e-8).epsilon(1e-6));
  REQUIRE(posterior({.prior = 0.5}) < 1e-15);
  REQUIRE(votes::gold_share(truth) == Approx(1.0 / 200));
}

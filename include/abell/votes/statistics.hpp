#pragma once
/// How well the volunteers agree with the experts: by code (the thesis's Figure 4.1) and with experience.

#include <abell/votes/ballots.hpp>
#include <abell/votes/consensus.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

namespace abell::votes {

/// Votes on objects that the experts know, and those of them that are right about cluster or not.
struct Agreement {
  std::size_t all = 0;
  std::size_t agreed = 0;
};

/// By the code of the vote.
inline std::array<Agreement, code_count> agreement_by_code(const Ballots& ballots, std::span<const Truth> truth) {
  std::array<Agreement, code_count> counts{};
  for (const Vote& vote : ballots.votes) {
    const int code = ballots.code(vote);
    if (code == no_code || truth[vote.subject] == Truth::unknown) continue;
    Agreement& count = counts[static_cast<std::size_t>(code)];
    ++count.all;
    if (is_cluster(code) == (truth[vote.subject] == Truth::cluster)) ++count.agreed;
  }
  return counts;
}

/// The votes that were their volunteer's number `first` to `last`.
struct Experience {
  std::size_t first;
  std::size_t last;
  Agreement votes = {};
};

/// Agreement by how many votes the volunteer had given before, in steps of about a factor of two.
inline std::vector<Experience> learning(const Ballots& ballots, std::span<const Truth> truth) {
  constexpr std::array<std::size_t, 9> ends{2, 5, 10, 20, 50, 100, 200, 500, std::numeric_limits<std::size_t>::max()};
  std::vector<Experience> steps;
  for (std::size_t i = 0; i < ends.size(); ++i) steps.push_back({i == 0 ? 1 : ends[i - 1] + 1, ends[i]});
  std::vector<std::uint32_t> order(ballots.votes.size());
  std::iota(order.begin(), order.end(), 0U);
  std::ranges::sort(order, {}, [&](std::uint32_t vote) { return ballots.votes[vote].order; });
  std::vector<std::size_t> given(ballots.users);
  for (const std::uint32_t index : order) {
    const Vote& vote = ballots.votes[index];
    const std::size_t number = ++given[vote.user];
    const int code = ballots.code(vote);
    if (code == no_code || truth[vote.subject] == Truth::unknown) continue;
    Agreement& count = std::ranges::lower_bound(steps, number, {}, &Experience::last)->votes;
    ++count.all;
    if (is_cluster(code) == (truth[vote.subject] == Truth::cluster)) ++count.agreed;
  }
  std::erase_if(steps, [](const Experience& step) { return step.votes.all == 0; });
  return steps;
}

}  // namespace abell::votes

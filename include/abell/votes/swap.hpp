#pragma once
/// SWAP, the Space Warps Analysis Pipeline (Marshall et al. 2016, MNRAS 455, 1171): each volunteer is an agent with two
/// probabilities, and each vote moves a subject's probability by Bayes's theorem.

#include <abell/votes/consensus.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace abell::votes {

/// By default the paper's form.
struct SwapOptions {
  double skepticism = 0;             ///< training votes, half of them right, that N0 = 2 grows by
  double least = 0;                  ///< PL and PD are not below,
  double most = 1;                   ///< nor above
  double floor = 0;                  ///< the probability of a subject is never below
  std::optional<double> prior = {};  ///< none: `gold_share`
};

/// As Space Warps ships its pipeline (swap/config.py and startup.config of drphilmarshall/SpaceWarps).
inline constexpr SwapOptions space_warps{.skepticism = 2, .least = 0.01, .most = 0.99, .floor = 2e-8};

/// What a volunteer's votes mean.
struct Agent {
  double p_cluster = 0.5;  ///< P("cluster" | cluster), Marshall's PL
  double p_other = 0.5;    ///< P("other" | other), Marshall's PD

  /// PX = (right + N0 / 2) / (all + N0), so that a newcomer's votes mean nothing.
  static Agent of(const Record& record, const SwapOptions& options = {}) {
    const auto share = [&](std::size_t right, std::size_t all) {
      return std::clamp(smoothed_share(right, all, 1 + options.skepticism / 2), options.least, options.most);
    };
    return {share(record.clusters_right, record.clusters), share(record.others_right, record.others)};
  }
};

/// The probability that a subject is a cluster, `p` before the vote, after it:
///   "cluster": P' = PL P / (PL P + (1 - PD)(1 - P)),  "other": P' = (1 - PL) P / ((1 - PL) P + PD (1 - P)).
inline double swap_update(double p, const Agent& agent, bool voted_cluster) {
  const double if_cluster = (voted_cluster ? agent.p_cluster : 1 - agent.p_cluster) * p;
  const double if_other = (voted_cluster ? 1 - agent.p_other : agent.p_other) * (1 - p);
  return if_cluster / (if_cluster + if_other);
}

/// The information in bits that one vote of the agent is expected to give on a subject of prior `p`: the mutual
/// information of vote and truth. 0 for a coin, 1 for one who is always right (or always wrong) at p = 1/2.
inline double expected_information(const Agent& agent, double p = 0.5) {
  const auto plogp = [](double x) { return x > 0 ? x * std::log2(x) : 0.0; };
  const auto entropy = [&](double x) { return -plogp(x) - plogp(1 - x); };
  const double votes_cluster = agent.p_cluster * p + (1 - agent.p_other) * (1 - p);
  return std::max(0.0, entropy(votes_cluster) - p * entropy(agent.p_cluster) - (1 - p) * entropy(agent.p_other));
}

/// The share of clusters among the gold objects; one half where they are not of both kinds.
inline double gold_share(std::span<const Truth> truth) {
  const auto clusters = static_cast<double>(std::ranges::count(truth, Truth::cluster));
  const auto others = static_cast<double>(std::ranges::count(truth, Truth::other));
  return clusters > 0 && others > 0 ? clusters / (clusters + others) : 0.5;
}

/// p_cluster is SWAP's posterior, with agents trained on the gold objects before any vote counts; the consensus code is
/// that of most votes.
inline Consensus swap_consensus(const Ballots& ballots, std::span<const Truth> truth, const GoldOptions& options = {},
                                const SwapOptions& swap = {}) {
  Consensus out = unweighted(ballots, truth);
  const double prior = swap.prior.value_or(gold_share(truth));
  const std::vector<int> folds = detail::deal_folds(truth, options);
  detail::for_each_fold(ballots, truth, folds, [&](const std::vector<Record>& records, int fold) {
    ballots.for_each_subject([&](auto first, auto last) {
      SubjectConsensus& subject = out.subjects[first->subject];
      if (folds[first->subject] != fold || subject.code == no_code) return;
      subject.p_cluster = prior;
      for (auto vote = first; vote != last; ++vote) {
        const int code = ballots.code(*vote);
        if (code == no_code) continue;
        const Agent agent = Agent::of(records[vote->user], swap);
        subject.p_cluster = std::max(swap_update(subject.p_cluster, agent, is_cluster(code)), swap.floor);
      }
    });
    if (fold >= 0) return;
    for (std::size_t user = 0; user < records.size(); ++user) {
      const double information = expected_information(Agent::of(records[user], swap));
      out.volunteers[user].skill = out.volunteers[user].weight = information;
    }
  });
  return out;
}

}  // namespace abell::votes

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

/// What a volunteer's votes mean.
struct Agent {
  double p_cluster = 0.5;  ///< P("cluster" | cluster), Marshall's PL
  double p_other = 0.5;    ///< P("other" | other), Marshall's PD

  /// PX = (right + N0 / 2) / (all + N0) with N0 = 2, so that a newcomer's votes mean nothing.
  static Agent of(const Record& record) {
    return {smoothed_share(record.clusters_right, record.clusters), smoothed_share(record.others_right, record.others)};
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

/// p_cluster is SWAP's posterior, with agents trained on the gold objects; the consensus code is that of most votes.
/// `prior` is by default the share of clusters among the gold objects, one half without any.
inline Consensus swap_consensus(const Ballots& ballots, std::span<const Truth> truth, const GoldOptions& options = {},
                                std::optional<double> prior = {}) {
  Consensus out = unweighted(ballots, truth);
  if (!prior) {
    const auto clusters = static_cast<double>(std::ranges::count(truth, Truth::cluster));
    const auto others = static_cast<double>(std::ranges::count(truth, Truth::other));
    prior = clusters > 0 && others > 0 ? clusters / (clusters + others) : 0.5;
  }
  const std::vector<int> folds = detail::deal_folds(truth, options);
  detail::for_each_fold(ballots, truth, folds, [&](const std::vector<Record>& records, int fold) {
    ballots.for_each_subject([&](auto first, auto last) {
      SubjectConsensus& subject = out.subjects[first->subject];
      if (folds[first->subject] != fold || subject.code == no_code) return;
      subject.p_cluster = *prior;
      for (auto vote = first; vote != last; ++vote) {
        const int code = ballots.code(*vote);
        if (code == no_code) continue;
        subject.p_cluster = swap_update(subject.p_cluster, Agent::of(records[vote->user]), is_cluster(code));
      }
    });
    if (fold >= 0) return;
    for (std::size_t user = 0; user < records.size(); ++user) {
      const double information = expected_information(Agent::of(records[user]));
      out.volunteers[user].skill = out.volunteers[user].weight = information;
    }
  });
  return out;
}

}  // namespace abell::votes

#pragma once
/// What the volunteers say together: the shape of every scheme's result, and the schemes that weigh votes.

#include <abell/core/error.hpp>
#include <abell/core/random.hpp>
#include <abell/votes/ballots.hpp>
#include <abell/votes/tally.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

namespace abell::votes {

/// Of one subject. Without a vote that stands for a code, p_cluster and agreement are NaN.
struct SubjectConsensus {
  std::array<std::size_t, code_count> counts{};  ///< votes for each code
  std::size_t votes = 0;                         ///< all votes, also those that stand for no code
  double p_cluster = std::numeric_limits<double>::quiet_NaN();
  int code = no_code;                                           ///< the consensus
  double agreement = std::numeric_limits<double>::quiet_NaN();  ///< share of the (weighted) votes that it has
};

/// Of one volunteer.
struct Volunteer {
  std::size_t votes = 0;
  std::size_t gold = 0;    ///< votes on objects that the experts know
  std::size_t agreed = 0;  ///< those of them that are right about cluster or not
  double skill = std::numeric_limits<double>::quiet_NaN();
  double weight = 1;
};

struct Consensus {
  std::vector<SubjectConsensus> subjects;
  std::vector<Volunteer> volunteers;
};

/// What experts say of a subject.
enum class Truth : std::int8_t { unknown = -1, other = 0, cluster = 1 };

/// How a volunteer did on objects of known class.
struct Record {
  std::size_t clusters = 0, clusters_right = 0;  ///< votes on clusters
  std::size_t others = 0, others_right = 0;      ///< votes on other objects

  std::size_t gold() const { return clusters + others; }
  std::size_t agreed() const { return clusters_right + others_right; }
  void add(bool truth, bool vote) {
    ++(truth ? clusters : others);
    if (truth == vote) ++(truth ? clusters_right : others_right);
  }
  friend Record operator+(const Record& a, const Record& b) {
    return {a.clusters + b.clusters, a.clusters_right + b.clusters_right, a.others + b.others,
            a.others_right + b.others_right};
  }
};

struct GoldOptions {
  /// No object is scored by weights that were learnt on it: gold objects are dealt into this many parts, and each part
  /// is scored by what the others teach. 0 or 1: all teach all.
  int folds = 10;
  std::uint64_t seed = 1;  ///< deals the parts
};

namespace detail {

/// Counts of all subjects and volunteers; what every scheme has in common.
inline Consensus plain_counts(const Ballots& ballots, std::span<const Truth> truth) {
  Consensus out{std::vector<SubjectConsensus>(ballots.subjects), std::vector<Volunteer>(ballots.users)};
  for (const Vote& vote : ballots.votes) {
    SubjectConsensus& subject = out.subjects[vote.subject];
    Volunteer& volunteer = out.volunteers[vote.user];
    const int code = ballots.code(vote);
    ++subject.votes;
    ++volunteer.votes;
    if (code == no_code) continue;
    ++subject.counts[static_cast<std::size_t>(code)];
    if (truth.empty() || truth[vote.subject] == Truth::unknown) continue;
    ++volunteer.gold;
    if (is_cluster(code) == (truth[vote.subject] == Truth::cluster)) ++volunteer.agreed;
  }
  return out;
}

/// Weighted share of votes for a cluster, most likely code and its share. weight(vote) may be any non-negative number.
template <class Iterator, class Weight>
void score(const Ballots& ballots, Iterator first, Iterator last, const Weight& weight, SubjectConsensus& out) {
  Tally<int> tally;
  double cluster = 0;
  for (Iterator vote = first; vote != last; ++vote) {
    const int code = ballots.code(*vote);
    if (code == no_code) continue;
    const double w = weight(*vote);
    tally.add(code, w);
    if (is_cluster(code)) cluster += w;
  }
  if (!(tally.total() > 0)) return;
  out.p_cluster = cluster / tally.total();
  const auto most = tally.most_likely();
  out.code = most->answer;
  out.agreement = most->agreement;
}

/// The part of each gold subject, -1 for the others.
inline std::vector<int> deal_folds(std::span<const Truth> truth, const GoldOptions& options) {
  std::vector<std::size_t> gold;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    if (truth[i] != Truth::unknown) gold.push_back(i);
  }
  shuffle(gold, Random(options.seed, {.purpose = Purpose::votes, .epoch = 1}));
  std::vector<int> folds(truth.size(), -1);
  if (options.folds < 2) return folds;
  for (std::size_t i = 0; i < gold.size(); ++i) {
    folds[gold[i]] = static_cast<int>(i % static_cast<std::size_t>(options.folds));
  }
  return folds;
}

/// Calls body(records, fold) once for each part with what its volunteers did on the gold objects of all other parts,
/// and last with fold -1 and what they did on all.
template <class Body>
void for_each_fold(const Ballots& ballots, std::span<const Truth> truth, const std::vector<int>& folds,
                   const Body& body) {
  const int last = folds.empty() ? -1 : *std::ranges::max_element(folds);
  for (int fold = last; fold >= -1; --fold) {
    std::vector<Record> records(ballots.users);
    for (const Vote& vote : ballots.votes) {
      const int code = ballots.code(vote);
      const Truth known = truth[vote.subject];
      if (code == no_code || known == Truth::unknown || (fold >= 0 && folds[vote.subject] == fold)) continue;
      records[vote.user].add(known == Truth::cluster, is_cluster(code));
    }
    body(records, fold);
  }
}

/// Votes weighted by weight(record, record of all volunteers together), learnt on the gold objects.
template <class Weight>
Consensus gold_weighted(const Ballots& ballots, std::span<const Truth> truth, const GoldOptions& options,
                        const Weight& weight) {
  Consensus out = plain_counts(ballots, truth);
  const std::vector<int> folds = deal_folds(truth, options);
  for_each_fold(ballots, truth, folds, [&](const std::vector<Record>& records, int fold) {
    const Record all = std::accumulate(records.begin(), records.end(), Record{});
    std::vector<double> weights;
    for (const Record& record : records) weights.push_back(weight(record, all));
    ballots.for_each_subject([&](auto first, auto end) {
      if (folds[first->subject] != fold) return;
      score(
          ballots, first, end, [&](const Vote& v) { return weights[v.user]; }, out.subjects[first->subject]);
    });
    if (fold >= 0) return;
    for (std::size_t user = 0; user < weights.size(); ++user) out.volunteers[user].weight = weights[user];
  });
  return out;
}

}  // namespace detail

/// Share of right votes with `alpha` right and `alpha` wrong ones added (Laplace).
inline double smoothed_share(std::size_t right, std::size_t all, double alpha = 1) {
  return (static_cast<double>(right) + alpha) / (static_cast<double>(all) + 2 * alpha);
}

/// p_cluster is the share of votes for f and g. `truth` only serves the volunteers' records and may be empty.
inline Consensus unweighted(const Ballots& ballots, std::span<const Truth> truth = {}) {
  Consensus out = detail::plain_counts(ballots, truth);
  ballots.for_each_subject([&](auto first, auto last) {
    detail::score(
        ballots, first, last, [](const Vote&) { return 1.0; }, out.subjects[first->subject]);
  });
  for (Volunteer& v : out.volunteers) {
    if (v.gold > 0) v.skill = smoothed_share(v.agreed, v.gold);
  }
  return out;
}

/// A vote weighs the share of the volunteer's votes on gold objects that agree with the experts,
///   w = (agreed + 1) / (gold + 2);
/// a volunteer without gold weighs what all together do. `truth` has one entry a subject.
inline Consensus agreement_weighted(const Ballots& ballots, std::span<const Truth> truth,
                                    const GoldOptions& options = {}) {
  Consensus out = detail::gold_weighted(ballots, truth, options, [](const Record& record, const Record& all) {
    const Record& source = record.gold() > 0 ? record : all;
    return smoothed_share(source.agreed(), source.gold());
  });
  for (Volunteer& v : out.volunteers) v.skill = v.weight;
  return out;
}

/// The weight that Zooniverse published for gold standards (Data-digging,
/// exoplanet_explorers/aggregate_planetclass.py):
///   w = min(3, max(0.05, c0 (1 + log10 n)^(seed / n))), c0 = 0.5, seed = right - 0.01 wrong, n gold votes;
/// c0 without any.
inline double zooniverse_weight(std::size_t right, std::size_t gold) {
  constexpr double c0 = 0.5;
  if (gold == 0) return c0;
  const auto n = static_cast<double>(gold);
  const double seed = static_cast<double>(right) - 0.01 * static_cast<double>(gold - right);
  return std::clamp(c0 * std::pow(1 + std::log10(n), seed / n), 0.05, 3.0);
}

/// Votes weigh by `zooniverse_weight`. The volunteers' weights are scaled so that those of all votes add up to the
/// number of votes; the common factor changes no share.
inline Consensus zooniverse_weighted(const Ballots& ballots, std::span<const Truth> truth,
                                     const GoldOptions& options = {}) {
  Consensus out = detail::gold_weighted(ballots, truth, options, [](const Record& record, const Record&) {
    return zooniverse_weight(record.agreed(), record.gold());
  });
  double weights = 0;
  double votes = 0;
  for (const Volunteer& v : out.volunteers) {
    weights += v.weight * static_cast<double>(v.votes);
    votes += static_cast<double>(v.votes);
  }
  for (Volunteer& v : out.volunteers) {
    v.weight *= votes / weights;
    if (v.gold > 0) v.skill = smoothed_share(v.agreed, v.gold);
  }
  return out;
}

}  // namespace abell::votes

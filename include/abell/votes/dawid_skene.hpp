#pragma once
/// Dawid & Skene (1979, Applied Statistics 28, 20): without any expert, EM finds the true codes and each volunteer's
/// confusion matrix together.

#include <abell/votes/consensus.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace abell::votes {

/// Entry [truth][answer] is P(answer | truth).
using ConfusionMatrix = std::array<std::array<double, code_count>, code_count>;

struct DawidSkeneOptions {
  int iterations = 200;
  double tolerance = 1e-6;  ///< stop when no probability moves by more
  /// Votes that each volunteer is taken to have given with each true code, spread as all volunteers' answers are: who
  /// voted twice is not known well. 0 is Dawid & Skene's own estimate.
  double smoothing = 1;
};

struct DawidSkene {
  Consensus consensus;
  std::vector<std::array<double, code_count>> posteriors;  ///< of each subject
  std::vector<ConfusionMatrix> confusions;                 ///< of each volunteer
  std::array<double, code_count> classes{};                ///< share of each true code
  int iterations = 0;
};

namespace detail {

class DawidSkeneFit {
 public:
  DawidSkeneFit(const Ballots& ballots, const DawidSkeneOptions& options, DawidSkene& out)
      : ballots_(ballots), options_(options), out_(out) {
    out_.posteriors.assign(ballots.subjects, {});
    out_.confusions.assign(ballots.users, {});
    for (const Vote& vote : ballots_.votes) {
      if (const int code = ballots_.code(vote); code != no_code) {
        out_.posteriors[vote.subject][static_cast<std::size_t>(code)] += 1;
      }
    }
    for (auto& posterior : out_.posteriors) normalise(posterior);
  }

  void run() {
    for (double change = 1; out_.iterations < options_.iterations && change > options_.tolerance; ++out_.iterations) {
      maximise();
      change = expect();
    }
    maximise();
  }

 private:
  using Row = std::array<double, code_count>;

  /// Makes the sum one; false, and nothing, when there is none.
  static bool normalise(Row& row) {
    double sum = 0;
    for (const double value : row) sum += value;
    if (!(sum > 0)) return false;
    for (double& value : row) value /= sum;
    return true;
  }

  /// Confusion matrices and shares of the codes from the posteriors.
  void maximise() {
    out_.classes = {};
    ConfusionMatrix pooled{};
    for (ConfusionMatrix& matrix : out_.confusions) matrix = {};
    for (const Vote& vote : ballots_.votes) {
      const int code = ballots_.code(vote);
      if (code == no_code) continue;
      for (std::size_t t = 0; t < code_count; ++t) {
        const double p = out_.posteriors[vote.subject][t];
        out_.confusions[vote.user][t][static_cast<std::size_t>(code)] += p;
        pooled[t][static_cast<std::size_t>(code)] += p;
      }
    }
    for (const Row& posterior : out_.posteriors) {
      for (std::size_t t = 0; t < code_count; ++t) out_.classes[t] += posterior[t];
    }
    normalise(out_.classes);
    for (Row& row : pooled) normalise(row);
    for (ConfusionMatrix& matrix : out_.confusions) {
      for (std::size_t t = 0; t < code_count; ++t) {
        for (std::size_t a = 0; a < code_count; ++a) matrix[t][a] += options_.smoothing * pooled[t][a];
        normalise(matrix[t]);
      }
    }
  }

  /// Posteriors from the confusion matrices, in logarithms; returns the largest change.
  double expect() {
    constexpr double least = 1e-300;  // keeps log finite
    double change = 0;
    ballots_.for_each_subject([&](auto first, auto last) {
      Row logarithm{};
      for (std::size_t t = 0; t < code_count; ++t) logarithm[t] = std::log(std::max(out_.classes[t], least));
      bool voted = false;
      for (auto vote = first; vote != last; ++vote) {
        const int code = ballots_.code(*vote);
        if (code == no_code) continue;
        voted = true;
        for (std::size_t t = 0; t < code_count; ++t) {
          logarithm[t] += std::log(std::max(out_.confusions[vote->user][t][static_cast<std::size_t>(code)], least));
        }
      }
      if (!voted) return;
      const double most = *std::ranges::max_element(logarithm);
      Row posterior{};
      for (std::size_t t = 0; t < code_count; ++t) posterior[t] = std::exp(logarithm[t] - most);
      normalise(posterior);
      Row& old = out_.posteriors[first->subject];
      for (std::size_t t = 0; t < code_count; ++t) change = std::max(change, std::abs(posterior[t] - old[t]));
      old = posterior;
    });
    return change;
  }

  const Ballots& ballots_;
  const DawidSkeneOptions& options_;
  DawidSkene& out_;
};

}  // namespace detail

/// p_cluster is the posterior of f and g, the consensus code the one of the largest posterior, its agreement the share
/// of the votes that it has. A volunteer's skill and weight is the mean chance of the right answer, over the codes as
/// they occur. `truth` only serves the volunteers' records and may be empty.
inline DawidSkene dawid_skene(const Ballots& ballots, std::span<const Truth> truth = {},
                              const DawidSkeneOptions& options = {}) {
  DawidSkene out;
  out.consensus = unweighted(ballots, truth);
  detail::DawidSkeneFit(ballots, options, out).run();
  for (std::size_t i = 0; i < out.posteriors.size(); ++i) {
    SubjectConsensus& subject = out.consensus.subjects[i];
    if (subject.code == no_code) continue;
    const auto& posterior = out.posteriors[i];
    subject.p_cluster = 0;
    std::size_t voted = 0;
    for (std::size_t code = 0; code < code_count; ++code) {
      if (is_cluster(static_cast<int>(code))) subject.p_cluster += posterior[code];
      voted += subject.counts[code];
    }
    const auto best = static_cast<std::size_t>(std::ranges::max_element(posterior) - posterior.begin());
    subject.code = static_cast<int>(best);
    subject.agreement = static_cast<double>(subject.counts[best]) / static_cast<double>(voted);
  }
  for (std::size_t user = 0; user < out.confusions.size(); ++user) {
    double skill = 0;
    for (std::size_t t = 0; t < code_count; ++t) skill += out.classes[t] * out.confusions[user][t][t];
    out.consensus.volunteers[user].skill = out.consensus.volunteers[user].weight = skill;
  }
  return out;
}

}  // namespace abell::votes

#pragma once
/// Simulated volunteers: a crowd of varied skill whose mistakes are like the Hunt's, and the export of their votes.

#include <abell/core/random.hpp>
#include <abell/votes/codes.hpp>
#include <abell/votes/export_rows.hpp>
#include <abell/votes/time.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell::votes {

struct SimulatedSubject {
  std::string image_id;
  int code;  ///< its true code
};

struct SimulatedVote {
  std::uint32_t subject;
  std::uint32_t volunteer;
  int code;
};

/// The Hunt's figures: 48,225 votes by 1,240 volunteers on 1,600 subjects.
struct CrowdOptions {
  int votes_per_subject = 30;
  double votes_per_volunteer = 38.9;
  double duplicates = 0.002;  ///< share of votes that are given twice
  std::uint64_t seed = 1;
};

/// The true code of an object of a class of the Kosiba2020 set: low-z f, hi-z g, galaxy d, point c, and for `other` a,
/// b or e by chance. A class of another name is `other`; "cluster" is f or g.
inline int simulated_code(std::string_view class_name, double chance) {
  if (class_name == "low-z") return 5;
  if (class_name == "hi-z") return 6;
  if (class_name == "cluster") return chance < 0.6 ? 5 : 6;
  if (class_name == "galaxy") return 3;
  if (class_name == "point") return 2;
  return chance < 0.5 ? 0 : chance < 0.75 ? 1 : 4;
}

namespace detail {

/// What a volunteer takes an object for, once wrong: row is the true code. Clusters are taken for galaxies, points and
/// empty fields far more often than those for clusters, as in Figure 4.1.
inline constexpr std::array<std::array<double, code_count>, code_count> mistakes{{
    //  a     b     c     d     e     f     g
    {0.00, 0.30, 0.40, 0.06, 0.20, 0.01, 0.03},
    {0.45, 0.00, 0.30, 0.10, 0.10, 0.03, 0.02},
    {0.25, 0.12, 0.00, 0.30, 0.23, 0.04, 0.06},
    {0.15, 0.05, 0.45, 0.00, 0.20, 0.13, 0.02},
    {0.35, 0.10, 0.35, 0.12, 0.00, 0.02, 0.06},
    {0.12, 0.04, 0.26, 0.43, 0.05, 0.00, 0.10},
    {0.18, 0.04, 0.38, 0.12, 0.22, 0.06, 0.00},
}};

/// Log odds of a right answer by an average volunteer on an average object of each code: distant clusters are hardest.
/// Chosen so that plain counts have Table 1's bias: next to no false clusters, most clusters missed.
inline constexpr std::array<double, code_count> ease{1.6, 1.2, 1.3, 1.0, 0.8, -1.3, -2.0};

inline double logistic(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace detail

/// Votes in the order in which they are given. A volunteer is right with log odds
///   ease(code) + skill + 0.15 ln(1 + votes before) - difficulty(object),
/// skill and difficulty normal; activity is log-normal, so that few volunteers give most votes.
inline std::vector<SimulatedVote> simulate_votes(std::span<const SimulatedSubject> subjects,
                                                 const CrowdOptions& options = {}) {
  const auto random = [&](std::uint32_t epoch, std::size_t item = 0) {
    return Random(options.seed, {Purpose::votes, epoch, static_cast<std::uint32_t>(item)});
  };
  const double expected = static_cast<double>(subjects.size()) * options.votes_per_subject;
  const auto least = static_cast<std::size_t>(2 * options.votes_per_subject);  // each subject finds enough of them
  const std::size_t volunteers = std::max(least, static_cast<std::size_t>(expected / options.votes_per_volunteer));
  std::vector<double> skill(volunteers);
  std::vector<double> activity(volunteers + 1);  // cumulated
  for (std::size_t i = 0; i < volunteers; ++i) {
    Random draw = random(2, i);
    skill[i] = draw.normal(0, 1.8);
    activity[i + 1] = activity[i] + std::exp(draw.normal(0, 1.2));
  }
  std::vector<SimulatedVote> votes;
  std::vector<std::size_t> last(volunteers, subjects.size());  // subject that the volunteer was last dealt
  for (std::size_t s = 0; s < subjects.size(); ++s) {
    Random draw = random(3, s);
    for (int given = 0; given < options.votes_per_subject;) {
      const auto at = std::ranges::upper_bound(activity, draw.uniform(0, activity.back()));
      const std::size_t volunteer = std::min(static_cast<std::size_t>(at - activity.begin()), volunteers) - 1;
      if (std::exchange(last[volunteer], s) == s) continue;
      votes.push_back({static_cast<std::uint32_t>(s), static_cast<std::uint32_t>(volunteer), no_code});
      ++given;
      if (draw.uniform() < options.duplicates) votes.push_back(votes.back());
    }
  }
  shuffle(votes, random(4));
  std::vector<int> experience(volunteers);
  for (std::size_t i = 0; i < votes.size(); ++i) {
    SimulatedVote& vote = votes[i];
    Random draw = random(5, i);
    const auto code = static_cast<std::size_t>(subjects[vote.subject].code);
    const double difficulty = random(6, vote.subject).normal(0, 1.2);
    const double odds =
        detail::ease[code] + skill[vote.volunteer] + 0.15 * std::log1p(experience[vote.volunteer]++) - difficulty;
    vote.code = static_cast<int>(code);
    if (draw.uniform() < detail::logistic(odds)) continue;
    double chance = draw.uniform();
    for (std::size_t other = 0; other < code_count && chance >= 0; ++other) {
      if (detail::mistakes[code][other] > 0) vote.code = static_cast<int>(other);
      chance -= detail::mistakes[code][other];
    }
  }
  return votes;
}

/// Writes the votes as a Panoptes classification export of the Hunt's workflow, every eighth volunteer anonymous.
inline void write_export(std::ostream& out, std::span<const SimulatedSubject> subjects,
                         std::span<const SimulatedVote> votes) {
  write_export_header(out);
  constexpr std::int64_t first_id = 10000001;
  const std::int64_t first_time = *time_of("2015-06-01 00:00:00 UTC");
  constexpr std::int64_t seconds_between = 97;
  for (std::size_t i = 0; i < votes.size(); ++i) {
    const SimulatedVote& vote = votes[i];
    const auto number = static_cast<std::int64_t>(i);
    const bool anonymous = vote.volunteer % 8 == 7;
    const std::string time = panoptes_time(first_time + number * seconds_between);
    write_export_row(
        out,
        {.id = std::to_string(first_id + number),
         .user_name = (anonymous ? "not-logged-in-simulated" : "simulated-") + std::to_string(vote.volunteer),
         .user_id = anonymous ? "" : std::to_string(first_id + vote.volunteer),
         .workflow_name = "The Hunt for Galaxy Clusters (simulated)",
         .created_at = time,
         .metadata = {{"source", "simulated"}, {"started_at", time}, {"finished_at", time}, {"user_language", "en"}},
         .code = vote.code,
         .subject_id = std::to_string(first_id + vote.subject),
         .image_id = subjects[vote.subject].image_id});
  }
}

}  // namespace abell::votes

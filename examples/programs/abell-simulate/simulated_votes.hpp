#pragma once
/// abell-simulate --votes: what a simulated crowd says of a simulated set.

#include <abell/core/atomic_file.hpp>
#include <abell/core/random.hpp>
#include <abell/votes/output.hpp>
#include <abell/votes/panoptes.hpp>
#include <abell/votes/simulate.hpp>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace abell::program {

/// Writes classifications.csv and consensus.csv into `folder`; a row of `truth` begins with id and class. The consensus
/// is that of `abell-votes classifications.csv --experts truth.csv`: weighted by agreement with the truth, no object by
/// weights that were learnt on it.
inline void write_simulated_votes(const std::filesystem::path& folder,
                                  const std::vector<std::vector<std::string>>& truth, std::uint64_t seed) {
  std::vector<votes::SimulatedSubject> subjects;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    Random random(seed, {Purpose::votes, 0, static_cast<std::uint32_t>(i)});
    subjects.push_back({truth[i][0], votes::simulated_code(truth[i][1], random.uniform())});
  }
  const std::filesystem::path classifications = folder / "classifications.csv";
  AtomicFile file(classifications);
  votes::write_export(file.stream(), subjects, votes::simulate_votes(subjects, {.seed = seed}));
  file.commit();

  const votes::Mapping mapping = votes::hunt_mapping();
  votes::Export from = votes::read_export(classifications);
  const votes::Ballots ballots = votes::count_votes(from, mapping);
  std::vector<votes::Truth> known(from.objects.size(), votes::Truth::unknown);
  for (const votes::SimulatedSubject& subject : subjects) {
    known[from.objects.find(subject.image_id).value()] =
        votes::is_cluster(subject.code) ? votes::Truth::cluster : votes::Truth::other;
  }
  const votes::Consensus consensus = votes::agreement_weighted(ballots, known, {.seed = seed});
  constexpr double threshold = 0.5;
  votes::write_consensus(folder / "consensus.csv", from, ballots, mapping, consensus, threshold);
}

}  // namespace abell::program

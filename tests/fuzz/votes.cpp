/// Any bytes as a classification export: they become votes and a consensus, or an Error; never anything else.

#include <abell/core/error.hpp>
#include <abell/votes/ballots.hpp>
#include <abell/votes/dawid_skene.hpp>
#include <abell/votes/mapping.hpp>
#include <abell/votes/panoptes.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace abell;
  std::istringstream in(std::string(data, data + size));
  try {
    votes::Export from = votes::read_export(in, "fuzz.csv", {.pairs = size % 2 == 1});
    const std::size_t rows = from.rows;
    const std::size_t bad = from.bad;
    const votes::Ballots ballots = votes::count_votes(from, votes::hunt_mapping());
    if (ballots.votes.size() + ballots.duplicates + ballots.other_workflows + bad != rows) std::abort();
    const votes::Consensus consensus = votes::dawid_skene(ballots, {}, {.iterations = 3}).consensus;
    for (const votes::SubjectConsensus& subject : consensus.subjects) {
      if (!std::isnan(subject.p_cluster) && !(subject.p_cluster >= 0 && subject.p_cluster <= 1 + 1e-9)) std::abort();
    }
  } catch (const Error&) {
  }
  return 0;
}

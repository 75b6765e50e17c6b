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
#include <numeric>
#include <sstream>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace abell;
  std::istringstream in(std::string(data, data + size));
  try {
    // The size chooses the options, so that a file that was found stays one.
    votes::ExportOptions options{.pairs = size % 2 == 1};
    if (size % 3 == 1) {
      options.rows = {.from = 0, .live_only = true, .no_gold = true, .no_seen = true, .logged_in_only = true};
    }
    if (size % 5 == 1) options.anonymous = votes::Anonymous::session;
    votes::Export from = votes::read_export(in, "fuzz.csv", options);
    const std::size_t rows = from.rows;
    const std::size_t unread = std::accumulate(from.left_out.begin(), from.left_out.end(), from.bad);
    const votes::Ballots ballots = votes::count_votes(from, votes::hunt_mapping());
    if (ballots.votes.size() + ballots.duplicates + ballots.other_workflows + unread != rows) std::abort();
    const votes::Consensus consensus = votes::dawid_skene(ballots, {}, {.iterations = 3}).consensus;
    for (const votes::SubjectConsensus& subject : consensus.subjects) {
      if (!std::isnan(subject.p_cluster) && !(subject.p_cluster >= 0 && subject.p_cluster <= 1 + 1e-9)) std::abort();
    }
  } catch (const Error&) {
  }
  return 0;
}

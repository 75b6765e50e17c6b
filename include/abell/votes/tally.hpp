#pragma once
/// Votes by answer: panoptes_aggregation's question reducer and question consensus reducer.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

namespace abell::votes {

/// The answer with most votes.
template <class Key>
struct MostLikely {
  Key answer;
  double votes = 0;
  double agreement = 0;  ///< its share of all votes
};

/// Votes by answer, in order of first appearance.
template <class Key>
class Tally {
 public:
  struct Entry {
    Key answer;
    double votes;
  };

  void add(const Key& answer, double weight = 1) {
    const auto at = std::ranges::find(entries_, answer, &Entry::answer);
    if (at == entries_.end()) {
      entries_.push_back({answer, weight});
    } else {
      at->votes += weight;
    }
    total_ += weight;
  }
  void clear() {
    entries_.clear();
    total_ = 0;
  }

  const std::vector<Entry>& entries() const { return entries_; }
  double total() const { return total_; }
  double votes(const Key& answer) const {
    const auto at = std::ranges::find(entries_, answer, &Entry::answer);
    return at == entries_.end() ? 0 : at->votes;
  }
  /// Of equal ones the first that was given. No value without votes.
  std::optional<MostLikely<Key>> most_likely() const {
    const auto most = std::ranges::max_element(entries_, {}, &Entry::votes);
    if (most == entries_.end() || !(most->votes > 0)) return std::nullopt;
    return MostLikely<Key>{most->answer, most->votes, most->votes / total_};
  }

 private:
  std::vector<Entry> entries_;
  double total_ = 0;
};

}  // namespace abell::votes

#pragma once
/// What experts say of the objects that volunteers voted on.

#include <abell/core/error.hpp>
#include <abell/core/random.hpp>
#include <abell/core/yes_no.hpp>
#include <abell/data/classes.hpp>
#include <abell/data/table.hpp>
#include <abell/metrics/confusion.hpp>
#include <abell/votes/codes.hpp>
#include <abell/votes/consensus.hpp>
#include <abell/votes/names.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace abell::program {

struct Experts {
  std::vector<votes::Truth> truth;  ///< one a subject
  std::vector<bool> spectroscopic;  ///< one a subject: confirmed by spectra; empty when the table does not tell
  std::size_t rows = 0;             ///< objects of known class in the table
  std::size_t matched = 0;          ///< those that are subjects of the export
  std::string unmatched;            ///< the first that is not
};

/// A table of experts, read before the votes are.
struct ExpertTable {
  Table table;
  std::size_t id = 0, label = 0;
  std::optional<std::size_t> mark = {};    ///< column of the spectroscopic subset
  bool by_split = false;                   ///< mark is a split
  std::vector<std::string> positive = {};  ///< empty: the classes are codes a to g

  bool cluster(const std::string& name) const {
    return positive.empty() ? votes::is_cluster(*votes::code_of(name)) : std::ranges::binary_search(positive, name);
  }
  /// Throws FormatError for what is neither yes nor no.
  bool marked(std::size_t row) const {
    const std::string& text = table.rows[row][*mark];
    if (by_split) return text == "test";
    const std::optional<bool> answer = yes_or_no(text);
    if (!answer) throw FormatError(table.where(row) + ": spectroscopic: expected yes or no, found '" + text + "'");
    return *answer;
  }
};

/// Reads a table with `image_id` or `id` and `class`: names of classes as in the data sets, or codes a to g; an empty
/// class is unknown. `spectroscopic` (yes or no, see `yes_or_no`) or else `split` (test) marks the objects of the
/// spectroscopic subset. Throws IoError and FormatError for a table without these columns and OptionError for classes
/// that are not there.
inline ExpertTable read_experts(const std::filesystem::path& path, const std::vector<std::string>& wanted_positive) {
  ExpertTable experts{.table = read_csv(path)};
  const Table& table = experts.table;
  experts.id = table.find("image_id") ? *table.find("image_id") : table.column("id");
  experts.label = table.column("class");
  std::vector<std::string> classes;
  for (const auto& row : table.rows) {
    if (!row[experts.label].empty()) classes.push_back(row[experts.label]);
  }
  std::ranges::sort(classes);
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  const bool codes = std::ranges::all_of(classes, [](const std::string& c) { return votes::code_of(c).has_value(); });
  if (!codes || !wanted_positive.empty()) experts.positive = positive_classes(classes, wanted_positive, false);
  experts.mark = table.find("spectroscopic");
  experts.by_split = !experts.mark && table.find("split");
  if (experts.by_split) experts.mark = table.find("split");
  return experts;
}

/// What the table says of the objects that were voted on. Throws FormatError for an object of two classes and when it
/// has none of them.
inline Experts experts_on(const ExpertTable& from, const votes::Names& objects) {
  const Table& table = from.table;
  Experts experts;
  experts.truth.assign(objects.size(), votes::Truth::unknown);
  if (from.mark) experts.spectroscopic.assign(objects.size(), false);
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const std::vector<std::string>& row = table.rows[i];
    if (row[from.label].empty()) continue;
    ++experts.rows;
    const std::optional<std::uint32_t> subject = objects.find(row[from.id]);
    if (!subject) {
      if (experts.unmatched.empty()) experts.unmatched = row[from.id];
      continue;
    }
    votes::Truth& truth = experts.truth[*subject];
    const votes::Truth said = from.cluster(row[from.label]) ? votes::Truth::cluster : votes::Truth::other;
    if (truth != votes::Truth::unknown && truth != said) {
      throw FormatError(table.where(i) + ": '" + row[from.id] + "' is a cluster in one row and none in another");
    }
    if (truth == votes::Truth::unknown) ++experts.matched;
    truth = said;
    if (from.mark) experts.spectroscopic[*subject] = from.marked(i);
  }
  if (experts.matched == 0) {
    throw FormatError(table.name + ": none of its " + std::to_string(experts.rows) +
                      " objects of known class was voted on" +
                      (experts.unmatched.empty() ? "" : " (the first is '" + experts.unmatched + "')") +
                      (objects.size() > 0 ? "; the export's are like '" + objects[0] + "'" : ""));
  }
  return experts;
}

/// All subjects that the experts know and that have a probability.
inline std::vector<std::size_t> overlap(const Experts& experts, const votes::Consensus& consensus) {
  std::vector<std::size_t> members;
  for (std::size_t i = 0; i < experts.truth.size(); ++i) {
    if (experts.truth[i] != votes::Truth::unknown && !std::isnan(consensus.subjects[i].p_cluster)) members.push_back(i);
  }
  return members;
}

/// As many clusters as other objects of `members`, those confirmed by spectra; when no other object is, all of them
/// may stand in. Of the more numerous a part is drawn by `seed`.
inline std::vector<std::size_t> balanced(const Experts& experts, const std::vector<std::size_t>& members,
                                         std::uint64_t seed) {
  std::vector<std::size_t> clusters;
  std::vector<std::size_t> confirmed;
  std::vector<std::size_t> others;
  for (const std::size_t i : members) {
    const bool is_cluster = experts.truth[i] == votes::Truth::cluster;
    if (is_cluster && experts.spectroscopic[i]) clusters.push_back(i);
    if (!is_cluster) others.push_back(i);
    if (!is_cluster && experts.spectroscopic[i]) confirmed.push_back(i);
  }
  if (!confirmed.empty()) others = confirmed;
  const std::size_t count = std::min(clusters.size(), others.size());
  for (std::vector<std::size_t>* group : {&clusters, &others}) {
    shuffle(*group, Random(seed, {.purpose = Purpose::votes}));
    group->resize(count);
  }
  clusters.insert(clusters.end(), others.begin(), others.end());
  return clusters;
}

inline Confusion decisions(const Experts& experts, const votes::Consensus& consensus,
                           const std::vector<std::size_t>& members, double threshold) {
  Confusion counts;
  for (const std::size_t i : members) {
    counts.add(consensus.subjects[i].p_cluster > threshold, experts.truth[i] == votes::Truth::cluster);
  }
  return counts;
}

}  // namespace abell::program

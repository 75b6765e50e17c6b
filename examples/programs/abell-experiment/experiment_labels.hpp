#pragma once
/// The volunteers' labels for a set.

#include <abell/data/table.hpp>
#include <algorithm>
#include <filesystem>
#include <map>
#include <string>

#include "../common/sha256.hpp"
#include "../training/training_data.hpp"

namespace abell::program {

/// Labels by id: 1 positive, 0 negative.
using VolunteerLabels = std::map<std::string, int>;

/// Reads a consensus of abell-votes: id (or image_id) and class, which is cluster, non-cluster or one of the set's
/// own; objects without a class are left out. Throws IoError and FormatError naming the line.
inline VolunteerLabels read_volunteer_labels(const std::filesystem::path& path, const DataSet& set) {
  const Table table = read_csv(path);
  const std::size_t id = table.find("id") ? table.column("id") : table.column("image_id");
  const std::size_t name = table.column("class");
  VolunteerLabels labels;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const std::string& given = table.rows[row][name];
    if (given.empty()) continue;
    const bool positive = given == "cluster" || std::ranges::binary_search(set.positive, given);
    if (!positive && given != "non-cluster" && !std::ranges::binary_search(set.classes, given)) {
      throw FormatError(table.where(row) + ": expected cluster, non-cluster or a class of the set, found '" + given +
                        "'");
    }
    if (!labels.emplace(table.rows[row][id], positive ? 1 : 0).second) {
      throw FormatError(table.where(row) + ": duplicate id '" + table.rows[row][id] + "'");
    }
  }
  return labels;
}

/// Replaces the labels of training and validation by `labels`; objects without one are left out. The test split keeps
/// the experts'. Throws FormatError when that leaves a training split of one class.
inline void use_labels(Data& data, const VolunteerLabels& labels, const std::filesystem::path& source) {
  std::size_t changed = 0;
  std::array<std::size_t, 2> counts{};
  const auto relabel = [&](std::vector<std::size_t>& objects) {
    std::erase_if(objects, [&](std::size_t i) { return !labels.contains(data.set.objects[i].id); });
    for (const std::size_t i : objects) {
      const int label = labels.at(data.set.objects[i].id);
      changed += label != data.labels[i] ? 1 : 0;
      data.labels[i] = label;
    }
  };
  relabel(data.validation);
  relabel(data.train);
  for (const std::size_t i : data.train) ++counts[static_cast<std::size_t>(data.labels[i])];
  if (counts[0] == 0 || counts[1] == 0) {
    throw FormatError(source.string() + ": expected labels of both classes in the training split, found " +
                      std::to_string(counts[1]) + " cluster, " + std::to_string(counts[0]) + " non-cluster");
  }
  data.about["labels"] = {
      {"source", source.filename().string()}, {"differ_from_set", changed}, {"sha256", sha256_of_file(source)}};
}

}  // namespace abell::program

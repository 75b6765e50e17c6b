#pragma once
/// What the objects of a set have for a network to learn, where that is not one of two classes.

#include <abell/data/cached_samples.hpp>
#include <abell/data/dataset.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

#include "../common/tasks.hpp"

namespace abell::program {

/// Numbers as a network has them: (x - mean) / deviation.
struct Standard {
  std::vector<double> mean, deviation;

  double in_units(std::size_t target, float value) const {
    return mean[target] + deviation[target] * static_cast<double>(value);
  }
};

/// Mean and standard deviation of each target over the known ones of some objects; a deviation of 0 counts as 1.
/// Throws FormatError for a target that none of them has.
inline Standard standard_of(const DataSet& set, const std::vector<std::size_t>& objects,
                            const std::vector<std::string>& targets) {
  Standard standard;
  for (std::size_t t = 0; t < targets.size(); ++t) {
    double sum = 0, squares = 0;
    std::size_t known = 0;
    for (const std::size_t i : objects) {
      const auto value = static_cast<double>(set.objects[i].targets[t]);
      if (std::isnan(value)) continue;
      sum += value;
      ++known;
    }
    if (known == 0) {
      throw FormatError(set.source.string() + ": expected numbers in column '" + targets[t] +
                        "' of the training split, found none");
    }
    const double mean = sum / static_cast<double>(known);
    for (const std::size_t i : objects) {
      const double error = static_cast<double>(set.objects[i].targets[t]) - mean;
      if (!std::isnan(error)) squares += error * error;
    }
    const double deviation = std::sqrt(squares / static_cast<double>(known));
    standard.mean.push_back(mean);
    standard.deviation.push_back(deviation > 0 ? deviation : 1);
  }
  return standard;
}

/// Throws FormatError for a split of which no number is known: nothing could be compared with it.
inline void check_numbers(const DataSet& set, const std::vector<std::size_t>& objects, Split split) {
  const auto known = [&](std::size_t i) {
    return std::ranges::any_of(set.objects[i].targets, [](float value) { return !std::isnan(value); });
  };
  if (objects.empty() || std::ranges::any_of(objects, known)) return;
  throw FormatError(set.source.string() + ": expected numbers to learn in the " + std::string(name_of(split)) +
                    " split, found none");
}

/// The standardised numbers of all objects.
inline CachedTargets number_targets(const DataSet& set, const Standard& standard) {
  std::vector<float> values;
  for (const Object& object : set.objects) {
    for (std::size_t t = 0; t < object.targets.size(); ++t) {
      const double value = static_cast<double>(object.targets[t]);
      values.push_back(static_cast<float>((value - standard.mean[t]) / standard.deviation[t]));
    }
  }
  return CachedTargets::numbers({1, 1, static_cast<int>(standard.mean.size())}, std::move(values));
}

/// 1 for each class that an object has, 0 for the others.
inline CachedTargets class_targets(const DataSet& set) {
  std::vector<float> values(set.objects.size() * set.classes.size(), 0.0F);
  for (std::size_t i = 0; i < set.objects.size(); ++i) {
    for (const int label : set.objects[i].labels) values[i * set.classes.size() + static_cast<std::size_t>(label)] = 1;
  }
  return CachedTargets::numbers({1, 1, static_cast<int>(set.classes.size())}, std::move(values));
}

}  // namespace abell::program

#pragma once
/// How well the objects of known class were told apart, split by split.

#include <abell/data/object.hpp>
#include <abell/report/text.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "../common/run_folder.hpp"

namespace abell::program {

/// Keeps a probability and a label of each object whose class is known.
class KnownClasses {
 public:
  KnownClasses(std::vector<std::string> positive, float threshold)
      : positive_(std::move(positive)), threshold_(threshold) {}

  void add(const Object& object, float probability) {
    OfSplit& split = splits_[static_cast<std::size_t>(object.split)];
    split.there = true;
    if (object.class_text.empty()) return;
    split.probabilities.push_back(probability);
    split.labels.push_back(std::ranges::find(positive_, object.class_text) != positive_.end() ? 1 : 0);
  }

  /// One line for each split that has objects of known class.
  void print() const {
    const auto shares = [](const Json& value) {
      return value.is_null() ? std::string("undefined") : fixed_text(value.get<double>(), 3);
    };
    std::string positive;
    for (const std::string& name : positive_) positive += (positive.empty() ? "" : ", ") + name;
    const std::string above = threshold_ == default_threshold ? "" : "; threshold " + number(threshold_);
    const bool several = std::ranges::count(splits_, true, &OfSplit::there) > 1;
    for (const Split split : {Split::train, Split::validation, Split::test}) {
      const OfSplit& known = splits_[static_cast<std::size_t>(split)];
      if (known.labels.empty()) continue;
      const Json metrics = metrics_json(known.probabilities, known.labels, threshold_);
      std::cerr << (several ? std::string(name_of(split)) + ": " : "") << known.labels.size()
                << " of known class (positive: " << (positive.empty() ? "none" : positive) << above << "), accuracy "
                << shares(metrics["accuracy"]) << ", precision " << shares(metrics["precision"]) << ", recall "
                << shares(metrics["recall"]) << ", AUC " << shares(metrics["auc"]) << std::endl;
    }
  }

 private:
  struct OfSplit {
    bool there = false;  ///< whether any object is in it
    std::vector<float> probabilities = {};
    std::vector<int> labels = {};
  };

  std::vector<std::string> positive_;
  float threshold_;
  std::array<OfSplit, 3> splits_;
};

}  // namespace abell::program

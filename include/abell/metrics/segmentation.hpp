#pragma once
/// How well the classes of pixels are told.

#include <abell/core/error.hpp>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace abell {

/// Pixels of each true class by the class that they were given.
class PixelConfusion {
 public:
  explicit PixelConfusion(std::size_t classes) : classes_(classes), counts_(classes * classes) {}

  /// A true class of -1 is not known and left out. Throws ShapeError for one that is no class.
  void add(int truth, std::size_t given) {
    if (truth == -1) return;
    if (truth < 0 || static_cast<std::size_t>(truth) >= classes_ || given >= classes_) {
      throw ShapeError("pixel classes: expected numbers below " + std::to_string(classes_) + ", found " +
                       std::to_string(truth) + " and " + std::to_string(given));
    }
    ++counts_[static_cast<std::size_t>(truth) * classes_ + given];
  }
  PixelConfusion& operator+=(const PixelConfusion& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_.at(i);
    return *this;
  }

  std::size_t classes() const { return classes_; }
  std::size_t pixels() const {
    std::size_t all = 0;
    for (const std::size_t count : counts_) all += count;
    return all;
  }
  /// The share of pixels that were given their own class; empty without any.
  std::optional<double> accuracy() const {
    std::size_t right = 0;
    for (std::size_t k = 0; k < classes_; ++k) right += at(k, k);
    return share(right, pixels());
  }
  /// The intersection of a class with what was given it, over their union; empty where that is empty.
  std::optional<double> iou(std::size_t k) const {
    std::size_t all = 0;
    for (std::size_t other = 0; other < classes_; ++other) all += at(k, other) + (other == k ? 0 : at(other, k));
    return share(at(k, k), all);
  }
  /// The mean over the classes that have one.
  std::optional<double> mean_iou() const {
    double sum = 0;
    std::size_t known = 0;
    for (std::size_t k = 0; k < classes_; ++k) {
      const auto value = iou(k);
      sum += value.value_or(0);
      known += value.has_value();
    }
    if (known == 0) return std::nullopt;
    return sum / static_cast<double>(known);
  }

 private:
  static std::optional<double> share(std::size_t part, std::size_t whole) {
    if (whole == 0) return std::nullopt;
    return static_cast<double>(part) / static_cast<double>(whole);
  }
  std::size_t at(std::size_t truth, std::size_t given) const { return counts_[truth * classes_ + given]; }

  std::size_t classes_;
  std::vector<std::size_t> counts_;
};

/// The first of the largest of some values: the class that a pixel's probabilities give it.
inline std::size_t largest(std::span<const float> values) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < values.size(); ++i) best = values[i] > values[best] ? i : best;
  return best;
}

}  // namespace abell

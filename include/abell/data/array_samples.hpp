#pragma once
/// Samples that are all in memory.

#include <abell/core/error.hpp>
#include <abell/core/tensor.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// Images in one tensor with their labels; models `Samples`.
class ArraySamples {
 public:
  /// Throws ShapeError when the number of labels is not that of the images.
  ArraySamples(Tensor<float> images, std::vector<int> labels) : images_(std::move(images)), labels_(std::move(labels)) {
    if (static_cast<std::size_t>(images_.batch()) != labels_.size()) {
      throw ShapeError("ArraySamples: expected a label for each of " + std::to_string(images_.batch()) +
                       " images, found " + std::to_string(labels_.size()));
    }
  }

  std::size_t size() const { return labels_.size(); }
  const Shape& shape() const { return images_.shape(); }
  int label(std::size_t index) const { return labels_[index]; }
  void read(std::size_t index, std::uint32_t, std::span<float> out) const {
    std::copy_n(images_.view().image(static_cast<int>(index)), shape().size(), out.data());
  }

 private:
  Tensor<float> images_;
  std::vector<int> labels_;
};

}  // namespace abell

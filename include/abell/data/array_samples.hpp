#pragma once
/// Samples that are all in memory.

#include <abell/core/error.hpp>
#include <abell/core/tensor.hpp>
#include <abell/data/samples.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// Images in one tensor with their targets in another, or with labels; models `Samples`.
class ArraySamples {
 public:
  /// Throws ShapeError when the number of targets is not that of the images.
  ArraySamples(Tensor<float> images, Tensor<float> targets) : images_(std::move(images)), targets_(std::move(targets)) {
    if (images_.batch() != targets_.batch()) {
      throw ShapeError("ArraySamples: expected a target for each of " + std::to_string(images_.batch()) +
                       " images, found " + std::to_string(targets_.batch()));
    }
  }
  ArraySamples(Tensor<float> images, const std::vector<int>& labels)
      : ArraySamples(std::move(images), label_targets(labels)) {}

  std::size_t size() const { return static_cast<std::size_t>(images_.batch()); }
  const Shape& shape() const { return images_.shape(); }
  const Shape& target_shape() const { return targets_.shape(); }
  void read(std::size_t index, std::uint32_t, std::span<float> out) const { copy(images_, index, out); }
  void read_target(std::size_t index, std::uint32_t, std::span<float> out) const { copy(targets_, index, out); }

 private:
  static void copy(const Tensor<float>& all, std::size_t index, std::span<float> out) {
    std::copy_n(all.view().image(static_cast<int>(index)), all.shape().size(), out.data());
  }

  Tensor<float> images_;
  Tensor<float> targets_;
};

}  // namespace abell

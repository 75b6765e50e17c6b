#pragma once
/// What training and prediction read: a numbered set of labelled images.

#include <abell/core/shape.hpp>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace abell {

/// A set of images of one shape with integer labels. `read` writes the network's input for one
/// image (NHWC, shape().size() values) and must be safe to call from several threads; `epoch`
/// chooses the draw of an augmented set and is ignored by others.
template <class S>
concept Samples = requires(const S& samples, std::size_t index, std::uint32_t epoch, std::span<float> out) {
  { samples.size() } -> std::convertible_to<std::size_t>;
  { samples.shape() } -> std::convertible_to<Shape>;
  { samples.label(index) } -> std::convertible_to<int>;
  samples.read(index, epoch, out);
};

}  // namespace abell

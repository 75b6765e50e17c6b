#pragma once
/// What training and prediction read: a numbered set of images with their targets.

#include <abell/core/shape.hpp>
#include <abell/core/tensor.hpp>
#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

namespace abell {

/// A set of images of one shape, each with a target: what the network shall answer, as losses read it. `read` writes
/// the network's input for one image (NHWC, shape().size() values) and must be safe to call from several threads;
/// `epoch` chooses the draw of an augmented set and is ignored by others. A target is an integer label, the simplest
/// form, or an array of any shape: then a set has, in place of `label`,
///
///     Shape target_shape() const;
///     void read_target(std::size_t index, std::uint32_t epoch, std::span<float> out) const;
///
/// under the rules of `read` (a mask gets the draw that its image gets).
template <class S>
concept Samples = requires(const S& samples, std::size_t index, std::uint32_t epoch, std::span<float> out) {
  { samples.size() } -> std::convertible_to<std::size_t>;
  { samples.shape() } -> std::convertible_to<Shape>;
  samples.read(index, epoch, out);
}
&&(
    requires(const S& samples, std::size_t index) {
      { samples.label(index) } -> std::convertible_to<int>;
    } ||
    requires(const S& samples, std::size_t index, std::uint32_t epoch, std::span<float> out) {
      { samples.target_shape() } -> std::convertible_to<Shape>;
      samples.read_target(index, epoch, out);
    });

/// The shape of a set's targets; that of a label is one number.
template <Samples S>
Shape target_shape(const S& samples) {
  if constexpr (requires { samples.target_shape(); }) return samples.target_shape();
  return {1, 1, 1};
}

/// Writes the target of one image.
template <Samples S>
void read_target(const S& samples, std::size_t index, std::uint32_t epoch, std::span<float> out) {
  if constexpr (requires { samples.target_shape(); }) {
    samples.read_target(index, epoch, out);
  } else {
    out[0] = static_cast<float>(samples.label(index));
  }
}

/// Looks at samples of any type, which must outlive it; models `Samples` itself. What reads samples takes one of these,
/// and is compiled once.
class SamplesView {
 public:
  template <Samples S>
  requires(!std::same_as<S, SamplesView>) SamplesView(const S& samples)
      : samples_(&samples),
        size_(samples.size()),
        shape_(samples.shape()),
        target_shape_(abell::target_shape(samples)),
        read_([](const void* from, std::size_t index, std::uint32_t epoch, std::span<float> out) {
          static_cast<const S*>(from)->read(index, epoch, out);
        }),
        read_target_([](const void* from, std::size_t index, std::uint32_t epoch, std::span<float> out) {
          abell::read_target(*static_cast<const S*>(from), index, epoch, out);
        }) {}

  std::size_t size() const { return size_; }
  const Shape& shape() const { return shape_; }
  const Shape& target_shape() const { return target_shape_; }
  void read(std::size_t index, std::uint32_t epoch, std::span<float> out) const { read_(samples_, index, epoch, out); }
  void read_target(std::size_t index, std::uint32_t epoch, std::span<float> out) const {
    read_target_(samples_, index, epoch, out);
  }

 private:
  using Read = void (*)(const void*, std::size_t index, std::uint32_t epoch, std::span<float> out);

  const void* samples_;
  std::size_t size_;
  Shape shape_;
  Shape target_shape_;
  Read read_;
  Read read_target_;
};

/// Labels as targets, one for each image.
inline Tensor<float> label_targets(std::span<const int> labels) {
  Tensor<float> targets(static_cast<int>(labels.size()), {1, 1, 1});
  std::ranges::transform(labels, targets.span().begin(), [](int label) { return static_cast<float>(label); });
  return targets;
}

}  // namespace abell

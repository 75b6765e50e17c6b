#pragma once
/// Samples that come from a pixel cache, augmented on the way.

#include <abell/core/error.hpp>
#include <abell/core/shape.hpp>
#include <abell/data/augment.hpp>
#include <abell/data/channels.hpp>
#include <abell/data/pixel_cache.hpp>
#include <abell/kernels/affine.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace abell {

using kernels::ByteScale;

/// Bytes become 0..1, as the custom network has them.
inline constexpr ByteScale unit_scale{1.0F / 255, 0};
/// Bytes become -1..1, as MobileNet has them: x / 127.5 - 1.
inline constexpr ByteScale symmetric_scale{1 / 127.5F, -1};

namespace detail {

inline ByteScale standard_scale(double sum, double squares, std::size_t values) {
  const auto count = static_cast<double>(values);
  const double mean = sum / count;
  const double variance = squares / count - mean * mean;
  const double scale = variance > 1e-9 ? 1 / std::sqrt(variance) : 1;
  return {static_cast<float>(scale), static_cast<float>(-mean * scale)};
}

}  // namespace detail

/// Values become numbers of mean 0 and variance 1 over the whole image (before augmentation); an image
/// of one value becomes zeros.
inline ByteScale standard_scale(std::span<const std::uint8_t> bytes) {
  std::uint64_t sum = 0, squares = 0;
  for (const std::uint8_t byte : bytes) {
    sum += byte;
    squares += static_cast<std::uint64_t>(byte) * byte;
  }
  return detail::standard_scale(static_cast<double>(sum), static_cast<double>(squares), bytes.size());
}
inline ByteScale standard_scale(std::span<const float> values) {
  double sum = 0, squares = 0;
  for (const float value : values) {
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  return detail::standard_scale(sum, squares, values.size());
}

/// What a network gets of the values 0..255 in a cache. `CachedSamples` throws OptionError for an augmentation out of
/// range, and for channels to choose among images that do not have three.
struct CachedSamplesOptions {
  ByteScale scale = unit_scale;
  bool standardise = false;  ///< `standard_scale` of each image in place of `scale`
  Channels channels = Channels::both;
  std::optional<Augmentation> augmentation = {};  ///< none: images as they are
  std::uint64_t seed = 0;                         ///< of the augmentation
};

/// Values 0..255 of an image as a network gets them, seen through `map`; channels that it does not see have the value
/// of 0.
template <class Value>
void write_input(std::span<const Value> values, const Shape& s, const kernels::AffineMap& map,
                 const CachedSamplesOptions& options, std::span<float> out) {
  const ByteScale scale = options.standardise ? standard_scale(values) : options.scale;
  kernels::affine_pixels(values.data(), s.height, s.width, s.channels, map, scale, out.data());
  if (options.channels == Channels::both) return;
  const std::size_t seen = options.channels == Channels::optical ? 1 : 2;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (i % 3 != seen) out[i] = scale.offset;
  }
}

/// Throws OptionError unless images of that shape have the channels that are chosen among.
inline void check_channels(const CachedSamplesOptions& options, const Shape& shape) {
  if (options.channels != Channels::both && shape.channels != 3) {
    throw OptionError("channels", "expected images with 3 channels, found " + std::to_string(shape.channels));
  }
}

/// What a network shall answer for each image of a cache: numbers, a label being the simplest, or masks.
class CachedTargets {
 public:
  /// `values` has shape.size() numbers for each image.
  static CachedTargets numbers(const Shape& shape, std::vector<float> values) {
    CachedTargets targets;
    targets.shape_ = shape;
    targets.values_ = std::move(values);
    return targets;
  }
  static CachedTargets labels(const std::vector<int>& labels) {
    return numbers({1, 1, 1}, std::vector<float>(labels.begin(), labels.end()));
  }
  /// 1 + the class of each pixel, 0 where it is not known (`cache_masks`): the targets are the classes, and -1.
  static CachedTargets masks(std::shared_ptr<const PixelCache> masks) {
    CachedTargets targets;
    targets.shape_ = masks->shape();
    targets.masks_ = std::move(masks);
    return targets;
  }

  const Shape& shape() const { return shape_; }
  /// The number of images.
  std::size_t size() const { return masks_ ? masks_->size() : values_.size() / shape_.size(); }
  /// The numbers of image `index`, of targets that are no masks.
  std::span<const float> at(std::size_t index) const {
    return std::span(values_).subspan(index * shape_.size(), shape_.size());
  }
  /// The target of image `index`; a mask is seen through `map` as its image is, each pixel taken from the nearest one.
  void read(std::size_t index, const kernels::AffineMap& map, std::span<float> out) const {
    if (!masks_) {
      std::ranges::copy(at(index), out.begin());
      return;
    }
    thread_local std::vector<float> room;
    const auto classes = std::get<std::span<const std::uint8_t>>(masks_->read(index, room));
    const auto inside = [](double at, int size) { return at >= -0.5 && at < size - 0.5; };
    for (int row = 0; row < shape_.height; ++row) {
      for (int column = 0; column < shape_.width; ++column) {
        const double from_row = map.rr * row + map.rc * column + map.r0;
        const double from_column = map.cr * row + map.cc * column + map.c0;
        float& value = out[static_cast<std::size_t>(row * shape_.width + column)];
        value = -1;
        if (!inside(from_row, shape_.height) || !inside(from_column, shape_.width)) continue;
        const int nearest = static_cast<int>(from_row + 0.5) * shape_.width + static_cast<int>(from_column + 0.5);
        value = static_cast<float>(classes[static_cast<std::size_t>(nearest)]) - 1;
      }
    }
  }

 private:
  CachedTargets() = default;

  Shape shape_ = {1, 1, 1};
  std::vector<float> values_;
  std::shared_ptr<const PixelCache> masks_;
};

/// Part of a cache, with targets; models `Samples`. The draw of a sample depends on the seed, the
/// epoch and its position in the cache, and not on the part that it is in.
class CachedSamples {
 public:
  /// There is a target for each image of the cache, `indices` names those of this part.
  /// Throws ShapeError and OptionError when they do not fit the cache.
  CachedSamples(std::shared_ptr<const PixelCache> cache, CachedTargets targets, std::vector<std::size_t> indices,
                CachedSamplesOptions options = {})
      : cache_(std::move(cache)), targets_(std::move(targets)), indices_(std::move(indices)), options_(options) {
    if (targets_.size() != cache_->size()) {
      throw ShapeError("samples: expected a target for each of " + std::to_string(cache_->size()) + " images, found " +
                       std::to_string(targets_.size()));
    }
    for (const std::size_t index : indices_) {
      if (index >= cache_->size()) {
        throw ShapeError("samples: expected indices below " + std::to_string(cache_->size()) + ", found " +
                         std::to_string(index));
      }
    }
    check_channels(options_, shape());
    if (options_.augmentation) check(*options_.augmentation);
  }

  /// With labels as targets.
  CachedSamples(std::shared_ptr<const PixelCache> cache, const std::vector<int>& labels,
                std::vector<std::size_t> indices, CachedSamplesOptions options = {})
      : CachedSamples(std::move(cache), CachedTargets::labels(labels), std::move(indices), options) {}

  std::size_t size() const { return indices_.size(); }
  const Shape& shape() const { return cache_->shape(); }
  const Shape& target_shape() const { return targets_.shape(); }
  int label(std::size_t index) const { return static_cast<int>(targets_.at(indices_[index])[0]); }
  /// The position in the cache of sample `index`.
  std::size_t cache_index(std::size_t index) const { return indices_[index]; }

  void read(std::size_t index, std::uint32_t epoch, std::span<float> out) const {
    thread_local std::vector<float> room;
    const std::size_t at = indices_[index];
    const kernels::AffineMap map = map_of(at, epoch);
    std::visit([&](const auto& values) { write_input(values, shape(), map, options_, out); }, cache_->read(at, room));
  }

  void read_target(std::size_t index, std::uint32_t epoch, std::span<float> out) const {
    const std::size_t at = indices_[index];
    targets_.read(at, map_of(at, epoch), out);
  }

 private:
  kernels::AffineMap map_of(std::size_t at, std::uint32_t epoch) const {
    const auto& augmentation = options_.augmentation;
    if (!augmentation) return {};
    const Shape& s = shape();
    return affine_map(draw(*augmentation, options_.seed, epoch, static_cast<std::uint32_t>(at), s), s,
                      augmentation->centre);
  }

  std::shared_ptr<const PixelCache> cache_;
  CachedTargets targets_;
  std::vector<std::size_t> indices_;
  CachedSamplesOptions options_;
};

}  // namespace abell

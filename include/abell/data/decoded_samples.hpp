#pragma once
/// Objects that are decoded when they are read, for sets that are read once.

#include <abell/data/cached_samples.hpp>
#include <abell/data/decode.hpp>
#include <abell/data/preprocessing.hpp>
#include <abell/data/samples.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace abell {

/// Writes an image of values 0..255, decoded already, as a network gets it; `bytes` tells that they are whole numbers.
inline void write_input(const Image& image, bool bytes, const CachedSamplesOptions& options, std::span<float> out) {
  const Shape shape{image.height, image.width, image.channels};
  const std::span<const float> values(image.pixels);
  if (!bytes) return write_input(values, shape, kernels::AffineMap{}, options, out);
  thread_local std::vector<std::uint8_t> whole;
  whole.resize(values.size());
  std::ranges::transform(values, whole.begin(), [](float value) { return static_cast<std::uint8_t>(value); });
  write_input(std::span<const std::uint8_t>(whole), shape, kernels::AffineMap{}, options, out);
}

/// Objects of a set without targets; models `Samples`. An image has the same bits as through a cache.
class DecodedSamples {
 public:
  /// Throws OptionError for options without meaning.
  DecodedSamples(std::span<const Object> objects, const Shape& shape, const Preprocessing& preprocessing)
      : objects_(objects), shape_(shape), decode_(preprocessing.decode()), samples_(preprocessing.samples()) {
    check_channels(samples_, shape);
  }

  std::size_t size() const { return objects_.size(); }
  const Shape& shape() const { return shape_; }
  int label(std::size_t) const { return -1; }
  void read(std::size_t index, std::uint32_t, std::span<float> out) const { decode(index, out); }

  /// Writes the input for one object and returns what it was made from. Throws as `decode_object`.
  Decoded decode(std::size_t index, std::span<float> out) const {
    const Object& object = objects_[index];
    Decoded decoded = decode_object(object, shape_, decode_);
    write_input(decoded.image, fits_in_bytes(object, decode_), samples_, out);
    return decoded;
  }

 private:
  std::span<const Object> objects_;  ///< of the caller
  Shape shape_;
  DecodeOptions decode_;
  CachedSamplesOptions samples_;
};

static_assert(Samples<DecodedSamples>);

}  // namespace abell

#pragma once
/// Inputs and checks shared by the kernel tests.
///
/// Inputs are small integers, so that every sum is exact in float whatever its order, and a fast
/// kernel must equal the double reference bit for bit. Outputs start as NaN between guard values,
/// so that a cell left unwritten or a write beyond the end is seen.

#include <abell/core/cpu.hpp>
#include <abell/core/random.hpp>
#include <abell/kernels/conv2d.hpp>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "reduced.hpp"

namespace abell::testing {

inline std::vector<Isa> supported_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : all_isas) {
    if (supports(isa)) isas.push_back(isa);
  }
  return isas;
}

/// Integers in [-limit, limit]; about a fifth are zero.
inline std::vector<double> integers(std::size_t count, std::uint32_t seed, int limit = 4) {
  Random random(seed, {Purpose::user, 7, 7});
  std::vector<double> values(count);
  for (double& value : values) {
    value = random.below(5) == 0 ? 0.0
                                 : static_cast<double>(random.below(static_cast<std::uint32_t>(2 * limit + 1))) - limit;
  }
  return values;
}

/// Image n of a batch of images of `size` values.
inline std::vector<double> image_of(const std::vector<double>& batch, std::size_t size, int n) {
  const auto begin = batch.begin() + static_cast<long>(size) * n;
  return {begin, begin + static_cast<long>(size)};
}

template <class T>
std::vector<T> cast(const std::vector<double>& values) {
  return {values.begin(), values.end()};
}

/// An output between guards, NaN until written.
template <class T>
class Guarded {
 public:
  explicit Guarded(std::size_t size) : values_(size + 2 * guard, T(-12345)), size_(size) {
    for (std::size_t i = 0; i < size; ++i) data()[i] = std::numeric_limits<T>::quiet_NaN();
  }
  T* data() { return values_.data() + guard; }
  bool guards_intact() const {
    for (std::size_t i = 0; i < guard; ++i) {
      if (values_[i] != T(-12345) || values_[values_.size() - 1 - i] != T(-12345)) return false;
    }
    return true;
  }
  /// Index of the first value that differs from `expected` (NaN differs from all), or -1.
  long first_difference(const std::vector<double>& expected) {
    for (std::size_t i = 0; i < size_; ++i) {
      if (!(static_cast<double>(data()[i]) == expected[i])) return static_cast<long>(i);
    }
    return expected.size() == size_ ? -1 : static_cast<long>(size_);
  }

 private:
  static constexpr std::size_t guard = 19;
  std::vector<T> values_;
  std::size_t size_;
};

/// A convolution with Keras's padding.
inline kernels::Conv2dGeometry geometry(int height, int width, int channels, int filters, Extent kernel = 3,
                                        Extent stride = 1, Padding padding = Padding::same) {
  const AxisWindows rows = window_of(height, kernel.height, stride.height, padding);
  const AxisWindows columns = window_of(width, kernel.width, stride.width, padding);
  return {.height = height,
          .width = width,
          .channels = channels,
          .filters = filters,
          .kernel_height = kernel.height,
          .kernel_width = kernel.width,
          .stride_height = stride.height,
          .stride_width = stride.width,
          .pad_top = rows.before,
          .pad_left = columns.before,
          .out_height = rows.output,
          .out_width = columns.output};
}

}  // namespace abell::testing

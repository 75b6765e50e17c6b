#pragma once
/// Tensors own 64-byte aligned NHWC memory; views look at it. core/eigen.hpp shows both as Eigen's matrices.

#include <abell/core/error.hpp>
#include <abell/core/shape.hpp>
#include <algorithm>
#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

namespace abell {

inline constexpr std::size_t alignment = 64;

/// `count` rounded up to a multiple of `step`.
constexpr std::size_t round_up(std::size_t count, std::size_t step) { return (count + step - 1) / step * step; }

/// Owns `size` values on a 64-byte boundary, uninitialised until filled. Movable, not copyable.
template <class T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t size)
      : data_(size == 0 ? nullptr
                        : static_cast<T*>(
                              ::operator new (round_up(size * sizeof(T), alignment), std::align_val_t{alignment}))),
        size_(size) {
    static_assert(std::is_trivially_destructible_v<T>);
  }

  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  std::size_t size() const { return size_; }
  std::span<T> span() { return {data(), size_}; }
  std::span<const T> span() const { return {data(), size_}; }

 private:
  struct Free {
    void operator()(T* p) const { ::operator delete (p, std::align_val_t{alignment}); }
  };
  std::unique_ptr<T, Free> data_;
  std::size_t size_ = 0;
};

/// Looks at `batch` images of one shape, laid out one after the other. T may be const.
template <class T>
struct View {
  using Scalar = std::remove_const_t<T>;

  T* data = nullptr;
  int batch = 0;
  Shape shape;

  std::size_t size() const { return static_cast<std::size_t>(batch) * shape.size(); }
  T* image(int index) const { return data + static_cast<std::size_t>(index) * shape.size(); }
  T& operator()(int n, int row, int column, int channel) const {
    return image(
        n)[(static_cast<std::size_t>(row) * static_cast<std::size_t>(shape.width) + static_cast<std::size_t>(column)) *
               static_cast<std::size_t>(shape.channels) +
           static_cast<std::size_t>(channel)];
  }
  std::span<T> span() const { return {data, size()}; }
  /// The images [first, first + count).
  View slice(int first, int count) const { return {image(first), count, shape}; }
  operator View<const Scalar>() const { return {data, batch, shape}; }
};

/// A batch of images that owns its memory; starts at zero.
template <class T>
class Tensor {
 public:
  Tensor() = default;
  Tensor(int batch, Shape shape)
      : buffer_(static_cast<std::size_t>(batch) * shape.size()), batch_(batch), shape_(shape) {
    std::ranges::fill(buffer_.span(), T{});
  }

  int batch() const { return batch_; }
  const Shape& shape() const { return shape_; }
  std::size_t size() const { return buffer_.size(); }
  T* data() { return buffer_.data(); }
  const T* data() const { return buffer_.data(); }
  std::span<T> span() { return buffer_.span(); }
  std::span<const T> span() const { return buffer_.span(); }
  View<T> view() { return {data(), batch_, shape_}; }
  View<const T> view() const { return {data(), batch_, shape_}; }
  operator View<T>() { return view(); }
  operator View<const T>() const { return view(); }

 private:
  Buffer<T> buffer_;
  int batch_ = 0;
  Shape shape_;
};

}  // namespace abell

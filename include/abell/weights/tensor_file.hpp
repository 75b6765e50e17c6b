#pragma once
/// Tensors as files hold them: names, shapes and bytes.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace abell {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

/// What the numbers of a stored tensor are. Others of the format (F16, BF16, I8, ...) are refused.
enum class DType { f32, f64, u8, i64, u64 };

/// A tensor in a file; the shape [] is a single number.
struct StoredTensor {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::uint64_t> shape;
  std::vector<std::byte> bytes;
};

/// What a safetensors file holds, the tensors in the order of their data.
struct TensorFile {
  std::vector<StoredTensor> tensors;
  std::map<std::string, std::string> metadata;

  /// The tensor of that name, or null.
  const StoredTensor* find(std::string_view name) const {
    const auto found = std::ranges::find(tensors, name, &StoredTensor::name);
    return found == tensors.end() ? nullptr : &*found;
  }
};

namespace detail {

struct DTypeEntry {
  DType dtype;
  std::string_view name;
  std::size_t size;
};
inline constexpr std::array<DTypeEntry, 5> dtypes{{{DType::f32, "F32", 4},
                                                   {DType::f64, "F64", 8},
                                                   {DType::u8, "U8", 1},
                                                   {DType::i64, "I64", 8},
                                                   {DType::u64, "U64", 8}}};

constexpr const DTypeEntry& entry(DType dtype) { return *std::ranges::find(dtypes, dtype, &DTypeEntry::dtype); }

/// Bytes of a tensor; nothing when they cannot be counted in 64 bits.
inline std::optional<std::uint64_t> byte_count(DType dtype, std::span<const std::uint64_t> shape) {
  std::uint64_t bytes = entry(dtype).size;
  for (const std::uint64_t size : shape) {
    if (size != 0 && bytes > std::numeric_limits<std::uint64_t>::max() / size) return std::nullopt;
    bytes *= size;
  }
  return bytes;
}

}  // namespace detail

inline std::string to_string(DType dtype) { return std::string(detail::entry(dtype).name); }

/// The DType of a C++ type.
template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>) return DType::f32;
  if constexpr (std::is_same_v<T, double>) return DType::f64;
  if constexpr (std::is_same_v<T, std::uint8_t>) return DType::u8;
  if constexpr (std::is_same_v<T, std::int64_t>) return DType::i64;
  if constexpr (std::is_same_v<T, std::uint64_t>) return DType::u64;
}

/// A tensor ready to be written: `values` are row-major in `shape`.
template <class T>
StoredTensor stored(std::string name, std::vector<std::uint64_t> shape, std::span<const T> values) {
  const std::span<const std::byte> bytes = std::as_bytes(values);
  return {std::move(name), dtype_of<T>(), std::move(shape), {bytes.begin(), bytes.end()}};
}

/// The numbers of a tensor whose dtype is that of T; nothing for another dtype.
template <class T>
std::optional<std::vector<T>> values_of(const StoredTensor& tensor) {
  if (tensor.dtype != dtype_of<T>()) return std::nullopt;
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), tensor.bytes.data(), values.size() * sizeof(T));
  return values;
}

/// "[3, 3, 64]".
inline std::string shape_text(std::span<const std::uint64_t> shape) {
  std::string text = "[";
  for (const std::uint64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

}  // namespace abell

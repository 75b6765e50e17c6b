#pragma once
/// Tensors as files hold them: names, shapes and bytes.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
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

/// What the numbers of a stored tensor are: all types of the format, of which weights may be F64, F32, F16 and BF16.
enum class DType {
  f32,
  f64,
  f16,
  bf16,
  u8,
  i8,
  u16,
  i16,
  u32,
  i32,
  u64,
  i64,
  boolean,
  c64,
  f8_e4m3,
  f8_e5m2,
  f8_e8m0,
  f8_e4m3fnuz,
  f8_e5m2fnuz,
  f6_e2m3,
  f6_e3m2,
  f4
};

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
  std::size_t bits;
};
inline constexpr std::array<DTypeEntry, 22> dtypes{{{DType::f32, "F32", 32},
                                                    {DType::f64, "F64", 64},
                                                    {DType::f16, "F16", 16},
                                                    {DType::bf16, "BF16", 16},
                                                    {DType::u8, "U8", 8},
                                                    {DType::i8, "I8", 8},
                                                    {DType::u16, "U16", 16},
                                                    {DType::i16, "I16", 16},
                                                    {DType::u32, "U32", 32},
                                                    {DType::i32, "I32", 32},
                                                    {DType::u64, "U64", 64},
                                                    {DType::i64, "I64", 64},
                                                    {DType::boolean, "BOOL", 8},
                                                    {DType::f8_e4m3, "F8_E4M3", 8},
                                                    {DType::f8_e5m2, "F8_E5M2", 8},
                                                    {DType::f8_e8m0, "F8_E8M0", 8},
                                                    {DType::f8_e4m3fnuz, "F8_E4M3FNUZ", 8},
                                                    {DType::f8_e5m2fnuz, "F8_E5M2FNUZ", 8},
                                                    {DType::f6_e2m3, "F6_E2M3", 6},
                                                    {DType::f6_e3m2, "F6_E3M2", 6},
                                                    {DType::f4, "F4", 4},
                                                    {DType::c64, "C64", 64}}};

constexpr const DTypeEntry& entry(DType dtype) { return *std::ranges::find(dtypes, dtype, &DTypeEntry::dtype); }

/// Bytes of a tensor; nothing when they cannot be counted in 64 bits.
inline std::optional<std::uint64_t> byte_count(DType dtype, std::span<const std::uint64_t> shape) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t bits = entry(dtype).bits;
  std::uint64_t count = 1;
  for (const std::uint64_t size : shape) {
    if (size != 0 && count > most / size) return std::nullopt;
    count *= size;
  }
  if (count / 8 > most / bits - 1) return std::nullopt;
  return count / 8 * bits + (count % 8 * bits + 7) / 8;
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

namespace detail {

/// A number of half precision (IEEE 754 binary16).
inline float from_half(std::uint16_t bits) {
  const float sign = (bits & 0x8000U) != 0 ? -1.0F : 1.0F;
  const int exponent = (bits >> 10U) & 0x1F;
  const auto fraction = static_cast<float>(bits & 0x3FFU);
  if (exponent == 0x1F) {
    return fraction == 0 ? sign * std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  }
  return sign * (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25));
}

/// A number of bfloat16: the upper half of one in single precision.
inline float from_bfloat16(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U); }

}  // namespace detail

/// The numbers of a tensor of F32, F16 or BF16 in single precision; nothing for another dtype.
inline std::optional<std::vector<float>> single_values_of(const StoredTensor& tensor) {
  if (tensor.dtype != DType::f16 && tensor.dtype != DType::bf16) return values_of<float>(tensor);
  const auto number = tensor.dtype == DType::f16 ? detail::from_half : detail::from_bfloat16;
  std::vector<float> values(tensor.bytes.size() / sizeof(std::uint16_t));
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, tensor.bytes.data() + i * sizeof bits, sizeof bits);
    values[i] = number(bits);
  }
  return values;
}

/// "[3, 3, 64]".
inline std::string shape_text(std::span<const std::uint64_t> shape) {
  std::string text = "[";
  for (const std::uint64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

}  // namespace abell

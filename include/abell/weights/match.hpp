#pragma once
/// A network's parameters against the tensors of a file.

#include <abell/core/error.hpp>
#include <abell/network/network.hpp>
#include <abell/weights/json.hpp>
#include <abell/weights/tensor_file.hpp>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace abell::detail {

/// A tensor that a file must hold.
struct ExpectedTensor {
  std::string name;
  std::vector<std::uint64_t> shape;
};

/// In the shape of an ExpectedTensor: a size that the file may choose.
inline constexpr std::uint64_t any_size = std::numeric_limits<std::uint64_t>::max();

inline std::string expected_text(const ExpectedTensor& expected) {
  std::string text = "[";
  for (const std::uint64_t size : expected.shape) {
    text += (text.size() > 1 ? ", " : "") + (size == any_size ? std::string("any") : std::to_string(size));
  }
  return text + "]";
}

inline bool fits(const ExpectedTensor& expected, const StoredTensor& tensor) {
  if (expected.shape.size() != tensor.shape.size()) return false;
  for (std::size_t i = 0; i < expected.shape.size(); ++i) {
    if (expected.shape[i] != any_size && expected.shape[i] != tensor.shape[i]) return false;
  }
  return true;
}

inline std::vector<std::uint64_t> sizes_of(const ParameterSlot& slot) {
  return {slot.dimensions.begin(), slot.dimensions.end()};
}

/// A network's parameters, `prefix` before each name.
template <class Network>
std::vector<ExpectedTensor> expected_parameters(const Network& network, const std::string& prefix = {}) {
  std::vector<ExpectedTensor> all;
  for (const ParameterSlot& slot : network.slots()) all.push_back({prefix + slot.name, sizes_of(slot)});
  return all;
}

/// Throws ShapeError listing (the first few of) what is missing, of another shape or unexpected.
inline void require_tensors(const std::filesystem::path& path, const TensorFile& file,
                            const std::vector<ExpectedTensor>& expected) {
  constexpr std::size_t most = 5;
  std::string list;
  std::size_t faults = 0;
  const auto add = [&](const std::string& fault) {
    if (++faults <= most) list += (faults > 1 ? "; " : "") + fault;
  };
  std::set<std::string_view> names;
  for (const ExpectedTensor& wanted : expected) {
    names.insert(wanted.name);
    const StoredTensor* tensor = file.find(wanted.name);
    if (tensor == nullptr) {
      add("expected " + in_quotes(wanted.name) + " " + expected_text(wanted) + ", found none");
    } else if (!fits(wanted, *tensor)) {
      add("expected " + in_quotes(wanted.name) + " " + expected_text(wanted) + ", found " + shape_text(tensor->shape));
    }
  }
  for (const StoredTensor& tensor : file.tensors) {
    if (!names.contains(tensor.name))
      add("found unexpected " + in_quotes(tensor.name) + " " + shape_text(tensor.shape));
  }
  if (faults == 0) return;
  if (faults > most) list += "; and " + std::to_string(faults - most) + " more";
  throw ShapeError(path.string() + ": weights of another network: " + list);
}

/// Throws NumericError unless each value is finite and no larger than T can hold.
template <class T, class U>
void require_finite(const std::filesystem::path& path, const std::string& name, std::span<const U> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(std::abs(values[i]) <= static_cast<U>(std::numeric_limits<T>::max()))) {
      throw NumericError(path.string() + ": tensor " + in_quotes(name) + ": expected finite weights, found " +
                         std::to_string(values[i]) + " at index " + std::to_string(i));
    }
  }
}

/// A tensor's values as T, from F32 or F64, into `out` of the tensor's size.
template <class T>
void read_weights(const std::filesystem::path& path, const StoredTensor& tensor, std::span<T> out) {
  const auto take = [&]<class U>(const std::vector<U>& values) {
    using Narrow = std::conditional_t<(sizeof(T) < sizeof(U)), T, U>;
    require_finite<Narrow, U>(path, tensor.name, values);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<T>(values[i]);
  };
  if (const auto single = values_of<float>(tensor)) {
    take(*single);
  } else if (const auto twice = values_of<double>(tensor)) {
    take(*twice);
  } else {
    throw FormatError(path.string() + ": tensor " + in_quotes(tensor.name) + ": expected F32 or F64, found " +
                      to_string(tensor.dtype));
  }
}

/// Parameters ready to be written, `prefix` before each name. Throws NumericError for NaN and infinity.
template <class Network, class T = typename Network::Scalar>
std::vector<StoredTensor> stored_parameters(const std::filesystem::path& path, const Network& network,
                                            std::span<const T> parameters, const std::string& prefix = {}) {
  std::vector<StoredTensor> tensors;
  for (const ParameterSlot& slot : network.slots()) {
    const std::span<const T> values = parameters.subspan(slot.offset, slot.size);
    require_finite<T, T>(path, slot.name, values);
    tensors.push_back(stored(prefix + slot.name, sizes_of(slot), values));
  }
  return tensors;
}

}  // namespace abell::detail

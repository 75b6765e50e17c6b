#pragma once
/// A network's parameters against the tensors of a file.

#include <abell/core/error.hpp>
#include <abell/network/network.hpp>
#include <abell/weights/json.hpp>
#include <abell/weights/tensor_file.hpp>
#include <algorithm>
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

namespace abell {

/// Which layers may differ between a file of weights and a network (another head, say); by default none.
struct WeightsOptions {
  std::vector<std::string> missing = {};  ///< layers of the network that the file may lack: they keep their values
  std::vector<std::string> unused = {};   ///< layers of the file that may stay unread
};

/// What was left out when weights were loaded (only layers that WeightsOptions names).
struct LoadedWeights {
  std::vector<std::string> missing = {};  ///< layers of the network that kept their values
  std::vector<std::string> unused = {};   ///< layers of the file that were not read
  bool in_order = false;                  ///< the file's layers were taken in order, whatever their names
};

namespace detail {

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

inline std::vector<std::uint64_t> sizes_of(const NamedParameter& named) {
  return {named.dimensions.begin(), named.dimensions.end()};
}

/// A network's parameters, `prefix` before each name.
template <class Network>
std::vector<ExpectedTensor> expected_parameters(const Network& network, const std::string& prefix = {}) {
  std::vector<ExpectedTensor> all;
  for (const NamedParameter& named : network.named_parameters()) all.push_back({prefix + named.name, sizes_of(named)});
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

/// "conv1/kernel" -> "conv1".
inline std::string layer_of(std::string_view tensor) { return std::string(tensor.substr(0, tensor.rfind('/'))); }

/// `require_tensors` but for the layers that may differ: their tensors are taken out of `file`, and those of
/// the network that the file lacks altogether are not asked for. Throws OptionError when the network has no
/// layer of a name in `options.missing`.
inline LoadedWeights reconcile(const std::filesystem::path& path, TensorFile& file,
                               std::vector<ExpectedTensor> expected, const WeightsOptions& options) {
  LoadedWeights loaded;
  const auto of = [](const std::string& layer) { return [&](const auto& t) { return layer_of(t.name) == layer; }; };
  for (const std::string& layer : options.missing) {
    if (std::ranges::none_of(expected, of(layer))) {
      throw OptionError(path.string() + ": expected a layer with weights that may be missing, found " +
                        in_quotes(layer));
    }
    if (std::ranges::any_of(file.tensors, of(layer))) continue;
    std::erase_if(expected, of(layer));
    loaded.missing.push_back(layer);
  }
  for (const std::string& layer : options.unused) {
    if (std::ranges::any_of(expected, of(layer))) continue;
    if (std::erase_if(file.tensors, of(layer)) > 0) loaded.unused.push_back(layer);
  }
  require_tensors(path, file, expected);
  return loaded;
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

/// A tensor's values as T, from F64, F32, F16 or BF16, into `out` of the tensor's size.
template <class T>
void read_weights(const std::filesystem::path& path, const StoredTensor& tensor, std::span<T> out) {
  const auto take = [&]<class U>(const std::vector<U>& values) {
    using Narrow = std::conditional_t<(sizeof(T) < sizeof(U)), T, U>;
    require_finite<Narrow, U>(path, tensor.name, values);
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<T>(values[i]);
  };
  if (const auto single = single_values_of(tensor)) {
    take(*single);
  } else if (const auto twice = values_of<double>(tensor)) {
    take(*twice);
  } else {
    throw FormatError(path.string() + ": tensor " + in_quotes(tensor.name) +
                      ": expected F64, F32, F16 or BF16, found " + to_string(tensor.dtype));
  }
}

/// Fills the network with the tensors of a file, of matching shapes, once all their values are known to be
/// sound; parameters that the file lacks stay as they are.
template <class Network>
void fill(const std::filesystem::path& path, const TensorFile& file, Network& network) {
  std::vector<typename Network::Scalar> parameters(network.parameters().begin(), network.parameters().end());
  for (const NamedParameter& named : network.named_parameters()) {
    const StoredTensor* tensor = file.find(named.name);
    if (tensor != nullptr) read_weights(path, *tensor, std::span(parameters).subspan(named.offset, named.size));
  }
  std::ranges::copy(parameters, network.parameters().begin());
}

/// Parameters ready to be written, `prefix` before each name. Throws NumericError for NaN and infinity.
template <class Network, class T = typename Network::Scalar>
std::vector<StoredTensor> stored_parameters(const std::filesystem::path& path, const Network& network,
                                            std::span<const T> parameters, const std::string& prefix = {}) {
  std::vector<StoredTensor> tensors;
  for (const NamedParameter& named : network.named_parameters()) {
    const std::span<const T> values = parameters.subspan(named.offset, named.size);
    require_finite<T, T>(path, named.name, values);
    tensors.push_back(stored(prefix + named.name, sizes_of(named), values));
  }
  return tensors;
}

}  // namespace detail
}  // namespace abell

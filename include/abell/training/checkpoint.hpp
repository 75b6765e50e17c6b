#pragma once
/// Checkpoints: a run of `fit` put aside so that it goes on to the same bits. A safetensors file with
///
///     parameters/<name>   the network's parameters
///     optimizer           [arrays, parameters]: the optimizer's arrays of state
///     best_parameters     [parameters], or [0] before the first epoch ends
///     average             [parameters], or [0] where no average of the weights is kept
///     history             [epochs, 8]: the fields of an EpochRecord in their order, F64
///     state/<name>        one number each, F64, I64, U64 or (for truth values) U8
///
/// and the run's options as JSON in its metadata. Doubles are kept as their bits. There is no random
/// state: draws are functions of the seed (an option), the epoch and the step.

#include <abell/core/error.hpp>
#include <abell/core/tensor.hpp>
#include <abell/training/checkpoint_check.hpp>
#include <abell/training/fit.hpp>
#include <abell/weights/json.hpp>
#include <abell/weights/match.hpp>
#include <abell/weights/safetensors.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace abell {

namespace detail {

inline constexpr const char* checkpoint_key = "abell_checkpoint";
inline constexpr const char* checkpoint_version = "3";
inline constexpr const char* config_key = "config";

/// Calls visit(name, number) for each single number of a state.
template <class State, class Visit>
void for_each_number(State& state, const Visit& visit) {
  visit("state/updates", state.optimizer.updates);
  visit("state/learning_rate", state.optimizer.learning_rate);
  visit("state/plateau_best", state.plateau.best);
  visit("state/plateau_wait", state.plateau.wait);
  visit("state/plateau_cooldown", state.plateau.cooldown);
  visit("state/early_stopping_best", state.early_stopping.best);
  visit("state/early_stopping_wait", state.early_stopping.wait);
  visit("state/epoch", state.epoch);
  visit("state/batch", state.batch);
  visit("state/loss_sum", state.loss_sum);
  visit("state/metric_sum", state.metric_sum);
  visit("state/seen", state.seen);
  visit("state/seconds", state.seconds);
  visit("state/finished", state.finished);
  visit("state/best_loss", state.best_loss);
  visit("state/best_epoch", state.best_epoch);
}

/// How a number of type N is stored.
template <class N>
using StoredNumber =
    std::conditional_t<std::is_same_v<N, bool>, std::uint8_t,
                       std::conditional_t<std::is_floating_point_v<N>, double,
                                          std::conditional_t<std::is_signed_v<N>, std::int64_t, std::uint64_t>>>;

/// The values of a tensor that must have the dtype of T.
template <class T>
std::vector<T> exact_values(const std::filesystem::path& path, const StoredTensor& tensor) {
  auto values = values_of<T>(tensor);
  if (!values) {
    throw FormatError(path.string() + ": tensor " + in_quotes(tensor.name) + ": expected " + to_string(dtype_of<T>()) +
                      ", found " + to_string(tensor.dtype));
  }
  return std::move(*values);
}

/// A single number; those that count must fit their type and be 0 or more.
template <class N>
N read_number(const std::filesystem::path& path, const StoredTensor& tensor) {
  const auto value = exact_values<StoredNumber<N>>(path, tensor).front();
  if constexpr (std::is_integral_v<N>) {
    const auto number = static_cast<std::uint64_t>(value);  // a negative one becomes too large
    if (number > static_cast<std::uint64_t>(std::numeric_limits<N>::max())) {
      throw FormatError(path.string() + ": tensor " + in_quotes(tensor.name) + ": expected a count of at most " +
                        std::to_string(std::numeric_limits<N>::max()) + ", found " + std::to_string(value));
    }
  }
  return static_cast<N>(value);
}

inline void check_config(const std::filesystem::path& path, const std::string& config) {
  const std::string where = path.string() + ": config";
  const Json json = parse_json(config, where);
  if (!json.is_object()) throw FormatError(where + ": expected a JSON object, found " + shown(json));
}

inline std::string config_of(const std::filesystem::path& path, const std::map<std::string, std::string>& metadata) {
  const auto version = metadata.find(checkpoint_key);
  const auto config = metadata.find(config_key);
  if (version == metadata.end() || config == metadata.end()) {
    throw FormatError(path.string() + ": expected a checkpoint (metadata \"" + checkpoint_key + "\" and \"" +
                      config_key + "\"), found none");
  }
  if (version->second != checkpoint_version) {
    throw FormatError(path.string() + ": expected a checkpoint of version " + checkpoint_version + ", found " +
                      in_quotes(version->second));
  }
  check_config(path, config->second);
  return config->second;
}

}  // namespace detail

/// Puts aside a run: after `fit` has returned (stopped or finished), or in a callback's `on_step` or `on_epoch`.
/// `config` is a JSON object with the run's options, given back by `load_checkpoint`. Throws IoError when writing
/// fails (an older checkpoint then stays), FormatError when `config` is none, NumericError for NaN
/// and infinite parameters, ShapeError for a state of another network.
template <class Network>
void save_checkpoint(const std::filesystem::path& path, const Network& network,
                     const TrainingState<typename Network::Scalar>& state, const std::string& config = "{}") {
  using T = typename Network::Scalar;
  const std::size_t parameters = network.parameters().size();
  const std::size_t arrays = parameters == 0 ? 0 : state.optimizer.slots.size() / parameters;
  if (arrays * parameters != state.optimizer.slots.size() ||
      (!state.best_parameters.empty() && state.best_parameters.size() != parameters) ||
      (!state.ema.empty() && state.ema.size() != parameters)) {
    throw ShapeError(path.string() + ": expected a state for " + std::to_string(parameters) +
                     " parameters, found one of another network");
  }
  detail::check_config(path, config);
  TensorFile file;
  file.metadata = {{detail::checkpoint_key, detail::checkpoint_version}, {detail::config_key, config}};
  file.tensors = detail::stored_parameters(path, network, network.parameters(), "parameters/");
  file.tensors.push_back(stored("optimizer", {arrays, parameters}, state.optimizer.slots.span()));
  file.tensors.push_back(
      stored("best_parameters", {state.best_parameters.size()}, std::span<const T>(state.best_parameters)));
  file.tensors.push_back(stored("average", {state.ema.size()}, std::span<const T>(state.ema)));
  std::vector<double> history;
  for (const EpochRecord& record : state.history) {
    const auto values = detail::record_values(record);
    history.insert(history.end(), values.begin(), values.end());
  }
  file.tensors.push_back(
      stored("history", {state.history.size(), detail::record_size}, std::span<const double>(history)));
  detail::for_each_number(state, [&]<class N>(const char* name, const N& number) {
    const auto value = static_cast<detail::StoredNumber<N>>(number);
    file.tensors.push_back(stored(name, {}, std::span(&value, 1)));
  });
  write_safetensors(path, file);
}

/// The `config` of a checkpoint, before there is a network to load it into. Throws IoError, FormatError.
inline std::string read_checkpoint_config(const std::filesystem::path& path) {
  return detail::config_of(path, read_safetensors_metadata(path));
}

/// Loads what `save_checkpoint` wrote, bit for bit, and returns its `config`; `fit` goes on from there
/// when its options and data are those of the first run. Every number is checked to be one that `fit` can come to
/// (with the options at hand, `check_resumable` tells more). The network must be of the same description,
/// input and scalar type. Throws IoError, FormatError, ShapeError ("weights of another network"),
/// NumericError; network and state are then as they were.
template <class Network>
std::string load_checkpoint(const std::filesystem::path& path, Network& network,
                            TrainingState<typename Network::Scalar>& state) {
  using T = typename Network::Scalar;
  const TensorFile file = read_safetensors(path);
  const std::string config = detail::config_of(path, file.metadata);
  const std::size_t size = network.parameters().size();
  TrainingState<T> loaded;
  std::vector<detail::ExpectedTensor> expected = detail::expected_parameters(network, "parameters/");
  expected.push_back({"optimizer", {detail::any_size, size}});
  expected.push_back({"best_parameters", {detail::any_size}});
  expected.push_back({"average", {detail::any_size}});
  expected.push_back({"history", {detail::any_size, detail::record_size}});
  detail::for_each_number(loaded, [&](const char* name, const auto&) { expected.push_back({name, {}}); });
  detail::require_tensors(path, file, expected);

  const auto finite = [&](const char* name) {
    std::vector<T> values = detail::exact_values<T>(path, *file.find(name));
    detail::require_finite<T, T>(path, name, values);
    return values;
  };
  std::vector<T> parameters(size);
  for (const NamedParameter& named : network.named_parameters()) {
    const std::string name = "parameters/" + named.name;
    std::ranges::copy(finite(name.c_str()), parameters.begin() + static_cast<std::ptrdiff_t>(named.offset));
  }
  const std::vector<T> arrays = finite("optimizer");
  loaded.optimizer.slots = Buffer<T>(arrays.size());
  std::ranges::copy(arrays, loaded.optimizer.slots.data());
  loaded.best_parameters = finite("best_parameters");
  loaded.ema = finite("average");
  detail::for_each_number(
      loaded, [&]<class N>(const char* name, N& number) { number = detail::read_number<N>(path, *file.find(name)); });
  const std::vector<double> history = detail::exact_values<double>(path, *file.find("history"));
  for (std::size_t i = 0; i < history.size(); i += detail::record_size) {
    const double* v = history.data() + i;
    const int epoch = static_cast<int>(i / detail::record_size) + 1;
    if (v[0] != epoch) {
      throw FormatError(path.string() + ": history: expected epoch " + std::to_string(epoch) + ", found " +
                        std::to_string(v[0]));
    }
    loaded.history.push_back({epoch, v[1], v[2], v[3], v[4], v[5], v[6], v[7]});
  }
  detail::check_state(path, loaded, size);
  std::ranges::copy(parameters, network.parameters().begin());
  state = std::move(loaded);
  return config;
}

}  // namespace abell

/// Checkpoints: what is accepted is of one piece, and written and read again it is the same.

#include <abell/training/checkpoint.hpp>
#include <abell/training/fit.hpp>
#include <cmath>
#include <string>

#include "../described.hpp"
#include "../temp_folder.hpp"
#include "memory_file.hpp"
#include "target.hpp"

namespace {

using namespace abell;

constexpr auto net = describe(Conv2d{.filters = 1}, Relu{}, Flatten{}, Dense{.units = 2}, Softmax{});

Described<> network() { return {net, Shape{2, 2, 1}}; }

/// A run that has finished `epochs` epochs and some steps of the next.
TrainingState<float> state_of(const Described<>& of, int epochs) {
  TrainingState<float> state;
  const std::size_t size = of.parameters().size();
  state.optimizer.slots = Buffer<float>(size);
  for (float& value : state.optimizer.slots.span()) value = 0.25f;
  state.optimizer.updates = epochs == 0 ? 3 : 40;
  state.optimizer.learning_rate = 0.01;
  state.epoch = epochs;
  state.batch = 3;
  state.seen = 30;
  state.metric_sum = 20;
  state.loss_sum = 12.5;
  for (int epoch = 1; epoch <= epochs; ++epoch) {
    auto& record = state.history.emplace_back();
    record = {epoch, 0.7, 0.5, 0.6, 0.5, 0.01, 1.5, 0};
  }
  if (epochs > 0) {
    state.best_parameters.assign(of.parameters().begin(), of.parameters().end());
    state.ema = state.best_parameters;
    state.best_loss = 0.6;
    state.best_epoch = 1;
  }
  return state;
}

void check(const TrainingState<float>& state, std::size_t size) {
  require(state.history.size() == static_cast<std::size_t>(state.epoch));
  require(state.optimizer.slots.size() % size == 0 && std::isfinite(state.optimizer.learning_rate));
  require(state.best_parameters.size() == (state.epoch == 0 ? 0 : size));
  require(state.ema.empty() || state.ema.size() == size);
  for (const auto* values : {&state.best_parameters, &state.ema}) {
    for (const float value : *values) require(std::isfinite(value));
  }
  for (const float value : state.optimizer.slots.span()) require(std::isfinite(value));
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  return make_seeds([](const std::filesystem::path& folder) {
    Described<> of = network();
    of.number();
    save_checkpoint(folder / "first", of, state_of(of, 0));
    save_checkpoint(folder / "third", of, state_of(of, 3), R"({"epochs": 4, "seed": 1})");
  });
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFile file;
  static const TempFolder folder;
  static const Described<> fresh = network();
  file.write(data, size);
  Described<> loaded = fresh;
  TrainingState<float> state;
  try {
    const std::string config = load_checkpoint(file.path(), loaded, state);
    require(read_checkpoint_config(file.path()) == config);
    check(state, loaded.parameters().size());
    for (const float weight : loaded.parameters()) require(std::isfinite(weight));
    save_checkpoint(folder / "a", loaded, state, config);
    load_checkpoint(folder / "a", loaded, state);
    save_checkpoint(folder / "b", loaded, state, config);
    require(slurp(folder / "a") == slurp(folder / "b"));
  } catch (const Error& error) {
    require(std::string(error.what()).starts_with(file.path().string() + ": "));
    for (const float weight : loaded.parameters()) require(weight == 0);
  }
  return 0;
}

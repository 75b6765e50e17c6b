#pragma once
/// The training loop.

#include <abell/core/compiled.hpp>
#include <abell/core/require_option.hpp>
#include <abell/inference/evaluate.hpp>
#include <abell/losses/losses.hpp>
#include <abell/metrics/history.hpp>
#include <abell/training/optimizer.hpp>
#include <abell/training/schedule.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace abell {

/// Where a run stands within an epoch, told to callbacks after every step.
struct StepReport {
  int epoch = 0;            ///< from 1
  std::size_t batch = 0;    ///< batches done in this epoch
  std::size_t batches = 0;  ///< batches in an epoch
  std::uint64_t step = 0;   ///< steps done in the run
  std::uint64_t steps = 0;  ///< steps the run will take
  std::size_t images = 0;   ///< images in this step
  double loss = 0;          ///< mean over the epoch so far
  double metric = 0;        ///< likewise; NaN where the loss has none
};

/// Called by `fit`; any member may be empty. `stop` is asked after every step: when it returns true
/// the run ends there, mid-epoch, and its state continues from there. In `on_step` and `on_epoch` the state
/// is one to continue from, too.
struct Callback {
  std::function<void(const StepReport&)> on_step = {};
  std::function<void(const EpochRecord&)> on_epoch = {};
  std::function<bool()> stop = {};
};

/// How `fit` trains. It throws OptionError for a batch or a number of epochs below 1, an ema_decay outside [0, 1), a
/// negative clip_norm, and what `loss`, `optimizer` and `schedule` refuse.
struct FitOptions {
  int batch = 10;                ///< images of a step; the last of an epoch may have fewer
  int epochs = 1;                ///< passes over the training images
  std::uint64_t iterations = 0;  ///< training steps in all; when above 0 it replaces `epochs`
  Loss loss = SoftmaxCrossEntropy{};
  Optimizer optimizer = Sgd{};
  Schedule schedule = ConstantRate{};
  double clip_norm = 0;  ///< above 0: the most that the Euclidean norm of all gradients may be
  std::optional<EarlyStopping> early_stopping = {};
  /// Above 0: what is validated, kept as the best and saved are not the weights themselves but their exponential moving
  /// average (Polyak & Juditsky 1992), a <- d a + (1 - d) w after update t with d = min(ema_decay, t / (t + 9)).
  double ema_decay = 0;
  std::uint64_t seed = 1;  ///< of shuffling and dropout
  int threads = 0;         ///< 0: all
  std::vector<Callback> callbacks = {};

  /// Batches in an epoch of so many images.
  std::size_t batches(std::size_t images) const {
    const auto in_batch = static_cast<std::size_t>(batch);
    return (images + in_batch - 1) / in_batch;
  }
  /// Training steps in all on so many images.
  std::uint64_t steps(std::size_t images) const {
    return iterations > 0 ? iterations : static_cast<std::uint64_t>(epochs) * batches(images);
  }
};

/// Everything that changes during a run besides the weights: enough to continue to the same bits.
template <class T>
struct TrainingState {
  OptimizerState<T> optimizer;
  ReduceOnPlateau::State plateau;
  EarlyStopping::State early_stopping;
  int epoch = 0;          ///< epochs finished
  std::size_t batch = 0;  ///< batches done of the epoch in progress
  double loss_sum = 0;    ///< over the images of the epoch in progress
  double metric_sum = 0;
  std::size_t seen = 0;
  double seconds = 0;     ///< of the epoch in progress, before an interruption
  bool finished = false;  ///< by count of steps or by early stopping
  History history;
  std::vector<T> ema;              ///< of the weights, empty unless asked for
  std::vector<T> best_parameters;  ///< after the epoch with the least watched loss
  double best_loss = std::numeric_limits<double>::infinity();
  int best_epoch = 0;
};

namespace detail {

template <class T>
bool all_finite(std::span<const T> values) {
  T sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::size_t i = 0; i < values.size(); ++i) sum += values[i] * T(0);
  return sum == T(0);
}

/// Takes the weights after update `updates` = 1, 2, ... into their exponential moving average.
template <class T>
void move_ema(double decay, std::uint64_t updates, int threads, std::span<const T> parameters, std::vector<T>& ema) {
  ema.resize(parameters.size());
  const auto t = static_cast<double>(updates - 1);
  const T kept = static_cast<T>(std::min(decay, t / (t + 9)));
  kernels::for_chunks(threads, parameters.size(), [&](std::size_t begin, std::size_t end) {
#pragma omp simd
    for (std::size_t i = begin; i < end; ++i) ema[i] = kept * ema[i] + (T(1) - kept) * parameters[i];
  });
}

}  // namespace detail

/// One training step: forward with dropout, loss, backward, update. The loss and the gradient are
/// checked before the weights change. Allocates nothing. Throws ShapeError where the network does not end in the layer
/// that the loss is fused with.
template <class T>
LossSum train_step(Network<T>& network, const FitOptions& options, OptimizerState<T>& state, Workspace<T>& space,
                   View<const std::type_identity_t<T>> images, View<const float> targets) {
  const std::string_view activation = options.loss.activation();
  if (!activation.empty() && !network.ends_in(activation)) {
    throw ShapeError("train_step: expected " + std::string(activation) + " as the last layer, found " +
                     network.layers().back().kind);
  }
  space.logits = !activation.empty();
  space.seed = options.seed;
  space.step = static_cast<std::uint32_t>(state.updates);
  const View<T> outputs = network.forward(images, space);
  const LossSum sum = options.loss(outputs, targets, true);
  network.backward(images, space);
  const std::span<T> gradients = space.gradients.span();
  if (!detail::all_finite<T>(gradients)) throw NumericError("a gradient is not finite");
  if (options.clip_norm > 0) clip_norm(options.clip_norm, gradients, network.trainable());
  network.update_statistics(space, images.batch);
  apply<T>(options.optimizer, state, space.threads, network.parameters(), gradients, network.trainable());
  if (!detail::all_finite<T>(network.parameters())) throw NumericError("a weight became infinite or NaN");
  return sum;
}

namespace detail {

/// Throws FormatError, beginning with `where`, unless `state` can have come from `images` images in batches of
/// `options.batch`; OptionError when `options` end before it, or when it ended within an epoch and is to go on.
template <class T>
void check_counts(const std::string& where, const TrainingState<T>& state, const FitOptions& options,
                  std::size_t images) {
  const auto batch = static_cast<std::size_t>(options.batch);
  const std::size_t batches = options.batches(images);
  const std::uint64_t before = batches * static_cast<std::uint64_t>(state.epoch);
  const std::uint64_t steps = options.steps(images);
  const std::uint64_t updates = state.optimizer.updates;
  const auto require = [&](bool holds, const std::string& expected, std::uint64_t found) {
    if (!holds) throw FormatError(where + ": expected " + expected + ", found " + std::to_string(found));
  };
  require(state.batch <= batches, "at most " + std::to_string(batches) + " batches in an epoch", state.batch);
  const std::size_t seen = std::min(state.batch * batch, images);
  require(state.seen == seen, std::to_string(seen) + " images in " + std::to_string(state.batch) + " batches",
          state.seen);
  // A count of iterations may cut the last epoch short.
  const bool cut = state.finished && updates < before && updates > before - batches;
  require(cut || updates == before + state.batch,
          std::to_string(before + state.batch) + " updates in " + std::to_string(state.epoch) + " epochs and " +
              std::to_string(state.batch) + " batches",
          updates);
  if (updates > steps) {
    throw OptionError(where + ": expected " + std::to_string(updates) +
                      " steps or more, which the run has done, found " + std::to_string(steps));
  }
  if (cut && updates < steps) {
    throw OptionError(where + ": expected a run that ended with an epoch to go on, found " + std::to_string(updates) +
                      " steps of epochs of " + std::to_string(batches));
  }
}

}  // namespace detail

/// Trains `network` on `train`, going on from `state` (a fresh one starts the run). After each epoch
/// the validation loss (without validation data: the training loss) is what plateau, early stopping and
/// the best weights watch. Afterwards the network holds the last weights and `state` the best ones.
/// Throws OptionError, ShapeError, and NumericError "epoch 3, batch 17: ..."; then the network holds
/// the last good weights: those before that step, or those that the epoch began with when the step spoilt them.
/// Throws FormatError when the counts of `state` are not those of a run on `train` with this batch.
template <class T>
void fit(Network<T>& network, SamplesView train, std::optional<SamplesView> validation, const FitOptions& options,
         TrainingState<T>& state) {
  options.optimizer.check();
  if (const auto* cosine = std::get_if<WarmUpCosine>(&options.schedule)) cosine->check();
  if (train.size() == 0) throw ShapeError("fit: expected at least one training image, found none");
  detail::require_option(options.iterations > 0 || options.epochs >= 1, "epochs", "1 or more", options.epochs);
  detail::require_option(options.ema_decay >= 0 && options.ema_decay < 1, "ema_decay", "a number in [0, 1)",
                         options.ema_decay);
  detail::require_option(options.clip_norm >= 0, "clip_norm", "a number of 0 or more", options.clip_norm);
  options.loss.check(network.output(), train.target_shape());
  OptimizerState<T> fresh(options.optimizer, network.parameters().size());
  if (state.optimizer.updates == 0 && state.optimizer.slots.size() == 0) {
    state.optimizer = std::move(fresh);
  } else if (state.optimizer.slots.size() != fresh.slots.size()) {
    throw ShapeError("fit: expected an optimizer state of " + std::to_string(fresh.slots.size()) + " values, found " +
                     std::to_string(state.optimizer.slots.size()) + ": the state of another optimizer or network");
  }

  Loader loader(train, {.batch = options.batch, .seed = options.seed, .shuffle = true});
  detail::check_counts("fit", state, options, train.size());
  const std::size_t batches = loader.batches();
  const std::uint64_t steps = options.steps(train.size());
  Workspace<T> space = network.workspace(options.batch, Mode::train, options.threads);
  Workspace<T> validation_space = network.workspace(std::min(options.batch, 4), Mode::predict, options.threads);
  const auto stop_asked = [&] {
    bool asked = false;
    for (const Callback& callback : options.callbacks) asked = (callback.stop && callback.stop()) || asked;
    return asked;
  };

  const bool measured = !options.loss.metric().empty();
  const auto mean_metric = [&] {
    return measured ? state.metric_sum / static_cast<double>(state.seen) : std::numeric_limits<double>::quiet_NaN();
  };
  const auto* cosine = std::get_if<WarmUpCosine>(&options.schedule);
  const auto* plateau = std::get_if<ReduceOnPlateau>(&options.schedule);
  const double full_rate = options.optimizer.learning_rate();
  std::vector<T> good;  // the weights at the start of the epoch
  // A run that came to its end may be given a later one.
  const bool stopped_early =
      state.finished && options.early_stopping && state.early_stopping.wait >= options.early_stopping->patience;
  state.finished = stopped_early || (state.optimizer.updates >= steps && state.batch == 0);
  while (!state.finished) {
    const auto start = std::chrono::steady_clock::now();
    const std::uint64_t first = state.optimizer.updates - state.batch;  // of this epoch
    const double rate = cosine != nullptr ? cosine->at(full_rate, first, steps) : state.optimizer.learning_rate;
    const double before = state.seconds;
    const double waited = loader.waited_seconds();
    good.assign(network.parameters().begin(), network.parameters().end());
    const auto clock = [&] {
      state.seconds = before + std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    loader.start(static_cast<std::uint32_t>(state.epoch), state.batch);
    while (state.optimizer.updates < steps) {
      const Batch* batch = loader.next();
      if (batch == nullptr) break;
      if (cosine != nullptr) state.optimizer.learning_rate = cosine->at(full_rate, state.optimizer.updates, steps);
      LossSum sum;
      try {
        sum = train_step(network, options, state.optimizer, space, batch->images, batch->targets);
      } catch (const NumericError& error) {
        if (!detail::all_finite<T>(network.parameters())) std::ranges::copy(good, network.parameters().begin());
        throw NumericError("epoch " + std::to_string(state.epoch + 1) + ", batch " + std::to_string(state.batch + 1) +
                           ": " + error.what());
      }
      if (options.ema_decay > 0) {
        detail::move_ema<T>(options.ema_decay, state.optimizer.updates, space.threads, network.parameters(), state.ema);
      }
      state.loss_sum += sum.loss;
      state.metric_sum += sum.metric;
      state.seen += batch->indices.size();
      ++state.batch;
      clock();
      const StepReport report{state.epoch + 1,
                              state.batch,
                              batches,
                              state.optimizer.updates,
                              steps,
                              batch->indices.size(),
                              state.loss_sum / static_cast<double>(state.seen),
                              mean_metric()};
      for (const Callback& callback : options.callbacks) {
        if (callback.on_step) callback.on_step(report);
      }
      if (stop_asked() && state.batch < batches && state.optimizer.updates < steps) return;
    }

    EpochRecord record;
    record.epoch = ++state.epoch;
    record.loss = state.loss_sum / static_cast<double>(state.seen);
    record.metric = mean_metric();
    record.learning_rate = rate;
    // The average takes the weights' place for the validation and the comparison with the best.
    const auto exchange = [&] { std::ranges::swap_ranges(state.ema, network.parameters()); };
    exchange();
    if (validation) {
      try {
        const Evaluation result = evaluate_batches(network, *validation, validation_space, options.loss);
        record.validation_loss = result.loss;
        record.validation_metric = result.metric;
      } catch (const NumericError& error) {
        exchange();
        throw NumericError("epoch " + std::to_string(record.epoch) + ", validation: " + error.what());
      }
    }
    const double watched = validation ? record.validation_loss : record.loss;
    if (watched < state.best_loss || state.best_parameters.empty()) {
      state.best_loss = watched;
      state.best_epoch = record.epoch;
      state.best_parameters.assign(network.parameters().begin(), network.parameters().end());
    }
    exchange();
    if (plateau != nullptr) state.optimizer.learning_rate = plateau->next(state.plateau, watched, rate);
    const bool stops = options.early_stopping && options.early_stopping->stop(state.early_stopping, watched);
    state.finished = stops || state.optimizer.updates >= steps;
    clock();
    record.seconds = state.seconds;
    record.waited_seconds = loader.waited_seconds() - waited;
    state.batch = state.seen = 0;
    state.loss_sum = state.metric_sum = state.seconds = 0;
    state.history.push_back(record);
    for (const Callback& callback : options.callbacks) {
      if (callback.on_epoch) callback.on_epoch(record);
    }
    if (stop_asked()) return;
  }
}
ABELL_COMPILED(void fit<float>(Network<float>&, SamplesView, std::optional<SamplesView>, const FitOptions&,
                               TrainingState<float>&))

/// Trains from the start and returns the history; the network holds the last weights.
template <class T>
History fit(Network<T>& network, SamplesView train, SamplesView validation, const FitOptions& options) {
  TrainingState<T> state;
  fit(network, train, std::optional(validation), options, state);
  return state.history;
}

/// The same without validation data.
template <class T>
History fit(Network<T>& network, SamplesView train, const FitOptions& options) {
  TrainingState<T> state;
  fit(network, train, std::nullopt, options, state);
  return state.history;
}

}  // namespace abell

#pragma once
/// What holds between the numbers of a training state wherever `fit` put it aside.

#include <abell/core/error.hpp>
#include <abell/training/fit.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <sstream>
#include <string>

namespace abell::detail {

/// The numbers of an EpochRecord.
inline constexpr std::size_t record_size = 8;

inline std::array<double, record_size> record_values(const EpochRecord& record) {
  return {static_cast<double>(record.epoch), record.loss,          record.metric,  record.validation_loss,
          record.validation_metric,          record.learning_rate, record.seconds, record.waited_seconds};
}

/// Throws FormatError naming `path` unless the parts of `state`, of a network of `parameters`, are ones that `fit`
/// can come to.
template <class T>
void check_state(const std::filesystem::path& path, const TrainingState<T>& state, std::size_t parameters) {
  const auto require = [&](bool holds, const std::string& expected, const auto& found) {
    if (holds) return;
    std::ostringstream text;
    text << path.string() << ": expected " << expected << ", found " << found;
    throw FormatError(text.str());
  };
  const auto epoch = static_cast<std::size_t>(state.epoch);
  const std::string epochs = std::to_string(epoch) + " epochs";
  const std::size_t best = epoch == 0 ? 0 : parameters;
  require(state.history.size() == epoch, "a history of " + epochs, state.history.size());
  require(state.best_parameters.size() == best, std::to_string(best) + " best parameters",
          state.best_parameters.size());
  require(state.ema.empty() || state.ema.size() == parameters,
          std::to_string(parameters) + " averaged parameters or none", state.ema.size());

  require((state.batch == 0) == (state.seen == 0) && state.batch <= state.seen,
          "images in each of " + std::to_string(state.batch) + " batches", std::to_string(state.seen) + " images");
  require(!state.finished || state.batch == 0, "no epoch in progress in a finished run", state.batch);
  const std::uint64_t least = epoch + state.batch;
  require(state.optimizer.updates >= least, "at least " + std::to_string(least) + " updates", state.optimizer.updates);
  require(epoch > 0 || state.optimizer.updates == least,
          std::to_string(least) + " updates before the first epoch's end", state.optimizer.updates);

  const auto not_negative = [](double value) { return std::isfinite(value) && value >= 0; };
  require(not_negative(state.optimizer.learning_rate), "a learning rate of 0 or more", state.optimizer.learning_rate);
  require(std::isfinite(state.loss_sum) && (state.batch > 0 || state.loss_sum == 0), "a finite sum of losses",
          state.loss_sum);
  require(std::isfinite(state.metric_sum) && (state.batch > 0 || state.metric_sum == 0), "a finite sum of metrics",
          state.metric_sum);
  require(not_negative(state.seconds), "0 seconds or more", state.seconds);

  const bool validated = epoch > 0 && !std::isnan(state.history.front().validation_loss);
  const bool measured = epoch > 0 && !std::isnan(state.history.front().metric);
  const auto as_all = [](bool finite, double value) { return finite ? std::isfinite(value) : std::isnan(value); };
  for (const EpochRecord& e : state.history) {
    const std::string of = " in epoch " + std::to_string(e.epoch);
    require(std::isfinite(e.loss), "a finite loss" + of, e.loss);
    require(as_all(measured, e.metric), (measured ? "a finite" : "no") + (" metric" + of), e.metric);
    require(as_all(validated, e.validation_loss), (validated ? "a finite" : "no") + (" validation loss" + of),
            e.validation_loss);
    require(as_all(measured && validated, e.validation_metric),
            (measured && validated ? "a finite" : "no") + (" validation metric" + of), e.validation_metric);
    require(not_negative(e.learning_rate), "a learning rate of 0 or more" + of, e.learning_rate);
    require(not_negative(e.seconds) && not_negative(e.waited_seconds), "0 seconds or more" + of,
            not_negative(e.seconds) ? e.waited_seconds : e.seconds);
  }

  // What is watched, and the least of it so far; infinite before the first epoch's end and where a rule is not used.
  const auto watched = [&](const EpochRecord& e) { return validated ? e.validation_loss : e.loss; };
  constexpr double none = std::numeric_limits<double>::infinity();
  double least_loss = none;
  for (const EpochRecord& e : state.history) least_loss = std::min(least_loss, watched(e));
  require(state.best_loss == least_loss, "a best loss of " + std::to_string(least_loss), state.best_loss);
  require(state.best_epoch <= state.epoch && (state.best_epoch > 0) == (epoch > 0),
          epoch == 0 ? "no best epoch" : "a best epoch of 1 to " + std::to_string(epoch), state.best_epoch);
  require(epoch == 0 || watched(state.history[static_cast<std::size_t>(state.best_epoch) - 1]) == least_loss,
          "the best epoch to have the best loss", "epoch " + std::to_string(state.best_epoch));
  const auto check_rule = [&](const std::string& rule, const auto& of_rule) {
    const bool known =
        std::ranges::any_of(state.history, [&](const EpochRecord& e) { return watched(e) == of_rule.best; });
    require(known || of_rule.best == none, "a loss of its history as the best of " + rule, of_rule.best);
    require(of_rule.wait >= 0 && of_rule.wait <= (known ? state.epoch : 0),
            "a wait of " + rule + " of at most " + std::to_string(known ? epoch : 0), of_rule.wait);
  };
  check_rule("the plateau", state.plateau);
  check_rule("early stopping", state.early_stopping);
  require(state.plateau.cooldown >= 0 && (state.plateau.cooldown == 0 || state.plateau.best != none),
          "no cooldown of an unused plateau", state.plateau.cooldown);
}

}  // namespace abell::detail

#pragma once
/// Whether a state that comes from a file is one that training came to.

#include <abell/core/error.hpp>
#include <abell/training/fit.hpp>
#include <cmath>
#include <cstddef>
#include <sstream>
#include <string>
#include <variant>

namespace abell {

/// Follows the learning rate, ReduceOnPlateau and EarlyStopping through the history of `state` and throws
/// FormatError, beginning with `where`, unless they end where `state` has them; checks its counts as `fit` does,
/// for `images` training images. For runs in whose rate no callback has a hand. Throws OptionError when the
/// options end before the state.
template <class T>
void check_resumable(const std::string& where, const TrainingState<T>& state, const FitOptions& options,
                     std::size_t images) {
  detail::check_counts(where, state, options, images);
  const auto require = [&](const char* what, double expected, double found) {
    if (found == expected) return;
    std::ostringstream text;
    text.precision(17);
    text << where << ": expected " << what << " of " << expected << " by its history, found " << found;
    throw FormatError(text.str());
  };
  const auto* cosine = std::get_if<WarmUpCosine>(&options.schedule);
  const auto* on_plateau = std::get_if<ReduceOnPlateau>(&options.schedule);
  const double full = options.optimizer.learning_rate();
  const std::uint64_t steps = options.steps(images);
  const bool share = options.loss.metric() == "accuracy";
  double rate = full;
  ReduceOnPlateau::State plateau;
  EarlyStopping::State early;
  for (const EpochRecord& epoch : state.history) {
    if (cosine != nullptr)
      rate = cosine->at(full, static_cast<std::uint64_t>(epoch.epoch - 1) * options.batches(images), steps);
    require("a learning rate", rate, epoch.learning_rate);
    for (const double metric : {epoch.metric, epoch.validation_metric}) {
      if (share && (metric < 0 || metric > 1)) {
        throw FormatError(where + ": expected an accuracy from 0 to 1 in epoch " + std::to_string(epoch.epoch) +
                          ", found " + std::to_string(metric));
      }
    }
    const double watched = std::isnan(epoch.validation_loss) ? epoch.loss : epoch.validation_loss;
    if (on_plateau != nullptr) rate = on_plateau->next(plateau, watched, rate);
    if (options.early_stopping) options.early_stopping->stop(early, watched);
  }
  if (cosine != nullptr && state.optimizer.updates > 0) rate = cosine->at(full, state.optimizer.updates - 1, steps);
  require("a learning rate", rate, state.optimizer.learning_rate);
  require("a best loss of the plateau", plateau.best, state.plateau.best);
  require("a wait of the plateau", plateau.wait, state.plateau.wait);
  require("a cooldown of the plateau", plateau.cooldown, state.plateau.cooldown);
  require("a best loss of early stopping", early.best, state.early_stopping.best);
  require("a wait of early stopping", early.wait, state.early_stopping.wait);
}

}  // namespace abell

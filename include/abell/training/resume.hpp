#pragma once
/// Whether a state that comes from a file is one that training came to.

#include <abell/core/error.hpp>
#include <abell/training/fit.hpp>
#include <cmath>
#include <cstddef>
#include <sstream>
#include <string>

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
  double rate = learning_rate(options.optimizer);
  ReduceOnPlateau::State plateau;
  EarlyStopping::State early;
  for (const EpochRecord& epoch : state.history) {
    require("a learning rate", rate, epoch.learning_rate);
    const double watched = std::isnan(epoch.validation_loss) ? epoch.loss : epoch.validation_loss;
    if (options.plateau) rate = options.plateau->next(plateau, watched, rate);
    if (options.early_stopping) options.early_stopping->stop(early, watched);
  }
  require("a learning rate", rate, state.optimizer.learning_rate);
  require("a best loss of the plateau", plateau.best, state.plateau.best);
  require("a wait of the plateau", plateau.wait, state.plateau.wait);
  require("a cooldown of the plateau", plateau.cooldown, state.plateau.cooldown);
  require("a best loss of early stopping", early.best, state.early_stopping.best);
  require("a wait of early stopping", early.wait, state.early_stopping.wait);
}

}  // namespace abell

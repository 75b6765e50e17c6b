#pragma once
/// The record of a training run, an entry for each epoch.

#include <cstdint>
#include <vector>

namespace abell {

/// What one epoch ended with. Training values are means over the epoch's batches with dropout on and
/// the weights moving; validation values are NaN without a validation set.
struct EpochRecord {
  int epoch = 0;  ///< from 1
  double loss = 0;
  double accuracy = 0;
  double validation_loss = 0;
  double validation_accuracy = 0;
  double learning_rate = 0;  ///< before decay, as used in this epoch
  double seconds = 0;
  double waited_seconds = 0;  ///< of these, spent waiting for the loader
};

using History = std::vector<EpochRecord>;

}  // namespace abell

#pragma once
/// The record of a training run, an entry for each epoch.

#include <limits>
#include <vector>

namespace abell {

/// What one epoch ended with; NaN is not measured. Training values are means over the epoch's batches with dropout on
/// and the weights moving; validation values are NaN without a validation set. What the metric is, the loss tells.
struct EpochRecord {
  int epoch = 0;  ///< from 1
  double loss = std::numeric_limits<double>::quiet_NaN();
  double metric = std::numeric_limits<double>::quiet_NaN();
  double validation_loss = std::numeric_limits<double>::quiet_NaN();
  double validation_metric = std::numeric_limits<double>::quiet_NaN();
  double learning_rate = std::numeric_limits<double>::quiet_NaN();  ///< before decay, as this epoch began with
  double seconds = std::numeric_limits<double>::quiet_NaN();
  double waited_seconds = std::numeric_limits<double>::quiet_NaN();  ///< of these, spent waiting for the loader
};

/// The epochs of a run in order.
using History = std::vector<EpochRecord>;

}  // namespace abell

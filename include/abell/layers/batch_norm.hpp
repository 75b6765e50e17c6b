#pragma once
/// Batch normalisation (Ioffe & Szegedy 2015): each channel is brought to mean 0 and variance 1 over the
/// batch and its pixels, then scaled and shifted:
///   y = gamma (x - mean) / sqrt(variance + epsilon) + beta
/// with the batch's own mean and (biased) variance in training, their moving averages otherwise.

#include <abell/layers/stage.hpp>

namespace abell {

/// What of a batch's variance goes into its moving average; n values a channel.
enum class MovingVariance {
  keras,     ///< n / (n - 1) (TensorFlow's kernel) times n / (n - 1 - epsilon) (Keras 2.2 once more)
  unbiased,  ///< n / (n - 1): PyTorch
  biased     ///< the batch's variance itself: the paper's Algorithm 1
};

/// What a layer with trainable = false normalises with in training. Its moving averages stay as they are.
enum class FrozenStatistics {
  moving,  ///< the moving averages: the layer is a constant affine map (TensorFlow 2)
  batch    ///< the batch's own: the layer's output still depends on the batch (Keras 2.1.3 to 2.3)
};

/// Options of a batch normalisation, with Keras's defaults. PyTorch's form:
/// {.momentum = 0.9, .epsilon = 1e-5, .moving_variance = MovingVariance::unbiased}.
struct BatchNorm {
  double momentum = 0.99;  ///< of the moving averages: m <- momentum m + (1 - momentum) batch
  double epsilon = 1e-3;
  MovingVariance moving_variance = MovingVariance::keras;
  bool zero_debias = false;  ///< averages as in Keras up to 2.2.5: the first update discards what was loaded
  bool trainable = true;
  FrozenStatistics frozen = FrozenStatistics::moving;
  std::string_view name = {};

  static constexpr std::string_view kind = "BatchNorm";

  Shape output(const Place& place) const {
    if (!(momentum >= 0 && momentum < 1)) {
      shape_error(place.name, kind, "a momentum in [0, 1)", std::to_string(momentum));
    }
    if (!(epsilon > 0)) shape_error(place.name, kind, "an epsilon above 0", std::to_string(epsilon));
    return place.input;
  }
  /// gamma 1, beta 0, moving_mean 0, moving_variance 1, one value for each channel. Optimizers leave the
  /// moving averages alone.
  std::vector<Parameter> parameters(const Place& place) const {
    const int channels = place.input.channels;
    return {{"gamma", {channels}, 0, 1, trainable},
            {"beta", {channels}, 0, 0, trainable},
            {"moving_mean", {channels}, 0, 0, false},
            {"moving_variance", {channels}, 0, 1, false}};
  }
  std::size_t multiply_adds(const Place&) const { return 0; }
  /// Whether a training step normalises with the batch's statistics.
  constexpr bool batch_statistics() const { return trainable || frozen == FrozenStatistics::batch; }
};

}  // namespace abell

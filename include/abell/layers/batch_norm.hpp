#pragma once
/// Batch normalisation (Ioffe & Szegedy 2015): each channel is brought to mean 0 and variance 1 over the
/// batch and its pixels, then scaled and shifted:
///   y = gamma (x - mean) / sqrt(variance + epsilon) + beta
/// with the batch's own mean and (biased) variance in training, their moving averages otherwise.

#include <abell/kernels/batch_norm.hpp>
#include <abell/layers/stage.hpp>
#include <algorithm>

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

/// See option.hpp.
constexpr std::array<std::string_view, 3> words(MovingVariance) { return {"keras", "unbiased", "biased"}; }
constexpr std::array<std::string_view, 2> words(FrozenStatistics) { return {"moving", "batch"}; }

template <class T>
class BatchNormStage;
template <class T>
class NormalizedChainStage;

/// Options of a batch normalisation, which keeps the shape: Keras's BatchNormalization with its defaults. PyTorch's
/// form: {.momentum = 0.9, .epsilon = 1e-5, .moving_variance = MovingVariance::unbiased}.
struct BatchNorm {
  double momentum = 0.99;  ///< of the moving averages: m <- momentum m + (1 - momentum) batch
  double epsilon = 1e-3;   ///< added to the variance, above 0
  MovingVariance moving_variance = MovingVariance::keras;
  bool zero_debias = false;  ///< averages as in Keras up to 2.2.5: the first update discards what was loaded
  bool trainable = true;
  FrozenStatistics frozen = FrozenStatistics::moving;
  std::string_view name = {};

  static constexpr std::string_view kind = "BatchNorm";
  static constexpr auto options =
      std::tuple(Option{"momentum", &BatchNorm::momentum}, Option{"epsilon", &BatchNorm::epsilon},
                 Option{"moving_variance", &BatchNorm::moving_variance}, Option{"zero_debias", &BatchNorm::zero_debias},
                 Option{"trainable", &BatchNorm::trainable}, Option{"frozen", &BatchNorm::frozen});
  static constexpr std::string_view keras_kind = "batch_normalization";
  template <class T>
  using Stage = BatchNormStage<T>;
  template <class T>
  using Fused = NormalizedChainStage<T>;

  /// Throws OptionError for a momentum outside [0, 1) and for an epsilon that is not above 0.
  Shape output(const Place& place) const {
    if (!(momentum >= 0 && momentum < 1)) {
      option_error(place.name, kind, "a momentum in [0, 1)", std::to_string(momentum));
    }
    if (!(epsilon > 0)) option_error(place.name, kind, "an epsilon above 0", std::to_string(epsilon));
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
  /// Whether a training step normalises with the batch's statistics.
  constexpr bool batch_statistics() const { return trainable || frozen == FrozenStatistics::batch; }
  void to_onnx(OnnxNodes& graph) const {
    graph.in_order();
    const std::string gamma = graph.weights(), beta = graph.weights(), mean = graph.weights(),
                      variance = graph.weights();
    graph.node("BatchNormalization", {{"epsilon", epsilon}}, {gamma, beta, mean, variance});
  }
};

/// Parameters of one batch normalisation within an arena: gamma, beta, moving mean, moving variance.
template <class T>
struct NormParameters {
  T* memory;
  std::size_t channels;

  T* gamma() const { return memory; }
  T* beta() const { return memory + channels; }
  T* moving_mean() const { return memory + 2 * channels; }
  T* moving_variance() const { return memory + 3 * channels; }
  static constexpr std::size_t arrays = 4;
};

/// The map of a batch normalisation by its moving averages.
template <class T>
void norm_by_moving_averages(const BatchNorm& options, const NormParameters<const T>& p,
                             const kernels::NormState<T>& state) {
  std::copy_n(p.moving_mean(), p.channels, state.mean);
  norm_affine(state, p.channels, options.epsilon, p.moving_variance(), p.gamma(), p.beta());
}

/// Takes a batch's statistics (`values` values a channel) into the moving averages at update `step` = 0, 1, ...:
///   m <- momentum m + (1 - momentum) batch,
/// or with zero_debias the average of the batches alone, from a shadow m (1 - momentum^step) that starts at 0.
template <class T>
void update_moving_averages(const BatchNorm& options, const kernels::NormState<T>& state, double values,
                            std::uint32_t step, const NormParameters<T>& p) {
  if (!options.trainable) return;
  double correction = 1;
  if (values > 1 && options.moving_variance != MovingVariance::biased) correction = values / (values - 1);
  if (values > 1 + options.epsilon && options.moving_variance == MovingVariance::keras) {
    correction *= values / (values - 1 - options.epsilon);
  }
  const double before = options.zero_debias ? 1 - std::pow(options.momentum, step) : 1;
  const double after = options.zero_debias ? 1 - std::pow(options.momentum, step + 1.0) : 1;
  const auto move = [&](T& average, double batch) {
    average = static_cast<T>(
        (options.momentum * before * static_cast<double>(average) + (1 - options.momentum) * batch) / after);
  };
  for (std::size_t c = 0; c < p.channels; ++c) {
    move(p.moving_mean()[c], static_cast<double>(state.mean[c]));
    move(p.moving_variance()[c], static_cast<double>(state.variance[c]) * correction);
  }
}

/// The layer by itself, as four passes over memory. Saves its NormState.
template <class T>
class BatchNormStage {
 public:
  BatchNormStage(const Place& place, const BatchNorm& options)
      : options_(options),
        pixels_(place.input.pixels()),
        channels_(static_cast<std::size_t>(place.input.channels)),
        strip_pixels_(static_cast<std::size_t>(kernels::norm_strip_pixels<T>(place.input.channels))) {}

  StageMemory memory(const kernels::Backend<T>&, int batch, Mode) const {
    const std::size_t state = kernels::NormState<T>::arrays * channels_;
    return {state * sizeof(T), state + kernels::StripSums<T>::size(strips(batch), channels_)};
  }

  void forward(const Pass<T>& pass, const T* x, T* y) const {
    const auto state = this->state(pass);
    const NormParameters<const T> p{pass.parameters, channels_};
    if (by_batch(pass)) {
      const kernels::StripSums<T> found = scratch(pass);
      each_strip(pass, [&](int strip, std::size_t first, long pixels) {
        pass.backend.normalized().moments(x + first * channels_, pixels, width(), found.first(strip),
                                          found.second(strip));
      });
      combine_moments(
          pass.backend.threads, found, strips(pass.batch), [&](int i) { return size_of(pass.batch, i); }, state);
      norm_affine(state, channels_, options_.epsilon, state.variance, p.gamma(), p.beta());
    } else {
      norm_by_moving_averages(options_, p, state);
    }
    each_strip(pass, [&](int, std::size_t first, long pixels) {
      const kernels::Rows<T> rows{.values = x + first * channels_, .scale = state.scale, .shift = state.shift};
      pass.backend.normalized().read_rows(rows, pixels, width(), {y + first * channels_, width()});
    });
  }

  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    const auto state = this->state(pass);
    const kernels::StripSums<T> sums = scratch(pass);
    each_strip(pass, [&](int strip, std::size_t first, long pixels) {
      pass.backend.normalized().norm_gradient({{.values = x + first * channels_}, state.mean, state.inverse}, pixels,
                                              width(), dy + first * channels_, nullptr, sums.first(strip),
                                              sums.second(strip));
    });
    const NormParameters<T> gradients{pass.gradients, channels_};
    norm_backward(pass.backend.threads, sums, strips(pass.batch), values(pass.batch), by_batch(pass), pass.parameters,
                  state, gradients.gamma(), gradients.beta());
    std::fill_n(options_.trainable ? gradients.moving_mean() : gradients.gamma(),
                (options_.trainable ? 2 : 4) * channels_, T(0));
    if (dx == nullptr) return;
    each_strip(pass, [&](int, std::size_t first, long pixels) {
      const kernels::Rows<T> rows{.values = dy + first * channels_,
                                  .scale = state.g_scale,
                                  .shift = state.offset,
                                  .other = x + first * channels_,
                                  .other_scale = state.x_scale};
      pass.backend.normalized().read_rows(rows, pixels, width(), {dx + first * channels_, width()});
    });
  }

  void update_statistics(const Pass<T>& pass, T* parameters) const {
    update_moving_averages(options_, state(pass), values(pass.batch), pass.step, {parameters, channels_});
  }

 private:
  bool by_batch(const Pass<T>& pass) const { return options_.batch_statistics() && pass.mode == Mode::train; }
  int width() const { return static_cast<int>(channels_); }
  double values(int batch) const { return static_cast<double>(pixels_) * batch; }
  int strips(int batch) const {
    return static_cast<int>((pixels_ * static_cast<std::size_t>(batch) + strip_pixels_ - 1) / strip_pixels_);
  }
  long size_of(int batch, int strip) const {
    const std::size_t all = pixels_ * static_cast<std::size_t>(batch);
    return static_cast<long>(std::min(strip_pixels_, all - static_cast<std::size_t>(strip) * strip_pixels_));
  }
  template <class Body>
  void each_strip(const Pass<T>& pass, const Body& body) const {
    parallel_for(strips(pass.batch), pass.backend.threads, [&](int strip, int) {
      body(strip, static_cast<std::size_t>(strip) * strip_pixels_, size_of(pass.batch, strip));
    });
  }
  kernels::StripSums<T> scratch(const Pass<T>& pass) const {
    return {pass.scratch + kernels::NormState<T>::arrays * channels_, channels_};
  }
  kernels::NormState<T> state(const Pass<T>& pass) const {
    return kernels::NormState<T>::at(has_backward(pass.mode) ? reinterpret_cast<T*>(pass.saved) : pass.scratch,
                                     channels_);
  }

  BatchNorm options_;
  std::size_t pixels_;
  std::size_t channels_;
  std::size_t strip_pixels_;
};

}  // namespace abell

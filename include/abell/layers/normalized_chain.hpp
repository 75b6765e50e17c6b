#pragma once
/// A chain of normalised convolutions as one stage: [Conv2d or DepthwiseConv2d, BatchNorm, Relu6] N times.
///
/// In training each link leaves one activation in memory, its convolution's output, where layer by layer there would
/// be three; normalisation, ReLU6 and their gradients happen while other kernels read. In prediction the
/// normalisations are folded into the weights.

#include <abell/layers/fused_stage.hpp>
#include <abell/layers/normalized_backward.hpp>
#include <abell/layers/normalized_prediction.hpp>
#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <vector>

namespace abell {

/// The links that the first of a list of layers are, built for one input shape.
template <class T>
class NormalizedChainStage {
 public:
  /// A longer chain becomes several.
  static constexpr std::size_t most_links = 64;

  NormalizedChainStage(const Place& place, std::span<const AnyLayer<T>> layers, std::size_t links) {
    Place at = place;
    for (std::size_t i = 0; i < links; ++i) {
      const auto& norm = *layers[3 * i + 1].template as<BatchNorm>();
      if (const auto* conv = layers[3 * i].template as<Conv2d>()) {
        add(at, *conv, norm);
      } else {
        add(at, *layers[3 * i].template as<DepthwiseConv2d>(), norm);
      }
    }
  }

  /// The options of all its layers, in order.
  template <class... Layers>
  requires(sizeof...(Layers) > 0 && sizeof...(Layers) % 3 == 0)
      NormalizedChainStage(const Place& place, const Layers&... layers)
      : NormalizedChainStage(place, LayerList<T>{AnyLayer<T>(layers)...}, sizeof...(Layers) / 3) {}

  StageMemory memory(const kernels::Backend<T>& backend, int batch, Mode mode) const {
    if (!has_backward(mode)) return detail::NormalizedPrediction<T>(links_, backend, batch).memory();
    const Pass<T> pass{.backend = backend, .batch = batch};
    const Saved saved = saved_at(nullptr, batch);
    std::size_t scratch = 0;
    for (const NormalizedLink& link : links_) {
      scratch = std::max({scratch, detail::link_forward<T>(link, pass, {}, nullptr, nullptr, nullptr),
                          detail::link_backward<T>(link, pass, {}, nullptr)});
    }
    return {saved.size * sizeof(T), statistics_size(batch) + scratch};
  }

  void forward(const Pass<T>& pass, const T* x, T* y) const {
    if (!has_backward(pass.mode)) {
      if (!pass.prepared) prepare(pass);
      return detail::NormalizedPrediction<T>(links_, pass.backend, pass.batch).run(pass, x, y);
    }
    const Saved saved = saved_at(reinterpret_cast<T*>(pass.saved), pass.batch);
    T* scratch = pass.scratch + statistics_size(pass.batch);
    kernels::Rows<T> rows{x};
    for (std::size_t i = 0; i < links_.size(); ++i) {
      const NormalizedLink& link = links_[i];
      const auto state = saved.states[i];
      const NormParameters<const T> p{pass.parameters + link.norm_at(), link.filters()};
      const kernels::StripSums<T> statistics{pass.scratch, link.filters()};
      const bool batch_statistics = by_batch(pass, link);
      detail::link_forward(link, pass, rows, saved.z[i], batch_statistics ? &statistics : nullptr, scratch);
      if (batch_statistics) {
        combine_moments(
            pass.backend.threads, statistics, detail::link_forward_strips<T>(link, pass.batch),
            [&](int strip) { return detail::link_strip_pixels<T>(link, pass.batch, strip); }, state);
        norm_affine(state, link.filters(), link.norm.epsilon, state.variance, p.gamma(), p.beta());
      } else {
        norm_by_moving_averages(link.norm, p, state);
      }
      rows = activation(saved, i);
    }
    detail::read_all(pass, rows, links_.back().output_pixels(pass.batch), links_.back().filters(), y);
  }

  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    const Saved saved = saved_at(reinterpret_cast<T*>(pass.saved), pass.batch);
    T* scratch = pass.scratch + statistics_size(pass.batch);
    int strips = begin_backward(pass, saved, dy);
    // Without dx the links before the first that trains are left out.
    const std::size_t lowest = dx != nullptr ? 0 : first_trainable();
    for (std::size_t i = links_.size(); i-- > lowest;) {
      const NormalizedLink& link = links_[i];
      const auto state = saved.states[i];
      finish_norm(pass, link, state, strips);
      const detail::LinkBackward<T> work{.x = i > 0 ? activation(saved, i - 1) : kernels::Rows<T>{x},
                                         .dz = {.values = saved.gradients[i % 2],
                                                .scale = state.g_scale,
                                                .shift = state.offset,
                                                .other = saved.z[i],
                                                .other_scale = state.x_scale},
                                         .dx = i > lowest ? saved.gradients[(i - 1) % 2] : dx,
                                         .before = i > 0 ? &saved.states[i - 1] : nullptr,
                                         .sums = {pass.scratch, link.channels()},
                                         .weight_gradient = pass.gradients + link.parameters};
      detail::link_backward(link, pass, work, scratch);
      strips = detail::link_backward_strips<T>(link, pass.batch);
    }
  }

  /// Folds the normalisations into the weights and packs them, for predictions to come.
  void prepare(const Pass<T>& pass) const {
    detail::NormalizedPrediction<T>(links_, pass.backend, pass.batch).pack(pass);
  }

  void update_statistics(const Pass<T>& pass, T* parameters) const {
    const Saved saved = saved_at(reinterpret_cast<T*>(pass.saved), pass.batch);
    for (std::size_t i = 0; i < links_.size(); ++i) {
      const NormalizedLink& link = links_[i];
      update_moving_averages(link.norm, saved.states[i], link.output_pixels(pass.batch), pass.step,
                             {parameters + link.norm_at(), link.filters()});
    }
  }

  /// [Conv2d or DepthwiseConv2d, BatchNorm, Relu6], as often as it comes in a row.
  static std::optional<FusedStage<T>> fuse(const Place& place, std::span<const AnyLayer<T>> layers) {
    std::size_t links = 0;
    const auto begins = [&](std::span<const AnyLayer<T>> rest) {
      return rest.size() >= 3 &&
             (rest[0].template as<Conv2d>() != nullptr || rest[0].template as<DepthwiseConv2d>() != nullptr) &&
             rest[1].template as<BatchNorm>() != nullptr && rest[2].template as<Relu6>() != nullptr;
    };
    while (links < most_links && begins(layers.subspan(3 * links))) ++links;
    if (links == 0) return {};
    return FusedStage<T>{AnyStage<T>::template make<NormalizedChainStage>(place, layers, links), 3 * links};
  }

 private:
  /// What training keeps: each link's z and state, and two gradients that take turns.
  struct Saved {
    std::array<T*, most_links> z;
    std::array<kernels::NormState<T>, most_links> states;
    std::array<T*, 2> gradients;
    std::size_t size;
  };

  template <class Conv>
  void add(Place& at, const Conv& conv, const BatchNorm& norm) {
    links_.emplace_back(at, conv, norm, links_.empty() ? 0 : links_.back().end);
    at.input = conv.output(at);
  }

  static bool by_batch(const Pass<T>& pass, const NormalizedLink& link) {
    return link.norm.batch_statistics() && pass.mode == Mode::train;
  }
  std::size_t first_trainable() const {
    std::size_t i = 0;
    while (i < links_.size() && !links_[i].trainable) ++i;
    return i;
  }

  Saved saved_at(T* memory, int batch) const {
    const auto images = static_cast<std::size_t>(batch);
    Saved saved{};
    std::size_t largest = 0;
    detail::Carve<T> carve{memory};
    for (std::size_t i = 0; i < links_.size(); ++i) {
      const std::size_t size = images * links_[i].geometry.output_size();
      largest = std::max(largest, size);
      saved.z[i] = carve(size);
      saved.states[i] =
          kernels::NormState<T>::at(carve(kernels::NormState<T>::arrays * links_[i].filters()), links_[i].filters());
    }
    for (T*& gradient : saved.gradients) gradient = carve(largest);
    saved.size = carve.used;
    return saved;
  }

  /// The output of link i as its readers see it.
  static kernels::Rows<T> activation(const Saved& saved, std::size_t i) {
    return {.values = saved.z[i], .scale = saved.states[i].scale, .shift = saved.states[i].shift, .relu6 = true};
  }

  /// Values of the strips' statistics, at the beginning of the scratch memory.
  std::size_t statistics_size(int batch) const {
    std::size_t size = 0;
    const auto with = [&](int strips, std::size_t channels) {
      size = std::max(size, kernels::StripSums<T>::size(strips, channels));
    };
    for (const NormalizedLink& link : links_) {
      with(detail::link_strips<T>(link, batch), std::max(link.channels(), link.filters()));
    }
    const NormalizedLink& last = links_.back();
    with(detail::plain_strips<T>(last.output_pixels(batch), last.filters()).size(), last.filters());
    return round_up(size, 16);
  }

  /// Takes dy through the last ReLU6. Returns the number of strips.
  int begin_backward(const Pass<T>& pass, const Saved& saved, const T* dy) const {
    const NormalizedLink& last = links_.back();
    const auto strips = detail::plain_strips<T>(last.output_pixels(pass.batch), last.filters());
    const kernels::StripSums<T> sums{pass.scratch, last.filters()};
    T* g = saved.gradients[(links_.size() - 1) % 2];
    parallel_for(strips.size(), pass.backend.threads, [&](int strip, int) {
      const auto [begin, end] = strips[strip];
      const std::size_t first = static_cast<std::size_t>(begin) * last.filters();
      const auto& state = saved.states[links_.size() - 1];
      pass.backend.normalized().norm_gradient(
          {activation(saved, links_.size() - 1).from(first), state.mean, state.inverse}, end - begin,
          last.geometry.filters, dy + first, g + first, sums.first(strip), sums.second(strip));
    });
    return strips.size();
  }

  /// From the sums over `strips` strips: the gradients of a link's gamma, beta and bias, and the map to that of z.
  void finish_norm(const Pass<T>& pass, const NormalizedLink& link, const kernels::NormState<T>& state,
                   int strips) const {
    const NormParameters<T> gradients{pass.gradients + link.norm_at(), link.filters()};
    const NormParameters<const T> p{pass.parameters + link.norm_at(), link.filters()};
    const bool batch_statistics = by_batch(pass, link);
    norm_backward(pass.backend.threads, {pass.scratch, link.filters()}, strips, link.output_pixels(pass.batch),
                  batch_statistics, p.gamma(), state, gradients.gamma(), gradients.beta());
    // A bias before batch statistics moves the mean with it and changes nothing.
    for (std::size_t f = 0; link.bias && f < link.filters(); ++f) {
      pass.gradients[link.bias_at() + f] = batch_statistics ? T(0) : state.g_scale[f] * gradients.beta()[f];
    }
    std::fill_n(link.norm.trainable ? gradients.moving_mean() : gradients.gamma(),
                (link.norm.trainable ? 2 : 4) * link.filters(), T(0));
  }

  std::vector<NormalizedLink> links_;
};

}  // namespace abell

#pragma once
/// Compares the gradients of a network, or of a stage of your own, with differences of its forward
/// pass, in double.
///
/// For a scalar f of the output (the loss, or a sum of the outputs with random weights) and each value
/// v of weights and input, with the central difference D(h) = (f(v + h) - f(v - h)) / 2h,
///   df/dv = (4 D(h/2) - D(h)) / 3 + O(h^4).
/// ReLU and max-pool have kinks, across which a difference tells nothing: there D(h) and D(h/2)
/// disagree, or the second differences S(h) = (f(v + h) - 2 f(v) + f(v - h)) / h do not halve with h
/// (a kink at v itself leaves D alone). Such values are skipped; only f decides, never the gradient.

#include <abell/losses/loss.hpp>
#include <abell/network/network.hpp>
#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace abell {

struct GradcheckOptions {
  double step = 2e-5;      ///< h of the differences
  std::size_t most = 0;    ///< values to check in each array, spread evenly; 0: all
  std::uint64_t seed = 1;  ///< of dropout masks and all random draws
  int threads = 2;         ///< of the first run; all others take one
};

/// What a gradient check found.
struct GradcheckResult {
  double worst = 0;       ///< largest |gradient - difference| over the largest |value| of its array
  std::string where;      ///< of the worst: "conv2d_1/kernel[17]" or "input[3]"
  double gradient = 0;    ///< there, by backward
  double difference = 0;  ///< there, from the forward pass
  std::size_t checked = 0;
  std::size_t skipped = 0;  ///< kinks
  std::string broken;       ///< the first breach of the stages' contract (see stage.hpp); empty: none

  /// True when all gradients agree, the contract holds and most values could be checked.
  bool passed(double tolerance = 1e-6) const {
    return broken.empty() && checked > 0 && checked >= 3 * skipped && worst <= tolerance;
  }
};

/// One line that says what was found.
inline std::string to_string(const GradcheckResult& result) {
  std::string text = std::to_string(result.checked) + " values checked, " + std::to_string(result.skipped) + " skipped";
  const auto number = [](double value) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%.9g", value);
    return std::string(digits);
  };
  if (!result.where.empty()) {
    text += "; worst relative error " + number(result.worst) + " at " + result.where + ": gradient " +
            number(result.gradient) + ", difference " + number(result.difference);
  }
  return result.broken.empty() ? text : result.broken + "; " + text;
}

namespace detail {

using Values = std::vector<double>;

inline constexpr double not_written = std::numeric_limits<double>::quiet_NaN();

inline bool same_bits(std::span<const double> a, std::span<const double> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

inline Values copy_of(std::span<const double> values) { return {values.begin(), values.end()}; }

/// Compares one array's gradient with differences of `f`, which reads `values`.
template <class F>
void check_array(const std::string& name, std::span<double> values, std::span<const double> gradient, const F& f,
                 const GradcheckOptions& options, GradcheckResult& result) {
  struct Probe {
    std::size_t index;
    double slope;
    double jump;
  };
  const std::size_t stride =
      options.most == 0 || options.most >= values.size() ? 1 : (values.size() + options.most - 1) / options.most;
  const double h = options.step;
  const double middle = f();
  std::vector<Probe> probes;
  double scale = 0;
  for (std::size_t i = 0; i < values.size(); i += stride) {
    const double value = values[i];
    const auto at = [&](double moved) {
      values[i] = value + moved;
      return f();
    };
    const double up = at(h), down = at(-h), near_up = at(h / 2), near_down = at(-h / 2);
    values[i] = value;
    const double wide = (up - down) / (2 * h);
    const double narrow = (near_up - near_down) / h;
    const double bend = (up - 2 * middle + down) / h - 2 * (near_up - 2 * middle + near_down) / (h / 2);
    probes.push_back({i, (4 * narrow - wide) / 3, std::max(std::abs(wide - narrow), std::abs(bend))});
    scale = std::max({scale, std::abs(probes.back().slope), std::isnan(gradient[i]) ? 0 : std::abs(gradient[i])});
  }
  const double rounding = 64 * std::numeric_limits<double>::epsilon() * std::abs(middle) / h;
  for (const Probe& probe : probes) {
    const double found = gradient[probe.index];
    const std::string where = name + "[" + std::to_string(probe.index) + "]";
    if (std::isnan(found) && result.broken.empty()) result.broken = where + " is NaN or was not written";
    if (!(probe.jump <= 1e-7 * scale + rounding)) {
      ++result.skipped;
      continue;
    }
    ++result.checked;
    const double error = scale > 0 ? std::abs(found - probe.slope) / scale : 0;
    if (result.where.empty() || !(error <= result.worst)) {
      result.worst = std::isnan(error) ? std::numeric_limits<double>::infinity() : error;
      result.where = where;
      result.gradient = found;
      result.difference = probe.slope;
    }
  }
}

/// sum over outputs of weight * output.
inline double weighted_sum(std::span<const double> outputs, std::span<const double> weights) {
  double sum = 0;
  for (std::size_t i = 0; i < outputs.size(); ++i) sum += outputs[i] * weights[i];
  return sum;
}

inline Values normals(std::size_t count, std::uint64_t seed, std::uint32_t number) {
  Random random(seed, {Purpose::user, number, 77});
  Values values(count);
  for (double& value : values) value = random.normal();
  return values;
}

/// f = loss(outputs, false); loss(outputs, true) also replaces the outputs by f's gradient. With `logits` the last
/// layer is left out.
template <class Network, class F>
GradcheckResult check_network(Network& network, Tensor<double>& images, bool logits, const F& loss,
                              const GradcheckOptions& options) {
  static_assert(std::is_same_v<typename Network::Scalar, double>,
                "gradients are checked in double: build<double>(...)");
  GradcheckResult result;
  const auto memory = [&](int threads) {
    auto space = network.workspace(images.batch(), Mode::train, threads);
    space.logits = logits;
    space.seed = options.seed;
    std::ranges::fill(space.output.span(), not_written);
    std::ranges::fill(space.gradients.span(), not_written);
    std::ranges::fill(space.saved.span(), std::byte{0xFF});
    std::ranges::fill(space.scratch.span(), not_written);
    return space;
  };
  const auto gradients = [&](Workspace<double>& space, Values& input) {
    input.assign(images.size(), not_written);
    loss(network.forward(images, space), true);
    std::ranges::fill(space.scratch.span(), not_written);
    network.backward(images, space, input.data());
    return copy_of(space.gradients.span());
  };
  auto space = memory(thread_count(options.threads));
  auto single = memory(1);
  Values input, input_again;
  const Values all = gradients(space, input);
  if (!same_bits(all, gradients(single, input_again)) || !same_bits(input, input_again)) {
    result.broken = "a second run gave other bits";
  }
  const auto f = [&] { return loss(network.forward(images, single), false); };
  for (const NamedParameter& named : network.named_parameters()) {
    if (!named.trainable) continue;
    check_array(named.name, network.parameters().subspan(named.offset, named.size),
                std::span(all).subspan(named.offset, named.size), f, options, result);
  }
  check_array("input", images.span(), input, f, options, result);
  return result;
}

}  // namespace detail

/// Checks every trainable parameter and every input value of a built network, layer by layer fused as it is, with the
/// mean loss of the images as f. Dropout keeps one mask. All memory starts as NaN; a second run, on one thread, must
/// give the same bits.
///
///     const GradcheckResult result = gradcheck(network, images, SoftmaxCrossEntropy{}, label_targets(labels));
///     if (!result.passed()) std::cerr << to_string(result) << "\n";
///
/// The network's parameters are moved and put back. Throws what network and loss throw.
template <class Network>
GradcheckResult gradcheck(Network& network, Tensor<double>& images, const Loss& loss, View<const float> targets,
                          const GradcheckOptions& options = {}) {
  const auto mean = [&](View<double> outputs, bool gradient) {
    return loss(outputs, targets, gradient).loss / outputs.batch;
  };
  return detail::check_network(network, images, !loss.activation().empty(), mean, options);
}

/// The same with a function of your own: f = loss(outputs, false); loss(outputs, true) also replaces the outputs (the
/// logits where the network ends in Softmax) by f's gradient.
template <class Network, std::invocable<View<double>, bool> F>
GradcheckResult gradcheck(Network& network, Tensor<double>& images, const F& loss,
                          const GradcheckOptions& options = {}) {
  return detail::check_network(network, images, network.ends_in(Softmax::kind), loss, options);
}

/// The same with a weighted sum of the outputs as f, with random weights.
template <class Network>
GradcheckResult gradcheck(Network& network, Tensor<double>& images, const GradcheckOptions& options = {}) {
  detail::Values weights;
  const auto sum = [&](View<double> outputs, bool gradient) {
    if (weights.empty()) weights = detail::normals(outputs.size(), options.seed, 0);
    const double value = detail::weighted_sum(outputs.span(), weights);
    if (gradient) std::ranges::copy(weights, outputs.data);
    return value;
  };
  return gradcheck(network, images, sum, options);
}

/// Checks one stage by itself: a stage of your own, or one that fuses several layers, whose options
/// follow in order. Input and parameters are random. Besides the gradients the contract of stage.hpp
/// is checked: dx in the memory of x, dx null, and a repeated run all give the same bits.
///
///     gradcheck_stage<DenseStage>({1, 1, 7}, 3, {}, Dense{.units = 4}).passed()
///     gradcheck_stage<Conv2dReluPoolStage>({9, 9, 3}, 2, {}, Conv2d{.filters = 4}, Relu{}, MaxPool2d{}).passed()
template <template <class> class Stage, class... Layers>
GradcheckResult gradcheck_stage(Shape input, int batch, const GradcheckOptions& options, const Layers&... layers) {
  const std::vector<LayerInfo> infos = inspect(describe(layers...), input);
  const auto stage = AnyStage<double>::make<Stage<double>>(Place{input, infos.front().name}, layers...);
  kernels::Backend<double> backend{&kernels::kernels_for<double>(active_isa()), thread_count(options.threads)};
  GradcheckResult result;

  detail::Values parameters;
  Random random(options.seed, {Purpose::user, 1, 77});
  for (const LayerInfo& layer : infos) {
    for (const Parameter& parameter : layer.parameters) {
      const double limit = parameter.limit > 0 ? parameter.limit : 0.5;
      for (std::size_t i = 0; i < parameter.size(); ++i)
        parameters.push_back(parameter.value + random.uniform(-limit, limit));
    }
  }
  const auto images = static_cast<std::size_t>(batch);
  detail::Values x = detail::normals(images * input.size(), options.seed, 2);
  const detail::Values dy = detail::normals(images * infos.back().output.size(), options.seed, 3);
  detail::Values y(dy.size());
  const StageMemory memory = stage.memory(backend, batch, Mode::train);
  Buffer<std::byte> saved(memory.saved_bytes);
  Buffer<double> scratch(memory.scratch_values);
  detail::Values gradients(parameters.size());

  const auto pass = [&] {
    std::ranges::fill(scratch.span(), detail::not_written);
    return Pass<double>{.backend = backend,
                        .batch = batch,
                        .mode = Mode::train,
                        .seed = options.seed,
                        .step = 0,
                        .parameters = parameters.data(),
                        .gradients = gradients.data(),
                        .saved = saved.data(),
                        .scratch = scratch.data()};
  };
  const auto f = [&] {
    stage.forward(pass(), x.data(), y.data());
    return detail::weighted_sum(y, dy);
  };
  const auto backward = [&](double* from, double* dx) {
    std::ranges::fill(saved.span(), std::byte{0xFF});
    std::ranges::fill(y, detail::not_written);
    std::ranges::fill(gradients, detail::not_written);
    stage.forward(pass(), from, y.data());
    stage.backward(pass(), from, dy.data(), dx);
    return gradients;
  };
  const auto demand = [&](bool holds, const char* what) {
    if (!holds && result.broken.empty()) result.broken = infos.front().name + ": " + what;
  };

  const detail::Values kept = x;
  detail::Values dx(x.size(), detail::not_written), again = dx, in_place = x;
  const detail::Values all = backward(x.data(), dx.data());
  backend.threads = 1;
  demand(detail::same_bits(x, kept), "the input was changed");
  demand(detail::same_bits(all, backward(x.data(), again.data())) && detail::same_bits(dx, again),
         "a second run gave other bits");
  demand(detail::same_bits(all, backward(in_place.data(), in_place.data())) && detail::same_bits(dx, in_place),
         "dx in the memory of x gave other bits");
  const detail::Values without = backward(x.data(), nullptr);

  std::size_t offset = 0;
  for (const LayerInfo& layer : infos) {
    for (const Parameter& parameter : layer.parameters) {
      if (parameter.trainable) {
        demand(detail::same_bits(std::span(all).subspan(offset, parameter.size()),
                                 std::span(without).subspan(offset, parameter.size())),
               "without dx the parameters' gradients have other bits");
        detail::check_array(layer.name + "/" + parameter.name, std::span(parameters).subspan(offset, parameter.size()),
                            std::span(all).subspan(offset, parameter.size()), f, options, result);
      }
      offset += parameter.size();
    }
  }
  detail::check_array("input", x, dx, f, options, result);
  return result;
}

}  // namespace abell

/// How to add a layer, a loss and an optimizer: one of each from outside the library. What they may have besides stands
/// in abell/layers/stage.hpp, abell/losses/loss.hpp and abell/training/optimizer.hpp; layers of the same kind are the
/// best examples: activations.hpp (value by value), conv2d.hpp (weights, scratch), residual.hpp (layers within layers).

#include <abell/abell.hpp>
#include <abell/testing/gradcheck.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace abell;

template <class T>
class PReluStage;

/// A layer is a plain value that a description holds: its options, a name, and the stage that `build` makes of it. This
/// one is PReLU (He et al. 2015): y = x above 0, else a x, with a slope a for each channel that is learnt.
struct PRelu {
  double slope = 0.25;  // at the start
  std::string_view name = {};

  static constexpr std::string_view kind = "PRelu";
  template <class T>
  using Stage = PReluStage<T>;
  std::vector<Parameter> parameters(const Place& place) const { return {{"slopes", {place.input.channels}, 0, slope}}; }
};

/// The stage computes. It is constant: all memory comes in the Pass. A sum always has the same order, here that of the
/// pixels of one channel, so that any number of threads gives the same bits. dx may be the memory of x.
template <class T>
class PReluStage {
 public:
  PReluStage(const Place& place, const PRelu&) : shape_(place.input) {}
  void forward(const Pass<T>& pass, const T* x, T* y) const {
    each(pass, [&](int channel, std::size_t i) { y[i] = x[i] > 0 ? x[i] : pass.parameters[channel] * x[i]; });
  }
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    std::fill_n(pass.gradients, shape_.channels, T(0));
    each(pass, [&](int channel, std::size_t i) {
      const bool above = x[i] > 0;
      if (!above) pass.gradients[channel] += dy[i] * x[i];
      if (dx != nullptr) dx[i] = above ? dy[i] : pass.parameters[channel] * dy[i];
    });
  }

 private:
  template <class Body>
  void each(const Pass<T>& pass, const Body& body) const {
    const std::size_t channels = static_cast<std::size_t>(shape_.channels);
    const std::size_t values = static_cast<std::size_t>(pass.batch) * shape_.size();
    parallel_for(shape_.channels, pass.backend.threads, [&](int channel, int) {
      for (std::size_t i = static_cast<std::size_t>(channel); i < values; i += channels) body(channel, i);
    });
  }
  Shape shape_;
};

/// A loss is a type with one function: sums over the images, and with `gradient` the gradient of the batch's mean in
/// the outputs' place. This one is log cosh(y - t), the mean over an image's outputs; `metric` names what it reports.
struct LogCosh {
  static constexpr std::string_view metric = "mean_absolute_error";
  void check(const Shape& output, const Shape& target) const {
    if (target != output) throw ShapeError("LogCosh: expected " + to_string(output) + ", found " + to_string(target));
  }
  template <class T>
  LossSum operator()(View<T> outputs, View<const float> targets, bool gradient) const {
    LossSum sum{.images = static_cast<std::size_t>(outputs.batch)};
    const auto share = 1 / static_cast<double>(outputs.shape.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const double error = static_cast<double>(outputs.data[i]) - static_cast<double>(targets.data[i]);
      sum.loss += share * (std::abs(error) + std::log1p(std::exp(-2 * std::abs(error))) - std::log(2.0));
      sum.metric += share * std::abs(error);
      if (gradient) outputs.data[i] = static_cast<T>(std::tanh(error) * share / outputs.batch);
    }
    return sum;
  }
};

/// An optimizer has a learning rate, a number of arrays to remember things in, each as long as the parameters, and an
/// update. This one is RMSprop (Hinton 2012): s <- r s + (1 - r) g^2, p <- p - rate g / (sqrt(s) + epsilon).
struct RmsProp {
  double learning_rate = 1e-3;
  double kept = 0.9;
  static constexpr std::size_t slots = 1;
  template <class T>
  void update(double rate, std::uint64_t, std::span<T> p, std::span<const T> g, std::array<T*, slots> state) const {
    const T r = static_cast<T>(kept);
    for (std::size_t i = 0; i < p.size(); ++i) {
      state[0][i] = r * state[0][i] + (1 - r) * g[i] * g[i];
      p[i] -= static_cast<T>(rate) * g[i] / (std::sqrt(state[0][i]) + static_cast<T>(1e-7));
    }
  }
};

/// They stand where the library's own do, within layers that hold others as well.
constexpr auto net = describe(Conv2d{.filters = 4}, PRelu{}, MaxPool2d{},
                              Residual{describe(Conv2d{.filters = 4}, PRelu{.slope = 0.1}, Conv2d{.filters = 4})},
                              Flatten{}, Dense{.units = 1});
constexpr Shape shape{.height = 8, .width = 8, .channels = 1};

/// Noise; the target of an image is the height of its first row above its last.
template <class T>
std::pair<Tensor<T>, Tensor<float>> problem(int count) {
  Tensor<T> images(count, shape);
  Tensor<float> targets(count, {1, 1, 1});
  Random random(1);
  for (T& value : images.span()) value = static_cast<T>(random.normal());
  for (int n = 0; n < count; ++n) {
    for (int x = 0; x < shape.width; ++x) {
      targets.data()[n] += static_cast<float>(images.view()(n, 0, x, 0) - images.view()(n, 7, x, 0)) / 8;
    }
  }
  return {std::move(images), std::move(targets)};
}

int main() {
  bool right = true;
  const auto expect = [&](bool holds, const std::string& what) {
    std::cout << (holds ? "right: " : "WRONG: ") << what << '\n';
    right = right && holds;
  };
  // Gradients against differences, in double: of the stage by itself (with the contract of stages), then of everything.
  const GradcheckResult stage = gradcheck_stage<PReluStage>({5, 4, 3}, 2, {}, PRelu{});
  expect(stage.passed(), "stage: " + to_string(stage));
  auto [few, their_targets] = problem<double>(3);
  auto exact = build<double>(net, shape);
  const GradcheckResult whole = gradcheck(exact, few, LogCosh{}, their_targets);
  expect(whole.passed(), "network: " + to_string(whole));

  auto [images, targets] = problem<float>(64);
  const ArraySamples samples(std::move(images), std::move(targets));
  const auto train = [&](int epochs, int threads) {
    auto network = build<float>(net, shape);
    const FitOptions options{.batch = 8,
                             .epochs = epochs,
                             .loss = LogCosh{},
                             .optimizer = RmsProp{.learning_rate = 2e-3},
                             .threads = threads};
    return std::pair(fit(network, samples, options), std::move(network));
  };
  const auto [history, network] = train(30, 1);
  const Evaluation found = evaluate(network, samples, 8, 1, LogCosh{});
  const double first = history.front().loss;
  expect(found.loss < 0.1 * first, "loss " + std::to_string(first) + " -> " + std::to_string(found.loss) +
                                       ", mean error " + std::to_string(found.metric));
  const auto alone = train(2, 1).second, together = train(2, 2).second;
  expect(std::ranges::equal(alone.parameters(), together.parameters()), "the same bits with two threads");
  return right ? 0 : 1;
}

/// A depthwise-separable block and a small MobileNet against PyTorch (files in tests/golden, written by
/// make_mobilenet.py, which says what is in them), in Keras's form and in PyTorch's.
/// "Relative" is max|a - b| / max|b| over a tensor.

#include <abell/abell.hpp>
#include <abell/models/mobilenet.hpp>
#include <algorithm>
#include <cmath>
#include <sstream>

#include "catch.hpp"
#include "kernel_tools.hpp"
#include "npy.hpp"

using namespace abell;
using namespace abell::testing;

namespace {

/// Where Keras and PyTorch differ. The library's defaults are Keras's.
struct Form {
  std::string name = "keras";
  BatchNorm norm = {};
  Padding padding = Padding::same;
  double adadelta_epsilon = Adadelta{}.epsilon;

  Adadelta adadelta() const { return {.epsilon = adadelta_epsilon, .decay = 0.95}; }
};
const Form keras;
const Form pytorch{"pytorch",
                   {.momentum = 0.9, .epsilon = 1e-5, .moving_variance = MovingVariance::unbiased},
                   Padding::symmetric,
                   1e-6};

constexpr std::size_t steps = 20, first_steps = 5;

/// 32 random bits, as in the script.
std::uint64_t hashed(std::uint64_t stream, std::uint64_t index) {
  std::uint64_t h = (index * 2654435761U + stream * 40503U + 1) & 0xFFFFFFFFU;
  h = ((h ^ (h >> 16)) * 0x85EBCA6BU) & 0xFFFFFFFFU;
  h = ((h ^ (h >> 13)) * 0xC2B2AE35U) & 0xFFFFFFFFU;
  return h ^ (h >> 16);
}
double value(std::uint64_t stream, std::uint64_t index) {
  return static_cast<double>(hashed(stream, index)) / 0x1p31 - 1;
}

/// The script's initial weights; `beta` is the mean of those.
template <class Network>
void fill_weights(Network& network, double beta) {
  using T = typename Network::Scalar;
  for (const NamedParameter& named : network.named_parameters()) {
    const std::string name = named.name.substr(named.name.find('/') + 1);
    double limit = 0.5, centre = 0;
    if (name == "kernel") {
      limit = std::sqrt(6.0 / static_cast<double>(named.size / static_cast<std::size_t>(named.dimensions.back())));
      if (named.dimensions.size() == 2) limit *= 0.25;
    }
    if (name == "depthwise_kernel") limit = std::sqrt(6.0 / 9);
    if (name == "bias") limit = 0.1;
    if (name == "gamma" || name == "moving_variance") centre = 1;
    if (name == "beta") centre = beta;
    for (std::size_t i = named.offset; i < named.offset + named.size; ++i) {
      network.parameters()[i] = static_cast<T>(static_cast<float>(centre + limit * value(1, i)));
    }
  }
}

/// Reads a golden file from its beginning to its end, and keeps the worst error of each kind.
class Comparison {
 public:
  explicit Comparison(const std::string& name) : expected_(read_npy(name).values) {}

  template <class Range>
  void tensor(const std::string& what, const Range& found) {
    double gap = 0, largest = 0;
    for (const auto one : found) {
      const double right = next();
      gap = larger(std::abs(static_cast<double>(one) - right), gap);
      largest = std::max(largest, std::abs(right));
    }
    note(what, gap, largest);
  }
  /// An arena's parameters one by one; with `moving` the moving averages alone.
  template <class Network, class T>
  void arena(const std::string& what, const Network& network, std::span<T> found, bool moving = false) {
    for (const NamedParameter& named : network.named_parameters()) {
      if (!moving || !named.trainable) tensor(what, found.subspan(named.offset, named.size));
    }
  }
  /// The same, of digests.
  template <class Network, class T>
  void digests(const std::string& what, const Network& network, std::span<T> found, bool moving = false) {
    for (const NamedParameter& named : network.named_parameters()) {
      if (!moving || !named.trainable) digest(what, found.subspan(named.offset, named.size));
    }
  }
  /// The worst relative error of what begins with `what`.
  double worst(const std::string& what = "") const {
    double most = 0;
    for (const auto& [name, error] : errors_) {
      if (name.starts_with(what)) most = larger(error, most);
    }
    return most;
  }
  std::string text() const {
    std::ostringstream out;
    for (const auto& [name, error] : errors_) out << name << " " << error << ", ";
    return out.str();
  }
  bool at_end() const { return at_ == expected_.size(); }

 private:
  static double larger(double a, double b) { return a <= b ? b : a; }  // NaN is taken over
  double next() { return expected_.at(at_++); }
  /// What should be zero must be.
  void note(const std::string& what, double gap, double largest) {
    const double error = gap == 0 ? 0 : gap / largest;
    const auto old = std::ranges::find(errors_, what, [](const auto& e) { return e.first; });
    if (old == errors_.end()) {
      errors_.emplace_back(what, error);
    } else {
      old->second = larger(error, old->second);
    }
  }
  template <class T>
  void digest(const std::string& what, std::span<T> found) {
    double most = 0, squares = 0;
    for (const auto one : found) {
      most = larger(std::abs(static_cast<double>(one)), most);
      squares += static_cast<double>(one) * static_cast<double>(one);
    }
    const double largest = next(), norm = next();
    note(what, std::abs(most - largest), largest);
    note(what, std::abs(std::sqrt(squares) - norm), norm);
    for (std::uint64_t k = 0; k < 8; ++k) {
      double sum = 0;
      for (std::size_t i = 0; i < found.size(); ++i) {
        sum += static_cast<double>(found[i]) * (hashed(100 + k, i) >> 31 ? -1 : 1);
      }
      note(what, std::abs(sum - next()), norm);
    }
    const std::size_t samples = std::min<std::size_t>(found.size(), 24);
    for (std::size_t i = 0; i < samples; ++i) {
      note(what, std::abs(static_cast<double>(found[i * found.size() / samples]) - next()), largest);
    }
  }

  std::vector<double> expected_;
  std::size_t at_ = 0;
  std::vector<std::pair<std::string, double>> errors_;
};

template <class T>
std::string file_of(const std::string& what, const Form& form) {
  return what + "_" + form.name + (sizeof(T) == 4 ? "_float32" : "_float64");
}

/// The block with the options of `form` against the file of its name.
template <class T, Fusion fusion = Fusion::on>
Comparison compare_block(const Form& form) {
  const Shape input{9, 10, 6};
  auto network =
      build<T, fusion>(describe(DepthwiseConv2d{.stride = 2, .padding = form.padding, .bias = false}, form.norm,
                                Relu6{}, Conv2d{.filters = 8, .kernel_size = 1, .bias = false}, form.norm, Relu6{}),
                       input);
  fill_weights(network, 0);
  Tensor<T> images(3, input), input_gradient(3, input), target(3, network.output());
  for (std::size_t i = 0; i < images.size(); ++i) images.data()[i] = static_cast<T>(2 * value(2, i));
  for (std::size_t i = 0; i < target.size(); ++i) target.data()[i] = static_cast<T>(3 + 3 * value(3, i));
  auto space = network.workspace(3, Mode::train, 1);
  const auto backward = [&](T* gradient) {  // of half the squared distance from the target
    const View<T> y = network.forward(images, space);
    for (std::size_t i = 0; i < target.size(); ++i) y.data[i] -= target.data()[i];
    network.backward(images, space, gradient);
  };

  Comparison golden(file_of<T>("block", form));
  golden.tensor("forward", network.forward(images, space).span());
  golden.tensor("inference", network.predict(images).span());
  backward(input_gradient.data());
  golden.arena("gradients", network, space.gradients.span());
  golden.tensor("input gradient", input_gradient.span());
  OptimizerState<T> state(form.adadelta(), network.parameters().size());
  for (std::size_t step = 0; step < steps; ++step) {
    space.step = static_cast<std::uint32_t>(step);
    backward(nullptr);
    network.update_statistics(space, 3);
    apply<T>(form.adadelta(), state, 1, network.parameters(), space.gradients.span(), network.trainable());
    if (step + 1 == first_steps) golden.arena("moving averages", network, network.parameters(), true);
  }
  golden.arena("parameters", network, network.parameters());
  golden.tensor("trained inference", network.predict(images).span());
  REQUIRE(golden.at_end());
  return golden;
}

/// The MobileNet of width 0.25 at 64 x 64, likewise.
template <class T, Fusion fusion = Fusion::on>
Comparison compare_mobilenet(const Form& form) {
  const Shape input{64, 64, 3};
  const Npy pixels = read_npy("mobilenet_images");
  REQUIRE(pixels.dimensions == std::vector<int>{8, 64, 64, 3});
  Tensor<T> images(8, input);
  std::ranges::transform(pixels.values, images.data(), [](double v) { return static_cast<T>(v) / T(127.5) - T(1); });
  const std::vector<int> labels{0, 1, 0, 1, 0, 1, 0, 1};
  auto network = build<T, fusion>(
      make_mobilenet({.alpha = 0.25, .dropout = 0, .padding = form.padding, .batch_norm = form.norm}), input);
  fill_weights(network, 2);
  auto space = network.workspace(4, Mode::train, 1);
  const auto batch = [&](std::size_t step) { return images.view().slice(static_cast<int>(step % 2) * 4, 4); };
  const auto right = std::span(labels).first(4);  // of either batch
  const auto probabilities = [&](int first) {
    Tensor<T> out(4, network.output());
    auto prediction = network.workspace(4, Mode::predict, 1);
    network.predict(images.view().slice(first, 4), out, prediction);
    return std::vector<T>(out.span().begin(), out.span().end());
  };

  Comparison golden(file_of<T>("mobilenet", form));
  const View<T> logits = network.forward(batch(0), space);
  golden.tensor("logits", logits.span());
  golden.tensor("probabilities", probabilities(0));
  SoftmaxCrossEntropy{}(logits, label_targets(right), true);
  network.backward(batch(0), space);
  golden.digests("gradients", network, space.gradients.span());
  const FitOptions options{.optimizer = form.adadelta()};
  OptimizerState<T> state(options.optimizer, network.parameters().size());
  std::vector<double> losses;
  for (std::size_t step = 0; step < steps; ++step) {
    losses.push_back(train_step(network, options, state, space, batch(step), label_targets(right)).loss / 4);
    if (step + 1 == first_steps) golden.digests("moving averages", network, network.parameters(), true);
  }
  CHECK(losses.back() < 0.5 * losses.front());  // it learnt something
  golden.tensor("losses", losses);
  golden.digests("parameters", network, network.parameters());
  golden.tensor("trained probabilities", probabilities(0));
  REQUIRE(golden.at_end());
  return golden;
}

}  // namespace

TEST_CASE("a depthwise-separable block agrees with PyTorch, in Keras's form and in PyTorch's", "[golden]") {
  for (const Form& form : {keras, pytorch}) {
    const auto check = [&](const Comparison& golden, double tolerance) {
      INFO(form.name << ", " << golden.text());
      CHECK(golden.worst() <= tolerance);
    };
    check(compare_block<float>(form), 1e-4);
    check(compare_block<float, Fusion::off>(form), 1e-4);
    check(compare_block<double>(form), 1e-9);
    check(compare_block<double, Fusion::off>(form), 1e-9);
  }
}

TEST_CASE("a small MobileNet agrees with PyTorch, in Keras's form and in PyTorch's", "[golden]") {
  for (const Form& form : {keras, pytorch}) {
    const auto check = [&](const Comparison& golden, double tolerance) {
      INFO(form.name << ", " << golden.text());
      CHECK(golden.worst() <= tolerance);
    };
    check(compare_mobilenet<float>(form), 1e-4);
    check(compare_mobilenet<double>(form), 1e-9);
    if (!reduced()) check(compare_mobilenet<float, Fusion::off>(form), 1e-4);
  }
}

TEST_CASE("each difference between Keras's form and PyTorch's shows where it should", "[golden]") {
  const auto changed = [](const auto& change) {
    Form form = keras;  // compared with the file of Keras's form
    change(form);
    return compare_block<double>(form);
  };
  struct Difference {
    std::string name;
    Comparison found;
    std::vector<std::string> seen, unseen;
  };
  const std::vector<std::string> before{"forward", "inference", "gradients", "input gradient"};
  const Difference differences[] = {
      {"epsilon", changed([](Form& f) { f.norm.epsilon = pytorch.norm.epsilon; }), before, {}},
      {"padding", changed([](Form& f) { f.padding = pytorch.padding; }), before, {}},
      {"momentum", changed([](Form& f) { f.norm.momentum = pytorch.norm.momentum; }), {"moving averages"}, before},
      {"n / (n - 1) once",
       changed([](Form& f) { f.norm.moving_variance = MovingVariance::unbiased; }),
       {"moving averages"},
       before},
      {"the batch's own variance",
       changed([](Form& f) { f.norm.moving_variance = MovingVariance::biased; }),
       {"moving averages"},
       before},
      {"Adadelta's epsilon",
       changed([](Form& f) { f.adadelta_epsilon = pytorch.adadelta_epsilon; }),
       {"parameters"},
       before},
  };
  for (const Difference& difference : differences) {
    INFO(difference.name << ": " << difference.found.text());
    for (const std::string& what : difference.seen) CHECK(difference.found.worst(what) > 2e-4);
    for (const std::string& what : difference.unseen) CHECK(difference.found.worst(what) < 1e-9);
  }
}

/// The library against PyTorch (files in tests/golden, written by make_golden.py) and, in double,
/// against its own naive references. "Relative" is max|a - b| / max|b| over an array.

#include <abell/abell.hpp>
#include <algorithm>
#include <cmath>
#include <sstream>

#include "catch.hpp"
#include "npy.hpp"
#include "reference_network.hpp"
#include "relative.hpp"

using namespace abell;
using namespace abell::testing;

namespace {

constexpr Shape input{74, 74, 3};
constexpr auto network_of_table_3_in_small = describe(  //
    Conv2d{.filters = 8}, Relu{}, MaxPool2d{},          //
    Conv2d{.filters = 4}, Relu{}, MaxPool2d{},          //
    Conv2d{.filters = 4}, Relu{}, MaxPool2d{},          //
    Conv2d{.filters = 4}, Relu{}, MaxPool2d{},          //
    Conv2d{.filters = 4}, Relu{}, MaxPool2d{},          //
    Conv2d{.filters = 6}, Relu{}, MaxPool2d{},          //
    Flatten{}, Dense{.units = 16}, Relu{}, Dropout{.rate = 0}, Dense{.units = 2}, Softmax{});

/// Images, labels and batches as the script wrote them.
template <class T>
struct Problem {
  Problem() {
    const Npy pixels = read_npy("images");
    REQUIRE(pixels.dimensions == std::vector<int>{8, 74, 74, 3});
    for (const double value : pixels.values) images.push_back(static_cast<T>(value) / T(255));
    for (const double label : read_npy("labels").values) labels.push_back(static_cast<int>(label));
  }
  /// Batch number `step`: its images into `to`, its labels returned.
  std::vector<int> batch(std::size_t step, Tensor<T>& to) const {
    std::vector<int> chosen;
    for (int n = 0; n < 3; ++n) {
      const auto index = static_cast<std::size_t>(batches.values[step * 3 + static_cast<std::size_t>(n)]);
      std::copy_n(images.data() + index * input.size(), input.size(), to.view().image(n));
      chosen.push_back(labels[index]);
    }
    return chosen;
  }
  std::vector<T> images;
  std::vector<int> labels;
  Npy batches = read_npy("batches");
};

template <class T, Fusion fusion>
auto build_golden() {
  auto network = build<T, fusion>(network_of_table_3_in_small, input, 1);
  const Npy weights = read_npy("initial_weights");
  REQUIRE(network.parameters().size() == weights.values.size());
  std::ranges::transform(weights.values, network.parameters().begin(), [](double w) { return static_cast<T>(w); });
  return network;
}

/// The tensors of a run: an arena's relative error, tensor by tensor; the worst is returned.
template <class Network, class T>
double worst_tensor(const Network& network, std::span<T> found, const std::vector<double>& expected) {
  double worst = 0;
  for (const NamedParameter& named : network.named_parameters()) {
    const auto begin = expected.begin() + static_cast<long>(named.offset);
    worst = std::max(worst,
                     relative(found.subspan(named.offset, named.size), {begin, begin + static_cast<long>(named.size)}));
  }
  return worst;
}

/// Everything against the files of one precision, to `tolerance`.
template <class T, Fusion fusion>
void check_against_pytorch(const std::string& precision, double tolerance) {
  const auto golden = [&](const std::string& name) { return read_npy(name + "_" + precision).values; };
  const Problem<T> problem;
  auto network = build_golden<T, fusion>();
  Tensor<T> images(3, input);
  const auto labels = problem.batch(0, images);
  auto space = network.workspace(3, Mode::train, 1);

  const View<T> logits = network.forward(images, space);
  const double forward = relative(logits.span(), golden("logits"));
  SoftmaxCrossEntropy{}(logits, label_targets(labels), true);
  Tensor<T> input_gradient(3, input);
  network.backward(images, space, input_gradient.data());
  const double gradients = worst_tensor(network, space.gradients.span(), golden("gradients"));
  const double first_image =
      precision == "float32" ? relative(input_gradient.span().first(input.size()), golden("input_gradient")) : 0;
  const double probabilities = relative(network.predict(images).span(), golden("probabilities"));

  const FitOptions options{.optimizer = Sgd{.learning_rate = 0.01, .momentum = 0.9, .nesterov = true, .decay = 0}};
  OptimizerState<T> state(options.optimizer, network.parameters().size());
  std::vector<double> losses;
  for (std::size_t step = 0; step < 50; ++step) {
    const auto chosen = problem.batch(step, images);
    losses.push_back(train_step(network, options, state, space, images.view(), label_targets(chosen)).loss / 3);
  }
  const double trajectory = relative(losses, golden("losses"));
  const double weights = worst_tensor(network, network.parameters(), golden("weights"));
  CHECK(losses.back() < 0.01 * losses.front());  // it learnt something

  std::ostringstream text;
  text << precision << (fusion == Fusion::on ? ", fused" : ", plain") << ": logits " << forward << ", probabilities "
       << probabilities << ", gradients " << gradients << ", input gradient " << first_image << ", losses "
       << trajectory << ", final weights " << weights;
  INFO(text.str());
  CHECK(forward <= tolerance);
  CHECK(probabilities <= tolerance);
  CHECK(gradients <= tolerance);
  CHECK(first_image <= tolerance);
  CHECK(trajectory <= tolerance);
  CHECK(weights <= tolerance);
}

}  // namespace

TEST_CASE("forward, gradients and 50 steps of SGD agree with PyTorch in float", "[golden]") {
  check_against_pytorch<float, Fusion::on>("float32", 1e-4);
  if (!reduced()) check_against_pytorch<float, Fusion::off>("float32", 1e-4);
}

TEST_CASE("forward, gradients and 50 steps of SGD agree with PyTorch in double", "[golden]") {
  check_against_pytorch<double, Fusion::on>("float64", 1e-9);
  if (!reduced()) check_against_pytorch<double, Fusion::off>("float64", 1e-9);
}

TEST_CASE("forward, gradients and steps of SGD agree with the naive references in double", "[golden]") {
  const ReferenceNetwork reference(input, {8, 4, 4, 4, 4, 6}, 16, 2);
  const Problem<double> problem;
  auto network = build_golden<double, Fusion::on>();
  Tensor<double> images(3, input), input_gradient(3, input);
  auto space = network.workspace(3, Mode::train, 1);
  const FitOptions options{.optimizer = Sgd{.learning_rate = 0.01, .momentum = 0.9, .nesterov = true, .decay = 1e-3}};
  OptimizerState<double> state(options.optimizer, network.parameters().size());
  std::vector<double> parameters(network.parameters().begin(), network.parameters().end()), velocity(parameters.size());
  const std::size_t steps = reduced() ? 3 : 50;
  for (std::size_t step = 0; step < steps; ++step) {
    INFO("step " << step);
    const auto labels = problem.batch(step, images);
    const auto expected = reference.run(parameters, {images.span().begin(), images.span().end()}, labels);
    if (step == 0) {
      CHECK(relative(network.forward(images, space).span(), expected.logits) < 1e-9);
    }
    const double loss = train_step(network, options, state, space, images.view(), label_targets(labels)).loss / 3;
    CHECK(std::abs(loss - expected.loss) <= 1e-9 * std::max(1e-3, expected.loss));
    CHECK(worst_tensor(network, space.gradients.span(), expected.gradients) < 1e-9);
    const double rate = 0.01 / (1 + 1e-3 * static_cast<double>(step));
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      velocity[i] = 0.9 * velocity[i] - rate * expected.gradients[i];
      parameters[i] += 0.9 * velocity[i] - rate * expected.gradients[i];
    }
  }
  CHECK(worst_tensor(network, network.parameters(), parameters) < 1e-9);

  const auto labels = problem.batch(0, images);
  const auto expected = reference.run(parameters, {images.span().begin(), images.span().end()}, labels);
  auto logits = network.forward(images, space);
  SoftmaxCrossEntropy{}(logits, label_targets(labels), true);
  network.backward(images, space, input_gradient.data());
  CHECK(relative(input_gradient.span(), expected.input_gradient) < 1e-9);
}

/// Losses, and networks trained with them, against PyTorch: files loss_*.npy in tests/golden, written by
/// make_losses.py. "Relative" is max|a - b| / max|b| over an array.

#include <abell/abell.hpp>
#include <algorithm>
#include <cmath>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "catch.hpp"
#include "npy.hpp"
#include "relative.hpp"

using namespace abell;
using abell::testing::read_npy;
using abell::testing::relative;

namespace {

constexpr Shape input{12, 10, 2};
constexpr int images_in_all = 10, batch = 4;
constexpr std::size_t steps = 30;
constexpr auto regression = describe(Conv2d{.filters = 6}, Relu{}, MaxPool2d{}, Conv2d{.filters = 4}, Tanh{}, Flatten{},
                                     Dense{.units = 8}, Relu{}, Dense{.units = 3});
constexpr auto multi_label = join(regression, describe(Sigmoid{}));

/// All of a file, as T.
template <class T>
Tensor<T> read(const std::string& name, int count, Shape shape) {
  const auto values = read_npy(name).values;
  Tensor<T> tensor(count, shape);
  REQUIRE(values.size() == tensor.size());
  std::ranges::transform(values, tensor.data(), [](double value) { return static_cast<T>(value); });
  return tensor;
}

/// Images, or targets, of a step.
template <class T>
void take(const Tensor<T>& all, std::size_t step, Tensor<T>& to) {
  for (int n = 0; n < batch; ++n) {
    const int image = (static_cast<int>(step) * batch + n) % images_in_all;
    std::copy_n(all.view().image(image), all.shape().size(), to.view().image(n));
  }
}

struct Run {
  std::string file;     ///< loss_FILE_float32.npy and loss_FILE_float64.npy
  std::string targets;  ///< loss_TARGETS.npy
  FitOptions options;
  double largest_loss;  ///< at the end
};

const Run mean_squares{
    "mse", "numbers", {.loss = MeanSquaredError{}, .optimizer = Adam{.learning_rate = 0.01}, .clip_norm = 1}, 0.08};
const Run hubers{"huber",
                 "numbers",
                 {.loss = Huber{.delta = 0.5},
                  .optimizer = Adam{.learning_rate = 0.02},
                  .schedule = WarmUpCosine{.warm_up = 5, .floor = 0.1},
                  .clip_norm = 1},
                 0.04};
const Run flags{"flagged",
                "flags",
                {.loss = SigmoidCrossEntropy{}, .optimizer = Sgd{.learning_rate = 0.1, .momentum = 0.9, .decay = 0}},
                0.01};

/// Outputs, gradients, losses and weights of a run against its file, to `tolerance`.
template <class T, Fusion fusion, class Description>
void follow(const Description& description, const Run& run, const std::string& precision, double tolerance) {
  auto network = build<T, fusion>(description, input);
  const auto weights = read_npy("loss_weights").values;
  const std::size_t size = network.parameters().size();
  REQUIRE(weights.size() == size);
  std::ranges::transform(weights, network.parameters().begin(), [](double w) { return static_cast<T>(w); });
  const auto all_images = read<T>("loss_images", images_in_all, input);
  const auto all_targets = read<float>("loss_" + run.targets, images_in_all, {1, 1, 3});
  Tensor<T> images(batch, input);
  Tensor<float> targets(batch, {1, 1, 3});
  const auto file = read_npy("loss_" + run.file + "_" + precision).values;
  constexpr std::size_t outputs = 3 * batch;
  REQUIRE(file.size() == outputs + size + steps + size);
  const std::span<const double> golden(file);

  auto space = network.workspace(batch, Mode::train, 1);
  space.logits = !run.options.loss.activation().empty();
  take(all_images, 0, images);
  const double first = relative(network.forward(images, space).span(), golden.first(outputs));

  OptimizerState<T> state(run.options.optimizer, size);
  std::vector<double> losses;
  std::vector<T> gradients;
  for (std::size_t step = 0; step < steps; ++step) {
    take(all_images, step, images);
    take(all_targets, step, targets);
    if (step == 0) {  // before they are clipped
      run.options.loss(network.forward(images, space), targets.view(), true);
      network.backward(images, space);
      gradients.assign(space.gradients.data(), space.gradients.data() + size);
    }
    if (const auto* cosine = std::get_if<WarmUpCosine>(&run.options.schedule)) {
      state.learning_rate = cosine->at(run.options.optimizer.learning_rate(), step, steps);
    }
    losses.push_back(train_step(network, run.options, state, space, images.view(), targets.view()).loss / batch);
  }
  double worst_gradient = 0, worst_weight = 0;
  for (const NamedParameter& named : network.named_parameters()) {
    const auto here = [&](std::size_t arena) { return golden.subspan(arena + named.offset, named.size); };
    worst_gradient =
        std::max(worst_gradient, relative(std::span(gradients).subspan(named.offset, named.size), here(outputs)));
    worst_weight = std::max(
        worst_weight, relative(network.parameters().subspan(named.offset, named.size), here(outputs + size + steps)));
  }
  const double trajectory = relative(losses, golden.subspan(outputs + size, steps));
  std::ostringstream text;
  text << run.file << ", " << precision << (fusion == Fusion::on ? ", fused" : ", plain") << ": outputs " << first
       << ", gradients " << worst_gradient << ", losses " << trajectory << ", final weights " << worst_weight;
  INFO(text.str());
  CHECK(first <= tolerance);
  CHECK(worst_gradient <= tolerance);
  CHECK(trajectory <= tolerance);
  CHECK(worst_weight <= tolerance);
  CHECK(losses.back() < run.largest_loss);
}

template <class Description>
void follow(const Description& description, const Run& run) {
  follow<float, Fusion::on>(description, run, "float32", 1e-4);
  follow<double, Fusion::on>(description, run, "float64", 1e-9);
  follow<double, Fusion::off>(description, run, "float64", 1e-9);
}

/// A loss of given outputs and its gradient against a file that holds them one after the other.
template <class T>
void compare(const Loss& loss, const std::string& name, int count, Shape shape, const std::string& precision,
             double tolerance) {
  auto logits = read<T>("loss_" + name + "logits", count, shape);
  const auto labels = read<float>("loss_" + name + "labels", count, {shape.height, shape.width, 1});
  const auto file = read_npy("loss_" + (name.empty() ? "smoothing_" : name) + precision).values;
  const LossSum sum = loss(logits.view(), labels.view(), true);
  CHECK(sum.images == static_cast<std::size_t>(count));
  CHECK(sum.loss / count == Approx(file.front()).epsilon(tolerance));
  CHECK(relative(logits.span(), std::span(file).subspan(1)) <= tolerance);
}

}  // namespace

TEST_CASE("a regression with mean squares, Adam and clipped gradients follows PyTorch", "[golden][loss]") {
  follow(regression, mean_squares);
}

TEST_CASE("a regression with Huber's loss, a warm-up and a cosine follows PyTorch", "[golden][loss]") {
  follow(regression, hubers);
}

TEST_CASE("a multi-label network with SGD follows PyTorch", "[golden][loss]") { follow(multi_label, flags); }

TEST_CASE("cross-entropy with label smoothing agrees with PyTorch's", "[golden][loss]") {
  const SoftmaxCrossEntropy loss{.label_smoothing = 0.1};
  compare<float>(loss, "", 7, {1, 1, 5}, "float32", 1e-5);
  compare<double>(loss, "", 7, {1, 1, 5}, "float64", 1e-9);
}

TEST_CASE("cross-entropy in each pixel agrees with PyTorch's, unknown pixels left out", "[golden][loss]") {
  compare<float>(SoftmaxCrossEntropy{}, "map_", 3, {5, 6, 4}, "float32", 1e-5);
  compare<double>(SoftmaxCrossEntropy{}, "map_", 3, {5, 6, 4}, "float64", 1e-9);
}

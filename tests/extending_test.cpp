/// Losses and optimizers of users' own in training and evaluation; clipped gradients, warm-up and cosine.

#include <abell/abell.hpp>
#include <abell/testing/gradcheck.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "training_tools.hpp"

using namespace abell;

namespace {

constexpr Shape shape{6, 6, 1};
constexpr auto regression = describe(Conv2d{.filters = 4}, Relu{}, MaxPool2d{}, Flatten{}, Dense{.units = 2});

/// The mean |y - t| of an image's outputs.
struct MeanAbsolute {
  template <class T>
  LossSum operator()(View<T> outputs, View<const float> targets, bool gradient) const {
    LossSum sum{.images = static_cast<std::size_t>(outputs.batch)};
    const auto outputs_of_image = static_cast<double>(outputs.shape.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const T error = outputs.data[i] - static_cast<T>(targets.data[i]);
      sum.loss += static_cast<double>(std::abs(error)) / outputs_of_image;
      if (gradient) outputs.data[i] = (error > 0 ? T(1) : T(-1)) / static_cast<T>(outputs.size());
    }
    sum.metric = sum.loss;
    return sum;
  }
};

/// The same with a name for what it measures.
struct NamedMeanAbsolute : MeanAbsolute {
  static constexpr std::string_view metric = "mean_absolute_error";
};

/// Plain gradient descent.
struct Descent {
  double learning_rate = 0.1;
  static constexpr std::size_t slots = 0;
  template <class T>
  void update(double rate, std::uint64_t, std::span<T> p, std::span<const T> g, std::array<T*, slots>) const {
    for (std::size_t i = 0; i < p.size(); ++i) p[i] -= static_cast<T>(rate) * g[i];
  }
};

/// Noise with a bright pixel; the targets are where it lies.
ArraySamples spots(int count, std::uint64_t seed) {
  Tensor<float> images(count, shape), targets(count, {1, 1, 2});
  Random random(seed);
  for (float& value : images.span()) value = static_cast<float>(random.normal(0, 0.1));
  for (int n = 0; n < count; ++n) {
    const auto row = static_cast<int>(random.below(6)), column = static_cast<int>(random.below(6));
    images.view()(n, row, column, 0) += 2;
    targets.view()(n, 0, 0, 0) = static_cast<float>(row) / 6;
    targets.view()(n, 0, 0, 1) = static_cast<float>(column) / 6;
  }
  return {std::move(images), std::move(targets)};
}

template <class Network>
std::vector<float> weights_of(const Network& network) {
  return {network.parameters().begin(), network.parameters().end()};
}

std::vector<float> trained(const FitOptions& options, History* history = nullptr) {
  auto network = build<float>(regression, shape);
  const History found = fit(network, spots(20, 1), options);
  if (history != nullptr) *history = found;
  return weights_of(network);
}

double norm(std::span<const double> values) {
  double squares = 0;
  for (const double value : values) squares += value * value;
  return std::sqrt(squares);
}

}  // namespace

TEST_CASE("a loss of one's own trains and evaluates", "[loss][training]") {
  const auto train = spots(40, 1), validation = spots(12, 2);
  auto network = build<float>(regression, shape);
  const FitOptions options{
      .batch = 8, .epochs = 20, .loss = NamedMeanAbsolute{}, .optimizer = Adam{.learning_rate = 0.01}};
  const History history = fit(network, train, validation, options);
  CHECK(history.back().loss < 0.5 * history.front().loss);
  CHECK(history.back().metric == Approx(history.back().loss));
  CHECK(history.back().validation_metric == Approx(history.back().validation_loss));

  const Evaluation found = evaluate(network, validation, 5, 1, options.loss);
  CHECK(found.loss == history.back().validation_loss);
  CHECK(found.outputs == 2);
  double expected = 0;
  std::array<float, 2> target{};
  for (std::size_t i = 0; i < validation.size(); ++i) {
    validation.read_target(i, 0, target);
    for (std::size_t k = 0; k < 2; ++k)
      expected += std::abs(static_cast<double>(found.predictions[2 * i + k] - target[k]));
  }
  CHECK(found.loss == Approx(expected / 24));
  CHECK(found.metric == found.loss);
}

TEST_CASE("where a loss has no metric, none is reported", "[loss][training]") {
  const auto train = spots(12, 1);
  auto network = build<float>(regression, shape);
  FitOptions options{.batch = 4, .epochs = 2, .loss = MeanAbsolute{}, .optimizer = Descent{}};
  double told = 0;
  options.callbacks = {{.on_step = [&](const StepReport& step) { told = step.metric; }}};
  CHECK(options.loss.metric().empty());
  const History history = fit(network, train, train, options);
  for (const EpochRecord& record : history) {
    CHECK(std::isfinite(record.validation_loss));
    CHECK(std::isnan(record.metric));
    CHECK(std::isnan(record.validation_metric));
  }
  CHECK(std::isnan(told));
  CHECK(std::isnan(evaluate(network, train, 4, 1, options.loss).metric));
}

TEST_CASE("losses tell what they are", "[loss]") {
  const Loss loss = Huber{.delta = 2};
  REQUIRE(loss.as<Huber>() != nullptr);
  CHECK(loss.as<Huber>()->delta == 2);
  CHECK(loss.as<MeanSquaredError>() == nullptr);
  CHECK(loss.activation().empty());
  CHECK(Loss(SoftmaxCrossEntropy{}).activation() == Softmax::kind);
  for (const Loss& fused : {Loss(SigmoidCrossEntropy{}), Loss(HeatMapFocal{})})
    CHECK(fused.activation() == Sigmoid::kind);
}

TEST_CASE("a loss asks for its last layer and for its targets before anything is trained", "[loss][training]") {
  auto network = build<float>(regression, shape);
  const auto before = weights_of(network);
  const auto refusal = [&](const Loss& loss, const ArraySamples& samples) {
    return message_of<ShapeError>([&] { fit(network, samples, {.loss = loss}); });
  };
  CHECK(refusal(SigmoidCrossEntropy{}, spots(4, 1)) == "train_step: expected Sigmoid as the last layer, found Dense");
  const ArraySamples labelled(Tensor<float>(4, shape), std::vector<int>{0, 1, 0, 1});
  CHECK(refusal(MeanSquaredError{}, labelled) == "loss: expected targets of 2 (one for each output), found 1");
  CHECK(message_of<ShapeError>([&] { evaluate(network, labelled, 4, 1, Huber{}); }) ==
        "loss: expected targets of 2 (one for each output), found 1");
  CHECK(weights_of(network) == before);
}

TEST_CASE("gradients of networks with each loss agree with differences", "[loss][gradient]") {
  constexpr auto heads = describe(Conv2d{.filters = 2}, Tanh{}, MaxPool2d{}, Conv2d{.filters = 2});
  const auto check = [](auto network, const Loss& loss, const Tensor<float>& targets) {
    Tensor<double> images(2, shape);
    Random random(3);
    for (double& value : images.span()) value = random.normal();
    const GradcheckResult found = gradcheck(network, images, loss, targets);
    INFO(to_string(found));
    CHECK(found.passed());
  };
  Tensor<float> labels(2, {3, 3, 1}), shares(2, {3, 3, 2});
  for (std::size_t i = 0; i < labels.size(); ++i) labels.data()[i] = static_cast<float>(i % 3) - 1;
  for (std::size_t i = 0; i < shares.size(); ++i) shares.data()[i] = static_cast<float>(i % 5) / 4;
  const auto plain = build<double>(heads, shape);
  check(build<double>(join(heads, describe(Softmax{})), shape), SoftmaxCrossEntropy{.label_smoothing = 0.1}, labels);
  check(build<double>(join(heads, describe(Sigmoid{})), shape), SigmoidCrossEntropy{}, shares);
  check(build<double>(join(heads, describe(Sigmoid{})), shape), HeatMapFocal{}, shares);
  check(plain.clone(), MeanSquaredError{}, shares);
  check(plain.clone(), Huber{.delta = 0.3}, shares);
  check(plain.clone(), NamedMeanAbsolute{}, shares);
}

TEST_CASE("a network may be nothing but the layer that its loss is fused with", "[loss]") {
  const auto network = build<double>(describe(Softmax{}), {1, 1, 2});
  Tensor<double> logits(1, {1, 1, 2});
  logits.data()[1] = std::log(3.0);
  auto space = network.workspace(1, Mode::train, 1);
  const View<double> outputs = network.forward(logits, space);
  CHECK(outputs.shape == Shape{1, 1, 2});
  const std::vector<int> label{1};
  CHECK(Loss(SoftmaxCrossEntropy{})(outputs, label_targets(label).view(), true).loss == Approx(std::log(4.0 / 3)));
  Tensor<double> gradient(1, {1, 1, 2});
  network.backward(logits, space, gradient.data());
  CHECK(gradient.data()[0] == Approx(0.25));
  CHECK(gradient.data()[1] == Approx(-0.25));
}

TEST_CASE("an optimizer of one's own trains, to the bits of the library's", "[optimizer][training]") {
  History history;
  FitOptions options{.batch = 6, .epochs = 15, .loss = MeanSquaredError{}, .optimizer = Descent{.learning_rate = 0.2}};
  const auto found = trained(options, &history);
  CHECK(history.back().loss < 0.5 * history.front().loss);
  options.optimizer = Sgd{.learning_rate = 0.2, .momentum = 0, .nesterov = false, .decay = 0};
  CHECK(found == trained(options));
  options.threads = 3;
  CHECK(found == trained(options));
}

TEST_CASE("a run with an optimizer of one's own, or clipped and warmed up, goes on to the same bits",
          "[optimizer][training][resume]") {
  const auto train = spots(17, 1), validation = spots(5, 2);
  FitOptions options{.batch = 4,
                     .epochs = 4,
                     .loss = Huber{.delta = 0.2},
                     .schedule = WarmUpCosine{.warm_up = 7, .floor = 0.05},
                     .clip_norm = 0.1};
  for (const Optimizer& optimizer :
       {Optimizer(Descent{.learning_rate = 0.5}), Optimizer(Adam{.learning_rate = 0.02})}) {
    options.optimizer = optimizer;
    auto whole = build<float>(regression, shape);
    TrainingState<float> expected;
    fit(whole, train, validation, options, expected);
    REQUIRE(expected.optimizer.updates == 20);
    for (const int every : {1, 3, 5, 7}) {
      INFO("stopped every " << every << " steps");
      auto network = build<float>(regression, shape);
      TrainingState<float> state;
      CHECK(training_tools::fit_in_parts(network, train, validation, options, state, every) > 1);
      CHECK(weights_of(network) == weights_of(whole));
      CHECK(state.best_parameters == expected.best_parameters);
      training_tools::check_equal(state.history, expected.history);
    }
  }
  TrainingState<float> without;  // the updates of an optimizer that keeps nothing
  without.optimizer.updates = 5;
  without.epoch = 1;
  auto network = build<float>(regression, shape);
  CHECK_THROWS_AS(fit(network, train, validation, options, without), ShapeError);  // Adam keeps two arrays
}

TEST_CASE("a norm above the limit is clipped to it, in the same direction", "[optimizer]") {
  const std::vector<double> start{3, -4, 100, 12, 0};
  const std::vector<ParameterRange> ranges{{0, 2}, {3, 2}};  // the third is not trained: norm 13
  auto gradients = start;
  clip_norm<double>(6.5, gradients, ranges);
  CHECK(gradients == std::vector<double>{1.5, -2, 100, 6, 0});
  gradients = start;
  for (const double most : {13.0, 20.0}) {
    clip_norm<double>(most, gradients, ranges);
    CHECK(gradients == start);
  }
  Random random(4);
  std::vector<double> many(1000);
  for (double& value : many) value = random.normal();
  const auto before = many;
  clip_norm<double>(0.25, many, std::vector<ParameterRange>{{0, 600}, {600, 400}});
  CHECK(norm(many) == Approx(0.25).epsilon(1e-12));
  for (std::size_t i = 0; i < many.size(); ++i) CHECK(many[i] / before[i] == Approx(0.25 / norm(before)));
  many[7] = std::numeric_limits<double>::infinity();
  CHECK_THROWS_AS(clip_norm<double>(1, many, std::vector<ParameterRange>{{0, 1000}}), NumericError);
}

TEST_CASE("fit clips the gradients", "[optimizer][training]") {
  constexpr double rate = 0.5;
  const auto moved = [&](double limit) {  // by one step of gradient descent
    auto network = build<float>(regression, shape);
    const auto before = weights_of(network);
    const FitOptions options{
        .batch = 20, .loss = MeanSquaredError{}, .optimizer = Descent{.learning_rate = rate}, .clip_norm = limit};
    fit(network, spots(20, 1), options);
    std::vector<double> step;
    for (std::size_t i = 0; i < before.size(); ++i) {
      step.push_back(static_cast<double>(network.parameters()[i]) - static_cast<double>(before[i]));
    }
    return step;
  };
  const auto whole = moved(0);
  const double gradient = norm(whole) / rate;
  REQUIRE(gradient > 0.01);
  CHECK(moved(2 * gradient) == whole);
  CHECK(norm(moved(gradient / 4)) == Approx(norm(whole) / 4).epsilon(1e-4));
  CHECK_THROWS_AS(moved(-1), OptionError);
  CHECK_THROWS_AS(moved(std::nan("")), OptionError);
}

TEST_CASE("the rate warms up and falls along a cosine", "[schedule]") {
  const WarmUpCosine schedule{.warm_up = 4, .floor = 0.1};
  const auto at = [&](std::uint64_t updates) { return schedule.at(2, updates, 12); };
  CHECK(at(0) == 0.5);
  CHECK(at(1) == 1);
  CHECK(at(3) == 2);
  CHECK(at(4) == 2);
  CHECK(at(6) == Approx(2 * (0.1 + 0.9 * (1 + std::sqrt(0.5)) / 2)));
  CHECK(at(8) == Approx(2 * 0.55));
  CHECK(at(11) > 0.2);
  CHECK(at(12) == Approx(0.2));
  CHECK(at(100) == Approx(0.2));
  CHECK(WarmUpCosine{.warm_up = 0}.at(2, 0, 10) == 2);
  CHECK(WarmUpCosine{.warm_up = 0}.at(2, 5, 10) == Approx(1));
  CHECK(WarmUpCosine{.warm_up = 9}.at(2, 2, 5) == Approx(2.0 / 3));  // a run that ends while it warms up

  History history;
  FitOptions options{.batch = 5,
                     .epochs = 3,
                     .loss = MeanSquaredError{},
                     .optimizer = Descent{.learning_rate = 2},
                     .schedule = schedule,
                     .clip_norm = 0.01};
  trained(options, &history);  // epochs of four steps
  REQUIRE(history.size() == 3);
  for (const EpochRecord& record : history) {
    CHECK(record.learning_rate == at(4 * static_cast<std::uint64_t>(record.epoch - 1)));
  }
  for (const double floor : {-0.1, 1.5, std::nan("")}) {
    options.schedule = WarmUpCosine{.floor = floor};
    CHECK_THAT(message_of<OptionError>([&] { trained(options); }), Contains("floor: expected a number in [0, 1]"));
  }
}

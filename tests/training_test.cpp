/// The training loop: batches, epochs, class weights, errors, best weights.

#include <abell/abell.hpp>
#include <algorithm>
#include <cmath>
#include <limits>

#include "catch.hpp"
#include "error_message.hpp"
#include "kernel_tools.hpp"
#include "training_tools.hpp"

using namespace abell;
using namespace training_tools;

TEST_CASE("a network overfits one batch", "[training]") {
  const auto samples = halves(6);
  auto network = build<float>(net_without_dropout, shape, 1);
  const History history =
      fit(network, samples, {.batch = 6, .epochs = 200, .optimizer = Sgd{.learning_rate = 0.05}, .threads = 1});
  CHECK(history.front().loss > 0.1);
  CHECK(history.back().loss < 1e-3);
  CHECK(history.back().metric == 1);
  const Evaluation result = evaluate(network, samples);
  CHECK(result.loss < 1e-3);
  CHECK(result.metric == 1);
}

TEST_CASE("a network learns what carries over to new images", "[training]") {
  auto network = build<float>(net, shape, 1);
  const auto train = halves(200, 1), test = halves(200, 2);
  CHECK(evaluate(network, test).metric < 0.75);
  const History history = fit(network, train, test, {.batch = 10, .epochs = 8, .optimizer = quick});
  CHECK(history.back().validation_metric > 0.9);
  CHECK(evaluate(network, test).metric == history.back().validation_metric);
}

TEST_CASE("the last batch may be short, and a batch larger than the set is the set", "[training]") {
  for (const int count : {1, 2, 7, 9, 10}) {
    for (const int batch : {1, 3, 10, 25}) {
      INFO(count << " images in batches of " << batch);
      std::vector<std::size_t> sizes;
      const Callback watch{.on_step = [&](const StepReport& report) {
        sizes.push_back(report.images);
        CHECK(report.batch == (sizes.size() - 1) % report.batches + 1);
        CHECK(report.step == sizes.size());
        CHECK(report.steps == 2 * report.batches);
        CHECK(report.epoch == static_cast<int>((sizes.size() - 1) / report.batches) + 1);
      }};
      History history;
      trained({.batch = batch, .epochs = 2, .callbacks = {watch}}, halves(count), &history);
      std::vector<std::size_t> expected;
      for (int epoch = 0; epoch < 2; ++epoch) {
        for (int first = 0; first < count; first += batch)
          expected.push_back(static_cast<std::size_t>(std::min(batch, count - first)));
      }
      CHECK(sizes == expected);
      CHECK(history.size() == 2);
      CHECK(std::isfinite(history.back().loss));
    }
  }
}

TEST_CASE("the gradient of a short batch is its own mean", "[training]") {
  // One image in batches of ten is the same training as in batches of one.
  CHECK(trained({.batch = 10, .epochs = 3, .optimizer = quick}, halves(1)) ==
        trained({.batch = 1, .epochs = 3, .optimizer = quick}, halves(1)));
  CHECK(trained({.batch = 40, .epochs = 3, .optimizer = quick}, halves(7)) ==
        trained({.batch = 7, .epochs = 3, .optimizer = quick}, halves(7)));
}

TEST_CASE("iterations count steps, epochs count passes", "[training]") {
  const auto samples = halves(10);  // four batches of three
  History by_epochs, by_steps, cut;
  const auto expected = trained({.batch = 3, .epochs = 2, .optimizer = quick}, samples, &by_epochs);
  CHECK(trained({.batch = 3, .epochs = 77, .iterations = 8, .optimizer = quick}, samples, &by_steps) == expected);
  CHECK(by_steps.size() == 2);
  CHECK(by_steps.back().loss == by_epochs.back().loss);
  CHECK(trained({.batch = 3, .iterations = 6, .optimizer = quick}, samples, &cut) != expected);
  CHECK(cut.size() == 2);
  CHECK(cut.front().loss == by_epochs.front().loss);
}

TEST_CASE("another seed shuffles otherwise, the same one gives the same bits", "[training]") {
  const auto samples = halves(20);
  const FitOptions options{.batch = 3, .epochs = 2, .optimizer = quick, .seed = 5};
  auto other = options;
  other.seed = 6;
  CHECK(trained(options, samples) == trained(options, samples));
  CHECK(trained(options, samples) != trained(other, samples));
}

TEST_CASE("class weights multiply the loss of their class", "[training]") {
  std::vector<float> logits{1, -2, 0.5F, 3, -1, -1};
  const std::vector<int> labels{0, 0, 1};
  const View<float> view{logits.data(), 3, {1, 1, 2}};
  const auto loss = [&](std::vector<float> weights) {
    return SoftmaxCrossEntropy{.class_weights = weights}(view, label_targets(labels), false).loss;
  };
  const double first = std::log1p(std::exp(-3.0)), second = std::log1p(std::exp(2.5)), third = std::log(2.0);
  CHECK(loss({}) == Approx(first + second + third));
  CHECK(loss({2, 5}) == Approx(2 * first + 2 * second + 5 * third));
  // Weights of two and half the rate: the same steps, bit for bit.
  const auto samples = halves(12);
  CHECK(trained({.batch = 4,
                 .epochs = 3,
                 .loss = SoftmaxCrossEntropy{.class_weights = {2, 2}},
                 .optimizer = Sgd{.learning_rate = 0.01, .decay = 0}},
                samples) ==
        trained({.batch = 4, .epochs = 3, .optimizer = Sgd{.learning_rate = 0.02, .decay = 0}}, samples));
  CHECK(trained({.batch = 4, .epochs = 3, .loss = SoftmaxCrossEntropy{.class_weights = {1, 3}}, .optimizer = quick},
                samples) !=
        trained({.batch = 4, .epochs = 3, .loss = SoftmaxCrossEntropy{.class_weights = {3, 1}}, .optimizer = quick},
                samples));
}

TEST_CASE("the loss is finite at extreme logits, and refuses NaN and unknown labels", "[training]") {
  std::vector<float> logits{1e4F, -1e4F, 1e4F, -1e4F};
  const std::vector<int> labels{0, 1};
  const LossSum sum = SoftmaxCrossEntropy{}(View<float>{logits.data(), 2, {1, 1, 2}}, label_targets(labels), true);
  CHECK(sum.loss == 2e4);
  CHECK(sum.metric == 1);
  CHECK(logits == std::vector<float>{0, 0, 0.5F, -0.5F});  // a saturated wrong answer still learns
  const auto error = [](std::vector<float> z, std::vector<int> label, std::vector<float> weights = {}) {
    std::string text;
    const auto call = [&] {
      SoftmaxCrossEntropy{.class_weights = weights}(View<float>{z.data(), 1, {1, 1, 2}}, label_targets(label), true);
    };
    text = message_of<ShapeError>([&] {
      text = message_of<NumericError>(call);
      if (!text.empty()) throw ShapeError(text);
    });
    return text;
  };
  constexpr float infinity = std::numeric_limits<float>::infinity();
  CHECK(error({0, 1}, {1}).empty());
  CHECK(error({std::nanf(""), 0}, {1}) == "the loss is NaN");
  CHECK(error({0, std::nanf("")}, {0}) == "the loss is NaN");
  CHECK(error({infinity, 0}, {0}) == "the loss is NaN");
  CHECK(error({0, -infinity}, {1}) == "the loss is infinite");
  CHECK(error({0, 1}, {2}) == "loss: expected a label below 2, found 2");
  CHECK(error({0, 1}, {-1}) == "loss: expected a label below 2, found -1");
  CHECK(error({0, 1}, {0, 1}) == "loss: expected targets of 1 x 1, found 2 x 1");
  CHECK(error({0, 1}, {0}, {1}) == "loss: expected 2 class weights, found 1");
}

namespace {

/// Sound images until one is NaN from some epoch on.
struct SpoiltSamples {
  ArraySamples sound;
  std::size_t spoilt;
  std::uint32_t from;

  std::size_t size() const { return sound.size(); }
  Shape shape() const { return sound.shape(); }
  Shape target_shape() const { return sound.target_shape(); }
  void read_target(std::size_t index, std::uint32_t epoch, std::span<float> out) const {
    sound.read_target(index, epoch, out);
  }
  void read(std::size_t index, std::uint32_t epoch, std::span<float> out) const {
    sound.read(index, epoch, out);
    if (index == spoilt && epoch >= from) out[5] = std::nanf("");
  }
};

}  // namespace

TEST_CASE("a NaN in a training image stops with epoch and batch named and the weights intact", "[training][nan]") {
  for (const std::uint32_t epoch : {0U, 2U}) {
    for (const std::size_t spoilt : {std::size_t{0}, std::size_t{4}, std::size_t{10}}) {
      const SpoiltSamples samples{halves(11), spoilt, epoch};
      auto network = build<float>(net, shape, 1);
      const FitOptions options{.batch = 2, .epochs = 5, .optimizer = quick};
      TrainingState<float> state;
      const std::string text = message_of<NumericError>([&] { fit(network, samples, std::nullopt, options, state); });
      INFO(text);
      const std::uint64_t steps = state.optimizer.updates;  // sound ones before it
      CHECK(text ==
            "epoch " + std::to_string(epoch + 1) + ", batch " + std::to_string(steps % 6 + 1) + ": the loss is NaN");
      CHECK(steps / 6 == epoch);
      auto sound = build<float>(net, shape, 1);
      if (steps > 0) fit(sound, samples.sound, {.batch = 2, .iterations = steps, .optimizer = quick});
      CHECK(weights_of(network) == weights_of(sound));
    }
  }
}

TEST_CASE("a NaN in a validation image stops with the epoch named", "[training][nan]") {
  auto network = build<float>(net, shape, 1);
  const SpoiltSamples validation{halves(5), 3, 0};
  CHECK(message_of<NumericError>([&] {
          fit(network, SpoiltSamples{halves(4), 9, 0}, validation, {});
        }) == "epoch 1, validation: predict: the output for image 3 is not finite");
}

TEST_CASE("weights that run away end in an error and are finite again", "[training][nan]") {
  for (const double rate : {1e10, 1e25, 1e37}) {
    auto network = build<float>(net, shape, 1);
    const std::string text = message_of<NumericError>(
        [&] { fit(network, halves(40), {.batch = 4, .epochs = 50, .optimizer = Sgd{.learning_rate = rate}}); });
    INFO(text);
    CHECK_THAT(text, Contains("epoch 1, batch "));
    CHECK(std::ranges::all_of(network.parameters(), [](float w) { return std::isfinite(w); }));
  }
}

TEST_CASE("options out of range are refused before training", "[training]") {
  const auto error = [](const FitOptions& options) {
    auto network = build<float>(net, shape, 1);
    return message_of<OptionError>([&] { fit(network, halves(3), options); });
  };
  CHECK(error({.epochs = 0}) == "epochs: expected 1 or more, found 0");
  CHECK(error({.batch = 0}) == "batch: expected 1 or more, found 0");
  CHECK(message_of<ShapeError>([&] {
          error({.loss = SoftmaxCrossEntropy{.class_weights = {1, 2, 3}}});
        }) == "loss: expected 2 class weights, found 3");
  CHECK_THAT(error({.optimizer = Sgd{.learning_rate = 0}}), Contains("learning_rate: expected a number above 0"));
  CHECK_THAT(error({.optimizer = Sgd{.learning_rate = std::nan("")}}),
             Contains("learning_rate: expected a number above 0"));
  CHECK_THAT(error({.optimizer = Sgd{.momentum = 1}}), Contains("momentum: expected a number in [0, 1)"));
  CHECK_THAT(error({.optimizer = Sgd{.decay = -1}}), Contains("decay: expected a number of 0 or more"));
  CHECK(error({.optimizer = Adam{.epsilon = 0}}) == "epsilon: expected a number above 0, found 0.000000");
  CHECK_THAT(error({.optimizer = Adam{.beta2 = 1}}), Contains("beta2: expected a number in [0, 1)"));
  CHECK_THAT(error({.optimizer = AdamW{.weight_decay = std::nan("")}}), Contains("weight_decay: expected"));
  CHECK_THAT(error({.optimizer = AdamW{.beta1 = -0.1}}), Contains("beta1: expected"));
  CHECK_THAT(error({.optimizer = Adadelta{.rho = 1}}), Contains("rho: expected a number in [0, 1)"));
  CHECK_THAT(error({.optimizer = Adadelta{.epsilon = -1}}), Contains("epsilon: expected a number above 0"));
  CHECK_THAT(error({.optimizer = Adadelta{.learning_rate = 0}}), Contains("learning_rate: expected"));
  CHECK_THAT(error({.optimizer = Adadelta{.decay = std::nan("")}}), Contains("decay: expected"));
  auto network = build<float>(net, shape, 1);
  CHECK_THROWS_AS(fit(network, halves(0), FitOptions{}), ShapeError);
  auto other = build<float>(net, {8, 8, 2}, 1);
  CHECK_THROWS_AS(fit(other, halves(3), FitOptions{}), ShapeError);
}

TEST_CASE("the best weights are those of the epoch with the least validation loss", "[training]") {
  auto network = build<float>(net, shape, 1);
  const auto train = halves(20, 1), validation = halves(30, 2);
  TrainingState<float> state;
  fit(network, train, validation, {.batch = 5, .epochs = 25, .optimizer = Sgd{.learning_rate = 0.05}}, state);
  const auto best = std::ranges::min_element(state.history, {}, &EpochRecord::validation_loss);
  CHECK(best->epoch < 25);  // it overfits, or this test shows nothing
  CHECK(state.best_epoch == best->epoch);
  CHECK(state.best_loss == best->validation_loss);
  std::ranges::copy(state.best_parameters, network.parameters().begin());
  CHECK(evaluate(network, validation).loss == Approx(best->validation_loss).epsilon(1e-6));
}

TEST_CASE("the learning rate follows the plateau rule through a run, and early stopping ends it", "[training]") {
  const auto train = halves(8), validation = halves(8, 2);
  auto network = build<float>(net, shape, 1);
  FitOptions options{.batch = 4, .epochs = 9, .optimizer = quick};
  // Nothing but the first epoch counts as better: the rate halves after every second epoch, to its floor.
  options.schedule = ReduceOnPlateau{.factor = 0.5, .patience = 2, .min_delta = 1e6, .min_rate = 0.004};
  std::vector<double> rates;
  for (const EpochRecord& record : fit(network, train, validation, options)) rates.push_back(record.learning_rate);
  const std::vector<double> expected{0.02, 0.02, 0.02, 0.01, 0.01, 0.005, 0.005, 0.004, 0.004};
  REQUIRE(rates.size() == expected.size());
  for (std::size_t i = 0; i < rates.size(); ++i) CHECK(rates[i] == Approx(expected[i]).epsilon(1e-7));
  options.early_stopping = EarlyStopping{.patience = 3, .min_delta = 1e6};
  CHECK(fit(network, train, validation, options).size() == 4);
}

TEST_CASE("evaluation leaves unknown labels out and refuses labels beyond the classes", "[training]") {
  const auto network = build<float>(net, shape, 1);
  Tensor<float> images(3, shape);
  std::ranges::copy(testing::integers(images.size(), 61), images.data());
  const auto copy = [&] {
    Tensor<float> same(3, shape);
    std::ranges::copy(images.span(), same.data());
    return same;
  };
  const auto p = network.predict(images);
  const auto all = evaluate(network, ArraySamples(copy(), {0, 1, 1}), 2);
  const auto of = [&](int n, int label) { return static_cast<double>(p.view().image(n)[label]); };
  CHECK(all.loss == Approx(-(std::log(of(0, 0)) + std::log(of(1, 1)) + std::log(of(2, 1))) / 3));
  CHECK(std::ranges::equal(all.predictions, p.span()));
  CHECK(all.of_output(1) == std::vector<float>{p.data()[1], p.data()[3], p.data()[5]});
  const auto one = evaluate(network, ArraySamples(copy(), {-1, 1, -1}));
  CHECK(one.loss == Approx(-std::log(of(1, 1))));
  CHECK(one.predictions == all.predictions);
  CHECK(std::isnan(evaluate(network, ArraySamples(copy(), {-1, -1, -1})).loss));
  CHECK(message_of<ShapeError>([&] {
          evaluate(network, ArraySamples(copy(), {0, 2, 0}));
        }) == "loss: expected a label below 2, found 2");
  CHECK_THROWS_AS(evaluate(network, halves(0)), ShapeError);
}

TEST_CASE("frozen layers keep their weights through a run, whatever the optimizer", "[training][optimizer]") {
  constexpr auto frozen =
      describe(Conv2d{.filters = 5, .trainable = false}, Relu{}, MaxPool2d{}, Flatten{}, Dense{.units = 8}, Relu{},
               Dense{.units = 8, .trainable = false}, Relu{}, Dense{.units = 2}, Softmax{});
  for (const Optimizer& optimizer : std::vector<Optimizer>{quick, Adam{}, AdamW{}, Adadelta{}}) {
    INFO("optimizer " << optimizer.kind());
    auto network = build<float>(frozen, shape, 1);
    REQUIRE(network.trainable().size() == 2);
    const auto before = weights_of(network);
    fit(network, halves(8), {.batch = 4, .epochs = 2, .optimizer = optimizer});
    const auto after = weights_of(network);
    for (const NamedParameter& named : network.named_parameters()) {
      INFO(named.name);
      const auto begin = static_cast<std::ptrdiff_t>(named.offset),
                 end = begin + static_cast<std::ptrdiff_t>(named.size);
      const bool same = std::equal(before.begin() + begin, before.begin() + end, after.begin() + begin);
      CHECK(named.trainable != same);
    }
  }
}

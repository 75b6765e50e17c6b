/// Training that is stopped and goes on, and the average of the weights.

#include <abell/abell.hpp>
#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "training_tools.hpp"

using namespace abell;
using namespace training_tools;

TEST_CASE("a run that is stopped and goes on equals an uninterrupted one bit for bit", "[training][resume]") {
  const auto train = halves(17, 1), validation = halves(9, 2);
  FitOptions options{.batch = 4, .epochs = 4, .optimizer = Sgd{.learning_rate = 0.02, .decay = 1e-2}, .seed = 3};
  options.schedule = ReduceOnPlateau{.factor = 0.5, .patience = 1, .min_delta = 1e6, .min_rate = 1e-4};
  options.early_stopping = EarlyStopping{.patience = 50};
  for (const Optimizer& optimizer :
       {options.optimizer, Optimizer{Adam{.learning_rate = 0.01}}, Optimizer{Adadelta{.learning_rate = 5}}}) {
    options.optimizer = optimizer;
    options.ema_decay = optimizer.kind() == Adam::kind ? 0.9 : 0.0;
    auto whole = build<float>(net, shape, 1);
    TrainingState<float> expected;
    fit(whole, train, validation, options, expected);
    REQUIRE(expected.finished);
    REQUIRE(expected.history.front().learning_rate > expected.history.back().learning_rate);
    for (const int every : {1, 2, 3, 5, 7}) {  // an epoch has five steps
      INFO("stopped every " << every << " steps");
      auto network = build<float>(net, shape, 1);
      TrainingState<float> state;
      CHECK(fit_in_parts(network, train, validation, options, state, every) > 1);
      CHECK(weights_of(network) == weights_of(whole));
      CHECK(std::ranges::equal(state.optimizer.slots.span(), expected.optimizer.slots.span()));
      CHECK(state.optimizer.updates == 20);
      CHECK(state.best_parameters == expected.best_parameters);
      CHECK(state.best_epoch == expected.best_epoch);
      CHECK(state.ema == expected.ema);
      check_equal(state.history, expected.history);
    }
  }
}

TEST_CASE("an average of the weights is kept beside them", "[training]") {
  const ArraySamples train = halves(20, 1), validation = halves(8, 2);
  FitOptions options{.batch = 5, .epochs = 3, .optimizer = Sgd{.learning_rate = 0.01}};
  auto plain = build<float>(net, shape, 1);
  fit(plain, train, validation, options);
  auto network = build<float>(net, shape, 1);
  std::vector<float> average(network.parameters().size());
  int update = 0;
  options.ema_decay = 0.8;
  options.callbacks = {{.on_step = [&](const StepReport&) {
    ++update;
    const float kept = std::min(0.8F, static_cast<float>((update - 1.0) / (update + 8.0)));
    for (std::size_t i = 0; i < average.size(); ++i) {
      average[i] = kept * average[i] + (1 - kept) * network.parameters()[i];
    }
  }}};
  TrainingState<float> state;
  fit(network, train, validation, options, state);
  CHECK(weights_of(network) == weights_of(plain));
  REQUIRE(state.ema.size() == average.size());
  for (std::size_t i = 0; i < average.size(); ++i)
    REQUIRE(state.ema[i] == Approx(average[i]).epsilon(1e-5).margin(1e-7));
  REQUIRE(state.best_epoch == 3);
  CHECK(state.best_parameters == state.ema);
  std::ranges::copy(state.ema, network.parameters().begin());
  CHECK(evaluate(network, validation).loss == state.history.back().validation_loss);
  options.ema_decay = 1;
  CHECK_THROWS_AS(fit(network, train, validation, options, state), OptionError);
}

TEST_CASE("a finished run that goes on does nothing", "[training][resume]") {
  auto network = build<float>(net, shape, 1);
  TrainingState<float> state;
  const auto train = halves(8);
  const FitOptions options{.batch = 4, .epochs = 2, .optimizer = quick};
  fit(network, train, std::nullopt, options, state);
  const auto before = weights_of(network);
  fit(network, train, std::nullopt, options, state);
  CHECK(weights_of(network) == before);
  CHECK(state.history.size() == 2);
}

TEST_CASE("a finished run that is given more epochs goes on as if it had had them", "[training][resume]") {
  const auto train = halves(8), validation = halves(6, 2);
  FitOptions options{.batch = 4, .epochs = 5, .optimizer = quick};
  auto whole = build<float>(net, shape, 1);
  TrainingState<float> expected;
  fit(whole, train, validation, options, expected);
  auto network = build<float>(net, shape, 1);
  TrainingState<float> state;
  for (const int epochs : {2, 5}) {
    options.epochs = epochs;
    fit(network, train, validation, options, state);
    CHECK(state.finished);
  }
  CHECK(weights_of(network) == weights_of(whole));
  check_equal(state.history, expected.history);
  // The steps of an epoch that was cut short are counted as one.
  options.iterations = 11;
  fit(network, train, validation, options, state);
  options.iterations = 12;
  CHECK_THROWS_AS(fit(network, train, validation, options, state), OptionError);
  options.iterations = 10;  // fewer than it has done
  CHECK_THROWS_AS(fit(network, train, validation, options, state), OptionError);
  // A run that was stopped early stays so.
  TrainingState<float> stopped;
  auto other = build<float>(net, shape, 1);
  options = {.batch = 4, .epochs = 3, .optimizer = quick};
  options.early_stopping = EarlyStopping{.patience = 1, .min_delta = 1e6};
  fit(other, train, validation, options, stopped);
  REQUIRE(stopped.finished);
  const std::size_t epochs = stopped.history.size();
  options.epochs = 9;
  fit(other, train, validation, options, stopped);
  CHECK(stopped.history.size() == epochs);
}

TEST_CASE("what early stopping and the plateau saw of the last epoch counts when a run goes on", "[training][resume]") {
  const auto train = halves(8), validation = halves(6, 2);
  FitOptions options{.batch = 4, .epochs = 6, .optimizer = quick};
  options.schedule = ReduceOnPlateau{.factor = 0.5, .patience = 2, .min_delta = 1e6};
  options.early_stopping = EarlyStopping{.patience = 5, .min_delta = 1e6};
  auto whole = build<float>(net, shape, 1);
  TrainingState<float> expected;
  fit(whole, train, validation, options, expected);
  auto network = build<float>(net, shape, 1);
  TrainingState<float> state;
  for (const int epochs : {1, 3, 6}) {
    options.epochs = epochs;
    fit(network, train, validation, options, state);
  }
  CHECK(state.early_stopping.wait == expected.early_stopping.wait);
  CHECK(state.history.size() == expected.history.size());
  CHECK(weights_of(network) == weights_of(whole));
}

TEST_CASE("a state put aside after any step ends in the same bits", "[training][resume]") {
  const auto train = halves(17, 1), validation = halves(9, 2);
  FitOptions options{.batch = 4, .epochs = 2, .optimizer = quick};
  options.iterations = 8;  // within the second epoch of five
  auto whole = build<float>(net, shape, 1);
  TrainingState<float> expected;
  std::vector<std::vector<float>> weights;
  std::vector<TrainingState<float>> states;
  options.callbacks = {{.on_step = [&](const StepReport&) {
    weights.push_back(weights_of(whole));
    TrainingState<float>& copy = states.emplace_back();
    copy.optimizer.updates = expected.optimizer.updates;
    copy.optimizer.learning_rate = expected.optimizer.learning_rate;
    copy.optimizer.slots = Buffer<float>(expected.optimizer.slots.size());
    std::ranges::copy(std::as_const(expected.optimizer.slots).span(), copy.optimizer.slots.data());
    copy.plateau = expected.plateau;
    copy.early_stopping = expected.early_stopping;
    copy.epoch = expected.epoch;
    copy.batch = expected.batch;
    copy.loss_sum = expected.loss_sum;
    copy.metric_sum = expected.metric_sum;
    copy.seen = expected.seen;
    copy.seconds = expected.seconds;
    copy.history = expected.history;
    copy.best_parameters = expected.best_parameters;
    copy.best_loss = expected.best_loss;
    copy.best_epoch = expected.best_epoch;
  }}};
  fit(whole, train, validation, options, expected);
  REQUIRE(states.size() == 8);
  options.callbacks.clear();
  for (std::size_t i = 0; i < states.size(); ++i) {
    INFO("after step " << i + 1);
    CHECK(states[i].seconds > 0);
    CHECK_NOTHROW(check_resumable("state", states[i], options, train.size()));
    auto network = build<float>(net, shape, 2);
    std::ranges::copy(weights[i], network.parameters().begin());
    fit(network, train, validation, options, states[i]);
    CHECK(weights_of(network) == weights_of(whole));
    CHECK(states[i].best_parameters == expected.best_parameters);
    check_equal(states[i].history, expected.history);
  }
}

TEST_CASE("counts of another set or batch are refused", "[training][resume]") {
  const auto train = halves(10), validation = halves(6, 2);
  FitOptions options{.batch = 4, .epochs = 3, .optimizer = quick};
  auto network = build<float>(net, shape, 1);
  TrainingState<float> state;
  options.callbacks = {{.stop = [&] { return state.optimizer.updates == 5; }}};
  fit(network, train, validation, options, state);
  REQUIRE((state.epoch == 1 && state.batch == 2 && state.seen == 8 && state.optimizer.updates == 5));
  options.callbacks.clear();
  const auto refused = [&](auto& number, auto wrong, const char* text) {
    const auto right = std::exchange(number, wrong);
    CHECK_THAT(message_of<FormatError>([&] { fit(network, train, validation, options, state); }), Contains(text));
    CHECK_THAT(message_of<FormatError>([&] { check_resumable("last", state, options, train.size()); }),
               Contains(text) && Contains("last: expected"));
    number = right;
  };
  refused(state.batch, std::size_t{4}, "at most 3 batches in an epoch, found 4");
  refused(state.batch, std::size_t{1}, "4 images in 1 batches, found 8");
  refused(state.seen, std::size_t{7}, "8 images in 2 batches, found 7");
  refused(state.optimizer.updates, std::uint64_t{6}, "5 updates in 1 epochs and 2 batches, found 6");
  refused(state.epoch, 2, "8 updates in 2 epochs and 2 batches, found 5");
  const auto larger = halves(14);
  CHECK_THROWS_AS(fit(network, larger, validation, options, state), FormatError);
  options.batch = 5;
  CHECK_THROWS_AS(fit(network, train, validation, options, state), FormatError);
}

TEST_CASE("rates and rules that do not follow from the history are refused", "[training][resume]") {
  const auto train = halves(8), validation = halves(6, 2);
  FitOptions options{.batch = 4, .epochs = 4, .optimizer = quick};
  options.schedule = ReduceOnPlateau{.factor = 0.5, .patience = 2, .min_delta = 1e6, .cooldown = 1};
  options.early_stopping = EarlyStopping{.patience = 9, .min_delta = 1e6};
  auto network = build<float>(net, shape, 1);
  TrainingState<float> state;
  fit(network, train, validation, options, state);
  REQUIRE(state.optimizer.learning_rate < 0.02);
  CHECK_NOTHROW(check_resumable("last", state, options, train.size()));
  const auto refused = [&](auto& number, auto wrong, const char* text) {
    const auto right = std::exchange(number, wrong);
    CHECK_THAT(message_of<FormatError>([&] { check_resumable("last", state, options, train.size()); }),
               Contains("last: expected") && Contains(text));
    number = right;
  };
  constexpr double infinity = std::numeric_limits<double>::infinity();
  refused(state.optimizer.learning_rate, 0.02, "a learning rate of 0.0099999997764825821 by its history, found 0.02");
  refused(state.history[3].learning_rate, 0.5, "a learning rate");
  refused(state.history[1].metric, 1.5, "an accuracy from 0 to 1 in epoch 2, found 1.5");
  refused(state.history[2].validation_metric, -0.5, "an accuracy from 0 to 1 in epoch 3, found -0.5");
  refused(state.plateau.best, infinity, "a best loss of the plateau");
  refused(state.plateau.best, state.history[2].validation_loss, "a best loss of the plateau");
  refused(state.plateau.wait, 3, "a wait of the plateau");
  refused(state.plateau.cooldown, 2, "a cooldown of the plateau");
  refused(state.early_stopping.best, infinity, "a best loss of early stopping");
  refused(state.early_stopping.wait, 0, "a wait of early stopping of 3 by its history, found 0");
  options.epochs = 3;
  CHECK_THROWS_AS(check_resumable("last", state, options, train.size()), OptionError);
}

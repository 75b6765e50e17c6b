/// Optimizers, ReduceOnPlateau and EarlyStopping against Keras's rules as make_schedules.py writes
/// them out.

#include <abell/training/optimizer.hpp>
#include <abell/training/schedule.hpp>
#include <algorithm>
#include <cmath>

#include "catch.hpp"
#include "npy.hpp"

using namespace abell;
using abell::testing::Npy;
using abell::testing::read_npy;

namespace {

/// Follows the file's gradients and rates; the worst relative difference from its parameters.
template <class T>
double follow(const Optimizer& optimizer, const std::string& name, int threads) {
  const Npy gradients = read_npy("optimizer_gradients"), rates = read_npy("optimizer_rates"),
            path = read_npy("optimizer_" + name);
  const auto size = static_cast<std::size_t>(gradients.dimensions[1]);
  std::vector<T> parameters;
  for (const double value : read_npy("optimizer_start").values) parameters.push_back(static_cast<T>(value));
  OptimizerState<T> state(optimizer, size);
  double worst = 0;
  for (std::size_t step = 0; step < rates.values.size(); ++step) {
    std::vector<T> gradient(size);
    for (std::size_t i = 0; i < size; ++i) gradient[i] = static_cast<T>(gradients.values[step * size + i]);
    state.learning_rate = rates.values[step];
    apply<T>(optimizer, state, threads, parameters, gradient);
    CHECK(state.updates == step + 1);
    for (std::size_t i = 0; i < size; ++i) {
      const double expected = path.values[step * size + i];
      const double gap = std::abs(static_cast<double>(parameters[i]) - expected) / std::max(1.0, std::abs(expected));
      worst = gap <= worst ? worst : gap;
    }
  }
  return worst;
}

}  // namespace

TEST_CASE("optimizers with decay follow Keras's formulas", "[training][optimizer]") {
  const Optimizer nesterov = Sgd{.learning_rate = 0.1, .momentum = 0.9, .nesterov = true, .decay = 0.05};
  const Optimizer plain = Sgd{.learning_rate = 0.1, .momentum = 0.8, .nesterov = false, .decay = 0.05};
  const Optimizer adam = Adam{.learning_rate = 0.1, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-7, .decay = 0.01};
  for (const int threads : {1, 2}) {
    CHECK(follow<double>(nesterov, "nesterov", threads) < 1e-14);
    CHECK(follow<float>(nesterov, "nesterov", threads) < 2e-6);
    CHECK(follow<double>(plain, "plain", threads) < 1e-14);
    CHECK(follow<float>(plain, "plain", threads) < 2e-6);
    CHECK(follow<double>(adam, "adam", threads) < 1e-13);
    CHECK(follow<float>(adam, "adam", threads) < 5e-6);
  }
  // The files differ from each other by far more than the tolerance.
  CHECK(follow<double>(nesterov, "plain", 1) > 1e-2);
}

TEST_CASE("two updates by hand", "[training][optimizer]") {
  const Sgd sgd{.learning_rate = 0.5, .momentum = 0.5, .nesterov = true, .decay = 1};
  OptimizerState<double> state(sgd, 1);
  CHECK(state.learning_rate == 0.5);
  std::vector<double> p{1}, g{1};
  apply<double>(sgd, state, 1, p, g);  // lr 0.5: v = -0.5, p = 1 - 0.25 - 0.5
  CHECK(p[0] == 0.25);
  apply<double>(sgd, state, 1, p, g);  // lr 0.25: v = -0.25 - 0.25, p = 0.25 - 0.25 - 0.25
  CHECK(p[0] == -0.25);
  CHECK(state.slots.data()[0] == -0.5);
}

TEST_CASE("an update does not depend on the number of threads, bit for bit", "[training][optimizer]") {
  const std::size_t size = 100003;
  std::vector<std::vector<float>> all;
  for (const int threads : {1, 2, 3, 4}) {
    std::vector<float> p(size), g(size);
    Random random(1);
    for (std::size_t i = 0; i < size; ++i)
      p[i] = static_cast<float>(random.normal()), g[i] = static_cast<float>(random.normal());
    const Optimizer optimizer = Sgd{.learning_rate = 0.1};
    OptimizerState<float> state(optimizer, size);
    for (int step = 0; step < 3; ++step) apply<float>(optimizer, state, threads, p, g);
    all.push_back(p);
  }
  for (const auto& p : all) CHECK(p == all.front());
}

TEST_CASE("ReduceOnPlateau follows Keras's traces", "[training][schedule]") {
  const Npy losses = read_npy("plateau_losses"), options = read_npy("plateau_options"),
            rates = read_npy("plateau_rates");
  const std::size_t epochs = losses.values.size();
  for (std::size_t row = 0; row < static_cast<std::size_t>(options.dimensions[0]); ++row) {
    INFO("row " << row);
    const double* option = options.values.data() + row * 6;
    const ReduceOnPlateau rule{.factor = option[0],
                               .patience = static_cast<int>(option[1]),
                               .min_delta = option[2],
                               .cooldown = static_cast<int>(option[3]),
                               .min_rate = option[4]};
    ReduceOnPlateau::State state;
    double rate = option[5];
    for (std::size_t epoch = 0; epoch < epochs; ++epoch) {
      rate = rule.next(state, losses.values[epoch], rate);
      if (!(rate == Approx(rates.values[row * epochs + epoch]).epsilon(1e-6))) {
        FAIL("epoch " << epoch << ": expected " << rates.values[row * epochs + epoch] << ", found " << rate);
      }
    }
  }
}

TEST_CASE("with Table 4's values ReduceOnPlateau never fires, and starts at the defaults", "[training][schedule]") {
  const ReduceOnPlateau rule;
  CHECK(rule.patience == 14);
  CHECK(rule.factor == 0.75);
  CHECK(rule.min_rate == Sgd{}.learning_rate);
  ReduceOnPlateau::State state;
  double rate = Sgd{}.learning_rate;
  for (int epoch = 0; epoch < 1000; ++epoch) rate = rule.next(state, 0.5, rate);
  CHECK(rate == 1e-4);
  // A rate just above the floor would have been cut at the 15th epoch.
  ReduceOnPlateau::State other;
  rate = 1.1e-4;
  for (int epoch = 0; epoch < 14; ++epoch) rate = rule.next(other, 0.5, rate);
  CHECK(rate == 1.1e-4);
  rate = rule.next(other, 0.5, rate);
  CHECK(rate == 1e-4);
}

TEST_CASE("EarlyStopping follows Keras's traces", "[training][schedule]") {
  const Npy losses = read_npy("plateau_losses"), options = read_npy("stopping_options"),
            epochs = read_npy("stopping_epochs");
  int stopped_runs = 0;
  for (std::size_t row = 0; row < epochs.values.size(); ++row) {
    const EarlyStopping rule{.patience = static_cast<int>(options.values[row * 2]),
                             .min_delta = options.values[row * 2 + 1]};
    EarlyStopping::State state;
    int found = 0;
    for (std::size_t epoch = 0; epoch < losses.values.size() && found == 0; ++epoch) {
      if (rule.stop(state, losses.values[epoch])) found = static_cast<int>(epoch) + 1;
    }
    INFO("row " << row);
    CHECK(found == static_cast<int>(epochs.values[row]));
    stopped_runs += found > 0;
  }
  CHECK(stopped_runs >= 3);
}

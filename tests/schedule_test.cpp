/// Optimizers, ReduceOnPlateau and EarlyStopping against Keras's rules as make_schedules.py writes
/// them out.

#include <abell/core/random.hpp>
#include <abell/training/optimizer.hpp>
#include <abell/training/schedule.hpp>
#include <algorithm>
#include <array>
#include <cmath>

#include "catch.hpp"
#include "npy.hpp"

using namespace abell;
using abell::testing::Npy;
using abell::testing::read_npy;

namespace {

/// All of an arena of `size` values, cut to pieces of at most `piece`.
std::vector<ParameterRange> all_of(std::size_t size, std::size_t piece = 100) {
  return trainable_ranges({{"all", {static_cast<int>(size)}, 0, size}}, piece);
}

/// Follows the file's gradients and rates (times `factor`); the worst relative difference from its parameters.
template <class T>
double follow(const Optimizer& optimizer, const std::string& name, int threads, double factor = 1) {
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
    state.learning_rate = factor * rates.values[step];
    apply<T>(optimizer, state, threads, parameters, gradient, all_of(size, 2));
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
  const Optimizer adamw =
      AdamW{.learning_rate = 0.1, .beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-3, .weight_decay = 0.3, .decay = 0.01};
  const Adadelta adadelta{.learning_rate = 10, .rho = 0.9, .epsilon = 1e-7, .decay = 0.02};
  for (const int threads : {1, 2}) {
    CHECK(follow<double>(nesterov, "nesterov", threads) < 1e-14);
    CHECK(follow<float>(nesterov, "nesterov", threads) < 2e-6);
    CHECK(follow<double>(plain, "plain", threads) < 1e-14);
    CHECK(follow<float>(plain, "plain", threads) < 2e-6);
    CHECK(follow<double>(adam, "adam", threads) < 1e-13);
    CHECK(follow<float>(adam, "adam", threads) < 5e-6);
    CHECK(follow<double>(adamw, "adamw", threads) < 1e-13);
    CHECK(follow<float>(adamw, "adamw", threads) < 5e-6);
    CHECK(follow<double>(adadelta, "adadelta", threads, 100) < 1e-13);
    CHECK(follow<float>(adadelta, "adadelta", threads, 100) < 5e-6);
  }
  // The files differ from each other by far more than the tolerance.
  CHECK(follow<double>(nesterov, "plain", 1) > 1e-2);
  CHECK(follow<double>(adam, "adamw", 1) > 1e-2);
  Adadelta wrong = adadelta;
  CHECK(wrong.epsilon == Adadelta{}.epsilon);
  wrong.epsilon = 1e-6;  // PyTorch's
  CHECK(follow<double>(wrong, "adadelta", 1, 100) > 1e-2);
}

TEST_CASE("defaults are Keras 2.2's and PyTorch's", "[training][optimizer]") {
  constexpr Adadelta adadelta;
  CHECK((adadelta.learning_rate == 1 && adadelta.rho == 0.95 && adadelta.epsilon == 1e-7 && adadelta.decay == 0));
  constexpr AdamW adamw;
  CHECK((adamw.learning_rate == 1e-3 && adamw.epsilon == 1e-8 && adamw.weight_decay == 1e-2));
}

TEST_CASE("two updates by hand", "[training][optimizer]") {
  const Sgd sgd{.learning_rate = 0.5, .momentum = 0.5, .nesterov = true, .decay = 1};
  OptimizerState<double> state(sgd, 1);
  CHECK(state.learning_rate == 0.5);
  std::vector<double> p{1}, g{1};
  apply<double>(sgd, state, 1, p, g, all_of(1));  // lr 0.5: v = -0.5, p = 1 - 0.25 - 0.5
  CHECK(p[0] == 0.25);
  apply<double>(sgd, state, 1, p, g, all_of(1));  // lr 0.25: v = -0.25 - 0.25, p = 0.25 - 0.25 - 0.25
  CHECK(p[0] == -0.25);
  CHECK(state.slots.data()[0] == -0.5);
}

TEST_CASE("two updates of Adadelta by hand", "[training][optimizer]") {
  const Adadelta adadelta{.learning_rate = 1, .rho = 0.75, .epsilon = 1, .decay = 1};
  OptimizerState<double> state(adadelta, 1);
  std::vector<double> p{0}, g{std::sqrt(12.0)};
  apply<double>(adadelta, state, 1, p, g, all_of(1));  // a = 3, u = sqrt(12) sqrt(1) / sqrt(4), rate 1
  CHECK(p[0] == Approx(-std::sqrt(3.0)));
  CHECK(state.slots.data()[0] == Approx(3));
  CHECK(state.slots.data()[1] == Approx(0.75));  // of u, not of the step
  g[0] = 0.5;
  apply<double>(adadelta, state, 1, p, g, all_of(1));  // a = 2.25 + 0.0625, the d of before, rate 1 / 2
  const double u = 0.5 * std::sqrt(1.75) / std::sqrt(3.3125);
  CHECK(p[0] == Approx(-std::sqrt(3.0) - u / 2));
  CHECK(state.slots.data()[1] == Approx(0.75 * 0.75 + 0.25 * u * u));
}

TEST_CASE("trainable ranges join neighbours and leave out what is frozen", "[training][optimizer]") {
  const auto found = [](const std::vector<bool>& trainable, std::size_t piece) {
    std::vector<NamedParameter> all;
    std::size_t offset = 0;
    for (const bool t : trainable) {
      all.push_back({"w", {3}, offset, 3, t});
      offset += 3;
    }
    std::vector<std::array<std::size_t, 2>> ranges;
    for (const ParameterRange& range : trainable_ranges(all, piece)) ranges.push_back({range.begin, range.size});
    return ranges;
  };
  using Ranges = std::vector<std::array<std::size_t, 2>>;
  CHECK(found({}, 9) == Ranges{});
  CHECK(found({false, false}, 9) == Ranges{});
  CHECK(found({true, true, true}, 9) == Ranges{{0, 9}});
  CHECK(found({true, true, true}, 4) == Ranges{{0, 4}, {4, 4}, {8, 1}});
  CHECK(found({false, true, true, false, false, true}, 100) == Ranges{{3, 6}, {15, 3}});
  CHECK(found({true, false, true, true, false}, 5) == Ranges{{0, 3}, {6, 5}, {11, 1}});
}

namespace {

const std::vector<Optimizer> every_optimizer{Sgd{.learning_rate = 0.1}, Sgd{.learning_rate = 0.1, .nesterov = false},
                                             Adam{.learning_rate = 0.1},
                                             AdamW{.learning_rate = 0.1, .weight_decay = 0.5}, Adadelta{}};

}  // namespace

TEST_CASE("no optimizer touches a frozen parameter or the state beside it", "[training][optimizer]") {
  // Odd sizes, so that the frozen parts begin and end within vectors and blocks.
  std::vector<NamedParameter> all;
  std::size_t size = 0;
  for (const std::size_t length : {5U, 1U, 700U, 3U, 2U, 513U, 11U, 1030U, 1U}) {
    all.push_back({"w", {static_cast<int>(length)}, size, length, all.size() % 3 != 1});
    size += length;
  }
  const auto ranges = trainable_ranges(all, 600);
  for (const Optimizer& optimizer : every_optimizer) {
    for (const int threads : {1, 3}) {
      INFO("optimizer " << optimizer.kind() << ", " << threads << " threads");
      std::vector<float> p(size), g(size);
      Random random(3);
      for (std::size_t i = 0; i < size; ++i)
        p[i] = static_cast<float>(random.normal()), g[i] = static_cast<float>(random.normal());
      for (const NamedParameter& named : all) {  // whatever a frozen gradient holds
        if (!named.trainable) std::fill_n(g.data() + named.offset, named.size, std::nanf(""));
      }
      const std::vector<float> before = p;
      OptimizerState<float> state(optimizer, size);
      for (int step = 0; step < 3; ++step) apply<float>(optimizer, state, threads, p, g, ranges);
      for (const NamedParameter& named : all) {
        std::size_t moved = 0, remembered = 0;
        for (std::size_t i = named.offset; i < named.offset + named.size; ++i) {
          moved += p[i] != before[i];
          for (std::size_t k = i; k < state.slots.size(); k += size) remembered += state.slots.data()[k] != 0;
        }
        CHECK(moved == (named.trainable ? named.size : 0));
        CHECK(remembered == (named.trainable ? named.size * state.slots.size() / size : 0));
      }
    }
  }
}

TEST_CASE("an update does not depend on the number of threads, bit for bit", "[training][optimizer]") {
  const std::size_t size = 100003;
  for (const Optimizer& optimizer : every_optimizer) {
    std::vector<std::vector<float>> all;
    for (const int threads : {1, 2, 3, 4}) {
      std::vector<float> p(size), g(size);
      Random random(1);
      for (std::size_t i = 0; i < size; ++i)
        p[i] = static_cast<float>(random.normal()), g[i] = static_cast<float>(random.normal());
      OptimizerState<float> state(optimizer, size);
      for (int step = 0; step < 3; ++step) apply<float>(optimizer, state, threads, p, g, all_of(size, 1 << 12));
      p.insert(p.end(), state.slots.data(), state.slots.data() + state.slots.size());
      all.push_back(p);
    }
    for (const auto& p : all) CHECK(p == all.front());
  }
}

TEST_CASE("square roots of any count are std::sqrt's", "[training][optimizer]") {
  const auto check = []<class T>(T) {
    Random random(2);
    for (std::size_t size = 0; size < 20; ++size) {
      std::vector<T> x(size + 1, T(-1)), expected(size + 1, T(-1));
      for (std::size_t i = 0; i < size; ++i) {
        x[i] = i % 7 == 0 ? T(0) : static_cast<T>(std::exp(random.uniform(-80, 80)));
        expected[i] = std::sqrt(x[i]);
      }
      kernels::square_roots(size, x.data());
      CHECK(x == expected);  // the value after the last is left alone
    }
  };
  check(0.0F);
  check(0.0);
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

#include <abell/data/array_samples.hpp>
#include <abell/training/checkpoint.hpp>
#include <abell/training/fit.hpp>
#include <abell/weights/model.hpp>
#include <bit>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"
#include "temp_folder.hpp"
#include "weights_tools.hpp"

using namespace abell;

namespace {

ArraySamples blobs(int count, std::uint64_t seed) {
  Tensor<float> images(count, small_input);
  std::vector<int> labels;
  Random random(seed, {Purpose::user, 0, 0});
  for (int i = 0; i < count; ++i) {
    labels.push_back(i % 2);
    for (std::size_t k = 0; k < small_input.size(); ++k) {
      images.view().image(i)[k] = static_cast<float>(random.uniform(-1, 1) + (i % 2 == 0 ? 0.2 : -0.2));
    }
  }
  return {std::move(images), std::move(labels)};
}

/// Whether two states hold the same bits; `clocks` compares the seconds too.
template <class T>
void require_same(const TrainingState<T>& a, const TrainingState<T>& b, bool clocks) {
  REQUIRE(a.optimizer.updates == b.optimizer.updates);
  REQUIRE(same_bits(a.optimizer.learning_rate, b.optimizer.learning_rate));
  REQUIRE(same_bits(a.optimizer.slots.span(), b.optimizer.slots.span()));
  REQUIRE(same_bits(a.plateau.best, b.plateau.best));
  REQUIRE(a.plateau.wait == b.plateau.wait);
  REQUIRE(a.plateau.cooldown == b.plateau.cooldown);
  REQUIRE(same_bits(a.early_stopping.best, b.early_stopping.best));
  REQUIRE(a.early_stopping.wait == b.early_stopping.wait);
  REQUIRE(a.epoch == b.epoch);
  REQUIRE(a.batch == b.batch);
  REQUIRE(same_bits(a.loss_sum, b.loss_sum));
  REQUIRE(same_bits(a.metric_sum, b.metric_sum));
  REQUIRE(a.seen == b.seen);
  REQUIRE(a.finished == b.finished);
  REQUIRE(same_bits(std::span<const T>(a.best_parameters), std::span<const T>(b.best_parameters)));
  REQUIRE(same_bits(std::span<const T>(a.ema), std::span<const T>(b.ema)));
  REQUIRE(same_bits(a.best_loss, b.best_loss));
  REQUIRE(a.best_epoch == b.best_epoch);
  REQUIRE(a.history.size() == b.history.size());
  for (std::size_t i = 0; i < a.history.size(); ++i) {
    const EpochRecord& x = a.history[i];
    const EpochRecord& y = b.history[i];
    REQUIRE(x.epoch == y.epoch);
    REQUIRE(same_bits(x.loss, y.loss));
    REQUIRE(same_bits(x.metric, y.metric));
    REQUIRE(same_bits(x.validation_loss, y.validation_loss));
    REQUIRE(same_bits(x.validation_metric, y.validation_metric));
    REQUIRE(same_bits(x.learning_rate, y.learning_rate));
    if (clocks) REQUIRE(same_bits(x.seconds, y.seconds));
    if (clocks) REQUIRE(same_bits(x.waited_seconds, y.waited_seconds));
  }
  if (clocks) REQUIRE(same_bits(a.seconds, b.seconds));
}

}  // namespace

TEST_CASE("A run stopped anywhere, put aside and taken up again ends with the same bits", "[weights]") {
  const TempFolder folder;
  const ArraySamples train = blobs(22, 1);
  const ArraySamples validation = blobs(7, 2);
  FitOptions options;
  options.batch = 5;  // five batches an epoch, the last one short
  options.epochs = 4;
  const std::vector<Optimizer> optimizers{Sgd{.learning_rate = 0.05, .momentum = 0.9, .nesterov = true, .decay = 1e-3},
                                          Adam{.learning_rate = 0.01, .decay = 1e-3},
                                          AdamW{.learning_rate = 0.01, .weight_decay = 0.1},
                                          Adadelta{.learning_rate = 5, .decay = 0.95}};
  const std::size_t chosen = GENERATE(0U, 1U, 2U, 3U);
  options.optimizer = optimizers[chosen];
  options.schedule = ReduceOnPlateau{.factor = 0.5, .patience = 1, .min_delta = 0.05, .cooldown = 1, .min_rate = 1e-4};
  options.early_stopping = EarlyStopping{.patience = 20};
  options.seed = 3;
  const bool validated = GENERATE(true, false);
  using Validation = std::optional<SamplesView>;
  const Validation watched = validated ? validation : Validation();

  auto straight = build<float>(small_net, small_input, 11);
  TrainingState<float> whole;
  fit(straight, train, watched, options, whole);
  REQUIRE(whole.finished);
  REQUIRE(whole.optimizer.updates == 20);

  for (const int stop_after : {1, 5, 7, 13, 19, 20}) {
    INFO("stopped after step " << stop_after << (validated ? ", validated" : "") << ", optimizer " << chosen);
    FitOptions first = options;
    std::uint64_t done = 0;
    first.callbacks = {{.on_step = [&](const StepReport& report) { done = report.step; },
                        .stop = [&] { return done >= static_cast<std::uint64_t>(stop_after); }}};
    auto stopped = build<float>(small_net, small_input, 11);
    TrainingState<float> part;
    fit(stopped, train, watched, first, part);
    REQUIRE(part.optimizer.updates == static_cast<std::uint64_t>(stop_after));
    save_checkpoint(folder / "last.checkpoint", stopped, part, R"({"epochs": 4})");

    auto resumed = build<float>(small_net, small_input, 99);
    TrainingState<float> taken;
    taken.history.resize(3);  // whatever it held is gone
    REQUIRE(read_checkpoint_config(folder / "last.checkpoint") == R"({"epochs": 4})");
    REQUIRE(load_checkpoint(folder / "last.checkpoint", resumed, taken) == R"({"epochs": 4})");
    REQUIRE(same_bits(std::as_const(resumed).parameters(), std::as_const(stopped).parameters()));
    require_same(taken, part, true);

    fit(resumed, train, watched, options, taken);
    REQUIRE(same_bits(std::as_const(resumed).parameters(), std::as_const(straight).parameters()));
    require_same(taken, whole, false);
  }
}

TEST_CASE("A checkpoint written by a callback at each epoch's end continues the run", "[weights]") {
  const TempFolder folder;
  const ArraySamples train = blobs(12, 5);
  FitOptions options;
  options.batch = 4;
  options.epochs = 3;
  auto network = build<float>(small_net, small_input, 1);
  TrainingState<float> state;
  options.callbacks = {{.on_epoch = [&](const EpochRecord& record) {
    save_checkpoint(folder / ("epoch-" + std::to_string(record.epoch)), network, state);
  }}};
  fit(network, train, std::nullopt, options, state);
  options.callbacks.clear();
  for (const int epoch : {1, 2, 3}) {
    auto other = build<float>(small_net, small_input, 2);
    TrainingState<float> taken;
    load_checkpoint(folder / ("epoch-" + std::to_string(epoch)), other, taken);
    REQUIRE(taken.epoch == epoch);
    fit(other, train, std::nullopt, options, taken);
    REQUIRE(same_bits(std::as_const(other).parameters(), std::as_const(network).parameters()));
    require_same(taken, state, false);
  }
}

TEST_CASE("Checkpoints keep extreme numbers: NaN with its bits, infinity, counts beyond 2^53", "[weights]") {
  const TempFolder folder;
  auto network = build<float>(small_net, small_input);
  TrainingState<float> state;
  state.optimizer = OptimizerState<float>(Sgd{}, network.parameters().size());
  state.optimizer.updates = std::numeric_limits<std::uint64_t>::max() - 1;
  state.optimizer.learning_rate = 0.1 + 0.2;
  state.plateau = {.best = -0.0, .wait = 1, .cooldown = std::numeric_limits<int>::max()};
  state.epoch = 1;
  state.batch = (std::size_t{1} << 53) + 1;
  state.seen = state.batch * 2;
  state.metric_sum = 1;
  state.loss_sum = std::numeric_limits<double>::denorm_min();
  state.seconds = 1.0 / 3;
  state.best_loss = -0.0;
  state.best_epoch = 1;
  state.best_parameters = copy_of(network);
  state.ema = copy_of(network);
  const double odd_nan = std::bit_cast<double>(0x7ff8000000abcdefull);
  state.history = {{1, -0.0, 0.3, odd_nan, odd_nan, 1e-4, 12.5, 1e-17}};
  save_checkpoint(folder / "c", network, state);
  TrainingState<float> back;
  REQUIRE(load_checkpoint(folder / "c", network, back) == "{}");
  require_same(back, state, true);

  const TrainingState<float> fresh;
  save_checkpoint(folder / "c", network, fresh);
  load_checkpoint(folder / "c", network, back);
  require_same(back, fresh, true);
}

TEST_CASE("Numbers that training cannot come to are refused, each with a line", "[weights]") {
  const TempFolder folder;
  const ArraySamples train = blobs(12, 5);
  const ArraySamples validation = blobs(6, 6);
  FitOptions options{.batch = 4, .epochs = 3};
  options.schedule = ReduceOnPlateau{.patience = 2};
  options.early_stopping = EarlyStopping{.patience = 9};
  auto network = build<float>(small_net, small_input, 1);
  TrainingState<float> good;
  fit(network, train, validation, options, good);
  using State = TrainingState<float>;
  const auto found = [&](const auto& change, const State& from) {
    State changed_state;
    save_checkpoint(folder / "c", network, from);
    load_checkpoint(folder / "c", network, changed_state);  // a copy
    change(changed_state);
    save_checkpoint(folder / "c", network, changed_state);
    State held;
    const std::string text = message_of<FormatError>([&] { load_checkpoint(folder / "c", network, held); });
    CHECK(held.history.empty());
    CHECK(text.find((folder / "c").string() + ": expected ") == 0);
    return text;
  };
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto refused = [&](const auto& change, const char* text) {
    CHECK_THAT(found([&](State& s) { change(s); }, good), Contains(text));
  };
  for (const double wrong : {nan, infinity, -infinity, good.best_loss / 2, good.best_loss * 2}) {
    refused([&](State& s) { s.best_loss = wrong; }, "expected a best loss of ");
  }
  for (const double wrong : {nan, -infinity, -1.0}) {
    refused([&](State& s) { s.plateau.best = wrong; }, "expected a loss of its history as the best of the plateau");
    refused([&](State& s) { s.early_stopping.best = wrong; }, "as the best of early stopping");
  }
  refused([&](State& s) { s.plateau = {.best = infinity, .wait = 1}; }, "a wait of the plateau of at most 0, found 1");
  refused([&](State& s) { s.plateau = {.best = infinity, .wait = 0, .cooldown = 1}; }, "unused plateau, found 1");
  refused([&](State& s) { s.plateau.wait = 4; }, "expected a wait of the plateau of at most 3, found 4");
  refused([&](State& s) { s.early_stopping.wait = 4; }, "expected a wait of early stopping of at most 3, found 4");
  refused([&](State& s) { s.best_epoch = 0; }, "expected a best epoch of 1 to 3, found 0");
  refused([&](State& s) { s.best_epoch = s.best_epoch % 3 + 1; }, "expected the best epoch to have the best loss");
  refused([&](State& s) { s.optimizer.updates = 2; }, "expected at least 3 updates, found 2");
  refused([&](State& s) { s.optimizer.learning_rate = infinity; }, "a learning rate of 0 or more, found inf");
  refused([&](State& s) { s.loss_sum = 1; }, "a finite sum of losses, found 1");
  refused([&](State& s) { s.batch = s.seen = 1; }, "expected no epoch in progress in a finished run, found 1");
  // The history.
  refused([&](State& s) { s.history[1].loss = nan; }, "expected a finite loss in epoch 2, found nan");
  refused([&](State& s) { s.history[1].metric = infinity; }, "expected a finite metric in epoch 2, found inf");
  refused([&](State& s) { s.history[2].validation_loss = nan; }, "expected a finite validation loss in epoch 3");
  refused([&](State& s) { s.history[2].validation_metric = nan; }, "expected a finite validation metric in epoch 3");
  refused([&](State& s) { s.history[0].validation_loss = nan; }, "expected no validation metric in epoch 1");
  refused([&](State& s) { s.history[0].learning_rate = -1; }, "expected a learning rate of 0 or more in epoch 1");
  refused([&](State& s) { s.history[2].seconds = nan; }, "expected 0 seconds or more in epoch 3, found nan");
  refused([&](State& s) { s.history[2].waited_seconds = -2; }, "expected 0 seconds or more in epoch 3, found -2");
  // Before the end of the first epoch nothing is best.
  State early;
  options.callbacks = {{.stop = [] { return true; }}};
  auto other = build<float>(small_net, small_input, 1);
  fit(other, train, validation, options, early);
  REQUIRE((early.epoch == 0 && early.batch == 1));
  CHECK_THAT(found([](State& s) { s.best_loss = 0.5; }, early), Contains("expected a best loss of inf, found 0.5"));
  CHECK_THAT(found([](State& s) { s.best_epoch = 1; }, early), Contains("expected no best epoch, found 1"));
  CHECK_THAT(found([](State& s) { s.plateau.best = 0.5; }, early), Contains("the best of the plateau, found 0.5"));
  CHECK_THAT(found([](State& s) { s.plateau.wait = 1; }, early), Contains("of at most 0, found 1"));
  CHECK_THAT(found([](State& s) { s.optimizer.updates = 7; }, early), Contains("expected 1 updates before the first"));
}

TEST_CASE("A checkpoint that is wrong anywhere changes neither network nor state", "[weights]") {
  const TempFolder folder;
  const ArraySamples train = blobs(12, 5);
  FitOptions options;
  options.batch = 4;
  options.epochs = 2;
  auto network = build<float>(small_net, small_input, 1);
  TrainingState<float> state;
  int asked = 0;
  options.callbacks = {{.stop = [&] { return ++asked >= 6; }}};
  fit(network, train, std::nullopt, options, state);
  REQUIRE(state.batch == 2);
  save_checkpoint(folder / "good", network, state);

  auto other = build<float>(small_net, small_input, 2);
  const std::vector<float> before = copy_of(other);
  TrainingState<float> held;
  held.best_loss = 17;
  const auto found = [&](const auto& change) {
    const auto path = changed(folder / "good", folder / "bad", change);
    std::string text;
    try {
      load_checkpoint(path, other, held);
    } catch (const Error& error) {
      text = error.what();
      REQUIRE_THAT(text, Contains(path.string()));
    }
    REQUIRE(copy_of(other) == before);
    REQUIRE(held.best_loss == 17);
    return text;
  };
  const auto put = [](std::string_view name, const auto& value) {
    return [name = std::string(name), value](TensorFile& file) {
      REQUIRE(named(file, name).bytes.size() >= sizeof value);
      std::memcpy(named(file, name).bytes.data(), &value, sizeof value);
    };
  };
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr float nanf = std::numeric_limits<float>::quiet_NaN();

  REQUIRE_THAT(found([](TensorFile& f) { f.metadata.clear(); }), Contains("expected a checkpoint"));
  REQUIRE_THAT(found([](TensorFile& f) { f.metadata.erase("config"); }), Contains("expected a checkpoint"));
  REQUIRE_THAT(found([](TensorFile& f) { f.metadata["abell_checkpoint"] = "9"; }), Contains("found \"9\""));
  REQUIRE_THAT(found([](TensorFile& f) { f.metadata["config"] = "{]"; }), Contains("config: expected JSON"));
  REQUIRE_THAT(found([](TensorFile& f) { f.metadata["config"] = "[1]"; }), Contains("config: expected a JSON object"));
  const TensorFile good = read_safetensors(folder / "good");
  for (const StoredTensor& tensor : good.tensors) {
    INFO(tensor.name);
    REQUIRE_THAT(
        found([&](TensorFile& f) { std::erase_if(f.tensors, [&](auto& t) { return t.name == tensor.name; }); }),
        Contains("expected \"" + tensor.name + "\"") && Contains("found none"));
    REQUIRE_THAT(found([&](TensorFile& f) { named(f, tensor.name).shape.push_back(1); }),
                 Contains("expected \"" + tensor.name + "\""));
    REQUIRE_THAT(found([&](TensorFile& f) {
                   StoredTensor& t = named(f, tensor.name);
                   t.dtype = t.dtype == DType::f64 ? DType::i64 : DType::f64;
                   t.bytes.resize(*abell::detail::byte_count(t.dtype, t.shape));
                 }),
                 Contains(tensor.name) && Contains("expected " + to_string(tensor.dtype)));
    REQUIRE_THAT(found([&](TensorFile& f) { named(f, tensor.name).name = "elsewhere"; }),
                 Contains("found unexpected \"elsewhere\""));
  }
  for (const char* name : {"parameters/conv2d_1/kernel", "optimizer", "best_parameters"}) {
    REQUIRE_THAT(found(put(name, nanf)), Contains(name) && Contains("expected finite weights"));
  }
  for (const char* name : {"state/epoch", "state/best_epoch", "state/plateau_wait", "state/early_stopping_wait"}) {
    REQUIRE_THAT(found(put(name, std::int64_t{-1})), Contains("expected a count of at most 2147483647, found -1"));
    REQUIRE_THAT(found(put(name, std::int64_t{1} << 31)), Contains("expected a count"));
  }
  REQUIRE_THAT(found(put("state/finished", std::uint8_t{2})), Contains("expected a count of at most 1, found 2"));
  REQUIRE_THAT(found(put("state/epoch", std::int64_t{2})), Contains("expected a history of 2 epochs, found 1"));
  REQUIRE_THAT(found(put("state/best_epoch", std::int64_t{2})), Contains("expected a best epoch of 1 to 1, found 2"));
  REQUIRE_THAT(found(put("state/metric_sum", nan)), Contains("expected a finite sum of metrics, found nan"));
  REQUIRE_THAT(found(put("state/seen", std::uint64_t{0})), Contains("images in each of 2 batches"));
  REQUIRE_THAT(found(put("state/batch", std::uint64_t{0})), Contains("images in each of 0 batches"));
  REQUIRE_THAT(found(put("state/batch", std::uint64_t{9})), Contains("images in each of 9 batches"));
  REQUIRE_THAT(found(put("state/updates", std::uint64_t{1})), Contains("expected at least 3 updates, found 1"));
  REQUIRE_THAT(found(put("state/learning_rate", nan)), Contains("learning rate of 0 or more"));
  REQUIRE_THAT(found(put("state/learning_rate", -1.0)), Contains("learning rate of 0 or more"));
  REQUIRE_THAT(found(put("state/loss_sum", nan)), Contains("finite sum of losses"));
  REQUIRE_THAT(found(put("state/seconds", nan)), Contains("0 seconds or more"));
  REQUIRE_THAT(found(put("history", nan)), Contains("history: expected epoch 1"));
  REQUIRE_THAT(found([](TensorFile& f) {
                 StoredTensor& best = named(f, "best_parameters");
                 best.shape = {0};
                 best.bytes.clear();
               }),
               Contains("best parameters, found 0"));
  REQUIRE_THAT(found([](TensorFile& f) {
                 StoredTensor& history = named(f, "history");
                 history.shape = {8, 1};
               }),
               Contains("expected \"history\" [any, 8], found [8, 1]"));

  auto twice = build<double>(small_net, small_input, 2);
  TrainingState<double> doubles;
  REQUIRE_THAT(message_of<FormatError>([&] { load_checkpoint(folder / "good", twice, doubles); }),
               Contains("expected F64, found F32"));
  auto wider = build<float>(describe(Flatten{}, Dense{.units = 2}, Softmax{}), small_input);
  REQUIRE_THAT(message_of<ShapeError>([&] { load_checkpoint(folder / "good", wider, held); }),
               Contains("weights of another network") && Contains("parameters/dense_1/kernel"));
  REQUIRE_THROWS_AS(save_checkpoint(folder / "x", wider, state), ShapeError);
  REQUIRE_THROWS_AS(save_checkpoint(folder / "x", network, state, "no JSON"), FormatError);
  save_model(folder / "model", network, small_info());
  REQUIRE_THAT(message_of<FormatError>([&] { load_checkpoint(folder / "model", other, held); }),
               Contains("expected a checkpoint"));
  REQUIRE_FALSE(std::filesystem::exists(folder / "x"));
  REQUIRE(load_checkpoint(folder / "good", other, held) == "{}");
  REQUIRE(copy_of(other) == copy_of(network));
}

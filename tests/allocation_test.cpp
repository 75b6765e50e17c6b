/// After the first step nothing is allocated: malloc itself is counted.
///
/// This file defines the C library's allocation functions for its whole program, so that every call
/// is seen, those of operator new and of OpenMP among them; glibc's own do the work. Sanitizers bring
/// their own, so there the count is left out.

#include <abell/models/cluster_net.hpp>
#include <abell/models/mobilenet.hpp>
#include <abell/training/fit.hpp>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "catch.hpp"
#include "kernel_tools.hpp"

#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ABELL_COUNTS_ALLOCATIONS 1
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#undef ABELL_COUNTS_ALLOCATIONS
#endif
#endif
#endif

using namespace abell;

namespace {

std::atomic<long> allocations{0};
std::atomic<bool> counting{false};

[[maybe_unused]] void count() {
  if (counting.load(std::memory_order_relaxed)) allocations.fetch_add(1, std::memory_order_relaxed);
}

/// Allocations of all threads during `work`.
template <class Work>
long allocations_of(const Work& work) {
  allocations = 0;
  counting = true;
  work();
  counting = false;
  return allocations;
}

}  // namespace

#if defined(ABELL_COUNTS_ALLOCATIONS)

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t boundary, std::size_t size);

void* malloc(std::size_t size) {
  count();
  return __libc_malloc(size);
}
void* calloc(std::size_t number, std::size_t size) {
  count();
  return __libc_calloc(number, size);
}
void* realloc(void* memory, std::size_t size) {
  count();
  return __libc_realloc(memory, size);
}
void* memalign(std::size_t boundary, std::size_t size) {
  count();
  return __libc_memalign(boundary, size);
}
void* aligned_alloc(std::size_t boundary, std::size_t size) {
  count();
  return __libc_memalign(boundary, size);
}
int posix_memalign(void** memory, std::size_t boundary, std::size_t size) {
  count();
  *memory = __libc_memalign(boundary, size);
  return *memory == nullptr ? ENOMEM : 0;
}
}

TEST_CASE("the count of allocations sees new, aligned new and malloc", "[allocation][meta]") {
  CHECK(allocations_of([] {}) == 0);
  // Kept where the compiler cannot see that nobody reads them, or it leaves them out.
  static std::unique_ptr<std::vector<int>> kept;
  static std::function<void()> function;
  CHECK(allocations_of([] { kept = std::make_unique<std::vector<int>>(1000); }) == 2);
  CHECK(allocations_of([] { Buffer<float>(1000); }) == 1);
  CHECK(allocations_of([] { function = [big = std::array<long, 20>{}] { static_cast<void>(big); }; }) == 1);
}

#endif

namespace {

constexpr auto all_layers =
    describe(Conv2d{.filters = 9}, Relu{}, MaxPool2d{},  //
             Conv2d{.filters = 6, .kernel_size = 5, .stride = 2}, Relu{}, MaxPool2d{.pool_size = 3},
             Conv2d{.filters = 4, .kernel_size = {2, 3}}, MaxPool2d{.stride = 1}, Relu{}, Flatten{}, Dense{.units = 40},
             Relu{}, Dropout{.rate = 0.3}, Dense{.units = 3}, Softmax{});

/// Allocations of the second and third training step and of predictions in a kept workspace.
template <Fusion fusion>
void check_allocations(int threads, const Optimizer& optimizer) {
  const Shape shape{37, 30, 3};
  auto network = build<float, fusion>(all_layers, shape, 1);
  Tensor<float> images(5, shape), out(5, {1, 1, 3});
  Random random(1);
  for (float& value : images.span()) value = static_cast<float>(random.normal());
  const Tensor<float> targets = label_targets(std::vector<int>{0, 1, 2, 1, 0});
  const FitOptions options{.loss = SoftmaxCrossEntropy{.class_weights = {1, 2, 3}}, .optimizer = optimizer};
  OptimizerState<float> state(options.optimizer, network.parameters().size());
  auto space = network.workspace(5, Mode::train, threads);
  auto prediction = network.workspace(2, Mode::predict, threads);
  const auto step = [&](int batch) {
    train_step(network, options, state, space, images.view().slice(0, batch), targets.view().slice(0, batch));
  };
  step(5);
  CHECK(allocations_of([&] { step(5), step(5); }) == 0);
  CHECK(allocations_of([&] { step(2); }) == 0);  // the short last batch of an epoch
  network.predict(images, out, prediction);
  CHECK(allocations_of([&] { network.predict(images, out, prediction); }) == 0);
}

}  // namespace

TEST_CASE("training and prediction allocate nothing after the first step", "[allocation]") {
  for (const int threads : {1, 2, 4}) {
    INFO(threads << " threads");
    check_allocations<Fusion::on>(threads, Sgd{.learning_rate = 0.01});
    check_allocations<Fusion::off>(threads, Sgd{.learning_rate = 0.01});
    check_allocations<Fusion::on>(threads, Adadelta{});
    check_allocations<Fusion::on>(threads, AdamW{});
  }
}

TEST_CASE("the custom network at full size trains without allocating", "[allocation]") {
  if (testing::reduced()) return;
  auto network = build<float>(cluster_net, cluster_net_input, 1);
  Tensor<float> images(1, cluster_net_input);
  const Tensor<float> targets = label_targets(std::vector<int>{1});
  const FitOptions options;
  OptimizerState<float> state(options.optimizer, network.parameters().size());
  auto space = network.workspace(1, Mode::train, 2);
  train_step(network, options, state, space, images.view(), targets);
  CHECK(allocations_of([&] { train_step(network, options, state, space, images.view(), targets); }) == 0);
}

namespace {

/// The same of a narrow MobileNet; predictions from unprepared and prepared workspaces.
template <Fusion fusion>
void check_mobilenet(const MobileNetOptions& form, int threads) {
  const Shape shape{64, 64, 3};
  auto network = build<float, fusion>(make_mobilenet(form), shape, 1);
  Tensor<float> images(5, shape), out(5, {1, 1, 2});
  Random random(1);
  for (float& value : images.span()) value = static_cast<float>(random.normal());
  const Tensor<float> targets = label_targets(std::vector<int>{0, 1, 1, 1, 0});
  const FitOptions options{.optimizer = Adadelta{}};
  OptimizerState<float> state(options.optimizer, network.parameters().size());
  auto space = network.workspace(5, Mode::train, threads);
  auto prediction = network.workspace(2, Mode::predict, threads);
  const auto step = [&](int batch) {
    train_step(network, options, state, space, images.view().slice(0, batch), targets.view().slice(0, batch));
  };
  step(5);
  CHECK(allocations_of([&] { step(5), step(5), step(2); }) == 0);
  network.predict(images, out, prediction);
  CHECK(allocations_of([&] { network.predict(images, out, prediction); }) == 0);
  CHECK(allocations_of([&] { network.prepare(prediction); }) == 0);
  CHECK(allocations_of([&] { network.predict(images, out, prediction); }) == 0);
}

}  // namespace

TEST_CASE("MobileNet trains and predicts without allocating after the first step", "[allocation]") {
  for (const int threads : {1, 2, 4}) {
    INFO(threads << " threads");
    check_mobilenet<Fusion::on>({.alpha = 0.25}, threads);
    check_mobilenet<Fusion::on>({.alpha = 0.25, .train_base = false}, threads);
    check_mobilenet<Fusion::off>({.alpha = 0.25}, threads);
  }
}

namespace {

/// Allocations of later training steps of a network that ends in `last`, with layers within layers and clipped
/// gradients.
template <class Last>
long allocations_with(const Loss& loss, float target, const Last& last, int threads) {
  constexpr Shape shape{8, 8, 2};
  constexpr auto body = describe(
      Conv2d{.filters = 4}, Relu{}, Concatenate{describe(MaxPool2d{}, Conv2d{.filters = 4}, UpSample2d{}), describe()},
      Residual{describe(Conv2d{.filters = 8}, Tanh{})}, Conv2d{.filters = 3, .kernel_size = 1});
  auto network = build<float>(join(body, last), shape);
  const bool classes = loss.activation() == Softmax::kind;
  Tensor<float> images(3, shape), targets(3, {8, 8, classes ? 1 : 3});
  std::ranges::fill(targets.span(), target);
  const FitOptions options{.loss = loss, .optimizer = Adam{}, .clip_norm = 0.01};
  OptimizerState<float> state(options.optimizer, network.parameters().size());
  auto space = network.workspace(3, Mode::train, threads);
  const auto step = [&] { train_step(network, options, state, space, images.view(), targets.view()); };
  step();
  return allocations_of([&] { step(), step(); });
}

}  // namespace

TEST_CASE("training with any loss allocates nothing after the first step", "[allocation][loss]") {
  for (const int threads : {1, 2}) {
    INFO(threads << " threads");
    CHECK(allocations_with(SoftmaxCrossEntropy{.class_weights = {1, 2, 3}, .label_smoothing = 0.1}, 2,
                           describe(Softmax{}), threads) == 0);
    CHECK(allocations_with(SigmoidCrossEntropy{}, 1, describe(Sigmoid{}), threads) == 0);
    CHECK(allocations_with(HeatMapFocal{.channel_weights = {1, 2, 3}}, 1, describe(Sigmoid{}), threads) == 0);
    CHECK(allocations_with(MeanSquaredError{}, 0.5F, describe(), threads) == 0);
    CHECK(allocations_with(Huber{}, 0.5F, describe(), threads) == 0);
  }
}

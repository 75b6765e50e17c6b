/// What threads share: training with its loader, evaluation and prediction of one network, the cache of pixels. In the
/// preset tsan every access is checked, so that a race is found also where it changes no result.

#include <abell/abell.hpp>
#include <abell/data/cached_samples.hpp>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "temp_folder.hpp"

using namespace abell;

namespace {

constexpr Shape shape{12, 10, 3};
/// A fused block, a chain of normalised convolutions, dropout.
constexpr auto net = describe(Conv2d{.filters = 9}, Relu{}, MaxPool2d{},                      //
                              Conv2d{.filters = 8, .stride = 2}, BatchNorm{}, Relu6{},        //
                              DepthwiseConv2d{}, BatchNorm{}, Relu6{},                        //
                              Conv2d{.filters = 17, .kernel_size = 1}, BatchNorm{}, Relu6{},  //
                              GlobalAveragePool2d{}, Dropout{.rate = 0.3}, Dense{.units = 2}, Softmax{});

std::shared_ptr<const PixelCache> cache_of(const std::string& place, int threads) {
  const auto decode = [](std::size_t index, std::span<std::uint8_t> out) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(31 * index + 7 * i);
    return index % 3;
  };
  return std::make_shared<PixelCache>(22, shape, decode, PixelCacheOptions{.cache = place, .threads = threads});
}

CachedSamples samples_of(std::shared_ptr<const PixelCache> cache, std::size_t begin, std::size_t end) {
  std::vector<int> labels(cache->size());
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int>(i % 2);
  std::vector<std::size_t> indices(end - begin);
  std::iota(indices.begin(), indices.end(), begin);
  return {std::move(cache), labels, indices, {.augmentation = Augmentation{}, .seed = 3}};
}

template <class Body>
void on_threads(int count, const Body& body) {
  std::vector<std::thread> threads;
  for (int i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(static_cast<std::size_t>(i)); });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

TEST_CASE("training from a cache gives the same bits on 1 to 4 threads", "[threads]") {
  const TempFolder folder;
  std::vector<std::vector<float>> weights;
  for (const int threads : {1, 2, 3, 4}) {
    const auto cache = cache_of(threads % 2 == 0 ? "ram" : folder.path().string(), threads);
    const CachedSamples train = samples_of(cache, 0, 16), held = samples_of(cache, 16, 22);
    auto network = build<float>(net, shape, 1);
    const History history =
        fit(network, train, held, {.batch = 5, .epochs = 2, .ema_decay = 0.9, .seed = 2, .threads = threads});
    CHECK(history.size() == 2);
    weights.emplace_back(network.parameters().begin(), network.parameters().end());
  }
  for (const auto& other : weights) CHECK(other == weights.front());
}

TEST_CASE("one network predicts and is evaluated from several threads at once", "[threads]") {
  const auto network = build<float>(net, shape, 4);
  const TempFolder folder;
  for (const std::string& place : {std::string("ram"), std::string("off"), folder.path().string()}) {
    INFO(place);
    const auto cache = cache_of(place, 3);
    const CachedSamples samples = samples_of(cache, 0, 22);
    Tensor<float> images(7, shape);
    for (int n = 0; n < 7; ++n) samples.read(static_cast<std::size_t>(n), 0, images.view().slice(n, 1).span());
    const auto alone = network.predict(images, 1);
    const auto alone_evaluated = evaluate(network, samples, 4, 1).predictions;
    std::vector<std::vector<float>> predicted(4), evaluated(4);
    on_threads(4, [&](std::size_t i) {
      const int threads = 1 + static_cast<int>(i) % 2;
      const auto out = network.predict(images, threads);
      predicted[i].assign(out.data(), out.data() + out.size());
      evaluated[i] = evaluate(network, samples, 4, threads).predictions;
    });
    for (const auto& mine : predicted) CHECK(std::ranges::equal(mine, alone.span()));
    for (const auto& mine : evaluated) CHECK(mine == alone_evaluated);
  }
}

TEST_CASE("networks train side by side on one set", "[threads]") {
  const auto cache = cache_of("ram", 2);
  const CachedSamples train = samples_of(cache, 0, 16);
  std::vector<std::vector<float>> weights(3);
  on_threads(3, [&](std::size_t i) {
    auto network = build<float>(net, shape, 1);
    fit(network, train, {.batch = 5, .epochs = 1, .threads = 1 + static_cast<int>(i)});
    weights[i].assign(network.parameters().begin(), network.parameters().end());
  });
  for (const auto& other : weights) CHECK(other == weights.front());
}

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
TEST_CASE("threads that race", "[.race]") {  // run by itself, to see that it is reported
  int count = 0;
#pragma omp parallel num_threads(2)
  ++count;
  CHECK(count > 0);
}
#endif
#endif

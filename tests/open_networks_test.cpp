/// Networks that are no line of layers learn: a U-Net of depth 3 its map, a ResNet with batch normalisation and a
/// projection its classes. To the same bits on any number of threads.

#include <abell/abell.hpp>
#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "catch.hpp"

using namespace abell;

namespace {

constexpr Shape map_shape{24, 16, 1};
constexpr auto unet = describe(
    Conv2d{.filters = 6}, Relu{},
    Concatenate{describe(MaxPool2d{}, Conv2d{.filters = 8}, Relu{},
                         Concatenate{describe(MaxPool2d{}, Conv2d{.filters = 10}, Relu{},
                                              Concatenate{describe(MaxPool2d{}, Conv2d{.filters = 12}, Relu{},
                                                                   UpSample2d{.interpolation = UpSampling::bilinear}),
                                                          describe()},
                                              Conv2d{.filters = 10}, Relu{}, Conv2dTranspose{.filters = 8}),
                                     describe()},
                         Conv2d{.filters = 8}, Relu{}, Conv2dTranspose{.filters = 6}),
                describe()},
    Conv2d{.filters = 6}, Relu{}, Conv2d{.filters = 3, .kernel_size = 1}, Softmax{});

/// One image of a disc (class 1) and a bar (class 2), equally bright on noise (class 0); nobody knows its last row.
ArraySamples disc_and_bar() {
  Tensor<float> image(1, map_shape), map(1, map_shape);
  Random random(5);
  for (int y = 0; y < map_shape.height; ++y) {
    for (int x = 0; x < map_shape.width; ++x) {
      const bool disc = std::hypot(y - 7, x - 5)<4, bar = y> 15 && y < 19;
      image.view()(0, y, x, 0) = static_cast<float>(random.normal(disc || bar ? 1 : 0, 0.3));
      map.view()(0, y, x, 0) = y + 1 == map_shape.height ? -1.0F : disc ? 1.0F : bar ? 2.0F : 0.0F;
    }
  }
  return {std::move(image), std::move(map)};
}

constexpr Shape bars_shape{12, 12, 1};
constexpr auto resnet = describe(  //
    Conv2d{.filters = 6, .bias = false}, BatchNorm{}, Relu{},
    Residual{describe(Conv2d{.filters = 6, .bias = false}, BatchNorm{}, Relu{},  //
                      Conv2d{.filters = 6, .bias = false}, BatchNorm{})},
    Relu{},
    Residual{describe(Conv2d{.filters = 8, .stride = 2, .bias = false}, BatchNorm{}, Relu{},
                      Conv2d{.filters = 8, .bias = false}, BatchNorm{}),
             describe(Conv2d{.filters = 8, .kernel_size = 1, .stride = 2, .bias = false}, BatchNorm{})},
    Relu{}, GlobalAveragePool2d{}, Dense{.units = 3}, Softmax{});

/// Noise with a bar across, down or aslant, anywhere.
ArraySamples bars(int count, std::uint64_t seed) {
  Tensor<float> images(count, bars_shape);
  std::vector<int> labels;
  Random random(seed);
  for (float& value : images.span()) value = static_cast<float>(random.normal(0, 0.5));
  for (int n = 0; n < count; ++n) {
    labels.push_back(n % 3);
    const int y = static_cast<int>(random.below(6)), x = static_cast<int>(random.below(6));
    for (int i = 0; i < 6; ++i) {
      images.view()(n, labels.back() == 0 ? y + 3 : y + i, labels.back() == 1 ? x + 3 : x + i, 0) += 2;
    }
  }
  return {std::move(images), labels};
}

template <class Description>
std::vector<float> weights_after(const Description& description, const ArraySamples& samples, FitOptions options) {
  auto network = build<float>(description, samples.shape(), 3);
  fit(network, samples, options);
  return {network.parameters().begin(), network.parameters().end()};
}

}  // namespace

TEST_CASE("a U-Net of depth 3 learns a map by heart", "[nested][training]") {
  const auto samples = disc_and_bar();
  auto network = build<float>(unet, map_shape, 1);
  CHECK(network.output() == Shape{24, 16, 3});
  CHECK(evaluate(network, samples).metric < 0.9);
  const History history =
      fit(network, samples, {.batch = 1, .epochs = 120, .optimizer = Adam{.learning_rate = 0.01}, .threads = 1});
  CHECK(history.front().loss > 0.5);
  const Evaluation found = evaluate(network, samples);
  CHECK(found.loss < 1e-3);
  CHECK(found.metric == 1);  // every pixel is right
}

TEST_CASE("a ResNet with batch normalisation and a projection learns", "[nested][training]") {
  auto network = build<float>(resnet, bars_shape, 2);
  const History history = fit(network, bars(90, 1), bars(60, 2),
                              {.batch = 15, .epochs = 15, .optimizer = Adam{.learning_rate = 0.01}, .threads = 1});
  CHECK(history.front().loss > 0.5);
  CHECK(history.back().loss < 0.1);
  CHECK(history.back().validation_metric > 0.9);
}

TEST_CASE("a U-Net and a ResNet train to the same bits on any number of threads", "[nested][training][threads]") {
  const auto map = disc_and_bar();
  const auto images = bars(12, 3);
  const auto train_both = [&](int threads) {
    auto all = weights_after(unet, map, {.batch = 1, .epochs = 4, .threads = threads});
    const auto more = weights_after(resnet, images, {.batch = 5, .epochs = 2, .threads = threads});
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const auto alone = train_both(1);
  CHECK(std::ranges::all_of(alone, [](float w) { return std::isfinite(w); }));
  for (const int threads : {2, 3, 4}) CHECK(train_both(threads) == alone);
}

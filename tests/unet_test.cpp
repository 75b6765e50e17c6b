/// The U-Net of models/: its shape, and that it learns.

#include <abell/abell.hpp>
#include <cstddef>
#include <utility>

#include "catch.hpp"
#include "error_message.hpp"

using namespace abell;

TEST_CASE("a U-Net keeps the size of its images, which a multiple of 2^depth must be", "[unet]") {
  const auto layers = inspect(make_unet({.depth = 3, .filters = 16, .classes = 2}), {64, 40, 3});
  CHECK(layers.back().output == Shape{64, 40, 2});
  CHECK(parameter_count(layers) == 487314);
  CHECK_THAT(message_of<ShapeError>([] {
               inspect(make_unet({.depth = 3}), {64, 44, 3});
             }),
             Contains("one height and width"));
  const auto refused = [](const UNetOptions& options) {
    return message_of<OptionError>([&] { inspect(make_unet(options), {64, 64, 3}); });
  };
  CHECK(refused({.depth = -1}) == "depth: expected 0 to 14, found -1");
  CHECK(refused({.filters = 0}) == "filters: expected 1 to 65536, found 0");
}

TEST_CASE("a U-Net of two levels learns the classes of the pixels of one image", "[unet]") {
  const Shape shape{16, 16, 1};
  Tensor<float> image(1, shape), classes(1, {16, 16, 1});
  Random random(3);
  for (int i = 0; i < 256; ++i) {
    const int row = i / 16 - 6, column = i % 16 - 9;
    const int k = row * row + column * column < 16 ? 2 : row > 4 ? 1 : 0;
    image.span()[static_cast<std::size_t>(i)] = static_cast<float>(random.normal(k == 0 ? 0 : 1, 0.2));
    classes.span()[static_cast<std::size_t>(i)] = i % 7 == 0 ? -1 : static_cast<float>(k);
  }
  const ArraySamples samples(std::move(image), std::move(classes));
  auto network = build<float>(make_unet({.depth = 2, .filters = 8, .classes = 3}), shape, 1);
  const History history = fit(network, samples, {.batch = 1, .epochs = 80, .optimizer = Adam{.learning_rate = 0.005}});
  CHECK(history.back().loss < 0.1 * history.front().loss);
  CHECK(history.back().metric > 0.97);
  CHECK(evaluate(network, samples).metric > 0.97);
}

/// Flips and quarter turns, and predictions averaged over them.

#include <abell/abell.hpp>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"

using namespace abell;

namespace {

constexpr auto net = describe(Conv2d{.filters = 5}, Relu{}, MaxPool2d{}, Flatten{}, Dense{.units = 8}, Relu{},
                              Dropout{.rate = 0.3}, Dense{.units = 3}, Softmax{});

Tensor<float> noise(int batch, Shape shape, std::uint64_t seed = 5) {
  Tensor<float> images(batch, shape);
  Random random(seed);
  for (float& value : images.span()) value = static_cast<float>(random.normal());
  return images;
}

std::vector<int> under(int symmetry, const Shape& shape, const std::vector<int>& image) {
  std::vector<int> out(image.size());
  dihedral(symmetry, shape, image.data(), out.data());
  return out;
}

}  // namespace

TEST_CASE("flips and turns go where their numbers say", "[dihedral]") {
  const std::vector<int> image{1, 2, 3, 4, 5, 6, 7, 8, 9};
  const std::vector<std::vector<int>> expected{
      {1, 2, 3, 4, 5, 6, 7, 8, 9},  // identity
      {3, 2, 1, 6, 5, 4, 9, 8, 7},  // columns reversed
      {7, 8, 9, 4, 5, 6, 1, 2, 3},  // rows reversed
      {9, 8, 7, 6, 5, 4, 3, 2, 1},  // half turn
      {1, 4, 7, 2, 5, 8, 3, 6, 9},  // transposed
      {7, 4, 1, 8, 5, 2, 9, 6, 3},  // clockwise
      {3, 6, 9, 2, 5, 8, 1, 4, 7},  // counter-clockwise
      {9, 6, 3, 8, 5, 2, 7, 4, 1},  // transposed along the other diagonal
  };
  for (int s = 0; s < 8; ++s) CHECK(under(s, {3, 3, 1}, image) == expected[static_cast<std::size_t>(s)]);
  // The channels of a pixel stay together; other shapes keep their sides.
  CHECK(under(5, {2, 2, 2}, {1, -1, 2, -2, 3, -3, 4, -4}) == std::vector<int>{3, -3, 1, -1, 4, -4, 2, -2});
  CHECK(under(1, {2, 3, 1}, {1, 2, 3, 4, 5, 6}) == std::vector<int>{3, 2, 1, 6, 5, 4});
  CHECK(dihedral_count({3, 3, 2}) == 8);
  CHECK(dihedral_count({2, 3, 2}) == 4);
}

TEST_CASE("the flips and turns are a group", "[dihedral]") {
  for (const Shape shape : {Shape{4, 4, 2}, Shape{3, 5, 2}}) {
    std::vector<int> image(shape.size());
    std::iota(image.begin(), image.end(), 0);
    const int count = dihedral_count(shape);
    std::set<std::vector<int>> all;
    for (int s = 0; s < count; ++s) all.insert(under(s, shape, image));
    CHECK(std::ssize(all) == count);
    for (int a = 0; a < count; ++a) {
      for (int b = 0; b < count; ++b) CHECK(all.count(under(a, shape, under(b, shape, image))) == 1);
    }
  }
}

TEST_CASE("averaged predictions are the mean over all symmetries", "[dihedral]") {
  for (const Shape shape : {Shape{12, 12, 2}, Shape{12, 10, 2}}) {
    INFO(to_string(shape));
    const auto network = build<float>(net, shape, 3);
    const int count = dihedral_count(shape);
    const auto images = noise(5, shape);
    const auto averaged = DihedralMean(network).predict(images);
    REQUIRE(averaged.batch() == 5);
    const auto plain = network.predict(images);
    for (int n = 0; n < 5; ++n) {
      std::vector<double> mean(3);
      for (int s = 0; s < count; ++s) {
        Tensor<float> turned(1, shape);
        dihedral(s, shape, images.view().image(n), turned.data());
        const auto p = network.predict(turned);
        for (std::size_t c = 0; c < 3; ++c) mean[c] += static_cast<double>(p.data()[c]) / count;
      }
      for (std::size_t c = 0; c < 3; ++c) {
        const auto found = static_cast<double>(averaged.view().image(n)[c]);
        CHECK(found == Approx(mean[c]).epsilon(1e-6));
        CHECK(std::abs(found - static_cast<double>(plain.view().image(n)[c])) > 1e-4);  // the mean tells something
      }
    }
  }
}

TEST_CASE("averaged predictions have the same bits for every flip and turn, workspace and thread", "[dihedral]") {
  for (const Shape shape : {Shape{12, 12, 2}, Shape{12, 10, 2}}) {
    INFO(to_string(shape));
    const auto network = build<float>(net, shape, 3);
    const auto images = noise(4, shape);
    const DihedralMean mean(network);
    const auto expected = mean.predict(images, 1);
    for (int s = 0; s < dihedral_count(shape); ++s) {
      Tensor<float> turned(4, shape);
      for (int n = 0; n < 4; ++n) dihedral(s, shape, images.view().image(n), turned.view().image(n));
      CHECK(std::ranges::equal(mean.predict(turned, 1).span(), expected.span()));
      CHECK_FALSE((s > 0 && std::ranges::equal(network.predict(turned).span(), network.predict(images).span())));
    }
    for (const int batch : {1, 3, 8, 11}) {
      Tensor<float> out(4, mean.output());
      auto space = mean.workspace(batch, Mode::predict, 2);
      mean.predict(images, out, space);
      CHECK(std::ranges::equal(out.span(), expected.span()));
    }
  }
}

TEST_CASE("a set is evaluated with averaged predictions", "[dihedral]") {
  constexpr Shape shape{12, 12, 2};
  const auto network = build<float>(net, shape, 3);
  const ArraySamples samples(noise(7, shape), std::vector<int>{0, 1, 2, 0, 1, 2, -1});
  const DihedralMean mean(network);
  const Evaluation found = evaluate(mean, samples, 4, 2);
  const auto expected = mean.predict(noise(7, shape));
  CHECK(std::ranges::equal(found.predictions, expected.span()));
  CHECK(found.predictions != evaluate(network, samples, 4, 2).predictions);
  double loss = 0;
  for (int n = 0; n < 6; ++n) loss -= std::log(static_cast<double>(expected.view().image(n)[n % 3])) / 6;
  CHECK(found.loss == Approx(loss).epsilon(1e-6));
}

TEST_CASE("averaged predictions fail as plain ones do", "[dihedral]") {
  constexpr Shape shape{12, 10, 2};
  const auto network = build<float>(net, shape, 3);
  const DihedralMean mean(network);
  CHECK(message_of<ShapeError>([&] {
          mean.predict(noise(1, {10, 12, 2}));
        }) == "network: expected images of 12x10x2, found 10x12x2");
  auto space = mean.workspace(4);
  auto training = mean.workspace(4, Mode::train);
  Tensor<float> out(1, mean.output()), narrow(1, {1, 1, 2});
  CHECK_THAT(message_of<ShapeError>([&] { mean.predict(noise(1, shape), narrow, space); }),
             Contains("room for 1 x 3, found 1 x 2"));
  CHECK_THAT(message_of<ShapeError>([&] { mean.predict(noise(1, shape), out, training); }),
             Contains("workspace for prediction"));
  CHECK(mean.predict(noise(0, shape)).size() == 0);
  auto images = noise(3, shape);
  images.view().image(2)[17] = std::nanf("");
  CHECK(message_of<NumericError>([&] { mean.predict(images); }) == "predict: the output for image 2 is not finite");
}

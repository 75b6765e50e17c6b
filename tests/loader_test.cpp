#include <abell/data/array_samples.hpp>
#include <abell/data/loader.hpp>
#include <abell/data/split.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"

using abell::ArraySamples;
using abell::Batch;
using abell::Loader;
using abell::Shape;

namespace {

ArraySamples numbered(int count, Shape shape = {2, 3, 1}) {
  abell::Tensor<float> images(count, shape);
  std::vector<int> labels;
  for (int i = 0; i < count; ++i) {
    std::fill_n(images.view().image(i), shape.size(), static_cast<float>(i));
    labels.push_back(i % 2);
  }
  return {std::move(images), std::move(labels)};
}

template <class L>
std::vector<std::size_t> epoch_of(L& loader, std::uint32_t epoch, std::size_t first = 0) {
  std::vector<std::size_t> seen;
  loader.start(epoch, first);
  while (const Batch* batch = loader.next()) {
    REQUIRE(batch->targets.batch == batch->images.batch);
    for (std::size_t i = 0; i < batch->indices.size(); ++i) {
      const std::size_t index = batch->indices[i];
      seen.push_back(index);
      REQUIRE(*batch->targets.image(static_cast<int>(i)) == static_cast<float>(index % 2));
      const float* image = batch->images.image(static_cast<int>(i));
      for (std::size_t k = 0; k < batch->images.shape.size(); ++k) REQUIRE(image[k] == static_cast<float>(index));
    }
  }
  return seen;
}

/// Fails on one sample; counts what is read.
struct Failing {
  std::size_t bad = 1000;
  mutable std::atomic<int> reads{0};
  std::size_t size() const { return 40; }
  Shape shape() const { return {1, 1, 1}; }
  int label(std::size_t) const { return 0; }
  void read(std::size_t index, std::uint32_t epoch, std::span<float> out) const {
    ++reads;
    if (index == bad && epoch == 0) throw abell::IoError("sample 17: cannot be read");
    out[0] = 1;
  }
};

struct Slow {
  std::size_t size() const { return 4; }
  Shape shape() const { return {1, 1, 1}; }
  int label(std::size_t) const { return 0; }
  void read(std::size_t, std::uint32_t, std::span<float> out) const {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    out[0] = 1;
  }
};

}  // namespace

TEST_CASE("an epoch gives every sample once, the last batch short", "[loader]") {
  const ArraySamples samples = numbered(23);
  Loader loader(samples, {.batch = 10, .seed = 3});
  REQUIRE(loader.batches() == 3);
  loader.start(0);
  std::vector<int> sizes;
  while (const Batch* batch = loader.next()) sizes.push_back(batch->images.batch);
  REQUIRE(sizes == std::vector<int>{10, 10, 3});
  REQUIRE(loader.next() == nullptr);
  const auto seen = epoch_of(loader, 1);
  REQUIRE(std::set<std::size_t>(seen.begin(), seen.end()).size() == 23);
  REQUIRE(seen.size() == 23);
}

TEST_CASE("the order is a function of seed and epoch", "[loader]") {
  const ArraySamples samples = numbered(50);
  Loader a(samples, {.batch = 7, .seed = 3}), b(samples, {.batch = 7, .seed = 3}), c(samples, {.batch = 7, .seed = 4});
  const auto first = epoch_of(a, 0);
  const auto second = epoch_of(a, 1);
  REQUIRE(first != second);
  REQUIRE(epoch_of(b, 1) == second);
  REQUIRE(epoch_of(b, 0) == first);
  REQUIRE(epoch_of(c, 0) != first);
  Loader plain(samples, {.batch = 7, .shuffle = false});
  std::vector<std::size_t> in_order(50);
  std::iota(in_order.begin(), in_order.end(), std::size_t{0});
  REQUIRE(epoch_of(plain, 5) == in_order);
}

TEST_CASE("an epoch may begin at a later batch", "[loader]") {
  const ArraySamples samples = numbered(23);
  Loader loader(samples, {.batch = 5, .seed = 3});
  const auto whole = epoch_of(loader, 2);
  REQUIRE(epoch_of(loader, 2, 3) == std::vector<std::size_t>(whole.begin() + 15, whole.end()));
  REQUIRE(epoch_of(loader, 2, 9).empty());
}

TEST_CASE("an epoch that is left early disturbs neither the next one nor the end", "[loader]") {
  const ArraySamples samples = numbered(40);
  Loader loader(samples, {.batch = 3, .seed = 8});
  const auto whole = epoch_of(loader, 6);
  for (std::uint32_t epoch = 0; epoch < 200; ++epoch) {
    loader.start(epoch);
    for (std::uint32_t i = 0; i < epoch % 4; ++i) REQUIRE(loader.next() != nullptr);
  }
  REQUIRE(epoch_of(loader, 6) == whole);
  for (int i = 0; i < 50; ++i) {
    Loader brief(samples, {.batch = 3});
    brief.start(0);
    if (i % 2 == 0) brief.next();
  }
}

TEST_CASE("the batch being read is not overwritten, and no memory is added", "[loader]") {
  const ArraySamples samples = numbered(30);
  Loader loader(samples, {.batch = 5, .shuffle = false});
  std::set<const float*> places;
  for (std::uint32_t epoch = 0; epoch < 3; ++epoch) {
    loader.start(epoch);
    float expected = 0;
    while (const Batch* batch = loader.next()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      places.insert(batch->images.data);
      REQUIRE(batch->images.data[0] == expected);
      expected += 5;
    }
  }
  REQUIRE(places.size() == 2);
}

TEST_CASE("what reading throws reaches the consumer after the batches before it", "[loader]") {
  Failing samples;
  samples.bad = 17;
  Loader loader(samples, {.batch = 5, .shuffle = false});
  loader.start(0);
  for (int i = 0; i < 3; ++i) REQUIRE(loader.next() != nullptr);
  REQUIRE_THROWS_WITH(loader.next(), Contains("sample 17"));
  REQUIRE(loader.next() == nullptr);
  loader.start(1);
  int batches = 0;
  while (loader.next() != nullptr) ++batches;
  REQUIRE(batches == 8);
}

TEST_CASE("at most two batches are read ahead", "[loader]") {
  const Failing samples;
  Loader loader(samples, {.batch = 5, .shuffle = false});
  loader.start(0);
  REQUIRE(loader.next() != nullptr);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  REQUIRE(samples.reads <= 10);
}

TEST_CASE("waiting is measured", "[loader]") {
  const Slow samples;
  Loader loader(samples, {.batch = 2});
  REQUIRE(loader.waited_seconds() == 0);
  loader.start(0);
  while (loader.next() != nullptr) {
  }
  REQUIRE(loader.waited_seconds() > 0);
}

TEST_CASE("loaders refuse an empty batch and take an empty set", "[loader]") {
  const ArraySamples samples = numbered(3);
  REQUIRE_THROWS_AS((Loader(samples, {.batch = 0})), abell::OptionError);
  const ArraySamples none = numbered(0);
  Loader loader(none, {.batch = 4});
  loader.start(0);
  REQUIRE(loader.next() == nullptr);
  REQUIRE_THROWS_AS(ArraySamples(abell::Tensor<float>(3, {1, 1, 1}), {0, 1}), abell::ShapeError);
}

TEST_CASE("a hold-out takes its share of every class and depends on the seed only", "[loader]") {
  std::vector<int> labels(130);
  for (std::size_t i = 0; i < labels.size(); ++i) labels[i] = i < 100 ? 0 : i < 129 ? 1 : 2;
  const abell::HoldOut split = abell::hold_out(labels, 0.1, 5);
  REQUIRE(split.held.size() == 13);
  REQUIRE(std::count_if(split.held.begin(), split.held.end(), [](std::size_t i) { return i < 100; }) == 10);
  REQUIRE(std::is_sorted(split.held.begin(), split.held.end()));
  std::vector<std::size_t> all = split.train;
  all.insert(all.end(), split.held.begin(), split.held.end());
  std::sort(all.begin(), all.end());
  std::vector<std::size_t> expected(labels.size());
  std::iota(expected.begin(), expected.end(), std::size_t{0});
  REQUIRE(all == expected);
  REQUIRE(std::find(split.train.begin(), split.train.end(), 129U) != split.train.end());
  REQUIRE(abell::hold_out(labels, 0.1, 5).held == split.held);
  REQUIRE(abell::hold_out(labels, 0.1, 6).held != split.held);
  REQUIRE(abell::hold_out(labels, 0, 6).held.empty());
  REQUIRE_THROWS_AS(abell::hold_out(labels, 1, 6), abell::OptionError);
  REQUIRE_THROWS_AS(abell::hold_out(labels, -0.1, 6), abell::OptionError);
}

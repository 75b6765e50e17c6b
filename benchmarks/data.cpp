/// From the bytes of a set to a batch: affine augmentation, and the loader that runs it.

#include <abell/data/augment.hpp>
#include <abell/data/cached_samples.hpp>
#include <abell/data/loader.hpp>
#include <abell/models/cluster_net.hpp>
#include <array>
#include <memory>
#include <numeric>

#include "harness.hpp"
#include "inputs.hpp"
#include "lines.hpp"

namespace abell::bench {
namespace {

constexpr int batch = 10;
constexpr Shape shape = cluster_net_input;
/// Bytes in and floats out, an image.
constexpr double image_bytes = 5.0 * static_cast<double>(shape.size());

void fill_random(std::span<std::uint8_t> bytes, std::uint32_t stream) {
  Random random(1, {Purpose::user, stream, 1});
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random() & 0xFF);
}

/// One image through sixteen draws in turn: how much of it falls outside differs from draw to draw.
struct Augmenter {
  Buffer<std::uint8_t> bytes{shape.size()};
  Buffer<float> out{shape.size()};
  std::array<kernels::AffineMap, 16> maps;

  Augmenter() {
    fill_random(bytes.span(), 0);
    for (std::uint32_t i = 0; i < maps.size(); ++i) maps[i] = affine_map(draw({}, 1, 0, i, shape), shape);
  }
  void run() {
    for (const auto& map : maps) {
      kernels::affine_pixels(bytes.data(), shape.height, shape.width, shape.channels, map, {}, out.data());
    }
  }
};

/// Augmented batches of a set in memory, taken without a pause, so that a run is the time that the
/// loader's thread needs for a batch.
struct Reader {
  CachedSamples samples;
  Loader loader;
  std::uint32_t epoch = 0;

  Reader() : samples(make_samples()), loader(samples, {.batch = batch, .seed = 1}) { loader.start(epoch); }
  void run() {
    while (loader.next() == nullptr) loader.start(++epoch);
  }

 private:
  static CachedSamples make_samples() {
    constexpr std::size_t count = 20 * batch;
    const auto decode = [](std::size_t index, std::span<std::uint8_t> out) {
      fill_random(out, static_cast<std::uint32_t>(index));
      return std::size_t{0};
    };
    std::vector<std::size_t> indices(count);
    std::iota(indices.begin(), indices.end(), std::size_t{0});
    return {std::make_shared<const PixelCache>(count, shape, decode),
            std::vector<int>(count),
            indices,
            {.augmentation = Augmentation{}}};
  }
};

}  // namespace

void add_data() {
  add("affine/" + to_string(shape), 16, 1, [] {
    const auto augmenter = std::make_shared<Augmenter>();
    return Work{.run = [=] { augmenter->run(); }, .bytes = 16 * image_bytes, .images = 16};
  });
  add("loader/" + to_string(shape), batch, 1, [] {
    const auto reader = std::make_shared<Reader>();
    return Work{.run = [=] { reader->run(); }, .bytes = batch * image_bytes, .images = batch};
  });
}

}  // namespace abell::bench

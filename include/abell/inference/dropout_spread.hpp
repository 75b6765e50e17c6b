#pragma once
/// How far a network's answer moves when dropout stays on (Gal & Ghahramani 2016).

#include <abell/core/error.hpp>
#include <abell/data/loader.hpp>
#include <abell/network/network.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace abell {

/// Whether any of `layers`, or one within them, is a Dropout.
inline bool has_dropout(const std::vector<LayerInfo>& layers) {
  bool drops = false;
  each_layer(layers, [&](const LayerInfo& layer) { drops = drops || layer.kind == Dropout::kind; });
  return drops;
}

/// Mean and standard deviation of the probability of one class over `passes` with other dropout masks.
struct DropoutSpread {
  std::vector<float> mean;
  std::vector<float> deviation;
};

/// Predicts every sample `passes` times with dropout on. The draws follow from `seed`, the pass and the batch, so
/// they are the same for any number of threads. Throws OptionError for less than 2 passes or a class that is not
/// there, ShapeError for a network without dropout or without Softmax at its end, NumericError for a NaN output.
template <class T>
DropoutSpread dropout_spread(const Network<T>& network, SamplesView samples, int passes, std::uint64_t seed = 1,
                             std::size_t of_class = 1, int batch = 10, int threads = 0) {
  if (passes < 2) throw OptionError("dropout spread: expected at least 2 passes, found " + std::to_string(passes));
  const std::size_t classes = network.output().size();
  if (of_class >= classes) {
    throw OptionError("dropout spread: expected a class below " + std::to_string(classes) + ", found " +
                      std::to_string(of_class));
  }
  if (!has_dropout(network.layers())) throw ShapeError("dropout spread: expected a network with dropout, found none");
  if (!network.ends_in(Softmax::kind)) throw ShapeError("dropout spread: expected Softmax as the last layer");
  std::vector<double> sums(samples.size());
  std::vector<double> squares(samples.size());
  auto space = network.workspace(batch, Mode::monte_carlo, threads);
  space.seed = seed;
  network.prepare(space);
  Loader loader(samples, {.batch = batch, .shuffle = false});
  std::uint32_t step = 0;
  for (int pass = 0; pass < passes; ++pass) {
    loader.start(0);
    std::size_t first = 0;
    while (const Batch* images = loader.next()) {
      space.step = step++;
      const auto logits = network.forward(images->images, space);  // without the last Softmax
      for (int n = 0; n < logits.batch; ++n) {
        const auto* z = logits.image(n);
        double sum = 0;
        for (std::size_t c = 0; c < classes; ++c)
          sum += std::exp(static_cast<double>(z[c]) - static_cast<double>(z[of_class]));
        const double p = 1 / sum;
        if (!std::isfinite(p)) throw NumericError("dropout spread: an output is not finite");
        sums[first + static_cast<std::size_t>(n)] += p;
        squares[first + static_cast<std::size_t>(n)] += p * p;
      }
      first += static_cast<std::size_t>(logits.batch);
    }
  }
  DropoutSpread spread;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    const double mean = sums[i] / passes;
    spread.mean.push_back(static_cast<float>(mean));
    spread.deviation.push_back(static_cast<float>(std::sqrt(std::max(0.0, squares[i] / passes - mean * mean))));
  }
  return spread;
}

}  // namespace abell

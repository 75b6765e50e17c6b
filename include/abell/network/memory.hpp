#pragma once
/// The memory that a network needs, told from its layers alone, before any is taken.

#include <abell/core/error.hpp>
#include <abell/layers/layer_info.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

namespace abell {

namespace detail {

/// Calls add(values of one image) for each activation that stands in memory: what a layer with a kernel reads, or where
/// none does what is left before it becomes smaller, and what stands before and behind a batch normalisation. A pool
/// that is fused with its convolution takes over the latter's output.
template <class Add>
void each_stored(const std::vector<LayerInfo>& layers, const Add& add) {
  const auto values = [](const Shape& shape) {
    return static_cast<double>(shape.height) * static_cast<double>(shape.width) * static_cast<double>(shape.channels);
  };
  const auto is = [&](std::size_t i, const char* kind) { return i < layers.size() && layers[i].kind == kind; };
  double waiting = 0;  // for a reader
  for (std::size_t i = 0; i < layers.size(); ++i) {
    const LayerInfo& layer = layers[i];
    const bool kernel =
        std::ranges::any_of(layer.parameters, [](const Parameter& p) { return p.dimensions.size() > 1; });
    const bool fused_pool = i >= 2 && is(i, "MaxPool2d") && is(i - 1, "Relu") && is(i - 2, "Conv2d") &&
                            !layers[i - 2].parameters.empty() && layers[i - 2].parameters.front().dimensions[0] == 3;
    if (kernel) {
      add(values(layer.input));
    } else if (values(layer.output) < waiting && !fused_pool) {
      add(waiting);
    }
    if (layer.kind == "BatchNorm" && !is(i + 1, "Relu6")) {
      add(values(layer.input));
      add(values(layer.output));
    }
    for (const auto& branch : layer.branches) each_stored(branch, add);
    waiting = values(layer.output);
  }
  if (waiting > 0) add(waiting);
}

}  // namespace detail

/// About the bytes that `layers` need for `batch` images, in prediction or in training. In doubles, which do not
/// overflow.
inline double estimated_bytes(const std::vector<LayerInfo>& layers, int batch, bool training,
                              std::size_t scalar = sizeof(float)) {
  double parameters = 0, all = 0, largest = 0, before = 0;
  const auto add = [&](double activation) {
    all += activation;
    largest = std::max(largest, before + activation);
    before = activation;
  };
  each_layer(layers, [&](const LayerInfo& layer) {
    for (const Parameter& parameter : layer.parameters) {
      double size = 1;
      for (const int dimension : parameter.dimensions) size *= dimension;
      parameters += size;
    }
  });
  detail::each_stored(layers, add);
  // Prediction: two neighbouring activations at a time; weights, and those in the kernels' order. Training: all
  // activations, and a quarter more for the backward pass; weights, gradients, two averages, the best weights.
  return static_cast<double>(scalar) *
         (training ? 5 * parameters + 1.25 * all * batch : 2 * parameters + largest * batch);
}

/// "1.5 GiB".
inline std::string bytes_text(double bytes) {
  constexpr std::array<const char*, 5> units{"bytes", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  for (; unit + 1 < units.size() && bytes >= 1024; ++unit) bytes /= 1024;
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
  return text.data();
}

/// Throws FormatError when more than `limit` bytes are needed; `name` is the model file, `what` what needs them.
inline void check_memory(double bytes, double limit, const std::string& name, const std::string& what) {
  if (bytes <= limit) return;
  throw FormatError(name + ": expected to need at most " + bytes_text(limit) + " of memory (", "max_memory",
                    "), found " + what + ", which needs about " + bytes_text(bytes));
}

}  // namespace abell

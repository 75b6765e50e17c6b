#pragma once
/// Pictures of what a network looks at.

#include <abell/core/error.hpp>
#include <abell/core/tensor.hpp>
#include <abell/inference/explain.hpp>
#include <abell/report/gallery.hpp>
#include <cstddef>

namespace abell::program {

/// Grad-CAM; empty for a network without a layer of several pixels.
inline Image attention(const Network<float>& network, const Tensor<float>& image, int answer, int threads) {
  try {
    return grad_cam(network, image, answer, {.threads = threads});
  } catch (const ShapeError&) {
    return {};
  }
}

/// Whether the channels are [empty, optical, X-ray], known by the empty one.
inline bool has_sky_channels(const Picture& picture) {
  bool empty = picture.shape.channels == 3;
  for (std::size_t i = 0; i < picture.pixels.size(); i += 3) empty = empty && picture.pixels[i] == 0;
  return empty;
}

}  // namespace abell::program

#pragma once
/// Rewrites a list of layers into stages. Users write the plain list; where layers that have a common fast form stand
/// in a row, that form takes their place. `Fusion::off` keeps every layer by itself, which is what fused networks are
/// tested against.

#include <abell/core/compiled.hpp>
#include <abell/layers/conv2d_relu.hpp>
#include <abell/layers/conv2d_relu_pool.hpp>
#include <abell/layers/normalized_chain.hpp>
#include <optional>
#include <span>

namespace abell {

/// The stage that takes the place of the first of `layers`, or of the first few. Those with the most layers are tried
/// first.
template <class T>
FusedStage<T> first_stage(const Place& place, std::span<const AnyLayer<T>> layers) {
  if (place.fusion == Fusion::on) {
    for (const auto rule : {fuse_normalized_chain<T>, fuse_conv2d_relu_pool<T>, fuse_conv2d_relu<T>}) {
      if (auto fused = rule(place, layers)) return *std::move(fused);
    }
  }
  return {layers.front().stage(place), 1};
}
ABELL_COMPILED(FusedStage<float> first_stage<float>(const Place&, std::span<const AnyLayer<float>>))
ABELL_COMPILED(FusedStage<double> first_stage<double>(const Place&, std::span<const AnyLayer<double>>))

}  // namespace abell

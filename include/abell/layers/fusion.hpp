#pragma once
/// Rewrites a list of layers into stages. Users write the plain list; where layers that have a common fast form stand
/// in a row, that form takes their place. `Fusion::off` keeps every layer by itself, which is what fused networks are
/// tested against.

#include <abell/layers/any_layer.hpp>
#include <algorithm>
#include <cstddef>
#include <span>
#include <string>

namespace abell {

/// The stage that takes the place of the first of `layers`, or of the first few. The layers after it, of which one
/// knows the fast form that it belongs to, are asked: first the third.
template <class T>
FusedStage<T> first_stage(const Place& place, std::span<const AnyLayer<T>> layers) {
  if (place.fusion == Fusion::on) {
    for (std::size_t i = std::min<std::size_t>(layers.size(), 3); i-- > 1;) {
      if (auto fused = layers[i].fused(place, layers)) {
        if (fused->layers >= 1 && fused->layers <= layers.size()) return *std::move(fused);
        shape_error(place.name, layers.front().kind(),
                    "a fused stage of 1 to " + std::to_string(layers.size()) + " layers",
                    std::to_string(fused->layers));
      }
    }
  }
  return {layers.front().stage(place), 1};
}

}  // namespace abell

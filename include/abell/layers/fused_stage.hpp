#pragma once
/// Stages that take the place of several layers. The rule is a function of the stage, and a layer names the stage: see
/// `Fused` in stage.hpp.

#include <abell/layers/any_layer.hpp>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

namespace abell {

/// Stage(place, options of the first layers) where these are of the types `Layers`; else nothing.
template <class Stage, class... Layers, class T>
std::optional<FusedStage<T>> fuse(const Place& place, std::span<const AnyLayer<T>> layers) {
  constexpr std::size_t count = sizeof...(Layers);
  if (layers.size() < count) return {};
  return [&]<std::size_t... I>(std::index_sequence<I...>)->std::optional<FusedStage<T>> {
    if ((... || (layers[I].template as<Layers>() == nullptr))) return {};
    return FusedStage<T>{AnyStage<T>::template make<Stage>(place, *layers[I].template as<Layers>()...), count};
  }
  (std::make_index_sequence<count>{});
}

}  // namespace abell

#pragma once
/// Rewrites a list of layer types into a list of stages, at compile time.
///
/// Users write the plain list; where layers that have a common fast form stand in a row, that form
/// takes their place. `Fusion::off` keeps every layer by itself, which is what fused networks are
/// tested against.

#include <abell/layers/description.hpp>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace abell {

enum class Fusion { on, off };

/// The fused stage that takes the place of the first layers of a list. A fused stage specialises this beside itself,
/// for the layers that it takes and any that follow:
///
///     template <class T, class... Rest>
///     struct FusedStage<T, Conv2d, Relu, Rest...> : std::type_identity<Conv2dReluStage<T>> {};
template <class T, class... Layers>
struct FusedStage {};

namespace detail {

/// The stage of one layer. Layers that hold others pass the choice of fusion on to them.
template <Fusion fusion, class T, class L>
struct PlainStage : std::type_identity<typename L::template Stage<T>> {};
template <Fusion fusion, class T, class L>
requires requires { typename L::template StageWith<T, fusion>; }
struct PlainStage<fusion, T, L> : std::type_identity<typename L::template StageWith<T, fusion>> {};

template <class Stage, class Rest>
struct Prepend;
template <class Stage, class... Rest>
struct Prepend<Stage, std::tuple<Rest...>> : std::type_identity<std::tuple<Stage, Rest...>> {};

template <Fusion fusion, class T, class... Layers>
struct Plan : std::type_identity<std::tuple<>> {};

/// The plan of what follows the first `taken` layers.
template <std::size_t taken, Fusion fusion, class T, class... Layers>
struct PlanAfter : Plan<fusion, T, Layers...> {};
template <std::size_t taken, Fusion fusion, class T, class First, class... Rest>
requires(taken > 0) struct PlanAfter<taken, fusion, T, First, Rest...> : PlanAfter<taken - 1, fusion, T, Rest...> {
};

template <Fusion fusion, class T, class Stage, class... Layers>
struct PlanWith : Prepend<Stage, typename PlanAfter<layers_of<Stage>(), fusion, T, Layers...>::type> {};

template <Fusion fusion, class T, class First, class... Rest>
struct Plan<fusion, T, First, Rest...>
    : PlanWith<fusion, T, typename PlainStage<fusion, T, First>::type, First, Rest...> {};
template <class T, class First, class... Rest>
requires requires { typename FusedStage<T, First, Rest...>::type; }
struct Plan<Fusion::on, T, First, Rest...>
    : PlanWith<Fusion::on, T, typename FusedStage<T, First, Rest...>::type, First, Rest...> {};

}  // namespace detail

/// The tuple of stages that a list of layers becomes.
template <Fusion fusion, class T, class... Layers>
using Stages = typename detail::Plan<fusion, T, Layers...>::type;

}  // namespace abell

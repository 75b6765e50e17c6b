#pragma once
/// Rewrites a list of layer types into a list of stages, at compile time.
///
/// Users write the plain list; where layers that have a common fast form stand in a row, that form
/// takes their place. `Fusion::off` keeps every layer by itself, which is what fused networks are
/// tested against.

#include <abell/layers/activations.hpp>
#include <abell/layers/batch_norm.hpp>
#include <abell/layers/conv2d.hpp>
#include <abell/layers/conv2d_relu_pool.hpp>
#include <abell/layers/dense.hpp>
#include <abell/layers/depthwise_conv2d.hpp>
#include <abell/layers/global_average_pool2d.hpp>
#include <abell/layers/max_pool2d.hpp>
#include <abell/layers/normalized_chain.hpp>
#include <tuple>
#include <utility>

namespace abell {

enum class Fusion { on, off };

namespace detail {

template <class T, class Layer>
struct StageOf;
template <class T>
struct StageOf<T, Conv2d> : std::type_identity<Conv2dStage<T>> {};
template <class T>
struct StageOf<T, DepthwiseConv2d> : std::type_identity<DepthwiseConv2dStage<T>> {};
template <class T>
struct StageOf<T, BatchNorm> : std::type_identity<BatchNormStage<T>> {};
template <class T>
struct StageOf<T, Relu6> : std::type_identity<Relu6Stage<T>> {};
template <class T>
struct StageOf<T, GlobalAveragePool2d> : std::type_identity<GlobalAveragePool2dStage<T>> {};
template <class T>
struct StageOf<T, MaxPool2d> : std::type_identity<MaxPool2dStage<T>> {};
template <class T>
struct StageOf<T, Dense> : std::type_identity<DenseStage<T>> {};
template <class T>
struct StageOf<T, Relu> : std::type_identity<ReluStage<T>> {};
template <class T>
struct StageOf<T, Dropout> : std::type_identity<DropoutStage<T>> {};
template <class T>
struct StageOf<T, Softmax> : std::type_identity<SoftmaxStage<T>> {};
template <class T>
struct StageOf<T, Flatten> : std::type_identity<FlattenStage<T>> {};

template <class Stage, class Rest>
struct Prepend;
template <class Stage, class... Rest>
struct Prepend<Stage, std::tuple<Rest...>> : std::type_identity<std::tuple<Stage, Rest...>> {};

template <Fusion fusion, class T, class... Layers>
struct Plan : std::type_identity<std::tuple<>> {};
template <Fusion fusion, class T, class First, class... Rest>
struct Plan<fusion, T, First, Rest...>
    : Prepend<typename StageOf<T, First>::type, typename Plan<fusion, T, Rest...>::type> {};
template <class T, class... Rest>
struct Plan<Fusion::on, T, Conv2d, Relu, MaxPool2d, Rest...>
    : Prepend<Conv2dReluPoolStage<T>, typename Plan<Fusion::on, T, Rest...>::type> {};

/// The number of normalised convolutions that a list begins with, one after the other.
template <class... Layers>
struct NormalizedLinks : std::integral_constant<std::size_t, 0> {};
template <class... Rest>
struct NormalizedLinks<Conv2d, BatchNorm, Relu6, Rest...>
    : std::integral_constant<std::size_t, 1 + NormalizedLinks<Rest...>::value> {};
template <class... Rest>
struct NormalizedLinks<DepthwiseConv2d, BatchNorm, Relu6, Rest...>
    : std::integral_constant<std::size_t, 1 + NormalizedLinks<Rest...>::value> {};

/// The plan of what follows `links` links.
template <std::size_t links, class T, class... Layers>
struct PlanAfter : Plan<Fusion::on, T, Layers...> {};
template <std::size_t links, class T, class A, class B, class C, class... Rest>
requires(links > 0) struct PlanAfter<links, T, A, B, C, Rest...> : PlanAfter<links - 1, T, Rest...> {
};

template <class T, class Conv, class... Rest>
struct NormalizedPlan {
  static constexpr std::size_t links = NormalizedLinks<Conv, BatchNorm, Relu6, Rest...>::value;
  template <class U>
  using Stage = NormalizedChainStage<U, links>;
  using type = typename Prepend<Stage<T>, typename PlanAfter<links, T, Conv, BatchNorm, Relu6, Rest...>::type>::type;
};
template <class T, class... Rest>
struct Plan<Fusion::on, T, Conv2d, BatchNorm, Relu6, Rest...> : NormalizedPlan<T, Conv2d, Rest...> {};
template <class T, class... Rest>
struct Plan<Fusion::on, T, DepthwiseConv2d, BatchNorm, Relu6, Rest...> : NormalizedPlan<T, DepthwiseConv2d, Rest...> {};

}  // namespace detail

/// The tuple of stages that a list of layers becomes.
template <Fusion fusion, class T, class... Layers>
using Stages = typename detail::Plan<fusion, T, Layers...>::type;

}  // namespace abell

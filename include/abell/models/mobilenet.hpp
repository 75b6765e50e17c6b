#pragma once
/// MobileNet v1 (Howard et al. 2017, arXiv:1704.04861, Table 1) with the layers, names and defaults of
/// keras-applications 1.0.8, so that Keras's weight files fit: a convolution, thirteen
/// depthwise-separable blocks, and a head.

#include <abell/layers/batch_norm.hpp>
#include <abell/layers/depthwise_conv2d.hpp>
#include <abell/layers/global_average_pool2d.hpp>
#include <abell/network/network.hpp>
#include <array>

namespace abell {

struct MobileNetOptions {
  double alpha = 1;  ///< width multiplier: scales the filters of every layer
  int classes = 2;
  double dropout = 0.65;            ///< Table 4 of Kosiba et al. 2020
  bool train_base = true;           ///< false freezes all but the head
  Padding padding = Padding::same;  ///< symmetric: Keras 2.1.6 to 2.2.1
  BatchNorm batch_norm = {};        ///< options of every batch normalisation (name and trainable are set)
};

/// Images of the published weights and of the paper; other sides work too.
inline constexpr Shape mobilenet_input{224, 224, 3};

namespace detail {

/// A layer's name, made at compile time: "conv_dw_" 7 "_bn".
struct LayerName {
  std::array<char, 16> text{};
  std::size_t size = 0;

  constexpr LayerName(std::string_view head, std::size_t number, std::string_view tail) {
    for (const char c : head) text[size++] = c;
    if (number >= 10) text[size++] = static_cast<char>('0' + number / 10);
    text[size++] = static_cast<char>('0' + number % 10);
    for (const char c : tail) text[size++] = c;
  }
  constexpr operator std::string_view() const { return {text.data(), size}; }
};

/// The six layers of block I, counted from 1 as in Keras.
template <std::size_t I>
inline constexpr std::array<LayerName, 6> block_names{
    LayerName{"conv_dw_", I, ""}, LayerName{"conv_dw_", I, "_bn"}, LayerName{"conv_dw_", I, "_relu"},
    LayerName{"conv_pw_", I, ""}, LayerName{"conv_pw_", I, "_bn"}, LayerName{"conv_pw_", I, "_relu"}};

/// Filters of a block's 1x1 convolution and stride of its depthwise one.
struct SeparableBlock {
  int filters;
  int stride;
};
inline constexpr std::array<SeparableBlock, 13> mobilenet_blocks{{{64, 1},
                                                                  {128, 2},
                                                                  {128, 1},
                                                                  {256, 2},
                                                                  {256, 1},
                                                                  {512, 2},
                                                                  {512, 1},
                                                                  {512, 1},
                                                                  {512, 1},
                                                                  {512, 1},
                                                                  {512, 1},
                                                                  {1024, 2},
                                                                  {1024, 1}}};

constexpr BatchNorm named(BatchNorm norm, std::string_view name, bool trainable) {
  norm.name = name;
  norm.trainable = trainable;
  return norm;
}

constexpr int scaled(int filters, double alpha) { return static_cast<int>(filters * alpha); }

template <std::size_t I>
constexpr auto separable_block(const MobileNetOptions& o) {
  constexpr SeparableBlock block = mobilenet_blocks[I - 1];
  constexpr auto& names = block_names<I>;
  return describe(
      DepthwiseConv2d{
          .stride = block.stride, .padding = o.padding, .bias = false, .trainable = o.train_base, .name = names[0]},
      named(o.batch_norm, names[1], o.train_base), Relu6{.name = names[2]},
      Conv2d{.filters = scaled(block.filters, o.alpha),
             .kernel_size = 1,
             .bias = false,
             .trainable = o.train_base,
             .name = names[3]},
      named(o.batch_norm, names[4], o.train_base), Relu6{.name = names[5]});
}

constexpr auto mobilenet_base(const MobileNetOptions& o) {
  return [&]<std::size_t... I>(std::index_sequence<I...>) {
    const auto layers =
        std::tuple_cat(std::tuple{Conv2d{.filters = scaled(32, o.alpha),
                                         .stride = 2,
                                         .padding = o.padding,
                                         .bias = false,
                                         .trainable = o.train_base,
                                         .name = "conv1"},
                                  named(o.batch_norm, "conv1_bn", o.train_base), Relu6{.name = "conv1_relu"}},
                       separable_block<I + 1>(o).layers...);
    return std::apply([](const auto&... all) { return describe(all...); }, layers);
  }
  (std::make_index_sequence<mobilenet_blocks.size()>{});
}

}  // namespace detail

/// MobileNet's base, then global average pool and dropout: all but the head, so that `classes` plays no part.
constexpr auto make_mobilenet_body(const MobileNetOptions& o = {}) {
  return join(detail::mobilenet_base(o), describe(GlobalAveragePool2d{}, Dropout{.rate = o.dropout}));
}

/// The paper's second network: the head is a dense layer with softmax; 3,230,914 parameters at alpha 1 and two
/// classes.
constexpr auto make_mobilenet(const MobileNetOptions& o = {}) {
  return join(make_mobilenet_body(o), describe(Dense{.units = o.classes}, Softmax{}));
}

/// The network as published for ImageNet, with its own head: 4,253,864 parameters at alpha 1. Of the options,
/// `classes` is 1000 and `dropout` 0.001 there.
constexpr auto make_mobilenet_imagenet(MobileNetOptions o = {.classes = 1000, .dropout = 1e-3}) {
  return join(detail::mobilenet_base(o), describe(GlobalAveragePool2d{}, Dropout{.rate = o.dropout, .name = "dropout"},
                                                  Conv2d{.filters = o.classes, .kernel_size = 1, .name = "conv_preds"},
                                                  Softmax{.name = "act_softmax"}));
}

inline constexpr auto mobilenet = make_mobilenet();

}  // namespace abell

#pragma once
/// MobileNet v1 (Howard et al. 2017, arXiv:1704.04861, Table 1) with the layers, names and defaults of
/// keras-applications 1.0.8, so that Keras's weight files fit: a convolution, thirteen
/// depthwise-separable blocks, and a head.

#include <abell/network/network.hpp>
#include <array>
#include <string>

namespace abell {

/// What of MobileNet may vary. `build` throws OptionError for an `alpha` outside (0, 100] and one that leaves a
/// convolution without filters, and what the layers refuse.
struct MobileNetOptions {
  double alpha = 1;  ///< width multiplier (section 3.3): scales the base's filters, rounded down
  int classes = 2;
  double dropout = 0.65;   ///< Table 4 of Kosiba et al. 2020
  bool train_base = true;  ///< false freezes all but the head
  /// Of the 3x3 layers: `after`, as keras-applications from 1.0.4 on, of those of stride 2, the others then SAME. Sides
  /// that become odd have another grid with `same` (Keras up to 2.1.2), all sides with `symmetric` (Keras 2.1.6 to
  /// 2.2.1).
  Padding padding = Padding::after;
  BatchNorm batch_norm = {};  ///< options of every batch normalisation (name and trainable are set)
};

/// What follows the thirteen blocks.
enum class MobileNetHead {
  none,
  pool,      ///< global average pool and dropout, for a head of one's own
  dense,     ///< those, a dense layer and softmax: the paper's
  pointwise  ///< those, a 1x1 convolution and softmax, as published for ImageNet
};

/// A description, like those that `describe` makes.
struct MobileNet {
  MobileNetOptions options = {};
  MobileNetHead head = MobileNetHead::dense;
};

/// Images of the published weights and of the paper; other sides work too.
inline constexpr Shape mobilenet_input{224, 224, 3};

namespace detail {

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

}  // namespace detail

/// See description.hpp.
template <class T>
LayerList<T> list_of(const MobileNet& description) {
  const MobileNetOptions& o = description.options;
  if (!(o.alpha > 0 && o.alpha <= 100)) {
    throw OptionError("alpha", "expected a number above 0, up to 100, found " + std::to_string(o.alpha));
  }
  LayerList<T> list;
  const auto scaled = [&](int filters) { return static_cast<int>(filters * o.alpha); };
  const auto add = [&](auto conv, const std::string& name) {
    const std::string of_norm = name + "_bn", of_relu = name + "_relu";
    conv.bias = false;
    conv.trainable = o.train_base;
    conv.name = name;
    BatchNorm norm = o.batch_norm;
    norm.trainable = o.train_base;
    norm.name = of_norm;
    list.push_back(conv);
    list.push_back(norm);
    list.push_back(Relu6{.name = of_relu});
  };
  const auto padding = [&](int stride) {
    return o.padding == Padding::after && stride == 1 ? Padding::same : o.padding;
  };
  add(Conv2d{.filters = scaled(32), .stride = 2, .padding = padding(2)}, "conv1");
  int number = 0;  // of the block, from 1 as in Keras
  for (const detail::SeparableBlock& block : detail::mobilenet_blocks) {
    const std::string suffix = std::to_string(++number);
    add(DepthwiseConv2d{.stride = block.stride, .padding = padding(block.stride)}, "conv_dw_" + suffix);
    add(Conv2d{.filters = scaled(block.filters), .kernel_size = 1}, "conv_pw_" + suffix);
  }
  if (description.head == MobileNetHead::none) return list;
  const bool published = description.head == MobileNetHead::pointwise;
  list.push_back(GlobalAveragePool2d{});
  list.push_back(Dropout{.rate = o.dropout, .name = published ? "dropout" : ""});
  if (description.head == MobileNetHead::pool) return list;
  if (published) {
    list.push_back(Conv2d{.filters = o.classes, .kernel_size = 1, .name = "conv_preds"});
    list.push_back(Softmax{.name = "act_softmax"});
  } else {
    list.push_back(Dense{.units = o.classes});
    list.push_back(Softmax{});
  }
  return list;
}

/// MobileNet's base, global average pool and dropout: all but the head, so that `classes` plays no part.
constexpr MobileNet make_mobilenet_body(const MobileNetOptions& options = {}) { return {options, MobileNetHead::pool}; }

/// The paper's second network: the head is a dense layer with softmax; 3,230,914 parameters at alpha 1 and two
/// classes.
constexpr MobileNet make_mobilenet(const MobileNetOptions& options = {}) { return {options}; }

/// The network as published for ImageNet, with its own head: 4,253,864 parameters at alpha 1. Of the options,
/// `classes` is 1000 and `dropout` 0.001 there.
constexpr MobileNet make_mobilenet_imagenet(const MobileNetOptions& options = {.classes = 1000, .dropout = 1e-3}) {
  return {options, MobileNetHead::pointwise};
}

/// The network as the paper has it.
inline constexpr MobileNet mobilenet;

}  // namespace abell

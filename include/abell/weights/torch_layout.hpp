#pragma once
/// The arrays of our layers as PyTorch's modules have them; see weights/torch.hpp.

#include <abell/core/error.hpp>
#include <abell/core/shape.hpp>
#include <abell/layers/layers.hpp>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace abell::detail {

/// One array of a module: PyTorch's dimensions, and how many of our values lie between neighbours along each.
struct TorchArray {
  std::string name;
  std::vector<std::uint64_t> shape;
  std::vector<std::size_t> sizes, steps;  ///< of `shape`, its dimensions taken apart where ours are others

  /// Where value i of theirs stands in ours.
  std::size_t place_in_ours(std::size_t i) const {
    std::size_t place = 0;
    for (std::size_t axis = sizes.size(); axis-- > 0; i /= sizes[axis]) place += i % sizes[axis] * steps[axis];
    return place;
  }
};

inline std::size_t size_of(const TorchArray& array) {
  std::size_t size = 1;
  for (const std::size_t each : array.sizes) size *= each;
  return size;
}

/// A layer with weights as a module; its arrays stand in the order of the layer's parameters.
struct TorchLayer {
  const LayerInfo* info;
  std::string place;  ///< its path in a torch.nn.Sequential of our layers
  std::vector<TorchArray> arrays;
};

/// Goes through a network's layers and keeps in mind in which order values stand.
class TorchLayout {
 public:
  explicit TorchLayout(std::string where) : where_(std::move(where)) {}

  template <class T>
  std::vector<TorchLayer> layers(const LayerList<T>& list, const std::vector<LayerInfo>& infos) {
    add_list(list, infos, "");
    if (flattened_) fail(infos.back(), "a Dense after Flatten");
    return std::move(layers_);
  }

 private:
  using Sizes = std::vector<std::size_t>;

  template <class T>
  void add_list(const LayerList<T>& list, const std::vector<LayerInfo>& infos, const std::string& prefix) {
    for (std::size_t i = 0; i < list.size(); ++i) add(list[i], infos[i], prefix + std::to_string(i));
  }

  template <class T>
  void add(const AnyLayer<T>& layer, const LayerInfo& info, const std::string& place) {
    if (!info.branches.empty()) {
      if (flattened_) fail(info, "no layers within layers between Flatten and Dense");
      for (std::size_t branch = 0; branch < info.branches.size(); ++branch) {
        makers_.clear();
        add_list(layer.branches()[branch], info.branches[branch], place + ".branches." + std::to_string(branch) + ".");
        if (flattened_) fail(info, "a Dense after the Flatten within it");
      }
      return makers_.clear();
    }
    if (info.kind == Flatten::kind || info.kind == Reshape::kind) return reshape(info);
    if (info.parameters.empty()) {
      if (info.input == info.output && info.input.pixels() == 1) return;
      if (flattened_) fail(info, "a Dense after Flatten, or what keeps the order of values");
      return makers_.clear();
    }
    const bool dense = layer.template as<Dense>() != nullptr;
    const bool norm = layer.template as<BatchNorm>() != nullptr;
    if (flattened_ && !dense && !norm) fail(info, "a Dense after Flatten, or what keeps the order of values");
    layers_.push_back({&info, place, arrays(layer, info)});
    if (dense) flattened_.reset();
    if (!norm) makers_.clear();
    if (dense || (norm && !makers_.empty())) makers_.push_back(layers_.size() - 1);
  }

  /// The values stay where they are, ours pixel by pixel and theirs channel by channel (Flatten, Unflatten).
  void reshape(const LayerInfo& info) {
    const Shape &from = flattened_ ? *flattened_ : info.input, &to = info.output;
    if (from.pixels() > 1 && to.pixels() > 1) {
      if (from.channels != to.channels) fail(info, "as many channels as before");
      flattened_.reset();
    } else if (to.pixels() > 1 && to.channels > 1) {
      if (makers_.empty()) fail(info, "a Dense before the vector becomes a map");
      for (const std::size_t maker : makers_) {
        for (TorchArray& array : layers_[maker].arrays) split(array, 0, to);
      }
    } else if (from.pixels() > 1 && from.channels > 1) {
      flattened_ = from;
    }
    if (info.input != to) makers_.clear();
  }

  [[noreturn]] void fail(const LayerInfo& info, const std::string& expected) const {
    throw FormatError(where_ + ": layer " + info.name + " (" + info.kind + "): expected " + expected +
                      " (PyTorch's values stand in another order there), found this layer");
  }

  template <class T>
  std::vector<TorchArray> arrays(const AnyLayer<T>& layer, const LayerInfo& info) {
    const auto dimension = [&](std::size_t axis) {
      return static_cast<std::size_t>(info.parameters.front().dimensions.at(axis));
    };
    std::vector<TorchArray> all;
    if (layer.template as<Conv2d>() != nullptr || layer.template as<Conv2dTranspose>() != nullptr) {
      all.push_back(kernel({dimension(0), dimension(1), dimension(2), dimension(3)}, {3, 2, 0, 1}));
    } else if (layer.template as<DepthwiseConv2d>() != nullptr) {
      all.push_back(kernel({dimension(0), dimension(1), dimension(2), dimension(3)}, {2, 3, 0, 1}));
      const std::vector<std::uint64_t> shape = all[0].shape;
      all[0].shape = {shape[0] * shape[1], 1, shape[2], shape[3]};
    } else if (layer.template as<Dense>() != nullptr) {
      all.push_back(kernel({dimension(0), dimension(1)}, {1, 0}));
      if (flattened_) split(all[0], 1, *flattened_);
    } else if (layer.template as<BatchNorm>() != nullptr) {
      for (const char* name : {"weight", "bias", "running_mean", "running_var"}) {
        all.push_back({name, {dimension(0)}, {dimension(0)}, {1}});
        if (flattened_) split(all.back(), 0, *flattened_);
      }
      return all;
    } else {
      throw FormatError(where_ + ": layer " + info.name + " (" + info.kind +
                        "): expected a layer that PyTorch has, found another");
    }
    if (info.parameters.size() == 2) {
      const std::size_t size = info.parameters[1].size();
      all.push_back({"bias", {size}, {size}, {1}});
    }
    return all;
  }

  /// An array of ours of dimensions `sizes`, its axes in the order `order`.
  static TorchArray kernel(const Sizes& sizes, const Sizes& order) {
    Sizes steps(sizes.size(), 1);
    for (std::size_t axis = sizes.size() - 1; axis-- > 0;) steps[axis] = steps[axis + 1] * sizes[axis + 1];
    TorchArray array{"weight", {}, {}, {}};
    for (const std::size_t axis : order) {
      array.shape.push_back(sizes[axis]);
      array.sizes.push_back(sizes[axis]);
      array.steps.push_back(steps[axis]);
    }
    return array;
  }
  /// Where an axis is a map's values, takes it apart into channels, rows and columns.
  static void split(TorchArray& array, std::size_t axis, const Shape& map) {
    const auto height = static_cast<std::size_t>(map.height), width = static_cast<std::size_t>(map.width),
               channels = static_cast<std::size_t>(map.channels), step = array.steps[axis];
    const auto place = static_cast<std::ptrdiff_t>(axis);
    array.sizes[axis] = channels;
    array.sizes.insert(array.sizes.begin() + place + 1, {height, width});
    array.steps.insert(array.steps.begin() + place + 1, {width * channels * step, channels * step});
  }

  std::string where_;
  std::vector<TorchLayer> layers_;
  std::optional<Shape> flattened_;   ///< the map whose values stand in the vector, where there is one
  std::vector<std::size_t> makers_;  ///< numbers of the layers whose outputs' order is the vector's: Dense, BatchNorm
};

/// The layers of a network that have weights. Throws FormatError for a layer that PyTorch has not.
template <class Network>
std::vector<TorchLayer> torch_layers(const std::string& where, const Network& network) {
  return TorchLayout(where).layers(network.description(), network.layers());
}

}  // namespace abell::detail

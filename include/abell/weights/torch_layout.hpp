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
        add_list(layer.branches()[branch], info.branches[branch], place + ".branches." + std::to_string(branch) + ".");
        if (flattened_) fail(info, "a Dense after the Flatten within it");
      }
      return;
    }
    if (info.kind == Flatten::kind && info.input.pixels() > 1 && info.input.channels > 1) flattened_ = info.input;
    if (info.kind == Reshape::kind && flattened_) fail(info, "no Reshape between Flatten and Dense");
    if (info.parameters.empty()) return;
    layers_.push_back({&info, place, arrays(layer, info)});
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
      all.push_back(dense(dimension(0), dimension(1)));
    } else if (layer.template as<BatchNorm>() != nullptr) {
      for (const char* name : {"weight", "bias", "running_mean", "running_var"})
        all.push_back(vector(name, dimension(0)));
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
  /// [in][out], of which `in` may be a map's values.
  TorchArray dense(std::size_t inputs, std::size_t units) {
    if (!flattened_) return kernel({inputs, units}, {1, 0});
    const Sizes map = sizes_of(*flattened_);
    flattened_.reset();
    TorchArray array = kernel({map[0], map[1], map[2], units}, {3, 2, 0, 1});
    array.shape = {units, inputs};
    return array;
  }
  /// One value for each channel, or for each of a map's that was flattened.
  TorchArray vector(const std::string& name, std::size_t size) const {
    TorchArray array = flattened_ ? kernel(sizes_of(*flattened_), {2, 0, 1}) : kernel({size}, {0});
    array.name = name;
    array.shape = {size};
    return array;
  }
  static Sizes sizes_of(const Shape& shape) {
    return {static_cast<std::size_t>(shape.height), static_cast<std::size_t>(shape.width),
            static_cast<std::size_t>(shape.channels)};
  }

  std::string where_;
  std::vector<TorchLayer> layers_;
  std::optional<Shape> flattened_;  ///< the map whose values stand in the vector, where there is one
};

/// The layers of a network that have weights. Throws FormatError for a layer that PyTorch has not.
template <class Network>
std::vector<TorchLayer> torch_layers(const std::string& where, const Network& network) {
  return TorchLayout(where).layers(network.description(), network.layers());
}

}  // namespace abell::detail

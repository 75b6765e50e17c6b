#pragma once
/// Keras files in other layouts than that of `save_keras_weights`, and a network that fits them.

#include <abell/weights/keras_h5.hpp>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "described.hpp"

namespace hdf5 = abell::detail::hdf5;

/// A file of our making in another layout than that of `save_keras_weights`.
class RawFile {
 public:
  /// The group that holds the weights: "/", or "model_weights" in the file of a whole model.
  explicit RawFile(const std::string& root = "/") : root_(group_at(file_, root)) {}

  /// A layer with some of a network's parameters, stored under those weight names.
  void layer(const std::string& name, const std::vector<std::pair<std::string, abell::StoredTensor>>& weights) {
    const hdf5::Handle group = group_at(root_, name);
    std::vector<std::string> names;
    for (const auto& [weight, tensor] : weights) {
      hdf5::write_dataset(group, weight, tensor, {});
      names.push_back(weight);
    }
    hdf5::write_texts(group, "weight_names", names, {});
    layers_.push_back(name);
  }
  /// A layer that the caller makes.
  void named(const std::string& name) { layers_.push_back(name); }
  std::filesystem::path write(const std::filesystem::path& path) {
    hdf5::write_texts(root_, "layer_names", layers_, path);
    hdf5::write(path, file_);
    return path;
  }
  const hdf5::Handle& root() const { return root_; }
  const hdf5::Handle& file() const { return file_; }

  static hdf5::Handle group_at(hid_t parent, const std::string& name) {
    return name == "/"
               ? hdf5::Handle(H5Gopen2(parent, "/", H5P_DEFAULT), H5Gclose)
               : hdf5::Handle(H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), H5Gclose);
  }

 private:
  hdf5::Handle file_ = hdf5::create();
  hdf5::Handle root_;
  std::vector<std::string> layers_;
};

inline constexpr auto tiny_net = abell::describe(abell::Conv2d{.filters = 2}, abell::BatchNorm{}, abell::Relu6{},
                                                 abell::DepthwiseConv2d{.bias = false}, abell::GlobalAveragePool2d{},
                                                 abell::Dense{.units = 3}, abell::Dense{.units = 2}, abell::Softmax{});
inline constexpr abell::Shape tiny_input{6, 6, 3};

inline Described<> numbered_tiny() {
  Described<> tiny(tiny_net, tiny_input);
  tiny.number();
  return tiny;
}

/// The layers of a network that have parameters, in order.
inline std::vector<std::string> layers_with_weights(const Described<>& network) {
  std::vector<std::string> layers;
  abell::each_layer(network.layers(), [&](const abell::LayerInfo& layer) {
    if (!layer.parameters.empty()) layers.push_back(layer.name);
  });
  return layers;
}

/// The weights of a layer of `network` as a file holds them; `prefix` stands before the parameter's name.
inline std::vector<std::pair<std::string, abell::StoredTensor>> weights_of(const Described<>& network,
                                                                           const std::string& layer,
                                                                           const std::string& prefix,
                                                                           const std::string& suffix = ":0") {
  std::vector<std::pair<std::string, abell::StoredTensor>> all;
  for (abell::StoredTensor& tensor : abell::detail::stored_parameters({}, network, network.parameters())) {
    if (abell::detail::layer_of(tensor.name) != layer) continue;
    const std::string name = prefix + tensor.name.substr(layer.size() + 1) + suffix;
    all.emplace_back(name, std::move(tensor));
  }
  return all;
}

#pragma once
/// The networks that the lines of whole networks measure. Each model tells its name, description, input and
/// batch, and how it is trained.

#include <abell/models/cluster_net.hpp>
#include <abell/models/mobilenet.hpp>
#include <abell/training/fit.hpp>
#include <string_view>

namespace abell::bench {

/// The custom network, with Table 4's batch and optimizer.
struct ClusterNetModel {
  static constexpr std::string_view name = "cluster_net";
  static constexpr const auto& description = cluster_net;
  static constexpr Shape input = cluster_net_input;
  static constexpr int batch = 10;
  static constexpr bool normalized = false;  ///< has batch normalisations
  static Optimizer optimizer() { return Sgd{}; }
};

/// MobileNet, likewise.
struct MobileNetModel {
  static constexpr std::string_view name = "mobilenet";
  static constexpr const auto& description = mobilenet;
  static constexpr Shape input = mobilenet_input;
  static constexpr int batch = 20;
  static constexpr bool normalized = true;
  static Optimizer optimizer() { return Adadelta{.decay = 0.95}; }
};

template <class Model>
using NetworkOf = decltype(build<float>(Model::description, Model::input));

/// With Glorot weights.
template <class Model>
NetworkOf<Model> build_model() {
  return build<float>(Model::description, Model::input);
}

}  // namespace abell::bench

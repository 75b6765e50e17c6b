#pragma once
/// The networks that the programs train and run, by name and task.

#include <abell/core/error.hpp>
#include <abell/models/cluster_net.hpp>
#include <abell/models/mobilenet.hpp>
#include <abell/models/unet.hpp>
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "tasks.hpp"

namespace abell::program {

/// The paper's networks, which give an image one answer.
inline constexpr std::array<std::string_view, 2> network_names{"custom", "mobilenet"};

inline constexpr int unet_depth = 3;
/// The sides that U-Net can have are multiples of this.
inline constexpr int unet_step = 1 << unet_depth;
inline constexpr int default_unet_size = 256;

/// A network, what it answers, and with how many outputs.
struct NetworkChoice {
  std::string name = "custom";
  Task task = Task::classify;
  int outputs = 2;
  double dropout = 0;
  int size = default_unet_size;  ///< of the images that U-Net gets
};

/// Throws OptionError for a network that does not do the task.
inline void check(const NetworkChoice& choice) {
  const bool paper = std::ranges::find(network_names, choice.name) != network_names.end();
  if (choice.task == Task::segment ? choice.name == "unet" : paper) return;
  throw OptionError("--network: expected " +
                    std::string(choice.task == Task::segment ? "unet" : "custom or mobilenet") + " for --task " +
                    std::string(name_of(choice.task)) + ", found " + choice.name);
}

/// The layers of a network and the shape of its input.
struct Architecture {
  LayerList<float> layers;
  Shape input;
};

/// Throws as `check`.
inline Architecture architecture_of(const NetworkChoice& choice) {
  check(choice);
  if (choice.task == Task::segment) {
    return {list_of<float>(make_unet<unet_depth>({.classes = choice.outputs})), {choice.size, choice.size, 3}};
  }
  Architecture made;
  if (choice.name == "custom") {
    made = {list_of<float>(make_cluster_net_body(choice.dropout)), cluster_net_input};
  } else {
    made = {list_of<float>(make_mobilenet_body({.dropout = choice.dropout})), mobilenet_input};
  }
  made.layers.push_back(Dense{.units = choice.outputs});
  if (choice.task == Task::classify) made.layers.push_back(Softmax{});
  if (choice.task == Task::multilabel) made.layers.push_back(Sigmoid{});
  return made;
}

/// Throws as `check`.
inline Network<float> make_network(const NetworkChoice& choice, std::uint64_t seed) {
  const Architecture made = architecture_of(choice);
  return build<float>(made.layers, made.input, seed);
}

}  // namespace abell::program

#pragma once
/// The networks that the programs train and run, by name and task.

#include <abell/core/error.hpp>
#include <abell/models/cluster_net.hpp>
#include <abell/models/mobilenet.hpp>
#include <abell/models/unet.hpp>
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

/// Returns what body(description, input shape) returns for the network called `name` that tells two classes apart,
/// with its paper's input. Throws OptionError for another name.
template <class Body>
auto with_description(std::string_view name, double dropout, const Body& body) {
  if (name == "custom") return body(make_cluster_net(dropout), cluster_net_input);
  if (name == "mobilenet") return body(make_mobilenet({.dropout = dropout}), mobilenet_input);
  throw OptionError("expected the network custom or mobilenet, found '" + std::string(name) + "'");
}

/// Throws OptionError for a network that does not do the task.
inline void check(const NetworkChoice& choice) {
  if ((choice.name == "unet") == (choice.task == Task::segment)) return;
  throw OptionError("--network: expected " +
                    std::string(choice.task == Task::segment ? "unet" : "custom or mobilenet") + " for --task " +
                    std::string(name_of(choice.task)) + ", found " + choice.name);
}

/// The same for all tasks but to classify.
template <class Body>
auto with_task_description(const NetworkChoice& choice, const Body& body) {
  check(choice);
  if (choice.task == Task::segment) {
    return body(make_unet<unet_depth>({.classes = choice.outputs}), Shape{choice.size, choice.size, 3});
  }
  const auto with_head = [&](const auto& all_but_head, const Shape& input) {
    const Dense dense{.units = choice.outputs};
    if (choice.task == Task::regress) return body(join(all_but_head, describe(dense)), input);
    return body(join(all_but_head, describe(dense, Sigmoid{})), input);
  };
  if (choice.name == "custom") return with_head(make_cluster_net_body(choice.dropout), cluster_net_input);
  return with_head(make_mobilenet_body({.dropout = choice.dropout}), mobilenet_input);
}

/// The same for all tasks.
template <class Body>
auto with_description(const NetworkChoice& choice, const Body& body) {
  return choice.task == Task::classify ? with_description(choice.name, choice.dropout, body)
                                       : with_task_description(choice, body);
}

/// Builds the network called `name` and returns what body(network) returns.
template <class Body>
auto with_network(std::string_view name, double dropout, std::uint64_t seed, const Body& body) {
  return with_description(name, dropout, [&](const auto& description, const Shape& input) {
    auto network = build<float>(description, input, seed);
    return body(network);
  });
}

/// The same for all tasks but to classify.
template <class Body>
auto with_task_network(const NetworkChoice& choice, std::uint64_t seed, const Body& body) {
  return with_task_description(choice, [&](const auto& description, const Shape& input) {
    auto network = build<float>(description, input, seed);
    return body(network);
  });
}

}  // namespace abell::program

#pragma once
/// The networks that the programs train and run, by name.

#include <abell/core/error.hpp>
#include <abell/models/cluster_net.hpp>
#include <abell/models/mobilenet.hpp>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace abell::program {

inline constexpr std::array<std::string_view, 2> network_names{"custom", "mobilenet"};

/// Returns what body(description, input shape) returns for the network called `name`, with its paper's input.
/// Throws OptionError for another name.
template <class Body>
auto with_description(std::string_view name, double dropout, const Body& body) {
  if (name == "custom") return body(make_cluster_net(dropout), cluster_net_input);
  if (name == "mobilenet") return body(make_mobilenet({.dropout = dropout}), mobilenet_input);
  throw OptionError("expected the network custom or mobilenet, found '" + std::string(name) + "'");
}

/// Builds the network called `name` and returns what body(network) returns.
template <class Body>
auto with_network(std::string_view name, double dropout, std::uint64_t seed, const Body& body) {
  return with_description(name, dropout, [&](const auto& description, const Shape& input) {
    auto network = build<float>(description, input, seed);
    return body(network);
  });
}

}  // namespace abell::program

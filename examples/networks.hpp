#pragma once
/// The networks that the programs train, by name.

#include <abell/core/error.hpp>
#include <abell/models/cluster_net.hpp>
#include <cstdint>
#include <string>

namespace abell::program {

/// Builds the network called `name` and returns what `body(network)` returns. Throws OptionError for another name.
template <class Body>
auto with_network(const std::string& name, double dropout, std::uint64_t seed, const Body& body) {
  if (name == "custom") {
    auto network = build<float>(make_cluster_net(dropout), cluster_net_input, seed);
    return body(network);
  }
  throw OptionError("--network: expected custom, found '" + name + "'");
}

}  // namespace abell::program

#pragma once
/// The networks that the programs train and run, by name.

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

/// Returns what `use(description)` returns for the description that a model file calls `name`; `where` opens
/// the message of the FormatError for another name. What only matters in training (dropout) is the paper's.
template <class Use>
auto with_description(const std::string& name, const std::string& where, const Use& use) {
  if (name == "custom") return use(cluster_net);
  throw FormatError(where + ": expected a model of the network 'custom', found '" + name + "'");
}

}  // namespace abell::program

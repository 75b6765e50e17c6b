#pragma once
/// The layers that a Keras config tells of against those of a network: one by one the same but for names and for what
/// plays no part in what they compute.

#include <abell/core/error.hpp>
#include <abell/core/shape.hpp>
#include <abell/layers/layers.hpp>
#include <abell/weights/architecture.hpp>
#include <abell/weights/json.hpp>
#include <abell/weights/match.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell::detail {

/// A layer as it is compared: its options as JSON, and what else is known of it.
struct ComparedLayer {
  Json options;
  const LayerInfo* info;
  std::vector<std::vector<ComparedLayer>> branches;
};

/// Those of a list that compute something: no Dropout, no Reshape to the shape that is there already.
template <class T>
std::vector<ComparedLayer> compared(const LayerList<T>& list, const std::vector<LayerInfo>& infos) {
  std::vector<ComparedLayer> layers;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const LayerInfo& info = infos[i];
    const bool reshapes = info.kind == Flatten::kind || info.kind == Reshape::kind;
    if (info.kind == Dropout::kind || (reshapes && info.input == info.output)) continue;
    Json options{{"kind", reshapes ? Reshape::kind : list[i].kind()}};
    for (const auto& [name, value] : list[i].options()) {
      if (!reshapes) options[std::string(name)] = to_json(value);
    }
    if (reshapes) options["shape"] = to_string(info.output);
    ComparedLayer& layer = layers.emplace_back(ComparedLayer{std::move(options), &info, {}});
    for (std::size_t branch = 0; branch < info.branches.size(); ++branch) {
      layer.branches.push_back(compared(list[i].branches()[branch], info.branches[branch]));
    }
  }
  return layers;
}

/// Pairs the layers of a Keras file with those of a network.
class KerasPairs {
 public:
  KerasPairs(std::string where, const WeightsOptions& options) : where_(std::move(where)), options_(options) {}

  /// Names of the file's layers with weights, and the network's for them; those of a head that differs, as the options
  /// allow, are left out. Throws ShapeError for the first layer that differs otherwise.
  template <class T>
  std::map<std::string, std::string> pair(const LayerList<T>& ours, const std::vector<LayerInfo>& our_infos,
                                          const LayerList<float>& theirs, const std::vector<LayerInfo>& their_infos) {
    const auto expected = compared(ours, our_infos), found = compared(theirs, their_infos);
    for (std::size_t i = 0; i < std::max(expected.size(), found.size()); ++i) {
      const std::string fault = fault_at(expected, found, i);
      if (fault.empty()) continue;
      if (heads_may_differ(expected, found, i)) break;
      throw ShapeError(where_ + ": weights of another network: " + fault);
    }
    return std::move(names_);
  }

 private:
  /// What is wrong with layer i of two lists; empty where they are the same, which are paired then.
  std::string fault_at(const std::vector<ComparedLayer>& expected, const std::vector<ComparedLayer>& found,
                       std::size_t i) {
    const auto text = [&](const std::vector<ComparedLayer>& layers) {
      if (i >= layers.size()) return std::string("the end");
      return in_quotes(layers[i].info->name) + " (" + layers[i].options["kind"].template get<std::string>() + ")";
    };
    if (i >= expected.size() || i >= found.size() || expected[i].options["kind"] != found[i].options["kind"]) {
      return "expected " + text(expected) + " as the next layer, found " + text(found);
    }
    const Json &a = expected[i].options, &b = found[i].options;
    for (const auto& [key, value] : a.items()) {
      static constexpr std::array<std::string_view, 5> left_out{"trainable", "moving_variance", "frozen", "zero_debias",
                                                                "bias"};
      if (std::ranges::find(left_out, key) != left_out.end()) continue;
      if (key == "padding" && same_windows(expected[i], found[i])) continue;
      if (!same(value, b[key])) {
        return "layer " + text(found) + ": expected " + key + " " + value.dump() + ", found " + b[key].dump();
      }
    }
    if (expected[i].info->parameters.size() != found[i].info->parameters.size()) {
      return "layer " + text(found) + ": expected " + (a["bias"] == true ? "a" : "no") + " bias, found " +
             (a["bias"] == true ? "none" : "one");
    }
    if (const std::string fault = fault_within(expected[i], found[i]); !fault.empty()) return fault;
    if (!expected[i].info->parameters.empty()) names_[found[i].info->name] = expected[i].info->name;
    return {};
  }

  std::string fault_within(const ComparedLayer& expected, const ComparedLayer& found) {
    const std::size_t count = expected.branches.size();
    if (count != found.branches.size()) {
      return "layer " + in_quotes(found.info->name) + ": expected " + std::to_string(count) + " inputs, found " +
             std::to_string(found.branches.size());
    }
    for (std::size_t branch = 0; branch < count; ++branch) {
      const auto &ours = expected.branches[branch], &theirs = found.branches[branch];
      for (std::size_t i = 0; i < std::max(ours.size(), theirs.size()); ++i) {
        if (std::string fault = fault_at(ours, theirs, i); !fault.empty()) return fault;
      }
    }
    return {};
  }

  /// Numbers of a config may have been in single precision.
  static bool same(const Json& a, const Json& b) {
    if (!a.is_number() || !b.is_number()) return a == b;
    const auto x = a.get<double>(), y = b.get<double>();
    return std::abs(x - y) <= 1e-6 * std::max(std::abs(x), std::abs(y));
  }

  /// Paddings of two names may come to the same: SAME and VALID of a window that fits.
  static bool same_windows(const ComparedLayer& a, const ComparedLayer& b) {
    if (a.options["kind"] == Conv2dTranspose::kind || a.info->input != b.info->input) return false;
    const char* size = a.options.contains("pool_size") ? "pool_size" : "kernel_size";
    const auto window = [&](const ComparedLayer& layer, int side, std::size_t axis) {
      const auto at = [&](const char* key) {
        const Json& extent = layer.options[key];
        return (extent.is_array() ? extent[axis] : extent).get<int>();
      };
      Padding padding{};
      read_option("", "padding", layer.options["padding"], padding);
      return window_of(side, at(size), at("stride"), padding);
    };
    for (const std::size_t axis : {0U, 1U}) {
      const int side = axis == 0 ? a.info->input.height : a.info->input.width;
      const AxisWindows x = window(a, side, axis), y = window(b, side, axis);
      if (x.output != y.output || x.before != y.before) return false;
    }
    return true;
  }

  /// Whether all layers with weights from here on may be missing or stay unused, and there are such.
  bool heads_may_differ(const std::vector<ComparedLayer>& ours, const std::vector<ComparedLayer>& theirs,
                        std::size_t from) const {
    const auto weighted = [&](const std::vector<ComparedLayer>& layers, const std::vector<std::string>& allowed) {
      std::pair<bool, bool> any_and_all{false, true};
      for (std::size_t i = from; i < layers.size(); ++i) {
        if (layers[i].info->parameter_count() == 0) continue;
        any_and_all.first = true;
        if (std::ranges::find(allowed, layers[i].info->name) == allowed.end()) any_and_all.second = false;
      }
      return any_and_all;
    };
    const auto [any_ours, all_ours] = weighted(ours, options_.missing);
    const auto [any_theirs, all_theirs] = weighted(theirs, options_.unused);
    return (any_ours || any_theirs) && all_ours && all_theirs;
  }

  std::string where_;
  WeightsOptions options_;
  std::map<std::string, std::string> names_;
};

}  // namespace abell::detail

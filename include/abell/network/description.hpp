#pragma once
/// A network as a value: the list of its layers' options.

#include <abell/layers/stage.hpp>
#include <cstddef>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace abell {

/// Holds layers by value. Layers are of any scalar type and input shape until `build` chooses them.
template <class... Layers>
struct Description {
  std::tuple<Layers...> layers;
};

/// describe(Conv2d{.filters = 64}, Relu{}, MaxPool2d{}, ...)
template <class... Layers>
constexpr Description<Layers...> describe(Layers... layers) {
  return {{layers...}};
}

/// The layers of one description after those of another.
template <class... First, class... Second>
constexpr Description<First..., Second...> join(const Description<First...>& first,
                                                const Description<Second...>& second) {
  return {std::tuple_cat(first.layers, second.layers)};
}

/// One line of a network's table.
struct LayerInfo {
  std::string name;
  std::string kind;
  Shape input;
  Shape output;
  std::vector<Parameter> parameters;
  std::size_t multiply_adds = 0;

  std::size_t parameter_count() const {
    std::size_t total = 0;
    for (const Parameter& parameter : parameters) total += parameter.size();
    return total;
  }
};

/// "MaxPool2d" -> "max_pool2d".
inline std::string snake_case(std::string_view kind) {
  std::string text;
  for (const char c : kind) {
    const bool upper = c >= 'A' && c <= 'Z';
    if (upper && !text.empty()) text += '_';
    text += upper ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return text;
}

/// Walks a description from an input shape: every layer's name, shapes, parameters and work.
/// Unnamed layers are called after their kind and count: conv2d_1, conv2d_2, ...
/// Throws ShapeError for the first layer that does not fit, and for a name used twice.
template <class... Layers>
std::vector<LayerInfo> inspect(const Description<Layers...>& description, Shape input) {
  if (input.height < 1 || input.width < 1 || input.channels < 1) {
    throw ShapeError("network: expected an input of at least 1x1x1, found " + std::to_string(input.height) + "x" +
                     std::to_string(input.width) + "x" + std::to_string(input.channels));
  }
  std::vector<LayerInfo> all;
  std::map<std::string, int> counts;
  const auto add = [&](const auto& layer) {
    const std::string kind = snake_case(layer.kind);
    const int number = ++counts[kind];
    const std::string name = layer.name.empty() ? kind + "_" + std::to_string(number) : std::string(layer.name);
    for (const LayerInfo& other : all) {
      if (other.name == name) shape_error(name, layer.kind, "a name of its own", "the name of an earlier layer");
    }
    const Place place{input, name, static_cast<std::uint32_t>(all.size())};
    const Shape output = layer.output(place);
    all.push_back({name, std::string(layer.kind), input, output, layer.parameters(place), layer.multiply_adds(place)});
    input = output;
  };
  std::apply([&](const auto&... layers) { (add(layers), ...); }, description.layers);
  return all;
}

}  // namespace abell

#pragma once
/// A network as a value: the list of its layers' options.

#include <abell/layers/stage.hpp>
#include <concepts>
#include <cstddef>
#include <map>
#include <set>
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

/// One line of a network's table, and what stands within that layer.
struct LayerInfo {
  std::string name;
  std::string kind;
  Shape input;
  Shape output;
  std::vector<Parameter> parameters;
  std::size_t multiply_adds = 0;
  std::uint32_t index = 0;
  std::string keras_name = {};                        ///< where Keras's word for the kind makes it another
  std::vector<std::vector<LayerInfo>> branches = {};  ///< lists of layers that this one is made of
  bool fused = false;                                 ///< with the next: its output never touches memory

  /// Of this layer and all within it.
  std::size_t parameter_count() const {
    std::size_t total = 0;
    for (const Parameter& parameter : parameters) total += parameter.size();
    for (const auto& branch : branches) {
      for (const LayerInfo& layer : branch) total += layer.parameter_count();
    }
    return total;
  }
};

inline std::size_t parameter_count(const std::vector<LayerInfo>& layers) {
  std::size_t total = 0;
  for (const LayerInfo& layer : layers) total += layer.parameter_count();
  return total;
}

/// Calls visit(layer) for each layer, those within a layer after it.
template <class Layers, class Visit>
void each_layer(Layers& layers, const Visit& visit) {
  for (auto& layer : layers) {
    visit(layer);
    for (auto& branch : layer.branches) each_layer(branch, visit);
  }
}

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

namespace detail {

template <class L>
concept HasKind = requires {
  { L::kind } -> std::convertible_to<std::string_view>;
};
template <class L>
concept HasName = requires(const L& layer) {
  { layer.name } -> std::convertible_to<std::string_view>;
};
template <class L>
concept HasStage = requires {
  typename L::template Stage<float>;
};

/// Says in one sentence what is missing from a type that is no layer.
template <class L>
constexpr void require_layer() {
  static_assert(HasKind<L>, "a layer needs its kind: static constexpr std::string_view kind = \"...\"");
  static_assert(HasName<L>, "a layer needs a name: std::string_view name = {}");
  static_assert(HasStage<L>, "a layer names its stage: template <class T> using Stage = ...");
}

}  // namespace detail

/// A type that stands in a description; see stage.hpp.
template <class L>
concept Layer = detail::HasKind<L> && detail::HasName<L> && detail::HasStage<L>;

/// Walks descriptions: every layer's name, shapes, parameters and work. Unnamed layers are called after
/// their kind and count: conv2d_1, conv2d_2, ... Layers within layers are counted on.
class Inspector {
 public:
  /// Throws ShapeError for the first layer that does not fit, and for a name used twice.
  template <class... Layers>
  std::vector<LayerInfo> operator()(const Description<Layers...>& description, Shape input) {
    std::vector<LayerInfo> all;
    const auto add = [&](const auto& layer) {
      all.push_back(inspect(layer, input));
      input = all.back().output;
    };
    std::apply([&](const auto&... layers) { (add(layers), ...); }, description.layers);
    return all;
  }

 private:
  template <class L>
  LayerInfo inspect(const L& layer, const Shape& input) {
    detail::require_layer<L>();
    const std::string kind = snake_case(L::kind);
    const std::string number = std::to_string(++counts_[kind]);
    LayerInfo info;
    info.name = layer.name.empty() ? kind + "_" + number : std::string(layer.name);
    if constexpr (requires { L::keras_kind; }) {
      if (layer.name.empty()) info.keras_name = std::string(L::keras_kind) + "_" + number;
    }
    info.kind = L::kind;
    info.input = input;
    info.index = index_++;
    if (!names_.insert(info.name).second) {
      shape_error(info.name, L::kind, "a name of its own", "the name of an earlier layer");
    }
    if constexpr (requires { layer.descriptions(); }) {
      std::apply([&](const auto&... each) { (info.branches.push_back((*this)(each, input)), ...); },
                 layer.descriptions());
    }
    const Place place{input, info.name, info.index, info.branches};
    info.output = input;
    if constexpr (requires { layer.output(place); }) info.output = layer.output(place);
    if constexpr (requires { layer.parameters(place); }) info.parameters = layer.parameters(place);
    if constexpr (requires { layer.multiply_adds(place); }) info.multiply_adds = layer.multiply_adds(place);
    return info;
  }

  std::map<std::string, int> counts_;
  std::set<std::string> names_;
  std::uint32_t index_ = 0;
};

/// The layers of a whole network. Throws ShapeError for the first layer that does not fit, for a name used twice,
/// and for an input or a list without anything in it.
template <class... Layers>
std::vector<LayerInfo> inspect(const Description<Layers...>& description, Shape input) {
  if (input.height < 1 || input.width < 1 || input.channels < 1) {
    throw ShapeError("network: expected an input of at least 1x1x1, found " + std::to_string(input.height) + "x" +
                     std::to_string(input.width) + "x" + std::to_string(input.channels));
  }
  return Inspector()(description, input);
}

/// What a list of layers gives for `input`: that itself where it is empty.
inline Shape output_of(const std::vector<LayerInfo>& layers, const Shape& input) {
  return layers.empty() ? input : layers.back().output;
}

}  // namespace abell

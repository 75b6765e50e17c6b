#pragma once
/// The layers of a network as a table: what each is called, gets, gives, holds and costs.

#include <abell/core/shape.hpp>
#include <abell/layers/stage.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace abell {

/// One line of a network's table, and what stands within that layer.
struct LayerInfo {
  std::string name;
  std::string kind;
  Shape input;
  Shape output;
  std::vector<Parameter> parameters;
  std::size_t multiply_adds = 0;                      ///< for one image
  std::uint32_t index = 0;                            ///< as in Place
  std::string keras_word = {};                        ///< Keras's for the kind: "batch_normalization"
  std::string keras_name = {};                        ///< where that word makes it another
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

/// Of all `layers` and those within them.
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

/// What a list of layers gives for `input`: that itself where it is empty.
inline Shape output_of(const std::vector<LayerInfo>& layers, const Shape& input) {
  return layers.empty() ? input : layers.back().output;
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

}  // namespace abell

#pragma once
/// What a description comes to for an input: names, shapes, parameters, work.

#include <abell/core/error.hpp>
#include <abell/layers/any_layer.hpp>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace abell {

/// Walks lists of layers. Unnamed layers are called after their kind and count: conv2d_1, conv2d_2, ... Layers within
/// layers are counted on.
class Inspector {
 public:
  /// Throws ShapeError for the first layer that does not fit, and for a name used twice; OptionError for an option out
  /// of its range.
  template <class T>
  std::vector<LayerInfo> operator()(const LayerList<T>& list, Shape input) {
    std::vector<LayerInfo> all;
    for (const AnyLayer<T>& layer : list) {
      all.push_back(inspect(layer, input));
      input = all.back().output;
    }
    return all;
  }

  /// Whether an activation has sizes that the layers can reckon with.
  static bool fits(const Shape& shape) {
    constexpr int most_side = 1 << 20, most_channels = 1 << 24;
    const auto within = [](int value, int most) { return value >= 1 && value <= most; };
    const double values = static_cast<double>(shape.height) * shape.width * shape.channels;
    const bool vector = shape.height == 1 && shape.width == 1 && shape.channels >= 1;
    return vector || (within(shape.height, most_side) && within(shape.width, most_side) &&
                      within(shape.channels, most_channels) && values < most_values);
  }

 private:
  static constexpr double most_values = 0x1p40;

  template <class T>
  LayerInfo inspect(const AnyLayer<T>& layer, const Shape& input) {
    const std::string kind = snake_case(layer.kind());
    const std::string number = std::to_string(++counts_[kind]);
    LayerInfo info;
    info.name = layer.name().empty() ? kind + "_" + number : layer.name();
    info.keras_word = layer.keras_kind().empty() ? kind : std::string(layer.keras_kind());
    if (layer.name().empty() && info.keras_word != kind) info.keras_name = info.keras_word + "_" + number;
    info.kind = layer.kind();
    info.input = input;
    info.index = index_++;
    if (!names_.insert(info.name).second) {
      shape_error(info.name, info.kind, "a name of its own", "the name of an earlier layer");
    }
    for (const LayerList<T>& branch : layer.branches()) info.branches.push_back((*this)(branch, input));
    const Place place{input, info.name, info.index, info.branches};
    info.output = layer.output(place);
    info.parameters = layer.parameters(place);
    require_fit(info);
    info.multiply_adds = layer.multiply_adds(place);
    return info;
  }

  /// So that no size overflows that follows from these.
  static void require_fit(const LayerInfo& info) {
    if (!fits(info.output)) {
      shape_error(info.name, info.kind, "an output of at most 2^20 x 2^20 pixels, 2^24 channels and 2^40 values",
                  to_string(info.output));
    }
    double parameters = 0;
    for (const Parameter& parameter : info.parameters) {
      double size = 1;
      for (const int dimension : parameter.dimensions) size *= dimension;
      parameters += size;
    }
    if (parameters >= most_values) shape_error(info.name, info.kind, "at most 2^40 parameters", "more");
  }

  std::map<std::string, int> counts_;
  std::set<std::string> names_;
  std::uint32_t index_ = 0;
};

/// The layers of a whole network. Throws as `Inspector`, and ShapeError for an input or a list without anything in
/// it.
template <class T>
std::vector<LayerInfo> inspect(const LayerList<T>& list, Shape input) {
  if (input.height < 1 || input.width < 1 || input.channels < 1) {
    throw ShapeError("network: expected an input of at least 1x1x1, found " + std::to_string(input.height) + "x" +
                     std::to_string(input.width) + "x" + std::to_string(input.channels));
  }
  if (!Inspector::fits(input)) {
    throw ShapeError("network: expected an input of at most 2^20 x 2^20 pixels, 2^24 channels and 2^40 values, found " +
                     to_string(input));
  }
  if (list.empty()) throw ShapeError("network: expected at least one layer, found none");
  return Inspector()(list, input);
}
template <class Description>
std::vector<LayerInfo> inspect(const Description& description, Shape input) {
  return inspect(list_of<float>(description), input);
}

}  // namespace abell

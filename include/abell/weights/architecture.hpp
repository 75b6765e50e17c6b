#pragma once
/// The layers of a network as JSON, in model files and in files that people write:
///
///     {"input": [64, 64, 1],
///      "layers": [{"kind": "Conv2d", "filters": 16}, {"kind": "Relu"}, {"kind": "MaxPool2d"},
///                 {"kind": "Residual", "branches": [[{"kind": "Conv2d", "filters": 16}, {"kind": "Relu"}], []]},
///                 {"kind": "Flatten"}, {"kind": "Dense", "units": 2}, {"kind": "Softmax"}]}
///
/// What is left out has its default. Sides are a number or [height, width]; enumerators are words.

#include <abell/core/error.hpp>
#include <abell/layers/layers.hpp>
#include <abell/weights/json.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace abell {

/// The layers of a network and the shape of the images that it gets.
template <class T = float>
struct Architecture {
  LayerList<T> layers;
  Shape input;
};

namespace detail {

/// The most that a file may ask for, so that no shape overflows.
inline constexpr int most_units = 1'000'000, most_side = 1000, most_shape = 1'000'000;
inline constexpr std::size_t most_layers = 10'000, most_branches = 100;

/// Names are parts of those of parameters, "conv2d_1/kernel", and stand in messages.
inline constexpr const char* layer_name_form = "1 to 200 characters of one line without /";
inline bool is_layer_name(std::string_view name) {
  constexpr std::size_t most = 200;
  return !name.empty() && name.size() <= most &&
         std::ranges::none_of(name, [](unsigned char c) { return c < ' ' || c == 127 || c == '/'; });
}

/// Of JSON with a network in it: three for each layer within a layer.
inline constexpr std::size_t most_json_levels = 100;

inline FormatError unlike(const std::string& where, std::string_view name, const std::string& expected,
                          const Json& found) {
  return FormatError(where + ": expected \"" + std::string(name) + "\" to be " + expected + ", found " + shown(found));
}

inline int read_integer(const std::string& where, std::string_view name, const Json& json, int most) {
  const bool whole = json.is_number_integer() && json >= 0 && json <= most;
  if (!whole) throw unlike(where, name, "a whole number of at most " + std::to_string(most), json);
  return json.get<int>();
}

template <std::size_t count>
std::array<int, count> read_integers(const std::string& where, std::string_view name, const Json& json, int most,
                                     const char* what) {
  if (!json.is_array() || json.size() != count) throw unlike(where, name, what, json);
  std::array<int, count> values{};
  for (std::size_t i = 0; i < count; ++i) values[i] = read_integer(where, name, json[i], most);
  return values;
}

inline void read_option(const std::string& where, std::string_view name, const Json& json, bool& value) {
  if (!json.is_boolean()) throw unlike(where, name, "true or false", json);
  value = json.get<bool>();
}
inline void read_option(const std::string& where, std::string_view name, const Json& json, int& value) {
  value = read_integer(where, name, json, most_units);
}
inline void read_option(const std::string& where, std::string_view name, const Json& json, double& value) {
  if (!json.is_number()) throw unlike(where, name, "a number", json);
  value = json.get<double>();
}
inline void read_option(const std::string& where, std::string_view name, const Json& json, Extent& value) {
  if (json.is_number()) {
    value = read_integer(where, name, json, most_side);
  } else {
    const auto sides = read_integers<2>(where, name, json, most_side, "a number, or height and width");
    value = {sides[0], sides[1]};
  }
}
inline void read_option(const std::string& where, std::string_view name, const Json& json, Shape& value) {
  const auto sides = read_integers<3>(where, name, json, most_shape, "height, width and channels");
  value = {sides[0], sides[1], sides[2]};
}
template <class Enum>
requires std::is_enum_v<Enum>
void read_option(const std::string& where, std::string_view name, const Json& json, Enum& value) {
  const auto known = words(Enum{});
  std::string all;
  for (std::size_t i = 0; i < known.size(); ++i) {
    if (json == known[i]) {
      value = static_cast<Enum>(i);
      return;
    }
    all += (i == 0 ? "" : i + 1 < known.size() ? ", " : " or ") + std::string(known[i]);
  }
  throw unlike(where, name, all, json);
}

inline Json to_json(const OptionValue& value) {
  return std::visit(
      [](const auto& v) -> Json {
        using V = std::remove_cvref_t<decltype(v)>;
        if constexpr (std::is_same_v<V, Shape>) {
          return {v.height, v.width, v.channels};
        } else if constexpr (std::is_same_v<V, Extent>) {
          if (v.height == v.width) return v.height;
          return {v.height, v.width};
        } else {
          return v;
        }
      },
      value);
}

}  // namespace detail

/// The kinds of layers that a file may hold: those of the library, and by `add` a user's own.
template <class T = float>
class LayerKinds {
 public:
  LayerKinds() {
    add<Conv2d, DepthwiseConv2d, Conv2dTranspose, Dense, MaxPool2d, AveragePool2d, GlobalMaxPool2d, GlobalAveragePool2d,
        UpSample2d, Relu, Relu6, LeakyRelu, Sigmoid, Tanh, Softmax, BatchNorm, Dropout, Flatten, Reshape>();
    add_nested(Residual<Description<>>::kind, 1, 2, [](std::vector<LayerList<T>> branches) {
      branches.resize(2);
      return Residual<LayerList<T>, LayerList<T>>{branches[0], branches[1]};
    });
    add_nested(Concatenate<std::tuple<>>::kind, 1, detail::most_branches,
               [](const std::vector<LayerList<T>>& branches) { return Concatenate(branches); });
  }

  /// Layers whose types list their options, or have none.
  template <class... Layers>
  void add() {
    (add_one<Layers>(), ...);
  }

  /// The layers of a JSON list; `where` opens messages. Throws FormatError naming the layer.
  LayerList<T> read(const std::string& where, const detail::Json& json) const {
    if (!json.is_array()) throw FormatError(where + ": expected a list of layers, found " + detail::shown(json));
    if (json.size() > detail::most_layers) {
      throw FormatError(where + ": expected at most " + std::to_string(detail::most_layers) + " layers, found " +
                        std::to_string(json.size()));
    }
    LayerList<T> list;
    for (const detail::Json& layer : json) {
      list.push_back(read_layer(where + ": layer " + std::to_string(list.size() + 1), layer));
    }
    return list;
  }

 private:
  using Read = std::function<AnyLayer<T>(const LayerKinds&, const std::string& where, const detail::Json&)>;

  template <class L>
  void add_one() {
    kinds_[std::string(L::kind)] = [](const LayerKinds&, const std::string& where, const detail::Json& from) {
      L layer;
      std::set<std::string_view> known{"kind", "name"};
      const auto read = [&](const auto& option) {
        known.insert(option.name);
        const auto found = from.find(option.name);
        if (found != from.end()) detail::read_option(where, option.name, *found, layer.*option.member);
      };
      if constexpr (requires { L::options; }) std::apply([&](const auto&... each) { (read(each), ...); }, L::options);
      require_known(where, from, known);
      const std::string name = name_of(where, from);
      layer.name = name;
      return AnyLayer<T>(layer);
    };
  }

  AnyLayer<T> read_layer(const std::string& where, const detail::Json& json) const {
    if (!json.is_object()) throw FormatError(where + ": expected an object, found " + detail::shown(json));
    const auto kind = json.find("kind");
    if (kind == json.end() || !kind->is_string()) {
      throw FormatError(where + ": expected a kind (\"kind\": \"Conv2d\"), found " +
                        (kind == json.end() ? "none" : detail::shown(*kind)));
    }
    const auto found = kinds_.find(kind->template get<std::string>());
    if (found == kinds_.end()) {
      std::string all;
      for (const auto& [name, read] : kinds_) all += (all.empty() ? "" : ", ") + name;
      throw FormatError(where + ": expected one of the kinds " + all + ", found " + detail::shown(*kind));
    }
    return found->second(*this, where + " (" + found->first + ")", json);
  }

  template <class Make>
  void add_nested(std::string_view kind, std::size_t least, std::size_t most, const Make& make) {
    kinds_[std::string(kind)] = [=](const LayerKinds& kinds, const std::string& where, const detail::Json& from) {
      require_known(where, from, {"kind", "name", "branches"});
      const auto found = from.find("branches");
      if (found == from.end() || !found->is_array() || found->size() < least || found->size() > most) {
        throw FormatError(where + ": expected " + std::to_string(least) + " to " + std::to_string(most) +
                          " lists of layers as \"branches\", found " +
                          (found == from.end() ? "none"
                           : found->is_array() ? std::to_string(found->size())
                                               : detail::shown(*found)));
      }
      std::vector<LayerList<T>> branches;
      for (const detail::Json& branch : *found) {
        branches.push_back(kinds.read(where + ": branch " + std::to_string(branches.size() + 1), branch));
      }
      auto layer = make(branches);
      const std::string name = name_of(where, from);
      layer.name = name;
      return AnyLayer<T>(layer);
    };
  }

  static void require_known(const std::string& where, const detail::Json& json,
                            const std::set<std::string_view>& known) {
    for (const auto& [key, value] : json.items()) {
      if (known.contains(key)) continue;
      std::string all;
      for (const std::string_view name : known) all += (all.empty() ? "" : ", ") + std::string(name);
      throw FormatError(where + ": expected only " + all + ", found " + detail::in_quotes(key));
    }
  }
  /// Empty where none is given.
  static std::string name_of(const std::string& where, const detail::Json& json) {
    const auto found = json.find("name");
    if (found == json.end()) return {};
    if (!found->is_string() || !detail::is_layer_name(found->template get_ref<const std::string&>())) {
      throw detail::unlike(where, "name", detail::layer_name_form, *found);
    }
    return found->template get<std::string>();
  }

  std::map<std::string, Read> kinds_;
};

namespace detail {

/// A list of layers as `LayerKinds::read` takes it. Names that follow from kind and number are left out.
template <class T>
Json layers_json(const LayerList<T>& list) {
  Json layers = Json::array();
  for (const AnyLayer<T>& each : list) {
    Json layer{{"kind", each.kind()}};
    if (!each.name().empty()) layer["name"] = each.name();
    for (const auto& [name, value] : each.options()) layer[std::string(name)] = to_json(value);
    for (const LayerList<T>& branch : each.branches()) layer["branches"].push_back(layers_json(branch));
    layers.push_back(std::move(layer));
  }
  return layers;
}

/// `inspect` for layers from a file; `where` opens messages.
template <class T>
std::vector<LayerInfo> inspect_read(const std::string& where, const LayerList<T>& list, const Shape& input) {
  try {
    return inspect(list, input);
  } catch (const ShapeError& error) {
    throw ShapeError(where + ": " + error.what());
  } catch (const OptionError& error) {
    throw FormatError(where + ": " + error.what());
  }
}

}  // namespace detail

/// Reads a file that someone wrote. Throws IoError, FormatError naming the layer, ShapeError for layers that do not
/// fit.
template <class T = float>
Architecture<T> read_architecture(const std::filesystem::path& path, const LayerKinds<T>& kinds = {}) {
  const std::string where = path.string();
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) throw IoError(where + ": no such file");
  constexpr std::uintmax_t most = 16'000'000;
  if (std::filesystem::file_size(path) > most) {
    throw FormatError(where + ": expected a network of at most 16 MB, found " +
                      std::to_string(std::filesystem::file_size(path)) + " bytes");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) throw IoError(where + ": cannot be opened for reading");
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const detail::Json json = detail::parse_json(text, where, detail::most_json_levels);
  if (!json.is_object() || !json.contains("input") || !json.contains("layers")) {
    throw FormatError(where + ": expected an object with \"input\" and \"layers\", found " +
                      (json.is_object() ? "one without" : detail::shown(json)));
  }
  Architecture<T> read;
  detail::read_option(where, "input", json["input"], read.input);
  read.layers = kinds.read(where, json["layers"]);
  detail::inspect_read(where, read.layers, read.input);
  return read;
}

}  // namespace abell

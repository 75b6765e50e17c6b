#pragma once
/// The options of a layer in a Keras config.

#include <abell/core/error.hpp>
#include <abell/weights/json.hpp>
#include <abell/weights/keras_config.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <utility>

namespace abell::detail {

/// The options of one Keras layer. All throw FormatError naming it.
class KerasFields {
 public:
  KerasFields(std::string where, const Json& config) : where_(std::move(where)), config_(config) {}

  [[noreturn]] void fail(const std::string& expected, const std::string& found) const {
    throw FormatError(where_ + ": expected " + expected + ", found " + found);
  }
  /// The option, out of {"type": "ndarray", "value": 0.3} too; null where there is none.
  Json get(const char* key) const {
    if (!config_.is_object() || !config_.contains(key)) return nullptr;
    const Json& value = config_[key];
    return value.is_object() && value.contains("value") ? value["value"] : value;
  }
  /// Refuses values other than these, for options that we have one way of.
  void require(const char* key, const std::initializer_list<Json>& allowed) const {
    const Json found = get(key);
    if (found.is_null() || std::ranges::find(allowed, found) != allowed.end()) return;
    fail(std::string(key) + " " + allowed.begin()->dump(), text_of(found));
  }
  /// True or false, which may have been written as 1 and 0.
  bool flag(const char* key, bool otherwise) const {
    const Json found = get(key);
    if (found.is_null()) return otherwise;
    if (!found.is_boolean() && found != 0 && found != 1) fail("true or false as " + std::string(key), text_of(found));
    return found == true || found == 1;
  }
  void require_true(const char* key) const {
    if (!flag(key, true)) fail(std::string(key) + " true", text_of(get(key)));
  }
  double number(const char* key, double otherwise) const {
    const Json found = get(key);
    if (found.is_null()) return otherwise;
    if (!found.is_number()) fail("a number as " + std::string(key), text_of(found));
    return found.get<double>();
  }
  std::string text(const char* key, const std::string& otherwise) const {
    const Json found = get(key);
    if (found.is_null()) return otherwise;
    if (!found.is_string()) fail("a word as " + std::string(key), text_of(found));
    return found.get<std::string>();
  }
  /// "same" or "valid".
  std::string padding() const {
    const std::string found = text("padding", "valid");
    if (found != "same" && found != "valid") fail("padding same or valid", in_quotes(found));
    return found;
  }
  /// Whether this is the axis of the channels, for values of `rank` axes.
  void require_channels(int rank) const {
    Json axis = get("axis");
    if (axis.is_array() && axis.size() == 1) axis = axis.front();
    if (axis.is_null() || axis == -1 || axis == rank - 1) return;
    fail("axis -1, that of the channels", text_of(axis));
  }

  static std::string text_of(const Json& json) {
    return in_quotes(json.is_string() ? json.get<std::string>()
                                      : json.dump(-1, ' ', false, Json::error_handler_t::replace));
  }

 private:
  std::string where_;
  const Json& config_;
};

/// Zeros that a ZeroPadding2D puts around the next layer's input.
struct KerasZeros {
  std::string name;
  std::array<std::array<int, 2>, 2> sides{};  ///< of rows and of columns, before and after

  static KerasZeros of(const KerasNode& node, const KerasFields& fields) {
    KerasZeros zeros{node.name, {}};
    fields.require("data_format", {"channels_last"});
    const Json padding = fields.get("padding");
    for (std::size_t axis = 0; axis < 2; ++axis) {
      for (std::size_t side = 0; side < 2; ++side) {
        const Json* number = &padding;
        for (const std::size_t i : {axis, side}) {
          if (number->is_array() && number->size() == 2) number = &(*number)[i];
        }
        if (!number->is_number_unsigned() || *number > 1000) fields.fail("a padding", KerasFields::text_of(padding));
        zeros.sides[axis][side] = number->get<int>();
      }
    }
    return zeros;
  }
};

}  // namespace abell::detail

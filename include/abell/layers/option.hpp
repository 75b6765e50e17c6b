#pragma once
/// The options of a layer by name, as files of networks have them.

#include <abell/core/shape.hpp>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace abell {

/// One member of a layer. Layers list theirs:
///
///     static constexpr auto options = std::tuple(Option{"units", &Dense::units}, ...);
template <class L, class V>
struct Option {
  std::string_view name;
  V L::*member;
};
template <class L, class V>
Option(const char*, V L::*) -> Option<L, V>;

/// What an option can be; an enumerator is its word.
using OptionValue = std::variant<bool, int, double, std::string, Extent, Shape>;

/// The enumerators of `Enum` in their order, as words: overloaded for each enumeration that is an option.
constexpr std::array<std::string_view, 4> words(Padding) { return {"same", "valid", "symmetric", "after"}; }

/// The options of a layer with their values; none where its type lists none.
template <class L>
std::vector<std::pair<std::string_view, OptionValue>> option_values([[maybe_unused]] const L& layer) {
  std::vector<std::pair<std::string_view, OptionValue>> values;
  const auto add = [&](const auto& option) {
    const auto& value = layer.*option.member;
    using V = std::remove_cvref_t<decltype(value)>;
    if constexpr (std::is_enum_v<V>) {
      values.emplace_back(option.name, std::string(words(value)[static_cast<std::size_t>(value)]));
    } else {
      values.emplace_back(option.name, value);
    }
  };
  if constexpr (requires { L::options; }) std::apply([&](const auto&... each) { (add(each), ...); }, L::options);
  return values;
}

}  // namespace abell

#pragma once
/// Choices with numbers, as options and model files spell them: "percentile:1:99.5".

#include <abell/core/error.hpp>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace abell::detail {

/// The name and the numbers of "name:number:number".
struct Spec {
  std::string name;
  std::vector<double> numbers;

  /// Number `i`, or `otherwise` when fewer were given.
  double number(std::size_t i, double otherwise) const { return i < numbers.size() ? numbers[i] : otherwise; }
};

/// Throws OptionError naming `option` for what is no finite number and for more than `most` of them.
inline Spec parse_spec(std::string_view text, const std::string& option, std::size_t most) {
  Spec spec;
  std::size_t at = text.find(':');
  spec.name = text.substr(0, at);
  while (at != std::string_view::npos) {
    text.remove_prefix(at + 1);
    at = text.find(':');
    const std::string_view field = text.substr(0, at);
    double value = 0;
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc() || end != field.data() + field.size() || !std::isfinite(value)) {
      throw OptionError(option, "expected a number, found '" + std::string(field) + "'");
    }
    spec.numbers.push_back(value);
  }
  if (spec.numbers.size() > most) {
    throw OptionError(option, "expected at most " + std::to_string(most) + " numbers after '" + spec.name +
                                  "', found " + std::to_string(spec.numbers.size()));
  }
  return spec;
}

/// The text that `parse_spec` reads as these, with the shortest digits of each number.
inline std::string spec_text(std::string name, std::initializer_list<double> numbers) {
  for (const double value : numbers) {
    std::array<char, 32> digits{};
    name += ':';
    name.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
  }
  return name;
}

/// Throws OptionError naming `option` unless `good`.
inline void require(bool good, const std::string& option, const char* expected, const std::string& found) {
  if (!good) throw OptionError(option, std::string("expected ") + expected + ", found '" + found + "'");
}

}  // namespace abell::detail

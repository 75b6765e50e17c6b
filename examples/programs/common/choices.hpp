#pragma once
/// What the value of an option may be.

#include <CLI/CLI.hpp>
#include <array>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "near_name.hpp"

namespace abell::program {

/// The option's number must lie in [low, high]; NaN lies nowhere.
inline CLI::Validator within(double low, double high) {
  std::array<char, 64> range{};
  std::snprintf(range.data(), range.size(), "%.10g to %.10g", low, high);
  const std::string text = range.data();
  const bool open = high >= 1e9;  // a limit that nobody meets
  return CLI::Validator(
      [low, high, text](const std::string& input) {
        double value = 0;
        const bool read = CLI::detail::lexical_cast(input, value);
        return read && value >= low && value <= high ? std::string() : "expected " + text + ", found '" + input + "'";
      },
      open ? text.substr(0, text.find(' ')) + " or more" : text);
}

/// "a, b or c".
inline std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += (i == 0 ? "" : i + 1 < names.size() ? ", " : " or ") + names[i];
  }
  return text;
}

/// The option must be one of `names`, in whatever case, or what `also` allows; a `transform`, which gives names their
/// case.
inline CLI::Validator one_of(std::vector<std::string> names, bool (*also)(std::string_view) = nullptr,
                             const std::string& also_called = {}) {
  std::vector<std::string> all = names;
  if (also != nullptr) all.push_back(also_called);
  const std::string text = listed(all);
  std::string words;
  for (const std::string& name : names) words += (words.empty() ? "" : " ") + name;
  CLI::Validator validator(
      [names = std::move(names), also, text](std::string& input) {
        for (const std::string& name : names) {
          if (lower_case(input) != lower_case(name)) continue;
          input = name;
          return std::string();
        }
        return also != nullptr && also(input) ? std::string() : "expected " + text + ", found '" + input + "'";
      },
      text);
  return validator.name(words);
}

/// The names of a `one_of` with spaces between; empty for other options.
inline std::string choices_of(CLI::Option& option) {
  try {
    return option.get_validator(0)->get_name();
  } catch (const CLI::OptionNotFound&) {
    return {};
  }
}

}  // namespace abell::program

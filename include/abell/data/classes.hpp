#pragma once
/// The classes that a set names, and which of them are clusters.

#include <abell/core/error.hpp>
#include <algorithm>
#include <cstddef>
#include <sstream>
#include <string>
#include <vector>

namespace abell {

/// The classes that a field names, with semicolons between them; blanks around a name are left out.
inline std::vector<std::string> classes_in(const std::string& field) {
  std::vector<std::string> names;
  std::istringstream parts(field);
  for (std::string name; std::getline(parts, name, ';');) {
    const std::size_t first = name.find_first_not_of(' ');
    if (first != std::string::npos) names.push_back(name.substr(first, name.find_last_not_of(' ') + 1 - first));
  }
  return names;
}

/// `Object::class_text` of a field, which names one class, or any number of them.
inline std::string class_text(const std::string& field, bool several) {
  if (!several) return field;
  std::vector<std::string> names = classes_in(field);
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ";") + name;
  return text;
}

/// The positive ones of `classes` (sorted): those in `wanted`; by default low-z and hi-z, else a
/// class named cluster or clusters, else the alphabetically last. Sorted. Throws OptionError when a
/// wanted class is unknown, or, where a negative class is needed (to train), when all of two or more
/// would be positive.
inline std::vector<std::string> positive_classes(const std::vector<std::string>& classes,
                                                 const std::vector<std::string>& wanted = {},
                                                 bool need_negative = true) {
  const auto known = [&](const std::string& name) { return std::ranges::find(classes, name) != classes.end(); };
  std::vector<std::string> positive = wanted;
  for (const std::string& name : wanted) {
    if (known(name)) continue;
    std::string have;
    for (const std::string& c : classes) have += (have.empty() ? "" : ", ") + c;
    throw OptionError("positive", "no class '" + name + "' among: " + have);
  }
  if (wanted.empty()) {
    for (const char* name : {"low-z", "hi-z"}) {
      if (known(name)) positive.emplace_back(name);
    }
    for (const char* name : {"cluster", "clusters"}) {
      if (positive.empty() && known(name)) positive.emplace_back(name);
    }
    if (positive.empty() && !classes.empty()) positive.push_back(*std::ranges::max_element(classes));
  }
  std::ranges::sort(positive);
  positive.erase(std::unique(positive.begin(), positive.end()), positive.end());
  if (need_negative && classes.size() > 1 && positive.size() == classes.size()) {
    throw OptionError("positive", "all " + std::to_string(classes.size()) +
                                      " classes are positive; expected at least one that is not");
  }
  return positive;
}

}  // namespace abell

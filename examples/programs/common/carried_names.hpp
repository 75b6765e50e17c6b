#pragma once
/// The names under which the columns of a catalogue stand beside ours.

#include <abell/core/lower_case.hpp>
#include <set>
#include <string>
#include <vector>

namespace abell::program {

/// The names of `columns` beside `ours`: one that a set of ours uses gets the prefix `cat_`, so that no reader takes it
/// for a class, a file, a position or a result, and one that is there twice, in upper or lower case, a number.
inline std::vector<std::string> carried_names(const std::vector<std::string>& columns,
                                              const std::vector<std::string>& ours) {
  static const std::set<std::string> of_sets{"id",        "image_id",      "class",   "split",  "image", "mask",
                                             "xray",      "third",         "optical", "ra",     "dec",   "exposure",
                                             "map",       "file",          "flags",   "colour", "label", "prediction",
                                             "predicted", "masked_pixels", "warning"};
  std::set<std::string> beside;
  for (const std::string& name : ours) beside.insert(lower_case(name));
  std::set<std::string> taken = beside;
  std::vector<std::string> names;
  for (const std::string& column : columns) {
    const std::string lower = lower_case(column);
    const bool is_ours = of_sets.contains(lower) || beside.contains(lower) || lower.starts_with("p_");
    const std::string name = (is_ours ? "cat_" : "") + (column.empty() ? "column" : column);
    names.push_back(name);
    for (int n = 2; !taken.insert(lower_case(names.back())).second; ++n) names.back() = name + "-" + std::to_string(n);
  }
  return names;
}

}  // namespace abell::program

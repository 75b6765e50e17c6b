#pragma once
/// What a network learns to answer.

#include <abell/core/error.hpp>
#include <abell/core/shape.hpp>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace abell::program {

enum class Task {
  classify,    ///< one of two classes
  multilabel,  ///< any number of several classes
  regress,     ///< numbers
  segment      ///< the class of each pixel
};

inline constexpr std::array<std::string_view, 4> task_names{"classify", "multilabel", "regress", "segment"};

constexpr std::string_view name_of(Task task) { return task_names[static_cast<std::size_t>(task)]; }

/// Throws OptionError for a name that none has.
inline Task parse_task(std::string_view name) {
  for (std::size_t i = 0; i < task_names.size(); ++i) {
    if (task_names[i] == name) return static_cast<Task>(i);
  }
  throw OptionError("expected the task classify, multilabel, regress or segment, found '" + std::string(name) + "'");
}

}  // namespace abell::program

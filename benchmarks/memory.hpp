#pragma once
/// Lines that measure memory: the program runs itself once more for each (see add_memory in harness.hpp).

#include <optional>
#include <string>

namespace abell::bench {

/// "<what>/batch:<batch>/threads:<threads>".
std::string line_name(const std::string& what, int batch, int threads);

/// The line that this process was started for, if it was started by another for its memory.
std::optional<std::string> memory_line();

/// Runs the line and prints what the process needed at most, in bytes. The lines must be registered.
void run_memory_line(const std::string& name);

}  // namespace abell::bench

#pragma once
/// A file that a run writes at its end.

#include <abell/core/atomic_file.hpp>
#include <abell/core/error.hpp>
#include <abell/images/fits_grammar.hpp>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace abell::program {

/// Fails before any work when the file could not be written: throws IoError where there is no such folder, where it is
/// there and --overwrite is not given, and where the run reads it.
inline void check_output_file(const std::string& name, bool overwrite, const std::vector<std::string>& inputs) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (!fs::exists(name, error)) {
    AtomicFile probe(name);
    return;
  }
  if (!fs::is_regular_file(name, error)) throw IoError(name + ": is not a file");
  if (!overwrite) throw IoError(name + ": already exists (--overwrite replaces it)");
  for (const std::string& input : inputs) {
    if (fs::equivalent(fits_base(input), name, error)) throw IoError(name + ": is an input too");
  }
}

}  // namespace abell::program

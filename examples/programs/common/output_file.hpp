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

/// Fails before any work when the file `out` could not be written: throws IoError where there is no such folder, where
/// it is there and may not be replaced, and where it is one of the `inputs`.
inline void check_output_file(const std::filesystem::path& out, bool overwrite,
                              const std::vector<std::string>& inputs = {}) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::exists(out, error)) {
    if (!fs::is_regular_file(out, error)) throw IoError(out.string() + ": is not a file");
    if (!overwrite) throw IoError(out.string() + ": already exists (--overwrite replaces it)");
    for (const std::string& input : inputs) {
      if (fs::equivalent(fits_base(input), out, error)) throw IoError(out.string() + ": is an input too");
    }
  }
  const AtomicFile probe(out);  // is there a folder, and may we write into it?
}

}  // namespace abell::program

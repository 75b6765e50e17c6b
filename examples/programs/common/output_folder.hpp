#pragma once
/// What a run writes: a file, or a folder, which no other run writes at the same time.

#include <abell/core/atomic_file.hpp>
#include <abell/core/error.hpp>
#include <abell/core/file_lock.hpp>
#include <abell/core/temporary_file.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <optional>
#include <system_error>
#include <vector>

namespace abell::program {

/// Makes a folder and removes what killed runs left half-written in it. Throws IoError.
inline void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::exists(folder, error) && !std::filesystem::is_directory(folder, error)) {
    throw IoError(folder.string() + ": is not a folder");
  }
  std::filesystem::create_directories(folder, error);
  if (error) throw IoError(folder.string() + ": cannot be created: " + error.message());
  remove_leftovers(folder);
}

/// Holds the folder --out for this run. At the end a folder that it made goes again where nothing was written.
class [[nodiscard]] OutputFolder {
 public:
  /// Throws IoError when another run holds it, and when it holds anything and `reuse` (--overwrite, --resume) is
  /// false.
  OutputFolder(const std::filesystem::path& out, bool reuse) {
    namespace fs = std::filesystem;
    std::error_code error;
    for (fs::path part = out; !part.empty() && !fs::exists(part, error); part = part.parent_path()) {
      made_.push_back(part);
    }
    if (made_.empty() && !reuse && !fs::exists(out / FolderLock::file_name, error)) check_empty(out);
    make_folder(out);
    lock_.emplace(out);
    if (!reuse) check_empty(out);
    if (!lock_->held()) {
      std::cerr << out.string() << ": this file system has no locks; nothing keeps other runs out" << std::endl;
    }
  }
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;
  ~OutputFolder() {
    lock_.reset();
    std::error_code error;
    for (const std::filesystem::path& folder : made_) std::filesystem::remove(folder, error);
  }

 private:
  static void check_empty(const std::filesystem::path& out) {
    std::error_code error, ignored;
    const std::filesystem::directory_iterator entries(out, error);
    if (error && std::filesystem::is_directory(out, ignored))
      throw IoError(out.string() + ": cannot be read: " + error.message());
    const auto foreign = [](const std::filesystem::directory_entry& entry) {
      return entry.path().filename() != FolderLock::file_name;
    };
    if (std::any_of(begin(entries), end(entries), foreign)) {
      throw IoError(out.string() + ": folder is not empty (--overwrite writes into it)");
    }
  }

  std::vector<std::filesystem::path> made_;  ///< the innermost first
  std::optional<FolderLock> lock_;
};

/// Makes the folder `out`, for as long as the result lives; throws as `OutputFolder` does.
inline OutputFolder prepare_output(const std::filesystem::path& out, bool reuse) { return {out, reuse}; }

}  // namespace abell::program

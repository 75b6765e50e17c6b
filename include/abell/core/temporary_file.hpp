#pragma once
/// Files under a temporary name beside their final one, and those that killed runs left.

#include <sys/random.h>
#include <sys/stat.h>

#include <abell/core/error.hpp>
#include <abell/core/file_descriptor.hpp>
#include <abell/core/file_lock.hpp>
#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace abell {

namespace detail {

inline constexpr std::string_view temporary_mark = ".part-abell-";
inline constexpr std::string_view temporary_letters = "abcdefghijklmnopqrstuvwxyz234567";
inline constexpr std::size_t temporary_length = 16;  ///< letters of 5 random bits

/// What the temporary names of a file begin with; shorter than its name where that is near the limit of 255 bytes.
inline std::string temporary_stem(const std::filesystem::path& file) {
  constexpr std::size_t longest = 200;
  return file.filename().string().substr(0, longest) + std::string(temporary_mark);
}

/// A name that nobody can foresee, for a file of the same folder. Throws IoError.
inline std::filesystem::path temporary_name(const std::filesystem::path& file) {
  std::array<unsigned char, temporary_length> bytes{};
  if (::getentropy(bytes.data(), bytes.size()) != 0)
    throw IoError(file.string() + ": no random numbers" + reason(errno));
  std::string name = temporary_stem(file);
  for (const unsigned char byte : bytes) name += temporary_letters[byte % temporary_letters.size()];
  return file.parent_path() / name;
}

/// Whether `name` is a temporary one of a file whose names begin with `stem`; of any file when that is empty.
inline bool is_temporary(std::string_view name, std::string_view stem = {}) {
  if (name.size() <= temporary_length) return false;
  const std::string_view front = name.substr(0, name.size() - temporary_length);
  return name.find_first_not_of(temporary_letters, front.size()) == std::string_view::npos &&
         (stem.empty() ? front.ends_with(temporary_mark) && front.size() > temporary_mark.size() : front == stem);
}

/// Removes the file unless who writes it is alive, which its lock tells.
inline void remove_if_abandoned(const std::filesystem::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return;
  if (try_lock(file) == Locking::held) ::unlink(path.c_str());
}

inline void remove_leftovers(const std::filesystem::path& folder, std::string_view stem) {
  std::error_code error;
  std::vector<std::filesystem::path> found;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (is_temporary(entry->path().filename().native(), stem)) found.push_back(entry->path());
  }
  for (const std::filesystem::path& path : found) remove_if_abandoned(path);
}

/// Makes the temporary file, locked for as long as it is open, and puts its name into `path`. Throws IoError naming
/// the final file.
inline FileDescriptor make_temporary(const std::filesystem::path& final, mode_t mode, std::filesystem::path& path) {
  for (;;) {
    path = temporary_name(final);
    FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!file) {
      if (errno == EEXIST) continue;
      throw IoError(final.string() + ": cannot be created" + reason(errno));
    }
    // Before it was locked, another run may have taken it for a leftover.
    if (try_lock(file) != Locking::taken_by_another && is_at(file, path)) return file;
  }
}

}  // namespace detail

/// Removes what killed runs left half-written in `folder`; files that are being written stay.
inline void remove_leftovers(const std::filesystem::path& folder) { detail::remove_leftovers(folder, {}); }

}  // namespace abell

#pragma once
/// Locks that go with their process, however it ends.
///
/// They are those of flock, which belong to the open file: POSIX's fcntl locks would be lost as soon as any part of
/// the program closes another descriptor of the file, and let the same process lock twice; Linux's own "open file
/// description" locks do what flock does, which other systems have too. Over NFS Linux turns flock into locks of the
/// server, so that other machines see them. A forked child shares the lock until it ends or executes a program.

#include <sys/file.h>
#include <sys/stat.h>

#include <abell/core/error.hpp>
#include <abell/core/file_descriptor.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <thread>

namespace abell {

namespace detail {

/// What came of trying to lock a file.
enum class Locking { held, taken_by_another, no_locks_here };

inline Locking try_lock(const FileDescriptor& file) {
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EINTR) return errno == EWOULDBLOCK ? Locking::taken_by_another : Locking::no_locks_here;
  }
  return Locking::held;
}

/// Whether `path` still names the open file: who locks it last may find it removed by who held it before.
inline bool is_at(const FileDescriptor& file, const std::filesystem::path& path) {
  struct stat open {};
  struct stat named {};
  return ::fstat(file.get(), &open) == 0 && ::lstat(path.c_str(), &named) == 0 && open.st_dev == named.st_dev &&
         open.st_ino == named.st_ino;
}

}  // namespace detail

/// Keeps a folder for one run, by a locked file in it, which is removed at the end. What a killed run left behind
/// is taken over.
class FolderLock {
 public:
  static constexpr const char* file_name = ".abell-lock";

  /// Throws IoError when another run holds the folder, naming its process and host, and when the folder cannot be
  /// written.
  explicit FolderLock(const std::filesystem::path& folder) : path_(folder / file_name) {
    do {
      file_ = detail::FileDescriptor(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666));
      if (!file_) throw IoError(folder.string() + ": cannot be written" + detail::reason(errno));
      const detail::Locking locking = detail::try_lock(file_);
      if (locking == detail::Locking::taken_by_another) {
        throw IoError(folder.string() + " is in use by another run" + holder());
      }
      held_ = locking == detail::Locking::held;
    } while (!detail::is_at(file_, path_));
    std::array<char, 256> host{};
    ::gethostname(host.data(), host.size() - 1);
    const std::string text = "process " + std::to_string(::getpid()) + " on " + host.data();
    const auto size = static_cast<ssize_t>(text.size());
    if (::pwrite(file_.get(), text.data(), text.size(), 0) != size || ::ftruncate(file_.get(), size) != 0) {
      const int code = errno;
      ::unlink(path_.c_str());
      throw IoError(folder.string() + ": cannot be written" + detail::reason(code));
    }
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  /// The file goes while it is locked: nobody can have locked it in between.
  ~FolderLock() { ::unlink(path_.c_str()); }

  /// False on a file system without locks: nothing keeps other runs out.
  bool held() const { return held_; }

 private:
  /// " (process 12 on host)"; nothing when the other run does not say so within a moment of its start.
  std::string holder() const {
    std::array<char, 300> text{};
    for (int i = 0; i < 20; ++i) {
      const ssize_t size = ::pread(file_.get(), text.data(), text.size(), 0);
      if (size > 0) {
        std::string words(text.data(), static_cast<std::size_t>(size));
        std::ranges::replace_if(
            words, [](unsigned char c) { return std::isprint(c) == 0; }, '?');
        return " (" + words + ")";
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return {};
  }

  std::filesystem::path path_;
  detail::FileDescriptor file_;
  bool held_ = false;
};

}  // namespace abell

#pragma once
/// Files that appear under their final name only when they are complete.

#include <unistd.h>

#include <abell/core/error.hpp>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace abell {

/// Writes to a temporary name in the folder of `path`; `commit` renames it to `path`. Without a
/// commit the destructor removes the temporary file, so nothing half-written is left.
class AtomicFile {
 public:
  /// Throws IoError when the temporary file cannot be created.
  explicit AtomicFile(std::filesystem::path path) : path_(std::move(path)), part_(part_name(path_)) {
    errno = 0;
    stream_.open(part_, std::ios::binary | std::ios::trunc);
    if (!stream_) fail("cannot be created");
  }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile() {
    if (committed_) return;
    stream_.close();
    std::error_code ignored;
    std::filesystem::remove(part_, ignored);
  }

  std::ostream& stream() { return stream_; }

  /// Flushes, closes and renames. Throws IoError (disk full, folder gone); the old file then stays.
  void commit() {
    if (stream_.good()) errno = 0;  // else it tells why an earlier write failed
    stream_.flush();
    const bool flushed = stream_.good();
    stream_.close();
    if (!flushed || stream_.fail()) fail("cannot be written");
    std::error_code error;
    std::filesystem::rename(part_, path_, error);
    if (error) throw IoError(path_.string() + ": cannot be renamed into place: " + error.message());
    committed_ = true;
  }

 private:
  static std::filesystem::path part_name(const std::filesystem::path& path) {
    static std::atomic<unsigned> count{0};
    return path.string() + ".part-" + std::to_string(::getpid()) + "-" + std::to_string(count++);
  }
  [[noreturn]] void fail(const char* what) const {
    const int code = errno;
    throw IoError(path_.string() + ": " + what + (code != 0 ? std::string(": ") + std::strerror(code) : ""));
  }

  std::filesystem::path path_;
  std::filesystem::path part_;
  std::ofstream stream_;
  bool committed_ = false;
};

}  // namespace abell

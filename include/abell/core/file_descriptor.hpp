#pragma once
/// An open file of the operating system.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace abell::detail {

/// Closes its file at the end. False where nothing is open.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int file) : file_(file) {}
  FileDescriptor(FileDescriptor&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  ~FileDescriptor() {
    if (file_ >= 0) ::close(file_);
  }

  explicit operator bool() const { return file_ >= 0; }
  int get() const { return file_; }

 private:
  int file_ = -1;
};

/// ": No such file or directory"; nothing where `code` tells of no error.
inline std::string reason(int code) { return code != 0 ? std::string(": ") + std::strerror(code) : ""; }

}  // namespace abell::detail

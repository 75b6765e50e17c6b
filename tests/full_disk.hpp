#pragma once
/// A limit on the size of files, which stands for a full disk.

#include <sys/resource.h>

#include <csignal>
#include <stdexcept>

/// Writes past `bytes` of a file fail while this lives.
class FullDisk {
 public:
  explicit FullDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    const bool known = ::getrlimit(RLIMIT_FSIZE, &old_) == 0;
    const rlimit limit{bytes, old_.rlim_max};
    if (!known || ::setrlimit(RLIMIT_FSIZE, &limit) != 0) throw std::runtime_error("no limit on the size of files");
  }
  FullDisk(const FullDisk&) = delete;
  FullDisk& operator=(const FullDisk&) = delete;
  ~FullDisk() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit old_{};
};

#pragma once
/// Decoded pixels of a set, kept where reading them again is cheap.

#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <abell/core/error.hpp>
#include <abell/core/parallel.hpp>
#include <abell/core/shape.hpp>
#include <abell/core/tensor.hpp>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace abell {

struct PixelCacheOptions {
  std::string place = "ram";  ///< "ram", "off" (decode at every reading) or a folder for a scratch file
  int threads = 0;            ///< for decoding; 0: all
  std::function<void(std::size_t done, std::size_t total)> progress = {};  ///< called by one thread at a time
};

/// Bytes of `count` images of one shape (HWC). Each is decoded once; reading is safe from many
/// threads. The scratch file has no name from the start, so it goes when the cache does, also after
/// a crash.
class PixelCache {
 public:
  /// Writes shape.size() bytes of image `index` and returns how many of its pixels were masked.
  /// Called from several threads at once.
  using Decode = std::function<std::size_t(std::size_t index, std::span<std::uint8_t> out)>;

  /// Decodes everything (unless `place` is "off"). Throws what `decode` throws, and IoError when
  /// the scratch file cannot be made or written (disk full).
  PixelCache(std::size_t count, Shape shape, Decode decode, const PixelCacheOptions& options = {})
      : count_(count), shape_(shape), decode_(std::move(decode)), masked_(count) {
    if (options.place == "off") return;
    if (options.place == "ram") {
      ram_ = Buffer<std::uint8_t>(count * shape.size());
    } else {
      scratch_ = Scratch(options.place);
    }
    fill(options);
    decode_ = nullptr;
  }

  std::size_t size() const { return count_; }
  const Shape& shape() const { return shape_; }

  /// The bytes of image `index`: in place when they are in memory, else written to `room`, which
  /// grows to shape().size() bytes once.
  std::span<const std::uint8_t> read(std::size_t index, std::vector<std::uint8_t>& room) const {
    const std::size_t size = shape_.size();
    if (ram_.size() > 0) return ram_.span().subspan(index * size, size);
    room.resize(size);
    if (decode_) {
      decode_(index, room);
    } else {
      scratch_.read(index * size, room);
    }
    return room;
  }

  /// Masked pixels of image `index` (in its files, before resizing); 0 while nothing is decoded.
  std::size_t masked(std::size_t index) const { return masked_[index]; }

 private:
  /// An unnamed file that is read and written by position.
  class Scratch {
   public:
    Scratch() = default;
    explicit Scratch(const std::string& folder) {
      std::error_code error;
      std::filesystem::create_directories(folder, error);
      name_ = folder + "/abell-pixels-XXXXXX";
      file_ = ::mkstemp(name_.data());
      if (file_ < 0) fail("cannot make the scratch file");
      ::unlink(name_.c_str());
    }
    Scratch(Scratch&& other) noexcept : name_(std::move(other.name_)), file_(std::exchange(other.file_, -1)) {}
    Scratch& operator=(Scratch&& other) noexcept {
      std::swap(name_, other.name_);
      std::swap(file_, other.file_);
      return *this;
    }
    ~Scratch() {
      if (file_ >= 0) ::close(file_);
    }

    void write(std::size_t at, std::span<const std::uint8_t> bytes) const {
      while (!bytes.empty()) {
        const ssize_t done = ::pwrite(file_, bytes.data(), bytes.size(), static_cast<off_t>(at));
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) fail("cannot write the scratch file");
        at += static_cast<std::size_t>(done);
        bytes = bytes.subspan(static_cast<std::size_t>(done));
      }
    }
    void read(std::size_t at, std::span<std::uint8_t> bytes) const {
      while (!bytes.empty()) {
        const ssize_t done = ::pread(file_, bytes.data(), bytes.size(), static_cast<off_t>(at));
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) fail("cannot read the scratch file");
        at += static_cast<std::size_t>(done);
        bytes = bytes.subspan(static_cast<std::size_t>(done));
      }
    }

   private:
    [[noreturn]] void fail(const char* what) const {
      throw IoError(name_ + ": " + what + " of decoded images (--cache): " + std::strerror(errno));
    }

    std::string name_;
    int file_ = -1;
  };

  void fill(const PixelCacheOptions& options) {
    const std::size_t size = shape_.size();
    std::atomic<bool> failed{false};
    std::mutex mutex;
    std::size_t done = 0;
    parallel_for(static_cast<int>(count_), thread_count(options.threads), [&](int chunk, int) {
      if (failed) return;
      const auto index = static_cast<std::size_t>(chunk);
      try {
        thread_local std::vector<std::uint8_t> room;
        std::span<std::uint8_t> bytes;
        if (ram_.size() > 0) {
          bytes = ram_.span().subspan(index * size, size);
        } else {
          room.resize(size);
          bytes = room;
        }
        masked_[index] = decode_(index, bytes);
        if (ram_.size() == 0) scratch_.write(index * size, bytes);
      } catch (...) {
        failed = true;
        throw;
      }
      const std::lock_guard lock(mutex);
      ++done;
      if (options.progress) options.progress(done, count_);
    });
  }

  std::size_t count_;
  Shape shape_;
  Decode decode_;
  std::vector<std::size_t> masked_;
  Buffer<std::uint8_t> ram_;
  Scratch scratch_;
};

}  // namespace abell

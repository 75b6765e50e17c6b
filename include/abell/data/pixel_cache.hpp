#pragma once
/// Decoded pixels of a set, kept where reading them again is cheap.

#include <fcntl.h>
#include <stdlib.h>
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
#include <variant>
#include <vector>

namespace abell {

/// Where decoded images are kept, and how they are made. A `PixelCache` throws IoError for a folder without room.
struct PixelCacheOptions {
  std::string cache = "ram";  ///< "ram", "off" (decode at every reading) or a folder for a scratch file
  int threads = 0;            ///< for decoding; 0: all
  /// Called by one thread at a time; what it throws ends the decoding.
  std::function<void(std::size_t done, std::size_t total)> progress = {};
};

/// The values of an image, 0..255: bytes, or floats where bytes would lose something.
using Pixels = std::variant<std::span<const std::uint8_t>, std::span<const float>>;

/// `count` images of one shape (HWC), all as bytes or all as floats. Each is decoded once; reading is
/// safe from many threads. The scratch file has no name from the start, so it goes when the cache
/// does, also after a crash.
class PixelCache {
 public:
  /// Writes shape.size() values of image `index` and returns how many of its pixels were masked.
  /// Called from several threads at once.
  template <class Value>
  using DecodeTo = std::function<std::size_t(std::size_t index, std::span<Value> out)>;
  using Decode = std::variant<DecodeTo<std::uint8_t>, DecodeTo<float>>;

  /// What `decode` writes is what the cache holds. Decodes everything (unless `cache` is "off"). Throws what `decode`
  /// throws, and IoError when the scratch file cannot be made or written (disk full).
  PixelCache(std::size_t count, Shape shape, Decode decode, const PixelCacheOptions& options = {})
      : count_(count),
        shape_(shape),
        image_bytes_(shape.size() * (decode.index() == 0 ? 1 : sizeof(float))),
        decode_(std::move(decode)),
        masked_(count) {
    decoded_ = options.cache != "off";
    if (!decoded_) return;
    if (options.cache == "ram") {
      ram_ = Buffer<float>((count * image_bytes_ + sizeof(float) - 1) / sizeof(float));
    } else {
      scratch_ = Scratch(options.cache);
    }
    fill(options);
  }

  std::size_t size() const { return count_; }
  const Shape& shape() const { return shape_; }

  /// The values of image `index`: in place when they are in memory, else written to `room`, which
  /// grows once.
  Pixels read(std::size_t index, std::vector<float>& room) const {
    if (ram_.size() > 0) return pixels(bytes_of(ram_.span()).subspan(index * image_bytes_, image_bytes_));
    const std::span<std::uint8_t> bytes = make_room(room);
    if (decoded_) {
      scratch_.read(index * image_bytes_, bytes);
    } else {
      decode(index, bytes);
    }
    return pixels(bytes);
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
      name_ = folder;
#ifdef O_TMPFILE
      file_ = ::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
      if (file_ >= 0) return;  // not every file system has files without a name
#endif
      name_ += "/abell-pixels-XXXXXX";
      file_ = ::mkostemp(name_.data(), O_CLOEXEC);
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
      throw IoError(name_ + ": " + what + " of decoded images (", "cache", std::string("): ") + std::strerror(errno));
    }

    std::string name_;
    int file_ = -1;
  };

  /// Memory is kept as floats, in which bytes may stand too.
  static std::span<std::uint8_t> bytes_of(std::span<float> memory) {
    return {reinterpret_cast<std::uint8_t*>(memory.data()), memory.size() * sizeof(float)};
  }
  static std::span<const std::uint8_t> bytes_of(std::span<const float> memory) {
    return {reinterpret_cast<const std::uint8_t*>(memory.data()), memory.size() * sizeof(float)};
  }
  std::span<std::uint8_t> make_room(std::vector<float>& room) const {
    room.resize((image_bytes_ + sizeof(float) - 1) / sizeof(float));
    return bytes_of(std::span<float>(room)).first(image_bytes_);
  }
  Pixels pixels(std::span<const std::uint8_t> bytes) const {
    if (decode_.index() == 0) return bytes;
    return std::span(reinterpret_cast<const float*>(bytes.data()), shape_.size());
  }
  std::size_t decode(std::size_t index, std::span<std::uint8_t> bytes) const {
    if (decode_.index() == 0) return std::get<0>(decode_)(index, bytes);
    return std::get<1>(decode_)(index, {reinterpret_cast<float*>(bytes.data()), shape_.size()});
  }

  void fill(const PixelCacheOptions& options) {
    std::atomic<bool> failed{false};
    std::mutex mutex;
    std::size_t done = 0;
    parallel_for(static_cast<int>(count_), thread_count(options.threads), [&](int chunk, int) {
      if (failed) return;
      const auto index = static_cast<std::size_t>(chunk);
      try {
        thread_local std::vector<float> room;
        const bool in_ram = ram_.size() > 0;
        const std::span<std::uint8_t> bytes =
            in_ram ? bytes_of(ram_.span()).subspan(index * image_bytes_, image_bytes_) : make_room(room);
        masked_[index] = decode(index, bytes);
        if (!in_ram) scratch_.write(index * image_bytes_, bytes);
        const std::lock_guard lock(mutex);
        ++done;
        if (options.progress) options.progress(done, count_);
      } catch (...) {
        failed = true;
        throw;
      }
    });
  }

  std::size_t count_;
  Shape shape_;
  std::size_t image_bytes_;
  Decode decode_;
  bool decoded_ = false;
  std::vector<std::size_t> masked_;
  Buffer<float> ram_;
  Scratch scratch_;
};

}  // namespace abell

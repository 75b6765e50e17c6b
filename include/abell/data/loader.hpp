#pragma once
/// Batches that a second thread prepares while the network works on the one before.

#include <abell/core/random.hpp>
#include <abell/core/require_option.hpp>
#include <abell/core/tensor.hpp>
#include <abell/data/samples.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <numeric>
#include <span>
#include <thread>
#include <vector>

namespace abell {

/// How samples become batches. A `Loader` throws OptionError for a batch below 1.
struct LoaderOptions {
  int batch = 10;          ///< samples in each, but for an epoch's last
  std::uint64_t seed = 0;  ///< of the orders
  bool shuffle = true;     ///< a new order each epoch, a function of seed and epoch
};

/// What the network gets: `images.batch` images, their targets, and their positions in the samples.
struct Batch {
  View<const float> images;
  View<const float> targets;
  std::span<const std::size_t> indices;
};

/// Reads `samples` (which must outlive the loader) epoch by epoch in batches; the last one is short.
/// Two batches of memory are all it ever uses: one is read while the other is filled.
/// Use from one thread.
///
///     Loader loader(samples, {.batch = 10, .seed = 1});
///     loader.start(epoch);
///     while (const Batch* batch = loader.next()) step(*batch);
class Loader {
 public:
  /// Throws OptionError when the batch is below 1.
  explicit Loader(SamplesView samples, LoaderOptions options = {}) : samples_(samples), options_(options) {
    detail::require_option(options.batch >= 1, "batch", "1 or more", options.batch);
    order_.resize(samples.size());
    const auto capacity =
        static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(options.batch), samples.size()));
    for (Room& room : rooms_) {
      room.images = Tensor<float>(capacity, samples.shape());
      room.targets = Tensor<float>(capacity, samples.target_shape());
    }
    worker_ = std::thread([this] { work(); });
  }
  template <Samples S>
  requires(!std::same_as<S, SamplesView>) explicit Loader(const S&&, LoaderOptions = {}) = delete;
  Loader(const Loader&) = delete;
  Loader& operator=(const Loader&) = delete;
  ~Loader() {
    {
      const std::lock_guard lock(mutex_);
      quit_ = true;
    }
    changed_.notify_all();
    worker_.join();
  }

  /// Batches in an epoch, the short one included.
  std::size_t batches() const {
    const auto batch = static_cast<std::size_t>(options_.batch);
    return (order_.size() + batch - 1) / batch;
  }

  /// Begins an epoch, at batch `first` when an interrupted one goes on. What is left of the epoch
  /// before is dropped.
  void start(std::uint32_t epoch, std::size_t first = 0) {
    std::unique_lock lock(mutex_);
    filled_ = taken_ = filling_end_ = 0;
    changed_.wait(lock, [this] { return !busy_; });
    epoch_ = epoch;
    error_ = nullptr;
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    if (options_.shuffle) shuffle(order_, Random(options_.seed, {Purpose::shuffle, epoch, 0}));
    taken_ = filled_ = std::min(first, batches());
    holding_ = false;
    filling_end_ = batches();
    lock.unlock();
    changed_.notify_all();
  }

  /// The next batch, valid until the next call; null at the end of the epoch. Throws what reading
  /// a sample threw.
  const Batch* next() {
    std::unique_lock lock(mutex_);
    if (holding_) {
      holding_ = false;
      ++taken_;
      changed_.notify_all();
    }
    if (taken_ >= filling_end_) return nullptr;
    if (filled_ <= taken_ && !error_) {
      const auto from = std::chrono::steady_clock::now();
      changed_.wait(lock, [this] { return filled_ > taken_ || error_; });
      waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count();
    }
    if (filled_ <= taken_) {
      filling_end_ = taken_;
      std::rethrow_exception(error_);
    }
    holding_ = true;
    return &rooms_[taken_ % 2].batch;
  }

  /// Seconds that `next` has waited since the loader was made.
  double waited_seconds() const { return waited_; }

 private:
  /// Memory for a batch.
  struct Room {
    Tensor<float> images;
    Tensor<float> targets;
    Batch batch;
  };

  /// Whether batch number `filled_` exists and has a free room; the one being read keeps its own.
  bool may_fill() const { return !error_ && filled_ < filling_end_ && filled_ < taken_ + 2; }

  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return quit_ || may_fill(); });
      if (quit_) return;
      const std::size_t number = filled_;
      busy_ = true;
      lock.unlock();
      std::exception_ptr error;
      try {
        fill(number);
      } catch (...) {
        error = std::current_exception();
      }
      lock.lock();
      busy_ = false;
      if (error) {
        error_ = error;
      } else if (filling_end_ > number) {
        filled_ = number + 1;
      }
      changed_.notify_all();
    }
  }

  void fill(std::size_t number) {
    Room& room = rooms_[number % 2];
    const std::size_t from = number * static_cast<std::size_t>(options_.batch);
    const std::size_t count = std::min(static_cast<std::size_t>(options_.batch), order_.size() - from);
    const std::size_t size = room.images.shape().size(), target_size = room.targets.shape().size();
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t index = order_[from + i];
      samples_.read(index, epoch_, room.images.span().subspan(i * size, size));
      samples_.read_target(index, epoch_, room.targets.span().subspan(i * target_size, target_size));
    }
    const auto some = static_cast<int>(count);
    room.batch = {room.images.view().slice(0, some), room.targets.view().slice(0, some),
                  std::span<const std::size_t>(order_).subspan(from, count)};
  }

  SamplesView samples_;
  LoaderOptions options_;
  std::vector<std::size_t> order_;
  std::array<Room, 2> rooms_;
  std::uint32_t epoch_ = 0;
  double waited_ = 0;

  // Shared with the worker, under the mutex. Batch numbers: [taken_, filled_) are ready, and the
  // worker stops at filling_end_.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t taken_ = 0;
  std::size_t filled_ = 0;
  std::size_t filling_end_ = 0;
  bool holding_ = false;
  bool busy_ = false;
  bool quit_ = false;
  std::exception_ptr error_;
  std::thread worker_;
};

}  // namespace abell

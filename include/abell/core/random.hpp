#pragma once
/// Counter-based random numbers: a value is a pure function of (seed, stream, position).
/// There is no global state, so the numbers do not depend on threads or on order.

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <random>

namespace abell {

/// What a stream of random numbers is for; streams of different purpose never overlap.
enum class Purpose : std::uint32_t { weights = 1, dropout, shuffle, augment, split, simulate, votes, user };

/// Names one stream under a seed, for instance {Purpose::augment, epoch, sample}.
struct Stream {
  Purpose purpose = Purpose::user;
  std::uint32_t epoch = 0;   ///< or step, or layer
  std::uint32_t sample = 0;  ///< or object
};

/// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"):
/// four words for each counter.
constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::uint64_t key) {
  auto k0 = static_cast<std::uint32_t>(key);
  auto k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53U} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57U} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ k0, static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ k1, static_cast<std::uint32_t>(a)};
    k0 += 0x9E3779B9U;
    k1 += 0xBB67AE85U;
  }
  return counter;
}

/// Reads one stream in sequence. Also a UniformRandomBitGenerator for the standard distributions.
class Random {
 public:
  using result_type = std::uint32_t;

  explicit Random(std::uint64_t seed, Stream stream = {}) : seed_(seed), stream_(stream) {}

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }

  result_type operator()() {
    if (position_ % 4 == 0) {
      block_ = philox({static_cast<std::uint32_t>(position_ / 4), static_cast<std::uint32_t>(stream_.purpose),
                       stream_.epoch, stream_.sample},
                      seed_);
    }
    return block_[position_++ % 4];
  }

  /// Uniform in [0, 1) with 53 random bits.
  double uniform() {
    const std::uint64_t high = (*this)() >> 5;
    const std::uint64_t low = (*this)() >> 6;
    return static_cast<double>(high << 26 | low) * 0x1p-53;
  }
  double uniform(double from, double to) { return from + (to - from) * uniform(); }

  /// Uniform among 0 .. count - 1 (count > 0).
  std::uint32_t below(std::uint32_t count) {
    return static_cast<std::uint32_t>(std::uint64_t{(*this)()} * count >> 32);
  }

  /// Normal with mean 0 and standard deviation 1 (Box-Muller, one value for each pair of uniforms).
  double normal() {
    const double radius = std::sqrt(-2 * std::log1p(-uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }
  double normal(double mean, double sigma) { return mean + sigma * normal(); }

  /// Poisson with the given mean; 0 for a mean of 0 or less.
  long poisson(double mean) { return mean > 0 ? std::poisson_distribution<long>(mean)(*this) : 0; }

 private:
  std::uint64_t seed_;
  Stream stream_;
  std::uint64_t position_ = 0;
  std::array<std::uint32_t, 4> block_{};
};

/// Fisher-Yates shuffle of `items` by `random`.
template <class Items>
void shuffle(Items& items, Random random) {
  for (auto left = static_cast<std::uint32_t>(items.size()); left > 1; --left) {
    std::swap(items[left - 1], items[random.below(left)]);
  }
}

}  // namespace abell

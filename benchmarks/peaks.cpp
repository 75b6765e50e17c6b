#include "peaks.hpp"

#include <omp.h>
#include <unistd.h>

#include <abell/core/cpu.hpp>
#include <abell/core/tensor.hpp>
#include <algorithm>
#include <chrono>
#include <limits>
#include <map>

namespace abell::bench {
namespace {

/// An instruction stands beside every so many multiply-adds: as often as in the kernels, about.
constexpr int beside_every(Beside beside) { return beside == Beside::permutation ? 1 : 3; }

/// One instruction set's loops.
struct Loops {
  int sums, lanes;
  float (*multiply_adds[4])(long rounds, float scale, float shift);  ///< by what is beside them
  void (*triad)(long begin, long end, float scale, const float* b, const float* c, float* a);
};

}  // namespace
}  // namespace abell::bench

#define ABELL_TARGETS_FILE "peak_loops.inl"
#define ABELL_TARGETS_NAMESPACE abell::bench
#include <abell/kernels/targets.inl>

namespace abell::bench {
namespace {

const Loops& loops_for(Isa isa) { return ABELL_OF_ISA(isa, loops); }

/// Seconds of the fastest of `bursts` parallel regions of body(thread).
template <class Body>
double fastest(int bursts, int threads, const Body& body) {
  double best = std::numeric_limits<double>::infinity();
  for (int burst = 0; burst < bursts; ++burst) {
    const auto start = std::chrono::steady_clock::now();
#pragma omp parallel num_threads(threads)
    body(omp_get_thread_num());
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

/// Seconds of one multiply-add of vectors on each of `threads` threads, with what is beside it.
double seconds_each(const Loops& loops, Beside beside, int threads) {
  volatile float result = 0;
  const auto burst = [&](long rounds) {
    return [&, rounds](int) { result = loops.multiply_adds[static_cast<int>(beside)](rounds, 0.5F, 1.0F); };
  };
  // About 2 ms each: starting the threads does not count, and some pass without interruption.
  constexpr long first = 5'000;
  const double once = fastest(10, 1, burst(first));
  const long rounds = std::max(first, static_cast<long>(first * 0.002 / once));
  return fastest(100, threads, burst(rounds)) / static_cast<double>(rounds) / loops.sums;
}

double triad_peak(const Loops& loops, int threads) {
  // Each array twice as large as the last cache, 64 MiB at least and 512 MiB at most.
  const long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
  const long values = std::clamp(2 * cache, 64L << 20, 512L << 20) / 4;
  Buffer<float> a(static_cast<std::size_t>(values)), b(a.size()), c(a.size());
  const auto each = [&](const auto& body) {
    return [&, threads](int thread) {
      constexpr long line = 1024;
      const long lines = values / line;
      body(lines * thread / threads * line, lines * (thread + 1) / threads * line);
    };
  };
  fastest(1, threads, each([&](long begin, long end) {  // pages lie near the thread that touches them first
            for (Buffer<float>* array : {&a, &b, &c}) std::fill(array->data() + begin, array->data() + end, 1.0F);
          }));
  const double seconds = fastest(
      10, threads, each([&](long begin, long end) { loops.triad(begin, end, 0.5F, b.data(), c.data(), a.data()); }));
  return 3.0 * sizeof(float) * static_cast<double>(values / 1024 * 1024) / seconds;
}

}  // namespace

const Peaks& peaks(int threads) {
  static std::map<int, Peaks> measured;
  const auto found = measured.find(threads);
  if (found != measured.end()) return found->second;
  return measured[threads] = {flops_now(threads), triad_peak(loops_for(active_isa()), threads)};
}

double flops_now(int threads) {
  const Loops& loops = loops_for(active_isa());
  return 2.0 * loops.lanes * threads / seconds_each(loops, Beside::nothing, threads);
}

double multiply_adds_of(Beside beside) {
  const Loops& loops = loops_for(active_isa());
  const double alone = seconds_each(loops, Beside::nothing, 1);
  const int count = (loops.sums + beside_every(beside) - 1) / beside_every(beside);
  return (seconds_each(loops, beside, 1) / alone - 1) * loops.sums / count;
}

}  // namespace abell::bench

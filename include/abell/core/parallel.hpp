#pragma once
/// One level of OpenMP over a fixed number of chunks. How work is cut into chunks never depends on
/// the number of threads, so neither do the results.

#include <omp.h>

#include <atomic>
#include <exception>

namespace abell {

/// Number of threads that a request stands for; 0 means all that OpenMP gives.
inline int thread_count(int requested) { return requested > 0 ? requested : omp_get_max_threads(); }

/// Calls body(chunk, thread) for each chunk in [0, chunks) on up to `threads` threads, thread in
/// [0, threads). Of several exceptions that of the first chunk is thrown again in the caller: the same one
/// for any number of threads, since every chunk before it has been dealt too.
template <class Body>
void parallel_for(int chunks, int threads, const Body& body) {
  if (threads <= 1 || chunks <= 1) {
    for (int chunk = 0; chunk < chunks; ++chunk) body(chunk, 0);
    return;
  }
  std::exception_ptr error;
  int failed = chunks;
  // Nothing here allocates. The team always has `threads` members, even for fewer chunks: libgomp makes
  // another size of team anew. Chunks are dealt by hand: LLVM's runtime allocates for schedule(dynamic).
  std::atomic<int> next{0};
#pragma omp parallel num_threads(threads)
  {
    int chunk = next++;
    try {
      for (; chunk < chunks; chunk = next++) body(chunk, omp_get_thread_num());
    } catch (...) {
#pragma omp critical(abell_parallel_for)
      if (chunk < failed) {
        failed = chunk;
        error = std::current_exception();
      }
    }
  }
  if (error) std::rethrow_exception(error);
}

/// Half-open range of items.
struct Range {
  int begin;
  int end;
};

/// The part of `items` that chunk number `chunk` of `chunks` takes; parts differ by one item at most.
constexpr Range part(int items, int chunk, int chunks) {
  const auto cut = [=](int index) { return static_cast<int>(static_cast<long long>(items) * index / chunks); };
  return {cut(chunk), cut(chunk + 1)};
}

}  // namespace abell

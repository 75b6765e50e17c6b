#pragma once
/// One level of OpenMP over a fixed number of chunks. How work is cut into chunks never depends on
/// the number of threads, so neither do the results.

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>

namespace abell {

/// Number of threads that a request stands for; 0 means all that OpenMP gives.
inline int thread_count(int requested) { return requested > 0 ? requested : omp_get_max_threads(); }

/// Half-open range of items.
struct Range {
  int begin;
  int end;
};

/// Range number `index` of `count` that `items` are cut into; they differ by one item at most.
constexpr Range even_range(int items, int index, int count) {
  const auto cut = [=](int i) { return static_cast<int>(static_cast<long long>(items) * i / count); };
  return {cut(index), cut(index + 1)};
}

namespace detail {

/// A body of parallel_for behind a pointer, so that the team's code is compiled once.
using ChunkFunction = void (*)(const void* body, int chunk, int thread);

/// parallel_for with several threads.
inline void deal_chunks(int chunks, int threads, ChunkFunction function, const void* body) {
  constexpr int most_queues = 64;
  struct alignas(64) Queue {  // a cache line each
    std::atomic<int> next;
    int end;
  };
  Queue queues[most_queues];
  const int count = std::min(threads, most_queues);
  for (int i = 0; i < count; ++i) {
    const Range range = even_range(chunks, i, count);
    queues[i].next = range.begin;
    queues[i].end = range.end;
  }
  std::exception_ptr error;
  std::atomic<int> failed{chunks};
  const auto run = [&](int chunk, int thread) {
    if (chunk > failed) return;
    try {
      function(body, chunk, thread);
    } catch (...) {
#pragma omp critical(abell_parallel_for)
      if (chunk < failed) {
        failed = chunk;
        error = std::current_exception();
      }
    }
  };
  // Nothing here allocates. The team always has `threads` members, even for fewer chunks: libgomp makes
  // another size of team anew. Chunks are dealt by hand: LLVM's runtime allocates for schedule(dynamic).
#pragma omp parallel num_threads(threads)
  {
    const int thread = omp_get_thread_num();
    for (int i = 0; i < count; ++i) {
      Queue& queue = queues[(thread + i) % count];
      for (int chunk = queue.next++; chunk < queue.end; chunk = queue.next++) run(chunk, thread);
    }
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace detail

/// Calls body(chunk, thread) for each chunk in [0, chunks) on up to `threads` threads, thread in
/// [0, threads). A thread begins with neighbouring chunks, which find in its cache what they share, and
/// helps the others when it is through. Of several exceptions that of the first chunk is thrown again in the
/// caller: the same one for any number of threads, since every chunk before it is run; later ones are left out.
template <class Body>
void parallel_for(int chunks, int threads, const Body& body) {
  const auto function = [](const void* of, int chunk, int thread) { (*static_cast<const Body*>(of))(chunk, thread); };
  if (threads > 1 && chunks > 1) return detail::deal_chunks(chunks, threads, function, &body);
  for (int chunk = 0; chunk < chunks; ++chunk) function(&body, chunk, 0);
}

}  // namespace abell

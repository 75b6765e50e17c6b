/// Chunks are dealt once each, whatever the number of threads, and errors do not depend on it either.

#include <abell/core/parallel.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"

using namespace abell;

TEST_CASE("every chunk runs once", "[core][parallel]") {
  for (const int threads : {1, 2, 4, 70}) {
    for (const int chunks : {0, 1, 3, 100, 1000}) {
      std::vector<int> runs(static_cast<std::size_t>(chunks));
      parallel_for(chunks, threads, [&](int chunk, int thread) {
        if (thread < 0 || thread >= threads) throw std::logic_error("thread number");
        ++runs[static_cast<std::size_t>(chunk)];
      });
      CHECK(runs == std::vector<int>(static_cast<std::size_t>(chunks), 1));
    }
  }
}

TEST_CASE("of several errors that of the first chunk is thrown", "[core][parallel]") {
  for (const int threads : {1, 2, 4}) {
    for (int repeat = 0; repeat < 50; ++repeat) {
      const auto run = [&] {
        parallel_for(40, threads, [](int chunk, int) {
          if (chunk >= 7) throw std::runtime_error(std::to_string(chunk));
        });
      };
      CHECK_THROWS_WITH(run(), "7");
    }
  }
}

TEST_CASE("parts cover all items in order", "[core][parallel]") {
  for (const int items : {0, 1, 7, 32, 1000}) {
    int next = 0;
    for (int chunk = 0; chunk < 9; ++chunk) {
      const Range range = even_range(items, chunk, 9);
      CHECK(range.begin == next);
      next = range.end;
    }
    CHECK(next == items);
  }
}

/// What comparisons, permutations and stores of whole vectors cost beside multiply-adds: where they share the
/// multipliers' units, a kernel that needs them cannot reach the FMA peak.

#include <string>
#include <utility>

#include "lines.hpp"
#include "memory.hpp"
#include "peaks.hpp"

#include <benchmark/benchmark.h>

namespace abell::bench {

void add_instructions() {
  for (const auto& [name, beside] :
       {std::pair{"comparison", Beside::comparison}, std::pair{"permutation", Beside::permutation},
        std::pair{"store", Beside::store}}) {
    const std::string line = line_name(std::string("beside_multiply_adds/") + name, 1, 1);
    benchmark::RegisterBenchmark(line.c_str(), [beside = beside](benchmark::State& state) {
      for ([[maybe_unused]] auto iteration : state) state.counters["multiply_adds"] = multiply_adds_of(beside);
    })->Unit(benchmark::kMillisecond);
  }
}

}  // namespace abell::bench

/// What comparisons, permutations and stores of whole vectors cost beside multiply-adds: where they share the
/// multipliers' units, a kernel that needs them cannot reach the FMA peak.

#include <string>
#include <utility>

#include "harness.hpp"
#include "lines.hpp"
#include "peaks.hpp"

namespace abell::bench {

void add_instructions() {
  for (const auto& [name, beside] :
       {std::pair{"comparison", Beside::comparison}, std::pair{"permutation", Beside::permutation},
        std::pair{"store", Beside::store}}) {
    add(std::string("beside_multiply_adds/") + name, 1, 1, [beside = beside] {
      const double cost = multiply_adds_of(beside);
      return Work{.run = [beside] { multiply_adds_of(beside); }, .counters = {{"multiply_adds", cost}}};
    });
  }
}

}  // namespace abell::bench

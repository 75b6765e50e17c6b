#pragma once
/// Which instruction set the kernels use, chosen at run time.

#include <abell/core/error.hpp>
#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

namespace abell {

/// The instruction sets that the kernels are compiled for, in rising order.
enum class Isa { baseline, avx2, avx512 };

inline constexpr std::array<Isa, 3> all_isas{Isa::baseline, Isa::avx2, Isa::avx512};

constexpr std::string_view name_of(Isa isa) {
  constexpr std::array<std::string_view, 3> names{"baseline", "avx2", "avx512"};
  return names[static_cast<std::size_t>(isa)];
}

/// Whether this processor (and system) runs `isa`.
inline bool supports(Isa isa) {
#if defined(__x86_64__)
  switch (isa) {
    case Isa::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") && supports(Isa::avx2);
    case Isa::avx2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Isa::baseline: return true;
  }
#endif
  return isa == Isa::baseline;
}

/// The best set that this processor runs.
inline Isa best_isa() { return supports(Isa::avx512) ? Isa::avx512 : supports(Isa::avx2) ? Isa::avx2 : Isa::baseline; }

/// The set named in `text`. Throws OptionError when it is unknown or this processor lacks it.
inline Isa parse_isa(std::string_view text) {
  for (const Isa isa : all_isas) {
    if (name_of(isa) != text) continue;
    if (!supports(isa)) {
      throw OptionError("ABELL_ISA: this processor does not support " + std::string(text) + "; its best is " +
                        std::string(name_of(best_isa())));
    }
    return isa;
  }
  throw OptionError("ABELL_ISA: expected baseline, avx2 or avx512, found '" + std::string(text) + "'");
}

/// The set in use: ABELL_ISA from the environment, else the best one.
inline Isa active_isa() {
  static const Isa isa = [] {
    const char* forced = std::getenv("ABELL_ISA");
    return forced != nullptr && *forced != '\0' ? parse_isa(forced) : best_isa();
  }();
  return isa;
}

}  // namespace abell

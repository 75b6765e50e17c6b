#pragma once
/// What this machine can do at most, measured.

namespace abell::bench {

/// Per second, of so many threads together.
struct Peaks {
  double flops;  ///< float32 multiply-adds on registers, two operations each
  double bytes;  ///< triad a = b + s c over arrays larger than the caches: two reads and one write, as STREAM counts
};

/// The peaks of the instruction set in use. Measured at the first call for each number of threads: the
/// best of several short bursts, so that a busy machine spoils them least.
const Peaks& peaks(int threads);

/// Peaks::flops, measured anew.
double flops_now(int threads);

/// What a kernel does beside its multiply-adds.
enum class Beside { nothing, comparison, permutation, store };

/// How many multiply-adds' time one of these takes in a loop of multiply-adds, on one thread: 0 where other units
/// execute it.
double multiply_adds_of(Beside beside);

}  // namespace abell::bench

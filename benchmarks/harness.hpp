#pragma once
/// What every line of a benchmark program has in common: its name, how it is timed, its counters.

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace abell::bench {

/// What a line measures. `run` owns its operands and does the work once.
struct Work {
  std::function<void()> run;
  double flops = 0;  ///< floating-point operations of one run; a multiply-add is two
  double left = 0;   ///< of these, where a kernel needs fewer: its multiply-adds, as two each
  double bytes = 0;  ///< of operands read and written, for work that memory bounds
  int images = 0;
  std::vector<std::pair<std::string, double>> counters = {};
};

/// Registers the line "<what>/batch:<batch>/threads:<threads>" under exactly this name. `prepare` is
/// called when the line's turn comes, and its memory goes when another line's does.
///
/// Google Benchmark's own time is the mean over the iterations. The counters are from the median run of
/// at least ten (of three when a run takes longer than half a second), after one that warms up:
///   median_seconds, runs, FLOPS (or bytes_per_second), images_per_second, and
///   peak_share  FLOPS over the measured FMA peak, or bytes_per_second over the measured bandwidth, both
///               at this number of threads; of work that has both, the larger share, which is FLOPS over
///               min(FMA peak, bandwidth x FLOPS / bytes). Work whose operands stay in the caches exceeds it.
///   left_share  where a kernel needs fewer operations: those over the time and the FMA peak
void add(const std::string& what, int batch, int threads, std::function<Work()> prepare);

/// Registers a line that measures memory. Its one counter is peak_bytes, the most resident memory (VmHWM) of a
/// process of its own that prepares the work and runs it three times, the program's code and libraries included.
void add_memory(const std::string& what, int batch, int threads, std::function<Work()> prepare);

/// 1, 2, 4, ... up to all threads; all is the last whether or not it is a power of two.
std::vector<int> thread_counts();

/// The main function of a benchmark program: reads Google Benchmark's options, measures the machine's
/// peaks, stores them in the context, calls `register_lines` and runs them. Returns the exit code.
int run_program(int argc, char** argv, const std::function<void()>& register_lines);

}  // namespace abell::bench

#include "harness.hpp"

#include <abell/core/cpu.hpp>
#include <abell/core/parallel.hpp>
#include <abell/core/version.hpp>
#include <algorithm>
#include <chrono>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string_view>

#include "memory.hpp"
#include "peaks.hpp"

#include <benchmark/benchmark.h>

namespace abell::bench {
namespace {

double seconds_of(const std::function<void()>& run) {
  const auto start = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// The line whose turn it is. Google Benchmark calls a line several times to find how many iterations
/// it needs; its operands are made for the first call only.
struct Current {
  std::string name;
  std::unique_ptr<Work> work;
};

Work& work_of(const std::string& name, const std::function<Work()>& prepare) {
  static Current current;
  if (current.name != name || current.work == nullptr) {
    current.work.reset();
    current.work = std::make_unique<Work>(prepare());
    current.name = name;
    current.work->run();
  }
  return *current.work;
}

void report(benchmark::State& state, const Work& work, int threads, std::vector<double>& seconds) {
  const auto middle = seconds.begin() + static_cast<std::ptrdiff_t>(seconds.size() / 2);
  std::ranges::nth_element(seconds, middle);
  const double median = *middle;
  auto& counters = state.counters;
  counters["median_seconds"] = median;
  counters["runs"] = static_cast<double>(seconds.size());
  double share = 0;
  if (work.flops > 0) {
    counters["FLOPS"] = work.flops / median;
    share = work.flops / median / peaks(threads).flops;
  }
  if (work.bytes > 0) {
    counters["bytes_per_second"] = work.bytes / median;
    share = std::max(share, work.bytes / median / peaks(threads).bytes);
  }
  if (share > 0) counters["peak_share"] = share;
  if (work.left > 0) counters["left_share"] = work.left / median / peaks(threads).flops;
  if (work.images > 0) counters["images_per_second"] = work.images / median;
  for (const auto& [name, value] : work.counters) counters[name] = value;
}

void measure(benchmark::State& state, const std::string& name, int threads, const std::function<Work()>& prepare) {
  try {
    Work& work = work_of(name, prepare);
    std::vector<double> seconds;
    seconds.reserve(static_cast<std::size_t>(state.max_iterations) + 10);
    for ([[maybe_unused]] auto iteration : state) seconds.push_back(seconds_of(work.run));
    const std::size_t least = seconds.front() > 0.5 ? 3 : 10;
    while (seconds.size() < least) seconds.push_back(seconds_of(work.run));
    report(state, work, threads, seconds);
  } catch (const std::exception& error) {
    state.SkipWithError(error.what());
  }
}

std::string compiler() {
#if defined(__clang__)
  return "Clang " __clang_version__;
#else
  return "GCC " __VERSION__;
#endif
}

std::string text(double value) {
  std::ostringstream out;
  out.precision(4);
  out << value;
  return out.str();
}

void describe_machine() {
  benchmark::AddCustomContext("abell_version", std::string(version));
  benchmark::AddCustomContext("compiler", compiler());
  benchmark::AddCustomContext("isa", std::string(name_of(active_isa())));
  for (const int threads : thread_counts()) {
    const std::string at = "/" + std::string(name_of(active_isa())) + "/threads:" + std::to_string(threads);
    benchmark::AddCustomContext("peak_fma_gflops" + at, text(peaks(threads).flops / 1e9));
    benchmark::AddCustomContext("peak_memory_gb_per_second" + at, text(peaks(threads).bytes / 1e9));
  }
}

/// While the peaks were measured someone else may have had a core: then every share is too large.
void check_peaks() {
  for (const int threads : thread_counts()) {
    const double then = peaks(threads).flops, now = flops_now(threads);
    if (now < 1.1 * then) continue;
    std::cerr << "warning: the FMA peak of " << threads << " threads was " << text(then / 1e9)
              << " GFLOP/s at the start and is " << text(now / 1e9) << " now: peak_share came out too large\n";
  }
}

}  // namespace

std::string line_name(const std::string& what, int batch, int threads) {
  return what + "/batch:" + std::to_string(batch) + "/threads:" + std::to_string(threads);
}

void add(const std::string& what, int batch, int threads, std::function<Work()> prepare) {
  const std::string name = line_name(what, batch, threads);
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    measure(state, name, threads, prepare);
  })->Unit(benchmark::kMillisecond);
}

std::vector<int> thread_counts() {
  const int all = thread_count(0);
  std::vector<int> counts;
  for (int threads = 1; threads < all; threads *= 2) counts.push_back(threads);
  counts.push_back(all);
  return counts;
}

int run_program(int argc, char** argv, const std::function<void()>& register_lines) {
  if (const std::optional<std::string> line = memory_line()) {
    try {
      register_lines();
      run_memory_line(*line);
      return 0;
    } catch (const std::exception& error) {
      std::cerr << argv[0] << ": " << error.what() << '\n';
      return 1;
    }
  }
  // Naming the lines needs no peaks, which take seconds.
  const bool names_only = std::any_of(argv, argv + argc, [](std::string_view argument) {
    return argument == "--benchmark_list_tests" || argument == "--benchmark_list_tests=true";
  });
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  try {
    register_lines();
    if (!names_only) describe_machine();
    benchmark::RunSpecifiedBenchmarks();
    if (!names_only) check_peaks();
    benchmark::Shutdown();
  } catch (const std::exception& error) {
    std::cerr << argv[0] << ": " << error.what() << '\n';
    return 1;
  }
  return 0;
}

}  // namespace abell::bench

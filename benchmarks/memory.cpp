#include "memory.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <stdexcept>

#include "harness.hpp"

#include <benchmark/benchmark.h>

namespace abell::bench {
namespace {

// What one process tells the other, through the environment.
constexpr const char* line_variable = "ABELL_BENCHMARK_MEMORY_OF";
constexpr const char* program_variable = "ABELL_BENCHMARK_PROGRAM";

std::map<std::string, std::function<Work()>>& lines() {
  static std::map<std::string, std::function<Work()>> all;
  return all;
}

/// Of this process. Not getrusage, whose figure begins with that of the process which started this one.
double most_resident_bytes() {
  std::ifstream file("/proc/self/status");
  for (std::string word; file >> word;) {
    if (double kilobytes = 0; word == "VmHWM:" && file >> kilobytes) return 1024 * kilobytes;
  }
  throw std::runtime_error("memory: expected VmHWM in /proc/self/status, found none");
}

/// What another process of this program prints that runs only the line `name`.
double measure_alone(const std::string& name) {
  setenv(program_variable, std::filesystem::read_symlink("/proc/self/exe").c_str(), 1);
  setenv(line_variable, name.c_str(), 1);
  std::FILE* pipe = popen((std::string("exec \"$") + program_variable + "\"").c_str(), "r");
  unsetenv(line_variable);
  double bytes = 0;
  const bool read = pipe != nullptr && std::fscanf(pipe, "%lf", &bytes) == 1;
  if (pipe == nullptr || pclose(pipe) != 0 || !read) {
    throw std::runtime_error("memory: the process for " + name + " failed");
  }
  return bytes;
}

}  // namespace

std::optional<std::string> memory_line() {
  const char* name = std::getenv(line_variable);
  if (name == nullptr) return std::nullopt;
  return name;
}

void run_memory_line(const std::string& name) {
  const auto found = lines().find(name);
  if (found == lines().end()) throw std::runtime_error("memory: expected a line that measures it, found " + name);
  const Work work = found->second();
  for (int i = 0; i < 3; ++i) work.run();
  std::cout << static_cast<long>(most_resident_bytes()) << std::endl;
}

void add_memory(const std::string& what, int batch, int threads, std::function<Work()> prepare) {
  const std::string name = line_name(what, batch, threads);
  lines()[name] = std::move(prepare);
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    try {
      double most = 0;
      for ([[maybe_unused]] auto iteration : state) most = std::max(most, measure_alone(name));
      state.counters["peak_bytes"] = most;
    } catch (const std::exception& error) {
      state.SkipWithError(error.what());
    }
  })->Unit(benchmark::kMillisecond);
}

}  // namespace abell::bench

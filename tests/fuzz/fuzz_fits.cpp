/// fuzz_fits SECONDS [FILE...]: reads damaged copies of the seeds and of FILEs for so long, with the
/// sanitizers on. A crash leaves the file as fuzz-crash.fits in the folder that it is started in, and a
/// file that takes longer than a minute counts as one.

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>

#include "mutate.hpp"
#include "seeds.hpp"
#include "try_fits.hpp"

/// CFITSIO asks for what a header announces and copes with not getting it.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }

namespace {

std::string slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// FILEs as they are and, where gzip packed them, unpacked: damage beneath the checksum.
void add_files(std::vector<Seed>& seeds, int argc, char** argv) {
  for (int i = 2; i < argc; ++i) {
    const std::string name = argv[i];
    seeds.emplace_back(name, slurp(name));
    if (!name.ends_with(".gz")) continue;
    FILE* pipe = ::popen(("gzip -dc '" + name + "'").c_str(), "r");
    std::string bytes;
    for (int c = pipe == nullptr ? EOF : std::fgetc(pipe); c != EOF; c = std::fgetc(pipe))
      bytes += static_cast<char>(c);
    if (pipe != nullptr) ::pclose(pipe);
    if (!bytes.empty()) seeds.emplace_back(name + " (unpacked)", std::move(bytes));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("usage: fuzz_fits SECONDS [FILE...]\n", stderr);
    return 2;
  }
  const double seconds = std::atof(argv[1]);
  std::vector<Seed> seeds = seeds::all();
  add_files(seeds, argc, argv);
  const std::filesystem::path path = "fuzz-crash.fits";
  const auto start = std::chrono::steady_clock::now();
  const auto spent = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  std::map<std::string, long> kinds;  // of errors, without the numbers in them
  long files = 0, clean = 0;
  for (; spent() < seconds; ++files) {
    Mutator mutate(static_cast<std::uint64_t>(files));
    const Seed& seed = seeds[mutate.below(seeds.size())];
    std::ofstream(path, std::ios::binary) << mutate(seed.second);
    ::alarm(60);
    const std::vector<std::string> errors = try_fits(path);
    if (errors.empty()) ++clean;
    for (std::string error : errors) {
      std::erase_if(error, [](unsigned char c) { return std::isdigit(c) != 0 || c < 32 || c > 126; });
      ++kinds[error.substr(0, 120)];
    }
    if (files % 1000 == 0) std::printf("%ld files, %.0f s\n", files, spent()), std::fflush(stdout);
  }
  ::alarm(0);
  std::filesystem::remove(path);
  std::printf("%ld files from %zu seeds in %.0f s, %ld without any error, %zu kinds of errors, no crash\n", files,
              seeds.size(), spent(), clean, kinds.size());
  return 0;
}

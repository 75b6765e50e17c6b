/// abell-fuzz-fits: reads the seeds, which are sound. With $ABELL_FUZZ_SECONDS it goes on for so long with damaged
/// copies of them, and of the FITS files under $ABELL_REAL_DATA. Every run damages them in another way, and neither
/// the random seed nor a file is kept: what makes another library fail has no place in this project. A crash leaves
/// the file as fuzz-crash.fits in the folder that it is started in, until the next run; a file that takes longer than
/// a minute of the processor's time counts as one.

#include <sys/time.h>
#include <zlib.h>

#include <cctype>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <set>

#include "mutate.hpp"
#include "seeds.hpp"
#include "try_fits.hpp"

/// CFITSIO asks for what a header announces and copes with not getting it. On errors it and wcslib lose
/// some memory of their own.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libcfitsio\nleak:libwcs"; }

namespace {

std::string slurp(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// FITS files of up to 3 MB as they are and, where gzip packed them, unpacked: damage beneath the checksum.
void add_real_files(std::vector<Seed>& seeds, const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().string();
    if (!entry.is_regular_file() || entry.file_size() > 3'000'000) continue;
    if (!name.ends_with(".fits") && !name.ends_with(".fits.gz")) continue;
    seeds.emplace_back(name, slurp(name));
    if (!name.ends_with(".gz")) continue;
    std::string bytes(8'000'000, '\0');
    gzFile file = gzopen(name.c_str(), "rb");
    const int size = file == nullptr ? 0 : gzread(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    if (file != nullptr) gzclose(file);
    if (size > 0) seeds.emplace_back(name + " (unpacked)", bytes.substr(0, static_cast<std::size_t>(size)));
  }
}

/// Reads one file. A hang ends in SIGPROF.
std::vector<std::string> try_in_time(const std::filesystem::path& path) {
  const itimerval minute{{0, 0}, {60, 0}}, never{};
  ::setitimer(ITIMER_PROF, &minute, nullptr);
  std::vector<std::string> errors = try_fits(path);
  ::setitimer(ITIMER_PROF, &never, nullptr);
  return errors;
}

/// The seeds are sound: images with sky coordinates, and a table.
void read_seeds(const std::vector<Seed>& seeds) {
  const std::filesystem::path path = "fuzz-seed.fits";
  for (const auto& [name, bytes] : seeds) {
    std::ofstream(path, std::ios::binary) << bytes;
    if (name == "events") {
      abell::read_fits_table(path);
    } else {
      const abell::FitsFile file(path);
      const abell::Wcs wcs(file);
      file.read();
    }
    try_in_time(path);
  }
  std::filesystem::remove(path);
  std::printf("%zu sound files\n", seeds.size());
}

int fuzz(std::vector<Seed> seeds, double seconds) {
  const std::size_t small = seeds.size();  // read many times faster than real files: most of all
  if (const char* data = std::getenv("ABELL_REAL_DATA")) add_real_files(seeds, data);
  const std::filesystem::path path = "fuzz-crash.fits";
  const auto start = std::chrono::steady_clock::now();
  const auto spent = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  std::set<std::string> kinds;  // of errors, without names and numbers
  long files = 0;
  Mutator mutate(std::random_device{}());
  for (; spent() < seconds; ++files) {
    const Seed& seed = seeds[mutate.below(mutate.below(8) != 0 ? small : seeds.size())];
    std::ofstream(path, std::ios::binary) << mutate(seed.second);
    for (std::string error : try_in_time(path)) {
      std::erase_if(error, [](unsigned char c) { return std::isdigit(c) != 0 || c < 32 || c > 126; });
      kinds.insert(error.substr(0, 120));
    }
    if (files % 1000 == 0) std::printf("%ld files, %.0f s\n", files, spent()), std::fflush(stdout);
  }
  std::filesystem::remove(path);
  std::printf("%ld files from %zu seeds in %.0f s, %zu kinds of errors, no crash\n", files, seeds.size(), spent(),
              kinds.size());
  return 0;
}

}  // namespace

int main() {
  const char* seconds = std::getenv("ABELL_FUZZ_SECONDS");
  const std::vector<Seed> seeds = seeds::all();
  read_seeds(seeds);
  const int code = seconds != nullptr && std::atof(seconds) > 0 ? fuzz(seeds, std::atof(seconds)) : 0;
  std::fflush(stdout);
  return code;
}

/// Keras files, read in a child as always: a child that ends is an ordinary refusal. What is accepted are finite
/// weights in the network.

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <abell/weights/keras_h5.hpp>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../keras_config.hpp"
#include "../keras_file.hpp"
#include "memory_file.hpp"
#include "target.hpp"

#if defined(__has_feature)
#if __has_feature(coverage_sanitizer)
#define ABELL_FUZZ_COUNTERS
#include <sanitizer/common_interface_defs.h>
/// The bounds of libFuzzer's counters. Their own names, used in C++, would hide them from it.
__asm__(
    ".pushsection .data\n.balign 8\ncounter_bounds: .quad __start___sancov_cntrs, __stop___sancov_cntrs\n.popsection");
extern "C" char* const counter_bounds[2];
#endif
#endif

namespace {

using namespace abell;

/// What children reach counts too: the pages with counters, whole ones, become common to all. Their ends are no
/// findings, of which libFuzzer would keep the file.
void prepare_children() {
#ifdef ABELL_FUZZ_COUNTERS
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto address = [](char* at) { return reinterpret_cast<std::uintptr_t>(at); };
  char* const begin = counter_bounds[0] + (page - address(counter_bounds[0]) % page) % page;
  const std::size_t size = (address(counter_bounds[1]) - address(begin)) / page * page;
  const std::vector<char> counts(begin, begin + size);
  require(::mmap(begin, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == begin);
  std::memcpy(begin, counts.data(), size);
  ::pthread_atfork(nullptr, nullptr, [] { __sanitizer_set_death_callback(nullptr); });
#endif
}

/// The weights of the tiny network as some version of Keras names them.
void write_seed(const std::filesystem::path& path, const char* root, const std::string& prefix) {
  const Described<> tiny = numbered_tiny();
  RawFile raw(root);
  for (const std::string& layer : layers_with_weights(tiny)) {
    raw.layer(layer, weights_of(tiny, layer, prefix + layer + "/"));
  }
  raw.write(path);
}

void try_weights(const std::filesystem::path& path) {
  Described<> network(tiny_net, tiny_input);
  try {
    const LoadedWeights loaded = load_keras_weights(path, network, {.missing = {"dense_2"}, .unused = {"top"}});
    require(loaded.missing.size() <= 1 && loaded.unused.size() <= 1);
    for (const float weight : network.parameters()) require(std::isfinite(weight));
  } catch (const Error& error) {
    require(std::string(error.what()).starts_with(path.string() + ": "));
    for (const float weight : network.parameters()) require(weight == 0);
  }
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  prepare_children();
  H5open();  // before children do it one by one
  return make_seeds([](const std::filesystem::path& folder) {
    save_keras_weights(folder / "weights", numbered_tiny());
    write_seed(folder / "model", "model_weights", "model/");
    write_seed(folder / "keras", "/", "");
    RawFile("model_weights").write(folder / "empty");
    keras_config::write_model(folder / "whole", keras_config::tiny_config());
    save_keras_weights(folder / "3.weights.h5", numbered_tiny());
    std::ifstream weights(folder / "3.weights.h5", std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(weights), std::istreambuf_iterator<char>()};
    keras_config::write_archive(
        folder / "archive",
        {{"config.json", keras_config::tiny_config().dump()}, {"metadata.json", "{}"}, {"model.weights.h5", bytes}});
  });
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFile file;
  file.write(data, size);
  try_weights(file.path());
  return 0;
}

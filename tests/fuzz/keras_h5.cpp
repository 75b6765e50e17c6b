/// Keras files, read in a child as always: a child that ends is an ordinary refusal. What is accepted are finite
/// weights, the same for a second reading.

#include <sys/mman.h>
#include <unistd.h>

#include <abell/weights/keras_h5.hpp>
#include <cmath>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../keras_file.hpp"
#include "memory_file.hpp"
#include "target.hpp"

/// Children find new paths too: the pages with libFuzzer's counters, whole ones, are shared with them.
extern "C" __attribute__((weak)) char __start___sancov_cntrs[];
extern "C" __attribute__((weak)) char __stop___sancov_cntrs[];

namespace {

using namespace abell;

void share_counters() {
  if (__start___sancov_cntrs == nullptr) return;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto address = [](char* at) { return reinterpret_cast<std::uintptr_t>(at); };
  const std::size_t before = (page - address(__start___sancov_cntrs) % page) % page;
  char* const begin = __start___sancov_cntrs + before;
  const std::size_t size = (address(__stop___sancov_cntrs) - address(begin)) / page * page;
  const std::vector<char> counts(begin, begin + size);
  require(::mmap(begin, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == begin);
  std::memcpy(begin, counts.data(), size);
}

/// The weights of the tiny network as some version of Keras names them.
void write_seed(const std::filesystem::path& path, const char* root, const std::string& prefix) {
  const Described<> tiny = numbered_tiny();
  RawFile raw(root);
  for (const std::string& layer : detail::layers_with_weights(tiny)) {
    raw.layer(layer, weights_of(tiny, layer, prefix + layer + "/"));
  }
  raw.write(path);
}

/// What was loaded; nothing when the file is refused.
std::vector<float> load(const std::filesystem::path& path) {
  Described<> network(tiny_net, tiny_input);
  try {
    const LoadedWeights loaded = load_keras_weights(path, network, {.missing = {"dense_2"}, .unused = {"top"}});
    require(loaded.missing.size() <= 1 && loaded.unused.size() <= 1);
  } catch (const Error& error) {
    require(std::string(error.what()).starts_with(path.string() + ": "));
    for (const float weight : network.parameters()) require(weight == 0);
    return {};
  }
  return {network.parameters().begin(), network.parameters().end()};
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  share_counters();
  return make_seeds([](const std::filesystem::path& folder) {
    save_keras_weights(folder / "weights", numbered_tiny());
    write_seed(folder / "model", "model_weights", "model/");
    write_seed(folder / "keras", "/", "");
    RawFile("model_weights").write(folder / "empty");
  });
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const MemoryFile file;
  file.write(data, size);
  const std::vector<float> weights = load(file.path());
  for (const float weight : weights) require(std::isfinite(weight));
  if (!weights.empty()) require(load(file.path()) == weights);
  return 0;
}

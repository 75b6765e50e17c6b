#pragma once
/// Convolution and ReLU as one stage: the convolution's output becomes that of ReLU where it lies, and a byte a value
/// tells the backward pass which ones passed, where two stages would keep a second activation.

#include <abell/core/parallel.hpp>
#include <abell/layers/activations.hpp>
#include <abell/layers/conv2d.hpp>
#include <abell/layers/fused_stage.hpp>
#include <optional>
#include <span>

namespace abell {

/// Keeps a byte for each output: whether ReLU let it through.
template <class T>
class Conv2dReluStage {
 public:
  Conv2dReluStage(const Place& place, const Conv2d& conv, const Relu&)
      : conv_(place, conv), output_(conv.output(place).size()) {}

  StageMemory memory(const kernels::Backend<T>& backend, int batch, Mode mode) const {
    StageMemory memory = conv_.memory(backend, batch, mode);
    if (has_backward(mode)) {
      memory.saved_bytes = values(batch);
      memory.scratch_values += gradient_room(batch);
    }
    return memory;
  }
  void forward(const Pass<T>& pass, const T* x, T* y) const {
    conv_.forward(pass, x, y);
    if (!has_backward(pass.mode)) {
      return kernels::map_forward(pass.backend.threads, values(pass.batch), kernels::functions::Relu<T>{}, y, y);
    }
    std::byte* passed = pass.saved;
    kernels::for_chunks(pass.backend.threads, values(pass.batch), [&](std::size_t begin, std::size_t end) {
      // Pointers of its own: a stored byte could be any other's.
      std::byte* at = passed + begin;
      T* values = y + begin;
#pragma omp simd
      for (std::size_t i = 0; i < end - begin; ++i) {
        at[i] = static_cast<std::byte>(values[i] > T(0));
        values[i] = kernels::functions::Relu<T>{}(values[i]);
      }
    });
  }
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    T* dz = pass.scratch;
    const std::byte* passed = pass.saved;
    kernels::for_chunks(pass.backend.threads, values(pass.batch), [&](std::size_t begin, std::size_t end) {
#pragma omp simd
      for (std::size_t i = begin; i < end; ++i) dz[i] = passed[i] != std::byte{0} ? dy[i] : T(0);
    });
    Pass<T> inner = pass;
    inner.scratch += gradient_room(pass.batch);
    conv_.backward(inner, x, dz, dx);
  }

  static std::optional<FusedStage<T>> fuse(const Place& place, std::span<const AnyLayer<T>> layers) {
    return abell::fuse<Conv2dReluStage, Conv2d, Relu>(place, layers);
  }

 private:
  std::size_t values(int batch) const { return output_ * static_cast<std::size_t>(batch); }
  std::size_t gradient_room(int batch) const { return round_up(values(batch), alignment); }

  Conv2dStage<T> conv_;
  std::size_t output_;
};

}  // namespace abell

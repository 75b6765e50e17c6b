#pragma once
/// Global max-pooling: y[c] = max over all pixels of x[.,.,c]; the gradient goes to the first maximum.

#include <abell/core/parallel.hpp>
#include <abell/layers/stage.hpp>
#include <algorithm>
#include <cstdint>

namespace abell {

template <class T>
class GlobalMaxPool2dStage;

/// A global max-pool, Keras's GlobalMaxPooling2D and ONNX's GlobalMaxPool: [height][width][channels] -> a vector
/// [channels].
struct GlobalMaxPool2d {
  std::string_view name = {};
  static constexpr std::string_view kind = "GlobalMaxPool2d";
  static constexpr std::string_view keras_kind = "global_max_pooling2d";
  template <class T>
  using Stage = GlobalMaxPool2dStage<T>;
  Shape output(const Place& place) const { return {1, 1, place.input.channels}; }
  void to_onnx(OnnxNodes& graph) const {
    graph.as_map();
    graph.node("GlobalMaxPool");
  }
};

/// NaN wins over numbers. Keeps the pixel of each maximum.
template <class T>
class GlobalMaxPool2dStage {
 public:
  GlobalMaxPool2dStage(const Place& place, const GlobalMaxPool2d&)
      : pixels_(place.input.pixels()), channels_(static_cast<std::size_t>(place.input.channels)) {}
  StageMemory memory(const kernels::Backend<T>&, int batch, Mode) const {
    return {.saved_bytes = static_cast<std::size_t>(batch) * channels_ * sizeof(std::uint32_t)};
  }
  void forward(const Pass<T>& pass, const T* x, T* y) const {
    parallel_for(pass.batch, pass.backend.threads, [&](int n, int) {
      const T* image = x + static_cast<std::size_t>(n) * pixels_ * channels_;
      T* best = y + static_cast<std::size_t>(n) * channels_;
      std::uint32_t* pixel = argmax(pass) + static_cast<std::size_t>(n) * channels_;
      std::copy_n(image, channels_, best);
      std::fill_n(pixel, channels_, 0U);
      for (std::size_t i = 1; i < pixels_; ++i) {
        const T* values = image + i * channels_;
        for (std::size_t c = 0; c < channels_; ++c) {
          const bool wins = (values[c] > best[c]) | ((values[c] != values[c]) & (best[c] == best[c]));
          best[c] = wins ? values[c] : best[c];
          pixel[c] = wins ? static_cast<std::uint32_t>(i) : pixel[c];
        }
      }
    });
  }
  void backward(const Pass<T>& pass, const T*, const T* dy, T* dx) const {
    if (dx == nullptr) return;
    parallel_for(pass.batch, pass.backend.threads, [&](int n, int) {
      T* image = dx + static_cast<std::size_t>(n) * pixels_ * channels_;
      std::fill_n(image, pixels_ * channels_, T(0));
      for (std::size_t c = 0; c < channels_; ++c) {
        const std::size_t at = static_cast<std::size_t>(n) * channels_ + c;
        image[argmax(pass)[at] * channels_ + c] = dy[at];
      }
    });
  }

 private:
  static std::uint32_t* argmax(const Pass<T>& pass) { return reinterpret_cast<std::uint32_t*>(pass.saved); }

  std::size_t pixels_;
  std::size_t channels_;
};

}  // namespace abell

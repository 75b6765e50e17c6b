#pragma once
/// Global average pooling: y[c] = mean over all pixels of x[.,.,c]; hence dx[i,j,c] = dy[c] / pixels.

#include <abell/layers/stage.hpp>
#include <algorithm>

namespace abell {

template <class T>
class GlobalAveragePool2dStage;

/// A global average pool, Keras's GlobalAveragePooling2D and ONNX's GlobalAveragePool: [height][width][channels] -> a
/// vector [channels].
struct GlobalAveragePool2d {
  std::string_view name = {};
  static constexpr std::string_view kind = "GlobalAveragePool2d";
  static constexpr std::string_view keras_kind = "global_average_pooling2d";
  template <class T>
  using Stage = GlobalAveragePool2dStage<T>;
  Shape output(const Place& place) const { return {1, 1, place.input.channels}; }
  void to_onnx(OnnxNodes& graph) const {
    graph.as_map();
    graph.node("GlobalAveragePool");
  }
};

/// Keeps nothing: the gradient follows from the number of pixels.
template <class T>
class GlobalAveragePool2dStage {
 public:
  GlobalAveragePool2dStage(const Place& place, const GlobalAveragePool2d&)
      : pixels_(place.input.pixels()), channels_(static_cast<std::size_t>(place.input.channels)) {}
  void forward(const Pass<T>& pass, const T* x, T* y) const {
    const T scale = T(1) / static_cast<T>(pixels_);
    for (int n = 0; n < pass.batch; ++n, y += channels_) {
      std::fill_n(y, channels_, T(0));
      for (std::size_t pixel = 0; pixel < pixels_; ++pixel, x += channels_) {
#pragma omp simd
        for (std::size_t c = 0; c < channels_; ++c) y[c] += x[c];
      }
#pragma omp simd
      for (std::size_t c = 0; c < channels_; ++c) y[c] *= scale;
    }
  }
  void backward(const Pass<T>& pass, const T*, const T* dy, T* dx) const {
    if (dx == nullptr) return;
    const T scale = T(1) / static_cast<T>(pixels_);
    for (int n = 0; n < pass.batch; ++n, dy += channels_) {
      for (std::size_t pixel = 0; pixel < pixels_; ++pixel, dx += channels_) {
#pragma omp simd
        for (std::size_t c = 0; c < channels_; ++c) dx[c] = scale * dy[c];
      }
    }
  }

 private:
  std::size_t pixels_;
  std::size_t channels_;
};

}  // namespace abell

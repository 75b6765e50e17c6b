#pragma once
/// Enlarging by whole factors, without weights; the gradient goes back by the same weights.

#include <abell/kernels/upsample.hpp>
#include <abell/layers/stage.hpp>
#include <algorithm>

namespace abell {

/// What the new cells become.
enum class UpSampling {
  nearest,  ///< each cell is repeated
  bilinear  ///< between the cells' centres, the border extended (Keras, ONNX's half_pixel; PyTorch's
            ///< align_corners=False)
};

/// See option.hpp.
constexpr std::array<std::string_view, 2> words(UpSampling) { return {"nearest", "bilinear"}; }

template <class T>
class UpSample2dStage;

/// Options of an enlargement, Keras's UpSampling2D, PyTorch's Upsample, ONNX's Resize: [height][width][channels] ->
/// [height size.height][width size.width][channels].
struct UpSample2d {
  Extent size = 2;  ///< factors of height and width
  UpSampling interpolation = UpSampling::nearest;
  std::string_view name = {};

  static constexpr std::string_view kind = "UpSample2d";
  static constexpr auto options =
      std::tuple(Option{"size", &UpSample2d::size}, Option{"interpolation", &UpSample2d::interpolation});
  static constexpr std::string_view keras_kind = "up_sampling2d";
  template <class T>
  using Stage = UpSample2dStage<T>;

  /// Throws OptionError for a factor below 1 and for sides above 2^30.
  Shape output(const Place& place) const {
    require_at_least(place, kind, "a factor", std::min(size.height, size.width), 1);
    return {product(place, kind, place.input.height, size.height), product(place, kind, place.input.width, size.width),
            place.input.channels};
  }
  void to_onnx(OnnxNodes& graph) const {
    graph.as_map();
    const auto scales =
        graph.constant("scales", {4}, {1, 1, static_cast<float>(size.height), static_cast<float>(size.width)});
    if (interpolation == UpSampling::nearest && graph.opset() < 11) {
      graph.node("Resize", {{"mode", "nearest"}}, {scales});
    } else if (interpolation == UpSampling::nearest) {
      graph.node("Resize",
                 {{"mode", "nearest"}, {"coordinate_transformation_mode", "asymmetric"}, {"nearest_mode", "floor"}},
                 {"", scales});
    } else {
      graph.require_opset(11);  // before, the corners of pixels were what is aligned
      graph.node("Resize", {{"mode", "linear"}, {"coordinate_transformation_mode", "half_pixel"}}, {"", scales});
    }
  }
};

/// Keeps nothing.
template <class T>
class UpSample2dStage {
 public:
  UpSample2dStage(const Place& place, const UpSample2d& options) {
    const bool linear = options.interpolation == UpSampling::bilinear;
    upsample_ = {{place.input.height, options.size.height, linear},
                 {place.input.width, options.size.width, linear},
                 place.input.channels};
  }
  void forward(const Pass<T>& pass, const T* x, T* y) const {
    upsample_forward(pass.backend.threads, upsample_, pass.batch, x, y);
  }
  void backward(const Pass<T>& pass, const T*, const T* dy, T* dx) const {
    if (dx != nullptr) upsample_backward(pass.backend.threads, upsample_, pass.batch, dy, dx);
  }

 private:
  kernels::Upsample upsample_;
};

}  // namespace abell

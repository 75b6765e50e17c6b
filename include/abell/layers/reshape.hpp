#pragma once
/// The same values in another shape; memory is in the order height, width, channel.

#include <abell/layers/stage.hpp>
#include <algorithm>
#include <limits>

namespace abell {

/// The stage of a layer that changes the shape alone.
template <class T, class Layer>
class ReshapeStage {
 public:
  ReshapeStage(const Place& place, const Layer&) : size_(place.input.size()) {}
  void forward(const Pass<T>& pass, const T* x, T* y) const {
    std::copy_n(x, size_ * static_cast<std::size_t>(pass.batch), y);
  }
  void backward(const Pass<T>& pass, const T*, const T* dy, T* dx) const {
    if (dx != nullptr) std::copy_n(dy, size_ * static_cast<std::size_t>(pass.batch), dx);
  }

 private:
  std::size_t size_;
};

/// The image as one vector, the channels next to each other: Keras's Flatten, [height][width][channels] ->
/// [height width channels].
struct Flatten {
  std::string_view name = {};
  static constexpr std::string_view kind = "Flatten";
  template <class T>
  using Stage = ReshapeStage<T, Flatten>;
  /// Throws ShapeError for 2^31 values and more.
  Shape output(const Place& place) const {
    if (place.input.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
      shape_error(place.name, kind, "an input of fewer than 2^31 values", to_string(place.input));
    }
    return {1, 1, static_cast<int>(place.input.size())};
  }
};

/// The values as an image of `shape`: Keras's Reshape.
struct Reshape {
  Shape shape = {};
  std::string_view name = {};
  static constexpr std::string_view kind = "Reshape";
  static constexpr auto options = std::tuple(Option{"shape", &Reshape::shape});
  template <class T>
  using Stage = ReshapeStage<T, Reshape>;
  /// Throws OptionError for a side below 1, ShapeError for a shape of more or fewer values than the input's.
  Shape output(const Place& place) const {
    require_at_least(place, kind, "a side", std::min({shape.height, shape.width, shape.channels}), 1);
    if (shape.size() != place.input.size()) {
      shape_error(place.name, kind, std::to_string(shape.size()) + " values for " + to_string(shape),
                  std::to_string(place.input.size()) + " of " + to_string(place.input));
    }
    return shape;
  }
};

}  // namespace abell

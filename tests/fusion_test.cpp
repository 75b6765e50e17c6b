/// A layer of a user's own brings the fused form that it belongs to.

#include <abell/abell.hpp>
#include <abell/layers/fused_stage.hpp>
#include <algorithm>
#include <cstddef>
#include <string_view>

#include "catch.hpp"
#include "error_message.hpp"

using namespace abell;

namespace {

template <class T, int factor>
class TimesStage {
 public:
  explicit TimesStage(const Place& place) : size_(place.input.size()) {}
  void forward(const Pass<T>& pass, const T* x, T* y) const { times(pass, x, y); }
  void backward(const Pass<T>& pass, const T*, const T* dy, T* dx) const {
    if (dx != nullptr) times(pass, dy, dx);
  }

 private:
  void times(const Pass<T>& pass, const T* from, T* to) const {
    std::transform(from, from + size_ * static_cast<std::size_t>(pass.batch), to, [](T v) { return factor * v; });
  }
  std::size_t size_;
};

template <class T>
class DoubleStage;
template <class T>
class QuadrupleStage;

/// y = 2x; two in a row are one stage.
struct Double {
  std::string_view name = {};
  static constexpr std::string_view kind = "Double";
  template <class T>
  using Stage = DoubleStage<T>;
  template <class T>
  using Fused = QuadrupleStage<T>;
};

template <class T>
class DoubleStage : public TimesStage<T, 2> {
 public:
  template <class Layer>
  DoubleStage(const Place& place, const Layer&) : TimesStage<T, 2>(place) {}
};

template <class T>
class QuadrupleStage : public TimesStage<T, 4> {
 public:
  QuadrupleStage(const Place& place, const Double&, const Double&) : TimesStage<T, 4>(place) {}
  static std::optional<FusedStage<T>> fuse(const Place& place, std::span<const AnyLayer<T>> layers) {
    return abell::fuse<QuadrupleStage, Double, Double>(place, layers);
  }
};

/// A layer that knows a fused form of more layers than there are.
struct Greedy {
  std::string_view name = {};
  static constexpr std::string_view kind = "Greedy";
  template <class T>
  using Stage = DoubleStage<T>;
  template <class T>
  struct Fused {
    static std::optional<FusedStage<T>> fuse(const Place& place, std::span<const AnyLayer<T>> layers) {
      return FusedStage<T>{layers.front().stage(place), layers.size() + 1};
    }
  };
};

constexpr Shape shape{5, 4, 3};

}  // namespace

TEST_CASE("layers of one's own fuse, and with the library's between them do not", "[fusion]") {
  constexpr auto layers = describe(Double{}, Double{}, Double{}, Conv2d{.filters = 2}, Relu{}, Double{}, Relu{});
  const auto fused = build<float>(layers, shape);
  const auto plain = build<float, Fusion::off>(layers, shape);
  CHECK(plain.stage_count() == 7);
  REQUIRE(fused.stage_count() == 5);  // two and one, convolution and ReLU, one, one
  CHECK(fused.layers()[0].fused);
  CHECK_FALSE(fused.layers()[1].fused);
  CHECK_FALSE(fused.layers()[2].fused);
  CHECK(fused.layers()[3].fused);
  CHECK_FALSE(fused.layers()[5].fused);

  Tensor<float> images(2, shape);
  Random random(3);
  for (float& value : images.span()) value = static_cast<float>(random.normal());
  const Tensor<float> a = fused.predict(images), b = plain.predict(images);
  CHECK(std::ranges::equal(a.span(), b.span()));
}

TEST_CASE("a third layer brings a fused form, and layers within layers fuse", "[fusion]") {
  const auto network =
      build<float>(describe(Residual{describe(Conv2d{.filters = 3}, Relu{}, MaxPool2d{.stride = 1}, Double{})}), shape);
  const std::vector<LayerInfo>& path = network.layers()[0].branches[0];
  CHECK(path[0].fused);
  CHECK(path[1].fused);
  CHECK_FALSE(path[2].fused);
}

TEST_CASE("a fused form of more layers than there are is refused", "[fusion]") {
  CHECK(message_of<ShapeError>([] { build<float>(describe(Double{}, Greedy{}), shape); }) ==
        "layer double_1 (Double): expected a fused stage of 1 to 2 layers, found 3");
}

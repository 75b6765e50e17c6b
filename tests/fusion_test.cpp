/// A layer of a user's own brings the fused form that it belongs to.

#include <abell/abell.hpp>
#include <abell/layers/fused_stage.hpp>
#include <algorithm>
#include <cstddef>
#include <string_view>

#include "catch.hpp"

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
  DoubleStage(const Place& place, const Double&) : TimesStage<T, 2>(place) {}
};

template <class T>
class QuadrupleStage : public TimesStage<T, 4> {
 public:
  QuadrupleStage(const Place& place, const Double&, const Double&) : TimesStage<T, 4>(place) {}
  static std::optional<FusedStage<T>> fuse(const Place& place, std::span<const AnyLayer<T>> layers) {
    return abell::fuse<QuadrupleStage, Double, Double>(place, layers);
  }
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

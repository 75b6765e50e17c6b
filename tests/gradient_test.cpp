/// Gradients against differences in double: every layer, fused stages, the loss, whole networks; and
/// broken layers, which the check must flag.

#include <abell/data/samples.hpp>
#include <abell/losses/softmax_cross_entropy.hpp>
#include <abell/testing/gradcheck.hpp>
#include <algorithm>
#include <cmath>

#include "catch.hpp"
#include "check_stage.hpp"
#include "kernel_tools.hpp"

using namespace abell;

namespace {

/// The mean cross-entropy for gradcheck.
auto cross_entropy(std::vector<int> labels, std::vector<float> class_weights = {}) {
  return [labels = std::move(labels), class_weights = std::move(class_weights)](View<double> logits, bool gradient) {
    return SoftmaxCrossEntropy{.class_weights = class_weights}(logits, label_targets(labels), gradient).loss /
           logits.batch;
  };
}

/// Small random biases, so that no unit sits on ReLU's kink.
template <class Network>
void draw_biases(Network& network, std::uint64_t seed) {
  Random random(seed);
  for (const NamedParameter& named : network.named_parameters()) {
    if (!named.name.ends_with("/bias")) continue;
    for (double& value : network.parameters().subspan(named.offset, named.size)) value = random.uniform(-0.3, 0.3);
  }
}

Tensor<double> random_images(int batch, Shape shape, std::uint64_t seed = 5) {
  Tensor<double> images(batch, shape);
  Random random(seed);
  for (double& value : images.span()) value = random.normal();
  return images;
}

}  // namespace

TEST_CASE("gradients of Conv2d agree with differences for every kernel, stride and padding", "[gradients]") {
  const std::vector<Extent> kernels = testing::reduced()
                                          ? std::vector<Extent>{{3, 3}, {2, 5}}
                                          : std::vector<Extent>{{1, 1}, {2, 2}, {3, 3}, {5, 5}, {1, 4}, {2, 5}, {7, 3}};
  for (const Padding padding : {Padding::same, Padding::valid}) {
    for (const Extent stride : {Extent{1}, Extent{2}, Extent{2, 3}}) {
      for (const Extent kernel : kernels) {
        INFO("kernel " << to_string(kernel) << ", stride " << to_string(stride));
        CHECK_STAGE(gradcheck_stage<Conv2dStage>(
            {8, 7, 3}, 2, {}, Conv2d{.filters = 5, .kernel_size = kernel, .stride = stride, .padding = padding}));
      }
    }
  }
  CHECK_STAGE(gradcheck_stage<Conv2dStage>({5, 4, 2}, 3, {}, Conv2d{.filters = 3, .bias = false}));
  CHECK_STAGE(gradcheck_stage<Conv2dStage>({1, 1, 3}, 1, {}, Conv2d{.filters = 2}));
}

TEST_CASE("gradients of MaxPool2d agree with differences", "[gradients]") {
  for (const Padding padding : {Padding::same, Padding::valid}) {
    for (const Extent window : {Extent{2}, Extent{3}, Extent{2, 3}}) {
      for (const Extent stride : {Extent{1}, Extent{2}, Extent{3, 2}}) {
        INFO("window " << to_string(window) << ", stride " << to_string(stride));
        CHECK_STAGE(gradcheck_stage<MaxPool2dStage>(
            {7, 6, 3}, 2, {}, MaxPool2d{.pool_size = window, .stride = stride, .padding = padding}));
      }
    }
  }
}

TEST_CASE("gradients of Dense, Relu, Dropout, Softmax and Flatten agree with differences", "[gradients]") {
  CHECK_STAGE(gradcheck_stage<DenseStage>({1, 1, 7}, 3, {}, Dense{.units = 4}));
  CHECK_STAGE(gradcheck_stage<DenseStage>({1, 1, 1}, 1, {}, Dense{.units = 1}));
  CHECK_STAGE(gradcheck_stage<DenseStage>({1, 1, 33}, 5, {}, Dense{.units = 18}));
  CHECK_STAGE(gradcheck_stage<Relu::Stage>({5, 3, 4}, 2, {}, Relu{}));
  CHECK_STAGE(gradcheck_stage<DropoutStage>({4, 5, 3}, 2, {}, Dropout{.rate = 0.4}));
  CHECK_STAGE(gradcheck_stage<DropoutStage>({1, 1, 9}, 2, {}, Dropout{.rate = 0}));
  CHECK_STAGE(gradcheck_stage<SoftmaxStage>({1, 1, 6}, 4, {}, Softmax{}));
  CHECK_STAGE(gradcheck_stage<SoftmaxStage>({3, 2, 5}, 2, {}, Softmax{}));
  CHECK_STAGE(gradcheck_stage<Flatten::Stage>({3, 2, 5}, 2, {}, Flatten{}));
}

TEST_CASE("gradients of DepthwiseConv2d agree with differences", "[gradients]") {
  for (const Padding padding : {Padding::same, Padding::valid, Padding::symmetric, Padding::after}) {
    for (const Extent stride : {Extent{1}, Extent{2}, Extent{2, 3}}) {
      for (const Extent kernel : {Extent{3}, Extent{2, 5}, Extent{1}}) {
        for (const int multiplier : {1, 3}) {
          INFO("kernel " << to_string(kernel) << ", stride " << to_string(stride) << ", multiplier " << multiplier);
          CHECK_STAGE(gradcheck_stage<DepthwiseConv2dStage>(
              {8, 7, 3}, 2, {},
              DepthwiseConv2d{
                  .kernel_size = kernel, .stride = stride, .padding = padding, .depth_multiplier = multiplier}));
        }
      }
    }
  }
  CHECK_STAGE(gradcheck_stage<DepthwiseConv2dStage>({5, 4, 19}, 3, {}, DepthwiseConv2d{.bias = false}));
}

TEST_CASE("gradients of BatchNorm, Relu6 and GlobalAveragePool2d agree with differences", "[gradients]") {
  CHECK_STAGE(gradcheck_stage<BatchNormStage>({4, 3, 5}, 3, {}, BatchNorm{}));
  CHECK_STAGE(gradcheck_stage<BatchNormStage>({1, 1, 17}, 4, {}, BatchNorm{.epsilon = 0.1}));
  for (const FrozenStatistics frozen : {FrozenStatistics::moving, FrozenStatistics::batch}) {
    CHECK_STAGE(gradcheck_stage<BatchNormStage>({4, 3, 5}, 3, {}, BatchNorm{.trainable = false, .frozen = frozen}));
  }
  CHECK_STAGE(gradcheck_stage<Relu6::Stage>({5, 3, 4}, 2, {}, Relu6{}));
  CHECK_STAGE(gradcheck_stage<GlobalAveragePool2dStage>({4, 5, 19}, 3, {}, GlobalAveragePool2d{}));
}

TEST_CASE("gradients of normalised convolutions agree with differences", "[gradients]") {
  const BatchNorm norm;  // a bias before it has no gradient but rounding
  for (const Shape shape : {Shape{5, 4, 3}, Shape{4, 4, 17}}) {
    INFO(to_string(shape));
    CHECK_STAGE(gradcheck_stage<NormalizedChainStage>(shape, 3, {}, Conv2d{.filters = 4, .stride = 2, .bias = false},
                                                      norm, Relu6{}));
    CHECK_STAGE(gradcheck_stage<NormalizedChainStage>(
        shape, 3, {}, Conv2d{.filters = 6, .kernel_size = 1, .bias = false}, norm, Relu6{}));
    CHECK_STAGE(gradcheck_stage<NormalizedChainStage>(shape, 3, {}, DepthwiseConv2d{.bias = false}, norm, Relu6{}));
    CHECK_STAGE(gradcheck_stage<NormalizedChainStage>(
        shape, 3, {}, Conv2d{.filters = 5, .bias = false}, norm, Relu6{},
        DepthwiseConv2d{.stride = 2, .depth_multiplier = 2, .bias = false}, norm, Relu6{},
        Conv2d{.filters = 4, .kernel_size = 1, .bias = false}, norm, Relu6{}));
    CHECK_STAGE(gradcheck_stage<NormalizedChainStage>(
        shape, 3, {}, DepthwiseConv2d{.bias = false}, norm, Relu6{},
        Conv2d{.filters = 4, .kernel_size = 1, .bias = false}, norm, Relu6{},
        Conv2d{.filters = 5, .padding = Padding::valid, .bias = false}, norm, Relu6{}));
  }
  BatchNorm frozen{.trainable = false};
  CHECK_STAGE(gradcheck_stage<NormalizedChainStage>({6, 5, 3}, 2, {}, Conv2d{.filters = 4, .kernel_size = 1}, frozen,
                                                    Relu6{}, DepthwiseConv2d{.bias = false}, norm, Relu6{},
                                                    Conv2d{.filters = 4, .kernel_size = 1}, frozen, Relu6{}));
  frozen.frozen = FrozenStatistics::batch;
  CHECK_STAGE(gradcheck_stage<NormalizedChainStage>({6, 5, 3}, 2, {}, DepthwiseConv2d{.bias = false}, frozen, Relu6{},
                                                    Conv2d{.filters = 4, .kernel_size = 1, .bias = false}, frozen,
                                                    Relu6{}, DepthwiseConv2d{.bias = false}, norm, Relu6{}));
}

TEST_CASE("gradients of the fused stage agree with differences in both of its forms", "[gradients]") {
  for (const Shape shape : {Shape{8, 8, 3}, Shape{7, 9, 5}, Shape{1, 3, 9}, Shape{5, 6, 17}}) {
    INFO("one pass, " << to_string(shape));
    CHECK_STAGE(gradcheck_stage<Conv2dReluPoolStage>(shape, 2, {}, Conv2d{.filters = 6}, Relu{}, MaxPool2d{}));
  }
  CHECK_STAGE(gradcheck_stage<Conv2dReluPoolStage>({9, 8, 3}, 2, {}, Conv2d{.filters = 4, .kernel_size = 5}, Relu{},
                                                   MaxPool2d{}));
  CHECK_STAGE(
      gradcheck_stage<Conv2dReluPoolStage>({11, 9, 2}, 2, {}, Conv2d{.filters = 4, .stride = 2}, Relu{}, MaxPool2d{}));
  CHECK_STAGE(
      gradcheck_stage<Conv2dReluPoolStage>({9, 9, 2}, 2, {}, Conv2d{.filters = 4}, Relu{}, MaxPool2d{.pool_size = 3}));
  CHECK_STAGE(gradcheck_stage<Conv2dReluPoolStage>(
      {12, 10, 3}, 1, {}, Conv2d{.filters = 4, .kernel_size = 5, .stride = 2}, Relu{}, MaxPool2d{.pool_size = 3}));
  CHECK_STAGE(gradcheck_stage<Conv2dReluPoolStage>({8, 8, 2}, 2, {}, Conv2d{.filters = 3, .padding = Padding::valid},
                                                   Relu{}, MaxPool2d{.padding = Padding::valid}));
  CHECK_STAGE(
      gradcheck_stage<Conv2dReluPoolStage>({6, 7, 2}, 2, {}, Conv2d{.filters = 3, .bias = false}, Relu{}, MaxPool2d{}));
}

namespace {

/// The custom network in small: the same layers, 30 x 30 images, 30 -> 15 -> 8 -> 4 -> 2 -> 1.
constexpr auto small_cluster_net =
    describe(Conv2d{.filters = 6}, Relu{}, MaxPool2d{},  //
             Conv2d{.filters = 5}, Relu{}, MaxPool2d{},  //
             Conv2d{.filters = 4}, Relu{}, MaxPool2d{},  //
             Conv2d{.filters = 4}, Relu{}, MaxPool2d{},  //
             Flatten{}, Dense{.units = 12}, Relu{}, Dropout{.rate = 0.5}, Dense{.units = 3}, Softmax{});

template <Fusion fusion>
void check_small_cluster_net() {
  auto network = build<double, fusion>(small_cluster_net, {30, 30, 3}, 3);
  draw_biases(network, 4);
  auto images = random_images(3, {30, 30, 3});
  const auto before = std::vector<double>(network.parameters().begin(), network.parameters().end());
  const std::size_t most = testing::reduced() ? 20 : 100;
  CHECK_STAGE(gradcheck(network, images, cross_entropy({0, 2, 1}), {.most = most}));
  CHECK_STAGE(gradcheck(network, images, cross_entropy({2, 2, 1}, {0.5F, 1.0F, 3.0F}), {.most = most / 4}));
  CHECK_STAGE(gradcheck(network, images, {.most = most / 4}));
  CHECK(std::ranges::equal(before, network.parameters()));
}

}  // namespace

TEST_CASE("gradients of the custom network in small agree with differences, fused and plain", "[gradients]") {
  check_small_cluster_net<Fusion::on>();
  check_small_cluster_net<Fusion::off>();
}

TEST_CASE("gradients of a network with Softmax in its middle agree with differences", "[gradients]") {
  auto network = build<double>(describe(Conv2d{.filters = 3, .kernel_size = {2, 3}, .stride = {2, 1}}, Softmax{},
                                        MaxPool2d{.pool_size = 3}, Dropout{.rate = 0.2}, Flatten{}, Dense{.units = 5}),
                               {7, 6, 2});
  draw_biases(network, 2);
  auto images = random_images(2, {7, 6, 2});
  CHECK_STAGE(gradcheck(network, images));
}

TEST_CASE("the gradient of the loss agrees with differences", "[gradients]") {
  auto network = build<double>(describe(Flatten{}, Softmax{}), {1, 1, 4});
  auto images = random_images(3, {1, 1, 4});
  CHECK_STAGE(gradcheck(network, images, cross_entropy({3, 0, 2})));
  CHECK_STAGE(gradcheck(network, images, cross_entropy({3, 0, 2}, {1, 2, 3, 4})));
}

// ---------------------------------------------------------------- tests of the check itself

namespace {

/// Stages with one fault each. The comment says what is wrong; `broken_...` hides the right backward.
template <class T>
struct WrongSign : DenseStage<T> {  // dx has the wrong sign
  using DenseStage<T>::DenseStage;
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    DenseStage<T>::backward(pass, x, dy, dx);
    for (int i = 0; dx != nullptr && i < pass.batch * 4; ++i) dx[i] = -dx[i];
  }
};

template <class T>
struct MissingBias : Conv2dStage<T> {  // the bias gradient is never written
  MissingBias(const Place& place, const Conv2d& options)
      : Conv2dStage<T>(place, options), weights(options.geometry(place).weight_size()), filters(options.filters) {}
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    const std::vector<T> before(pass.gradients + weights, pass.gradients + weights + filters);
    Conv2dStage<T>::backward(pass, x, dy, dx);
    std::ranges::copy(before, pass.gradients + weights);
  }
  std::size_t weights;
  int filters;
};

template <class T>
struct ZeroBias : MissingBias<T> {  // the bias gradient is zero
  using MissingBias<T>::MissingBias;
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    Conv2dStage<T>::backward(pass, x, dy, dx);
    std::fill_n(pass.gradients + this->weights, this->filters, T(0));
  }
};

template <class T>
struct TransposedWeights : DenseStage<T> {  // dx = dy W instead of dy W^T (as many units as inputs)
  using DenseStage<T>::DenseStage;
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    DenseStage<T>::backward(pass, x, dy, nullptr);
    for (int i = 0; dx != nullptr && i < pass.batch * 4; ++i) {
      dx[i] = 0;
      for (int k = 0; k < 4; ++k) dx[i] += dy[i / 4 * 4 + k] * pass.parameters[k * 4 + i % 4];
    }
  }
};

template <class T>
struct FactorN : DenseStage<T> {  // the weights' gradient is a mean over the batch, not a sum
  using DenseStage<T>::DenseStage;
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    DenseStage<T>::backward(pass, x, dy, dx);
    for (int i = 0; i < 16; ++i) pass.gradients[i] /= static_cast<T>(pass.batch);
  }
};

template <class T>
struct Accumulates : DenseStage<T> {  // adds to the gradients instead of assigning them
  using DenseStage<T>::DenseStage;
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    const std::vector<T> before(pass.gradients, pass.gradients + 20);
    DenseStage<T>::backward(pass, x, dy, dx);
    for (std::size_t i = 0; i < before.size(); ++i) pass.gradients[i] += before[i];
  }
};

template <class T>
struct ShiftedPad {  // forward pads one cell more before than backward
  static constexpr std::size_t layers = 1;
  ShiftedPad(const Place& place, const Conv2d& options) : right(place, options), geometry(options.geometry(place)) {
    --geometry.pad_top;
  }
  StageMemory memory(const kernels::Backend<T>& backend, int batch, Mode mode) const {
    return right.memory(backend, batch, mode);
  }
  void forward(const Pass<T>& pass, const T* x, T* y) const {
    conv2d_forward(pass.backend, geometry, pass.batch, x, pass.parameters, pass.parameters + geometry.weight_size(), y,
                   pass.scratch);
  }
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const { right.backward(pass, x, dy, dx); }
  Conv2dStage<T> right;
  kernels::Conv2dGeometry geometry;
};

template <class T>
struct LeakyBackward : ElementwiseStage<T, Relu> {  // lets the gradient through everywhere
  using ElementwiseStage<T, Relu>::ElementwiseStage;
  void backward(const Pass<T>&, const T*, const T* dy, T* dx) const {
    if (dx != nullptr) std::copy_n(dy, 24, dx);
  }
};

template <class T>
struct OtherMask : DropoutStage<T> {  // draws a new mask in the backward pass
  using DropoutStage<T>::DropoutStage;
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    Pass<T> next = pass;
    ++next.step;
    DropoutStage<T>::backward(next, x, dy, dx);
  }
};

template <class T>
struct WrongCell : MaxPool2dStage<T> {  // gives the gradient to the first cell of each window
  using MaxPool2dStage<T>::MaxPool2dStage;
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    std::fill_n(pass.saved, pass.batch * 12, std::byte{0});
    MaxPool2dStage<T>::backward(pass, x, dy, dx);
  }
};

template <class T>
struct NoCoupling : SoftmaxStage<T> {  // forgets the sum: dx = y dy
  using SoftmaxStage<T>::SoftmaxStage;
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    if (dx == nullptr) return;
    SoftmaxStage<T>::forward(pass, x, dx);
    for (int i = 0; i < pass.batch * 4; ++i) dx[i] *= dy[i];
  }
};

template <class T>
struct ReadsLate : DenseStage<T> {  // reads x after it has written dx
  using DenseStage<T>::DenseStage;
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    DenseStage<T>::backward(pass, x, dy, dx);
    DenseStage<T>::backward(pass, x, dy, nullptr);
  }
};

template <class T>
struct Forgetful : ElementwiseStage<T, Relu> {  // leaves the last value of dx unwritten
  using ElementwiseStage<T, Relu>::ElementwiseStage;
  void backward(const Pass<T>&, const T* x, const T* dy, T* dx) const {
    for (int i = 0; dx != nullptr && i < 23; ++i) dx[i] = x[i] > 0 ? dy[i] : T(0);
  }
};

template <class T>
struct Unsteady : DenseStage<T> {  // gives other bits each time
  using DenseStage<T>::DenseStage;
  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    static int calls = 0;
    DenseStage<T>::backward(pass, x, dy, dx);
    pass.gradients[0] *= 1 + ++calls * 1e-14;
  }
};

#define CHECK_FLAGGED(...)                     \
  do {                                         \
    const GradcheckResult found = __VA_ARGS__; \
    INFO(to_string(found));                    \
    CHECK_FALSE(found.passed(1e-4));           \
  } while (false)

}  // namespace

TEST_CASE("the gradient check flags layers with a fault", "[gradients][meta]") {
  const Dense dense{.units = 4};
  const Shape vector{1, 1, 4};
  CHECK_STAGE(gradcheck_stage<DenseStage>(vector, 3, {}, dense));
  CHECK_FLAGGED(gradcheck_stage<WrongSign>(vector, 3, {}, dense));
  CHECK_FLAGGED(gradcheck_stage<TransposedWeights>(vector, 3, {}, dense));
  CHECK_FLAGGED(gradcheck_stage<FactorN>(vector, 3, {}, dense));
  CHECK_FLAGGED(gradcheck_stage<Accumulates>(vector, 3, {}, dense));
  CHECK_FLAGGED(gradcheck_stage<ReadsLate>(vector, 3, {}, dense));
  CHECK_FLAGGED(gradcheck_stage<Unsteady>(vector, 3, {}, dense));
  CHECK_FLAGGED(gradcheck_stage<MissingBias>({5, 4, 2}, 2, {}, Conv2d{.filters = 3}));
  CHECK_FLAGGED(gradcheck_stage<ZeroBias>({5, 4, 2}, 2, {}, Conv2d{.filters = 3}));
  CHECK_FLAGGED(gradcheck_stage<ShiftedPad>({5, 4, 2}, 2, {}, Conv2d{.filters = 3}));
  CHECK_FLAGGED(gradcheck_stage<LeakyBackward>({2, 2, 3}, 2, {}, Relu{}));
  CHECK_FLAGGED(gradcheck_stage<Forgetful>({2, 2, 3}, 2, {}, Relu{}));
  CHECK_FLAGGED(gradcheck_stage<OtherMask>({3, 3, 4}, 2, {}, Dropout{.rate = 0.5}));
  CHECK_FLAGGED(gradcheck_stage<WrongCell>({4, 4, 3}, 2, {}, MaxPool2d{}));
  CHECK_FLAGGED(gradcheck_stage<NoCoupling>(vector, 3, {}, Softmax{}));
}

TEST_CASE("the gradient check says where the worst error is", "[gradients][meta]") {
  const auto sign = gradcheck_stage<WrongSign>({1, 1, 4}, 3, {}, Dense{.units = 4, .name = "head"});
  CHECK(sign.where.substr(0, 6) == "input[");
  CHECK(sign.worst == Approx(2).epsilon(1e-6));
  CHECK(sign.gradient == Approx(-sign.difference).epsilon(1e-6));
  CHECK(gradcheck_stage<ZeroBias>({5, 4, 2}, 2, {}, Conv2d{.filters = 3}).where.substr(0, 14) == "conv2d_1/bias[");
  CHECK(gradcheck_stage<MissingBias>({5, 4, 2}, 2, {}, Conv2d{.filters = 3}).broken ==
        "conv2d_1/bias[0] is NaN or was not written");
  CHECK(gradcheck_stage<ReadsLate>({1, 1, 4}, 3, {}, Dense{.units = 4, .name = "head"}).broken ==
        "head: dx in the memory of x gave other bits");
}

TEST_CASE("the gradient check skips kinks and passes nothing that is all kinks", "[gradients][meta]") {
  // An input of zeros without a bias: every unit sits exactly on ReLU's kink.
  auto network = build<double>(describe(Relu{}), {1, 1, 6});
  Tensor<double> images(2, {1, 1, 6});
  const GradcheckResult all = gradcheck(network, images);
  CHECK(all.skipped == 12);
  CHECK_FALSE(all.passed());
  // Kinks at any distance within the step.
  for (const double distance : {0.0, 0.1, 1.0 / 3, 0.5, 0.7, 0.95}) {
    INFO(distance);
    std::ranges::fill(images.span(), 1.0);
    images.span()[3] = distance * 2e-5;
    const GradcheckResult one = gradcheck(network, images);
    CHECK(one.skipped == 1);
    CHECK(one.checked == 11);
    CHECK(one.passed());
  }
}

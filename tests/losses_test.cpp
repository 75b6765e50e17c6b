/// Losses against naive references in double: values, metrics, gradients, what is left out, what is refused.

#include <abell/abell.hpp>
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "catch.hpp"
#include "error_message.hpp"

using namespace abell;

namespace {

constexpr float unknown = std::numeric_limits<float>::quiet_NaN();
constexpr int batch = 3;

/// Loss and metric of one image.
struct Measured {
  double loss = 0, metric = 0;
};
/// From the outputs of one image (logits where the loss is fused with an activation), its targets, and their shape.
using Reference = std::function<Measured(const double* outputs, const float* targets, const Shape& shape)>;

double logistic(double z) { return 1 / (1 + std::exp(-z)); }

Reference softmax_reference(std::vector<double> weights, double smoothing) {
  return [=](const double* z, const float* labels, const Shape& shape) {
    const auto classes = static_cast<std::size_t>(shape.channels);
    Measured sum;
    double known = 0;
    for (std::size_t pixel = 0; pixel < shape.pixels(); ++pixel, z += classes) {
      if (labels[pixel] < 0) continue;
      const auto label = static_cast<std::size_t>(labels[pixel]);
      double total = 0, loss = 0;
      for (std::size_t i = 0; i < classes; ++i) total += std::exp(z[i]);
      for (std::size_t i = 0; i < classes; ++i) {
        const double q = (i == label ? 1 - smoothing : 0) + smoothing / shape.channels;
        loss -= q * std::log(std::exp(z[i]) / total);
      }
      sum.loss += weights.empty() ? loss : weights[label] * loss;
      sum.metric += std::max_element(z, z + classes) == z + label;
      ++known;
    }
    return Measured{sum.loss / known, sum.metric / known};
  };
}

/// The mean of what `term(y, t)` gives for each known target.
Reference mean_reference(std::function<Measured(double, double)> term) {
  return [=](const double* y, const float* t, const Shape& shape) {
    Measured sum;
    double known = 0;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (std::isnan(t[i])) continue;
      const Measured one = term(y[i], static_cast<double>(t[i]));
      sum = {sum.loss + one.loss, sum.metric + one.metric};
      ++known;
    }
    return Measured{sum.loss / known, sum.metric / known};
  };
}

Reference focal_reference(double alpha, double beta, std::vector<double> weights) {
  return [=](const double* z, const float* y, const Shape& shape) {
    double objects = 0, loss = 0;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (std::isnan(y[i])) continue;
      const double p = logistic(z[i]), target = static_cast<double>(y[i]);
      const double weight = weights[i % weights.size()];
      objects += target == 1;
      loss -= weight * (target == 1 ? std::pow(1 - p, alpha) * std::log(p)
                                    : std::pow(1 - target, beta) * std::pow(p, alpha) * std::log(1 - p));
    }
    return Measured{loss / std::max(objects, 1.0), 0};
  };
}

struct Case {
  std::string name;
  Loss loss;
  Loss unweighted;  ///< what of_predictions measures
  Reference reference;
  Shape shape;
  std::string metric;
  std::vector<float> targets;  ///< values to draw from
};

std::vector<Case> cases() {
  const auto square = [](double y, double t) { return Measured{(y - t) * (y - t), std::abs(y - t)}; };
  const auto huber = [](double y, double t) {
    const double e = std::abs(y - t);
    return Measured{e <= 0.7 ? e * e / 2 : 0.7 * (e - 0.35), e};
  };
  const auto binary = [](double z, double t) {
    const double p = logistic(z);
    return Measured{-t * std::log(p) - (1 - t) * std::log(1 - p), (p > 0.5) == (t > 0.5) ? 1.0 : 0.0};
  };
  const std::vector<float> labels{0, 1, 2, 3}, map_labels{-1, 0, 1, 2};
  const SoftmaxCrossEntropy plain, smooth{.label_smoothing = 0.2};
  const SoftmaxCrossEntropy weighted{.class_weights = {1, 2, 0.5F, 3}, .label_smoothing = 0.1};
  return {
      {"softmax", plain, plain, softmax_reference({}, 0), {1, 1, 4}, "accuracy", labels},
      {"smoothed", smooth, smooth, softmax_reference({}, 0.2), {1, 1, 4}, "accuracy", labels},
      {"weighted",
       weighted,
       SoftmaxCrossEntropy{.label_smoothing = 0.1},
       softmax_reference({1, 2, 0.5, 3}, 0.1),
       {1, 1, 4},
       "accuracy",
       labels},
      {"map", plain, plain, softmax_reference({}, 0), {4, 5, 3}, "accuracy", map_labels},
      {"weighted map",
       SoftmaxCrossEntropy{.class_weights = {1, 2, 3}},
       plain,
       softmax_reference({1, 2, 3}, 0),
       {4, 5, 3},
       "accuracy",
       map_labels},
      {"sigmoid",
       SigmoidCrossEntropy{},
       SigmoidCrossEntropy{},
       mean_reference(binary),
       {2, 3, 4},
       "accuracy",
       {0, 1, 0.25F, unknown}},
      {"squares",
       MeanSquaredError{},
       MeanSquaredError{},
       mean_reference(square),
       {1, 1, 5},
       "mean_absolute_error",
       {-1, 0.5F, 2, unknown}},
      {"huber",
       Huber{.delta = 0.7},
       Huber{.delta = 0.7},
       mean_reference(huber),
       {2, 2, 3},
       "mean_absolute_error",
       {-1, 0.5F, 2, unknown}},
      {"focal",
       HeatMapFocal{},
       HeatMapFocal{},
       focal_reference(2, 4, {1}),
       {4, 5, 2},
       "",
       {0, 0, 0.3F, 0.9F, 1, unknown}},
      {"weighted focal",
       HeatMapFocal{.alpha = 1.5, .beta = 3, .channel_weights = {1, 0.5F}},
       HeatMapFocal{.alpha = 1.5, .beta = 3, .channel_weights = {1, 0.5F}},
       focal_reference(1.5, 3, {1, 0.5}),
       {4, 5, 2},
       "",
       {0, 0, 0.3F, 0.9F, 1, unknown}},
      {"focal without an object",
       HeatMapFocal{},
       HeatMapFocal{},
       focal_reference(2, 4, {1}),
       {4, 5, 1},
       "",
       {0, 0.3F, 0.9F}},
  };
}

bool per_pixel(const Loss& loss) { return loss.as<SoftmaxCrossEntropy>() != nullptr; }

Tensor<float> targets_of(const Case& c, std::uint64_t seed) {
  Tensor<float> targets(batch, per_pixel(c.loss) ? Shape{c.shape.height, c.shape.width, 1} : c.shape);
  Random random(seed);
  for (float& target : targets.span()) target = c.targets[random.below(static_cast<std::uint32_t>(c.targets.size()))];
  return targets;
}

template <class T>
Tensor<T> copy_of(const Tensor<double>& from) {
  Tensor<T> to(from.batch(), from.shape());
  std::ranges::transform(from.span(), to.data(), [](double value) { return static_cast<T>(value); });
  return to;
}

Tensor<double> outputs_of(const Case& c, std::uint64_t seed) {
  Tensor<double> outputs(batch, c.shape);
  Random random(seed);
  for (double& value : outputs.span()) value = random.normal(0, 2);
  return outputs;
}

/// What the network would predict: the loss's activation of its outputs.
Tensor<double> predictions_of(const Loss& loss, const Tensor<double>& outputs) {
  Tensor<double> predictions = copy_of<double>(outputs);
  const auto channels = static_cast<std::size_t>(outputs.shape().channels);
  for (std::size_t i = 0; i < predictions.size(); i += channels) {
    double total = 0;
    for (std::size_t k = i; k < i + channels; ++k) total += std::exp(outputs.data()[k]);
    for (std::size_t k = i; k < i + channels; ++k) {
      if (loss.activation() == "Softmax") predictions.data()[k] = std::exp(outputs.data()[k]) / total;
      if (loss.activation() == "Sigmoid") predictions.data()[k] = logistic(outputs.data()[k]);
    }
  }
  return predictions;
}

}  // namespace

TEST_CASE("losses and metrics agree with naive references", "[loss]") {
  for (const Case& c : cases()) {
    INFO(c.name);
    CHECK(c.loss.metric() == c.metric);
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      const auto targets = targets_of(c, seed);
      auto outputs = outputs_of(c, seed + 10);
      auto floats = copy_of<float>(outputs);
      Measured expected;
      for (int n = 0; n < batch; ++n) {
        const Measured one = c.reference(outputs.view().image(n), targets.view().image(n), c.shape);
        expected = {expected.loss + one.loss, expected.metric + one.metric};
      }
      const auto kept = copy_of<double>(outputs);
      const LossSum found = c.loss(outputs.view(), targets.view(), false);
      CHECK(std::ranges::equal(outputs.span(), kept.span()));
      CHECK(found.loss == Approx(expected.loss).epsilon(1e-12));
      CHECK(found.metric == Approx(c.metric.empty() ? 0 : expected.metric).epsilon(1e-12));
      CHECK(found.images == batch);
      CHECK(c.loss(floats.view(), targets.view(), false).loss == Approx(expected.loss).epsilon(1e-5));
    }
  }
}

TEST_CASE("the gradients of losses agree with differences", "[loss]") {
  for (const Case& c : cases()) {
    INFO(c.name);
    const auto targets = targets_of(c, 3);
    auto outputs = outputs_of(c, 4);
    auto gradient = copy_of<double>(outputs);
    auto floats = copy_of<float>(outputs);
    const double value = c.loss(outputs.view(), targets.view(), false).loss;
    CHECK(c.loss(gradient.view(), targets.view(), true).loss == value);
    c.loss(floats.view(), targets.view(), true);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      INFO("output " << i);
      const double h = 1e-5, middle = outputs.data()[i];
      const auto at = [&](double moved) {
        outputs.data()[i] = middle + moved;
        return c.loss(outputs.view(), targets.view(), false).loss / batch;
      };
      const double slope = (at(h) - at(-h)) / (2 * h);
      outputs.data()[i] = middle;
      CHECK(gradient.data()[i] == Approx(slope).epsilon(1e-7).margin(1e-9));
      CHECK(static_cast<double>(floats.data()[i]) == Approx(gradient.data()[i]).epsilon(1e-5).margin(1e-6));
      const bool left_out = per_pixel(c.loss) ? targets.data()[i / static_cast<std::size_t>(c.shape.channels)] == -1
                                              : std::isnan(targets.data()[i]);
      if (left_out) CHECK(gradient.data()[i] == 0);
    }
  }
}

TEST_CASE("the loss of predictions is that of the logits", "[loss]") {
  for (const Case& c : cases()) {
    INFO(c.name);
    const auto targets = targets_of(c, 5);
    auto outputs = outputs_of(c, 6);
    const auto predictions = predictions_of(c.loss, outputs);
    const LossSum found = c.loss.of_predictions(predictions.view(), targets.view());
    const LossSum expected = c.unweighted(outputs.view(), targets.view(), false);
    CHECK(found.loss == Approx(expected.loss).epsilon(1e-10));
    CHECK(found.metric == expected.metric);
    CHECK(found.images == expected.images);
    const auto floats = copy_of<float>(predictions);
    CHECK(c.loss.of_predictions(floats.view(), targets.view()).loss == Approx(expected.loss).epsilon(1e-5));
  }
  // Beyond the clip a wrong answer costs log 1e7.
  Tensor<double> sure(1, {1, 1, 2});
  sure.data()[0] = 1;
  const double most = -std::log(1e-7);
  Tensor<float> label(1, {1, 1, 1}), flags(1, {1, 1, 2});
  label.data()[0] = 1;
  flags.data()[1] = 1;
  const View<const double> given = sure.view();
  CHECK(Loss(SoftmaxCrossEntropy{}).of_predictions(given, label.view()).loss == Approx(most));
  CHECK(Loss(SigmoidCrossEntropy{}).of_predictions(given, flags.view()).loss == Approx(most));
  CHECK(Loss(HeatMapFocal{}).of_predictions(given, flags.view()).loss == Approx(2 * most).epsilon(1e-6));
}

TEST_CASE("images without a known target are left out", "[loss]") {
  for (const Case& c : cases()) {
    if (c.shape.size() == 4) continue;  // a label for each image has to be known
    INFO(c.name);
    auto targets = targets_of(c, 7);
    auto outputs = outputs_of(c, 8);
    const auto without = [&](int n) { return c.loss(outputs.view().slice(n, 1), targets.view().slice(n, 1), false); };
    const double others = without(0).loss + without(2).loss;
    for (float& t : targets.view().slice(1, 1).span()) t = per_pixel(c.loss) ? -1 : unknown;
    CHECK(c.loss(outputs.view(), targets.view(), false).loss == Approx(others));
    const LossSum sum = c.loss(outputs.view(), targets.view(), true);
    CHECK(sum.images == 2);
    for (const double g : outputs.view().slice(1, 1).span()) CHECK(g == 0);
  }
}

TEST_CASE("losses of logits stay finite for extreme ones and know when they are NaN", "[loss]") {
  for (const Case& c : cases()) {
    INFO(c.name);
    const auto targets = targets_of(c, 9);
    const auto check = [&]<class T>(T most) {
      Tensor<T> outputs(batch, c.shape);
      Random random(10);
      for (T& value : outputs.span()) value = random.below(2) == 0 ? most : -most;
      CHECK(std::isfinite(c.loss(outputs.view(), targets.view(), true).loss));
      for (const T g : outputs.span()) REQUIRE(std::isfinite(g));
      CHECK(std::ranges::any_of(outputs.span(), [](T g) { return g != 0; }));  // it still learns
    };
    if (!c.loss.activation().empty()) {
      for (const double most : {50.0, 1e4, 1e30}) {
        check(most);
        check(static_cast<float>(most));
      }
    }
    for (const double bad : {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
      auto outputs = outputs_of(c, 11);
      std::ranges::fill(outputs.span(), bad);
      CHECK_THAT(message_of<NumericError>([&] { c.loss(outputs.view(), targets.view(), true); }),
                 Contains("the loss is "));
    }
  }
}

TEST_CASE("targets that do not fit are refused in one line", "[loss]") {
  Tensor<float> outputs(1, {2, 2, 3});
  const auto refusal = [&](const Loss& loss, Shape shape, float value, int images = 1) {
    Tensor<float> targets(images, shape);
    std::ranges::fill(targets.span(), value);
    return message_of<ShapeError>([&] { loss(outputs.view(), targets.view(), false); });
  };
  const auto check = [](const Loss& loss, Shape output, Shape target) {
    return message_of<Error>([&] { loss.check(output, target); });
  };
  const std::string each = "loss: expected targets of 2x2x3 (one for each output), found 2x2x1";
  for (const Loss& loss :
       {Loss(SigmoidCrossEntropy{}), Loss(MeanSquaredError{}), Loss(Huber{}), Loss(HeatMapFocal{})}) {
    CHECK(check(loss, {2, 2, 3}, {2, 2, 1}) == each);
    CHECK(check(loss, {2, 2, 3}, {2, 2, 3}).empty());
    CHECK_THAT(refusal(loss, {2, 2, 1}, 0), Contains("loss: expected targets of ") && Contains(", found "));
    CHECK(refusal(loss, {2, 2, 3}, 0, 2) == "loss: expected targets of 1 x 2x2x3, found 2 x 2x2x3");
    CHECK(refusal(loss, {2, 2, 3}, 0).empty());
  }
  for (const Loss& loss : {Loss(SigmoidCrossEntropy{}), Loss(HeatMapFocal{})}) {
    CHECK(refusal(loss, {2, 2, 3}, 1.5F) == "loss: expected targets from 0 to 1, found 1.500000");
    CHECK(refusal(loss, {2, 2, 3}, -0.5F) == "loss: expected targets from 0 to 1, found -0.500000");
  }
  const Loss softmax = SoftmaxCrossEntropy{};
  CHECK(check(softmax, {2, 2, 3}, {2, 2, 3}) == "loss: expected targets of 2x2x1 (a class in each pixel), found 2x2x3");
  CHECK(refusal(softmax, {2, 2, 1}, 3) == "loss: expected a label below 3, found 3");
  CHECK(refusal(softmax, {2, 2, 1}, 1.5F) == "loss: expected a label below 3, found 1.500000");
  CHECK(refusal(softmax, {2, 2, 1}, -2) == "loss: expected a label below 3, found -2");
  CHECK(refusal(softmax, {2, 2, 1}, unknown) == "loss: expected a label below 3, found nan");
  CHECK(refusal(softmax, {2, 2, 1}, 1, 3) == "loss: expected targets of 1 x 2x2x1, found 3 x 2x2x1");
  Tensor<float> one(1, {1, 1, 3}), label(1, {1, 1, 1});
  label.data()[0] = -1;  // in a map not known; for an image no class
  CHECK(message_of<ShapeError>([&] { softmax(one.view(), label.view(), true); }) ==
        "loss: expected a label below 3, found -1");

  CHECK(check(SoftmaxCrossEntropy{.class_weights = {1, 2}}, {1, 1, 3}, {1, 1, 1}) ==
        "loss: expected 3 class weights, found 2");
  CHECK(check(SoftmaxCrossEntropy{.label_smoothing = 1}, {1, 1, 3}, {1, 1, 1}) ==
        "label_smoothing: expected a number in [0, 1), found 1.000000");
  CHECK(check(Huber{.delta = 0}, {1, 1, 3}, {1, 1, 3}) == "delta: expected a number above 0, found 0.000000");
  CHECK(check(HeatMapFocal{.beta = -1}, {1, 1, 3}, {1, 1, 3}) ==
        "beta: expected a number of 0 or more, found -1.000000");
  CHECK(check(HeatMapFocal{.channel_weights = {1}}, {1, 1, 3}, {1, 1, 3}) ==
        "loss: expected 3 channel weights, found 1");
}

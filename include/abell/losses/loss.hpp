#pragma once
/// What a loss is. A loss is a type with one function:
///
///     struct MeanAbsoluteError {
///       static constexpr std::string_view metric = "mean_absolute_error";  // optional
///       template <class T>
///       abell::LossSum operator()(abell::View<T> outputs, abell::View<const float> targets, bool gradient) const;
///     };
///     abell::fit(network, samples, {.loss = MeanAbsoluteError{}});
///
/// It returns sums over the images of a batch; with `gradient` it also replaces the outputs by the gradient of the
/// batch's mean loss. What more it may have:
///
///     static constexpr std::string_view activation = "Softmax";        // fused with a last layer of that kind:
///                                                                      // `outputs` are then what that layer gets
///     LossSum of_predictions(View<const T>, View<const float>) const;  // needed with `activation`: the loss of what
///                                                                      // the network predicts, without class weights
///     void check(const Shape& output, const Shape& target) const;      // throws ShapeError or OptionError

#include <abell/core/error.hpp>
#include <abell/core/tensor.hpp>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell {

/// Sums over the images of a batch.
struct LossSum {
  double loss = 0;
  double metric = 0;       ///< what `Loss::metric` names; 0 where it names nothing
  std::size_t images = 0;  ///< those whose target is known
};

/// A type that works as a loss for scalar T.
template <class L, class T>
concept LossFor = requires(const L& loss, View<T> outputs, View<const float> targets) {
  { loss(outputs, targets, true) } -> std::same_as<LossSum>;
};

/// Any loss.
class Loss {
 public:
  template <class L>
  requires(LossFor<L, float>&& LossFor<L, double> && !std::same_as<L, Loss>) Loss(L loss)
      : model_(std::make_shared<Model<L>>(std::move(loss))) {}

  /// The kind of last layer that it is fused with; empty: none.
  std::string_view activation() const { return model_->activation(); }
  /// The name of its metric, "accuracy" say; empty: none.
  std::string_view metric() const { return model_->metric(); }
  /// Throws ShapeError or OptionError where outputs and targets of these shapes do not belong together.
  void check(const Shape& output, const Shape& target) const { model_->check(output, target); }

  template <class T>
  LossSum operator()(View<T> outputs, View<const float> targets, bool gradient) const {
    return model_->sum(outputs, targets, gradient);
  }
  /// The loss of what the network predicts, its last layer included.
  template <class T>
  LossSum of_predictions(View<const T> predictions, View<const float> targets) const {
    return model_->of_predictions(predictions, targets);
  }

  /// The loss itself where it is an L, else null.
  template <class L>
  const L* as() const {
    const auto* model = dynamic_cast<const Model<L>*>(model_.get());
    return model == nullptr ? nullptr : &model->loss;
  }

 private:
  struct Concept {
    virtual ~Concept() = default;
    virtual std::string_view activation() const = 0;
    virtual std::string_view metric() const = 0;
    virtual void check(const Shape&, const Shape&) const = 0;
    virtual LossSum sum(View<float>, View<const float>, bool) const = 0;
    virtual LossSum sum(View<double>, View<const float>, bool) const = 0;
    virtual LossSum of_predictions(View<const float>, View<const float>) const = 0;
    virtual LossSum of_predictions(View<const double>, View<const float>) const = 0;
  };

  template <class L>
  struct Model final : Concept {
    L loss;
    explicit Model(L l) : loss(std::move(l)) {}
    std::string_view activation() const override {
      if constexpr (requires { L::activation; }) return L::activation;
      return {};
    }
    std::string_view metric() const override {
      if constexpr (requires { L::metric; }) return L::metric;
      return {};
    }
    void check(const Shape& output, const Shape& target) const override {
      if constexpr (requires { loss.check(output, target); }) loss.check(output, target);
    }
    LossSum sum(View<float> outputs, View<const float> targets, bool gradient) const override {
      return loss(outputs, targets, gradient);
    }
    LossSum sum(View<double> outputs, View<const float> targets, bool gradient) const override {
      return loss(outputs, targets, gradient);
    }
    LossSum of_predictions(View<const float> y, View<const float> targets) const override {
      return predicted(y, targets);
    }
    LossSum of_predictions(View<const double> y, View<const float> targets) const override {
      return predicted(y, targets);
    }

   private:
    template <class T>
    LossSum predicted(View<const T> y, View<const float> targets) const {
      if constexpr (requires { loss.of_predictions(y, targets); }) {
        return loss.of_predictions(y, targets);
      } else {
        static_assert(
            !requires { L::activation; }, "a loss with an activation needs of_predictions, too");
        std::vector<T> copy(y.data, y.data + y.size());  // a loss may write where it reads
        return loss(View<T>{copy.data(), y.batch, y.shape}, targets, false);
      }
    }
  };

  std::shared_ptr<const Concept> model_;
};

namespace detail {

/// Throws ShapeError unless there is a target of `expected` for each image.
template <class T>
void require_targets(const View<T>& outputs, const View<const float>& targets, const Shape& expected) {
  if (targets.batch != outputs.batch || targets.shape != expected) {
    throw ShapeError("loss: expected targets of " + std::to_string(outputs.batch) + " x " + to_string(expected) +
                     ", found " + std::to_string(targets.batch) + " x " + to_string(targets.shape));
  }
}

template <class T>
void require_finite_loss(T loss) {
  if (!std::isfinite(loss)) throw NumericError("the loss is " + std::string(std::isnan(loss) ? "NaN" : "infinite"));
}

}  // namespace detail

}  // namespace abell

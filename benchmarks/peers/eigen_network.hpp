#pragma once
/// The custom network with Eigen's products, layer by layer, nothing fused. What Eigen has no form of
/// (max-pool, dropout, softmax) are abell's plain loops.

#include <abell/kernels/pool.hpp>
#include <abell/losses/softmax_cross_entropy.hpp>
#include <memory>
#include <vector>

#include "eigen_convolution.hpp"
#include "peer.hpp"

namespace abell::bench::eigen {

/// Where a dense layer's parameters stand in an arena: weights [inputs][units], then bias.
struct DenseSlot {
  std::size_t offset;
  int inputs, units;

  template <class P>
  using MapOf = std::conditional_t<std::is_const_v<P>, ConstMap, Map>;
  template <class P>
  MapOf<P> weights(P* arena) const {
    return {arena + offset, inputs, units};
  }
  template <class P>
  MapOf<P> bias(P* arena) const {
    return {arena + offset + inputs * units, 1, units};
  }
};

class Chain {
 public:
  Chain(const Task& task, bool training)
      : task_(&task),
        batch_(task.images.batch()),
        parameters_(task.network.parameters().begin(), task.network.parameters().end()),
        gradients_(training ? parameters_.size() : 0),
        update_(task.options.optimizer, gradients_.size()),
        second_{parameters_.size() - (units + 1) * classes, units, classes},
        first_{second_.offset - (features + 1) * units, features, units} {
    const float* source = task.images.data();
    for (int number = 0; number < 6; ++number) {
      const LayerInfo& layer = task.network.layers()[task.find(Conv2d::kind, number)];
      blocks_.push_back(std::make_unique<Block>(layer, batch_, task.threads, source));
      source = blocks_.back()->pooled.data();
    }
  }

  void step() {
    forward();
    dropped_.resizeLike(hidden_);
    drop(*task_, step_, size(hidden_), hidden_.data(), dropped_.data());
    put(logits_, dropped_, second_);
    SoftmaxCrossEntropy{}(View<float>{logits_.data(), batch_, Shape{1, 1, classes}}, task_->targets, true);
    backward();
    update_.run(task_->threads, parameters_, gradients_);
    ++step_;
  }

  void run() {
    forward();
    put(logits_, hidden_, second_);
    probabilities_.resize(size(logits_));
    kernels::softmax(static_cast<std::size_t>(batch_), classes, logits_.data(), probabilities_.data());
  }

  const std::vector<float>& gradients() const { return gradients_; }
  const std::vector<float>& probabilities() const { return probabilities_; }

 private:
  static constexpr int features = 1152, units = 256, classes = 2;

  struct Block {
    kernels::Conv2dGeometry geometry;
    kernels::PoolGeometry pool;
    Convolution convolution;
    const float* source;
    std::vector<float> activation, pooled;
    std::vector<unsigned char> argmax;

    Block(const LayerInfo& layer, int batch, int threads, const float* input)
        : geometry(Conv2d{.filters = layer.output.channels}.geometry({layer.input, layer.name, 0})),
          pool(MaxPool2d{}.geometry({layer.output, layer.name, 0})),
          convolution(geometry, batch, threads),
          source(input),
          activation(static_cast<std::size_t>(batch) * geometry.output_size()),
          pooled(static_cast<std::size_t>(batch) * pool.output_size()),
          argmax(pooled.size()) {}
    std::size_t parameters() const { return geometry.weight_size() + static_cast<std::size_t>(geometry.filters); }
  };

  static std::size_t size(const Matrix& m) { return static_cast<std::size_t>(m.size()); }
  ConstMap feature_map() const { return {blocks_.back()->pooled.data(), batch_, features}; }

  /// y = x w + b.
  template <class X>
  void put(Matrix& y, const X& x, const DenseSlot& layer) {
    const float* arena = parameters_.data();
    y.noalias() = x * layer.weights(arena);
    y.rowwise() += layer.bias(arena).row(0);
  }

  void forward() {
    const float* weights = parameters_.data();
    for (const auto& block : blocks_) {
      block->convolution.forward(block->source, weights, weights + block->geometry.weight_size(),
                                 block->activation.data());
      kernels::max_pool_forward(task_->threads, block->pool, batch_, true, block->activation.data(),
                                block->pooled.data(), block->argmax.data());
      weights += block->parameters();
    }
    put(hidden_, feature_map(), first_);
    hidden_ = hidden_.cwiseMax(0.0F);
  }

  void backward() {
    const float* p = parameters_.data();
    float* g = gradients_.data();
    second_.weights(g).noalias() = dropped_.transpose() * logits_;
    second_.bias(g) = logits_.colwise().sum();
    dropped_.noalias() = logits_ * second_.weights(p).transpose();
    drop(*task_, step_, size(dropped_), dropped_.data(), dropped_.data());
    dropped_ = (hidden_.array() > 0).select(dropped_, 0.0F);
    first_.weights(g).noalias() = feature_map().transpose() * dropped_;
    first_.bias(g) = dropped_.colwise().sum();
    gradient_of_features_.noalias() = dropped_ * first_.weights(p).transpose();

    const float* dy = gradient_of_features_.data();
    std::size_t offset = first_.offset;
    for (std::size_t i = blocks_.size(); i-- > 0;) {
      Block& block = *blocks_[i];
      offset -= block.parameters();
      kernels::max_pool_backward(task_->threads, block.pool, batch_, dy, block.argmax.data(), block.activation.data());
      block.convolution.weight_gradient(block.source, block.activation.data(), g + offset,
                                        g + offset + block.geometry.weight_size());
      if (i == 0) break;
      // The gradient takes the place of the activation below.
      block.convolution.input_gradient(p + offset, block.activation.data(), blocks_[i - 1]->pooled.data());
      dy = blocks_[i - 1]->pooled.data();
    }
  }

  const Task* task_;
  int batch_;
  std::vector<float> parameters_, gradients_, probabilities_;
  ArrayUpdate update_;
  DenseSlot second_, first_;  ///< the last layers of the arena
  std::vector<std::unique_ptr<Block>> blocks_;
  Matrix hidden_, dropped_, logits_, gradient_of_features_;
  std::uint32_t step_ = 0;
};

}  // namespace abell::bench::eigen

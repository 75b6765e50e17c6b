#pragma once
/// A network in the manner of Table 3 out of the naive double references alone: blocks of convolution
/// 3x3 SAME, ReLU and max-pool 2x2 SAME, then dense, ReLU, dense and softmax cross-entropy.

#include <abell/kernels/reference.hpp>
#include <cmath>
#include <vector>

#include "kernel_tools.hpp"

namespace abell::testing {

class ReferenceNetwork {
 public:
  using Values = kernels::reference::Values;

  struct Result {
    double loss = 0;  ///< mean over the batch
    Values logits;
    Values gradients;       ///< of the mean loss, in the parameters' order
    Values input_gradient;  ///< of all images
  };

  ReferenceNetwork(Shape input, const std::vector<int>& filters, int units, int classes)
      : units_(units), classes_(classes) {
    Shape shape = input;
    for (const int count : filters) {
      convs_.push_back(geometry(shape.height, shape.width, shape.channels, count));
      shape = {convs_.back().pooled_height(), convs_.back().pooled_width(), count};
    }
    features_ = static_cast<int>(shape.size());
  }

  /// Loss and gradients of a batch of images, each of the input's size, one after the other.
  Result run(const Values& parameters, const Values& images, const std::vector<int>& labels) const {
    Result result;
    result.gradients.resize(parameters.size());
    const std::size_t size = convs_.front().input_size();
    for (std::size_t n = 0; n < labels.size(); ++n) {
      const auto begin = images.begin() + static_cast<long>(n * size);
      run_image(parameters, {begin, begin + static_cast<long>(size)}, labels[n],
                1.0 / static_cast<double>(labels.size()), result);
    }
    return result;
  }

 private:
  /// Takes the next `size` values of the parameters, or of their gradients.
  struct Reader {
    const Values& all;
    std::size_t at = 0;
    Values next(std::size_t size) {
      const auto begin = all.begin() + static_cast<long>(at);
      at += size;
      return {begin, begin + static_cast<long>(size)};
    }
  };

  static std::size_t count(int a, int b = 1) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); }

  static void add(const Values& from, std::size_t at, Values& to) {
    for (std::size_t i = 0; i < from.size(); ++i) to[at + i] += from[i];
  }

  /// y = x W + b for one row.
  static Values dense(const Values& x, const Values& w, const Values& b) {
    Values y = kernels::reference::gemm(1, static_cast<int>(b.size()), static_cast<int>(x.size()), x, w);
    for (std::size_t i = 0; i < y.size(); ++i) y[i] += b[i];
    return y;
  }

  /// Adds dW = x^T dy and db = dy at `at` and returns dx = dy W^T.
  static Values dense_backward(const Values& x, const Values& w, const Values& dy, std::size_t at, Values& gradients) {
    Values dx(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      for (std::size_t o = 0; o < dy.size(); ++o) {
        gradients[at + i * dy.size() + o] += x[i] * dy[o];
        dx[i] += dy[o] * w[i * dy.size() + o];
      }
    }
    add(dy, at + x.size() * dy.size(), gradients);
    return dx;
  }

  void run_image(const Values& parameters, const Values& image, int label, double share, Result& result) const {
    namespace reference = kernels::reference;
    struct Block {
      Values input, weights, activation;
      std::vector<std::size_t> source;
      std::size_t at;
    };
    Reader reader{parameters};
    std::vector<Block> blocks;
    Values x = image;
    for (const auto& g : convs_) {
      Block block{x, {}, {}, {}, reader.at};
      block.weights = reader.next(g.weight_size());
      block.activation = reference::conv2d(g, x, block.weights, reader.next(count(g.filters)));
      for (double& value : block.activation) value = value > 0 ? value : 0;
      x = reference::max_pool(g.out_height, g.out_width, g.filters, 2, 2, 0, 0, g.pooled_height(), g.pooled_width(),
                              block.activation, block.source);
      blocks.push_back(block);
    }
    const std::size_t hidden_at = reader.at;
    const Values hidden_weights = reader.next(count(features_, units_));
    Values hidden = dense(x, hidden_weights, reader.next(count(units_)));
    for (double& value : hidden) value = value > 0 ? value : 0;
    const std::size_t head_at = reader.at;
    const Values head_weights = reader.next(count(units_, classes_));
    const Values logits = dense(hidden, head_weights, reader.next(count(classes_)));
    result.logits.insert(result.logits.end(), logits.begin(), logits.end());

    double total = 0;
    for (const double z : logits) total += std::exp(z);
    result.loss += share * (std::log(total) - logits[static_cast<std::size_t>(label)]);
    Values dy(logits.size());
    for (std::size_t i = 0; i < dy.size(); ++i) {
      dy[i] = share * (std::exp(logits[i]) / total - (i == static_cast<std::size_t>(label) ? 1 : 0));
    }

    dy = dense_backward(hidden, head_weights, dy, head_at, result.gradients);
    for (std::size_t i = 0; i < dy.size(); ++i) dy[i] = hidden[i] > 0 ? dy[i] : 0;
    dy = dense_backward(x, hidden_weights, dy, hidden_at, result.gradients);
    for (std::size_t i = blocks.size(); i-- > 0;) {
      const auto& g = convs_[i];
      const Block& block = blocks[i];
      Values gradient(g.output_size());
      for (std::size_t k = 0; k < dy.size(); ++k) {
        if (block.activation[block.source[k]] > 0) gradient[block.source[k]] += dy[k];
      }
      add(reference::conv2d_weight_gradient(g, block.input, gradient), block.at, result.gradients);
      add(reference::conv2d_bias_gradient(g, gradient), block.at + g.weight_size(), result.gradients);
      dy = reference::conv2d_input_gradient(g, block.weights, gradient);
    }
    result.input_gradient.insert(result.input_gradient.end(), dy.begin(), dy.end());
  }

  std::vector<kernels::Conv2dGeometry> convs_;
  int features_ = 0;
  int units_;
  int classes_;
};

}  // namespace abell::testing

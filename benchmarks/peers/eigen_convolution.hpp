#pragma once
/// Convolution with Eigen: patches of some rows (im2col), which stay in the caches, times the weights.
/// The rows are shared among the threads; each product is Eigen's.

#include <Eigen/Core>
#include <abell/core/parallel.hpp>
#include <abell/core/tensor.hpp>
#include <abell/kernels/geometry.hpp>
#include <algorithm>
#include <vector>

namespace abell::bench::eigen {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Map = Eigen::Map<Matrix>;
using ConstMap = Eigen::Map<const Matrix>;

class Convolution {
 public:
  Convolution(const kernels::Conv2dGeometry& geometry, int batch, int threads)
      : g_(geometry),
        batch_(batch),
        threads_(threads),
        strip_rows_(std::clamp(65536 / (g_.out_width * g_.depth()), 1, g_.out_height)),
        strips_((g_.out_height + strip_rows_ - 1) / strip_rows_),
        patches_(static_cast<std::size_t>(threads),
                 Matrix(static_cast<Eigen::Index>(strip_rows_) * g_.out_width, g_.depth())),
        sums_(static_cast<std::size_t>(threads)) {}

  /// y = x * w + b.
  void forward(const float* x, const float* weights, const float* bias, float* y) {
    const ConstMap w(weights, g_.depth(), g_.filters);
    const Eigen::Map<const Eigen::RowVectorXf> b(bias, g_.filters);
    parallel_for(batch_ * strips_, threads_, [&](int index, int thread) {
      const Strip strip = strip_of(index);
      gather(strip, x, thread);
      Map out(y + offset(strip), pixels(strip), g_.filters);
      out.noalias() = patches(thread).topRows(pixels(strip)) * w;
      out.rowwise() += b;
    });
  }

  /// dw = patches^T dy, db = sum dy; each thread adds up its own.
  void weight_gradient(const float* x, const float* dy, float* weight_gradient, float* bias_gradient) {
    for (Matrix& sum : sums_) sum.setZero(g_.depth() + 1, g_.filters);
    parallel_for(batch_ * strips_, threads_, [&](int index, int thread) {
      const Strip strip = strip_of(index);
      gather(strip, x, thread);
      const ConstMap gradient(dy + offset(strip), pixels(strip), g_.filters);
      Matrix& sum = sums_[static_cast<std::size_t>(thread)];
      sum.topRows(g_.depth()).noalias() += patches(thread).topRows(pixels(strip)).transpose() * gradient;
      sum.bottomRows(1) += gradient.colwise().sum();
    });
    for (std::size_t i = 1; i < sums_.size(); ++i) sums_[0] += sums_[i];
    Map(weight_gradient, g_.depth(), g_.filters) = sums_[0].topRows(g_.depth());
    Map(bias_gradient, 1, g_.filters) = sums_[0].bottomRows(1);
  }

  /// dx = dy w^T, its patches added up (col2im), image by image.
  void input_gradient(const float* weights, const float* dy, float* dx) {
    const ConstMap w(weights, g_.depth(), g_.filters);
    parallel_for(batch_, threads_, [&](int image, int thread) {
      std::fill_n(dx + static_cast<std::size_t>(image) * g_.input_size(), g_.input_size(), 0.0F);
      for (int index = image * strips_; index < (image + 1) * strips_; ++index) {
        const Strip strip = strip_of(index);
        patches(thread).topRows(pixels(strip)).noalias() =
            ConstMap(dy + offset(strip), pixels(strip), g_.filters) * w.transpose();
        scatter(strip, dx, thread);
      }
    });
  }

 private:
  struct Strip {
    int image;
    Range rows;
  };
  Strip strip_of(int index) const {
    const int begin = index % strips_ * strip_rows_;
    return {index / strips_, {begin, std::min(begin + strip_rows_, g_.out_height)}};
  }
  Eigen::Index pixels(const Strip& strip) const {
    return static_cast<Eigen::Index>(strip.rows.end - strip.rows.begin) * g_.out_width;
  }
  std::size_t offset(const Strip& strip) const {
    return static_cast<std::size_t>(strip.image) * g_.output_size() +
           static_cast<std::size_t>(strip.rows.begin) * static_cast<std::size_t>(g_.out_width * g_.filters);
  }
  Matrix& patches(int thread) { return patches_[static_cast<std::size_t>(thread)]; }

  /// Calls body(patch, image) for each run of `channels` values under a window; image is null in the padding.
  template <class T, class Body>
  void for_runs(const Strip& strip, T* images, int thread, const Body& body) {
    T* image = images + static_cast<std::size_t>(strip.image) * g_.input_size();
    float* patch = patches(thread).data();
    for (int row = strip.rows.begin; row < strip.rows.end; ++row) {
      for (int column = 0; column < g_.out_width; ++column) {
        for (int ky = 0; ky < g_.kernel_height; ++ky) {
          const int y = row * g_.stride_height + ky - g_.pad_top;
          for (int kx = 0; kx < g_.kernel_width; ++kx, patch += g_.channels) {
            const int x = column * g_.stride_width + kx - g_.pad_left;
            const bool inside = y >= 0 && y < g_.height && x >= 0 && x < g_.width;
            body(patch, inside ? image + (static_cast<long>(y) * g_.width + x) * g_.channels : nullptr);
          }
        }
      }
    }
  }
  void gather(const Strip& strip, const float* images, int thread) {
    for_runs(strip, images, thread, [this](float* patch, const float* pixel) {
      for (int c = 0; c < g_.channels; ++c) patch[c] = pixel == nullptr ? 0.0F : pixel[c];
    });
  }
  void scatter(const Strip& strip, float* images, int thread) {
    for_runs(strip, images, thread, [this](const float* patch, float* pixel) {
      if (pixel == nullptr) return;
      for (int c = 0; c < g_.channels; ++c) pixel[c] += patch[c];
    });
  }

  kernels::Conv2dGeometry g_;
  int batch_;
  int threads_;
  int strip_rows_;  ///< about 256 kB of patches
  int strips_;      ///< of an image
  std::vector<Matrix> patches_, sums_;
};

}  // namespace abell::bench::eigen

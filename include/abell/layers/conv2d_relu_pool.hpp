#pragma once
/// Convolution, ReLU and max-pool fused into one stage.
///
/// For 3x3 stride 1 SAME convolutions under a 2x2 stride 2 SAME pool the convolution's output never
/// touches memory, and the backward pass visits only the maxima that ReLU let through. Any other size
/// takes the plain kernels one after the other, with the convolution's output in `saved`.
/// pool(relu(x)) = relu(pool(x)), and a maximum that ReLU cut carries no gradient.

#include <abell/kernels/conv2d_relu_pool.hpp>
#include <abell/layers/activations.hpp>
#include <abell/layers/conv2d.hpp>
#include <abell/layers/fused_stage.hpp>
#include <abell/layers/max_pool2d.hpp>
#include <optional>
#include <span>

namespace abell {

/// Keeps a byte for each pooled value: which of its window was the largest, or that ReLU cut it. Where it takes the
/// plain kernels it keeps the convolution's output, too.
template <class T>
class Conv2dReluPoolStage {
 public:
  Conv2dReluPoolStage(const Place& place, const Conv2d& conv, const Relu&, const MaxPool2d& pool)
      : geometry_(conv.geometry(place)),
        pool_(pool.geometry({{geometry_.out_height, geometry_.out_width, geometry_.filters}, place.name, place.index})),
        one_pass_(conv.kernel_size == 3 && conv.stride == 1 && conv.padding == Padding::same && conv.bias &&
                  pool.pool_size == 2 && pool.stride == 2 && pool.padding == Padding::same),
        bias_(conv.bias) {}

  StageMemory memory(const kernels::Backend<T>& backend, int batch, Mode mode) const {
    const auto images = static_cast<std::size_t>(batch);
    const std::size_t argmax = images * pool_.output_size();
    if (one_pass_) {
      std::size_t scratch = conv2d_relu_pool_forward_scratch(backend, geometry_);
      if (has_backward(mode)) {
        scratch = std::max({scratch, conv2d_relu_pool_weight_gradient_scratch(backend, geometry_),
                            conv2d_relu_pool_input_gradient_scratch(backend, geometry_)});
      }
      return {argmax, scratch};
    }
    std::size_t scratch = conv2d_forward_scratch(backend, geometry_, batch);
    if (has_backward(mode)) {
      scratch = std::max({scratch, conv2d_input_gradient_scratch(backend, geometry_, batch),
                          conv2d_weight_gradient_scratch(backend, geometry_)});
    }
    return {round_up(argmax, alignment) + images * pool_.input_size() * sizeof(T), scratch};
  }

  void forward(const Pass<T>& pass, const T* x, T* y) const {
    if (one_pass_) {
      conv2d_relu_pool_forward(pass.backend, geometry_, pass.batch, x, pass.parameters, bias(pass.parameters), y,
                               argmax(pass), pass.scratch);
      return;
    }
    conv2d_forward(pass.backend, geometry_, pass.batch, x, pass.parameters, bias(pass.parameters), activation(pass),
                   pass.scratch);
    max_pool_forward(pass.backend.threads, pool_, pass.batch, true, activation(pass), y, argmax(pass));
  }

  void backward(const Pass<T>& pass, const T* x, const T* dy, T* dx) const {
    if (one_pass_) {
      conv2d_relu_pool_weight_gradient(pass.backend, geometry_, pass.batch, x, dy, argmax(pass), pass.gradients,
                                       bias(pass.gradients), pass.scratch);
      if (dx != nullptr) {
        conv2d_relu_pool_input_gradient(pass.backend, geometry_, pass.batch, pass.parameters, dy, argmax(pass), dx,
                                        pass.scratch);
      }
      return;
    }
    max_pool_backward(pass.backend.threads, pool_, pass.batch, dy, argmax(pass), activation(pass));
    conv2d_weight_gradient(pass.backend, geometry_, pass.batch, x, activation(pass), pass.gradients,
                           bias(pass.gradients), pass.scratch);
    if (dx != nullptr) {
      conv2d_input_gradient(pass.backend, geometry_, pass.batch, pass.parameters, activation(pass), dx, pass.scratch);
    }
  }

  static std::optional<FusedStage<T>> fuse(const Place& place, std::span<const AnyLayer<T>> layers) {
    return abell::fuse<Conv2dReluPoolStage, Conv2d, Relu, MaxPool2d>(place, layers);
  }

 private:
  template <class P>
  P* bias(P* parameters) const {
    return bias_ ? parameters + geometry_.weight_size() : nullptr;
  }
  static unsigned char* argmax(const Pass<T>& pass) { return reinterpret_cast<unsigned char*>(pass.saved); }
  T* activation(const Pass<T>& pass) const {
    return reinterpret_cast<T*>(pass.saved +
                                round_up(static_cast<std::size_t>(pass.batch) * pool_.output_size(), alignment));
  }

  kernels::Conv2dGeometry geometry_;
  kernels::PoolGeometry pool_;
  bool one_pass_;
  bool bias_;
};

}  // namespace abell

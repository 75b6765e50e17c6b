#pragma once
/// A fully connected layer in oneDNN 2.x.

#include "onednn_block.hpp"

namespace abell::bench::onednn {

/// Fully connected, with ReLU as a post-op where asked for. Takes a blocked source as it is.
class DenseLayer {
 public:
  DenseLayer(const memory& input, int units, bool relu, bool training)
      : source_(input),
        forward_(make_forward(input, units, relu, training)),
        weights_(forward_.weights_desc(), input.get_desc().dims().size() == 4 ? Tag::hwio : Tag::io),
        bias_(forward_.bias_desc(), Tag::x),
        output_(forward_.dst_desc(), cpu()) {}

  const memory& output() const { return output_; }
  Weights& weights() { return weights_; }
  Weights& bias() { return bias_; }

  void add_forward(Program& program) {
    const memory x = program.in_layout(source_, forward_.src_desc());
    program.add(
        dnnl::inner_product_forward(forward_),
        {{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, weights_.value}, {DNNL_ARG_BIAS, bias_.value}, {DNNL_ARG_DST, output_}});
  }
  /// Adds both gradients; returns where the source's will be, in the source's layout.
  memory add_backward(Program& program, const memory& gradient) {
    const Desc x_desc = f32(source_.get_desc().dims()), w_desc = f32(weights_.value.get_desc().dims());
    const Desc b_desc = f32(bias_.value.get_desc().dims(), Tag::x);
    const dnnl::inner_product_backward_weights::primitive_desc by_weights({x_desc, w_desc, b_desc, gradient.get_desc()},
                                                                          cpu(), forward_);
    const memory x = program.in_layout(source_, by_weights.src_desc());
    const memory dw = by_weights.diff_weights_desc() == weights_.gradient.get_desc()
                          ? weights_.gradient
                          : zeros(by_weights.diff_weights_desc());
    program.add(dnnl::inner_product_backward_weights(by_weights), {{DNNL_ARG_SRC, x},
                                                                   {DNNL_ARG_DIFF_DST, gradient},
                                                                   {DNNL_ARG_DIFF_WEIGHTS, dw},
                                                                   {DNNL_ARG_DIFF_BIAS, bias_.gradient}});
    if (dw.get_desc() != weights_.gradient.get_desc()) {
      program.add(dnnl::reorder(dw, weights_.gradient), {{DNNL_ARG_FROM, dw}, {DNNL_ARG_TO, weights_.gradient}});
    }
    const dnnl::inner_product_backward_data::primitive_desc by_data({x_desc, w_desc, gradient.get_desc()}, cpu(),
                                                                    forward_);
    const memory w = program.in_layout(weights_.value, by_data.weights_desc());
    const memory dx(by_data.diff_src_desc(), cpu());
    program.add(dnnl::inner_product_backward_data(by_data),
                {{DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DIFF_DST, gradient}, {DNNL_ARG_DIFF_SRC, dx}});
    return program.in_layout(dx, source_.get_desc());
  }

 private:
  static dnnl::inner_product_forward::primitive_desc make_forward(const memory& input, int units, bool relu,
                                                                  bool training) {
    dnnl::primitive_attr attributes;
    if (relu) {
      dnnl::post_ops after;
      after.append_eltwise(1.0F, algorithm::eltwise_relu, 0.0F, 0.0F);
      attributes.set_post_ops(after);
    }
    memory::dims w = input.get_desc().dims();
    const memory::dim batch = w[0];
    w[0] = units;
    return {{training ? prop_kind::forward_training : prop_kind::forward_inference, f32(input.get_desc().dims()),
             f32(w), f32({units}, Tag::x), f32({batch, units}, Tag::nc)},
            attributes,
            cpu()};
  }

  memory source_;
  dnnl::inner_product_forward::primitive_desc forward_;
  Weights weights_, bias_;
  memory output_;
};

}  // namespace abell::bench::onednn

#pragma once
/// Convolution, ReLU and max-pool in oneDNN 2.x, every way, in the layouts that oneDNN asks for.

#include <abell/core/tensor.hpp>
#include <abell/kernels/geometry.hpp>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <oneapi/dnnl/dnnl.hpp>

namespace abell::bench::onednn {

using dnnl::algorithm;
using dnnl::memory;
using dnnl::prop_kind;
using Desc = memory::desc;
using Tag = memory::format_tag;

inline const dnnl::engine& cpu() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}
inline dnnl::stream& queue() {
  static dnnl::stream stream(cpu());
  return stream;
}

inline Desc f32(const memory::dims& dims, Tag tag = Tag::any) { return {dims, memory::data_type::f32, tag}; }
inline std::size_t values_in(const memory& m) { return m.get_desc().get_size() / sizeof(float); }
inline float* values_of(const memory& m) { return static_cast<float*>(m.get_data_handle()); }
/// Memory of a layout, all zero (blocked layouts pad, and padding must be zero).
inline memory zeros(const Desc& desc) {
  memory m(desc, cpu());
  std::memset(m.get_data_handle(), 0, desc.get_size());
  return m;
}
/// Copies between layouts, at once.
inline void copy(const memory& from, const memory& to) {
  memory source = from, target = to;
  dnnl::reorder(source, target).execute(queue(), source, target);
  queue().wait();
}

/// Primitives with their operands, run in order.
class Program {
 public:
  void add(const dnnl::primitive& primitive, std::unordered_map<int, memory> operands) {
    steps_.emplace_back(primitive, std::move(operands));
  }
  /// `from` itself, or a copy in layout `wanted` that a step of its own makes.
  memory in_layout(const memory& from, const Desc& wanted) {
    if (from.get_desc() == wanted) return from;
    memory to = zeros(wanted);
    add(dnnl::reorder(from, to), {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}});
    return to;
  }
  void run() const {
    for (const auto& [primitive, operands] : steps_) primitive.execute(queue(), operands);
    queue().wait();
  }

 private:
  std::vector<std::pair<dnnl::primitive, std::unordered_map<int, memory>>> steps_;
};

/// A parameter in the layout of the forward pass, its gradient in the same one.
struct Weights {
  memory value, gradient;
  Tag plain;  ///< abell's layout

  Weights(const Desc& desc, Tag plain_tag) : value(zeros(desc)), gradient(zeros(desc)), plain(plain_tag) {}
  Desc plain_desc() const { return f32(value.get_desc().dims(), plain); }
  std::size_t size() const { return plain_desc().get_size() / sizeof(float); }
  void set(const float* values) { copy(memory(plain_desc(), cpu(), const_cast<float*>(values)), value); }
  void get_gradient(float* values) const { copy(gradient, memory(plain_desc(), cpu(), values)); }
};

struct BlockOptions {
  int batch = 1;
  bool training = true;
  bool relu_pool = true;  ///< else the convolution alone
  algorithm method = algorithm::convolution_direct;
  Tag layout = Tag::any;  ///< of the activations
};

/// One convolution with ReLU as its post-op, then the pool. ReLU and the pool may change places, so the
/// backward pass masks the pooled gradient, a quarter of the convolution's, before it goes through the pool.
class Block {
  using Geometry = kernels::Conv2dGeometry;

 public:
  /// Without `input` the block makes its own input, in the layout that the convolution likes best.
  explicit Block(const Geometry& g, const BlockOptions& options, const std::optional<memory>& input = {})
      : options_(options),
        kind_(options.training ? prop_kind::forward_training : prop_kind::forward_inference),
        source_desc_(f32({options.batch, g.channels, g.height, g.width}, options.layout)),
        weights_desc_(f32({g.filters, g.channels, g.kernel_height, g.kernel_width})),
        output_desc_(f32({options.batch, g.filters, g.out_height, g.out_width}, options.layout)),
        pooled_desc_(f32({options.batch, g.filters, g.pooled_height(), g.pooled_width()}, options.layout)),
        stride_{g.stride_height, g.stride_width},
        pad_left_{g.pad_top, g.pad_left},
        pad_right_{(g.out_height - 1) * g.stride_height + g.kernel_height - g.height - g.pad_top,
                   (g.out_width - 1) * g.stride_width + g.kernel_width - g.width - g.pad_left},
        pool_pad_right_{g.out_height % 2, g.out_width % 2},
        forward_(make_forward()),
        source_(input ? *input : zeros(forward_.src_desc())),
        weights_(forward_.weights_desc(), Tag::hwio),
        bias_(forward_.bias_desc(), Tag::x),
        activation_(forward_.dst_desc(), cpu()),
        output_(activation_) {}

  const memory& source() const { return source_; }
  const memory& output() const { return output_; }  ///< pooled, or the convolution's; after add_forward
  Weights& weights() { return weights_; }
  Weights& bias() { return bias_; }

  void add_forward(Program& program) {
    const memory x = program.in_layout(source_, forward_.src_desc());
    program.add(dnnl::convolution_forward(forward_), {{DNNL_ARG_SRC, x},
                                                      {DNNL_ARG_WEIGHTS, weights_.value},
                                                      {DNNL_ARG_BIAS, bias_.value},
                                                      {DNNL_ARG_DST, activation_}});
    if (!options_.relu_pool) return;
    pool_ = dnnl::pooling_forward::primitive_desc(
        {kind_, algorithm::pooling_max, activation_.get_desc(), pooled_desc_, {2, 2}, {2, 2}, {0, 0}, pool_pad_right_},
        cpu());
    output_ = memory(pool_.dst_desc(), cpu());
    std::unordered_map<int, memory> operands{{DNNL_ARG_SRC, activation_}, {DNNL_ARG_DST, output_}};
    if (options_.training) {
      workspace_ = memory(pool_.workspace_desc(), cpu());
      operands.emplace(DNNL_ARG_WORKSPACE, workspace_);
    }
    program.add(dnnl::pooling_forward(pool_), operands);
  }

  /// From the gradient of `output` to that of the convolution's; after add_forward. Overwrites it.
  void add_unpool(Program& program, const memory& gradient) {
    if (!options_.relu_pool) {
      activation_gradient_ = gradient;
      return;
    }
    const memory dy = program.in_layout(gradient, output_.get_desc());
    const auto relu = algorithm::eltwise_relu_use_dst_for_bwd;
    const dnnl::eltwise_forward::primitive_desc hint({prop_kind::forward_training, relu, output_.get_desc(), 0.0F},
                                                     cpu());
    const dnnl::eltwise_backward::primitive_desc mask({relu, output_.get_desc(), output_.get_desc(), 0.0F}, cpu(),
                                                      hint);
    program.add(dnnl::eltwise_backward(mask),
                {{DNNL_ARG_DST, output_}, {DNNL_ARG_DIFF_DST, dy}, {DNNL_ARG_DIFF_SRC, dy}});
    const dnnl::pooling_backward::primitive_desc pool(
        {algorithm::pooling_max, activation_.get_desc(), output_.get_desc(), {2, 2}, {2, 2}, {0, 0}, pool_pad_right_},
        cpu(), pool_);
    activation_gradient_ = memory(activation_.get_desc(), cpu());
    program.add(dnnl::pooling_backward(pool),
                {{DNNL_ARG_DIFF_DST, dy}, {DNNL_ARG_WORKSPACE, workspace_}, {DNNL_ARG_DIFF_SRC, activation_gradient_}});
  }

  /// After add_unpool.
  void add_weight_gradient(Program& program) {
    const dnnl::convolution_backward_weights::primitive_desc pd(
        {options_.method, source_desc_, weights_desc_, bias_desc(), output_desc_, stride_, pad_left_, pad_right_},
        cpu(), forward_);
    const memory x = program.in_layout(source_, pd.src_desc());
    const memory dy = program.in_layout(activation_gradient_, pd.diff_dst_desc());
    const bool same = pd.diff_weights_desc() == weights_.gradient.get_desc();
    const memory dw = same ? weights_.gradient : zeros(pd.diff_weights_desc());
    program.add(dnnl::convolution_backward_weights(pd), {{DNNL_ARG_SRC, x},
                                                         {DNNL_ARG_DIFF_DST, dy},
                                                         {DNNL_ARG_DIFF_WEIGHTS, dw},
                                                         {DNNL_ARG_DIFF_BIAS, bias_.gradient}});
    if (!same) {
      program.add(dnnl::reorder(dw, weights_.gradient), {{DNNL_ARG_FROM, dw}, {DNNL_ARG_TO, weights_.gradient}});
    }
  }

  /// After add_unpool. Returns where the source's gradient will be.
  memory add_input_gradient(Program& program) {
    const dnnl::convolution_backward_data::primitive_desc pd(
        {options_.method, source_desc_, weights_desc_, output_desc_, stride_, pad_left_, pad_right_}, cpu(), forward_);
    const memory w = program.in_layout(weights_.value, pd.weights_desc());
    const memory dy = program.in_layout(activation_gradient_, pd.diff_dst_desc());
    const memory dx(pd.diff_src_desc(), cpu());
    program.add(dnnl::convolution_backward_data(pd),
                {{DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DIFF_DST, dy}, {DNNL_ARG_DIFF_SRC, dx}});
    return dx;
  }

 private:
  Desc bias_desc() const { return f32({output_desc_.dims()[1]}, Tag::x); }
  dnnl::convolution_forward::primitive_desc make_forward() const {
    dnnl::primitive_attr attributes;
    if (options_.relu_pool) {
      dnnl::post_ops after;
      after.append_eltwise(1.0F, algorithm::eltwise_relu, 0.0F, 0.0F);
      attributes.set_post_ops(after);
    }
    return {{kind_, options_.method, source_desc_, weights_desc_, bias_desc(), output_desc_, stride_, pad_left_,
             pad_right_},
            attributes,
            cpu()};
  }

  BlockOptions options_;
  prop_kind kind_;
  Desc source_desc_, weights_desc_, output_desc_, pooled_desc_;
  memory::dims stride_, pad_left_, pad_right_, pool_pad_right_;
  dnnl::convolution_forward::primitive_desc forward_;
  dnnl::pooling_forward::primitive_desc pool_;
  memory source_;
  Weights weights_, bias_;
  memory activation_, activation_gradient_, workspace_, output_;
};

}  // namespace abell::bench::onednn

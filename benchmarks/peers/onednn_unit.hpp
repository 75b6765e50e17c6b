#pragma once
/// Convolution or depthwise convolution, batch normalisation and ReLU6 in oneDNN 2.x.

#include <array>
#include <cmath>

#include "onednn_choice.hpp"

namespace abell::bench::onednn {

/// Memory that the gradients of all activations share: a convolution's backward pass reads one half and writes the
/// other.
class Gradients {
 public:
  explicit Gradients(std::size_t bytes) : halves_{Buffer<std::byte>(bytes), Buffer<std::byte>(bytes)} {}
  /// The half that the last call did not return.
  memory next(const Desc& desc) {
    turn_ = 1 - turn_;
    Buffer<std::byte>& half = halves_[static_cast<std::size_t>(turn_)];
    if (desc.get_size() > half.size()) throw ShapeError("gradients: expected a smaller activation");
    return {desc, cpu(), half.data()};
  }

 private:
  std::array<Buffer<std::byte>, 2> halves_;
  int turn_ = 0;
};

/// Training: a convolution without bias, batch_normalization by the batch's statistics, and ReLU6 in place as
/// eltwise_clip_v2, whose backward pass needs its result only. Prediction: one convolution, with the normalisation in
/// its weights and ReLU6 as post-op.
class Unit {
  using Geometry = kernels::Conv2dGeometry;

 public:
  /// Without `input` the unit makes its own, in the layout that the convolution likes best.
  Unit(const Geometry& g, bool depthwise, int batch, bool training, Choice choice, const std::optional<memory>& input)
      : training_(training),
        filters_(g.filters),
        method_(choice.method),
        source_desc_(f32({batch, g.channels, g.height, g.width}, choice.layout)),
        weights_desc_(f32(depthwise ? memory::dims{g.channels, 1, 1, g.kernel_height, g.kernel_width}
                                    : memory::dims{g.filters, g.channels, g.kernel_height, g.kernel_width})),
        output_desc_(f32({batch, g.filters, g.out_height, g.out_width}, choice.layout)),
        stride_{g.stride_height, g.stride_width},
        pad_left_{g.pad_top, g.pad_left},
        pad_right_{(g.out_height - 1) * g.stride_height + g.kernel_height - g.height - g.pad_top,
                   (g.out_width - 1) * g.stride_width + g.kernel_width - g.width - g.pad_left},
        forward_(make_forward()),
        source_(input ? *input : zeros(forward_.src_desc())),
        weights_(forward_.weights_desc(), depthwise ? Tag::hwigo : Tag::hwio),
        gamma_(vector(), Tag::x),
        beta_(vector(), Tag::x),
        z_(forward_.dst_desc(), cpu()),
        output_(training ? memory(z_.get_desc(), cpu()) : z_) {}

  const memory& source() const { return source_; }
  const memory& output() const { return output_; }
  /// What an optimizer changes, in the order of abell's arena.
  std::array<Weights*, 3> parameters() { return {&weights_, &gamma_, &beta_}; }
  std::size_t filters() const { return static_cast<std::size_t>(filters_); }
  /// In abell's arena, moving averages included.
  std::size_t parameter_count() const { return weights_.size() + 4 * filters(); }

  /// From abell's arena; `epsilon` is the normalisation's.
  void load(const float* values, double epsilon) {
    const float* gamma = values + weights_.size();
    const float* beta = gamma + filters();
    if (training_) {
      weights_.set(values);
      gamma_.set(gamma);
      beta_.set(beta);
      return;
    }
    const float* mean = beta + filters();
    const float* variance = mean + filters();
    // The filter is the last index of a convolution's weights as well as of a depthwise one's.
    std::vector<float> folded(weights_.size()), shift(filters());
    for (std::size_t i = 0; i < folded.size(); ++i) {
      const std::size_t f = i % filters();
      folded[i] = static_cast<float>(values[i] * gamma[f] / std::sqrt(variance[f] + epsilon));
    }
    for (std::size_t f = 0; f < filters(); ++f) {
      shift[f] = static_cast<float>(beta[f] - mean[f] * gamma[f] / std::sqrt(variance[f] + epsilon));
    }
    weights_.set(folded.data());
    beta_.set(shift.data());
  }

  void add_forward(Program& program, double epsilon) {
    const memory x = program.in_layout(source_, forward_.src_desc());
    std::unordered_map<int, memory> operands{{DNNL_ARG_SRC, x}, {DNNL_ARG_WEIGHTS, weights_.value}, {DNNL_ARG_DST, z_}};
    if (!training_) operands.emplace(DNNL_ARG_BIAS, beta_.value);
    program.add(dnnl::convolution_forward(forward_), operands);
    if (!training_) return;
    norm_ = dnnl::batch_normalization_forward::primitive_desc(
        {prop_kind::forward_training, z_.get_desc(), static_cast<float>(epsilon), norm_flags()}, cpu());
    mean_ = memory(norm_.mean_desc(), cpu());
    variance_ = memory(norm_.variance_desc(), cpu());
    program.add(dnnl::batch_normalization_forward(norm_), {{DNNL_ARG_SRC, z_},
                                                           {DNNL_ARG_MEAN, mean_},
                                                           {DNNL_ARG_VARIANCE, variance_},
                                                           {DNNL_ARG_SCALE, gamma_.value},
                                                           {DNNL_ARG_SHIFT, beta_.value},
                                                           {DNNL_ARG_DST, output_}});
    relu6_ = dnnl::eltwise_forward::primitive_desc(
        {prop_kind::forward_training, clip(), output_.get_desc(), 0.0F, 6.0F}, cpu());
    program.add(dnnl::eltwise_forward(relu6_), {{DNNL_ARG_SRC, output_}, {DNNL_ARG_DST, output_}});
  }

  /// From the gradient of `output`, which it overwrites, to those of all parameters; after add_forward. Returns where
  /// the source's gradient will be, in a half of `gradients`, or an empty memory for a first unit.
  memory add_backward(Program& program, const memory& gradient, Gradients& gradients, bool first, double epsilon) {
    const Desc desc = output_.get_desc();
    const memory dy = program.in_layout(gradient, desc);
    program.add(dnnl::eltwise_backward({{clip(), desc, desc, 0.0F, 6.0F}, cpu(), relu6_}),
                {{DNNL_ARG_DST, output_}, {DNNL_ARG_DIFF_DST, dy}, {DNNL_ARG_DIFF_SRC, dy}});
    const dnnl::batch_normalization_backward::primitive_desc norm(
        {prop_kind::backward, desc, desc, static_cast<float>(epsilon), norm_flags()}, cpu(), norm_);
    program.add(dnnl::batch_normalization_backward(norm), {{DNNL_ARG_SRC, z_},
                                                           {DNNL_ARG_MEAN, mean_},
                                                           {DNNL_ARG_VARIANCE, variance_},
                                                           {DNNL_ARG_SCALE, gamma_.value},
                                                           {DNNL_ARG_SHIFT, beta_.value},
                                                           {DNNL_ARG_DIFF_DST, dy},
                                                           {DNNL_ARG_DIFF_SRC, dy},
                                                           {DNNL_ARG_DIFF_SCALE, gamma_.gradient},
                                                           {DNNL_ARG_DIFF_SHIFT, beta_.gradient}});
    add_weight_gradient(program, dy);
    if (first) return {};
    const dnnl::convolution_backward_data::primitive_desc pd(
        {method_, source_desc_, weights_desc_, output_desc_, stride_, pad_left_, pad_right_}, cpu(), forward_);
    const memory w = program.in_layout(weights_.value, pd.weights_desc());
    const memory dz = program.in_layout(dy, pd.diff_dst_desc());
    const memory dx = gradients.next(pd.diff_src_desc());
    program.add(dnnl::convolution_backward_data(pd),
                {{DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DIFF_DST, dz}, {DNNL_ARG_DIFF_SRC, dx}});
    return dx;
  }

 private:
  static constexpr algorithm clip() { return algorithm::eltwise_clip_v2_use_dst_for_bwd; }
  static dnnl::normalization_flags norm_flags() {
    return dnnl::normalization_flags::use_scale | dnnl::normalization_flags::use_shift;
  }
  Desc vector() const { return f32({filters_}, Tag::x); }

  void add_weight_gradient(Program& program, const memory& dy) {
    const dnnl::convolution_backward_weights::primitive_desc pd(
        {method_, source_desc_, weights_desc_, output_desc_, stride_, pad_left_, pad_right_}, cpu(), forward_);
    const memory x = program.in_layout(source_, pd.src_desc());
    const memory dz = program.in_layout(dy, pd.diff_dst_desc());
    const bool same = pd.diff_weights_desc() == weights_.gradient.get_desc();
    const memory dw = same ? weights_.gradient : zeros(pd.diff_weights_desc());
    program.add(dnnl::convolution_backward_weights(pd),
                {{DNNL_ARG_SRC, x}, {DNNL_ARG_DIFF_DST, dz}, {DNNL_ARG_DIFF_WEIGHTS, dw}});
    if (!same) {
      program.add(dnnl::reorder(dw, weights_.gradient), {{DNNL_ARG_FROM, dw}, {DNNL_ARG_TO, weights_.gradient}});
    }
  }

  dnnl::convolution_forward::primitive_desc make_forward() const {
    if (training_) {
      return {{prop_kind::forward_training, method_, source_desc_, weights_desc_, output_desc_, stride_, pad_left_,
               pad_right_},
              cpu()};
    }
    dnnl::primitive_attr attributes;
    dnnl::post_ops after;
    after.append_eltwise(1.0F, algorithm::eltwise_clip, 0.0F, 6.0F);
    attributes.set_post_ops(after);
    return {{prop_kind::forward_inference, method_, source_desc_, weights_desc_, vector(), output_desc_, stride_,
             pad_left_, pad_right_},
            attributes,
            cpu()};
  }

  bool training_;
  int filters_;
  algorithm method_;
  Desc source_desc_, weights_desc_, output_desc_;
  memory::dims stride_, pad_left_, pad_right_;
  dnnl::convolution_forward::primitive_desc forward_;
  dnnl::batch_normalization_forward::primitive_desc norm_;
  dnnl::eltwise_forward::primitive_desc relu6_;
  memory source_;
  Weights weights_, gamma_, beta_;  ///< in prediction beta is the convolution's bias
  memory z_, mean_, variance_, output_;
};

}  // namespace abell::bench::onednn

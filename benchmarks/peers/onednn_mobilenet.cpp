/// MobileNet as a chain of oneDNN primitives: its training step, and its prediction.

#include <abell/losses/softmax_cross_entropy.hpp>

#include "onednn_dense.hpp"
#include "onednn_unit.hpp"

namespace abell::bench::onednn {
namespace {

using Model = MobileNetModel;

class MobileNetChain {
 public:
  using Task = TaskOf<Model>;

  MobileNetChain(const Task& task, bool training, Choice choice) : task_(&task) {
    const int batch = task.images.batch();
    std::optional<memory> source;
    std::size_t largest = 0;
    for (const LayerInfo& layer : task.network.layers()) {
      const bool depthwise = layer.kind == DepthwiseConv2d::kind;
      if (!depthwise && layer.kind != Conv2d::kind) continue;
      units_.push_back(std::make_unique<Unit>(geometry_of(layer), depthwise, batch, training, choice, source));
      units_.back()->add_forward(first_, epsilon);
      source = units_.back()->output();
      largest = std::max(largest, source->get_desc().get_size());
    }
    copy(memory(f32({batch, 3, Model::input.height, Model::input.width}, Tag::nhwc), cpu(),
                const_cast<float*>(task.images.data())),
         units_.front()->source());

    add_pool(*source, training);
    dropped_ = training ? memory(pooled_.get_desc(), cpu()) : pooled_;
    logits_ = std::make_unique<DenseLayer>(dropped_, 2, false, training);
    logits_->add_forward(training ? second_ : first_);
    if (training) add_backward(largest);
    load(training);
  }

  /// Forward with dropout, loss, backward, update by abell's Adadelta. The moving averages stay as they are.
  void step() {
    first_.run();
    const auto size = values_in(pooled_);
    drop(*task_, step_, size, values_of(pooled_), values_of(dropped_));
    second_.run();
    const View<float> logits{values_of(logits_->output()), task_->images.batch(), Shape{1, 1, 2}};
    SoftmaxCrossEntropy{}(logits, task_->targets, true);
    third_.run();
    drop(*task_, step_, size, values_of(pooled_gradient_), values_of(pooled_gradient_));
    fourth_.run();
    std::size_t number = 0;
    for (Weights* w : parameters()) {
      const std::span<float> value(values_of(w->value), values_in(w->value));
      updates_[number++].run(task_->threads, value, {values_of(w->gradient), value.size()});
    }
    ++step_;
  }

  /// Class probabilities.
  void predict() {
    first_.run();
    const auto rows = static_cast<std::size_t>(task_->images.batch());
    probabilities_.resize(rows * 2);
    kernels::softmax(rows, 2, values_of(logits_->output()), probabilities_.data());
  }

  const std::vector<float>& probabilities() const { return probabilities_; }
  /// As they lie in abell's arena, where the moving averages' are 0.
  std::vector<float> gradients() {
    std::vector<float> all;
    const auto append = [&](const Weights& w) {
      all.resize(all.size() + w.size());
      w.get_gradient(all.data() + all.size() - w.size());
    };
    for (const auto& unit : units_) {
      for (const Weights* w : unit->parameters()) append(*w);
      all.resize(all.size() + 2 * unit->filters());
    }
    append(logits_->weights());
    append(logits_->bias());
    return all;
  }

 private:
  static constexpr double epsilon = BatchNorm{}.epsilon;

  static kernels::Conv2dGeometry geometry_of(const LayerInfo& layer) {
    return Conv2d{.filters = layer.output.channels,
                  .kernel_size = layer.parameters.front().dimensions.front(),
                  .stride = layer.input.height / layer.output.height}
        .geometry({layer.input, layer.name, 0});
  }

  void add_pool(const memory& x, bool training) {
    const memory::dims dims = x.get_desc().dims(), window{dims[2], dims[3]}, none{0, 0};
    const auto kind = training ? prop_kind::forward_training : prop_kind::forward_inference;
    pool_ = dnnl::pooling_forward::primitive_desc({kind, algorithm::pooling_avg_exclude_padding, x.get_desc(),
                                                   f32({dims[0], dims[1], 1, 1}), window, window, none, none},
                                                  cpu());
    pooled_ = memory(pool_.dst_desc(), cpu());
    first_.add(dnnl::pooling_forward(pool_), {{DNNL_ARG_SRC, x}, {DNNL_ARG_DST, pooled_}});
  }

  void add_backward(std::size_t largest) {
    gradients_ = std::make_unique<Gradients>(largest);
    pooled_gradient_ = logits_->add_backward(third_, logits_->output());
    const Desc last = units_.back()->output().get_desc();
    const memory::dims window{last.dims()[2], last.dims()[3]}, none{0, 0};
    const dnnl::pooling_backward::primitive_desc pool(
        {algorithm::pooling_avg_exclude_padding, last, pooled_gradient_.get_desc(), window, window, none, none}, cpu(),
        pool_);
    memory gradient = gradients_->next(last);
    fourth_.add(dnnl::pooling_backward(pool), {{DNNL_ARG_DIFF_DST, pooled_gradient_}, {DNNL_ARG_DIFF_SRC, gradient}});
    for (std::size_t i = units_.size(); i-- > 0;) {
      gradient = units_[i]->add_backward(fourth_, gradient, *gradients_, i == 0, epsilon);
    }
  }

  std::vector<Weights*> parameters() {
    std::vector<Weights*> all;
    for (const auto& unit : units_) {
      const auto own = unit->parameters();
      all.insert(all.end(), own.begin(), own.end());
    }
    all.insert(all.end(), {&logits_->weights(), &logits_->bias()});
    return all;
  }
  void load(bool training) {
    const float* values = task_->network.parameters().data();
    for (const auto& unit : units_) {
      unit->load(values, epsilon);
      values += unit->parameter_count();
    }
    logits_->weights().set(values);
    logits_->bias().set(values + logits_->weights().size());
    if (!training) return;
    for (const Weights* w : parameters()) updates_.emplace_back(task_->options.optimizer, values_in(w->value));
  }

  const Task* task_;
  std::vector<std::unique_ptr<Unit>> units_;
  std::unique_ptr<DenseLayer> logits_;
  std::unique_ptr<Gradients> gradients_;
  dnnl::pooling_forward::primitive_desc pool_;
  memory pooled_, dropped_, pooled_gradient_;
  Program first_, second_, third_, fourth_;  ///< up to dropout, up to the loss, back to dropout, back to the images
  std::vector<ArrayUpdate> updates_;
  std::vector<float> probabilities_;
  std::uint32_t step_ = 0;
};

}  // namespace

void add_mobilenet_lines(int threads) {
  add_peer_network<Model, Training<MobileNetChain>, Prediction<MobileNetChain>>("peer_onednn", threads);
  add_training_memory<MobileNetChain, Model>(threads);
}

}  // namespace abell::bench::onednn

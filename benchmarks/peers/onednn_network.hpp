#pragma once
/// The custom network as a chain of oneDNN primitives: its training step, and its prediction.

#include <abell/losses/softmax_cross_entropy.hpp>
#include <algorithm>
#include <memory>
#include <vector>

#include "onednn_choice.hpp"
#include "onednn_dense.hpp"
#include "peer.hpp"

namespace abell::bench::onednn {

/// Both directions of the network.
class Chain {
 public:
  using Task = bench::Task;

  Chain(const Task& task, bool training, Choice choice) : task_(&task) {
    std::optional<memory> source;
    const BlockOptions options{
        .batch = task.images.batch(), .training = training, .method = choice.method, .layout = choice.layout};
    for (int number = 0; number < 6; ++number) {
      const LayerInfo& layer = task.network.layers()[task.find(Conv2d::kind, number)];
      const auto geometry = Conv2d{.filters = layer.output.channels}.geometry({layer.input, layer.name, 0});
      blocks_.push_back(std::make_unique<Block>(geometry, options, source));
      blocks_.back()->add_forward(first_);
      source = blocks_.back()->output();
    }
    copy(memory(f32({options.batch, 3, cluster_net_input.height, cluster_net_input.width}, Tag::nhwc), cpu(),
                const_cast<float*>(task.images.data())),
         blocks_.front()->source());

    hidden_ = std::make_unique<DenseLayer>(*source, 256, true, training);
    hidden_->add_forward(first_);
    dropped_ = training ? memory(hidden_->output().get_desc(), cpu()) : hidden_->output();
    logits_ = std::make_unique<DenseLayer>(dropped_, 2, false, training);
    logits_->add_forward(training ? second_ : first_);
    if (training) add_backward();
    load();
  }

  /// Forward with dropout, loss, backward, update.
  void step() {
    first_.run();
    const Task& task = *task_;
    const auto size = values_in(dropped_);
    drop(task, step_, size, values_of(hidden_->output()), values_of(dropped_));
    second_.run();
    const View<float> logits{values_of(logits_->output()), task.images.batch(), Shape{1, 1, 2}};
    SoftmaxCrossEntropy{}(logits, task.targets, true);
    third_.run();
    drop(task, step_, size, values_of(hidden_gradient_), values_of(hidden_gradient_));
    fourth_.run();
    std::size_t number = 0;
    for (Weights* w : parameters()) {
      const std::span<float> value(values_of(w->value), values_in(w->value));
      updates_[number++].run(task.threads, value, {values_of(w->gradient), value.size()});
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
  std::vector<float> gradients() {
    std::vector<float> all;
    for (const Weights* w : parameters()) {
      all.resize(all.size() + w->size());
      w->get_gradient(all.data() + all.size() - w->size());
    }
    return all;
  }

 private:
  void add_backward() {
    hidden_gradient_ = logits_->add_backward(third_, logits_->output());
    const auto relu = algorithm::eltwise_relu_use_dst_for_bwd;
    const Desc desc = hidden_->output().get_desc();
    const dnnl::eltwise_forward::primitive_desc hint({prop_kind::forward_training, relu, desc, 0.0F}, cpu());
    fourth_.add(dnnl::eltwise_backward({{relu, desc, desc, 0.0F}, cpu(), hint}),
                {{DNNL_ARG_DST, hidden_->output()},
                 {DNNL_ARG_DIFF_DST, hidden_gradient_},
                 {DNNL_ARG_DIFF_SRC, hidden_gradient_}});
    memory gradient = hidden_->add_backward(fourth_, hidden_gradient_);
    for (std::size_t i = blocks_.size(); i-- > 0;) {
      blocks_[i]->add_unpool(fourth_, gradient);
      blocks_[i]->add_weight_gradient(fourth_);
      if (i > 0) gradient = blocks_[i]->add_input_gradient(fourth_);
    }
  }

  /// In the order of abell's arena.
  std::vector<Weights*> parameters() {
    std::vector<Weights*> all;
    for (const auto& block : blocks_) all.insert(all.end(), {&block->weights(), &block->bias()});
    for (const auto& dense : {hidden_.get(), logits_.get()}) all.insert(all.end(), {&dense->weights(), &dense->bias()});
    return all;
  }
  void load() {
    const float* values = task_->network.parameters().data();
    for (Weights* w : parameters()) {
      w->set(values);
      values += w->size();
      updates_.emplace_back(task_->options.optimizer, values_in(w->value));
    }
  }

  const Task* task_;
  std::vector<std::unique_ptr<Block>> blocks_;
  std::unique_ptr<DenseLayer> hidden_, logits_;
  memory dropped_, hidden_gradient_;
  Program first_, second_, third_, fourth_;  ///< up to dropout, up to the loss, back to dropout, back to the images
  std::vector<ArrayUpdate> updates_;
  std::vector<float> probabilities_;
  std::uint32_t step_ = 0;
};

}  // namespace abell::bench::onednn

/// MobileNet's training step and predictions, its optimizer, and single links of its chain in training.

#include "lines.hpp"
#include "network.hpp"

namespace abell::bench {
namespace {

using Model = MobileNetModel;

/// A convolution, batch normalisation and ReLU6 as a stage of its own. It writes its output, which within the
/// chain no link but the last does.
template <class Conv>
struct Link {
  static auto describe_link(const Conv& conv) { return describe(conv, BatchNorm{}, Relu6{}); }
  using Build = decltype(build<float>(describe_link({}), Shape{}));

  Build network;
  Tensor<float> images;
  Tensor<float> image_gradient;
  Workspace<float> space;

  Link(const Conv& conv, Shape input, int threads)
      : network(build<float>(describe_link(conv), input)),
        images(normal_images(Model::batch, input)),
        image_gradient(Model::batch, input),
        space(network.workspace(Model::batch, Mode::train, threads)) {
    forward();  // its output is as good a gradient as another
  }
  void forward() { network.forward(images, space); }
  void backward() { network.backward(images, space, image_gradient.data()); }
};

/// The lines "<kind>_norm_relu6_forward/..." and "..._backward/...". Their bytes are what memory has to carry when
/// activations exceed the caches: forward, x in, z out and in again after its statistics, y out; backward, dy
/// and z twice (for the sums, then for the gradient), x in, dx out.
template <class Conv>
void add_link(const std::string& kind, const ConvolutionShape& shape, const Conv& conv, int threads) {
  const auto& g = shape.geometry;
  const auto add_line = [&](const std::string& what, void (Link<Conv>::*method)(), int passes, int inputs,
                            int outputs) {
    add(kind + "_norm_relu6_" + what + "/" + shape.name(), Model::batch, threads, [=] {
      const auto link = std::make_shared<Link<Conv>>(conv, Shape{g.height, g.width, g.channels}, threads);
      return Work{
          .run = [=] { ((*link).*method)(); },
          .flops = 2.0 * passes * Model::batch * cost_of(link->network.layers()).all,
          .bytes = sizeof(float) * Model::batch *
                   (inputs * static_cast<double>(g.input_size()) + outputs * static_cast<double>(g.output_size())),
          .images = Model::batch};
    });
  };
  add_line("forward", &Link<Conv>::forward, 1, 1, 3);
  add_line("backward", &Link<Conv>::backward, 2, 2, 4);
}

}  // namespace

void add_mobilenet() {
  for (const int threads : thread_counts()) {
    for (const ConvolutionShape& shape : convolutions_of<DepthwiseConv2d>(Model::description, Model::input)) {
      const DepthwiseConv2d conv{.stride = shape.geometry.stride_height, .bias = false};
      add_link("depthwise", shape, conv, threads);
    }
    for (const ConvolutionShape& shape : convolutions_of(Model::description, Model::input)) {
      if (shape.first) continue;
      add_link("conv2d", shape, Conv2d{.filters = shape.geometry.filters, .kernel_size = 1, .bias = false}, threads);
    }
    add_update<Model>("adadelta_step", threads, Model::optimizer());
    add("train_step/" + std::string(Model::name), Model::batch, threads, [=] {
      return training_work(std::make_shared<Trainer<Model>>(normal_images(Model::batch, Model::input), threads));
    });
    add_training_memory<Model>(threads);
    for (const int batch : {1, Model::batch}) add_prediction<Model>(batch, threads);
  }
}

}  // namespace abell::bench

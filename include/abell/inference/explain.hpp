#pragma once
/// What in an image a network's answer rests on: maps of the image's size, for one class.
///
///     const Image attention = grad_cam(network, image, 1);
///
/// All take a built network with one vector of outputs and one image, and leave the network as it is, so
/// many threads may explain with one network. Dropout is off and batch norm takes its moving averages,
/// as in prediction; the same bits for any number of threads. The maps are Images of one channel.
///
/// All throw ShapeError for an image of another shape, more or fewer images than one, a class that the
/// network has not and a network whose output is an image; NumericError when an output or a gradient is
/// not finite (a NaN pixel or weight).

#include <abell/core/error.hpp>
#include <abell/core/parallel.hpp>
#include <abell/images/image.hpp>
#include <abell/images/resample.hpp>
#include <abell/network/network.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace abell {

/// How `grad_cam` works.
struct GradCamOptions {
  std::string layer = {};  ///< the layer whose output is weighed; empty: the last with more than one pixel
  int threads = 0;         ///< 0: all
};

/// How `occlusion` works.
struct OcclusionOptions {
  int patch = 32;   ///< side of the square that is replaced, in pixels
  int stride = 16;  ///< pixels from one square to the next, at most `patch`
  double fill = 0;  ///< what stands in its place, in the network's units, in all channels
  int threads = 0;  ///< 0: all
};

namespace detail {

template <class Network, class T>
void check_explanation(const Network& network, View<const T> image, int class_index) {
  if (network.output().pixels() != 1) {
    throw ShapeError("explain: expected a network with one vector of outputs, found an output of " +
                     to_string(network.output()));
  }
  if (image.batch != 1 || image.shape != network.input()) {
    throw ShapeError("explain: expected 1 image of " + to_string(network.input()) + ", found " +
                     std::to_string(image.batch) + " of " + to_string(image.shape));
  }
  if (class_index < 0 || class_index >= network.output().channels) {
    throw ShapeError("explain: expected a class below " + std::to_string(network.output().channels) + ", found " +
                     std::to_string(class_index));
  }
}

inline void check_explained(double value) {
  if (!std::isfinite(value)) throw NumericError("explain: an output or a gradient of the network is not finite");
}

/// The forward pass to y[class], the logit where the network ends in Softmax, and the backward pass from it, down to
/// stage `first`. In between, `kept` may copy activations.
template <class Network, class T, class Kept>
void class_gradient(const Network& network, View<const T> image, int class_index, Workspace<T>& space,
                    T* image_gradient, std::size_t first, const Kept& kept) {
  const View<T> y = network.forward(image, space);
  for (const T value : y.span()) check_explained(static_cast<double>(value));
  kept();
  std::ranges::fill(y.span(), T(0));
  y.data[class_index] = 1;
  network.backward(image, space, image_gradient, first);
}

/// Where Grad-CAM looks: a layer's output, and the stage down to which the backward pass leaves its gradient there.
template <class T>
struct CamLayer {
  View<T> output;
  std::size_t down_to = 0;
};

/// Throws OptionError for a name that no layer with an output of its own has, ShapeError when that output is no image.
template <class Network, class T>
CamLayer<T> cam_layer(const Network& network, const std::string& layer, Workspace<T>& space) {
  std::string names;
  std::optional<CamLayer<T>> found;
  network.each_activation(space, [&](const std::string& name, std::size_t down_to, View<T> output) {
    const bool image = output.shape.pixels() > 1;
    if (image) names += (names.empty() ? "" : ", ") + name;
    if (name == layer && !image) {
      throw ShapeError("grad_cam: expected a layer with more than one pixel, found " + layer + " with " +
                       to_string(output.shape));
    }
    if (layer.empty() ? image : name == layer) found = CamLayer<T>{output, down_to};
  });
  if (found) return *found;
  if (layer.empty()) throw ShapeError("grad_cam: expected a network with a layer of more than one pixel, found none");
  throw OptionError("grad_cam: expected a layer among " + names + " (others are fused with the next), found '" + layer +
                    "'");
}

}  // namespace detail

/// Gradient-weighted class activation map (Selvaraju et al. 2017, ICCV, equations 1 and 2):
///   alpha_k = mean over pixels of dy / dA_k,   map = max(0, sum over k of alpha_k A_k)
/// with y the class's logit and A_k the channels of a layer's output (for a pooled block, after the
/// pool), brought to the image's size bilinearly. At least 0, in units of y; 0 where nothing speaks
/// for the class. Throws as above, and OptionError for the name of a layer that leaves no output.
template <class Network, class T = typename Network::Scalar>
Image grad_cam(const Network& network, std::type_identity_t<View<const T>> image, int class_index,
               const GradCamOptions& options = {}) {
  detail::check_explanation(network, image, class_index);
  Workspace<T> space = network.workspace(1, Mode::explain, options.threads);
  const detail::CamLayer<T> cam = detail::cam_layer(network, options.layer, space);
  const View<T> output = cam.output;
  std::vector<T> activation;
  detail::class_gradient<Network, T>(network, image, class_index, space, nullptr, cam.down_to,
                                     [&] { activation.assign(output.data, output.data + output.size()); });
  const std::size_t pixels = output.shape.pixels(), channels = output.size() / pixels;
  std::vector<double> alpha(channels);  // output holds the gradient now
  for (std::size_t i = 0; i < output.size(); ++i) {
    alpha[i % channels] += static_cast<double>(output.data[i]) / static_cast<double>(pixels);
  }
  Image map(output.shape.height, output.shape.width, 1);
  for (std::size_t p = 0; p < pixels; ++p) {
    double sum = 0;
    for (std::size_t k = 0; k < channels; ++k) sum += alpha[k] * static_cast<double>(activation[p * channels + k]);
    detail::check_explained(sum);
    map.pixels[p] = static_cast<float>(std::max(0.0, sum));
  }
  return resize(map, image.shape.height, image.shape.width);
}

/// Saliency map (Simonyan, Vedaldi & Zisserman 2014, ICLR workshop, section 3.1): the largest |dy / dx|
/// over the channels of each pixel, with y the class's logit. Throws as above.
template <class Network, class T = typename Network::Scalar>
Image saliency(const Network& network, std::type_identity_t<View<const T>> image, int class_index, int threads = 0) {
  detail::check_explanation(network, image, class_index);
  Workspace<T> space = network.workspace(1, Mode::explain, threads);
  std::vector<T> gradient(image.size());
  detail::class_gradient<Network, T>(network, image, class_index, space, gradient.data(), 0, [] {});
  Image map(image.shape.height, image.shape.width, 1);
  const auto channels = static_cast<std::size_t>(image.shape.channels);
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const auto value = static_cast<float>(std::abs(gradient[i]));
    detail::check_explained(static_cast<double>(value));
    map.pixels[i / channels] = std::max(map.pixels[i / channels], value);
  }
  return map;
}

/// Occlusion map (Zeiler & Fergus 2014, ECCV, section 4.2): how far the class's probability falls when
/// a square is replaced; in each pixel the mean over the squares that cover it. Squares start every
/// `stride` pixels and are cut at the lower and right edge. Negative where what is hidden spoke against
/// the class. Throws as above, and OptionError for a patch or stride that leaves pixels out.
template <class Network, class T = typename Network::Scalar>
Image occlusion(const Network& network, std::type_identity_t<View<const T>> image, int class_index,
                const OcclusionOptions& options = {}) {
  detail::check_explanation(network, image, class_index);
  if (options.stride < 1 || options.patch < options.stride) {
    throw OptionError("occlusion: expected a stride of at least 1 and a patch of at least that, found " +
                      std::to_string(options.stride) + " and " + std::to_string(options.patch));
  }
  const int height = image.shape.height, width = image.shape.width;
  struct Square {
    int top, left, bottom, right;
  };
  std::vector<Square> squares(1);  // the first hides nothing
  for (int top = 0; top == 0 || top - options.stride + options.patch < height; top += options.stride) {
    for (int left = 0; left == 0 || left - options.stride + options.patch < width; left += options.stride) {
      squares.push_back({top, left, std::min(top + options.patch, height), std::min(left + options.patch, width)});
    }
  }
  const int count = static_cast<int>(squares.size());
  const int batch = std::min(count, 4);  // larger ones are no faster and take memory
  Workspace<T> space = network.workspace(batch, Mode::predict, options.threads);
  Tensor<T> hidden(batch, image.shape);
  Tensor<T> answers(count, network.output());
  for (int first = 0; first < count; first += batch) {
    const int some = std::min(batch, count - first);
    parallel_for(some, space.threads, [&](int i, int) {
      T* copy = hidden.view().image(i);
      std::copy_n(image.data, image.size(), copy);
      const Square& square = squares[static_cast<std::size_t>(first + i)];
      const auto channels = static_cast<std::size_t>(image.shape.channels);
      for (int row = square.top; row < square.bottom; ++row) {
        const std::size_t start = static_cast<std::size_t>(row) * static_cast<std::size_t>(width);
        std::fill(copy + (start + static_cast<std::size_t>(square.left)) * channels,
                  copy + (start + static_cast<std::size_t>(square.right)) * channels, static_cast<T>(options.fill));
      }
    });
    network.predict(hidden.view().slice(0, some), answers.view().slice(first, some), space);
  }
  const auto probability = [&](int i) { return static_cast<double>(answers.view().image(i)[class_index]); };
  std::vector<double> sum(image.shape.pixels());
  std::vector<int> covers(image.shape.pixels());
  Image map(height, width, 1);
  for (int i = 1; i < count; ++i) {
    const Square& square = squares[static_cast<std::size_t>(i)];
    for (int row = square.top; row < square.bottom; ++row) {
      for (int column = square.left; column < square.right; ++column) {
        sum[map.index(row, column)] += probability(0) - probability(i);
        ++covers[map.index(row, column)];
      }
    }
  }
  for (std::size_t p = 0; p < sum.size(); ++p) map.pixels[p] = static_cast<float>(sum[p] / covers[p]);
  return map;
}

}  // namespace abell

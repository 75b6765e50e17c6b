/// The library's side of the exchange of weights with other programs:
///
///   abell-exchange onnx DIR         writes networks as NAME.onnx, with images and our answers as .npy
///   abell-exchange write-keras DIR  writes Keras files whose numbers follow Described::numbered
///   abell-exchange read-keras DIR   reads Keras files that hold such numbers
///   abell-exchange write-torch DIR  writes a state dict of PyTorch, with images and our answers
///   abell-exchange read-torch DIR   answers to these images by the state dicts theirs-*.safetensors

#include <abell/models/cluster_net.hpp>
#include <abell/models/mobilenet.hpp>
#include <abell/weights/keras_h5.hpp>
#include <abell/weights/onnx.hpp>
#include <abell/weights/torch.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "described.hpp"

namespace {

using namespace abell;
namespace fs = std::filesystem;

/// A .npy file of float32.
void write_npy(const fs::path& path, const std::vector<int>& sizes, const std::vector<float>& values) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  for (const int size : sizes) header += std::to_string(size) + ",";
  header += "), }";
  header.append(63 - (header.size() + 10) % 64, ' ');
  header += '\n';
  std::ofstream file(path, std::ios::binary);
  file << std::string("\x93NUMPY\x01\x00", 8) << static_cast<char>(header.size() % 256)
       << static_cast<char>(header.size() / 256) << header;
  file.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(float)));
  if (!file.flush()) throw std::runtime_error(path.string() + ": cannot be written");
}

/// Weights of a size that keeps activations near one; variances are positive, biases are not zero.
template <class Network>
void draw(Network& network) {
  std::mt19937 random(7);
  for (const NamedParameter& named : network.named_parameters()) {
    const std::string name = named.name.substr(named.name.rfind('/') + 1);
    if (name == "kernel" || name == "depthwise_kernel") continue;
    const bool positive = name == "moving_variance" || name == "gamma";
    std::uniform_real_distribution<float> numbers(positive ? 0.5f : -0.5f, positive ? 1.5f : 0.5f);
    for (float& value : network.parameters().subspan(named.offset, named.size)) value = numbers(random);
  }
}

Tensor<float> drawn_images(int batch, const Shape& input) {
  std::mt19937 random(3);
  std::normal_distribution<float> numbers;
  Tensor<float> images(batch, input);
  for (float& value : images.span()) value = numbers(random);
  return images;
}

void write_images(const fs::path& path, const Tensor<float>& images) {
  const int batch = images.view().batch;
  const Shape input = images.view().shape;
  std::vector<float> channels_first;
  for (int n = 0; n < batch; ++n) {
    for (int c = 0; c < input.channels; ++c) {
      for (int row = 0; row < input.height; ++row) {
        for (int column = 0; column < input.width; ++column) {
          channels_first.push_back(images.view()(n, row, column, c));
        }
      }
    }
  }
  write_npy(path, {batch, input.channels, input.height, input.width}, channels_first);
}

void write_answers(const fs::path& path, const Network<float>& network, const Tensor<float>& images) {
  const int batch = images.view().batch;
  const Tensor<float> answers = network.predict(images);
  const Shape output = network.output();
  write_npy(path,
            output.pixels() == 1 ? std::vector<int>{batch, output.channels}
                                 : std::vector<int>{batch, output.height, output.width, output.channels},
            {answers.span().begin(), answers.span().end()});
}

template <class Description>
void write_case(const fs::path& folder, const std::string& name, const Description& description, Shape input,
                int batch = 3) {
  auto network = build<float>(description, input, 11);
  draw(network);
  save_onnx(folder / (name + ".onnx"), network, {.metadata = {{"case", name}}});
  const Tensor<float> images = drawn_images(batch, input);
  write_images(folder / (name + ".images.npy"), images);
  write_answers(folder / (name + ".expected.npy"), network, images);
}

void write_layer_cases(const fs::path& folder) {
  const Conv2d conv{.filters = 4};
  write_case(folder, "activations",
             describe(conv, LeakyRelu{}, conv, LeakyRelu{.negative_slope = 0.01}, conv, Sigmoid{}, conv, Tanh{}, conv,
                      Relu{}, conv, Relu6{}),
             {5, 7, 3});
  for (const auto& [name, padding] :
       {std::pair{"same", Padding::same}, {"valid", Padding::valid}, {"symmetric", Padding::symmetric}}) {
    write_case(folder, std::string("average_pool_") + name,
               describe(AveragePool2d{.pool_size = {3, 2}, .stride = {2, 1}, .padding = padding},
                        AveragePool2d{.pool_size = 5, .stride = 1, .padding = padding}),
               {14, 9, 3});
    write_case(folder, std::string("conv_transpose_") + name,
               describe(Conv2dTranspose{.filters = 5, .kernel_size = {3, 5}, .stride = {2, 3}, .padding = padding},
                        Conv2dTranspose{.filters = 2, .kernel_size = {1, 3}, .stride = {3, 1}, .padding = padding},
                        Conv2dTranspose{.filters = 3, .kernel_size = 5, .padding = padding, .bias = false}),
               {3, 5, 4});
  }
  write_case(folder, "conv_transpose_even",
             describe(Conv2dTranspose{.filters = 5, .kernel_size = {2, 4}, .stride = {3, 1}},
                      Conv2dTranspose{.filters = 2, .kernel_size = {4, 2}, .padding = Padding::valid}),
             {4, 3, 3});
  write_case(folder, "global_max_pool", describe(conv, GlobalMaxPool2d{}, Dense{.units = 3}), {5, 7, 3});
  for (const auto& [name, interpolation] :
       {std::pair{"nearest", UpSampling::nearest}, {"bilinear", UpSampling::bilinear}}) {
    write_case(folder, std::string("up_sample_") + name,
               describe(UpSample2d{.size = {2, 3}, .interpolation = interpolation},
                        UpSample2d{.size = {4, 1}, .interpolation = interpolation}),
               {3, 5, 2});
  }
  // What comes before decides in which order the values stand: a map, a vector, a map as a vector.
  write_case(folder, "reshape_map", describe(conv, Reshape{.shape = {7, 4, 5}}, conv), {5, 7, 3});
  write_case(folder, "reshape_vector",
             describe(GlobalAveragePool2d{}, Dense{.units = 24}, Reshape{.shape = {3, 4, 2}}, conv), {5, 7, 3});
  write_case(folder, "reshape_flattened", describe(Flatten{}, Tanh{}, Reshape{.shape = {7, 3, 5}}, conv), {5, 7, 3});
  write_case(folder, "reshape_to_vector", describe(conv, Reshape{.shape = {1, 1, 140}}, Dense{.units = 3}), {5, 7, 3});
}

void write_nested_cases(const fs::path& folder) {
  const Conv2d conv{.filters = 4};
  const auto block = Residual{describe(conv, BatchNorm{}, Relu{}, conv, BatchNorm{})};
  write_case(folder, "residual",
             describe(conv, block, Relu{},
                      Residual{describe(Conv2d{.filters = 6, .stride = 2}, Tanh{}, Residual{describe(Sigmoid{})}),
                               describe(Conv2d{.filters = 6, .kernel_size = 1, .stride = 2})},
                      Flatten{}, Dense{.units = 3}),
             {9, 8, 3});
  write_case(folder, "residual_vectors",
             describe(Flatten{}, Residual{describe(Dense{.units = 24}, Tanh{})}, Residual{describe(Flatten{}, Relu{})},
                      Dense{.units = 2}, Softmax{}),
             {3, 4, 2});
  write_case(folder, "concatenate",
             describe(Concatenate{describe(conv, Relu{}, MaxPool2d{}), describe(AveragePool2d{}),
                                  describe(Conv2d{.filters = 2, .kernel_size = 1, .stride = 2}, LeakyRelu{})},
                      Concatenate{describe(GlobalMaxPool2d{}), describe(GlobalAveragePool2d{})}, Dense{.units = 3}),
             {7, 6, 3});
  const auto down = [&](const auto& inner) {
    return describe(conv, Relu{},
                    Concatenate{join(join(describe(MaxPool2d{}), inner), describe(UpSample2d{})), describe()}, conv,
                    Relu{});
  };
  write_case(
      folder, "unet",
      join(down(down(down(describe(conv, Relu{})))), describe(Conv2d{.filters = 1, .kernel_size = 1}, Sigmoid{})),
      {8, 16, 3});
}

void write_onnx_cases(const fs::path& folder) {
  const auto windows = [](Padding padding) {
    return describe(Conv2d{.filters = 5, .kernel_size = {3, 2}, .stride = {2, 1}, .padding = padding}, Relu{},
                    Conv2d{.filters = 4, .kernel_size = 4, .stride = 3, .padding = padding},
                    MaxPool2d{.pool_size = {3, 2}, .stride = {2, 1}, .padding = padding}, Flatten{}, Dense{.units = 7},
                    Softmax{});
  };
  write_case(folder, "windows_same", windows(Padding::same), {23, 17, 3});
  write_case(folder, "windows_valid", windows(Padding::valid), {23, 17, 3});
  write_case(folder, "windows_symmetric", windows(Padding::symmetric), {22, 17, 3});
  write_case(folder, "block",
             describe(Conv2d{.filters = 6, .stride = 2, .bias = false}, BatchNorm{}, Relu6{},
                      DepthwiseConv2d{.stride = 2, .depth_multiplier = 2}, BatchNorm{.epsilon = 0.1}, Relu6{},
                      DepthwiseConv2d{.kernel_size = {3, 5}, .padding = Padding::symmetric, .bias = false}, Relu{},
                      GlobalAveragePool2d{}, Dense{.units = 5}, Softmax{}),
             {19, 22, 3});
  // Between Flatten and Dense stands what leaves the order of the values alone, or what does not.
  write_case(folder, "flatten_relu_dense", describe(MaxPool2d{}, Flatten{}, Dropout{}, Relu{}, Dense{.units = 4}),
             {5, 7, 3});
  write_case(folder, "flatten_norm_dense", describe(Flatten{}, BatchNorm{}, Dense{.units = 4}), {3, 4, 5});
  write_case(folder, "flatten", describe(Relu{}, Flatten{}), {3, 4, 2});
  write_case(folder, "flatten_softmax", describe(Flatten{}, Softmax{}), {3, 4, 2});
  write_case(folder, "map", describe(Conv2d{.filters = 3}, Softmax{}), {4, 5, 2});
  write_case(folder, "vector_convolution",
             describe(GlobalAveragePool2d{}, Dropout{}, Conv2d{.filters = 6, .kernel_size = 1}, Relu{},
                      Dense{.units = 3}, Conv2d{.filters = 2, .kernel_size = 1}, Softmax{}),
             {4, 5, 2});
  write_case(folder, "cluster_net", cluster_net, cluster_net_input, 2);
  write_case(folder, "mobilenet", mobilenet, mobilenet_input, 2);
  write_case(folder, "mobilenet_imagenet", make_mobilenet_imagenet({.alpha = 0.25, .classes = 1000}), {65, 96, 3});
  write_layer_cases(folder);
  write_nested_cases(folder);
}

/// Layers that Keras calls otherwise, and layers within layers.
constexpr auto branched = describe(
    Conv2d{.filters = 4, .bias = false}, BatchNorm{}, LeakyRelu{},
    Residual{describe(Conv2d{.filters = 4}, BatchNorm{}, Relu{}), describe(Conv2d{.filters = 4, .kernel_size = 1})},
    Concatenate{describe(AveragePool2d{}, Conv2dTranspose{.filters = 3, .kernel_size = {3, 2}}),
                describe(MaxPool2d{}, UpSample2d{}, DepthwiseConv2d{.bias = false}), describe()},
    Reshape{.shape = {4, 12, 11}}, GlobalMaxPool2d{}, Dense{.units = 2}, Softmax{});
constexpr Shape branched_input{8, 6, 3};

Described<> numbered(Described<> network) {
  network.number();
  return network;
}

void write_keras(const fs::path& folder) {
  save_keras_weights(folder / "ours-imagenet.h5", numbered({make_mobilenet_imagenet(), mobilenet_input}));
  save_keras_weights(folder / "ours-custom.h5", numbered({cluster_net, cluster_net_input}));
  save_keras_weights(folder / "ours-branched.h5", numbered({branched, branched_input}));
  save_keras_weights(folder / "ours-custom.weights.h5", numbered({cluster_net, cluster_net_input}));
  save_keras_weights(folder / "ours-branched.weights.h5", numbered({branched, branched_input}));
}

/// The file's first word tells the network: imagenet-..., no_top-..., whole-..., custom-..., branched-...
void read_keras(const fs::path& folder) {
  int files = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    const std::string kind = name.substr(0, name.find('-'));
    Described<> network = kind == "imagenet"   ? Described<>(make_mobilenet_imagenet(), mobilenet_input)
                          : kind == "custom"   ? Described<>(cluster_net, cluster_net_input)
                          : kind == "branched" ? Described<>(branched, branched_input)
                                               : Described<>(mobilenet, mobilenet_input);
    const std::vector<std::string> missing(kind == "no_top" ? 1 : 0, "dense_1");
    const LoadedWeights loaded = load_keras_weights(entry.path(), network, {.missing = missing});
    if (loaded.missing != missing) throw std::runtime_error(name + ": expected no weights for the head, found some");
    for (const NamedParameter& named : network.named_parameters()) {
      const bool kept = !missing.empty() && named.name.starts_with("dense_1/");
      for (std::size_t i = 0; i < named.size; ++i) {
        const float wanted = kept ? 0 : Described<>::numbered(named.name, i),
                    found = network.parameters()[named.offset + i];
        if (found != wanted) {
          throw std::runtime_error(name + ": " + named.name + ": expected " + std::to_string(wanted) + " at index " +
                                   std::to_string(i) + ", found " + std::to_string(found));
        }
      }
    }
    std::cout << name << ": read" << (loaded.in_order ? " in order" : "") << std::endl;
    ++files;
  }
  if (files == 0) throw std::runtime_error(folder.string() + ": expected Keras files, found none");
}

/// The network of check_torch.py.
Network<float> torch_network() {
  constexpr BatchNorm norm{.momentum = 0.9, .epsilon = 1e-5, .moving_variance = MovingVariance::unbiased};
  constexpr Padding around = Padding::symmetric, none = Padding::valid;
  const auto net = describe(
      Conv2d{.filters = 6, .padding = around, .bias = false}, norm, LeakyRelu{.negative_slope = 0.01},
      DepthwiseConv2d{.stride = 2, .padding = around, .depth_multiplier = 2}, Relu6{},
      Residual{describe(Conv2d{.filters = 12, .kernel_size = {3, 5}, .padding = around}, Tanh{}),
               describe(Conv2d{.filters = 12, .kernel_size = 1})},
      Concatenate{describe(Conv2dTranspose{.filters = 5, .padding = around}, MaxPool2d{.padding = none}), describe()},
      AveragePool2d{.padding = none}, Flatten{}, norm, Dense{.units = 24}, norm, Relu{}, Reshape{.shape = {4, 3, 2}},
      Conv2d{.filters = 3, .padding = around}, Reshape{.shape = {6, 2, 3}}, MaxPool2d{.padding = none},
      Reshape{.shape = {1, 1, 9}}, norm, Dense{.units = 3}, Softmax{});
  return build<float>(net, {13, 10, 3}, 11);
}

void write_torch(const fs::path& folder) {
  Network<float> network = torch_network();
  draw(network);
  save_torch_weights(folder / "ours.safetensors", network);
  const Tensor<float> images = drawn_images(4, network.input());
  write_images(folder / "ours.images.npy", images);
  write_answers(folder / "ours.expected.npy", network, images);
}

void read_torch(const fs::path& folder) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    fs::path path = entry.path();
    if (!path.filename().string().starts_with("theirs-") || path.extension() != ".safetensors") continue;
    Network<float> network = torch_network();
    load_torch_weights(path, network);
    write_answers(path.replace_extension(".expected.npy"), network, drawn_images(4, network.input()));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc == 3 ? argv[1] : "";
  try {
    if (what == "onnx") return write_onnx_cases(argv[2]), 0;
    if (what == "write-keras") return write_keras(argv[2]), 0;
    if (what == "read-keras") return read_keras(argv[2]), 0;
    if (what == "write-torch") return write_torch(argv[2]), 0;
    if (what == "read-torch") return read_torch(argv[2]), 0;
  } catch (const std::exception& error) {
    std::cerr << "abell-exchange: " << error.what() << std::endl;
    return 1;
  }
  std::cerr << "abell-exchange: expected onnx, write-keras, read-keras, write-torch or read-torch, and a folder"
            << std::endl;
  return 2;
}

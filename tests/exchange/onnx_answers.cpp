/// abell-onnx-answers FOLDER: reads every FOLDER/NAME.onnx as a network and compares its answers to NAME.images.npy
/// with NAME.expected.npy: at most 1e-5 apart, in units of the largest where that is above 1.

#include <abell/inference/load_onnx.hpp>
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <iostream>
#include <set>
#include <stdexcept>

#include "npy.hpp"

namespace {

using namespace abell;
namespace fs = std::filesystem;

/// Images as the file has them: with the channels first, or last where that is what the network's shape tells.
Tensor<float> images_of(const testing::Npy& npy, const Shape& input) {
  const int batch = npy.dimensions.at(0);
  Tensor<float> images(batch, input);
  if (npy.values.size() != images.size()) throw std::runtime_error("expected images of " + to_string(input));
  const bool first =
      npy.dimensions.size() == 4 && npy.dimensions[1] == input.channels && npy.dimensions[3] == input.width;
  std::size_t i = 0;
  for (int n = 0; n < batch; ++n) {
    for (int a = 0; a < (first ? input.channels : input.height); ++a) {
      for (int b = 0; b < (first ? input.height : input.width); ++b) {
        for (int c = 0; c < (first ? input.width : input.channels); ++c) {
          const auto value = static_cast<float>(npy.values[i++]);
          (first ? images.view()(n, b, c, a) : images.view()(n, a, b, c)) = value;
        }
      }
    }
  }
  return images;
}

/// Whether the answers agree.
bool compare(const fs::path& model) {
  fs::path images = model, expected = model;
  const Network<float> network = load_network(model);
  const testing::Npy wanted = testing::read_npy_file(expected.replace_extension(".expected.npy"));
  const Tensor<float> found =
      network.predict(images_of(testing::read_npy_file(images.replace_extension(".images.npy")), network.input()));
  if (found.size() != wanted.values.size()) throw std::runtime_error("expected as many answers as the file has");
  double worst = 0, largest = 1;
  for (std::size_t i = 0; i < found.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(found.data()[i]) - wanted.values[i]));
    largest = std::max(largest, std::abs(wanted.values[i]));
  }
  std::cout << model.stem().string() << ": at most " << worst << " apart" << std::endl;
  return worst <= 1e-5 * largest;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::set<fs::path> models;
  for (const fs::directory_entry& entry : fs::directory_iterator(argv[1])) {
    if (entry.path().extension() == ".onnx") models.insert(entry.path());
  }
  int failed = models.empty() ? 1 : 0;
  for (const fs::path& model : models) {
    try {
      if (!compare(model)) ++failed;
    } catch (const std::exception& error) {
      std::cerr << model.string() << ": " << error.what() << std::endl;
      ++failed;
    }
  }
  if (failed > 0) std::cerr << failed << " of " << models.size() << " models failed" << std::endl;
  return failed > 0 ? 1 : 0;
}

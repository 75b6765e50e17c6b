#pragma once
/// What the tests of model files and checkpoints share.

#include <abell/weights/model.hpp>
#include <abell/weights/safetensors.hpp>
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <span>
#include <string_view>
#include <vector>

#include "catch.hpp"

inline constexpr abell::Shape small_input{8, 8, 3};
inline constexpr auto small_net = abell::describe(
    abell::Conv2d{.filters = 4}, abell::Relu{}, abell::MaxPool2d{}, abell::Flatten{}, abell::Dense{.units = 8},
    abell::Relu{}, abell::Dropout{.rate = 0.5}, abell::Dense{.units = 2}, abell::Softmax{});

inline abell::ModelInfo small_info() {
  return {.classes = {"cluster", "non-cluster"},
          .positive = {"cluster"},
          .preprocessing = {{"resize", "bilinear"}, {"scale", 1.0 / 255}, {"nan", "zero"}}};
}

template <class T>
bool same_bits(std::span<const T> a, std::span<const T> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

template <class T>
bool same_bits(const T& a, const T& b) {
  return same_bits(std::span(&a, 1), std::span(&b, 1));
}

template <class Network>
std::vector<typename Network::Scalar> copy_of(const Network& network) {
  return {network.parameters().begin(), network.parameters().end()};
}

inline std::size_t files_in(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(
      std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
}

/// A file's tensors, changed by `change` and written anew.
template <class Change>
std::filesystem::path changed(const std::filesystem::path& from, const std::filesystem::path& to,
                              const Change& change) {
  abell::TensorFile file = abell::read_safetensors(from);
  change(file);
  abell::write_safetensors(to, file);
  return to;
}

inline abell::StoredTensor& named(abell::TensorFile& file, std::string_view name) {
  const auto found = std::ranges::find(file.tensors, name, &abell::StoredTensor::name);
  REQUIRE(found != file.tensors.end());
  return *found;
}

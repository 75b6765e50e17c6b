#pragma once
/// A network's names, shapes and parameters without its stages: all that files of weights need.

#include <abell/network/network.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

template <class T = float>
class Described {
 public:
  using Scalar = T;

  template <class Description>
  Described(const Description& description, abell::Shape input) : Described(abell::inspect(description, input)) {
    description_ = list_of<T>(description);
  }

  explicit Described(std::vector<abell::LayerInfo> layers) : layers_(std::move(layers)) {
    std::size_t offset = 0;
    abell::each_layer(layers_, [&](const abell::LayerInfo& layer) {
      for (const abell::Parameter& p : layer.parameters) {
        named_.push_back({layer.name + "/" + p.name, p.dimensions, offset, p.size(), p.trainable});
        offset += p.size();
      }
    });
    parameters_.resize(offset);
  }

  const abell::LayerList<T>& description() const { return description_; }
  const std::vector<abell::LayerInfo>& layers() const { return layers_; }
  const std::vector<abell::NamedParameter>& named_parameters() const { return named_; }
  std::span<T> parameters() { return parameters_; }
  std::span<const T> parameters() const { return parameters_; }

  /// The values of one parameter.
  std::span<T> operator[](const std::string& name) {
    for (const abell::NamedParameter& named : named_) {
      if (named.name == name) return parameters().subspan(named.offset, named.size);
    }
    return {};
  }

  /// Gives each value a number of its own place, exact even in float16: n / 512 for n of -500 to 499.
  void number() {
    for (const abell::NamedParameter& named : named_) {
      for (std::size_t i = 0; i < named.size; ++i) parameters_[named.offset + i] = numbered(named.name, i);
    }
  }
  static T numbered(const std::string& name, std::size_t i) {
    std::size_t start = 0;
    for (const char c : name) start = start * 31 + static_cast<unsigned char>(c);
    return static_cast<T>(static_cast<int>((start % 1000 + 7 * i) % 1000) - 500) / T(512);
  }

 private:
  abell::LayerList<T> description_;
  std::vector<abell::LayerInfo> layers_;
  std::vector<abell::NamedParameter> named_;
  std::vector<T> parameters_;
};

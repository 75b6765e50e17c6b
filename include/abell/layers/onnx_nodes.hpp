#pragma once
/// How a layer writes itself into an ONNX graph (onnx.ai), whoever makes the file; see weights/onnx.hpp.

#include <abell/core/shape.hpp>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <variant>
#include <vector>

namespace abell {

/// One attribute of a node: {"axis", 1}, {"alpha", 0.3}, {"mode", "linear"}, {"strides", {2, 2}}.
struct OnnxAttribute {
  OnnxAttribute(const char* attribute, int number) : name(attribute), value(number) {}
  OnnxAttribute(const char* attribute, double number) : name(attribute), value(number) {}
  OnnxAttribute(const char* attribute, const char* text) : name(attribute), value(std::string(text)) {}
  OnnxAttribute(const char* attribute, std::initializer_list<int> numbers)
      : name(attribute), value(std::vector<int>(numbers)) {}

  std::string name;
  std::variant<int, double, std::string, std::vector<int>> value;
};

/// Takes the nodes of one layer after the other. What the last node gives is either a map
/// [batch, channels, height, width] or a vector [batch, values].
class OnnxNodes {
 public:
  using Attributes = std::vector<OnnxAttribute>;
  using Order = std::vector<std::size_t>;

  OnnxNodes() = default;
  OnnxNodes(const OnnxNodes&) = delete;
  OnnxNodes& operator=(const OnnxNodes&) = delete;
  virtual ~OnnxNodes() = default;

  /// The version of ONNX's operators that nodes are of: 10, or 13 once a layer has required more.
  virtual int opset() const = 0;
  /// Tells that the layer cannot be said in an older version than `least`: the graph is then written anew.
  virtual void require_opset(int least) = 0;
  /// A node of the layer from what the last one gave and `more` inputs. Named after the layer; a second node of one
  /// name gets a number.
  virtual void node(const std::string& kind, const Attributes& attributes = {},
                    const std::vector<std::string>& more = {}, const std::string& suffix = {}) = 0;
  /// A node of a map whose windows move over it.
  virtual void pool(const std::string& kind, Extent window, Extent stride, Padding padding, Attributes attributes) = 0;
  /// A softmax over the channels, or over a vector.
  virtual void softmax() = 0;
  /// Makes a map of what the last node gave, in the order of channel, height, width.
  virtual void as_map() = 0;
  /// A vector in the order channel, height, width becomes one in the order height, width, channel.
  virtual void in_order() = 0;
  /// The layer's next parameter as an array: its axes in `order` (none: as they are), written in the dimensions `shape`
  /// (none: those of the ordered axes). Throws NumericError.
  virtual std::string weights(const Order& order = {}, const std::vector<std::int64_t>& shape = {}) = 0;
  /// An array of the layer's own, called `name` after it.
  virtual std::string constant(const std::string& name, const std::vector<std::int64_t>& shape,
                               const std::vector<float>& values) = 0;
};

}  // namespace abell

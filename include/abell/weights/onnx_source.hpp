#pragma once
/// The nodes of an ONNX graph: what they take from one another, their constants and their attributes.

#ifndef ONNX_ML
#define ONNX_ML 1
#endif
#include <onnx/onnx_pb.h>

#include <abell/core/error.hpp>
#include <abell/weights/json.hpp>
#include <abell/weights/onnx_tensor.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace abell::detail {

/// What stands for a name in the graph: a tensor of the file, or one that constants give.
class OnnxConstants {
 public:
  explicit OnnxConstants(const std::filesystem::path& model) : reader_(model) {}

  void add(const std::string& name, const onnx::TensorProto& tensor) { stored_[name] = &tensor; }
  void add(const std::string& name, OnnxTensor tensor) { made_[name] = std::move(tensor); }
  bool has(const std::string& name) const { return stored_.contains(name) || made_.contains(name); }
  OnnxTensor operator[](const std::string& name) const {
    const auto made = made_.find(name);
    return made != made_.end() ? made->second : reader_.read(*stored_.at(name));
  }
  OnnxTensor read(const onnx::TensorProto& tensor) const { return reader_.read(tensor); }

 private:
  OnnxTensorReader reader_;
  std::map<std::string, const onnx::TensorProto*> stored_;
  std::map<std::string, OnnxTensor> made_;
};

/// A node whose values depend on the images. What it throws names the node.
class OnnxStep {
 public:
  OnnxStep(const onnx::NodeProto& node, const OnnxConstants& constants, std::string where)
      : node_(&node), constants_(&constants), where_(std::move(where)) {
    const std::string name = !node.name().empty() ? node.name() : node.output_size() > 0 ? node.output(0) : "";
    where_ += ": node " + in_quotes(name) + " (" + node.op_type() + ")";
  }

  std::vector<std::size_t> inputs = {};  ///< numbers of the steps that it takes values from, 0 for the images

  const std::string& kind() const { return node_->op_type(); }
  const std::string& where() const { return where_; }
  [[noreturn]] void fail(const std::string& expected, const std::string& found) const {
    throw FormatError(where_ + ": expected " + expected + ", found " + found);
  }

  std::int64_t integer(const char* name, std::int64_t otherwise) const {
    const auto* found = attribute(name, onnx::AttributeProto::INT);
    return found == nullptr ? otherwise : found->i();
  }
  double real(const char* name, double otherwise) const {
    const auto* found = attribute(name, onnx::AttributeProto::FLOAT);
    if (found == nullptr) return otherwise;
    if (!std::isfinite(found->f())) fail("a finite " + in_quotes(name), std::to_string(found->f()));
    return static_cast<double>(found->f());
  }
  std::string text(const char* name, const std::string& otherwise) const {
    const auto* found = attribute(name, onnx::AttributeProto::STRING);
    return found == nullptr ? otherwise : found->s();
  }
  std::optional<std::vector<std::int64_t>> integers(const char* name) const {
    const auto* found = attribute(name, onnx::AttributeProto::INTS);
    if (found == nullptr) return std::nullopt;
    return std::vector<std::int64_t>{found->ints().begin(), found->ints().end()};
  }
  std::optional<std::vector<double>> reals(const char* name) const {
    const auto* found = attribute(name, onnx::AttributeProto::FLOATS);
    if (found == nullptr) return std::nullopt;
    return std::vector<double>{found->floats().begin(), found->floats().end()};
  }
  const onnx::TensorProto* tensor(const char* name) const {
    const auto* found = attribute(name, onnx::AttributeProto::TENSOR);
    return found == nullptr ? nullptr : &found->t();
  }
  bool has(const char* name) const {
    for (const onnx::AttributeProto& each : node_->attribute()) {
      if (each.name() == name) return true;
    }
    return false;
  }
  /// An attribute that must have the value that is meant where it is left out.
  void require(const char* name, std::int64_t value) const {
    const std::int64_t found = integer(name, value);
    if (found != value) fail(std::string(name) + " of " + std::to_string(value), std::to_string(found));
  }
  /// Throws FormatError where the node has an attribute that nobody asked for.
  void require_known_attributes() const {
    for (const onnx::AttributeProto& each : node_->attribute()) {
      if (!asked_.contains(each.name())) fail("an attribute that is known here", in_quotes(each.name()));
    }
  }

  /// The constant at an input; nothing where there is none.
  std::optional<OnnxTensor> constant(int input) const {
    if (input >= node_->input_size() || node_->input(input).empty()) return std::nullopt;
    if (!constants_->has(node_->input(input)))
      fail("a constant as input " + std::to_string(input + 1), "values that depend on the images");
    return (*constants_)[node_->input(input)];
  }
  /// The same where it must be there.
  OnnxTensor weights(int input, const char* what) const {
    auto found = constant(input);
    if (!found) fail(std::string(what) + " as input " + std::to_string(input + 1), "none");
    return *std::move(found);
  }
  bool is_constant(int input) const { return input < node_->input_size() && constants_->has(node_->input(input)); }
  int input_count() const { return node_->input_size(); }

 private:
  const onnx::AttributeProto* attribute(const char* name, onnx::AttributeProto::AttributeType type) const {
    asked_.insert(name);
    for (const onnx::AttributeProto& each : node_->attribute()) {
      if (each.name() != name) continue;
      if (each.type() != type) {
        fail("attribute " + in_quotes(name) + " as " + onnx::AttributeProto::AttributeType_Name(type),
             onnx::AttributeProto::AttributeType_Name(each.type()));
      }
      return &each;
    }
    return nullptr;
  }

  const onnx::NodeProto* node_;
  const OnnxConstants* constants_;
  std::string where_;
  mutable std::set<std::string> asked_;
};

/// The graph of a model: its steps in their order, the images as step 0.
class OnnxSource {
 public:
  /// Throws FormatError where the graph has not one input and one output, or a node takes what no node before it gives.
  OnnxSource(const onnx::GraphProto& graph, const std::filesystem::path& path)
      : constants_(path), where_(path.string()) {
    if (graph.node_size() > most_nodes) {
      throw FormatError(where_ + ": expected at most " + std::to_string(most_nodes) + " nodes, found " +
                        std::to_string(graph.node_size()));
    }
    for (const onnx::TensorProto& tensor : graph.initializer()) constants_.add(tensor.name(), tensor);
    if (graph.sparse_initializer_size() > 0) throw FormatError(where_ + ": expected plain tensors, found a sparse one");
    for (const onnx::ValueInfoProto& value : graph.input()) {
      if (constants_.has(value.name())) continue;  // before IR 4 every constant was an input, too
      if (input_ != nullptr) {
        throw FormatError(where_ + ": expected one input, found " + in_quotes(input_->name()) + " and " +
                          in_quotes(value.name()));
      }
      input_ = &value;
    }
    if (input_ == nullptr || graph.output_size() != 1) {
      throw FormatError(where_ + ": expected one input and one output, found " +
                        (input_ == nullptr ? "no input" : std::to_string(graph.output_size()) + " outputs"));
    }
    numbers_[input_->name()] = 0;
    steps_.emplace_back(no_node(), constants_, where_);
    for (const onnx::NodeProto& node : graph.node()) add(node);
    const auto output = numbers_.find(graph.output(0).name());
    if (output == numbers_.end()) {
      throw FormatError(where_ + ": expected an output " + in_quotes(graph.output(0).name()) +
                        " that depends on the images, found none");
    }
    output_ = output->second;
  }

  OnnxSource(const OnnxSource&) = delete;
  OnnxSource& operator=(const OnnxSource&) = delete;

  const std::vector<OnnxStep>& steps() const { return steps_; }
  std::size_t output() const { return output_; }
  const onnx::ValueInfoProto& input() const { return *input_; }
  const std::string& where() const { return where_; }

 private:
  static constexpr int most_nodes = 20'000;

  static const onnx::NodeProto& no_node() {
    static const onnx::NodeProto none;
    return none;
  }

  void add(const onnx::NodeProto& node) {
    OnnxStep step(node, constants_, where_);
    if (!node.domain().empty() && node.domain() != "ai.onnx")
      step.fail("an operator of ONNX", "one of " + in_quotes(node.domain()));
    if (node.output_size() < 1) step.fail("an output", "none");
    for (const std::string& name : node.input()) {
      if (name.empty() || constants_.has(name)) continue;
      const auto found = numbers_.find(name);
      if (found == numbers_.end()) step.fail("inputs that nodes before it give", in_quotes(name));
      step.inputs.push_back(found->second);
    }
    if (step.inputs.empty()) return constants_.add(node.output(0), constant(step));
    for (int i = 1; i < node.output_size(); ++i) {
      // Dropout's mask, and what batch normalisation gives in training: nobody may take them.
      if (!node.output(i).empty() && step.kind() != "Dropout" && step.kind() != "BatchNormalization") {
        step.fail("one output", std::to_string(node.output_size()));
      }
    }
    numbers_[node.output(0)] = steps_.size();
    steps_.push_back(std::move(step));
  }

  /// What a node without images gives.
  OnnxTensor constant(const OnnxStep& step) const {
    if (step.kind() == "Constant") {
      OnnxTensor made;
      if (const auto* tensor = step.tensor("value")) {
        made = constants_.read(*tensor);
      } else if (step.has("value_float")) {
        made.values = {step.real("value_float", 0)};
      } else if (step.has("value_int")) {
        made.values = {static_cast<double>(step.integer("value_int", 0))};
      } else if (const auto numbers = step.reals("value_floats")) {
        made = {{static_cast<std::int64_t>(numbers->size())}, *numbers};
      } else if (const auto whole = step.integers("value_ints")) {
        made = {{static_cast<std::int64_t>(whole->size())}, {whole->begin(), whole->end()}};
      } else {
        step.fail("a number or a tensor of numbers", "another value");
      }
      return made;
    }
    if (step.kind() == "Identity") return step.weights(0, "a constant");
    if (step.kind() != "Cast") step.fail("Constant, Identity or Cast where no image is taken", step.kind());
    OnnxTensor made = step.weights(0, "a constant");
    const std::int64_t type = step.integer("to", 0);
    const bool whole = type == onnx::TensorProto::INT64 || type == onnx::TensorProto::INT32;
    const bool real = type == onnx::TensorProto::FLOAT || type == onnx::TensorProto::DOUBLE ||
                      type == onnx::TensorProto::FLOAT16 || type == onnx::TensorProto::BFLOAT16;
    if (!whole && !real) step.fail("a cast to a float or an integer", "type " + std::to_string(type));
    for (double& value : made.values) value = whole ? std::trunc(value) : value;
    return made;
  }

  OnnxConstants constants_;
  std::string where_;
  std::map<std::string, std::size_t> numbers_;  ///< of the steps that give a name
  std::vector<OnnxStep> steps_;
  const onnx::ValueInfoProto* input_ = nullptr;
  std::size_t output_ = 0;
};

}  // namespace abell::detail

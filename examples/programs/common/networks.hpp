#pragma once
/// The networks that the programs train, by name or out of a file, and task.

#include <abell/core/error.hpp>
#include <abell/models/cluster_net.hpp>
#include <abell/models/mobilenet.hpp>
#include <abell/models/unet.hpp>
#include <abell/weights/architecture.hpp>
#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "tasks.hpp"
#include "weight_files.hpp"

namespace abell::program {

/// The paper's networks, which give an image one answer.
inline constexpr std::array<std::string_view, 2> network_names{"custom", "mobilenet"};

inline constexpr int unet_depth = 3;
/// The sides that U-Net can have are multiples of this.
inline constexpr int unet_step = 1 << unet_depth;
inline constexpr int default_unet_size = 256;

/// A network, what it answers, and with how many outputs.
struct NetworkChoice {
  std::string name = "custom";  ///< or a file .json, .keras, .h5 or .onnx
  Task task = Task::classify;
  int outputs = 2;
  double dropout = 0;
  int size = default_unet_size;             ///< of the images that U-Net gets
  double alpha = 1;                         ///< width of MobileNet
  std::optional<Architecture<>> read = {};  ///< from the file
};

/// Whether `name` is that of a file with an architecture: JSON, see abell/weights/architecture.hpp, a whole model of
/// Keras, or an ONNX model.
inline bool is_architecture_file(std::string_view name) {
  return name.ends_with(".json") || is_keras_file(name) || is_onnx_file(name);
}

/// Throws as `read_architecture`, `read_keras_architecture` and `read_onnx_architecture`.
inline Architecture<> read_network_file(const std::string& name) {
  if (is_onnx_file(name)) return read_onnx_architecture(name);
  return is_keras_file(name) ? read_keras_architecture(name) : read_architecture(name);
}

/// What a run, a model and a report call a network: its name, or that of its file without folder and extension.
inline std::string network_title(const std::string& name) {
  return is_architecture_file(name) ? std::filesystem::path(name).stem().string() : name;
}

/// Throws OptionError for a network that does not do the task.
inline void check(const NetworkChoice& choice) {
  if (is_architecture_file(choice.name)) return;
  const bool paper = std::ranges::find(network_names, choice.name) != network_names.end();
  if (choice.task == Task::segment ? choice.name == "unet" : paper) return;
  throw OptionError(
      "--network: expected " + std::string(choice.task == Task::segment ? "unet" : "custom or mobilenet") +
      ", or a file .json, .keras, .h5 or .onnx, for --task " + std::string(name_of(choice.task)) + ", found " + choice.name);
}

/// Throws ShapeError unless the network out of a file gives what the task asks for, from images that there are.
inline void check_file(const NetworkChoice& choice, const Architecture<>& read) {
  const LayerInfo last = inspect(read.layers, read.input).back();
  if (read.input.channels != 1 && read.input.channels != 3) {
    throw ShapeError(choice.name + ": expected an input of 1 or 3 channels, found " + to_string(read.input));
  }
  const bool segment = choice.task == Task::segment;
  const Shape expected{segment ? read.input.height : 1, segment ? read.input.width : 1, choice.outputs};
  const std::string_view kind = choice.task == Task::regress      ? std::string_view()
                                : choice.task == Task::multilabel ? Sigmoid::kind
                                                                  : Softmax::kind;
  if (last.output == expected && (kind.empty() || last.kind == kind)) return;
  throw ShapeError(choice.name + ": expected " + to_string(expected) + " outputs" +
                   (kind.empty() ? "" : " of " + std::string(kind)) + " as the last layer, for --task " +
                   std::string(name_of(choice.task)) + ", found " + to_string(last.output) + " of " + last.kind);
}

/// Throws as `check`.
inline Architecture<> architecture_of(const NetworkChoice& choice) {
  check(choice);
  if (is_architecture_file(choice.name)) return choice.read.value();
  if (choice.task == Task::segment) {
    return {list_of<float>(make_unet({.depth = unet_depth, .classes = choice.outputs})), {choice.size, choice.size, 3}};
  }
  Architecture<> made;
  if (choice.name == "custom") {
    made = {list_of<float>(make_cluster_net_body(choice.dropout)), cluster_net_input};
  } else {
    made = {list_of<float>(make_mobilenet_body({.alpha = choice.alpha, .dropout = choice.dropout})), mobilenet_input};
  }
  made.layers.push_back(Dense{.units = choice.outputs});
  if (choice.task == Task::classify) made.layers.push_back(Softmax{});
  if (choice.task == Task::multilabel) made.layers.push_back(Sigmoid{});
  return made;
}

/// Throws as `check` and `check_file`.
inline Network<float> make_network(const NetworkChoice& choice, std::uint64_t seed) {
  const Architecture<> made = architecture_of(choice);
  if (is_architecture_file(choice.name)) check_file(choice, made);
  return build<float>(made.layers, made.input, seed);
}

}  // namespace abell::program

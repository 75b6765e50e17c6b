#pragma once
/// Export to ONNX (onnx.ai), which other runtimes read: a float32 graph from `images`
/// [batch, channels, height, width] to `probabilities` [batch, classes]. It is of opset 10, which older runtimes read,
/// too, wherever that can say what the network does, else of opset 13 (bilinear UpSample2d).
///
/// The arrays change their order, from channels last to channels first: kernels HWIO -> OIHW, and the rows of a
/// dense layer behind Flatten from height, width, channel to channel, height, width. Padding stands explicitly
/// in `pads`; Dropout, the identity in inference, is left out.

#ifndef ONNX_ML
#define ONNX_ML 1  // Debian's headers are those of ONNX with its ML part
#endif
#include <onnx/onnx_pb.h>

#include <abell/core/atomic_file.hpp>
#include <abell/core/version.hpp>
#include <abell/network/network.hpp>
#include <abell/weights/onnx_graph.hpp>
#include <filesystem>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace abell {

/// What goes into an ONNX file besides the graph.
struct OnnxOptions {
  std::map<std::string, std::string> metadata = {};  ///< its metadata_props: classes, preprocessing, ...
};

/// The ONNX model of a description with `parameters` laid out as those of its network. Throws ShapeError when their
/// number is not that of the description at that input, NumericError for NaN and infinite weights, OptionError for a
/// layer without an ONNX form.
template <class T>
onnx::ModelProto onnx_model(const LayerList<T>& description, Shape input, std::span<const T> parameters,
                            const OnnxOptions& options = {}) {
  constexpr int old = 10, recent = 13;
  onnx::ModelProto model;
  model.set_producer_name("abell");
  model.set_producer_version(std::string(version));
  for (const auto& [key, value] : options.metadata) {
    onnx::StringStringEntryProto& entry = *model.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  const std::vector<LayerInfo> infos = inspect(description, input);
  int opset = old;
  const auto write = [&] {
    model.clear_graph();
    detail::OnnxGraph<T> graph(*model.mutable_graph(), opset, input, parameters);
    graph.add_all(infos, description);
    return graph.required_opset();
  };
  if (write() > old) {
    opset = recent;
    write();
  }
  model.set_ir_version(opset == old ? onnx::IR_VERSION_2019_3_18 : onnx::IR_VERSION_2020_5_8);
  model.add_opset_import()->set_version(opset);
  return model;
}

/// Writes `onnx_model` to a file, which appears under its name only when complete. Throws IoError besides.
template <class T>
void save_onnx(const std::filesystem::path& path, const LayerList<T>& description, Shape input,
               std::span<const T> parameters, const OnnxOptions& options = {}) {
  const onnx::ModelProto model = onnx_model(description, input, parameters, options);
  if (model.ByteSizeLong() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    throw IoError(path.string() + ": expected a model of less than 2 GB, which protobuf can write, found " +
                  std::to_string(model.ByteSizeLong()) + " bytes");
  }
  AtomicFile out(path);
  model.SerializeToOstream(&out.stream());
  out.commit();
}

/// A network as it is.
template <class T>
void save_onnx(const std::filesystem::path& path, const Network<T>& network, const OnnxOptions& options = {}) {
  save_onnx(path, network.description(), network.input(), network.parameters(), options);
}

}  // namespace abell

/// Writes a trained model for other programs: ONNX, Keras's HDF5, safetensors, PyTorch's among them.

#include <abell/inference/load_network.hpp>
#include <abell/weights/keras_h5.hpp>
#include <abell/weights/onnx.hpp>

#include "common/memory_limit.hpp"
#include "common/output_file.hpp"
#include "common/program.hpp"
#include "common/weight_files.hpp"

namespace {

using namespace abell;
using namespace abell::program;
namespace fs = std::filesystem;

struct Options {
  CommonOptions common;
  std::string model;
  std::string out;
  bool pytorch = false;
  bool overwrite = false;
  std::uint64_t max_memory = half_of_memory();
};

enum class Format { onnx, keras, safetensors, pytorch };

Format format_of(const fs::path& path, bool pytorch) {
  const std::string extension = extension_of(path);
  if (pytorch && extension != ".safetensors") {
    throw OptionError("--pytorch: expected --out FILE.safetensors, found '" + path.string() + "'");
  }
  if (extension == ".onnx") return Format::onnx;
  if (extension == ".safetensors") return pytorch ? Format::pytorch : Format::safetensors;
  if (extension != ".keras" && is_keras_file(path)) return Format::keras;
  throw OptionError("--out: expected a file .onnx, .h5 or .safetensors, found '" + path.string() + "'");
}

/// What a program that runs the ONNX model must know: the model file's own record, and its parts as JSON.
OnnxOptions onnx_options(const fs::path& file, const ModelInfo& info) {
  OnnxOptions options{.metadata = {{"abell", read_safetensors_metadata(file).at("abell")},
                                   {"classes", nlohmann::json(info.classes).dump()},
                                   {"positive", nlohmann::json(info.positive).dump()},
                                   {"preprocessing", info.preprocessing.dump()}}};
  if (info.task != "classify") options.metadata["task"] = info.task;
  if (!info.targets.empty()) options.metadata["targets"] = nlohmann::json(info.targets).dump();
  return options;
}

int run_export(const Options& options) {
  const fs::path out = options.out;
  const Format format = format_of(out, options.pytorch);
  const fs::path file = model_file(options.model);
  std::error_code error;
  if (fs::equivalent(file, out, error)) throw IoError(options.out + ": is the model itself");
  check_output_file(out, options.overwrite);
  const ModelInfo info = read_model_info(file);
  const Network<float> network =
      load_network(file, {.batch = 0, .max_memory = static_cast<double>(options.max_memory)});
  if (interrupted()) return exit_stopped();
  switch (format) {
    case Format::onnx: save_onnx(out, network, onnx_options(file, info)); break;
    case Format::keras: save_keras_weights(out, network); break;
    case Format::safetensors: save_model(out, network, info); break;
    case Format::pytorch: save_torch_weights(out, network); break;
  }
  if (!options.common.quiet) {
    std::cout << out.string() << ": " << network.parameters().size() << " parameters" << std::endl;
  }
  return exit_ok;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Writes a trained model for other programs.", "abell-export");
  Options options;
  app.add_option("--model", options.model, "Folder of a run of abell-train, or a model file")
      ->required()
      ->type_name(path_type);
  app.add_option("--out", options.out,
                 "File to write: .onnx, .h5 (weights for Keras 2), .weights.h5 (for Keras 3) or .safetensors")
      ->required()
      ->type_name(file_type);
  app.add_flag("--pytorch", options.pytorch, "Write the .safetensors file as a state dict of PyTorch");
  app.add_flag("--overwrite", options.overwrite, "Replace the file when it exists");
  add_max_memory(app, options.max_memory, "the model");
  add_common(app, options.common);
  app.footer(
      "Examples:\n"
      "  abell-export --model runs/cn-e --out cn-e.onnx\n"
      "  abell-export --model runs/cn-e --out cn-e.weights.h5\n"
      "  abell-export --model runs/cn-e --out cn-e.safetensors --pytorch\n"
      "An ONNX model takes 'images' [batch, channels, height, width] as the preprocessing in its metadata leaves "
      "them,\nand gives 'probabilities' [batch, classes], the classes as listed there (regress: standardised numbers; "
      "segment: "
      "a plane a class). A .h5 file holds the weights "
      "alone, and so does PyTorch's, its modules named as in a torch.nn.Sequential of the layers.");
  return run(app, argc, argv, [&] { return run_export(options); });
}

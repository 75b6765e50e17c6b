/// Writes a trained model for other programs: ONNX, Keras's HDF5, safetensors, PyTorch's among them.

#include <abell/inference/load_onnx.hpp>
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
OnnxOptions onnx_options(const Network<float>& network, const ModelInfo& info) {
  OnnxOptions options{.metadata = {{"abell", abell::detail::model_json(network, network.parameters(), info).dump()},
                                   {"classes", nlohmann::json(info.classes).dump()},
                                   {"positive", nlohmann::json(info.positive).dump()},
                                   {"preprocessing", info.preprocessing.dump()}}};
  if (info.task != "classify") options.metadata["task"] = info.task;
  if (!info.targets.empty()) options.metadata["targets"] = nlohmann::json(info.targets).dump();
  return options;
}

/// The same beside the file, for programs that do not reach its metadata, with how the input lies and a self-test: the
/// outputs for the image whose value i, in the order of the input, is ((2654435761 i mod 2^32) >> 16) / 65535.
void write_onnx_record(const fs::path& path, const Network<float>& network, const ModelInfo& info) {
  const Shape in = network.input(), out = network.output();
  const Tensor<float> values = self_test_image<float>(in);
  Tensor<float> image(1, in);
  std::size_t i = 0;
  for (int c = 0; c < in.channels; ++c) {
    for (int row = 0; row < in.height; ++row) {
      for (int column = 0; column < in.width; ++column) image.view()(0, row, column, c) = values.data()[i++];
    }
  }
  const Tensor<float> answers = network.predict(image, 1);
  Json json{{"input", {{"name", "images"}, {"layout", "NCHW"}, {"shape", {in.channels, in.height, in.width}}}},
            {"output", {{"name", "probabilities"}, {"shape", Json::array()}}},
            {"task", info.task},
            {"classes", info.classes},
            {"positive", info.positive},
            {"targets", info.targets},
            {"preprocessing", info.preprocessing},
            {"self_test",
             {{"input", "value i of images is ((2654435761 i mod 2^32) >> 16) / 65535"},
              {"output", std::vector<float>(answers.span().begin(), answers.span().end())}}}};
  if (info.preprocessing.contains("best_threshold")) json["threshold"] = info.preprocessing["best_threshold"];
  json["output"]["shape"] = out.pixels() == 1 ? Json{out.channels} : Json{out.height, out.width, out.channels};
  AtomicFile file(path);
  file.stream() << json.dump(2) << "\n";
  file.commit();
}

int run_export(const Options& options) {
  const fs::path out = options.out;
  const Format format = format_of(out, options.pytorch);
  const fs::path file = model_file(options.model);
  std::error_code error;
  if (fs::equivalent(file, out, error)) throw IoError(options.out + ": is the model itself");
  check_output_file(out, options.overwrite);
  const fs::path record = fs::path(out).replace_extension(".json");
  if (format == Format::onnx) check_output_file(record, options.overwrite);
  const auto [info, network] = read_model(file, {.batch = 0, .max_memory = static_cast<double>(options.max_memory)});
  if (interrupted()) return exit_stopped();
  switch (format) {
    case Format::onnx:
      save_onnx(out, network, onnx_options(network, info));
      write_onnx_record(record, network, info);
      break;
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
  app.add_option("--model", options.model, "Folder of a run of abell-train, or a model file (.safetensors, .onnx)")
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
      "Beside FILE.onnx stands FILE.json: names, classes, preprocessing and a self-test. An ONNX model takes 'images' "
      "[batch, channels, height, width] as the preprocessing in its metadata leaves "
      "them,\nand gives 'probabilities' [batch, classes], the classes as listed there (regress: standardised numbers; "
      "segment: "
      "a plane a class). A .h5 file holds the weights "
      "alone, and so does PyTorch's, its modules named as in a torch.nn.Sequential of the layers.");
  return run(app, argc, argv, [&] { return run_export(options); });
}

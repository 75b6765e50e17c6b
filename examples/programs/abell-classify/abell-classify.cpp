/// Gives images, sets and folders of images their probability of being a cluster.

#include <abell/data/cached_samples.hpp>
#include <abell/inference/dihedral.hpp>
#include <abell/weights/model.hpp>
#include <map>
#include <sstream>

#include "../common/model_file.hpp"
#include "../common/preprocessing.hpp"
#include "../common/program.hpp"
#include "../common/sha256.hpp"
#include "catalogue.hpp"

namespace {

using namespace abell;
using namespace abell::program;
namespace fs = std::filesystem;

/// Images in flight: decoded, prepared and classified together.
constexpr int batch_size = 8;

struct Options {
  CommonOptions common;
  std::string model;
  std::vector<std::string> inputs;
  std::string out;
  bool overwrite = false;
  bool tta = false;
  std::vector<std::string> positive;
  double max_megapixels = default_max_megapixels;
  std::uint64_t max_memory = half_of_memory();
};

/// All of a model but its network.
struct Model {
  fs::path file;
  ModelInfo info;
  Preprocessing preprocessing;
  std::vector<std::string> positive;  ///< classes of the set that the model was trained on
  std::string sha256;

  /// p(positive) from the network's outputs for one image.
  float probability(const float* outputs) const {
    double sum = 0;
    for (std::size_t i = 0; i < info.classes.size(); ++i) {
      if (std::ranges::find(info.positive, info.classes[i]) != info.positive.end())
        sum += static_cast<double>(outputs[i]);
    }
    return static_cast<float>(std::min(sum, 1.0));
  }
};

Model read_model(const fs::path& model) {
  const fs::path file = model_file(model);
  const ModelInfo info = read_model_info(file);
  return {file, info, read_preprocessing(info.preprocessing, file.string()),
          read_positive(info.preprocessing, file.string()), sha256_of_file(file)};
}

/// The classes that count as clusters: those asked for; else those of the model's own set; else the
/// usual names. A set may have none of them, or nothing else.
std::vector<std::string> positives(const Options& options, const Model& model,
                                   const std::vector<std::string>& classes) {
  if (!options.positive.empty()) return positive_classes(classes, options.positive, false);
  using Names = std::vector<std::string>;
  for (const Names& names : std::initializer_list<Names>{model.positive, {"low-z", "hi-z"}, {"cluster", "clusters"}}) {
    std::vector<std::string> found;
    for (const std::string& name : classes) {
      if (std::ranges::find(names, name) != names.end()) found.push_back(name);
    }
    if (!found.empty()) return found;
  }
  return {};
}

/// All inputs as one set. Throws FormatError for an id in two inputs, and for positions that the
/// form of the output cannot do without.
DataSet read_inputs(const Options& options, const Model& model) {
  const bool table = !options.out.empty() && catalogue_format(options.out) != CatalogueFormat::csv;
  const bool regions = table && catalogue_format(options.out) == CatalogueFormat::regions;
  DataSet all;
  std::map<std::string, std::string> seen;  // the input that an id is from
  std::vector<std::string> names;           // of the objects' classes
  for (const std::string& input : options.inputs) {
    const DataSet set = read_data_set(input, {.need_class = false, .need_train = false, .need_set = false});
    if (regions && !has_positions(set)) {
      throw FormatError(input + ": expected a table with columns ra and dec, which regions (.reg) need, found none");
    }
    for (const Object& object : set.objects) {
      const auto [at, fresh] = seen.emplace(object.id, input);
      if (!fresh && at->second != input) {
        throw FormatError(input + ": duplicate id '" + object.id + "', first in " + at->second);
      }
      if (table) position(set, object, regions);
      names.push_back(object.label < 0 ? "" : set.classes[static_cast<std::size_t>(object.label)]);
      all.objects.push_back(object);
    }
    if (std::ranges::count(options.inputs, input) > 1) throw FormatError(input + ": this input is named twice");
  }
  all.source = options.inputs.front();
  all.classes = names;
  std::ranges::sort(all.classes);
  all.classes.erase(std::unique(all.classes.begin(), all.classes.end()), all.classes.end());
  std::erase(all.classes, std::string());
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) continue;
    all.objects[i].label = static_cast<int>(std::ranges::lower_bound(all.classes, names[i]) - all.classes.begin());
  }
  all.positive = positives(options, model, all.classes);
  return all;
}

/// Fails before any work when the output could not be written.
void check_output(const Options& options) {
  if (options.out.empty()) return;
  catalogue_format(options.out);
  std::error_code error;
  if (!fs::exists(options.out, error)) {
    AtomicFile probe(options.out);  // is there a folder, and may we write into it?
    return;
  }
  if (!fs::is_regular_file(options.out, error)) throw IoError(options.out + ": is not a file");
  if (!options.overwrite) throw IoError(options.out + ": already exists (--overwrite replaces it)");
  for (const std::string& input : options.inputs) {
    if (fs::equivalent(input, options.out, error)) throw IoError(options.out + ": is an input too");
  }
}

/// Classifies `catalogue.set` batch by batch; only one batch of pixels exists at a time. Stops early
/// when interrupted.
template <class Network>
void classify(const Options& options, const Model& model, const Network& network, Catalogue& catalogue) {
  const std::vector<Object>& objects = catalogue.set.objects;
  const int threads = thread_count(options.common.threads);
  const int most = static_cast<int>(std::min<std::size_t>(objects.size(), batch_size));
  Tensor<float> images(most, network.input());
  Tensor<float> outputs(most, network.output());
  auto space = network.workspace(most, Mode::predict, threads);
  network.prepare(space);
  ProgressBar bar("images", static_cast<long>(objects.size()), options.common.quiet);
  for (std::size_t first = 0; first < objects.size() && !interrupted(); first += static_cast<std::size_t>(most)) {
    DataSet part;
    const std::size_t end = std::min(objects.size(), first + static_cast<std::size_t>(most));
    std::vector<std::size_t> indices;
    for (std::size_t i = first; i < end; ++i) {
      part.objects.push_back(objects[i]);
      indices.push_back(i - first);
    }
    const auto cache = cache_pixels(part, network.input(), model.preprocessing.decode(), {.threads = threads});
    const CachedSamples samples(cache, std::vector<int>(indices.size(), -1), indices, model.preprocessing.samples());
    const int count = static_cast<int>(indices.size());
    parallel_for(count, threads, [&](int i, int) {
      samples.read(static_cast<std::size_t>(i), 0, {images.view().image(i), images.shape().size()});
    });
    const View<const float> in = images.view().slice(0, count);
    const View<float> out = outputs.view().slice(0, count);
    options.tta ? DihedralMean(network).predict(in, out, space) : network.predict(in, out, space);
    for (int i = 0; i < count; ++i) {
      catalogue.scored.probabilities.push_back(model.probability(out.image(i)));
      catalogue.masked.push_back(cache->masked(static_cast<std::size_t>(i)));
    }
    bar.update(static_cast<long>(end));
  }
}

/// One line for each split that has objects of known class.
void print_metrics(const Catalogue& catalogue) {
  const DataSet& set = catalogue.set;
  const auto shares = [](const Json& value) { return value.is_null() ? std::string("undefined") : value.dump(); };
  std::string positive;
  for (const std::string& name : set.positive) positive += (positive.empty() ? "" : ", ") + name;
  const bool several =
      std::ranges::any_of(set.objects, [&](const Object& o) { return o.split != set.objects[0].split; });
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    Scored known;
    for (const std::size_t i : set.members(split)) {
      if (set.objects[i].label < 0) continue;
      known.objects.push_back(i);
      known.probabilities.push_back(catalogue.scored.probabilities[i]);
      known.labels.push_back(set.binary_label(set.objects[i]));
    }
    if (known.objects.empty()) continue;
    const Json metrics = metrics_json(known);
    std::cerr << (several ? std::string(name_of(split)) + ": " : "") << known.objects.size()
              << " of known class (positive: " << (positive.empty() ? "none" : positive) << "), accuracy "
              << shares(metrics["accuracy"]) << ", precision " << shares(metrics["precision"]) << ", recall "
              << shares(metrics["recall"]) << ", AUC " << shares(metrics["auc"]) << std::endl;
  }
}

int run_classify(const Options& options, const std::string& command) {
  check_output(options);
  Model model = read_model(options.model);
  model.preprocessing.max_megapixels = options.max_megapixels;
  return with_model(model.file, model.info, batch_size, options.max_memory, [&](const auto&, const auto& network) {
    Catalogue catalogue;
    catalogue.set = read_inputs(options, model);
    catalogue.command = command;
    catalogue.model = model.file.filename().string();
    catalogue.model_sha256 = model.sha256;
    for (std::size_t i = 0; i < catalogue.set.objects.size(); ++i) catalogue.scored.objects.push_back(i);
    if (options.common.verbose) std::cerr << model.file.string() << ": sha256 " << model.sha256 << std::endl;
    classify(options, model, network, catalogue);
    if (interrupted()) {
      if (!options.common.quiet) std::cerr << "\ninterrupted: nothing was written" << std::endl;
      return exit_stopped();
    }
    if (options.out.empty()) {
      std::ostringstream text;
      write_csv_catalogue(text, catalogue);
      print_data(text.str());
    } else {
      write_catalogue(options.out, catalogue);
    }
    if (!options.common.quiet) print_metrics(catalogue);
    return exit_ok;
  });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Gives images the probability that they show a cluster of galaxies.", "abell-classify");
  Options options;
  app.add_option("--model", options.model, "Folder of a run of abell-train, or a model file")->required();
  app.add_option(
         "INPUT", options.inputs,
         "Images (PNG, JPEG, FITS), folders of images, Kosiba2020 folders, folders of class folders, or tables (.csv)")
      ->required();
  app.add_option("--out", options.out, "Catalogue to write: .csv, .fits or .reg (default: CSV on standard output)");
  app.add_flag("--overwrite", options.overwrite, "Replace the catalogue when it exists");
  app.add_option("--positive", options.positive,
                 "Classes that count as clusters, A,B (default: as the model was trained)")
      ->delimiter(',');
  app.add_flag("--tta", options.tta,
               "Average the probabilities over the 8 flips and quarter turns of each image (8 times the work)");
  add_max_megapixels(app, options.max_megapixels);
  add_max_memory(app, options.max_memory, "the model");
  add_common(app, options.common);
  app.footer(
      "Examples:\n"
      "  abell-classify --model runs/cn-e candidate.png\n"
      "  abell-classify --model runs/cn-e Kosiba2020 --out catalogue.fits\n"
      "  abell-classify --model model.safetensors table.csv --out catalogue.reg\n"
      "Columns: id, class (empty where not known), p_cluster, predicted, masked_pixels, file, and the table's ra, "
      "dec.");
  const std::string command = command_line(app.get_name(), argc, argv);
  return run(app, argc, argv, [&] { return run_classify(options, command); });
}

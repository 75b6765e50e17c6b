/// Gives images, sets and folders of images their probability of being a cluster.

#include <abell/inference/classifier.hpp>
#include <abell/metrics/segmentation.hpp>
#include <map>
#include <sstream>

#include "../common/max_megapixels.hpp"
#include "../common/memory_limit.hpp"
#include "../common/program.hpp"
#include "../common/sha256.hpp"
#include "../common/tasks.hpp"
#include "catalogue.hpp"
#include "class_maps.hpp"

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

/// The model with what the catalogue tells of it.
struct Model {
  Classifier classifier;
  Task task;
  std::vector<std::string> positive;  ///< classes of the set that the model was trained on
  std::string sha256;

  const ModelInfo& info() const { return classifier.info(); }
};

/// Throws OptionError for options that only a model that classifies has.
void check_options(const Options& options, const ModelInfo& info) {
  if (info.task == "classify") return;
  const auto refuse = [&](bool given, const std::string& option) {
    if (given) throw OptionError(option + ": expected a model of the task classify, found " + info.task);
  };
  refuse(options.tta, "--tta");
  refuse(!options.positive.empty(), "--positive");
  refuse(!options.out.empty() && catalogue_format(options.out) == CatalogueFormat::regions, "--out FILE.reg");
  if (info.task == "segment" && options.out.empty()) {
    throw OptionError("--out: expected a catalogue, beside which the maps of a model of the task segment lie");
  }
}

Model read_model(const Options& options) {
  check_options(options, read_model_info(model_file(options.model)));
  Classifier classifier(options.model, {.load = {.max_memory = static_cast<double>(options.max_memory)},
                                        .batch = batch_size,
                                        .threads = options.common.threads,
                                        .tta = options.tta,
                                        .max_megapixels = options.max_megapixels});
  const Task task = parse_task(classifier.info().task);
  std::vector<std::string> positive = classifier.positive();
  const std::string sha256 = sha256_of_file(classifier.file());
  return {std::move(classifier), task, std::move(positive), sha256};
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
  std::map<std::string, std::string> seen;      // the input that an id is from
  std::vector<std::vector<std::string>> names;  // of each object's classes
  const bool several = model.task == Task::multilabel;
  for (const std::string& input : options.inputs) {
    const DataSet set =
        read_data_set(input, {.need_class = false, .need_train = false, .need_set = false, .several_classes = several});
    if (regions && !has_positions(set)) {
      throw FormatError(input + ": expected a table with columns ra and dec, which regions (.reg) need, found none");
    }
    for (const Object& object : set.objects) {
      const auto [at, fresh] = seen.emplace(object.id, input);
      if (!fresh && at->second != input) {
        throw FormatError(input + ": duplicate id '" + object.id + "', first in " + at->second);
      }
      if (table) position(set, object, regions);
      names.emplace_back();
      std::vector<int> labels = object.labels;
      if (object.label >= 0) labels.push_back(object.label);
      for (const int label : labels) names.back().push_back(set.classes[static_cast<std::size_t>(label)]);
      all.objects.push_back(object);
    }
    if (std::ranges::count(options.inputs, input) > 1) throw FormatError(input + ": this input is named twice");
  }
  all.source = options.inputs.front();
  for (const auto& of_object : names) all.classes.insert(all.classes.end(), of_object.begin(), of_object.end());
  std::ranges::sort(all.classes);
  all.classes.erase(std::unique(all.classes.begin(), all.classes.end()), all.classes.end());
  for (std::size_t i = 0; i < names.size(); ++i) {
    Object& object = all.objects[i];
    object.labels.clear();
    for (const std::string& name : names[i]) {
      const auto label = static_cast<int>(std::ranges::lower_bound(all.classes, name) - all.classes.begin());
      several ? object.labels.push_back(label) : static_cast<void>(object.label = label);
    }
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

/// The columns that a model of another task than to classify gives, without values.
std::vector<ValueColumn> value_columns(const Model& model) {
  std::vector<ValueColumn> columns;
  for (const std::string& name : model.info().targets) columns.push_back({name});
  const std::string of_class = model.task == Task::segment ? "share_" : "p_";
  if (model.task == Task::classify) return columns;
  for (const std::string& name : model.info().classes) columns.push_back({of_class + name});
  return columns;
}

/// Takes what the model says of one object into the catalogue; a map of classes is written, too.
void add_outputs(const Model& model, std::span<const float> out, Catalogue& catalogue) {
  std::vector<ValueColumn>& columns = catalogue.values;
  if (model.task == Task::classify) {
    catalogue.scored.probabilities.push_back(model.classifier.probability(out));
    return;
  }
  if (model.task != Task::segment) {
    for (std::size_t k = 0; k < columns.size(); ++k) columns[k].values.push_back(out[k]);
    return;
  }
  const Shape& shape = model.classifier.network().output();
  const std::size_t classes = columns.size(), pixels = shape.pixels();
  std::vector<std::size_t> counts(classes);
  for (std::size_t pixel = 0; pixel < pixels; ++pixel) ++counts[largest(out.subspan(pixel * classes, classes))];
  for (std::size_t k = 0; k < classes; ++k) {
    columns[k].values.push_back(static_cast<float>(counts[k]) / static_cast<float>(pixels));
  }
  const std::size_t at = catalogue.maps.size();
  const Object& object = catalogue.set.objects[at];
  const fs::path file = catalogue.map_folder / map_name(at, object.id);
  write_class_map(file, object, {out.data(), 1, shape}, model.info().classes, model.classifier.preprocessing().decode(),
                  catalogue.command);
  catalogue.maps.push_back(file.string());
}

/// Classifies `catalogue.set`. Stops early when interrupted.
void classify(const Options& options, const Model& model, Catalogue& catalogue) {
  const std::vector<Object>& objects = catalogue.set.objects;
  ProgressBar bar("images", static_cast<long>(objects.size()), options.common.quiet);
  model.classifier.predict(objects, [&](std::size_t i, std::span<const float> outputs, std::size_t masked) {
    add_outputs(model, outputs, catalogue);
    catalogue.masked.push_back(masked);
    bar.update(static_cast<long>(i + 1));
    return !interrupted();
  });
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
  const Model model = read_model(options);
  Catalogue catalogue;
  catalogue.set = read_inputs(options, model);
  catalogue.command = command;
  catalogue.model = model.classifier.file().filename().string();
  catalogue.model_sha256 = model.sha256;
  for (std::size_t i = 0; i < catalogue.set.objects.size(); ++i) catalogue.scored.objects.push_back(i);
  catalogue.values = value_columns(model);
  std::optional<OutputFolder> maps;
  if (model.task == Task::segment) {
    catalogue.map_folder = maps_folder(options.out);
    maps.emplace(catalogue.map_folder, options.overwrite);
  }
  if (options.common.verbose) std::cerr << model.classifier.file().string() << ": sha256 " << model.sha256 << std::endl;
  classify(options, model, catalogue);
  if (interrupted()) {
    for (const std::string& map : catalogue.maps) fs::remove(map);
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
  if (maps) sync_folder(catalogue.map_folder);
  if (!options.common.quiet && model.task == Task::classify) print_metrics(catalogue);
  return exit_ok;
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
      "dec.\n"
      "In place of p_cluster and predicted a model of abell-train --task multilabel gives p_<class> for each class,\n"
      "regress a column for each target, in its units, and segment share_<class>, the share of pixels given to it, "
      "and\n"
      "map: with --out FILE.csv the folder FILE_maps has a FITS file for each object, a plane of probabilities for "
      "each\n"
      "class, with the sky coordinates of a FITS image that has some (without distortions).");
  const std::string command = command_line(app.get_name(), argc, argv);
  return run(app, argc, argv, [&] { return run_classify(options, command); });
}

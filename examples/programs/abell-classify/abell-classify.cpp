/// Gives images, sets and folders of images their probability of being a cluster.

#include <abell/data/catalogue_forms.hpp>
#include <abell/inference/classifier.hpp>
#include <abell/inference/load_onnx.hpp>
#include <abell/metrics/segmentation.hpp>
#include <array>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "../common/lossy_files.hpp"
#include "../common/machine.hpp"
#include "../common/max_megapixels.hpp"
#include "../common/memory_limit.hpp"
#include "../common/output_file.hpp"
#include "../common/program.hpp"
#include "../common/sha256.hpp"
#include "../common/tasks.hpp"
#include "candidate_gallery.hpp"
#include "carried_columns.hpp"
#include "catalogue.hpp"
#include "class_maps.hpp"
#include "inputs.hpp"
#include "known_classes.hpp"

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
  std::string gallery;
  std::size_t gallery_objects = 100;
  bool overwrite = false;
  bool strict = false;
  bool tta = false;
  std::optional<std::string> threshold;  ///< a number, or "best"
  std::vector<std::string> positive;
  double max_megapixels = default_max_megapixels;
  std::uint64_t max_memory = half_of_memory();
};

/// The model with what the catalogue tells of it.
struct Model {
  Classifier classifier;
  Task task;
  float threshold;                    ///< above which p_cluster stands for a cluster
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
  refuse(options.threshold.has_value(), "--threshold");
  refuse(!options.gallery.empty(), "--gallery");
  refuse(!options.positive.empty(), "--positive");
  refuse(!options.out.empty() && catalogue_form(options.out) == CatalogueForm::regions, "--out FILE.reg");
  if (info.task == "segment" && options.out.empty()) {
    throw OptionError("--out: expected a catalogue, beside which the maps of a model of the task segment lie");
  }
}

/// Above which probability an object is called a cluster. Throws FormatError for "best" of a model without a record.
float threshold_of(const Options& options, const Classifier& classifier) {
  if (options.threshold != "best") return options.threshold ? std::stof(*options.threshold) : default_threshold;
  if (const auto best = classifier.best_threshold()) return *best;
  throw FormatError(classifier.file().string() +
                    ": --threshold best: expected a model with the threshold that was best on its validation split, "
                    "found none (trained without such a split, not to the end, or by an older version)");
}

Model read_model(const Options& options) {
  check_options(options, load_info(options.model));
  Classifier classifier(options.model, {.load = {.max_memory = static_cast<double>(options.max_memory)},
                                        .batch = batch_size,
                                        .threads = options.common.threads,
                                        .tta = options.tta,
                                        .max_megapixels = options.max_megapixels});
  const Task task = parse_task(classifier.info().task);
  std::vector<std::string> positive = classifier.positive();
  const std::string sha256 = sha256_of_file(classifier.file());
  const float threshold = threshold_of(options, classifier);
  return {std::move(classifier), task, threshold, std::move(positive), sha256};
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

/// A number from 0 to 1, or the word.
CLI::Validator probability_or_best() {
  return {[](std::string& input) {
            if (lower_case(input) == "best") {
              input = "best";
              return std::string();
            }
            const auto value = abell::detail::plain_number(input);
            return value && *value >= 0 && *value <= 1 ? std::string()
                                                       : "expected best, or 0 to 1, found '" + input + "'";
          },
          ""};
}

/// Fails before any work when the output could not be written.
void check_output(const Options& options) {
  if (!options.gallery.empty()) check_gallery(options.gallery, options.overwrite);
  if (options.out.empty()) return;
  catalogue_form(options.out);
  check_output_file(options.out, options.overwrite, options.inputs);
}

/// The columns that a model of another task than to classify gives.
std::vector<CatalogueColumn> number_columns(const Model& model) {
  if (model.task == Task::classify) return {};
  constexpr auto real = CatalogueColumn::Type::real;
  std::vector<CatalogueColumn> columns;
  for (const std::string& name : model.info().targets) {
    columns.push_back({name, real, "", "", "predicted value, in the unit of the training set"});
  }
  for (const std::string& name : model.info().classes) {
    columns.push_back(model.task == Task::segment
                          ? CatalogueColumn{"share_" + name, real, "", "", "share of the pixels given to this class"}
                          : CatalogueColumn{"p_" + name, real, "", "stat.probability;src.class",
                                            "probability of belonging to this class"});
  }
  return columns;
}

/// The share of the pixels [height][width][classes] that are given to each class.
std::vector<float> shares_of_classes(const Shape& shape, std::span<const float> out) {
  const auto classes = static_cast<std::size_t>(shape.channels);
  std::vector<std::size_t> counts(classes);
  for (std::size_t pixel = 0; pixel < shape.pixels(); ++pixel) {
    ++counts[largest(out.subspan(pixel * classes, classes))];
  }
  std::vector<float> shares;
  for (const std::size_t count : counts) {
    shares.push_back(static_cast<float>(count) / static_cast<float>(shape.pixels()));
  }
  return shares;
}

/// The numbers of an object in the catalogue. A map of classes is written to `map`.
std::vector<float> numbers_of(const Model& model, const Object& object, std::span<const float> out, const fs::path& map,
                              const std::string& command) {
  if (model.task == Task::classify) return {model.classifier.probability(out)};
  if (model.task != Task::segment) return {out.begin(), out.end()};
  const Shape& shape = model.classifier.network().output();
  write_class_map(map, object, {out.data(), 1, shape}, model.info().classes, model.classifier.preprocessing().decode(),
                  command);
  return shares_of_classes(shape, out);
}

CatalogueForm form_of(const Options& options) {
  return options.out.empty() ? CatalogueForm::csv : catalogue_form(options.out);
}

Positions needed_positions(CatalogueForm form) {
  return form == CatalogueForm::csv       ? Positions::any
         : form == CatalogueForm::regions ? Positions::needed
                                          : Positions::degrees;
}

/// The time as FITS writes it, UTC.
std::string now() {
  const std::time_t seconds = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  return text.data();
}

CatalogueHeader catalogue_header(const Options& options, const Model& model, const CatalogueContents& contents,
                                 std::vector<CatalogueColumn> columns, const std::string& command) {
  CatalogueHeader header{.file = options.out.empty() ? "standard output" : options.out,
                         .title = "CLASSIFIED",
                         .frame = contents.positions ? "ICRS" : "",
                         .columns = std::move(columns)};
  header.keys = {{"CREATOR", "abell-classify " + std::string(version), "program that made this table"},
                 {"MODEL", model.classifier.file().filename().string(), "file of the network's weights"},
                 {"MODELSHA", model.sha256, "SHA-256 of that file"}};
  if (model.task == Task::classify) {
    header.keys.push_back({"THRESH", std::stod(number(model.threshold)), "predicted: p_cluster above this"});
  }
  header.keys.push_back({"DATE", now(), "when it was made (UTC)"});
  header.keys.push_back({"CMDLINE", command, "how it was made"});
  return header;
}

/// What the page of candidates says besides them.
GalleryTexts gallery_texts(const Options& options, const Model& model, std::size_t objects, std::size_t called,
                           std::size_t shown, const ForeignCounts& foreign, double seconds,
                           const std::string& command) {
  GalleryTexts texts;
  std::string inputs;
  for (const std::string& input : options.inputs) inputs += (inputs.empty() ? "" : ", ") + input;
  const std::string cluster = model.info().positive.front();
  texts.title = shorten(inputs, 80) + ": candidates";
  texts.subtitle = "model " + model.classifier.file().string();
  texts.warnings = foreign.lines();
  texts.tiles = {{"Objects", grouped_text(objects), ""},
                 {"Called " + cluster, grouped_text(called), "probability above " + number_text(model.threshold)},
                 {"Shown", grouped_text(shown), "the likeliest first"}};
  texts.remark = "Sorted by the probability of " + cluster + "." +
                 (shown < objects ? " --gallery-objects shows more; the catalogue has all." : "");
  texts.machine = machine_values(thread_count(options.common.threads));
  texts.machine.emplace_back("Time", duration_text(seconds));
  texts.model = {{"File", model.classifier.file().string()},
                 {"SHA-256", model.sha256},
                 {"Network", model.info().network},
                 {"Probabilities", options.tta ? "means over the 8 flips and quarter turns" : "of one pass"}};
  texts.command = command;
  return texts;
}

/// Tells of a set what the model never saw. Throws FormatError with --strict.
void tell_foreign(const ForeignCounts& foreign, const Options& options) {
  for (const std::string& line : foreign.lines()) {
    if (options.strict)
      throw FormatError("--strict: expected images like those that the model learnt on, found " + line);
    if (!options.common.quiet) std::cerr << "warning: " << line << std::endl;
  }
}

int run_classify(const Options& options, const std::string& command) {
  const auto start = std::chrono::steady_clock::now();
  check_output(options);
  const Model model = read_model(options);
  const bool has_maps = model.task == Task::segment;
  const fs::path folder = has_maps ? maps_folder(options.out) : fs::path();
  const auto map_of = [&](std::size_t at, const Object& object) {
    return has_maps ? map_name(at, object.id) : std::string();
  };
  DataSetOptions reading{.need_class = false,
                         .need_train = false,
                         .need_set = false,
                         .several_classes = model.task == Task::multilabel,
                         .need_others = true,
                         .channels = parse_channels(model.classifier.preprocessing().channels)};
  TextWidths widths;
  CarriedColumns carried;
  const Survey found =
      survey(options.inputs, reading, needed_positions(form_of(options)), [&](const Object& object, std::size_t at) {
        stop_if_interrupted();
        widths.add(object, (folder / map_of(at, object)).string());
        carried.survey(object);
      });
  print_notes(found.notes, options.common.quiet);
  KnownClasses known(positives(options, model, found.classes), model.threshold);
  std::optional<Maps> maps;
  if (has_maps) maps.emplace(folder, options.overwrite);
  if (options.common.verbose) std::cerr << model.classifier.file().string() << ": sha256 " << model.sha256 << std::endl;

  std::optional<AtomicFile> file;
  DataOutput standard_output;
  if (!options.out.empty()) file.emplace(options.out);
  std::ostream& out = file ? file->stream() : standard_output.stream();
  const CatalogueContents contents{.numbers = number_columns(model),
                                   .positions = found.positions,
                                   .warnings = model.classifier.profile().has_value(),
                                   .maps = has_maps,
                                   .threshold = model.threshold};
  std::vector<CatalogueColumn> columns = catalogue_columns(contents, widths);
  carried.append_to(columns);
  const auto catalogue =
      begin_catalogue(form_of(options), out, catalogue_header(options, model, contents, std::move(columns), command));
  reading.check_ids = false;
  InputObjects objects(options.inputs, reading);
  const bool shows_rows = !file && isatty(STDOUT_FILENO) != 0;  // which a bar would tear apart
  ProgressBar bar("images", static_cast<long>(found.objects.count), options.common.quiet || shows_rows);
  ReadObjects done;
  ForeignCounts foreign;
  LossyFiles lossy;
  Candidates candidates(options.gallery_objects);
  std::size_t called = 0;
  model.classifier.predict(objects, [&](const Object& object, const Prediction& prediction) {
    const std::string map = map_of(done.count, object);
    const std::vector<float> numbers =
        numbers_of(model, object, prediction.outputs, maps ? maps->unfinished(map) : fs::path(), command);
    std::vector<std::string> row = catalogue_row(
        contents, {object, numbers, prediction.masked, warning_text(prediction.foreign), (folder / map).string()});
    foreign.add(prediction.foreign);
    carried.append_to(row, object);
    catalogue->add(row);
    if (model.task == Task::classify) {
      known.add(object, numbers[0]);
      called += is_positive(numbers[0], model.threshold) ? 1 : 0;
      if (!options.gallery.empty()) candidates.add(object, numbers[0], warning_text(prediction.foreign));
    }
    if (!options.common.quiet) lossy.look_at(object);
    done.add(object);
    bar.update(static_cast<long>(done.count));
    return out.good() && !interrupted();
  });
  std::optional<Page> page;
  if (out.good() && !interrupted()) {
    check_unchanged(options.inputs, found.objects, done);
    tell_foreign(foreign, options);
    if (!options.gallery.empty()) {
      const std::vector<Candidate> shown = candidates.sorted();
      const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
      page = gallery_page(
          model.classifier, shown,
          gallery_texts(options, model, done.count, called, shown.size(), foreign, seconds.count(), command),
          options.common);
    }
  }
  if (interrupted()) {
    if (!options.common.quiet) {
      std::cerr << "\ninterrupted: " << (file ? "nothing was written" : "the catalogue is not complete") << std::endl;
    }
    return exit_stopped();
  }
  catalogue->finish();
  out.flush();
  if (maps) maps->commit();
  if (file) file->commit();
  if (page) {
    const fs::path written = gallery_file(options.gallery);
    if (written != options.gallery) make_folder(options.gallery);
    page->write(written);
    if (!options.common.quiet) std::cerr << "gallery: " << written.string() << std::endl;
  }
  if (options.common.quiet) return exit_ok;
  lossy.tell();
  if (model.task == Task::classify) known.print();
  return exit_ok;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Gives images the probability that they show a cluster of galaxies.", "abell-classify");
  Options options;
  app.option_defaults()->group("Model");
  app.add_option(
         "INPUT", options.inputs,
         "Images (PNG, JPEG, FITS), folders of images, Kosiba2020 folders, folders of class folders, or tables (CSV, "
         "ECSV, VOTable, FITS, ...)")
      ->required()
      ->type_name(path_type);
  app.add_option("--model", options.model, "Folder of a run of abell-train, or a model file (.safetensors, .onnx)")
      ->required()
      ->type_name(path_type);
  app.add_flag("--tta", options.tta,
               "Average the probabilities over the 8 flips and quarter turns of each image (8 times the work)");
  app.add_option("--threshold", options.threshold,
                 "Probability above which an object is predicted to be a cluster: 0 to 1, or best, the threshold with "
                 "the most correct decisions on the validation split (default: 0.5)")
      ->transform(probability_or_best())
      ->type_name("VALUE|best");
  app.add_option("--positive", options.positive,
                 "Classes that count as clusters, A,B (default: as the model was trained)")
      ->delimiter(',')
      ->type_name("CLASS");
  app.add_flag("--strict", options.strict,
               "Refuse a set that differs from what the model learnt on (default: a warning)");
  add_max_megapixels(app, options.max_megapixels);
  add_max_memory(app, options.max_memory, "the model");
  app.option_defaults()->group("Catalogue");
  app.add_option("--out", options.out,
                 "Catalogue to write: .csv, .ecsv, .fits, .vot or .reg (default: CSV on standard output)")
      ->type_name(file_type);
  auto* gallery = app.add_option("--gallery", options.gallery,
                                 "Page to write with the likeliest candidates, sorted by probability, each with its "
                                 "image, Grad-CAM and position: FILE.html, or a folder for gallery.html")
                      ->type_name("FILE|DIR");
  app.add_option("--gallery-objects", options.gallery_objects, "Candidates that the page shows at most")
      ->check(within(1, 10000))
      ->needs(gallery)
      ->capture_default_str();
  app.add_flag("--overwrite", options.overwrite, "Replace the catalogue and the page when they exist");
  add_common(app, options.common);
  app.footer(
      "Examples:\n"
      "  abell-classify --model runs/cn-e candidate.png\n"
      "  abell-classify --model runs/cn-e Kosiba2020 --out catalogue.fits\n"
      "  abell-classify --model model.safetensors table.csv --out catalogue.reg\n"
      "  abell-classify --model runs/cn-e cutouts --threshold best --out all.fits --gallery all.html\n"
      "\nForms: CSV, ECSV, FITS, VOTable (.vot), DS9 regions (.reg).\n"
      "\nColumns: id, class (empty where not known), p_cluster, predicted, masked_pixels, warning (what the model "
      "never saw: copied, colour, missing, added, kind, scale, values, of a band such as missing_optical; models of "
      "older versions have none), file, ra and dec where the table has positions, and its other columns, with the "
      "prefix cat_ where a set or a catalogue of ours has such a name.\n"
      "\nIn place of p_cluster and predicted a model of abell-train --task multilabel gives p_<class> for each class, "
      "regress a column for each target, in its units, and segment share_<class>, the share of pixels given to it, "
      "and map: with --out FILE.csv the folder FILE_maps has a FITS file for each object, a plane of probabilities "
      "for each class, with the sky coordinates of a FITS image that has some (without distortions).");
  const std::string command = command_line(app.get_name(), argc, argv);
  return run(app, argc, argv, [&] { return run_classify(options, command); });
}

#pragma once
/// One training run in its folder: fitted, saved every epoch, gone on with, evaluated, reported.

#include <abell/inference/dihedral.hpp>
#include <abell/inference/explain.hpp>
#include <abell/network/summary.hpp>
#include <abell/report/text.hpp>
#include <abell/report/training_report.hpp>
#include <abell/training/checkpoint.hpp>
#include <abell/weights/model.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <ratio>
#include <span>
#include <string>
#include <vector>

#include "training_data.hpp"

namespace abell::program {

/// p(positive) of the objects of one split.
template <class Network>
Scored score(const Network& network, const TrainOptions& options, const Data& data,
             const std::vector<std::size_t>& objects) {
  const CachedSamples samples(data.cache, data.labels, objects, options.preprocessing.samples());
  Scored scored{objects, evaluate(network, samples, 4, options.common.threads).of_output(1), {}};
  for (const std::size_t i : objects) scored.labels.push_back(data.labels[i]);
  return scored;
}

/// What a MobileNet is that began from scratch; empty for other runs.
inline std::string from_scratch(const TrainOptions& options) {
  if (options.network != "mobilenet" || !options.weights.empty()) return {};
  return "MobileNet from scratch: this is not the paper's MN-E, which most likely began with weights pretrained on "
         "ImageNet (--weights FILE.h5). With a decay of 0.95 it hardly moves; --decay 0 lets it learn.";
}

/// Predictions that the maps of one example take, about: 49 hidden squares, and Grad-CAM.
inline constexpr std::size_t example_predictions = 50;

/// Adds an example to a report, with the maps of what spoke for `answer`; the filters are shown over the first.
/// Squares of a quarter of the image are hidden: a finer map costs more than the run's own evaluation. Images that
/// are [empty, optical, X-ray] are known by their empty channel.
template <class Report, class Network>
void add_example(Report& report, const Network& network, const Tensor<float>& image, int answer, std::size_t prediction,
                 Picture picture, int threads) {
  bool empty = true;
  for (std::size_t i = 0; i < picture.pixels.size(); i += 3) empty = empty && picture.pixels[i] == 0;
  report.sky_channels = empty && (report.sky_channels || report.examples.empty());
  if (!report.filters.example) report.filters.example = picture;
  const int step = std::max(1, network.input().height / 8);
  report.examples.push_back(
      {.prediction = prediction,
       .picture = std::move(picture),
       .grad_cam = grad_cam(network, image, answer, {.threads = threads}),
       .occlusion = occlusion(network, image, answer, {.patch = 2 * step, .stride = step, .threads = threads})});
}

/// Adds pictures of the first convolution's filters.
template <class Network>
void add_filter_pictures(FilterPictures& pictures, const Network& network, bool sky_channels) {
  const ParameterSlot& slot = network.slots().front();
  if (slot.dimensions.size() != 4) return;
  const std::span<const float> kernel = network.parameters().subspan(slot.offset, slot.size);
  const std::vector<std::string> names = sky_channels ? std::vector<std::string>{"Empty channel", "Optical", "X-ray"}
                                                      : std::vector<std::string>{"Red", "Green", "Blue"};
  for (int channel = sky_channels ? 1 : 0; channel < slot.dimensions[2]; ++channel) {
    pictures.filters.push_back(
        filter_picture(kernel, slot.dimensions[0], slot.dimensions[2], slot.dimensions[3], channel));
    pictures.names.push_back(names[static_cast<std::size_t>(channel)]);
  }
}

/// The report of a run, without what was found on the evaluated split.
inline TrainingReport report_of_training(const TrainOptions& options, const Json& config,
                                         const std::vector<LayerInfo>& layers, const TrainingState<float>& state,
                                         const std::string& split) {
  TrainingReport report;
  const std::filesystem::path source = std::filesystem::path(options.data).lexically_normal();
  report.subtitle =
      (source.has_filename() ? source : source.parent_path()).filename().string() + ", " + options.network + " network";
  if (std::filesystem::exists(source / "truth.csv"))
    report.notes.push_back("Simulated data: these figures are not the paper's.");
  if (const std::string note = from_scratch(options); !note.empty()) report.notes.push_back(note);
  if (options.tta) {
    report.notes.push_back("Probabilities are means over the 8 flips and quarter turns of each image.");
  }
  report.command = config.at("command").get<std::string>();
  report.test_name = split;
  report.loss = options.task.loss_name();
  report.metric = options.fit_options().loss.metric();
  report.best_epoch = state.best_epoch;
  for (const auto& [key, value] : config.items()) {
    if (key != "command" && key != "options") add_setting(report.configuration, key, value);
  }
  const auto rows = summary_rows(layers);
  report.network = {.head = rows.front(), .rows = {rows.begin() + 1, rows.end()}, .total = true};
  double seconds = 0, waited = 0;
  report.history = state.history;
  for (const EpochRecord& e : state.history) {
    seconds += e.seconds;
    waited += e.waited_seconds;
  }
  report.total_seconds = seconds;
  report.images_per_second = training_rate(config, state.history.size(), seconds);
  report.timings.emplace_back("Seconds waiting for data", number(std::round(waited * 10) / 10));
  return report;
}

/// The report of a run whose `scored` objects were evaluated with `network`.
template <class Network>
TrainingReport report_of(const TrainOptions& options, const Data& data, const Scored& scored, const Json& config,
                         const Network& network, const TrainingState<float>& state, const std::string& split) {
  TrainingReport report = report_of_training(options, config, network.layers(), state, split);
  report.classes = output_names(data.set);
  for (std::size_t i = 0; i < scored.objects.size(); ++i) {
    const Object& object = data.set.objects[scored.objects[i]];
    report.predictions.push_back({object.id, data.set.classes[static_cast<std::size_t>(object.label)], scored.labels[i],
                                  scored.probabilities[i]});
  }
  const CachedSamples samples(data.cache, data.labels, scored.objects, options.preprocessing.samples());
  Tensor<float> image(1, network.input());
  for (const std::size_t chosen : choose_examples(report.predictions)) {
    if (interrupted()) break;
    samples.read(chosen, 0, image.span());
    add_example(report, network, image, is_positive(scored.probabilities[chosen]), chosen,
                picture_of(data, scored.objects[chosen]), options.common.threads);
  }
  add_filter_pictures(report.filters, network, report.sky_channels);
  return report;
}

inline ModelInfo model_info(const TrainOptions& options, const Data& data) {
  ModelInfo info;
  info.network = options.network;
  info.task = options.task.name;
  info.preprocessing = nlohmann::json(options.preprocessing);
  if (options.task.task() == Task::classify) {
    const ClassNames names = output_names(data.set);
    info.classes = {names.negative, names.positive};
    info.positive = {names.positive};
    info.preprocessing["positive"] = data.set.positive;
  } else if (options.task.task() == Task::regress) {
    info.targets = data.outputs;
    info.preprocessing["target_mean"] = data.standard.mean;
    info.preprocessing["target_deviation"] = data.standard.deviation;
  } else {
    info.classes = data.outputs;
  }
  return info;
}

/// Trains to the end or to Ctrl-C, saving after every epoch and every --checkpoint-minutes.
template <class Network>
void fit_and_save(const TrainOptions& options, const Data& data, const Json& config, Network& network,
                  TrainingState<float>& state) {
  const std::filesystem::path out = options.out;
  CachedSamplesOptions augmented = options.preprocessing.samples();
  augmented.augmentation = options.draws();
  augmented.seed = options.common.seed;
  const CachedSamples training = samples_of(data, data.train, augmented);
  const CachedSamples validating = samples_of(data, data.validation, options.preprocessing.samples());
  FitOptions fit_options = options.fit_options(class_weights(options, data));

  // The bar counts images: rate and time left in a unit that does not depend on the batch.
  const std::uint64_t images = data.train.size();
  const auto batch = static_cast<std::uint64_t>(fit_options.batch);
  const auto shown = [&](std::uint64_t step) { return static_cast<long>(images_after(step, images, batch)); };
  ProgressBar bar("images", shown(fit_options.steps(images)), options.common.quiet, shown(state.optimizer.updates));

  const ModelInfo info = model_info(options, data);
  const std::string metric(fit_options.loss.metric());
  const std::string metric_in_words = in_words(metric);
  using Clock = std::chrono::steady_clock;
  Clock::time_point saved = Clock::now();
  const auto put_aside = [&] {
    save_checkpoint(out / "last.checkpoint", network, state, config.dump());
    saved = Clock::now();
  };
  const auto save = [&] {
    put_aside();
    if (!state.best_parameters.empty()) {
      save_model(out / "model.safetensors", network, std::span<const float>(state.best_parameters), info);
    }
    write_history(out / "history.csv", state.history, metric);
  };
  Callback callback;
  callback.on_step = [&](const StepReport& r) {
    char note[120];
    std::snprintf(note, sizeof note, "epoch %d, loss %.4f, %s %.3f", r.epoch, r.loss, metric_in_words.c_str(),
                  r.metric);
    bar.update(shown(r.step), note);
    const std::chrono::duration<double, std::ratio<60>> minutes = Clock::now() - saved;
    const double every = options.checkpoint_minutes;
    if (every > 0 && minutes.count() >= every && r.batch < r.batches) put_aside();
  };
  callback.on_epoch = [&](const EpochRecord& e) {
    save();
    if (options.common.verbose) {
      std::fprintf(stderr, "\nepoch %d: loss %.4f, %s %.3f, validation loss %.4f, %s %.3f, %.1f s (%.1f s waiting)\n",
                   e.epoch, e.loss, metric_in_words.c_str(), e.metric, e.validation_loss, metric_in_words.c_str(),
                   e.validation_metric, e.seconds, e.waited_seconds);
    }
  };
  callback.stop = interrupted;
  fit_options.callbacks.push_back(callback);
  fit(network, training, data.validation.empty() ? nullptr : &validating, fit_options, state);
  save();
}

/// The test split, or without one the validation split. Throws ShapeError when neither is there.
inline const std::vector<std::size_t>& evaluated_objects(const TrainOptions& options, const Data& data) {
  const std::vector<std::size_t>& evaluated = data.test.empty() ? data.validation : data.test;
  if (!evaluated.empty()) return evaluated;
  throw ShapeError(options.data + ": expected a test or validation split to evaluate on, found none");
}
inline std::string split_name(const Data& data) { return data.test.empty() ? "validation" : "test"; }

/// Evaluates the last and the best weights on the test split (without one: the validation split), which
/// is looked at here for the first time, and writes predictions.csv, metrics.json and report.html. With
/// --tta all are of averaged probabilities, and metrics.json has the best weights' figures without, too.
/// Returns the metrics, or nothing when interrupted: a resumed run begins here again.
template <class Network>
std::optional<Json> evaluate_run(const TrainOptions& options, const Data& data, const Json& config, Network& network,
                                 const TrainingState<float>& state) {
  const std::filesystem::path out = options.out;
  const std::vector<std::size_t>& evaluated = evaluated_objects(options, data);
  const std::string split = split_name(data);
  const auto scores = [&] {
    return options.tta ? score(DihedralMean(network), options, data, evaluated)
                       : score(network, options, data, evaluated);
  };
  const Json last = metrics_json(scores());
  std::ranges::copy(state.best_parameters, network.parameters().begin());
  if (interrupted()) return std::nullopt;
  const Scored scored = scores();
  Json metrics = metrics_json(scored);
  metrics["tta"] = options.tta;
  metrics["split"] = split;
  metrics["best_epoch"] = state.best_epoch;
  metrics["last"] = last;
  if (options.tta) metrics["without_tta"] = metrics_json(score(network, options, data, evaluated));
  write_csv(out / "predictions.csv", prediction_columns, prediction_rows(data.set, scored, data.masked));
  write_json(out / "metrics.json", metrics);
  const TrainingReport report = report_of(options, data, scored, config, network, state, split);
  if (interrupted()) return std::nullopt;
  write_training_report(report, out / "report.html");
  return metrics;
}

/// Trains `network` on `data` in the folder --out from `state` on, and evaluates it; `shown` is its config.json, and
/// `config` the part of it that a resumed run must agree with. Returns the metrics, or nothing when interrupted; the
/// network holds the best weights.
template <class Network>
std::optional<Json> train_and_evaluate(const TrainOptions& options, const Data& data, const Json& config,
                                       const Json& shown, Network& network, TrainingState<float>& state) {
  fit_and_save(options, data, config, network, state);
  if (!state.finished) return std::nullopt;
  return evaluate_run(options, data, shown, network, state);
}

}  // namespace abell::program

#pragma once
/// How a run begins in its folder, and whether one that is there can go on: all told before images are decoded.

#include <abell/images/fits_name.hpp>
#include <abell/training/checkpoint.hpp>
#include <abell/training/resume.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "../common/sha256.hpp"
#include "training_data.hpp"

namespace abell::program {

/// The SHA-256 of the ids, classes, numbers and splits of a set and of the sizes of its files.
inline std::string digest(const DataSet& set) {
  Sha256 hash;
  for (const Object& object : set.objects) {
    Json line{object.id, object.label, name_of(object.split)};
    const auto add = [&](const std::filesystem::path& file) {
      line.push_back(file.empty() ? Json() : Json(std::filesystem::file_size(fits_base(file))));
    };
    for (const std::filesystem::path& file : object.files) add(file);
    add(object.third);
    add(object.exposure);
    if (!object.labels.empty()) line.push_back(object.labels);
    if (!object.targets.empty()) line.push_back(object.targets);
    if (!object.mask.empty()) add(object.mask);
    const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
    hash.add({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  return hash.digest();
}

/// What a run's result depends on: options and data. A run to resume must agree with all of it.
inline Json run_config(const TrainOptions& options, const Data& data) {
  Json config = options.record();
  const Task task = options.task.task();
  if (task == Task::classify) config["positive"] = data.set.positive;
  if (task != Task::regress) config["classes"] = task == Task::segment ? data.outputs : data.set.classes;
  config["interval_file"] = "FITS: minimum to maximum; PNG, JPEG: 0 to 255";
  config["objects"] = {
      {"train", data.train.size()}, {"validation", data.validation.size()}, {"test", data.test.size()}};
  config["set"] = digest(data.set);
  if (options.schedule == "cosine") config["steps"] = options.fit_options().steps(data.train.size());  // its end
  config.update(data.about);
  return config;
}

/// How far a run goes, as config.json has it.
inline Json run_length(const TrainOptions& options) {
  return {{"iterations",
           options.epochs ? Json(nullptr) : Json(options.iterations.value_or(TrainOptions::table4_iterations))},
          {"epochs", options.epochs ? Json(*options.epochs) : Json(nullptr)}};
}

/// A config.json without what a resumed run may change: where the data lie, how far it goes, where it runs, and how
/// it is evaluated.
inline Json fixed_part(Json config) {
  for (const char* free : {"data", "iterations", "epochs", "tta", "isa", "threads", "command", "options"}) {
    config.erase(free);
  }
  return config;
}

/// Adds "name A (this command B)" for each value that differs; layers are too long to be shown.
inline void add_differences(std::string& text, const std::string& name, Json before, const Json& now) {
  if (before == now) return;
  if (!before.is_object() || !now.is_object()) {
    const std::string values = name + " " + before.dump() + " (this command " + now.dump() + ")";
    text += (text.empty() ? "" : ", ") + (name.ends_with("layers") ? "other " + name : values);
    return;
  }
  if (before.contains("average")) {  // the word of older runs
    before["ema_decay"] = before["average"];
    before.erase("average");
  }
  Json all = before;
  all.update(now);
  for (const auto& [key, value] : all.items()) {
    add_differences(text, name.empty() ? key : name + " " + key, before.value(key, Json()), now.value(key, Json()));
  }
}

/// Throws FormatError naming `where` and all differences unless the records of a run and of this command are equal.
inline void check_same_run(const std::filesystem::path& where, Json before, Json now) {
  const bool changed = before.value("set", Json()) != now.value("set", Json());
  before.erase("set");
  now.erase("set");
  std::string differences;
  add_differences(differences, "", before, now);
  if (!differences.empty()) differences = "the run to resume has " + differences + (changed ? "; " : "");
  if (changed) differences += "the set has changed since the run began (ids, classes or sizes of files)";
  if (!differences.empty()) throw FormatError(where.string() + ": " + differences);
}

/// Throws as above when the folder of a run has the config.json of another.
inline void check_same_run(const TrainOptions& options, const Json& config) {
  const std::filesystem::path file = std::filesystem::path(options.out) / "config.json";
  if (std::filesystem::exists(file)) check_same_run(file, fixed_part(read_json(file)), config);
}

/// Whether --out has all results of a run that goes as far as this one, and nothing is left to do.
inline bool is_complete(const TrainOptions& options) {
  const std::filesystem::path out = options.out;
  if (!std::filesystem::exists(out / "report.html") || !std::filesystem::exists(out / "config.json")) return false;
  Json wanted = run_length(options);
  wanted["tta"] = options.tta;
  const Json config = read_json(out / "config.json");
  return std::ranges::all_of(wanted.items(),
                             [&](const auto& item) { return config.value(item.key(), Json(0)) == item.value(); });
}

/// Loads the run in --out; false when it was stopped before its first checkpoint, or there is none. Throws
/// FormatError when it is of other options or another set or damaged, OptionError when it has gone further than
/// this one shall, IoError when only its checkpoint is gone.
inline bool take_up(const TrainOptions& options, const Data& data, const Json& config, Network<float>& network,
                    TrainingState<float>& state) {
  const std::filesystem::path out = options.out;
  const std::filesystem::path checkpoint = out / "last.checkpoint";
  check_same_run(options, config);
  if (!std::filesystem::exists(checkpoint)) {
    if (!std::filesystem::exists(out / "model.safetensors")) return false;
    throw IoError(checkpoint.string() + ": expected beside model.safetensors, found none (--overwrite starts anew)");
  }
  check_same_run(checkpoint, Json::parse(read_checkpoint_config(checkpoint)), config);
  load_checkpoint(checkpoint, network, state);
  check_resumable(checkpoint.string(), state, options.fit_options(class_weights(options, data)), data.train.size());
  return true;
}

/// Removes from --out what this run makes anew (all, unless it `goes_on`) and writes config.json, which it returns.
inline Json begin_run(const TrainOptions& options, const Json& config, bool goes_on, const std::string& command) {
  const std::filesystem::path out = options.out;
  for (const char* name : {"report.html", "metrics.json", "predictions.csv"}) std::filesystem::remove(out / name);
  for (const char* name : {"history.csv", "model.safetensors", "last.checkpoint"}) {
    if (!goes_on) std::filesystem::remove(out / name);
  }
  Json shown{{"version", config.at("version")}, {"data", options.data}};
  shown.update(config);
  shown.update(run_length(options));
  shown["tta"] = options.tta;
  shown["isa"] = name_of(active_isa());
  shown["threads"] = thread_count(options.common.threads);
  shown["command"] = command;
  shown["options"] = options.given;
  write_json(out / "config.json", shown);
  return shown;
}

/// Does the work before the first step. Where it fails, config.json goes again unless the run was there before.
template <class Work>
void prepare_run(const std::filesystem::path& out, bool was_there, const Work& work) {
  try {
    work();
  } catch (...) {
    if (!was_there) std::filesystem::remove(out / "config.json");
    throw;
  }
}

}  // namespace abell::program

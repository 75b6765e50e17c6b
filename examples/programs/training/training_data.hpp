#pragma once
/// The data of a training run: a set read, split and decoded.

#include <abell/data/cached_samples.hpp>
#include <abell/data/input_profile.hpp>
#include <abell/data/mask.hpp>
#include <abell/data/split.hpp>
#include <abell/report/figures.hpp>
#include <abell/report/gallery.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "../common/decoded_wcs.hpp"
#include "../common/lossy_files.hpp"
#include "task_targets.hpp"
#include "train_options.hpp"

namespace abell::program {

/// A set in memory's reach: its objects, cached pixels, and the parts that training uses.
struct Data {
  DataSet set;
  std::shared_ptr<const PixelCache> cache;
  DecodeOptions decoding;                ///< of the cached pixels
  std::vector<int> labels;               ///< 1 positive, 0 negative; of classify
  std::optional<CachedTargets> targets;  ///< of the other tasks; masks when they are decoded
  std::vector<std::string> outputs;      ///< names of the network's outputs
  Standard standard;                     ///< of regress
  std::vector<std::size_t> train, validation, test;
  bool held_out = false;            ///< whether validation comes out of the set's training split
  std::vector<std::size_t> masked;  ///< pixels of each object
  std::vector<ImageTraits> traits;  ///< of each object's image
  InputProfile profile;             ///< of the images to train on
  Json about = Json::object();      ///< joins the run's record, where the labels are not the set's
};

/// What the task needs of a set.
inline DataSetOptions set_options(const TrainOptions& options) {
  const Task task = options.task.task();
  return {.positive = options.positive,
          .need_class = task == Task::classify || task == Task::multilabel,
          .several_classes = task == Task::multilabel,
          .targets = options.task.targets,
          .need_mask = task == Task::segment,
          .channels = parse_channels(options.preprocessing.channels)};
}

/// Names of the two outputs: the set's own where it has two classes, else non-cluster and cluster.
inline ClassNames output_names(const DataSet& set) {
  if (set.classes.size() != 2) return {};
  const std::string& positive = set.positive.front();
  return {positive, set.classes[set.classes[0] == positive ? 1 : 0]};
}

/// Names the outputs and makes the targets of other tasks than to classify; masks wait until they are decoded. Throws
/// FormatError where there is nothing to learn.
inline void find_targets(const TrainOptions& options, Data& data) {
  switch (options.task.task()) {
    case Task::classify: {
      const ClassNames names = output_names(data.set);
      data.outputs = {names.negative, names.positive};
      return;
    }
    case Task::multilabel:
      if (data.set.classes.empty()) throw FormatError(options.data + ": expected classes, found none");
      data.outputs = data.set.classes;
      data.targets = class_targets(data.set);
      return;
    case Task::regress:
      data.outputs = options.task.targets;
      data.standard = standard_of(data.set, data.train, data.outputs);
      check_numbers(data.set, data.validation, Split::validation);
      check_numbers(data.set, data.test, Split::test);
      data.targets = number_targets(data.set, data.standard);
      return;
    case Task::segment:
      const int classes = count_mask_classes(data.set.objects, options.preprocessing.max_megapixels);
      for (int k = 0; k < classes; ++k) data.outputs.push_back(std::to_string(k));
  }
}

/// Reads the set and holds a validation split out of the training set where it has none of its own. Throws FormatError
/// where nothing is left to evaluate on, or to learn.
inline Data read_data(const TrainOptions& options) {
  Data data;
  data.set = read_data_set(options.data, set_options(options));
  for (const Object& object : data.set.objects) data.labels.push_back(data.set.binary_label(object));
  data.train = data.set.members(Split::train);
  data.validation = data.set.members(Split::validation);
  data.test = data.set.members(Split::test);
  data.held_out = data.validation.empty();
  if (data.held_out) {
    std::vector<int> labels;
    for (const std::size_t i : data.train) labels.push_back(data.set.objects[i].label);
    const HoldOut held = hold_out(labels, options.validation_fraction, options.common.seed);
    for (const std::size_t i : held.held) data.validation.push_back(data.train[i]);
    std::vector<std::size_t> rest;
    for (const std::size_t i : held.train) rest.push_back(data.train[i]);
    data.train = rest;
  }
  if (data.validation.empty() && data.test.empty()) {
    throw FormatError(options.data +
                      ": expected a test or validation split to evaluate on, found none (--validation-fraction holds "
                      "one out of the training split)");
  }
  find_targets(options, data);
  return data;
}

/// Throws FormatError or IoError when the decoded images of `data` have no room in --max-memory or on the disk.
inline void check_cache_room(const TrainOptions& options, const Shape& shape, const Data& data) {
  if (options.cache == "off") return;
  const bool bytes = std::ranges::all_of(
      data.set.objects, [&](const Object& object) { return fits_in_bytes(object, options.preprocessing.decode()); });
  const double of_image = static_cast<double>(shape.size() * (bytes ? 1 : sizeof(float)));
  const double of_mask = options.task.task() == Task::segment ? static_cast<double>(shape.pixels()) : 0;
  const double needed = static_cast<double>(data.set.objects.size()) * (of_image + of_mask);
  if (options.cache == "ram") {
    check_memory(needed, static_cast<double>(options.max_memory), "--cache ram",
                 std::to_string(data.set.objects.size()) + " decoded images");
    return;
  }
  const std::string& folder = options.cache.empty() ? options.out : options.cache;
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(folder, error);
  if (error || needed <= static_cast<double>(space.available)) return;
  throw IoError(folder + ": expected room for " + bytes_text(needed) + " of decoded images (--cache), found " +
                bytes_text(static_cast<double>(space.available)));
}

/// Tells of images that were packed with loss. Throws Stopped when interrupted.
inline void tell_lossy_files(const DataSet& set, bool quiet) {
  LossyFiles lossy;
  for (std::size_t i = 0; i < set.objects.size() && !quiet; ++i) {
    stop_if_interrupted();
    lossy.look_at(set.objects[i]);
  }
  lossy.tell();
}

/// Takes the profile from the traits of the images to train on.
inline void set_profile(Data& data) {
  std::vector<ImageTraits> learnt;
  for (const std::size_t i : data.train) learnt.push_back(data.traits[i]);
  data.profile = profile_of(learnt);
}

/// Decodes the images of `data` for a network whose input is `shape`, into --cache (default: --out). Throws Stopped
/// when interrupted.
inline void decode(const TrainOptions& options, const Shape& shape, Data& data) {
  check_cache_room(options, shape, data);
  ProgressBar bar("images decoded", static_cast<long>(data.set.objects.size()), options.common.quiet);
  data.decoding = options.preprocessing.decode();
  data.traits.resize(data.set.objects.size());
  const auto look = [&](std::size_t index, const Decoded& decoded) {
    data.traits[index] = traits_of(data.set.objects[index], decoded, data.decoding);
  };
  data.cache = cache_pixels(data.set, shape, data.decoding,
                            {.cache = options.cache.empty() ? options.out : options.cache,
                             .threads = options.common.threads,
                             .progress =
                                 [&](std::size_t done, std::size_t) {
                                   stop_if_interrupted();
                                   bar.update(static_cast<long>(done));
                                 }},
                            look);
  if (options.cache == "off") {
    parallel_for(static_cast<int>(data.set.objects.size()), thread_count(options.common.threads), [&](int i, int) {
      const auto index = static_cast<std::size_t>(i);
      look(index, decode_object(data.set.objects[index], shape, data.decoding));
    });
  }
  set_profile(data);
  for (std::size_t i = 0; i < data.cache->size(); ++i) data.masked.push_back(data.cache->masked(i));
  if (options.task.task() == Task::segment) {
    data.targets =
        CachedTargets::masks(cache_masks(data.set.objects, shape, data.decoding,
                                         {.cache = options.cache.empty() ? options.out : options.cache,
                                          .threads = options.common.threads,
                                          .progress = [](std::size_t, std::size_t) { stop_if_interrupted(); }}));
  }
}

/// Some of the objects with what is to be learnt of them.
inline CachedSamples samples_of(const Data& data, const std::vector<std::size_t>& objects,
                                const CachedSamplesOptions& options) {
  return data.targets ? CachedSamples(data.cache, *data.targets, objects, options)
                      : CachedSamples(data.cache, data.labels, objects, options);
}

/// The channels of an object as the network gets them, in bytes.
inline Picture picture_of(const Data& data, std::size_t object) {
  std::vector<float> room;
  Picture picture{data.cache->shape(), {}};
  std::visit([&](const auto& values) { std::ranges::transform(values, std::back_inserter(picture.pixels), to_byte); },
             data.cache->read(object, room));
  return picture;
}

/// How that picture lies on the sky, where a file of the object tells it.
inline std::optional<SkyMarks> sky_marks_of(const Data& data, std::size_t object) {
  return sky_marks_of(data.set.objects[object], data.cache->shape(), data.decoding);
}

inline std::vector<float> class_weights(const TrainOptions& options, const Data& data) {
  if (options.class_weights == "none") return {};
  std::array<double, 2> counts{};
  for (const std::size_t i : data.train) ++counts[static_cast<std::size_t>(data.labels[i])];
  const double all = counts[0] + counts[1];
  return {static_cast<float>(all / (2 * counts[0])), static_cast<float>(all / (2 * counts[1]))};
}

}  // namespace abell::program

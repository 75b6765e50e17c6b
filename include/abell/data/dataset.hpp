#pragma once
/// Labelled sets of image files, in the three forms that the programs read.

#include <abell/core/error.hpp>
#include <abell/data/classes.hpp>
#include <abell/data/layouts.hpp>
#include <abell/data/object.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// A set of objects in a fixed order (that of the table, or sorted by name).
struct DataSet {
  std::filesystem::path source;
  std::vector<std::string> classes;   ///< sorted
  std::vector<std::string> positive;  ///< those that count as clusters, sorted
  std::vector<Object> objects;
  std::vector<std::string> notes;  ///< of its source

  /// 1 for a positive class, 0 for another, -1 when the class is not known.
  int binary_label(const Object& object) const {
    if (object.label < 0) return -1;
    return std::ranges::binary_search(positive, classes[static_cast<std::size_t>(object.label)]) ? 1 : 0;
  }
  /// Positions of the objects in one split, rising.
  std::vector<std::size_t> members(Split split) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < objects.size(); ++i) {
      if (objects[i].split == split) found.push_back(i);
    }
    return found;
  }
};

/// Reads the set at `data`:
/// - a folder with `train.csv`, `test.csv` (`image_id,class`) and `train_images/<image_id>.png`,
///   `test_images/`: the layout of Kosiba et al. (2020), classes low-z, hi-z, galaxy, point, other; an image_id
///   with a folder in it is refused, and links in the folders of images are followed;
/// - a folder with `train/<class>/` and `validation/<class>/`, `test/<class>/`; an object's id is
///   its path in the folder without the file's ending;
/// - a table, or a folder with `table.csv` or one CSV file: `image` or `xray`,`optical` (paths
///   relative to the table; one of them will do where `channels` are its own), `class`, optional `split` (train,
///   validation, test), `id`, `third` (an image for the first channel) and `exposure` (the X-ray image's exposure map);
///   where they are asked for, columns of numbers, several classes with semicolons between them (none: of none of the
///   classes), and `mask`;
/// - unless `need_set`, an image (its id is `data`; a FITS file without images is a table) or a folder of images (ids
///   are file names), without the ending where that leaves them different.
/// When only one of validation and test is there, it is the test split. Every file of a set is checked to be
/// there; none is opened. Throws IoError, FormatError and OptionError naming file and line.
inline DataSet read_data_set(const std::filesystem::path& data, const DataSetOptions& options = {}) {
  DataSet set;
  set.source = data;
  const auto source = open_objects(data, options);
  set.notes = source->notes();
  while (auto object = source->next()) set.objects.push_back(*std::move(object));
  if (options.need_train && set.members(Split::train).empty()) {
    throw FormatError(data.string() + ": no image in the training split");
  }
  const auto classes_of = [&](const Object& object) {
    return options.several_classes ? classes_in(object.class_text) : std::vector{object.class_text};
  };
  for (const Object& object : set.objects) {
    for (std::string& name : classes_of(object)) set.classes.push_back(std::move(name));
  }
  std::ranges::sort(set.classes);
  set.classes.erase(std::unique(set.classes.begin(), set.classes.end()), set.classes.end());
  std::erase(set.classes, std::string());
  const auto label_of = [&](const std::string& name) {
    return static_cast<int>(std::ranges::lower_bound(set.classes, name) - set.classes.begin());
  };
  for (Object& object : set.objects) {
    if (options.several_classes) {
      for (const std::string& name : classes_of(object)) object.labels.push_back(label_of(name));
    } else if (!object.class_text.empty()) {
      object.label = label_of(object.class_text);
    }
  }
  if (options.several_classes) return set;
  const bool two_sides = options.need_train && options.need_class;
  set.positive = positive_classes(set.classes, options.positive, two_sides);
  if (two_sides) {
    std::array<bool, 2> there{};
    for (const std::size_t i : set.members(Split::train)) {
      there[static_cast<std::size_t>(set.binary_label(set.objects[i]))] = true;
    }
    if (!there[0] || !there[1]) {
      throw FormatError(data.string() + ": the training split has no image of a " +
                        (there[0] ? "positive" : "negative") + " class");
    }
  }
  return set;
}

}  // namespace abell

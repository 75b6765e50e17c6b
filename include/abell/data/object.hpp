#pragma once
/// One object of a set: its files, its class, its part of the set.

#include <abell/data/channels.hpp>
#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace abell {

struct TableHeader;

enum class Split { train, validation, test };

constexpr std::string_view name_of(Split split) {
  constexpr std::array<std::string_view, 3> names{"train", "validation", "test"};
  return names[static_cast<std::size_t>(split)];
}

/// One object: one image file, or an X-ray and an optical one.
struct Object {
  std::string id;
  std::vector<std::filesystem::path> files;  ///< {image} or {xray, optical}, of which one may be empty
  int label = -1;                            ///< position in DataSet::classes, -1 when not known or several
  Split split = Split::train;
  std::string ra = {};  ///< right ascension and declination as the table has them; empty without such columns
  std::string dec = {};
  std::filesystem::path third = {};     ///< image of the first channel, beside {xray, optical}; may be empty
  std::filesystem::path exposure = {};  ///< exposure map of the X-ray image; may be empty
  std::vector<int> labels = {};         ///< of all its classes, rising, where an object may have several
  std::vector<float> targets = {};      ///< the numbers that were asked for; NaN is not known
  std::filesystem::path mask = {};      ///< image of the classes of its pixels; empty where not asked for
  std::string class_text = {};  ///< its class, or all of them, sorted, with semicolons between them; empty: not known
  std::vector<std::string> fields = {};             ///< of its table's other columns, where they were asked for
  std::shared_ptr<const TableHeader> columns = {};  ///< of `fields`; null without
};

/// What is read of a set, and what it must have.
struct DataSetOptions {
  std::vector<std::string> positive = {};  ///< empty: the default rule of `positive_classes`
  bool need_class = true;                  ///< whether a table without the column `class` is an error
  bool need_train = true;                  ///< whether a set without training images is an error
  bool need_set = true;                    ///< whether an image, or a folder of mere images, is an error
  bool several_classes = false;           ///< whether `class` holds any number of classes, with semicolons between them
  std::vector<std::string> targets = {};  ///< columns of numbers
  bool need_mask = false;                 ///< whether each object must have a file in the column `mask`
  bool need_others = false;               ///< whether the columns of a table that are not read are kept, too
  bool check_ids = true;                  ///< whether an id that is there twice in a table is looked for
  Channels channels = Channels::both;     ///< the columns of `xray` and `optical` that a table with bands must have
};

}  // namespace abell

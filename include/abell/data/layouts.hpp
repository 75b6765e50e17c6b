#pragma once
/// The layouts of sets on disk, each a source of objects.

#include <abell/core/error.hpp>
#include <abell/core/lower_case.hpp>
#include <abell/data/classes.hpp>
#include <abell/data/image_name.hpp>
#include <abell/data/object.hpp>
#include <abell/data/object_source.hpp>
#include <abell/data/open_table.hpp>
#include <abell/data/other_columns.hpp>
#include <abell/data/position_columns.hpp>
#include <abell/data/table.hpp>
#include <abell/data/table_objects.hpp>
#include <abell/data/target_columns.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace abell {

namespace detail {

namespace fs = std::filesystem;

/// The entries of a folder, sorted, hidden ones left out. Throws IoError.
inline std::vector<fs::path> entries(const fs::path& folder) {
  std::error_code error;
  std::vector<fs::path> found;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (!at->path().filename().string().starts_with('.')) found.push_back(at->path());
  }
  if (error) throw IoError(folder.string() + ": cannot read the folder: " + error.message());
  std::ranges::sort(found);
  return found;
}

/// Whether a name ends like a table.
inline bool has_table_name(const fs::path& path) {
  const std::string ending = lower_case(path.extension().string());
  constexpr std::array<std::string_view, 9> endings{".csv", ".tsv", ".tab",  ".txt",    ".tbl",
                                                    ".vot", ".xml", ".ecsv", ".votable"};
  return std::ranges::find(endings, ending) != endings.end();
}

/// Refuses the same id in two rows; `seen` maps an id to its row's place.
inline void check_id(std::map<std::string, std::string>& seen, const std::string& id, const std::string& where) {
  check_not_empty(id, where);
  const auto [at, fresh] = seen.emplace(id, where);
  if (!fresh) refuse_duplicate(id, where, at->second);
}

inline bool same_bytes(const fs::path& a, const fs::path& b) {
  std::error_code error;
  if (fs::file_size(a, error) != fs::file_size(b, error) || error) return false;
  std::ifstream first(a, std::ios::binary);
  std::ifstream second(b, std::ios::binary);
  using Byte = std::istreambuf_iterator<char>;
  return std::equal(Byte(first), Byte(), Byte(second), Byte());
}

/// `<images>/<id>.png`. The id is foreign and must not lead out of the folder; links in it are its owner's choice.
inline fs::path image_of_id(const fs::path& images, const std::string& id, const std::string& where) {
  if (fs::path(id).filename() != id || id == "." || id == ".." || id.find('\0') != std::string::npos) {
    throw FormatError(where + ": expected an image_id that is a file name without a folder, found '" + id + "'");
  }
  fs::path file = images / (id + ".png");
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) throw IoError(where + ": no such file: " + file.string());
  return file;
}

/// `train.csv` and `test.csv` with `image_id,class`; images are `<split>_images/<image_id>.png`.
inline std::vector<Object> list_kosiba(const fs::path& folder, const DataSetOptions& options) {
  constexpr std::array<std::string_view, 5> known{"galaxy", "hi-z", "low-z", "other", "point"};
  std::vector<Object> objects;
  std::map<std::string, fs::path> training;
  for (const Split split : {Split::train, Split::test}) {
    const std::string name(name_of(split));
    const fs::path csv = folder / (name + ".csv");
    std::error_code error;
    if (!fs::exists(csv, error)) continue;
    TableReader table(csv);
    const std::size_t id = table.column("image_id");
    const auto label = options.need_class ? std::optional(table.column("class")) : table.find("class");
    const PositionColumns position(table);
    const TargetColumns targets(table, options);
    const fs::path images = folder / (name + "_images");
    if (!fs::is_directory(images, error)) throw IoError(images.string() + ": no such folder, named by " + table.name);
    std::vector<std::size_t> read{id};
    if (label) read.push_back(*label);
    position.list(read);
    const OtherColumns others(table, read, options);
    std::map<std::string, std::string> seen;
    while (table.next()) {
      const std::string& image_id = table[id];
      const std::string name_of_class = label ? table[*label] : std::string();
      check_id(seen, image_id, table.where());
      if ((options.need_class || !name_of_class.empty()) && std::ranges::find(known, name_of_class) == known.end()) {
        throw FormatError(table.where() + ": expected a class of low-z, hi-z, galaxy, point, other, found '" +
                          name_of_class + "'");
      }
      const fs::path file = image_of_id(images, image_id, table.where());
      if (split == Split::train) {
        training[image_id] = file;
      } else if (const auto twin = training.find(image_id); twin != training.end() && same_bytes(twin->second, file)) {
        throw FormatError(table.where() + ": duplicate id '" + image_id + "': the same image is in train.csv");
      }
      Object object{image_id, {file}, -1, split};
      position.fill(object, table);
      targets.fill(object, table);
      others.fill(object, table);
      if (targets.mask()) object.mask = image_of_table(folder / table[*targets.mask()], table.where());
      object.class_text = name_of_class;
      objects.push_back(std::move(object));
    }
  }
  return objects;
}

/// `train/<class>/*` and `validation/<class>/*`, `test/<class>/*`; their names without endings are the ids.
inline std::vector<Object> list_class_folders(const fs::path& folder, const DataSetOptions& options) {
  std::error_code error;
  const bool has_train = fs::is_directory(folder / "train", error);
  const Splits splits{fs::is_directory(folder / "validation", error), fs::is_directory(folder / "test", error)};
  std::vector<Object> objects;
  std::vector<std::string> known;
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    const fs::path part = folder / std::string(name_of(split));
    if (!fs::is_directory(part, error)) continue;
    for (const fs::path& inside : entries(part)) {
      if (!fs::is_directory(inside, error)) {
        if (!has_image_name(inside)) continue;
        throw FormatError(inside.string() + ": expected images in a folder for each class, found one beside them");
      }
      const std::string name = inside.filename().string();
      if (split == Split::train) {
        known.push_back(name);
      } else if (has_train && std::ranges::find(known, name) == known.end()) {
        throw FormatError(inside.string() + ": unknown class '" + name + "': train/ has no folder of that name");
      }
      const std::vector<fs::path> files = entries(inside);
      if (files.empty()) throw FormatError(inside.string() + ": class '" + name + "' has no image");
      for (const fs::path& file : files) {
        if (!image_exists(file) || !has_image_name(file)) {
          throw FormatError(file.string() + ": expected a PNG, JPEG or FITS image");
        }
        objects.push_back({file.lexically_relative(folder).generic_string(), {file}, -1, splits.settled(split)});
        objects.back().class_text = class_text(name, options.several_classes);
      }
    }
  }
  shorten_ids(objects);
  return objects;
}

/// The images of a folder without a table, known by their file names without endings.
inline std::vector<Object> list_images(const fs::path& folder) {
  std::vector<Object> objects;
  for (const fs::path& file : entries(folder)) {
    if (has_image_name(file) && image_exists(file)) {
      objects.push_back({file.filename().string(), {file}});
    }
  }
  shorten_ids(objects);
  return objects;
}

}  // namespace detail

/// Opens the set at `data` (its forms: `read_data_set`). The rows of a table are read and checked one by one, when they
/// are asked for; of folders all files are listed at once. Throws IoError and FormatError naming file and line, and so
/// does the source.
inline std::unique_ptr<ObjectSource> open_objects(const std::filesystem::path& data,
                                                  const DataSetOptions& options = {}) {
  namespace fs = std::filesystem;
  const auto filled = [&](auto source) -> std::unique_ptr<ObjectSource> {
    if (source->empty()) throw FormatError(data.string() + ": the set is empty");
    return source;
  };
  const auto table = [&](const fs::path& csv) { return filled(std::make_unique<detail::TableObjects>(csv, options)); };
  const auto list = [&](std::vector<Object> objects) {
    return filled(std::make_unique<ListedObjects>(std::move(objects)));
  };
  std::error_code error;
  const fs::file_status status = fs::status(data, error);
  if (!options.need_set && !detail::has_table_name(data) && detail::image_exists(data) &&
      !detail::is_fits_table(data)) {
    return list({Object{detail::without_image_ending(data.string()), {data}}});
  }
  if (!fs::exists(status)) throw IoError(data.string() + ": no such file or folder");
  if (fs::is_regular_file(status)) return table(data);
  if (!fs::is_directory(status)) throw IoError(data.string() + ": expected a folder or a table");
  const auto has = [&](const char* name) { return fs::is_regular_file(data / name, error); };
  const auto has_folder = [&](const char* name) { return fs::is_directory(data / name, error); };
  if (has("train.csv") || (has("test.csv") && has_folder("test_images"))) {
    return list(detail::list_kosiba(data, options));
  }
  if (has_folder("train") || has_folder("validation") || has_folder("test")) {
    if (options.targets.empty() && !options.need_mask) return list(detail::list_class_folders(data, options));
    throw FormatError(data.string() + ": expected a table with the column '" +
                      (options.need_mask ? "mask" : options.targets.front()) + "', found folders of classes");
  }
  if (has("table.csv")) return table(data / "table.csv");
  std::vector<fs::path> tables;
  for (const fs::path& inside : detail::entries(data)) {
    if (inside.extension() == ".csv") tables.push_back(inside);
  }
  if (tables.size() == 1) return table(tables[0]);
  if (!options.need_set) {
    std::vector<Object> images = detail::list_images(data);
    if (!images.empty()) return list(std::move(images));
  }
  throw FormatError(data.string() +
                    ": expected train.csv with train_images/, or train/<class>/ folders, or one table "
                    "table.csv" +
                    (options.need_set ? "" : ", or images") + "; found none of them");
}

}  // namespace abell

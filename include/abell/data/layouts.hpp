#pragma once
/// The layouts of sets on disk, each turned into objects.

#include <abell/core/error.hpp>
#include <abell/data/object.hpp>
#include <abell/data/position_columns.hpp>
#include <abell/data/table.hpp>
#include <abell/data/target_columns.hpp>
#include <abell/images/fits_grammar.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell {

namespace detail {

namespace fs = std::filesystem;

/// Whether an image is there: the file itself, or the file of a FITS name with brackets.
inline bool image_exists(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(fits_base(path), ignored);
}

/// The image that a row of a table names: a FITS name may choose an extension and a section, nothing more. Throws
/// IoError.
inline fs::path image_of_table(fs::path file, const std::string& where) {
  if (!image_exists(file)) throw IoError(where + ": no such file: " + file.string());
  fits_brackets(file, FitsNameSource::table, where);
  return file;
}

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

/// Whether a name ends like an image, .gz and .fz included.
inline bool has_image_name(const fs::path& path) {
  std::string name = path.filename().string();
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (name.ends_with(".gz")) name.resize(name.size() - 3);
  for (const char* ending : {".png", ".jpg", ".jpeg", ".fits", ".fit", ".fts", ".ftz", ".fz"}) {
    if (name.ends_with(ending)) return true;
  }
  return false;
}

/// Objects under way: classes still by name, and where each object stands, for errors.
struct Gathered {
  std::vector<Object> objects;
  std::vector<std::string> classes;  ///< of each object; empty when not known
  void add(Object object, std::string name) {
    objects.push_back(std::move(object));
    classes.push_back(std::move(name));
  }
};

/// Refuses the same id in two rows; `seen` maps an id to its row's place.
inline void check_id(std::map<std::string, std::string>& seen, const std::string& id, const std::string& where) {
  if (id.empty()) throw FormatError(where + ": expected an id, found an empty field");
  const auto [at, fresh] = seen.emplace(id, where);
  if (!fresh) throw FormatError(where + ": duplicate id '" + id + "', first at " + at->second);
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
inline Gathered gather_kosiba(const fs::path& folder, const DataSetOptions& options) {
  constexpr std::array<std::string_view, 5> known{"galaxy", "hi-z", "low-z", "other", "point"};
  Gathered set;
  std::map<std::string, fs::path> training;
  for (const Split split : {Split::train, Split::test}) {
    const std::string name(name_of(split));
    const fs::path csv = folder / (name + ".csv");
    std::error_code error;
    if (!fs::exists(csv, error)) continue;
    const Table table = read_csv(csv);
    const std::size_t id = table.column("image_id");
    const auto label = options.need_class ? std::optional(table.column("class")) : table.find("class");
    const PositionColumns position(table);
    const TargetColumns targets(table, options);
    const fs::path images = folder / (name + "_images");
    if (!fs::is_directory(images, error)) throw IoError(images.string() + ": no such folder, named by " + table.name);
    std::map<std::string, std::string> seen;
    for (std::size_t row = 0; row < table.rows.size(); ++row) {
      const std::string& image_id = table.rows[row][id];
      const std::string name_of_class = label ? table.rows[row][*label] : std::string();
      check_id(seen, image_id, table.where(row));
      if ((options.need_class || !name_of_class.empty()) && std::ranges::find(known, name_of_class) == known.end()) {
        throw FormatError(table.where(row) + ": expected a class of low-z, hi-z, galaxy, point, other, found '" +
                          name_of_class + "'");
      }
      const fs::path file = image_of_id(images, image_id, table.where(row));
      if (split == Split::train) {
        training[image_id] = file;
      } else if (const auto twin = training.find(image_id); twin != training.end() && same_bytes(twin->second, file)) {
        throw FormatError(table.where(row) + ": duplicate id '" + image_id + "': the same image is in train.csv");
      }
      Object object{image_id, {file}, -1, split};
      position.fill(object, table.rows[row]);
      targets.fill(object, row);
      if (targets.mask()) {
        object.mask = image_of_table(folder / table.rows[row][*targets.mask()], table.where(row));
      }
      set.add(std::move(object), name_of_class);
    }
  }
  return set;
}

/// The split that a folder or a table's word stands for: when only one of validation and test is
/// there, it is the test split.
inline Split settle(Split split, bool has_validation, bool has_test) {
  return split == Split::validation && has_validation && !has_test ? Split::test : split;
}

/// `train/<class>/*` and `validation/<class>/*`, `test/<class>/*`.
inline Gathered gather_class_folders(const fs::path& folder) {
  std::error_code error;
  const bool has_train = fs::is_directory(folder / "train", error);
  const bool has_validation = fs::is_directory(folder / "validation", error);
  const bool has_test = fs::is_directory(folder / "test", error);
  Gathered set;
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
        set.add({file.lexically_relative(folder).generic_string(), {file}, -1, settle(split, has_validation, has_test)},
                name);
      }
    }
  }
  return set;
}

/// A table with `image`, or `xray` and `optical` (one of whose fields may be empty); `class`; optional `third`
/// (a band) and `exposure` (of the X-ray image), whose fields may be empty; optional `split` and `id` or `image_id`.
inline Gathered gather_table(const fs::path& csv, const DataSetOptions& options) {
  const Table table = read_csv(csv);
  const auto cell = [&](std::size_t row, std::optional<std::size_t> column) {
    return column ? table.rows[row][*column] : std::string();
  };
  std::vector<std::size_t> images;
  if (const auto image = table.find("image")) {
    images = {*image};
  } else if (table.find("xray") || table.find("optical")) {
    images = {table.column("xray"), table.column("optical")};
  } else {
    images = {table.column("image")};
  }
  auto id_column = table.find("id");
  if (!id_column) id_column = table.find("image_id");
  const auto class_column = options.need_class ? std::optional(table.column("class")) : table.find("class");
  const auto split_column = table.find("split");
  const auto third_column = table.find("third");
  const auto exposure_column = table.find("exposure");
  const PositionColumns position(table);
  const TargetColumns targets(table, options);

  Gathered set;
  std::map<std::string, std::string> seen;
  bool has_validation = false;
  bool has_test = false;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    Object object;
    object.id = id_column ? cell(row, id_column) : cell(row, images[0]);
    const auto file_of = [&](std::size_t column) {
      return image_of_table(csv.parent_path() / cell(row, column), table.where(row));
    };
    const bool any = std::ranges::any_of(images, [&](std::size_t column) { return !cell(row, column).empty(); });
    const auto needed = [&](std::size_t column) {
      if (!cell(row, column).empty()) return file_of(column);
      throw FormatError(table.where(row) + ": expected a file in column '" + table.header[column] +
                        "', found an empty field");
    };
    for (const std::size_t column : images) {
      object.files.push_back(any && cell(row, column).empty() ? fs::path() : needed(column));
    }
    if (targets.mask()) object.mask = needed(*targets.mask());
    if (!cell(row, third_column).empty()) object.third = file_of(*third_column);
    if (!cell(row, exposure_column).empty()) object.exposure = file_of(*exposure_column);
    check_id(seen, object.id, table.where(row));
    position.fill(object, table.rows[row]);
    targets.fill(object, row);
    const std::string name = cell(row, class_column);
    if (name.empty() && options.need_class && !options.several_classes)
      throw FormatError(table.where(row) + ": expected a class, found an empty field");
    if (split_column) {
      const std::string word = cell(row, split_column);
      const auto named = [&](Split split) { return word == name_of(split); };
      if (!named(Split::train) && !named(Split::validation) && !named(Split::test)) {
        throw FormatError(table.where(row) + ": expected the split train, validation or test, found '" + word + "'");
      }
      object.split = named(Split::test) ? Split::test : named(Split::validation) ? Split::validation : Split::train;
      has_test = has_test || object.split == Split::test;
      has_validation = has_validation || object.split == Split::validation;
    }
    set.add(std::move(object), name);
  }
  for (Object& object : set.objects) object.split = settle(object.split, has_validation, has_test);
  return set;
}

/// The images of a folder without a table, known by their file names.
inline Gathered gather_images(const fs::path& folder) {
  Gathered set;
  for (const fs::path& file : entries(folder)) {
    if (has_image_name(file) && image_exists(file)) {
      set.add({file.filename().string(), {file}, -1, Split::train}, {});
    }
  }
  return set;
}

inline Gathered gather(const fs::path& data, const DataSetOptions& options) {
  std::error_code error;
  const fs::file_status status = fs::status(data, error);
  if (!options.need_set && data.extension() != ".csv" && image_exists(data)) {
    Gathered one;
    one.add({data.string(), {data}, -1, Split::train}, {});
    return one;
  }
  if (!fs::exists(status)) throw IoError(data.string() + ": no such file or folder");
  if (fs::is_regular_file(status)) return gather_table(data, options);
  if (!fs::is_directory(status)) throw IoError(data.string() + ": expected a folder or a CSV table");
  const auto has = [&](const char* name) { return fs::is_regular_file(data / name, error); };
  const auto has_folder = [&](const char* name) { return fs::is_directory(data / name, error); };
  if (has("train.csv") || (has("test.csv") && has_folder("test_images"))) return gather_kosiba(data, options);
  if (has_folder("train") || has_folder("validation") || has_folder("test")) {
    if (options.targets.empty() && !options.need_mask) return gather_class_folders(data);
    throw FormatError(data.string() + ": expected a table with the column '" +
                      (options.need_mask ? "mask" : options.targets.front()) + "', found folders of classes");
  }
  if (has("table.csv")) return gather_table(data / "table.csv", options);
  std::vector<fs::path> tables;
  for (const fs::path& inside : entries(data)) {
    if (inside.extension() == ".csv") tables.push_back(inside);
  }
  if (tables.size() == 1) return gather_table(tables[0], options);
  if (!options.need_set) {
    Gathered images = gather_images(data);
    if (!images.objects.empty()) return images;
  }
  throw FormatError(data.string() +
                    ": expected train.csv with train_images/, or train/<class>/ folders, or one table "
                    "table.csv" +
                    (options.need_set ? "" : ", or images") + "; found none of them");
}

}  // namespace detail

}  // namespace abell

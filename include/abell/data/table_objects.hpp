#pragma once
/// Objects out of a table of image files, row by row.

#include <abell/core/error.hpp>
#include <abell/data/classes.hpp>
#include <abell/data/id_hashes.hpp>
#include <abell/data/image_name.hpp>
#include <abell/data/object.hpp>
#include <abell/data/object_source.hpp>
#include <abell/data/open_table.hpp>
#include <abell/data/other_columns.hpp>
#include <abell/data/position_columns.hpp>
#include <abell/data/table.hpp>
#include <abell/data/target_columns.hpp>
#include <abell/images/fits_grammar.hpp>
#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace abell {

namespace detail {

/// Whether an image is there: the file itself, or the file of a FITS name with brackets.
inline bool image_exists(const std::filesystem::path& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(fits_base(path), ignored);
}

/// The image that a row of a table names: a FITS name may choose an extension and a section, nothing more. Throws
/// IoError.
inline std::filesystem::path image_of_table(std::filesystem::path file, const std::string& where) {
  if (!image_exists(file)) throw IoError(where + ": no such file: " + file.string());
  fits_brackets(file, FitsNameSource::table, where);
  return file;
}

/// Throws FormatError for an empty id.
inline void check_not_empty(const std::string& id, const std::string& where) {
  if (id.empty()) throw FormatError(where + ": expected an id, found an empty field");
}

[[noreturn]] inline void refuse_duplicate(const std::string& id, const std::string& where, const std::string& first) {
  throw FormatError(where + ": duplicate id '" + id + "', first at " + first);
}

/// Whether a set has a split of validation, and of test.
struct Splits {
  bool validation = false;
  bool test = false;

  /// The split that a folder or a table's word stands for: when only one of validation and test is there, it is the
  /// test split.
  Split settled(Split split) const { return split == Split::validation && validation && !test ? Split::test : split; }
};

/// A table with `image`, or those of `xray` and `optical` that are needed (one of whose fields may be empty); `class`;
/// optional `third` (a band) and `exposure` (of the X-ray image), whose fields may be empty; optional `split` and `id`
/// or `image_id`, without which the first file's name without its ending is the id.
class TableObjects final : public ObjectSource {
 public:
  /// Where the table has splits it is read once to its end: which there are is known before the first object.
  TableObjects(const std::filesystem::path& csv, const DataSetOptions& options)
      : path_(csv),
        options_(options),
        opened_(open_table(csv)),
        table_(*opened_),
        images_(image_columns(table_, options.channels)),
        id_(table_.find("id")),
        class_(options.need_class ? std::optional(table_.column("class")) : table_.find("class")),
        split_(table_.find("split")),
        third_(table_.find("third")),
        exposure_(table_.find("exposure")),
        position_(table_),
        targets_(table_, options) {
    if (!id_) id_ = table_.find("image_id");
    by_file_ = !id_;
    for (const auto& image : images_) id_ = id_ ? id_ : image;
    std::vector<std::size_t> read{*id_};
    for (const auto& image : images_) {
      if (image) read.push_back(*image);
    }
    if (class_) read.push_back(*class_);
    position_.list(read);
    others_ = OtherColumns(table_, read, options);
    read_ahead();
  }

  bool empty() const { return empty_; }
  std::vector<std::string> notes() const override { return table_.notes(); }

  /// Throws IoError and FormatError naming file and line: a file that is not there, a field that must not be empty, an
  /// id that was there before, a split of another name.
  std::optional<Object> next() override {
    if (!table_.next()) return std::nullopt;
    Object object;
    object.id = id_in(table_);
    read_files(object);
    if (options_.check_ids) check_id();
    position_.fill(object, table_);
    targets_.fill(object, table_);
    others_.fill(object, table_);
    if (class_) object.class_text = class_text(table_[*class_], options_.several_classes);
    if (object.class_text.empty() && options_.need_class && !options_.several_classes) {
      throw FormatError(table_.where() + ": expected a class, found an empty field");
    }
    if (split_) object.split = splits_.settled(split(table_[*split_]));
    return object;
  }

 private:
  void read_ahead() {
    const auto opened = open_table(path_);
    TableReader& table = *opened;
    while (table.next()) {
      empty_ = false;
      if (!split_) return;
      splits_.validation = splits_.validation || table[*split_] == name_of(Split::validation);
      splits_.test = splits_.test || table[*split_] == name_of(Split::test);
    }
  }

  /// {image} or {xray, optical}, of which one may be missing where only the other is seen.
  static std::vector<std::optional<std::size_t>> image_columns(const TableHeader& table, Channels channels) {
    const auto xray = table.find("xray"), optical = table.find("optical");
    if (table.find("image") || (!xray && !optical)) return {table.column("image")};
    return {channels == Channels::optical ? xray : table.column("xray"),
            channels == Channels::xray ? optical : table.column("optical")};
  }

  void read_files(Object& object) const {
    const auto file = [&](std::size_t column) {
      return image_of_table(path_.parent_path() / table_[column], table_.where());
    };
    const auto needed = [&](std::size_t column) {
      if (!table_[column].empty()) return file(column);
      throw FormatError(table_.where() + ": expected a file in column '" + table_.header[column] +
                        "', found an empty field");
    };
    const auto is_empty = [&](const std::optional<std::size_t>& column) { return !column || table_[*column].empty(); };
    const bool none = std::ranges::all_of(images_, is_empty);
    for (const auto& column : images_) {
      const bool left_out = !column || (!none && is_empty(column));
      object.files.push_back(left_out ? std::filesystem::path() : needed(*column));
    }
    if (targets_.mask()) object.mask = needed(*targets_.mask());
    if (third_ && !table_[*third_].empty()) object.third = file(*third_);
    if (exposure_ && !table_[*exposure_].empty()) object.exposure = file(*exposure_);
  }

  /// Of the row that a reader is at.
  std::string id_in(const TableReader& table) const {
    return by_file_ ? without_image_ending(table[*id_]) : table[*id_];
  }

  /// An id whose hash was there is looked for in the rows before.
  void check_id() {
    const std::string id = id_in(table_);
    check_not_empty(id, table_.where());
    if (ids_.insert(IdHashes::of(id))) return;
    const auto opened = open_table(path_);
    TableReader& before = *opened;
    while (before.next() && before.line() < table_.line()) {
      if (id_in(before) == id) refuse_duplicate(id, table_.where(), before.where());
    }
  }

  Split split(const std::string& word) const {
    for (const Split split : {Split::train, Split::validation, Split::test}) {
      if (word == name_of(split)) return split;
    }
    throw FormatError(table_.where() + ": expected the split train, validation or test, found '" + word + "'");
  }

  std::filesystem::path path_;
  DataSetOptions options_;
  Splits splits_;
  bool empty_ = true;
  bool by_file_ = false;  ///< whether ids are names of files
  std::unique_ptr<TableReader> opened_;
  TableReader& table_;
  std::vector<std::optional<std::size_t>> images_;
  std::optional<std::size_t> id_, class_, split_, third_, exposure_;
  PositionColumns position_;
  TargetColumns targets_;
  OtherColumns others_;  ///< than files, id, class and position
  IdHashes ids_;
};

}  // namespace detail

}  // namespace abell

#pragma once
/// The catalogue of a classified set: its columns, and the texts of an object in them.

#include <abell/core/angle.hpp>
#include <abell/core/csv.hpp>
#include <abell/core/error.hpp>
#include <abell/core/printable.hpp>
#include <abell/data/catalogue_writer.hpp>
#include <abell/data/object.hpp>
#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../common/run_folder.hpp"

namespace abell::program {

inline bool has_position(const Object& object) { return !object.ra.empty() || !object.dec.empty(); }

/// Throws FormatError, naming the object, unless its right ascension and declination are degrees. It may have none
/// unless they are `needed`.
inline void check_position(const std::string& source, const Object& object, bool needed) {
  if (!needed && !has_position(object)) return;
  const auto check = [&](const char* name, const std::string& text, double low, double high) {
    const auto value = abell::detail::plain_number(text);
    if (value && *value >= low && *value <= high) return;
    throw FormatError(source + ": object '" + object.id + "': expected " + name + " in degrees from " + number(low) +
                      " to " + number(high) + ", found '" + text + "'");
  };
  check("ra", object.ra, 0, 360);
  check("dec", object.dec, -90, 90);
}

/// The file of an object; those of several bands with semicolons between them.
inline std::string file_text(const Object& object) {
  std::string text;
  for (const auto& file : object.files) {
    if (!file.empty()) text += (text.empty() ? "" : ";") + file.string();
  }
  return text;
}

/// The longest text of each column of texts.
struct TextWidths {
  std::size_t id = 1, class_text = 1, file = 1, map = 1;

  void add(const Object& object, const std::string& map_file) {
    const auto widen = [](std::size_t& width, const std::string& text) {
      width = std::max(width, printable(text).size());
    };
    widen(id, object.id);
    widen(class_text, object.class_text);
    widen(file, file_text(object));
    widen(map, map_file);
  }
};

/// What the columns of a catalogue depend on.
struct CatalogueContents {
  std::vector<CatalogueColumn> numbers = {};  ///< that a model gives which does not classify
  bool positions = false;                     ///< whether any object has one
  bool warnings = false;                      ///< whether the model's file tells what it learnt on
  bool maps = false;                          ///< whether the objects have maps
  float threshold = default_threshold;        ///< of `predicted`
};

/// An object with what its network tells.
struct ClassifiedObject {
  const Object& object;
  std::span<const float> numbers;  ///< p(positive), or one for each of `CatalogueContents::numbers`
  std::size_t masked = 0;          ///< pixels
  std::string warning = {};        ///< what the model never saw, with semicolons between
  std::string map = {};            ///< file, where there are some
};

/// The names in a column `warning`.
inline std::string warning_text(std::span<const std::string> foreign) {
  std::string text;
  for (const std::string& name : foreign) text += (text.empty() ? "" : ";") + name;
  return text;
}

/// `prediction_columns`, or the model's numbers between class and masked_pixels; warning, map and position where there
/// are such, and file.
inline std::vector<CatalogueColumn> catalogue_columns(const CatalogueContents& contents, const TextWidths& widths) {
  using enum CatalogueColumn::Type;
  std::vector<CatalogueColumn> columns{
      {"id", text, "", "meta.id;meta.main", "name of the object", widths.id},
      {"class", text, "", "src.class", "class in the input, empty where not known", widths.class_text}};
  columns.insert(columns.end(), contents.numbers.begin(), contents.numbers.end());
  if (contents.numbers.empty()) {
    columns.push_back({"p_cluster", real, "", "stat.probability;src.class", "probability of being a cluster"});
    columns.push_back({"predicted", truth, "", "meta.code;src.class", "whether p_cluster is above THRESH"});
  }
  columns.push_back({"masked_pixels", whole, "pixel", "meta.number;instr.pixel", "pixels without a measurement"});
  if (contents.warnings) {
    constexpr std::size_t longest = 128;  // enough for three bands or nine channels, and all that DS9 8.4 reads of FITS
    columns.push_back({"warning", text, "", "meta.code.qual", "what the model never saw", longest});
  }
  columns.push_back({"file", text, "", "meta.ref;meta.file", "image of the object, or one a band", widths.file});
  if (contents.maps) {
    columns.push_back({"map", text, "", "meta.ref;meta.file", "map of the classes' probabilities", widths.map});
  }
  if (contents.positions) {
    columns.push_back({"ra", real, "deg", "pos.eq.ra;meta.main", "right ascension"});
    columns.push_back({"dec", real, "deg", "pos.eq.dec;meta.main", "declination"});
  }
  return columns;
}

/// An object's texts in these columns; positions as the table has them.
inline std::vector<std::string> catalogue_row(const CatalogueContents& contents, const ClassifiedObject& of) {
  std::vector<std::string> row;
  if (contents.numbers.empty()) {
    row = prediction_row(of.object, of.numbers[0], of.masked, contents.threshold);
  } else {
    row = {of.object.id, of.object.class_text};
    for (const float value : of.numbers) row.push_back(abell::detail::shortest_number(value));
    row.push_back(std::to_string(of.masked));
  }
  if (contents.warnings) row.push_back(of.warning);
  row.push_back(file_text(of.object));
  if (contents.maps) row.push_back(of.map);
  if (contents.positions) row.insert(row.end(), {of.object.ra, of.object.dec});
  return row;
}

}  // namespace abell::program

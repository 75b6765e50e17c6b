#pragma once
/// Catalogues of positions: CSV tables, FITS tables and DS9 regions.

#include <abell/core/error.hpp>
#include <abell/data/open_table.hpp>
#include <abell/data/position_columns.hpp>
#include <abell/data/regions.hpp>
#include <abell/data/table.hpp>
#include <abell/images/wcs.hpp>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace abell {

/// How a catalogue is read.
struct CatalogueOptions {
  ColumnNames columns = {};
  const Wcs* image = nullptr;  ///< what pixels of regions refer to
  bool strict = false;         ///< whether rows without a position and names that are there twice are errors
};

/// The objects of a catalogue.
struct SkyCatalogue {
  std::vector<SkyObject> objects = {};
  std::vector<std::string> columns = {};  ///< names of the objects' `fields`
  std::vector<std::string> notes = {};    ///< what was left out, changed or not readable, a line each
};

namespace detail {

/// The plain names of columns that name objects.
inline constexpr std::string_view id_names =
    "id imageid name iauname srcname sourcename mcxc sourceid srcid objid objectid clusterid clustername detid "
    "designation mainid source object number";

/// The names of objects: those without get a number, and where `strict` does not refuse it, the second of one name
/// becomes `name-2`.
inline void name_objects(SkyCatalogue& catalogue, const std::string& file, bool strict) {
  std::map<std::string, std::string> first;  // of each name, where it stands
  for (std::size_t i = 0; i < catalogue.objects.size(); ++i) {
    SkyObject& object = catalogue.objects[i];
    if (object.id.empty()) {
      const std::string number = std::to_string(i + 1);
      object.id = "object-" + std::string(number.size() < 4 ? 4 - number.size() : 0, '0') + number;
    }
    first.emplace(object.id, object.where);
  }
  std::map<std::string, int> counts;
  std::size_t renamed = 0;
  std::string example;
  for (SkyObject& object : catalogue.objects) {
    const std::string id = object.id;
    int& count = counts[id];
    if (++count == 1) continue;
    if (strict) throw FormatError(object.where + ": duplicate id '" + id + "', first at " + first[id]);
    while (!first.emplace(id + "-" + std::to_string(count), object.where).second) ++count;
    object.id = id + "-" + std::to_string(count);
    if (renamed++ == 0) example = "'" + id + "' of " + object.where + " becomes '" + object.id + "'";
  }
  if (renamed > 0) {
    catalogue.notes.push_back(file + ": " + std::to_string(renamed) + " names were there before: " + example +
                              (renamed > 1 ? ", and so on" : ""));
  }
}

/// What is wrong with the position of a row.
inline std::string no_position(const PositionColumns& columns, const TableReader& row) {
  const AngleColumn& longitude = columns.longitude();
  const AngleColumn& wrong = longitude.read(row[longitude.number]) ? columns.latitude() : longitude;
  return row.where() + ": expected " + wrong.kind + " in column '" + wrong.name + "', found '" + row[wrong.number] +
         "'";
}

/// The column of the objects' names.
inline std::optional<std::size_t> id_column(const TableHeader& table, const std::string& named) {
  if (!named.empty()) return table.column(named);
  const auto usual = find_named(table, id_names);
  return usual ? usual : find_ucd(table, "meta.id", "id");
}

inline SkyCatalogue catalogue_of(TableReader& table, const CatalogueOptions& options) {
  const PositionColumns columns(table, options.columns);
  if (!columns.there()) {
    throw FormatError(table.name + ": expected columns of right ascension and declination, found: " + table.columns());
  }
  const auto id = id_column(table, options.columns.id);
  const std::string& class_name = options.columns.class_name;
  const std::size_t column_count = table.header.size();
  const std::size_t label = class_name.empty() ? column_count : table.column(class_name);
  SkyCatalogue catalogue{.notes = table.notes()};
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < column_count; ++i) {
    if (i == id || i == label || i == columns.longitude().number || i == columns.latitude().number) continue;
    others.push_back(i);
    catalogue.columns.push_back(table.header[i]);
  }
  std::string first;
  std::size_t rows = 0;
  for (; table.next(); ++rows) {
    const auto position = columns.position(table.fields());
    if (!position) {
      if (first.empty()) first = no_position(columns, table);
      if (options.strict) throw FormatError(first);
      continue;
    }
    SkyObject object{.id = id ? table[*id] : "", .position = *position, .where = table.where()};
    if (label < column_count) object.class_name = table[label];
    for (const std::size_t i : others) object.fields.push_back(table[i]);
    catalogue.objects.push_back(std::move(object));
  }
  if (rows > 0 && catalogue.objects.empty()) throw FormatError(first + "; no row has a position");
  if (rows > catalogue.objects.size()) {
    catalogue.notes.push_back(first + "; " + std::to_string(rows - catalogue.objects.size()) + " of " +
                              std::to_string(rows) + " rows have no position and are left out");
  }
  return catalogue;
}

}  // namespace detail

/// Reads a catalogue: DS9 regions, told by the ending (.reg), or a table of any form (`open_table`). Columns are found
/// by their usual names or UCDs (`PositionColumns`), positions become ICRS. Objects without an id are numbered:
/// `object-0001`. Throws IoError and FormatError naming file and line: columns that are not there (with those found),
/// a catalogue without positions, and where `strict`, what `notes` would tell.
inline SkyCatalogue read_catalogue(const std::filesystem::path& path, const CatalogueOptions& options = {}) {
  SkyCatalogue catalogue;
  if (path.extension() == ".reg") {
    catalogue.objects = read_regions(path, options.image);
  } else {
    const ColumnNames& names = options.columns;
    const auto has_positions = [&](const TableHeader& table) {
      return names.ra.empty() ? PositionColumns(table, names).there() : table.find(names.ra).has_value();
    };
    catalogue = detail::catalogue_of(*open_table(path, has_positions), options);
  }
  if (catalogue.objects.empty()) throw FormatError(path.string() + ": expected positions, found none");
  detail::name_objects(catalogue, path.string(), options.strict);
  return catalogue;
}

}  // namespace abell

#pragma once
/// Catalogues of positions: CSV tables, FITS tables and DS9 regions.

#include <abell/core/error.hpp>
#include <abell/data/fits_table.hpp>
#include <abell/data/position_columns.hpp>
#include <abell/data/regions.hpp>
#include <abell/data/table.hpp>
#include <abell/images/wcs.hpp>
#include <cstddef>
#include <filesystem>
#include <fstream>
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

/// Whether a file starts like FITS, packed or not, or the name uses CFITSIO's brackets.
inline bool looks_like_fits(const std::filesystem::path& path) {
  if (fits_base(path) != path) return true;
  std::ifstream file(path, std::ios::binary);
  std::string start(6, '\0');
  file.read(start.data(), 6);
  return start == "SIMPLE" || start.starts_with("\x1F\x8B");
}

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
inline std::string no_position(const PositionColumns& columns, const Table& table, std::size_t row) {
  const std::vector<std::string>& fields = table.rows[row];
  const AngleColumn& longitude = columns.longitude();
  const AngleColumn& wrong = longitude.read(fields[longitude.number]) ? columns.latitude() : longitude;
  return table.where(row) + ": expected " + wrong.kind + " in column '" + wrong.name + "', found '" +
         fields[wrong.number] + "'";
}

/// The column of the objects' names.
inline std::optional<std::size_t> id_column(const TableHeader& table, const std::string& named) {
  if (!named.empty()) return table.column(named);
  const auto usual = find_named(table, id_names);
  return usual ? usual : find_ucd(table, "meta.id", "id");
}

inline SkyCatalogue catalogue_of(Table table, const CatalogueOptions& options) {
  const PositionColumns columns(table, options.columns);
  if (!columns.there()) {
    throw FormatError(table.name + ": expected columns of right ascension and declination, found: " + table.columns());
  }
  const auto id = id_column(table, options.columns.id);
  const std::string& class_name = options.columns.class_name;
  const auto label = class_name.empty() ? std::nullopt : std::optional(table.column(class_name));
  SkyCatalogue catalogue{.notes = std::move(table.notes)};
  std::vector<std::size_t> others;
  for (std::size_t i = 0; i < table.header.size(); ++i) {
    if (i == id || i == label || i == columns.longitude().number || i == columns.latitude().number) continue;
    others.push_back(i);
    catalogue.columns.push_back(table.header[i]);
  }
  std::string first;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    std::vector<std::string>& fields = table.rows[row];
    const auto position = columns.position(fields);
    if (!position) {
      if (first.empty()) first = no_position(columns, table, row);
      if (options.strict) throw FormatError(first);
      continue;
    }
    SkyObject object{.id = id ? fields[*id] : "", .position = *position, .where = table.where(row)};
    if (label) object.class_name = fields[*label];
    for (const std::size_t i : others) object.fields.push_back(std::move(fields[i]));
    catalogue.objects.push_back(std::move(object));
  }
  const std::size_t lost = table.rows.size() - catalogue.objects.size();
  if (lost > 0 && catalogue.objects.empty()) throw FormatError(first + "; no row has a position");
  if (lost > 0) {
    catalogue.notes.push_back(first + "; " + std::to_string(lost) + " of " + std::to_string(table.rows.size()) +
                              " rows have no position and are left out");
  }
  return catalogue;
}

}  // namespace detail

/// Reads a catalogue, told by its ending (.reg) or its first bytes (FITS); anything else is CSV. Columns are found by
/// their usual names or UCDs (`PositionColumns`), positions become ICRS. Objects without an id are numbered:
/// `object-0001`. Throws IoError and FormatError naming file and line: columns that are not there (with those found),
/// a catalogue without positions, and where `strict`, what `notes` would tell.
inline SkyCatalogue read_catalogue(const std::filesystem::path& path, const CatalogueOptions& options = {}) {
  SkyCatalogue catalogue;
  if (path.extension() == ".reg") {
    catalogue.objects = read_regions(path, options.image);
  } else if (detail::looks_like_fits(path)) {
    const ColumnNames& names = options.columns;
    const auto has_positions = [&](const TableHeader& table) {
      return names.ra.empty() ? PositionColumns(table, names).there() : table.find(names.ra).has_value();
    };
    catalogue = detail::catalogue_of(read_fits_table(path, has_positions), options);
  } else {
    catalogue = detail::catalogue_of(read_csv(path), options);
  }
  if (catalogue.objects.empty()) throw FormatError(path.string() + ": expected positions, found none");
  detail::name_objects(catalogue, path.string(), options.strict);
  return catalogue;
}

}  // namespace abell

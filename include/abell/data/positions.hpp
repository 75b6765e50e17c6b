#pragma once
/// Catalogues of positions: CSV tables, FITS tables and DS9 regions.

#include <abell/core/error.hpp>
#include <abell/data/fits_table.hpp>
#include <abell/data/position_columns.hpp>
#include <abell/data/regions.hpp>
#include <abell/data/table.hpp>
#include <abell/images/wcs.hpp>
#include <algorithm>
#include <cctype>
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

namespace detail {

/// Whether a file starts like FITS, packed or not, or the name uses CFITSIO's brackets.
inline bool looks_like_fits(const std::filesystem::path& path) {
  if (fits_base(path) != path) return true;
  std::ifstream file(path, std::ios::binary);
  std::string start(6, '\0');
  file.read(start.data(), 6);
  return start == "SIMPLE" || start.starts_with("\x1F\x8B");
}

/// Degrees of one cell. Throws FormatError naming the row.
inline double position_degrees(const Table& table, std::size_t row, std::size_t column, bool ra) {
  const std::string& text = table.rows[row][column];
  const auto value = parse_angle(text, ra);
  if (!value || (ra ? !(*value >= 0 && *value <= 360) : !(*value >= -90 && *value <= 90))) {
    throw FormatError(table.where(row) + ": expected " + (ra ? "a right ascension" : "a declination") + " in column '" +
                      table.header[column] + "' (degrees or sexagesimal), found '" + text + "'");
  }
  return *value;
}

inline std::vector<SkyObject> positions_of(const Table& table, const std::vector<std::string>& units) {
  const PositionColumns columns(table);
  if (!columns.ra()) table.column("ra");  // throws, and lists what the table has
  if (!columns.dec()) table.column("dec");
  for (const std::size_t column : {*columns.ra(), *columns.dec()}) {
    const std::string unit = units.empty() ? "" : units[column];
    if (!unit.empty() && !unit.starts_with("deg") && unit.find(':') == std::string::npos && unit.find('h') != 0) {
      throw FormatError(table.name + ": expected degrees in column '" + table.header[column] + "', found the unit '" +
                        unit + "'");
    }
  }
  const auto id = find_column(table, {"id", "image_id", "name", "source_id", "objid", "source", "object"});
  const auto label = find_column(table, {"class"});
  std::vector<SkyObject> objects;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    SkyObject object;
    object.where = table.where(row);
    if (id) object.id = table.rows[row][*id];
    if (label) object.class_name = table.rows[row][*label];
    object.position = {position_degrees(table, row, *columns.ra(), true),
                       position_degrees(table, row, *columns.dec(), false)};
    objects.push_back(std::move(object));
  }
  return objects;
}

}  // namespace detail

/// Reads a catalogue, told by its ending (.reg) or its first bytes (FITS); anything else is CSV. Columns
/// go by their usual names (`PositionColumns`). `frame` is what the pixels of regions refer to, or null.
/// Objects without an id are numbered: `object-0001`. Throws IoError and FormatError naming file and
/// line: columns that are not there (with those found), texts that are no position, ids that are there
/// twice, an empty catalogue.
inline std::vector<SkyObject> read_positions(const std::filesystem::path& path, const Wcs* frame = nullptr) {
  std::vector<SkyObject> objects;
  if (path.extension() == ".reg") {
    objects = read_regions(path, frame);
  } else if (detail::looks_like_fits(path)) {
    const FitsTable table = read_fits_table(path);
    objects = detail::positions_of(table.table, table.units);
  } else {
    objects = detail::positions_of(read_csv(path), {});
  }
  if (objects.empty()) throw FormatError(path.string() + ": expected positions, found none");
  std::map<std::string, std::string> seen;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    SkyObject& object = objects[i];
    if (object.id.empty()) {
      const std::string number = std::to_string(i + 1);
      object.id = "object-" + std::string(number.size() < 4 ? 4 - number.size() : 0, '0') + number;
    }
    const auto [at, fresh] = seen.emplace(object.id, object.where);
    if (!fresh) throw FormatError(object.where + ": duplicate id '" + object.id + "', first at " + at->second);
  }
  return objects;
}

}  // namespace abell

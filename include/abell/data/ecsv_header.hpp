#pragma once
/// The header of ECSV (astropy's enhanced CSV): YAML in comments, read by yaml-cpp.

#include <yaml-cpp/yaml.h>

#include <abell/core/error.hpp>
#include <abell/data/table.hpp>
#include <istream>
#include <string>
#include <string_view>

namespace abell::detail {

inline constexpr std::string_view ecsv_mark = "# %ECSV ";

/// The YAML in the comments at the beginning of a text.
inline std::string ecsv_yaml(std::istream& in) {
  std::string yaml;
  for (std::string line; std::getline(in, line) && line.starts_with('#');) {
    if (!line.starts_with(ecsv_mark)) yaml += line.substr(line.starts_with("# ") ? 2 : 1) + "\n";
  }
  return yaml;
}

/// The value of a key as text; empty without.
inline std::string yaml_text(const YAML::Node& map, const char* key) {
  const YAML::Node value = map.IsMap() ? map[key] : YAML::Node(YAML::NodeType::Undefined);
  return value.IsDefined() && value.IsScalar() ? value.Scalar() : std::string();
}

/// The entry of an ordered map (a list of maps) or of a map.
inline YAML::Node yaml_entry(const YAML::Node& meta, const char* key) {
  if (meta.IsDefined() && meta.IsMap() && meta[key].IsDefined()) return meta[key];
  if (meta.IsDefined() && meta.IsSequence()) {
    for (const YAML::Node& each : meta) {
      if (each.IsMap() && each[key].IsDefined()) return each[key];
    }
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

/// The frame of the SkyCoord whose columns are called `NAME.ra` and the like.
inline std::string ecsv_frame(const YAML::Node& header, const std::string& column) {
  const YAML::Node all = yaml_entry(header["meta"], "__serialized_columns__");
  if (!all.IsDefined() || !all.IsMap()) return {};
  const YAML::Node coordinates = all[column.substr(0, column.rfind('.'))];
  if (!coordinates.IsDefined()) return {};
  const std::string frame = yaml_text(coordinates, "frame");
  const YAML::Node equinox = coordinates.IsMap() ? coordinates["equinox"] : YAML::Node(YAML::NodeType::Undefined);
  if (!equinox.IsDefined() || !equinox.IsMap()) return frame;
  const double day = equinox["jd1"].as<double>() + equinox["jd2"].as<double>();
  const bool old = frame.starts_with("fk4");
  return frame + " " +
         (old ? csv_number(1950 + (day - 2433282.42345905) / 365.242198781)
              : csv_number(2000 + (day - 2451545) / 365.25));
}

/// Gives the columns of a table the units, UCDs and frames that the YAML tells. Throws FormatError naming the file.
inline void describe_by_ecsv(TableHeader& table, const std::string& yaml) {
  const std::size_t count = table.header.size();
  table.units.assign(count, "");
  table.ucds.assign(count, "");
  table.frames.assign(count, "");
  try {
    const YAML::Node header = YAML::Load(yaml);
    if (!header.IsMap() || !header["datatype"].IsDefined()) {
      throw FormatError(table.name + ": expected the columns of ECSV under 'datatype', found none");
    }
    for (const YAML::Node& column : header["datatype"]) {
      const auto at = table.find(yaml_text(column, "name"));
      if (!at) continue;
      table.units[*at] = yaml_text(column, "unit");
      if (column["meta"].IsDefined()) {
        const YAML::Node ucd = yaml_entry(column["meta"], "ucd");
        if (ucd.IsDefined() && ucd.IsScalar()) table.ucds[*at] = ucd.Scalar();
      }
      table.frames[*at] = ecsv_frame(header, table.header[*at]);
    }
  } catch (const YAML::Exception& error) {
    throw FormatError(table.name + ": expected the header of ECSV as YAML, found a fault: " + error.what());
  }
}

}  // namespace abell::detail

#pragma once
/// The header of ECSV (astropy's enhanced CSV): YAML in comments, read by yaml-cpp.

#include <yaml-cpp/yaml.h>

#include <abell/core/error.hpp>
#include <abell/data/table.hpp>
#include <cstddef>
#include <istream>
#include <string>
#include <vector>

namespace abell::detail {

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

/// The frame that a FITS header told, which is kept in ECSV.
inline std::string ecsv_radesys(const YAML::Node& meta) {
  const auto text = [&](const char* keyword) {
    const YAML::Node value = yaml_entry(meta, keyword);
    return value.IsDefined() && value.IsScalar() ? value.Scalar() : std::string();
  };
  const std::string frame = text("RADESYS");
  return frame.starts_with("FK") ? frame + " " + text("EQUINOX") : frame;
}

/// The frame of the SkyCoord whose columns are called `NAME.ra` and the like, else that of the whole table.
inline std::string ecsv_frame(const YAML::Node& header, const std::string& column) {
  const YAML::Node all = yaml_entry(header["meta"], "__serialized_columns__");
  const bool serialized = all.IsDefined() && all.IsMap();
  const YAML::Node coordinates = serialized ? all[column.substr(0, column.rfind('.'))] : all;
  if (!serialized || !coordinates.IsDefined()) return ecsv_radesys(header["meta"]);
  const std::string frame = yaml_text(coordinates, "frame");
  const YAML::Node equinox = coordinates.IsMap() ? coordinates["equinox"] : YAML::Node(YAML::NodeType::Undefined);
  if (!equinox.IsDefined() || !equinox.IsMap()) return frame;
  const double day = equinox["jd1"].as<double>() + equinox["jd2"].as<double>();
  const bool old = frame.starts_with("fk4");
  return frame + " " +
         (old ? csv_number(1950 + (day - 2433282.42345905) / 365.242198781)
              : csv_number(2000 + (day - 2451545) / 365.25));
}

/// Gives the columns of a table the units, UCDs, frames and descriptions that the YAML tells, and returns those that
/// hold truth values. Throws FormatError naming the file.
inline std::vector<std::size_t> describe_by_ecsv(TableHeader& table, const std::string& yaml) {
  const std::size_t count = table.header.size();
  table.units.assign(count, "");
  table.ucds.assign(count, "");
  table.frames.assign(count, "");
  table.descriptions.assign(count, "");
  std::vector<std::size_t> truths;
  try {
    const YAML::Node header = YAML::Load(yaml);
    if (!header.IsMap() || !header["datatype"].IsDefined()) {
      throw FormatError(table.name + ": expected the columns of ECSV under 'datatype', found none");
    }
    for (const YAML::Node& column : header["datatype"]) {
      const auto at = table.find(yaml_text(column, "name"));
      if (!at) continue;
      table.units[*at] = yaml_text(column, "unit");
      table.descriptions[*at] = yaml_text(column, "description");
      if (yaml_text(column, "datatype") == "bool") truths.push_back(*at);
      if (column["meta"].IsDefined()) {
        const YAML::Node ucd = yaml_entry(column["meta"], "ucd");
        if (ucd.IsDefined() && ucd.IsScalar()) table.ucds[*at] = ucd.Scalar();
      }
      table.frames[*at] = ecsv_frame(header, table.header[*at]);
    }
  } catch (const YAML::Exception& error) {
    throw FormatError(table.name + ": expected the header of ECSV as YAML, found a fault: " + error.what());
  }
  return truths;
}

}  // namespace abell::detail

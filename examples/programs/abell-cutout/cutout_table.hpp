#pragma once
/// The table of a set of cut-outs, and the names of its files.

#include <abell/data/positions.hpp>
#include <abell/data/table.hpp>
#include <abell/images/fits_grammar.hpp>
#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "../common/carried_names.hpp"

namespace abell::program {

/// What the table tells of an object.
struct CutoutRow {
  std::string xray, exposure, optical, third;             ///< files, relative to the table
  std::string xray_source, optical_source, third_source;  ///< the mosaics' file names
  double xray_covered = 0, optical_covered = 0, third_covered = 0;
  double counts = 0, exposure_share = 0;
  std::optional<double> exposure_s;  ///< null for a map in another unit than seconds
};

/// Which bands a set has, and when objects are flagged.
struct CutoutTableOptions {
  bool exposure = false, optical = false, third = false;
  double edge = 0;          ///< covered share
  double low_exposure = 0;  ///< share of the longest exposure
};

/// A file name for each id: letters, digits and .+-_ stay; names that fall together are numbered.
inline std::vector<std::string> file_stems(const std::vector<SkyObject>& objects) {
  std::vector<std::string> stems;
  std::set<std::string> taken;
  for (const SkyObject& object : objects) {
    std::string stem = object.id.substr(0, 120);
    for (char& c : stem) {
      if (std::isalnum(static_cast<unsigned char>(c)) == 0 &&
          std::string_view(".+-_").find(c) == std::string_view::npos)
        c = '_';
    }
    if (stem.starts_with('.')) stem[0] = '_';
    std::string name = stem;
    for (int n = 2; !taken.insert(name).second; ++n) name = stem + "-" + std::to_string(n);
    stems.push_back(std::move(name));
  }
  return stems;
}

/// What is to be known before a cut-out is used, with semicolons between: edge, low_exposure,
/// no_optical, optical_edge, no_third, third_edge.
inline std::string cutout_flags(const CutoutRow& row, const CutoutTableOptions& options) {
  std::string flags;
  const auto flag = [&](bool set, const char* name) {
    if (set) flags += (flags.empty() ? "" : ";") + std::string(name);
  };
  flag(row.xray_covered < options.edge, "edge");
  flag(options.exposure && row.exposure_share < options.low_exposure, "low_exposure");
  flag(row.optical.empty(), "no_optical");
  flag(!row.optical.empty() && row.optical_covered < options.edge, "optical_edge");
  flag(options.third && row.third.empty(), "no_third");
  flag(!row.third.empty() && row.third_covered < options.edge, "third_edge");
  return flags;
}

/// Writes the table: id, class and colour where the catalogue has them, position, files, how well each was covered,
/// and the other `columns` of the catalogue.
inline void write_cutout_table(const std::filesystem::path& path, const std::vector<SkyObject>& objects,
                               const std::vector<std::string>& columns, const std::vector<CutoutRow>& cutouts,
                               const CutoutTableOptions& options) {
  using O = const SkyObject&;
  using R = const CutoutRow&;
  const auto share = [](double value) { return csv_number(std::round(value * 1e4) / 1e4); };
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows(objects.size());
  const auto column = [&](bool there, const char* name, const auto& value) {
    if (!there) return;
    header.emplace_back(name);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i].push_back(value(objects[i], cutouts[i]));
  };
  column(true, "id", [](O o, R) { return o.id; });
  const bool classes = std::ranges::any_of(objects, [](O o) { return !o.class_name.empty(); });
  column(classes, "class", [](O o, R) { return o.class_name; });
  column(true, "ra", [](O o, R) { return csv_number(o.position.ra); });
  column(true, "dec", [](O o, R) { return csv_number(o.position.dec); });
  const bool colours = std::ranges::any_of(objects, [](O o) { return !o.colour.empty(); });
  column(colours, "colour", [](O o, R) { return o.colour; });
  column(true, "xray", [](O, R r) { return r.xray; });
  column(options.exposure, "exposure", [](O, R r) { return r.exposure; });
  column(true, "optical", [](O, R r) { return r.optical; });
  column(options.third, "third", [](O, R r) { return r.third; });
  column(true, "counts", [](O, R r) { return csv_number(std::round(r.counts * 1e3) / 1e3); });
  column(true, "xray_covered", [&](O, R r) { return share(r.xray_covered); });
  const bool seconds = std::ranges::any_of(cutouts, [](R r) { return r.exposure_s.has_value(); });
  column(seconds, "exposure_s", [](O, R r) { return r.exposure_s ? csv_number(std::round(*r.exposure_s)) : ""; });
  column(options.exposure, "exposure_share", [&](O, R r) { return share(r.exposure_share); });
  column(true, "xray_source", [](O, R r) { return r.xray_source; });
  column(options.optical, "optical_covered", [&](O, R r) { return share(r.optical_covered); });
  column(options.optical, "optical_source", [](O, R r) { return r.optical_source; });
  column(options.third, "third_covered", [&](O, R r) { return share(r.third_covered); });
  column(options.third, "third_source", [](O, R r) { return r.third_source; });
  column(true, "flags", [&](O, R r) { return cutout_flags(r, options); });
  for (const std::string& name : carried_names(columns, header)) header.push_back(name);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    rows[i].insert(rows[i].end(), objects[i].fields.begin(), objects[i].fields.end());
  }
  write_csv(path, header, rows);
}

/// Removes the files of an earlier set that its table.csv names, and the table. Names that lead out of images/ stay,
/// and so do the files that this run reads.
inline void remove_cutouts(const std::filesystem::path& folder, const std::vector<std::string>& inputs) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  const fs::path path = folder / "table.csv";
  if (!fs::is_regular_file(path, ignored)) return;
  const Table table = read_csv(path);
  for (const char* band : {"xray", "exposure", "optical", "third"}) {
    const auto column = table.find(band);
    for (std::size_t row = 0; column && row < table.rows.size(); ++row) {
      const fs::path name = table.rows[row][*column], file = folder / name;
      const bool read = std::ranges::any_of(
          inputs, [&](const std::string& input) { return fs::equivalent(fits_base(input), file, ignored); });
      if (name.parent_path() == "images" && fs::is_regular_file(file, ignored) && !read) fs::remove(file, ignored);
    }
  }
  fs::remove(path, ignored);
}

}  // namespace abell::program

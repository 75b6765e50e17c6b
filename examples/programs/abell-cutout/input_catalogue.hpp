#pragma once
/// The options that tell where objects lie.

#include <abell/data/positions.hpp>
#include <optional>
#include <string>

#include "../common/program.hpp"

namespace abell::program {

/// A catalogue to be read.
struct InputCatalogue {
  std::string file, region_image;
  ColumnNames columns;
  bool strict = false;

  /// Reads it; pixels of regions refer to --region-image, else to `image`, which may be empty. Notes go to stderr.
  SkyCatalogue read(const std::string& image, bool quiet) const {
    const std::string& named = region_image.empty() ? image : region_image;
    std::optional<RegionImage> pixels;
    if (is_region_file(file) && !named.empty()) pixels = RegionImage(FitsFile(named));
    SkyCatalogue catalogue = read_catalogue(file, {columns, pixels ? &*pixels : nullptr, strict});
    print_notes(catalogue.notes, quiet);
    return catalogue;
  }
};

inline void add_catalogue(CLI::App& app, InputCatalogue& input) {
  app.option_defaults()->group("Catalogue");
  app.add_option(
         "--catalogue", input.file,
         "Positions: a table (CSV, tabs, semicolons, VizieR, IPAC, ECSV, VOTable, FITS), whose columns are known by "
         "their usual names or by UCDs, or DS9 regions (.reg)")
      ->required()
      ->type_name(file_type);
  const auto add_column = [&](const char* name, std::string& column, const char* help) {
    app.add_option(name, column, help)->type_name("COLUMN");
  };
  add_column("--ra", input.columns.ra, "Column of right ascensions or longitudes (default: by its usual names)");
  add_column("--dec", input.columns.dec, "Column of declinations or latitudes (default: by its usual names)");
  add_column("--id", input.columns.id, "Column of the objects' names (default: by its usual names)");
  add_column("--class", input.columns.class_name, "Column of the objects' classes (default: none)");
  app.add_option("--frame", input.columns.frame,
                 std::string("Of the positions: ") + sky_frame_names +
                     "; of regions before any that their file names, also image or physical (default: the "
                     "catalogue's own, else icrs, for regions physical)")
      ->type_name("FRAME");
  app.add_option("--region-image", input.region_image,
                 "Image that pixels of regions refer to (default: the only X-ray image)")
      ->type_name(file_type);
  app.add_flag("--strict", input.strict,
               "Refuse rows without a position, regions that mark no object and duplicate names (default: "
               "leave out, number)");
}

}  // namespace abell::program

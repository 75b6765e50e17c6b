#pragma once
/// Multi-order coverage maps in FITS files.

#include <abell/core/atomic_file.hpp>
#include <abell/core/error.hpp>
#include <abell/images/fits_write.hpp>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

namespace abell {

/// How `write_moc` writes; it throws IoError for a file that is there and may not be replaced.
struct MocWriteOptions {
  bool overwrite = false;                 ///< whether a file of that name may be replaced
  std::string creator = {};               ///< MOCTOOL: program and version
  std::vector<std::string> history = {};  ///< HISTORY, the command line say
};

/// Writes the coverage of images as the binary table of IVOA MOC 2.0, packed as NUNIQ, which readers of MOC 1 know,
/// too: `order` and `merged_cells` of a `Moc`.
inline void write_moc(const std::filesystem::path& path, int order, const std::vector<std::uint64_t>& merged_cells,
                      const MocWriteOptions& options = {}) {
  const auto lock = detail::lock_fits();
  const std::string name = path.string();
  std::error_code error;
  if (!options.overwrite && std::filesystem::exists(path, error)) throw IoError(name + ": already exists");
  std::vector<LONGLONG> cells(merged_cells.begin(), merged_cells.end());

  detail::MemoryFits memory(name);
  fitsfile* file = memory.file.get();
  int status = 0;
  std::string title = "UNIQ", form = "1K";
  char *titles = title.data(), *forms = form.data();
  fits_create_tbl(file, BINARY_TBL, 0, 1, &titles, &forms, nullptr, "MOC", &status);
  const auto text = [&](const char* keyword, const std::string& value, const char* comment) {
    fits_write_key_longstr(file, keyword, detail::header_text(value).c_str(), comment, &status);
  };
  text("MOCVERS", "2.0", "version of the standard IVOA MOC");
  text("MOCDIM", "SPACE", "dimension");
  text("ORDERING", "NUNIQ", "4 * 4^order + number of a cell");
  text("COORDSYS", "C", "ICRS");
  fits_write_key(file, TINT, "MOCORD_S", &order, "finest order", &status);
  fits_write_key(file, TINT, "MOCORDER", &order, "the same, for readers of MOC 1", &status);
  text("MOCTYPE", "IMAGE", "coverage of images");
  if (!options.creator.empty()) text("MOCTOOL", options.creator, "program that made this file");
  fits_write_date(file, &status);
  for (const std::string& line : options.history) {
    fits_write_history(file, detail::header_text(line).c_str(), &status);
  }
  fits_write_col(file, TLONGLONG, 1, 1, 1, static_cast<LONGLONG>(cells.size()), cells.data(), &status);
  detail::check_fits(status, name, "cannot be written as FITS");
  detail::save_fits(memory, path, Durability::now);
}

}  // namespace abell

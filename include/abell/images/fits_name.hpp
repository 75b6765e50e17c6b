#pragma once
/// Which names of FITS files are taken, and how they are opened.

#include <abell/core/error.hpp>
#include <abell/images/fits_grammar.hpp>
#include <abell/images/fits_library.hpp>
#include <abell/images/fits_tiles.hpp>
#include <abell/images/image.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace abell {

/// The most planes that a FITS image may have.
inline constexpr int max_fits_planes = 16;

namespace detail {

/// The parts of a name in CFITSIO's extended syntax, as CFITSIO itself tells them apart.
struct FitsName {
  std::string scheme, file, output, extension, filter, bins, columns, pixels, compression;
};

/// Throws FormatError when CFITSIO cannot read the name.
inline FitsName parse_fits_name(const std::string& name) {
  std::array<std::array<char, FLEN_FILENAME>, 9> parts{};
  std::string copy = name;
  int status = 0;
  fits_clear_errmsg();
  ffifile2(copy.data(), parts[0].data(), parts[1].data(), parts[2].data(), parts[3].data(), parts[4].data(),
           parts[5].data(), parts[6].data(), parts[7].data(), parts[8].data(), &status);
  check_fits(status, name, "is no name in CFITSIO's extended syntax");
  return {parts[0].data(), parts[1].data(), parts[2].data(), parts[3].data(), parts[4].data(),
          parts[5].data(), parts[6].data(), parts[7].data(), parts[8].data()};
}

/// CFITSIO must take the brackets for what they were checked as. Throws IoError.
inline void check_same_parts(const FitsName& parts, const FitsBrackets& brackets, const std::string& base,
                             const std::string& name) {
  const auto same = [](std::string a, std::string b) {
    a.erase(a.find_last_not_of(' ') + 1);
    b.erase(b.find_last_not_of(' ') + 1);
    return a == b;
  };
  const bool rows = !brackets.filter.empty() || !brackets.section.empty();
  if (parts.scheme != "file://" || parts.file != base || !parts.output.empty() || !parts.compression.empty() ||
      !parts.columns.empty() || !parts.pixels.empty() || parts.filter.empty() == rows ||
      !same(parts.extension, brackets.extension) || !same(parts.bins, brackets.bins)) {
    throw IoError(name + ": only names of local files are accepted: CFITSIO would read this one in another way");
  }
}

/// CFITSIO drops blanks at the beginning of a name, and takes '~' there for a home.
inline std::string as_file(const std::string& name) {
  return name.starts_with(' ') || name.starts_with('~') ? "./" + name : name;
}

inline FitsPointer open_fits_named(const std::string& name, bool literal) {
  fitsfile* file = nullptr;
  int status = 0;
  fits_clear_errmsg();
  literal ? fits_open_diskfile(&file, name.c_str(), READONLY, &status)
          : fits_open_file(&file, name.c_str(), READONLY, &status);
  FitsPointer opened(file);
  check_fits(status, name, "cannot be opened as FITS");
  return opened;
}

/// The image that binning makes, by its number of bins on each axis, must not be larger than any image may be.
inline void check_bins(std::span<const double> sides, const std::string& name) {
  double all = 1;
  for (std::size_t i = 0; i < sides.size(); ++i) {
    const auto most = static_cast<double>(i < 2 ? max_image_side : max_fits_planes);
    if (!(sides[i] <= most)) {
      throw FormatError(name + ": expected at most " + std::to_string(std::lround(most)) + " bins on axis " +
                        std::to_string(i + 1) + ", found " + std::to_string(sides[i]));
    }
    all *= std::max(1.0, sides[i]);
  }
  constexpr long most = max_image_side * max_image_side;
  if (all > static_cast<double>(most)) {
    throw FormatError(name + ": expected at most " + std::to_string(most) + " bins in all, found " +
                      std::to_string(std::llround(all)));
  }
}

/// The number of bins of a width between two limits: in double, which holds any.
inline double bins_between(double low, double high, double width) { return std::abs((high - low) / width); }

/// How values of a column fall into the pixels of an axis: where the first and the last pixel end, and how wide they
/// are.
struct FitsBins {
  double from = 0, to = 0, width = 1;
};

/// Opens the table that a name bins, with those of its rows that `filter` picks.
inline FitsPointer open_binned_table(const FitsName& parts, const std::string& filter, const std::string& name) {
  const auto bracketed = [](const std::string& text) { return text.empty() ? "" : "[" + text + "]"; };
  const std::string brackets = bracketed(parts.extension) + bracketed(filter);
  FitsPointer file = open_fits_named(parts.file + brackets, brackets.empty());
  int status = 0, type = 0, units = 0;
  fits_get_hdu_type(file.get(), &type, &status);
  if (brackets.empty()) fits_get_num_hdus(file.get(), &units, &status);
  for (int unit = 1; unit <= units && type != BINARY_TBL && status == 0; ++unit) {
    fits_movabs_hdu(file.get(), unit, &type, &status);
  }
  check_fits(status, name, "cannot be binned");
  if (type == IMAGE_HDU) throw FormatError(name + ": expected a table to bin, found an image");
  return file;
}

/// The bins of each axis of the image that CFITSIO would make of a table.
inline std::vector<FitsBins> fits_bins(fitsfile* table, std::string bins, const std::string& name) {
  int status = 0, pixels = 0, axes = 0, reciprocal = 0;
  char columns[4][FLEN_VALUE] = {}, lows[4][FLEN_VALUE] = {}, highs[4][FLEN_VALUE] = {}, steps[4][FLEN_VALUE] = {};
  std::array<char, FLEN_VALUE> weight_column{};
  std::array<double, 4> low{}, high{}, step{};
  double weight = 0;
  fits_clear_errmsg();
  ffbins(bins.data(), &pixels, &axes, columns, low.data(), high.data(), step.data(), lows, highs, steps, &weight,
         weight_column.data(), &reciprocal, &status);
  std::array<int, 4> numbers{};
  std::array<long, 4> sides{};
  std::array<double, 4> from{}, to{}, size{};
  fits_calc_binningd(table, axes, columns, low.data(), high.data(), step.data(), lows, highs, steps, numbers.data(),
                     sides.data(), from.data(), to.data(), size.data(), &status);
  check_fits(status, name, "cannot be binned");
  std::vector<FitsBins> found;
  for (std::size_t i = 0; i < static_cast<std::size_t>(axes); ++i) found.push_back({from[i], to[i], size[i]});
  return found;
}

/// Checks the bins before CFITSIO makes the image, for the whole table: a row filter can only make ranges narrower.
inline void check_fits_bins(const FitsName& parts, const std::string& name) {
  if (parts.bins.empty()) return;
  const FitsPointer table = open_binned_table(parts, "", name);
  std::vector<double> sides;
  for (const FitsBins& bins : fits_bins(table.get(), parts.bins, name)) {
    sides.push_back(bins_between(bins.from, bins.to, bins.width));
  }
  check_bins(sides, name);
}

/// A section or a filter makes CFITSIO unpack tiles while it opens.
inline void check_filtered_tiles(const FitsName& parts, const std::string& name) {
  if (parts.filter.empty()) return;
  const FitsPointer file = open_fits_named(parts.file, true);
  int status = 0;
  int units = 0;
  fits_get_num_hdus(file.get(), &units, &status);
  for (int unit = 1; unit <= units; ++unit) {
    check_fits(fits_movabs_hdu(file.get(), unit, nullptr, &status), name, "cannot move to the next HDU");
    check_tiles(file.get(), name);
  }
}

/// Opens for reading; the rules are those of `FitsFile`. Throws IoError (no such file, refused name)
/// and FormatError (not FITS), naming the file.
inline FitsPointer open_fits(const std::filesystem::path& path) {
  const std::string name = path.string();
  const std::string base = fits_base(path).string();
  std::error_code error;
  if (!std::filesystem::exists(base, error)) {
    const bool beyond = base.find("://") != std::string::npos || base.find_first_of("(!") != std::string::npos ||
                        base.starts_with("mem:") || base.starts_with("shmem:") || base.starts_with('-') ||
                        base.starts_with("stdin") || base.starts_with("stdout");
    throw IoError(name + (beyond ? ": only names of local files are accepted" : ": no such file"));
  }
  if (!std::filesystem::is_regular_file(base, error)) throw IoError(name + ": not a regular file");
  const FitsBrackets brackets = fits_brackets(path);
  check_tile_headers(base, name);
  if (base == name) return open_fits_named(as_file(name), true);

  const FitsName parts = parse_fits_name(as_file(name));
  check_same_parts(parts, brackets, as_file(base), name);
  check_filtered_tiles(parts, name);
  check_fits_bins(parts, name);
  return open_fits_named(as_file(name), false);
}

}  // namespace detail

}  // namespace abell

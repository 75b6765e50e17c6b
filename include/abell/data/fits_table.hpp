#pragma once
/// FITS tables, read whole as texts.

#include <abell/core/angle.hpp>
#include <abell/core/error.hpp>
#include <abell/core/lower_case.hpp>
#include <abell/data/table.hpp>
#include <abell/images/fits_library.hpp>
#include <abell/images/fits_name.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace abell {

namespace detail {

/// A column of single values: its number from 1, and how it is read.
struct FitsColumn {
  int number = 0;
  int type = 0;  ///< TSTRING, TFLOAT, TDOUBLE, TLONGLONG or TLOGICAL
  std::size_t width = 0;
  bool array = false;  ///< whether its cells are the elements of an array in one row
};

/// Cells `first` to `first` + `count` of a column as text; null values are empty.
inline std::vector<std::string> whole_cells(fitsfile* file, const FitsColumn& column, LONGLONG first, std::size_t count,
                                            int& status) {
  std::vector<std::string> cells(count);
  std::vector<char> null(count);
  int any = 0;
  const auto size = static_cast<LONGLONG>(count), row = column.array ? 1 : first, element = column.array ? first : 1;
  const auto read = [&](auto values, const auto& text) {
    values.resize(count);
    fits_read_colnull(file, column.type, column.number, row, element, size, values.data(), null.data(), &any, &status);
    for (std::size_t i = 0; i < count; ++i) {
      if (null[i] == 0) cells[i] = text(values[i]);
    }
  };
  if (column.type == TSTRING) {
    std::vector<char> bytes(count * (column.width + 1));
    std::vector<char*> texts(count);
    for (std::size_t i = 0; i < count; ++i) texts[i] = bytes.data() + i * (column.width + 1);
    fits_read_colnull(file, TSTRING, column.number, row, element, size, texts.data(), null.data(), &any, &status);
    for (std::size_t i = 0; i < count; ++i) {
      if (null[i] != 0) continue;
      cells[i] = texts[i];
      cells[i].erase(cells[i].find_last_not_of(' ') + 1);
    }
  } else if (column.type == TLONGLONG) {
    read(std::vector<LONGLONG>(), [](LONGLONG value) { return std::to_string(value); });
  } else if (column.type == TLOGICAL) {
    read(std::vector<char>(), [](char value) { return value != 0 ? "1" : "0"; });
  } else if (column.type == TFLOAT) {
    read(std::vector<float>(), [](float value) { return shortest_number(value); });
  } else {
    read(std::vector<double>(), [](double value) { return shortest_number(value); });
  }
  return cells;
}

/// The same; values that cannot be read are empty and `unreadable`, the number of each.
inline std::vector<std::string> fits_cells(fitsfile* file, const FitsColumn& column, LONGLONG first, std::size_t count,
                                           std::vector<LONGLONG>& unreadable, int& status) {
  std::vector<std::string> cells = whole_cells(file, column, first, count, status);
  if (status != BAD_C2I && status != BAD_C2F && status != BAD_C2D && status != NUM_OVERFLOW) return cells;
  status = 0;
  fits_clear_errmsg();
  if (count == 1) {
    unreadable.push_back(first);
    return {""};
  }
  const std::size_t half = count / 2;
  cells = fits_cells(file, column, first, half, unreadable, status);
  for (std::string& cell :
       fits_cells(file, column, first + static_cast<LONGLONG>(half), count - half, unreadable, status)) {
    cells.push_back(std::move(cell));
  }
  return cells;
}

/// A keyword of the header as text, empty without.
inline std::string fits_text(fitsfile* file, const std::string& keyword) {
  std::array<char, FLEN_VALUE> value{};
  int missing = 0;
  fits_read_key(file, TSTRING, keyword.c_str(), value.data(), nullptr, &missing);
  return value.data();
}

/// The same for a text that may go on in CONTINUE cards.
inline std::string fits_long_text(fitsfile* file, const std::string& keyword) {
  char* value = nullptr;
  int missing = 0, freed = 0;
  fits_read_key_longstr(file, keyword.c_str(), &value, nullptr, &missing);
  if (value == nullptr) return {};
  std::string text = value;
  fits_free_memory(value, &freed);
  return text;
}

/// The frame that a header tells: RADESYS and EQUINOX, or the default of the standard for an equinox alone.
inline std::string fits_frame(fitsfile* file) {
  std::string frame = fits_text(file, "RADESYS");
  if (frame.empty()) frame = fits_text(file, "RADECSYS");
  const std::string equinox = fits_text(file, "EQUINOX");
  const auto year = plain_number(equinox);
  if (frame.empty() && year) frame = *year < 1984 ? "FK4" : "FK5";
  fits_clear_errmsg();
  return lower_case(frame).starts_with("fk") ? frame + " " + equinox : frame;
}

/// The table that the current HDU holds.
struct FitsTable {
  LONGLONG rows = 0;
  std::vector<FitsColumn> columns = {};  ///< those of single values; a table of texts has no others
};

/// The length that all arrays of a single row have, on their last axis: STILTS's colfits, in which each is a column; 0
/// for any other table.
inline LONGLONG array_length(fitsfile* file, int columns) {
  LONGLONG length = 0;
  for (int number = 1; number <= columns; ++number) {
    std::array<LONGLONG, 9> axes{};
    int type = 0, count = 0, status = 0;
    fits_get_coltype(file, number, &type, nullptr, nullptr, &status);
    fits_read_tdimll(file, number, static_cast<int>(axes.size()), &count, axes.data(), &status);
    const bool array = status == 0 && type > 0 && count >= (type == TSTRING ? 2 : 1) && count <= 9;
    const LONGLONG last = array ? axes[static_cast<std::size_t>(count) - 1] : 0;
    if (last <= 0 || (length != 0 && last != length)) return 0;
    length = last;
  }
  return length;
}

/// Finds the rows and the columns of the current HDU, and fills the header.
inline FitsTable find_table(fitsfile* file, TableHeader& found) {
  int status = 0, count = 0, kind = 0;
  FitsTable table;
  fits_get_hdu_type(file, &kind, &status);
  fits_get_num_rowsll(file, &table.rows, &status);
  check_fits(fits_get_num_cols(file, &count, &status), found.name, "cannot count rows and columns");
  const LONGLONG length = table.rows == 1 && kind == BINARY_TBL ? array_length(file, count) : 0;
  if (length > 0) table.rows = length;
  for (int number = 1; number <= count; ++number) {
    int type = 0;
    LONGLONG repeat = 0, width = 0;
    fits_get_eqcoltypell(file, number, &type, &repeat, &width, &status);
    check_fits(status, found.name, "cannot read the form of a column");
    const std::string axes = fits_text(file, "TDIM" + std::to_string(number));
    const bool one_text =
        length > 0 ? repeat % length == 0 && repeat / length == width : axes.find(',') == std::string::npos;
    const LONGLONG most = length > 0 ? width : repeat;
    const bool text = type == TSTRING && one_text && most >= 1 && most <= 4096;
    const bool whole = type == TBYTE || type == TSBYTE || type == TSHORT || type == TUSHORT || type == TINT ||
                       type == TLONG || type == TULONG || type == TLONGLONG;
    const bool single =
        repeat == std::max(length, LONGLONG{1}) && (whole || type == TFLOAT || type == TDOUBLE || type == TLOGICAL);
    if (!text && !single) continue;
    // CFITSIO takes columns of ASCII tables for floats that have more digits.
    const bool narrow = type == TFLOAT && kind == BINARY_TBL;
    const int read_as = text ? TSTRING : whole ? TLONGLONG : type == TLOGICAL ? TLOGICAL : narrow ? TFLOAT : TDOUBLE;
    table.columns.push_back({number, read_as, static_cast<std::size_t>(std::max(most, width)), length > 0});
    found.header.push_back(fits_text(file, "TTYPE" + std::to_string(number)));
    found.units.push_back(fits_text(file, "TUNIT" + std::to_string(number)));
    found.ucds.push_back(fits_text(file, "TUCD" + std::to_string(number)));
    found.descriptions.push_back(fits_long_text(file, "TCOMM" + std::to_string(number)));
  }
  found.frames.assign(found.header.size(), fits_frame(file));
  fits_clear_errmsg();
  return table;
}

/// The table at which the file is.
inline Table read_current_table(fitsfile* file, const std::string& name) {
  Table found;
  found.name = name;
  const auto [rows, columns] = find_table(file, found);
  int status = 0;
  if (fits_text(file, "ZTABLE") == "T") {
    throw FormatError(name + ": expected a plain table, found one packed by fpack: unpack it with funpack");
  }
  if (columns.empty() && rows > 0) throw FormatError(name + ": expected columns of single values, found arrays only");
  fits_clear_errmsg();
  std::vector<std::vector<LONGLONG>> unreadable(columns.size());
  constexpr LONGLONG block = 1024;  // a wrong NAXIS2 ends at the end of the file, before memory does
  for (LONGLONG first = 1; first <= rows; first += block) {
    const auto count = static_cast<std::size_t>(std::min(block, rows - first + 1));
    const std::size_t start = found.rows.size();
    found.rows.resize(start + count);
    for (std::size_t c = 0; c < columns.size(); ++c) {
      std::vector<std::string> cells = fits_cells(file, columns[c], first, count, unreadable[c], status);
      check_fits(status, name, "cannot read the table");
      for (std::size_t i = 0; i < count; ++i) found.rows[start + i].push_back(std::move(cells[i]));
    }
  }
  for (std::size_t row = 0; row < found.rows.size(); ++row) found.lines.push_back(static_cast<int>(row) + 1);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    if (unreadable[c].empty()) continue;
    found.notes.push_back(name + ": column '" + found.header[c] + "': " + std::to_string(unreadable[c].size()) +
                          " values cannot be read and count as null, the first in row " +
                          std::to_string(unreadable[c].front()));
  }
  return found;
}

/// Whether a FITS file has a table and no image of two axes: STILTS puts a text before its tables, of one.
inline bool has_only_tables(const std::filesystem::path& path) {
  const auto lock = lock_fits();
  const FitsPointer file = open_fits(path);
  int status = 0, units = 0;
  bool table = false;
  fits_get_num_hdus(file.get(), &units, &status);
  for (int unit = 1; unit <= units && status == 0; ++unit) {
    int type = 0, axes = 0;
    fits_movabs_hdu(file.get(), unit, &type, &status);
    if (type == IMAGE_HDU) fits_get_img_dim(file.get(), &axes, &status);
    if (axes > 1 || fits_is_compressed_image(file.get(), &status) != 0) return false;
    table = table || type != IMAGE_HDU;
  }
  return table && status == 0;
}

}  // namespace detail

/// Reads the first table of a FITS file that is `wanted`, else the first one, or the one that the name chooses (rules
/// of names: `FitsFile`). Columns of single numbers, truth values (1, 0) and texts are kept, others left out. Throws
/// IoError and FormatError (not FITS, no table, truncated, packed) naming the file.
inline Table read_fits_table(const std::filesystem::path& path,
                             const std::function<bool(const TableHeader&)>& wanted = {}) {
  const auto lock = detail::lock_fits();
  const std::string name = path.string();
  const detail::FitsPointer handle = detail::open_fits(path);
  fitsfile* file = handle.get();
  int status = 0, type = IMAGE_HDU, unit = 1, units = 0, found = 0;
  fits_get_hdu_num(file, &unit);
  fits_get_num_hdus(file, &units, &status);
  fits_get_hdu_type(file, &type, &status);
  const bool chosen = type != IMAGE_HDU;
  for (; unit <= units && status == 0; ++unit) {
    fits_movabs_hdu(file, unit, &type, &status);
    if (status != 0 || type == IMAGE_HDU) continue;
    if (found == 0) found = unit;
    TableHeader header{name, {}};
    if (!chosen && wanted) detail::find_table(file, header);
    if (!chosen && wanted && !wanted(header)) continue;
    found = unit;
    break;
  }
  detail::check_fits(status, name, "cannot look for a table");
  if (found == 0) throw FormatError(name + ": expected a FITS table, found images only");
  fits_movabs_hdu(file, found, nullptr, &status);
  detail::check_fits(status, name, "cannot go to the table");
  return detail::read_current_table(file, name);
}

}  // namespace abell

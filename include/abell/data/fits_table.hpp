#pragma once
/// FITS tables, read whole.

#include <abell/core/error.hpp>
#include <abell/data/table.hpp>
#include <abell/images/fits_library.hpp>
#include <abell/images/fits_name.hpp>
#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace abell {

/// A table of texts as a CSV file would have it, and the unit of each column ("" without).
struct FitsTable {
  Table table;
  std::vector<std::string> units;
};

namespace detail {

/// A scalar column: its number from 1, and how it is read.
struct FitsColumn {
  int number = 0;
  int type = 0;  ///< TSTRING, TDOUBLE, TLONGLONG or TLOGICAL
  std::size_t width = 0;
};

/// Cells `first` to `first` + `count` of a column as text; null values are empty.
inline std::vector<std::string> fits_cells(fitsfile* file, const FitsColumn& column, LONGLONG first, std::size_t count,
                                           int& status) {
  std::vector<std::string> cells(count);
  std::vector<char> null(count);
  int any = 0;
  const auto size = static_cast<LONGLONG>(count);
  const auto read = [&](auto values, const auto& text) {
    values.resize(count);
    fits_read_colnull(file, column.type, column.number, first, 1, size, values.data(), null.data(), &any, &status);
    for (std::size_t i = 0; i < count; ++i) {
      if (null[i] == 0) cells[i] = text(values[i]);
    }
  };
  if (column.type == TSTRING) {
    std::vector<char> bytes(count * (column.width + 1));
    std::vector<char*> texts(count);
    for (std::size_t i = 0; i < count; ++i) texts[i] = bytes.data() + i * (column.width + 1);
    fits_read_colnull(file, TSTRING, column.number, first, 1, size, texts.data(), null.data(), &any, &status);
    for (std::size_t i = 0; i < count; ++i) {
      if (null[i] != 0) continue;
      cells[i] = texts[i];
      cells[i].erase(cells[i].find_last_not_of(' ') + 1);
    }
  } else if (column.type == TLONGLONG) {
    read(std::vector<LONGLONG>(), [](LONGLONG value) { return std::to_string(value); });
  } else if (column.type == TLOGICAL) {
    read(std::vector<char>(), [](char value) { return value != 0 ? "1" : "0"; });
  } else {
    read(std::vector<double>(), [](double value) { return csv_number(value); });
  }
  return cells;
}

/// The scalar columns of the current HDU; fills names and units.
inline std::vector<FitsColumn> fits_columns(fitsfile* file, FitsTable& found) {
  int status = 0;
  int count = 0;
  check_fits(fits_get_num_cols(file, &count, &status), found.table.name, "cannot count the columns");
  std::vector<FitsColumn> columns;
  for (int number = 1; number <= count; ++number) {
    int type = 0;
    LONGLONG repeat = 0, width = 0;
    fits_get_eqcoltypell(file, number, &type, &repeat, &width, &status);
    check_fits(status, found.table.name, "cannot read the form of a column");
    const bool text = type == TSTRING && repeat >= 1 && repeat <= 4096;
    const bool whole = type == TBYTE || type == TSBYTE || type == TSHORT || type == TUSHORT || type == TINT ||
                       type == TLONG || type == TULONG || type == TLONGLONG;
    const bool scalar = repeat == 1 && (whole || type == TFLOAT || type == TDOUBLE || type == TLOGICAL);
    if (!text && !scalar) continue;
    const auto key = [&](const std::string& keyword) {
      std::array<char, FLEN_VALUE> value{};
      int missing = 0;
      fits_read_key(file, TSTRING, (keyword + std::to_string(number)).c_str(), value.data(), nullptr, &missing);
      return std::string(value.data());
    };
    columns.push_back({number,
                       text               ? TSTRING
                       : whole            ? TLONGLONG
                       : type == TLOGICAL ? TLOGICAL
                                          : TDOUBLE,
                       static_cast<std::size_t>(std::max(repeat, width))});
    found.table.header.push_back(key("TTYPE"));
    found.units.push_back(key("TUNIT"));
  }
  fits_clear_errmsg();
  return columns;
}

}  // namespace detail

/// Reads the first table of a FITS file, or the one that the name chooses (rules of names: `FitsFile`).
/// Columns of single numbers, truth values (1, 0) and texts are kept, others left out. Throws IoError
/// and FormatError (not FITS, no table, truncated) naming the file.
inline FitsTable read_fits_table(const std::filesystem::path& path) {
  const auto lock = detail::lock_fits();
  FitsTable found;
  found.table.name = path.string();
  const std::string& name = found.table.name;
  const detail::FitsPointer handle = detail::open_fits(path);
  fitsfile* file = handle.get();
  int status = 0, type = IMAGE_HDU, units = 0;
  fits_get_hdu_type(file, &type, &status);
  fits_get_num_hdus(file, &units, &status);
  for (int unit = 2; unit <= units && type == IMAGE_HDU && status == 0; ++unit) {
    fits_movabs_hdu(file, unit, &type, &status);
  }
  detail::check_fits(status, name, "cannot look for a table");
  if (type == IMAGE_HDU) throw FormatError(name + ": expected a FITS table, found images only");

  const std::vector<detail::FitsColumn> columns = detail::fits_columns(file, found);
  LONGLONG rows = 0;
  detail::check_fits(fits_get_num_rowsll(file, &rows, &status), name, "cannot count the rows");
  constexpr LONGLONG block = 1024;  // a wrong NAXIS2 ends at the end of the file, before memory does
  for (LONGLONG first = 1; first <= rows && !columns.empty(); first += block) {
    const auto count = static_cast<std::size_t>(std::min(block, rows - first + 1));
    const std::size_t start = found.table.rows.size();
    found.table.rows.resize(start + count);
    for (const detail::FitsColumn& column : columns) {
      std::vector<std::string> cells = detail::fits_cells(file, column, first, count, status);
      detail::check_fits(status, name, "cannot read the table");
      for (std::size_t i = 0; i < count; ++i) found.table.rows[start + i].push_back(std::move(cells[i]));
    }
  }
  for (std::size_t row = 0; row < found.table.rows.size(); ++row)
    found.table.lines.push_back(static_cast<int>(row) + 1);
  return found;
}

}  // namespace abell

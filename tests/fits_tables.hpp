#pragma once
/// FITS tables for the tests, made in memory.

#include <string>
#include <vector>

#include "fuzz/seeds.hpp"

/// A column of a FITS table and its keywords.
struct FitsTableColumn {
  std::string name, form, unit = {}, ucd = {};
};

/// Writes a FITS table of numbers: `values` row by row.
inline void write_table(fitsfile* file, int kind, std::vector<FitsTableColumn> columns,
                        const std::vector<double>& values, int& status) {
  std::vector<char*> names, forms, units;
  for (FitsTableColumn& column : columns) {
    names.push_back(column.name.data());
    forms.push_back(column.form.data());
    units.push_back(column.unit.data());
  }
  fits_create_tbl(file, kind, 0, static_cast<int>(columns.size()), names.data(), forms.data(), units.data(), "TABLE",
                  &status);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::string key = "TUCD" + std::to_string(i + 1);
    if (!columns[i].ucd.empty()) fits_update_key(file, TSTRING, key.c_str(), columns[i].ucd.data(), nullptr, &status);
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    double value = values[i];
    fits_write_col(file, TDOUBLE, static_cast<int>(i % columns.size()) + 1,
                   static_cast<LONGLONG>(i / columns.size()) + 1, 1, 1, &value, &status);
  }
}

inline std::string fits_table(const std::vector<FitsTableColumn>& columns, const std::vector<double>& values) {
  const auto fill = [&](fitsfile* file, int& status) { write_table(file, BINARY_TBL, columns, values, status); };
  return seeds::made("table", fill).second;
}
